"""The command runs of a small world: what the store keeps of them, and the functions on their way to make one.

A function writes its intent, and then makes or cancels the run by what it read with that; a crash or any time may come
between. Making a run that there is already changes nothing, as the store has it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from wavebreak.domain.commands.summary import FAILED_EVERYWHERE
from wavebreak.domain.executions.observation import StepView
from wavebreak.domain.executions.stepping import wave_steps
from wavebreak.domain.executions.stepping.model import StepPhase
from wavebreak.execution_utils import WaveStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wavebreak.domain.executions.model import Execution
    from wavebreak.domain.executions.stepping.model import WaveStep

RUNNING: Final = "IN_PROGRESS"
CANCELLING: Final = "CANCELLING"
NEVER_BEGUN: Final = "COMPLETE_FAILURE"


@dataclass(frozen=True)
class Bound:
    """A function that has written its intent, with the execution as it read it then."""

    seen: Execution
    wave: int
    command: WaveStep

    @property
    def name(self) -> str:
        """Id of the run that it is about to make."""
        return wave_steps.run_id(self.seen.execution_id, self.wave, self.command)

    @property
    def of_wave(self) -> str:
        """What the ids of all runs of this wave begin with."""
        return self.name.rpartition("-")[0] + f"-w{self.wave:03d}"


@dataclass
class CommandRuns:
    """The status of every run by its id, and the functions that are held up before they make theirs."""

    statuses: dict[str, str] = field(default_factory=dict)
    held: list[Bound] = field(default_factory=list)
    reached: dict[str, set[str]] = field(default_factory=dict)
    """The source servers that each run was made for."""

    def running(self) -> list[str]:
        """Name the runs that have not ended."""
        return [name for name, status in self.statuses.items() if status in {RUNNING, CANCELLING}]

    def carry_out(self, bound: Bound) -> None:
        """Let a function go on: it makes its run, or cancels it if it had read that the execution is cancelled."""
        name = bound.name
        if bound.seen.cancel is not None:
            if name not in self.statuses:
                self.statuses[name] = NEVER_BEGUN
            else:
                self.cancel([name])
        elif name not in self.statuses:
            beside = [other for other in self.running() if other.startswith(bound.of_wave)]
            assert not beside, f"{name} is made while {beside} has not ended"
            self.statuses[name] = RUNNING
            wave = bound.seen.wave(bound.wave)
            reached = wave_steps.targets(bound.seen, wave, bound.command.phase)
            self.reached[name] = {server.source_server_id for _, server in reached}

    def cancel(self, names: Iterable[str]) -> None:
        """Cancel runs; those that have ended stay as they are."""
        for name in names:
            if self.statuses[name] == RUNNING:
                self.statuses[name] = CANCELLING

    def end(self, name: str, outcome: str) -> None:
        """Have a run come to its end; a cancelled one, too, may have succeeded."""
        assert self.statuses[name] in {RUNNING, CANCELLING}
        self.statuses[name] = outcome

    def check_completed(self, before: Execution, after: Execution) -> None:
        """Hold that in a wave that has completed every server was reached by every command after the launch."""
        for old, new in zip(before.waves, after.waves, strict=True):
            if new.status is old.status or new.status is not WaveStatus.COMPLETED:
                continue
            for command in wave_steps.of_phase(new, StepPhase.AFTER):
                name = wave_steps.run_id(after.execution_id, new.number, command)
                launched = {one.source_server_id for _, one in wave_steps.targets(after, new, StepPhase.AFTER)}
                assert launched <= self.reached.get(name, set()), f"{name} did not reach all that was launched"

    def come_to_their_ends(self, *, cancelled: bool) -> None:
        """Have all runs end; of a cancelled execution only those that were cancelled, too: a cancel reaches each."""
        for name in self.running():
            if not cancelled or self.statuses[name] == CANCELLING:
                self.end(name, "COMPLETE_SUCCESS")

    def views(self, execution: Execution) -> dict[str, StepView]:
        """Show the runs of the waves' running commands as the observing function reads them."""
        views = {}
        for wave in execution.waves:
            if wave.running_step is not None:
                name = wave_steps.run_id(execution.execution_id, wave.number, wave.running_step)
                status = self.statuses.get(name)
                ended = status is not None and status not in {RUNNING, CANCELLING}
                failure = FAILED_EVERYWHERE if status == NEVER_BEGUN else None
                views[name] = StepView(status is not None, status == CANCELLING, status if ended else None, failure)
        return views


def check_commands(before: Execution, after: Execution) -> None:
    """Hold what must be true of the commands of waves from one state to the next."""
    for old, new in zip(before.waves, after.waves, strict=True):
        assert sum(command.state == "STARTED" for command in new.steps) <= 1
        for was, command in zip(old.steps, new.steps, strict=True):
            assert (was.phase, was.position, was.name) == (command.phase, command.position, command.name)
            assert (command.outcome is None) == (command.state != "ENDED")
            ran_on = was.state == "STARTED" and was.again
            planned_anew = command.state == "PLANNED" and (was.state == "ENDED" or ran_on)
            assert command.run == was.run + planned_anew, "a run of its own each time, and only then"
            if (was.state, command.state) == ("STARTED", "PLANNED"):
                assert planned_anew, "a run that counts is never forgotten"
                assert after.cancel is None
            if command.again:
                assert (command.state, command.phase) == ("STARTED", "AFTER")
                assert was.again or new.attempt == old.attempt + 1, "only a retry has it run again"
            if (was.state, command.state) == ("PLANNED", "STARTED"):
                assert before.cancel is None, "a command was started after the cancel"
                assert new.status == "IN_PROGRESS"
                if command.phase is StepPhase.BEFORE:
                    assert not list(after.launch_jobs(new.number)), "a command before the launch came after it"
                else:
                    assert all(server.is_settled for server in new.servers)
                    assert not any(server.fails_wave for server in new.servers)
