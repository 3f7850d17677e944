"""The commands of a plan's waves: which is next, what its end means for the wave, and what a retry runs again. Pure.

`beforeCommands` run on the launched servers of the waves that a wave depends on, before its own are launched;
`afterCommands` on its own launched servers. Those of a list run one after another. A required one fails its wave when a
CRITICAL server among them did not succeed, or, if all are OPTIONAL, when none did; without any server a command is
skipped and fails nothing (contract 12). Any other outcome is reported only. Checks come last
(`checking`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.commands.runs import Asked
from wavebreak.domain.executions.model import LaunchStatus, Wave
from wavebreak.domain.executions.stepping.model import StepPhase, StepState, WaveStep
from wavebreak.execution_utils import WaveStatus
from wavebreak.identifiers import COMMAND_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wavebreak.domain.executions.model import Execution, Server

COMPLETE_SUCCESS: Final = "COMPLETE_SUCCESS"
SKIPPED: Final = "SKIPPED"
"""The outcome of a command that had no server to run on: no run was made for it."""
NO_SERVER: Final = "no server to run on"
_LETTERS: Final = {
    StepPhase.BEFORE: "b",
    StepPhase.AFTER: "a",
    StepPhase.CHECK: "c",
    StepPhase.CLOSING: "c",  # of one list: its positions are others
}
_LISTS: Final = {
    StepPhase.BEFORE: "beforeCommands",
    StepPhase.AFTER: "afterCommands",
    StepPhase.CHECK: "checks",
    StepPhase.CLOSING: "checks",
}
"""Where a wave of a plan document has the commands of a phase."""


def run_id(execution_id: str, wave: int, command: WaveStep) -> str:
    """Name the run of a wave's command. The same one always has the same name, so it is never made twice."""
    ulid = execution_id.partition("-")[2]
    return f"{COMMAND_ID}{ulid}-w{wave:03d}{_LETTERS[command.phase]}{command.position:02d}r{command.run}"


def asked_by(document: Mapping[str, Any], wave: int, command: WaveStep) -> Asked:
    """Read what a command or check of a wave of the frozen plan forwards."""
    written = document["waves"][wave - 1][_LISTS[command.phase]][command.position - 1]
    return Asked(written["command"], tuple(written.get("args") or ()), written.get("timeoutSeconds"))


def planned(before: Iterable[Mapping[str, object]], after: Iterable[Mapping[str, object]]) -> tuple[WaveStep, ...]:
    """Give the commands of a wave of a plan document, none of them started."""
    return tuple(
        WaveStep(phase, position, str(written["command"]), required=bool(written.get("required")))
        for phase, listed in ((StepPhase.BEFORE, before), (StepPhase.AFTER, after))
        for position, written in enumerate(listed, start=1)
    )


def of_phase(wave: Wave, phase: StepPhase) -> tuple[WaveStep, ...]:
    """Give a wave's commands of one phase, in their order."""
    return tuple(command for command in wave.steps if command.phase is phase)


def failed_required(wave: Wave, phase: StepPhase) -> WaveStep | None:
    """Give the required command of a phase that fails the wave, if there is one."""
    return next((command for command in of_phase(wave, phase) if _fails_wave(command)), None)


def is_done(wave: Wave, phase: StepPhase) -> bool:
    """Tell whether every command of a phase has run and none of them fails the wave."""
    commands = of_phase(wave, phase)
    return all(command.state is StepState.ENDED for command in commands) and not any(map(_fails_wave, commands))


def next_of(wave: Wave, phase: StepPhase) -> WaveStep | None:
    """Give the command of a phase that is to be started; none while one runs or once a required one has failed."""
    if wave.running_step is not None or failed_required(wave, phase) is not None:
        return None
    return next((command for command in of_phase(wave, phase) if command.state is StepState.PLANNED), None)


def intended(execution: Execution, wave: Wave, due: WaveStep) -> Wave:
    """Write that a command is started; one that has no server to run on is skipped instead."""
    if targets(execution, wave, due.phase):
        return wave.with_step(replace(due, state=StepState.STARTED))
    return wave.with_step(replace(due, state=StepState.ENDED, outcome=SKIPPED))


def sources(execution: Execution, wave: Wave, phase: StepPhase) -> list[Wave]:
    """Give the waves whose servers a wave's command is forwarded to."""
    if phase is StepPhase.BEFORE:
        return [execution.wave(number) for number in wave.depends_on]
    return list(execution.waves) if phase is StepPhase.CLOSING else [wave]


def targets(execution: Execution, wave: Wave, phase: StepPhase) -> list[tuple[Wave, Server]]:
    """Give the servers that a wave's command is forwarded to, each with the wave that launched it.

    One whose instance is not known is a target, too: the command does not succeed there.
    """
    return [
        (source, server)
        for source in sources(execution, wave, phase)
        for server in source.servers
        if server.launch_status is LaunchStatus.LAUNCHED
    ]


def absorb(execution: Execution, outcomes: Mapping[str, tuple[str, str | None]]) -> Execution:
    """Record the command runs that have ended, by their ids: the status that each ended in, and what it failed by.

    That of a check has ended only when its results are read and kept (`with_end`).
    """
    after = execution
    for wave in execution.waves:
        command = wave.running_step
        outcome_view = outcomes.get(run_id(execution.execution_id, wave.number, command)) if command else None
        if command is not None and outcome_view is not None and not command.is_check:
            after = with_end(after, wave.number, command, *outcome_view)
    return after


def with_end(
    execution: Execution, number: int, command: WaveStep, outcome: str, failure: str | None = None
) -> Execution:
    """Write that a command of a wave has ended.

    One that a retry needs again is planned anew instead, unless a cancel or a skip has overtaken the retry.
    """
    wave = execution.wave(number)
    passed_over = wave.status is WaveStatus.SKIPPED and command.phase is not StepPhase.CLOSING
    needed = execution.cancel is None and not passed_over
    ended = replace(command, state=StepState.ENDED, outcome=outcome, failure=failure, again=False)
    return execution.with_waves([wave.with_step(_planned_anew(command) if command.again and needed else ended)])


def anew(wave: Wave) -> Wave:
    """Plan again what a retry of a failed wave has to run: what did not succeed, and all that came after a launch anew.

    Of the commands before the launch that is the required one that kept the wave from it: no other runs after a launch.
    A run that has not ended is left to its end, and runs again after it if it may not reach what is launched anew.
    Checks look at the wave as it was: all of them are made again, and what they told before is superseded.
    """
    relaunches = any(server.launch_status is not LaunchStatus.LAUNCHED for server in wave.servers)

    def again(command: WaveStep) -> WaveStep:
        failed = command.state is StepState.ENDED and command.outcome != COMPLETE_SUCCESS
        late = command.phase is StepPhase.AFTER and (failed or relaunches)
        return once_more(command) if command.is_check or late or _fails_wave(command) else command

    return replace(wave, steps=tuple(map(again, wave.steps)))


def once_more(command: WaveStep) -> WaveStep:
    """Plan a command again, at once or when its run has ended."""
    if command.state is StepState.PLANNED:
        return command
    return _planned_anew(command) if command.state is StepState.ENDED else replace(command, again=True)


def _planned_anew(command: WaveStep) -> WaveStep:
    return replace(command, state=StepState.PLANNED, run=command.run + 1, outcome=None, failure=None, again=False)


def _fails_wave(command: WaveStep) -> bool:
    return command.required and command.state is StepState.ENDED and command.failure is not None
