"""When the checks of a plan run, and how a retry, a cancel or a deadline affects them (contract 7).

A DOCUMENT or STIPULATION check is the last part of its wave: the wave has ended when its checks have. An APPLICATION
check is made once, when nothing else of the execution is left to do. A check never fails a wave or an execution: what
it does not report is missing among the factors, and nothing else. So the wave's deadline and a cancel cut it short.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wavebreak.domain.executions.model.steps import StepPhase, WaveStep
from wavebreak.domain.executions.stepping import wave_steps
from wavebreak.domain.plans.model import ProcessorType
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.waves import Wave

UNPREPARED: Final = "UNPREPARED"
"""The outcome of a check whose command could not be made ready: there is no run of it."""
NO_WAVE: Final = 0
"""The number of no wave: of a decision after which none runs again."""


def planned(written: Iterable[Mapping[str, Any]]) -> tuple[WaveStep, ...]:
    """Return the commands of the checks of a wave of a plan document, none of them started."""
    return tuple(
        WaveStep(_phase(check["type"]), position, str(check["command"]), check=str(check["name"]))
        for position, check in enumerate(written, start=1)
    )


def _phase(kind: str) -> StepPhase:
    return StepPhase.CLOSING if ProcessorType(kind) is ProcessorType.APPLICATION else StepPhase.CHECK


def checks_of(execution: Execution) -> Iterator[tuple[Wave, WaveStep]]:
    """Return every check of an execution with its wave, in the order of the plan."""
    for wave in execution.waves:
        ordered = sorted((one for one in wave.steps if one.is_check), key=lambda one: one.position)
        yield from ((wave, command) for command in ordered)


def closing_turn(execution: Execution) -> tuple[int, WaveStep] | None:
    """Return the next check over the execution, with its wave; the caller makes sure that all else is over.

    These checks run one after another; after a cancel none starts.
    """
    if execution.cancel is not None or execution.is_terminal:
        return None
    due = ((wave.number, wave_steps.next_of(wave, StepPhase.CLOSING)) for wave in execution.waves)
    return next(((number, command) for number, command in due if command is not None), None)


def superseded(execution: Execution, number: int) -> Execution:
    """Return the execution with every check planned again that a decision about a wave makes outdated.

    `execution` is the outcome of the decision. Checks over the whole execution are made again at its end; results of
    checks to be made again are dropped until then.
    """
    after = execution.with_waves(
        replace(
            wave,
            steps=tuple(
                wave_steps.plan_again(each) if each.phase is StepPhase.CLOSING else each for each in wave.steps
            ),
        )
        for wave in execution.waves
        if any(command.phase is StepPhase.CLOSING for command in wave.steps)
    )
    stale = {
        command.check
        for wave, command in checks_of(after)
        if command.phase is StepPhase.CLOSING or wave.number == number
    }
    return replace(after, check_counts=tuple(counts for counts in after.check_counts if counts.name not in stale))


def counting_runs(execution: Execution) -> dict[tuple[int, int], int]:
    """Return by wave and position the attempt of each check before which its executions are superseded."""
    return {(wave.number, each.position): each.attempt + each.again for wave, each in checks_of(execution)}
