"""The steps of a plan's waves: which is next, what its end means for the wave, and what a retry runs again.

`before` steps concern the launched servers of the waves that a wave depends on, and run before its own are launched;
`after` steps its own launched servers. Those of a list run one after another. A required automation or function fails
its wave when it failed; a required command when a CRITICAL server among its own did not succeed, or, if all are
OPTIONAL, when none did. Without any server a command is skipped, and in a drill what the plan leaves out there; what is
skipped fails nothing (contract 12). Any other outcome is reported only. Checks come last (`checking`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.commands.runs import Asked
from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.steps import StepInput, StepPhase, StepState, StepStatus, WaveStep
from wavebreak.domain.plans.model import InDrill
from wavebreak.domain.steps.runs import StepKind
from wavebreak.domain.steps.step_ids import step_id
from wavebreak.execution_utils import WaveStatus
from wavebreak.identifiers import COMMAND_ID
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.domain.executions.model.steps import StepView
    from wavebreak.domain.executions.model.waves import Wave

SKIPPED: Final = StepStatus.SKIPPED.value
"""The outcome of a step that was passed over: no run was made for it."""
NO_SERVER: Final = "no server to run on"
IN_DRILLS: Final = "not run in drills"
_TOO_LATE: Final = "it had not ended when the time of its wave was over"
_LETTERS: Final = {
    StepPhase.BEFORE: "b",
    StepPhase.AFTER: "a",
    StepPhase.CHECK: "c",
    StepPhase.CLOSING: "c",  # of one list: its positions are others
}
_LISTS: Final = {
    StepPhase.BEFORE: "before",
    StepPhase.AFTER: "after",
    StepPhase.CHECK: "checks",
    StepPhase.CLOSING: "checks",
}
"""Where a wave of a plan document has the steps of a phase."""
_STEP_STATUS_OF: Final[Mapping[str, StepStatus]] = {
    "COMPLETE_SUCCESS": StepStatus.SUCCEEDED,
    "COMPLETE_FAILURE": StepStatus.FAILED,
    "PARTIAL_SUCCESS": StepStatus.PARTIAL,
}
"""What the run of a command came to, in the words of steps; other runs have those words themselves."""


def run_id(execution_id: str, wave: int, step: WaveStep) -> str:
    """Name the run of a wave's step: a command run, or a step run. The same one always has the same name."""
    if step.kind is not StepKind.COMMAND:
        return step_id(execution_id, wave, _LISTS[step.phase], step.position, step.attempt)
    ulid = execution_id.partition("-")[2]
    return f"{COMMAND_ID}{ulid}-w{wave:03d}{_LETTERS[step.phase]}{step.position:02d}r{step.attempt}"


def written(document: Mapping[str, Any], wave: int, step: WaveStep) -> Mapping[str, Any]:
    """Return a step or check of a wave as the frozen plan has it."""
    found: Mapping[str, Any] = document["waves"][wave - 1][_LISTS[step.phase]][step.position - 1]
    return found


def asked_by(document: Mapping[str, Any], wave: int, step: WaveStep) -> Asked:
    """Read what a command or check of a wave of the frozen plan forwards."""
    asked = written(document, wave, step)
    return Asked(asked["command"], tuple(asked.get("args") or ()), asked.get("timeoutSeconds"))


def input_of(document: Mapping[str, Any], wave: int, step: WaveStep) -> StepInput:
    """Read what an automation or function of a wave of the frozen plan is given."""
    asked = written(document, wave, step)
    return StepInput(asked.get("parameters") or {}, asked.get("payload") or {}, asked.get("timeoutSeconds"))


