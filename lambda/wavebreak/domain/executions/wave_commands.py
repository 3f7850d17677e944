"""The commands of a plan's waves: which is next, what its end means for the wave, and what a retry runs again. Pure.

`beforeCommands` run on the launched servers of the waves that a wave depends on, before its own are launched;
`afterCommands` on its own launched servers. Those of a list run one after another. A required one that fails on every
target fails its wave; any other outcome is reported only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from wavebreak.domain.executions.model import CommandPhase, CommandState, LaunchStatus, Wave, WaveCommand
from wavebreak.execution_utils import WaveStatus
from wavebreak.identifiers import COMMAND_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wavebreak.domain.executions.model import Execution, Server

COMPLETE_FAILURE: Final = "COMPLETE_FAILURE"
"""The outcome of a run of which no target succeeded: what a required command fails its wave by."""
_LETTERS: Final = {CommandPhase.BEFORE: "b", CommandPhase.AFTER: "a"}


def run_id(execution_id: str, wave: int, command: WaveCommand) -> str:
    """Name the run of a wave's command. The same one always has the same name, so it is never made twice."""
    ulid = execution_id.partition("-")[2]
    return f"{COMMAND_ID}{ulid}-w{wave:03d}{_LETTERS[command.phase]}{command.position:02d}r{command.run}"


def planned(before: Iterable[Mapping[str, object]], after: Iterable[Mapping[str, object]]) -> tuple[WaveCommand, ...]:
    """Give the commands of a wave of a plan document, none of them started."""
    return tuple(
        WaveCommand(phase, position, str(written["command"]), required=bool(written.get("required")))
        for phase, listed in ((CommandPhase.BEFORE, before), (CommandPhase.AFTER, after))
        for position, written in enumerate(listed, start=1)
    )


def of_phase(wave: Wave, phase: CommandPhase) -> tuple[WaveCommand, ...]:
    """Give a wave's commands of one phase, in their order."""
    return tuple(command for command in wave.commands if command.phase is phase)


def failed_required(wave: Wave, phase: CommandPhase) -> WaveCommand | None:
    """Give the required command of a phase that failed on every target, if there is one."""
    return next((command for command in of_phase(wave, phase) if _fails_wave(command)), None)


def is_done(wave: Wave, phase: CommandPhase) -> bool:
    """Tell whether every command of a phase has run and none of them fails the wave."""
    commands = of_phase(wave, phase)
    return all(command.state is CommandState.ENDED for command in commands) and not any(map(_fails_wave, commands))


def next_of(wave: Wave, phase: CommandPhase) -> WaveCommand | None:
    """Give the command of a phase that is to be started; none while one runs or once a required one has failed."""
    if wave.running_command is not None or failed_required(wave, phase) is not None:
        return None
    return next((command for command in of_phase(wave, phase) if command.state is CommandState.PLANNED), None)


def sources(execution: Execution, wave: Wave, phase: CommandPhase) -> list[Wave]:
    """Give the waves whose servers a wave's command is forwarded to."""
    return [wave] if phase is CommandPhase.AFTER else [execution.wave(number) for number in wave.depends_on]


def targets(execution: Execution, wave: Wave, phase: CommandPhase) -> list[tuple[Wave, Server]]:
    """Give the servers that a wave's command is forwarded to, each with the wave that launched it."""
    return [
        (source, server)
        for source in sources(execution, wave, phase)
        for server in source.servers
        if server.launch_status is LaunchStatus.LAUNCHED and server.recovery_instance_id is not None
    ]


def absorb(execution: Execution, outcomes: Mapping[str, str]) -> Execution:
    """Record the command runs that have ended, by their ids, with the status that each ended in.

    One that a retry needs again is planned anew instead, unless a cancel or a skip has overtaken the retry.
    """
    changed = []
    for wave in execution.waves:
        command = wave.running_command
        outcome = outcomes.get(run_id(execution.execution_id, wave.number, command)) if command else None
        if command is not None and outcome is not None:
            needed = execution.cancel is None and wave.status is not WaveStatus.SKIPPED
            ended = replace(command, state=CommandState.ENDED, outcome=outcome, again=False)
            changed.append(wave.with_command(_planned_anew(command) if command.again and needed else ended))
    return execution.with_waves(changed) if changed else execution


def anew(wave: Wave) -> Wave:
    """Plan again what a retry of a failed wave has to run: what failed it, and all that came after a launch anew.

    A run that has not ended is left to its end, and runs again after it if it may not reach what is launched anew.
    """
    relaunches = any(server.launch_status is not LaunchStatus.LAUNCHED for server in wave.servers)

    def again(command: WaveCommand) -> WaveCommand:
        repeats = _fails_wave(command) or (relaunches and command.phase is CommandPhase.AFTER)
        if not repeats or command.state is CommandState.PLANNED:
            return command
        return _planned_anew(command) if command.state is CommandState.ENDED else replace(command, again=True)

    return replace(wave, commands=tuple(map(again, wave.commands)))


def _planned_anew(command: WaveCommand) -> WaveCommand:
    return replace(command, state=CommandState.PLANNED, run=command.run + 1, outcome=None, again=False)


def _fails_wave(command: WaveCommand) -> bool:
    return command.required and command.state is CommandState.ENDED and command.outcome == COMPLETE_FAILURE
