"""The store of command runs in the small world of a command machine: one run, whose every call takes time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.memory_table import MemoryTable

from wavebreak.domain.commands.query_merge import QueryAnswer
from wavebreak.domain.commands.runs import CommandRun, CommandTarget, TargetState
from wavebreak.problems import NotFound
from wavebreak.store.commands import CommandStore
from wavebreak.store.executions import ExecutionStore
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.support.command_machine_world import World

    from wavebreak.domain.executions.model.attribution import Attribution


class FakeStore(CommandStore):
    """`CommandStore` in memory, for one run; each call takes time, and is all or nothing."""

    def __init__(self, world: World) -> None:
        super().__init__(MemoryTable(), ExecutionStore(MemoryTable()))
        self.world = world

    def load(self, command_id: str) -> CommandRun:
        """Read the run."""
        self.world.step()
        assert command_id == self.world.run.command_id
        return self.world.run

    def change(self, _command_id: str, decide: Callable[[CommandRun], CommandRun], _act: Attribution) -> CommandRun:
        """Change the run."""
        self.world.step()
        before = self.world.run
        after = decide(before)
        assert not (before.status.is_terminal and after.status is not before.status)
        self.world.run = replace(after, succeeded=after.succeeded, failed=after.failed)
        self.world.step()
        return self.world.run

    def target(self, _command_id: str, number: int) -> CommandTarget:
        """Read a target."""
        self.world.step()
        if number not in self.world.targets:
            raise NotFound(f"There is no target {number}")
        return CommandTarget.read(self.world.targets[number].record())

    def targets(self, _command_id: str) -> Iterator[tuple[CommandTarget, bool | None, QueryAnswer]]:
        """Read all targets."""
        self.world.step()
        for number, target in sorted(self.world.targets.items()):
            result = self.world.results.get(number)
            yield target, (result[0]["success"] if result else None), (result[1] if result else QueryAnswer())

    def move(self, _command_id: str, before: CommandTarget, after: CommandTarget) -> bool:
        """Write how far a target got."""
        self.world.step()
        if self.world.targets[before.number].state is not before.state:
            return False
        assert after.state is not TargetState.ENDED
        self.world.targets[before.number] = after
        self.world.step()
        return True

    def move_all(self, command_id: str, moves: Sequence[tuple[CommandTarget, CommandTarget]]) -> None:
        """Write how far many targets got."""
        for before, after in moves:
            self.move(command_id, before, after)

    def end(
        self,
        _command_id: str,
        target: CommandTarget,
        result: Mapping[str, Any],
        answer: QueryAnswer | None = None,
        *,
        only_as_read: bool = False,
    ) -> bool:
        """Write the one result of a target."""
        self.world.step()
        state = self.world.targets[target.number].state
        if state is TargetState.ENDED or (only_as_read and state is not target.state):
            return False
        assert target.number not in self.world.results, "a second result"
        self.world.targets[target.number] = replace(target, state=TargetState.ENDED)
        self.world.results[target.number] = (result, answer or QueryAnswer())
        self.world.ended_at[target.number] = self.world.time.now
        self.world.step()
        return True

    def count(self, _command_id: str, *, succeeded: bool) -> None:
        """Count a result."""
        run = self.world.run
        self.world.step()
        if not run.status.is_terminal:
            field_name = "succeeded" if succeeded else "failed"
            self.world.run = replace(self.world.run, **{field_name: getattr(self.world.run, field_name) + 1})

    def deal(self, _command_id: str, machine_run: int, taken: int) -> None:
        """Begin to deal."""
        self.world.step()
        self.world.turns = (machine_run, taken)
        self.world.step()

    def taken(self, _command_id: str) -> int:
        """Tell up to which number was dealt."""
        self.world.step()
        return self.world.turns[1]

    def take(self, _command_id: str, machine_run: int) -> int | None:
        """Take the next number."""
        self.world.step()
        run, taken = self.world.turns
        if run != machine_run:
            return None
        self.world.turns = (run, taken + 1)
        self.world.step()
        return taken + 1

    def late(self, _command_id: str) -> list[CommandTarget]:
        """Read the postponed targets."""
        self.world.step()
        return [one for _, one in sorted(self.world.targets.items()) if one.state is TargetState.POSTPONED]
