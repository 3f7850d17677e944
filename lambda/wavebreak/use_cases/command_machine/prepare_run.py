"""A command run prepared for its workers: reachable targets go first, and the others wait for their agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from wavebreak.aws.agents import read_agents
from wavebreak.domain.commands import delivery
from wavebreak.domain.commands.catalogue import CommandMode, command_mode
from wavebreak.domain.commands.concurrency import concurrency, rounds_of_a_worker
from wavebreak.domain.commands.runs import TargetState
from wavebreak.domain.errors.record import Severity
from wavebreak.observability.error_tracker import concerns
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wavebreak.domain.commands.runs import CommandRun, CommandTarget
    from wavebreak.ports.capabilities import HasClock, HasCommands, HasErrors, HasSsmAgents, HasTiming
    from wavebreak.site import Site

    class Ports(HasClock, HasCommands, HasErrors, HasSsmAgents, HasTiming, Protocol):
        """What preparing a run needs."""


class Preparation(Value):
    """The machine's view of a run: constant in size, whatever the number of targets."""

    run: int
    sequential: bool
    first: tuple[int, ...]
    """The targets that the workers begin with, one for each; 0 is for a target whose agent comes later."""

    def output(self) -> dict[str, Any]:
        """Return the state machine's view."""
        return {
            "run": self.run,
            "sequential": self.sequential,
            "workers": [{"worker": worker, "number": number} for worker, number in enumerate(self.first, start=1)],
            "most": rounds_of_a_worker(len(self.first)) if self.first else 0,
        }


def prepare(app: Ports, command_id: str) -> Preparation:
    """Ask which targets can be reached, postpone the others, and assign the first ones to the workers.

    A target that an earlier run of the machine had in hand comes first: what was sent is in flight.
    """
    run = app.commands.load(command_id)
    concerns(run.execution_id)
    sequential = command_mode(run.command) is CommandMode.SEQUENTIAL
    if run.status.is_terminal:
        return Preparation(run.machine_run, sequential, ())
    left = [target for target, _, _ in app.commands.targets(command_id) if target.state is not TargetState.ENDED]
    out_of_reach = _postpone(app, run, left)
    numbers = [target.number for target in left if target.number not in out_of_reach]
    in_flight = [target.number for target in left if target.state in {TargetState.SENDING, TargetState.SENT}]
    order = [*in_flight, *(number for number in numbers if number not in set(in_flight))]
    workers = concurrency(run.command, len(left))
    first = order[:workers]
    rest = sorted(order[workers:])
    app.commands.deal(command_id, run.machine_run, rest[0] - 1 if rest else run.total)
    return Preparation(run.machine_run, sequential, (*first, *[0] * (workers - len(first))))


def _postpone(app: Ports, run: CommandRun, left: Sequence[CommandTarget]) -> set[int]:
    """Postpone the targets whose agents do not answer; return the numbers of all that are postponed now."""
    out_of_reach = {target.number for target in left if target.state is TargetState.POSTPONED}
    if run.sends_nothing_more:
        return out_of_reach

    def note(error: Exception, site: Site) -> None:
        app.errors.record_error(error, Severity.WARNING, site=str(site))

    waiting = [target for target in left if target.state is TargetState.WAITING and target.instance_id]
    seen = read_agents(waiting, app.ssm_at, note)
    called = run.wave is None
    moves = []
    for target in waiting:
        absent, silent = seen.is_absent(target), seen.is_silent(target)
        if absent or (silent and not (called and seen.is_left_alone(target))):
            late = absent or called
            moves.append((target, delivery.postponed(target, app.now(), app.timing, late=late)))
    app.commands.move_all(run.command_id, moves)
    return out_of_reach | {target.number for target, _ in moves}