def planned(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> tuple[WaveStep, ...]:
    """Return the steps of a wave of a plan document, none of them started."""
    return tuple(
        _planned(phase, position, step)
        for phase, listed in ((StepPhase.BEFORE, before), (StepPhase.AFTER, after))
        for position, step in enumerate(listed, start=1)
    )


def _planned(phase: StepPhase, position: int, step: Mapping[str, Any]) -> WaveStep:
    kind = kind_of(step)
    return WaveStep(
        phase,
        position,
        str(step[kind.lower()]),
        kind,
        required=bool(step.get("required")),
        in_drill=InDrill(step.get("inDrill") or default_in_drill(kind)),
    )


def kind_of(step: Mapping[str, Any]) -> StepKind:
    """Return the kind of a step in a plan document."""
    return next(kind for kind in StepKind if kind.lower() in step)


def default_in_drill(kind: StepKind) -> InDrill:
    """Return whether a step that says nothing of it runs in drills: a rehearsal must not move traffic (contract 12)."""
    return InDrill.RUN if kind is StepKind.COMMAND else InDrill.SKIP


def of_phase(wave: Wave, phase: StepPhase) -> tuple[WaveStep, ...]:
    """Return a wave's steps of one phase, in their order."""
    return tuple(step for step in wave.steps if step.phase is phase)


def failed_required(wave: Wave, phase: StepPhase) -> WaveStep | None:
    """Return the required step of a phase that fails the wave, if there is one."""
    return next((step for step in of_phase(wave, phase) if step.fails_wave), None)


def is_done(wave: Wave, phase: StepPhase) -> bool:
    """Return whether every step of a phase has run and none of them fails the wave."""
    return all(step.state is StepState.ENDED and not step.fails_wave for step in of_phase(wave, phase))


def next_of(wave: Wave, phase: StepPhase) -> WaveStep | None:
    """Return the step of a phase that is to be started; none while one runs or once a required one has failed."""
    if wave.running_step is not None or failed_required(wave, phase) is not None:
        return None
    return next((step for step in of_phase(wave, phase) if step.state is StepState.PLANNED), None)


def is_left_out(execution: Execution, step: WaveStep) -> bool:
    """Return whether a step is skipped because this is a drill."""
    return execution.mode is Mode.DRILL and step.in_drill is InDrill.SKIP


def intended(execution: Execution, wave: Wave, due: WaveStep, now: datetime) -> Wave:
    """Write that a step is started; one that a drill leaves out, or a command without a server, is skipped instead."""
    why = IN_DRILLS if is_left_out(execution, due) else None
    if why is None and due.kind is StepKind.COMMAND and not targets(execution, wave, due.phase):
        why = NO_SERVER
    if why is None:
        return wave.with_step(replace(due, state=StepState.STARTED, started_at=now))
    return wave.with_step(replace(due, state=StepState.ENDED, outcome=SKIPPED, error=why, ended_at=now))


def sources(execution: Execution, wave: Wave, phase: StepPhase) -> list[Wave]:
    """Return the waves whose servers a wave's step concerns."""
    if phase is StepPhase.BEFORE:
        return [execution.wave(number) for number in wave.depends_on]
    return list(execution.waves) if phase is StepPhase.CLOSING else [wave]


def targets(execution: Execution, wave: Wave, phase: StepPhase) -> list[tuple[Wave, Server]]:
    """Return the servers that a wave's step concerns, each with the wave that launched it.

    One whose instance is not known is among them, too: a command does not succeed there.
    """
    return [
        (source, server)
        for source in sources(execution, wave, phase)
        for server in source.servers
        if server.launch_status is LaunchStatus.LAUNCHED
    ]


def is_cut_short(execution: Execution, wave: Wave, step: WaveStep) -> bool:
    """Return whether the run of a step is to be stopped: with its execution, or with its wave, whose time is over.

    A check over the whole execution belongs to no wave.
    """
    return execution.cancel is not None or is_late(wave, step)


def is_late(wave: Wave, step: WaveStep) -> bool:
    """Return whether a running step is to be stopped because its wave has ended, or had ended before its retry."""
    return step.stopped or (wave.has_ended and step.phase is not StepPhase.CLOSING)


def is_overdue(view: StepView, now: datetime) -> bool:
    """Return whether a run that goes on has had its own time."""
    return view.deadline is not None and now >= view.deadline


def absorb(execution: Execution, views: Mapping[str, StepView], now: datetime) -> Execution:
    """Record what is seen of the runs of steps, by their ids: that one has ended, and the automation that it became.

    That of a check has ended only when its results are read and kept (`with_end`).
    """
    after = execution
    for wave in execution.waves:
        step = wave.running_step
        view = views.get(run_id(execution.execution_id, wave.number, step)) if step else None
        if step is None or view is None or step.is_check:
            continue
        seen = replace(step, automation_execution_id=view.automation_execution_id or step.automation_execution_id)
        if view.outcome is not None:
            after = with_end(after, wave.number, _with_outcome(execution, wave, seen, view), view.ended_at or now)
        elif seen != step:
            after = after.with_waves([wave.with_step(seen)])
    return after


def _with_outcome(execution: Execution, wave: Wave, step: WaveStep, view: StepView) -> WaveStep:
    """Write down how a run ended. What was stopped is CANCELLED, or FAILED when the time of its wave was over.

    The runs of automations and functions say so themselves. A command that succeeded everywhere was stopped nowhere.
    """
    outcome = step_status_of(str(view.outcome))
    error = view.error
    if step.kind is StepKind.COMMAND and outcome is not StepStatus.SUCCEEDED and is_cut_short(execution, wave, step):
        late = is_late(wave, step)
        outcome = StepStatus.FAILED if late else StepStatus.CANCELLED
        error = error or view.failure or (_TOO_LATE if late else None)
    began = view.started_at or step.started_at
    return replace(step, outcome=outcome.value, failure=view.failure, error=error, started_at=began)


def step_status_of(status: str) -> StepStatus:
    """Return the step status for the status of a run that has ended."""
    return _STEP_STATUS_OF.get(status) or StepStatus(status)


def with_end(execution: Execution, number: int, step: WaveStep, at: datetime) -> Execution:
    """Write that a step of a wave, which is given with its outcome, has ended.

    One that a retry needs again is planned again instead, unless a cancel or a skip has overtaken the retry.
    """
    wave = execution.wave(number)
    passed_over = wave.status is WaveStatus.SKIPPED and step.phase is not StepPhase.CLOSING
    needed = execution.cancel is None and not passed_over
    again = step.again or (step.stopped and step.outcome != StepStatus.SUCCEEDED)
    ended = replace(step, state=StepState.ENDED, again=False, stopped=False, ended_at=at)
    return execution.with_waves([wave.with_step(_replanned(ended) if again and needed else ended)])


def reset(wave: Wave) -> Wave:
    """Plan again what a retry of a failed wave has to run (contract 12).

    That is what did not succeed, and the commands of `after` if servers are launched again; an automation or function
    that succeeded never runs again. A run that has not ended is stopped, for its wave's time was over, and runs again
    after its end unless it has succeeded. What a drill leaves out stays left out, and a command of `before` that had no
    server gets none by a retry of its own wave. Checks look at the wave as it was: all of them are made again, and what
    they found before is superseded.
    """
    relaunches = any(server.launch_status is not LaunchStatus.LAUNCHED for server in wave.servers)

    def again(step: WaveStep) -> WaveStep:
        applies_again = relaunches and step.phase is StepPhase.AFTER and step.kind is StepKind.COMMAND
        if step.is_check:
            return plan_again(step)
        if step.state is StepState.STARTED:
            return replace(step, stopped=True, again=step.again or applies_again)
        return _replanned(step) if step.state is StepState.ENDED and _runs_again(step, applies_again) else step

    return replace(wave, steps=tuple(map(again, wave.steps)))


def _runs_again(step: WaveStep, applies_again: bool) -> bool:
    if step.outcome == StepStatus.SKIPPED:
        return step.phase is StepPhase.AFTER and step.error == NO_SERVER
    return step.outcome != StepStatus.SUCCEEDED or applies_again


def plan_again(check: WaveStep) -> WaveStep:
    """Plan a check again, at once or when its run has ended."""
    if check.state is StepState.PLANNED:
        return check
    return _replanned(check) if check.state is StepState.ENDED else replace(check, again=True)


def _replanned(step: WaveStep) -> WaveStep:
    """Plan an ended step again, as another attempt."""
    return replace(
        step,
        state=StepState.PLANNED,
        attempt=step.attempt + 1,
        again=False,
        stopped=False,
        outcome=None,
        failure=None,
        error=None,
        started_at=None,
        ended_at=None,
        automation_execution_id=None,
        before=step.outcome,
    )
