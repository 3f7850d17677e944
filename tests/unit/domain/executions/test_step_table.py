"""Contract 12, cell by cell: every kind of step, required or not, in either mode, with every end it may have."""

from itertools import product
from typing import Any, Final

import pytest
from tests.support.execution_builders import (
    NOW,
    TIMING,
    asked_to_cancel,
    execution,
    job,
    later,
    launching,
    says,
    seen,
    server,
    view,
    wave,
)

from wavebreak.domain.executions import steering
from wavebreak.domain.executions.audit_trail import status_changes
from wavebreak.domain.executions.engine import Decision, Directive, decide, due_step, finalise
from wavebreak.domain.executions.model.executions import Execution, Mode
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.steps import StepPhase, StepState, StepStatus, StepView, WaveStep
from wavebreak.domain.executions.model.waves import Wave
from wavebreak.domain.executions.stepping.wave_steps import IN_DRILLS, intended, planned, run_id
from wavebreak.domain.executions.views.executions import execution_view
from wavebreak.domain.plans.model import Impact, OnFailure
from wavebreak.domain.steps.runs import StepKind
from wavebreak.execution_utils import WaveStatus
from wavebreak.values import replace

W = WaveStatus
LAUNCHED = LaunchStatus.LAUNCHED
KINDS: Final = tuple(StepKind)
PHASES: Final = (StepPhase.BEFORE, StepPhase.AFTER)
MODES: Final = tuple(Mode)
BOTH: Final = (True, False)
NAMES: Final = {StepKind.COMMAND: "status", StepKind.AUTOMATION: "promote", StepKind.FUNCTION: "notify"}
FELL_SHORT: Final = "did not succeed on any server"
ENDS: Final = {
    StepKind.COMMAND: (
        StepView(outcome="COMPLETE_SUCCESS"),
        StepView(outcome="PARTIAL_SUCCESS"),
        StepView(outcome="PARTIAL_SUCCESS", failure="did not succeed on 1 critical server(s): s-1"),
        StepView(outcome="COMPLETE_FAILURE", failure=FELL_SHORT),
    ),
    StepKind.AUTOMATION: (
        StepView(outcome="SUCCEEDED"),
        StepView(outcome="FAILED", error="it broke"),
        StepView(outcome="CANCELLED", error="somebody stopped it in SSM"),
    ),
    StepKind.FUNCTION: (StepView(outcome="SUCCEEDED"), StepView(outcome="FAILED", error="it broke")),
}
WORDS: Final = {"COMPLETE_SUCCESS": "SUCCEEDED", "PARTIAL_SUCCESS": "PARTIAL", "COMPLETE_FAILURE": "FAILED"}
CELLS: Final = [(kind, end) for kind in KINDS for end in ENDS[kind]]


def step(kind: StepKind, **fields: Any) -> dict[str, Any]:
    return {kind.lower(): NAMES[kind], **fields}


def ready(phase: StepPhase, *steps: dict[str, Any], mode: Mode = Mode.RECOVERY, **fields: Any) -> Execution:
    """An execution whose second wave is about to do its steps of a phase: its turn, or its servers are launched."""
    before, after = (steps, ()) if phase is StepPhase.BEFORE else ((), steps)
    launched = phase is StepPhase.AFTER
    members = {} if not launched or "servers" in fields else {"servers": (server(2, LAUNCHED),)}
    second = wave(2, W.IN_PROGRESS, steps=planned(before, after), **members, **fields)
    made = execution(wave(1, W.COMPLETED), second, wave(3), mode=mode)
    return made.with_job(job(2, JobState.ENDED)) if launched else made


def decide_round(current: Execution, seen_step: StepView | None = None, at: int = 0) -> Decision:
    """One round, in which the running step of the second wave is seen as given."""
    running = current.wave(2).running_step
    views = {run_id(current.execution_id, 2, running): seen_step} if running and seen_step else {}
    return decide(current, replace(seen(), steps=views), later(at), TIMING)


def started(current: Execution, at: int = 0) -> Execution:
    """Write the intent of the step that is due, as the function does."""
    due = due_step(current, current.wave(2), later(at), TIMING)
    assert due is not None
    return current.with_waves([intended(current, current.wave(2), due, later(at))])


def second(decision: Decision) -> Wave:
    return decision.execution.wave(2)


def first_step(current: Execution) -> WaveStep:
    return current.wave(2).steps[0]


@pytest.mark.parametrize(("kind", "end"), CELLS)
@pytest.mark.parametrize("required", BOTH)
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("mode", MODES)
def test_c12_what_the_end_of_a_step_is_to_its_wave(
    kind: StepKind, end: StepView, required: bool, phase: StepPhase, mode: Mode
) -> None:
    current = started(ready(phase, step(kind, required=required, inDrill="RUN"), step(StepKind.COMMAND), mode=mode))
    assert decide_round(current, StepView()).directive is Directive.SLEEP, "nothing awaits it"

    decision = decide_round(current, end, at=30)

    status = WORDS.get(str(end.outcome), end.outcome)
    done = first_step(decision.execution)
    assert (done.status, done.started_at, done.ended_at) == (status, NOW, later(30))
    failed = end.failure is not None if kind is StepKind.COMMAND else status != "SUCCEEDED"
    if required and failed:
        assert second(decision).status is W.FAILED
        why = end.failure or f"failed: {end.error}"
        assert second(decision).error == f"The required {kind.lower()} {done.name} {why} ({phase.lower()} the launch)"
        assert second(decision).steps[1].status is StepStatus.NOT_STARTED, "what did not run stays NOT_STARTED"
    else:
        assert second(decision).status is W.IN_PROGRESS
        assert (decision.directive, decision.waves) == (Directive.COMMAND, (2,)), "the next step's turn"
    shown = execution_view(decision.execution, later(30))["waves"][1]["steps"][0]
    assert (shown["kind"], shown["phase"], shown["status"]) == (kind.lower(), phase, status)
    assert shown["error"] == (end.failure or end.error)


@pytest.mark.parametrize(("kind", "mode", "said"), list(product(KINDS, MODES, ("RUN", "SKIP", None))))
@pytest.mark.parametrize("phase", PHASES)
def test_c12_in_drill_has_safe_defaults_and_concerns_drills_only(
    phase: StepPhase, kind: StepKind, mode: Mode, said: str | None
) -> None:
    fields = {"inDrill": said} if said else {}
    current = ready(phase, step(kind, required=True, **fields), mode=mode)
    skips = mode is Mode.DRILL and (said or ("RUN" if kind is StepKind.COMMAND else "SKIP")) == "SKIP"

    written = started(current)

    done = first_step(written)
    assert done.status is (StepStatus.SKIPPED if skips else StepStatus.IN_PROGRESS)
    if skips:
        assert (done.error, done.attempt, done.fails_wave) == (IN_DRILLS, 1, False)
        shown = execution_view(written, NOW)["waves"][1]["steps"][0]
        assert (shown["status"], shown["error"], shown.get("commandId")) == ("SKIPPED", IN_DRILLS, None)
        after = decide_round(written)
        assert second(after).status is (W.COMPLETED if phase is StepPhase.AFTER else W.IN_PROGRESS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("phase", PHASES)
def test_c12_without_a_server_a_command_is_skipped_and_the_others_run(phase: StepPhase, kind: StepKind) -> None:
    nobody = (server(2, LaunchStatus.FAILED, impact=Impact.OPTIONAL),)
    current = ready(phase, step(kind, required=True), servers=nobody)
    if phase is StepPhase.BEFORE:
        current = ready(phase, step(kind, required=True))
        current = current.with_waves([replace(current.wave(1), servers=(server(1, LaunchStatus.FAILED),))])
    done = first_step(started(current))
    skipped = kind is StepKind.COMMAND
    assert done.status is (StepStatus.SKIPPED if skipped else StepStatus.IN_PROGRESS)
    assert done.error == ("no server to run on" if skipped else None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("required", BOTH)
def test_c12_a_cancel_stops_the_running_step_and_starts_no_other(
    phase: StepPhase, kind: StepKind, required: bool
) -> None:
    current = started(ready(phase, step(kind, required=required), step(kind, required=True)))
    cancelled = steering.cancel(current, asked_to_cancel())
    assert cancelled.wave(2).status is W.IN_PROGRESS, "it is in flight"
    asks = decide_round(cancelled, StepView())
    assert (asks.directive, asks.waves) == (Directive.COMMAND, (2,))
    assert decide_round(asks.execution, StepView(cancelling=True)).directive is Directive.SLEEP
    end = StepView(outcome="COMPLETE_FAILURE" if kind is StepKind.COMMAND else "CANCELLED")
    over = decide_round(asks.execution, end, at=5)
    assert [one.status for one in second(over).steps] == [StepStatus.CANCELLED, StepStatus.NOT_STARTED]
    assert (over.directive, second(over).status) == (Directive.FINISH, W.CANCELLED)
    ends_as = "PARTIAL_SUCCESS" if phase is StepPhase.AFTER else "CANCELLED"
    assert finalise(over.execution, later(5)).status == ends_as


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("phase", PHASES)
def test_c12_the_timeout_of_a_wave_stops_its_step_and_waits_for_it(phase: StepPhase, kind: StepKind) -> None:
    current = started(ready(phase, step(kind), step(kind), timeout_minutes=1))
    late = decide_round(current, StepView(), at=60)
    assert (second(late).status, late.directive, late.waves) == (W.FAILED, Directive.COMMAND, (2,))
    waits = decide_round(late.execution, StepView(cancelling=True), at=61)
    assert waits.directive is Directive.SLEEP
    assert finalise(waits.execution, later(61)) == waits.execution, "until it has ended the wave is in flight"
    end = StepView(outcome="COMPLETE_FAILURE" if kind is StepKind.COMMAND else "FAILED", error="its time was over")
    over = decide_round(waits.execution, end, at=70)
    assert [one.status for one in second(over).steps] == [StepStatus.FAILED, StepStatus.NOT_STARTED]
    assert over.directive is Directive.FINISH


@pytest.mark.parametrize("kind", KINDS)
def test_c12_a_pause_lets_the_steps_of_a_running_wave_go_on(kind: StepKind) -> None:
    for phase in PHASES:
        current = steering.pause(ready(phase, step(kind), step(kind)), says())
        assert decide_round(current).directive is Directive.COMMAND
        again = decide_round(started(current), ENDS[kind][0])
        assert (again.directive, again.execution.status) == (Directive.COMMAND, "PAUSED")


@pytest.mark.parametrize("kind", [StepKind.AUTOMATION, StepKind.FUNCTION])
@pytest.mark.parametrize("stopping", BOTH)
def test_c12_a_step_past_its_own_time_is_stopped_and_a_function_waited_for_no_longer(
    kind: StepKind, stopping: bool
) -> None:
    current = started(ready(StepPhase.AFTER, step(kind)))
    if stopping:
        current = steering.cancel(current, asked_to_cancel())
    view_of_it = StepView(
        cancelling=stopping, deadline=later(50), waits_for_answer=kind is StepKind.FUNCTION, automation_execution_id="a"
    )
    assert decide_round(current, view_of_it, at=49).directive is Directive.SLEEP
    overdue = decide_round(current, view_of_it, at=50).directive
    assert overdue is (Directive.SLEEP if stopping and kind is StepKind.AUTOMATION else Directive.COMMAND)


RETRIED: Final = [
    (kind, end, required, relaunches, phase)
    for (kind, end), required, relaunches, phase in product(CELLS, BOTH, BOTH, PHASES)
]


@pytest.mark.parametrize(("kind", "end", "required", "relaunches", "phase"), RETRIED)
def test_c12_a_retry_runs_again_what_did_not_succeed_and_commands_for_what_is_launched_anew(
    kind: StepKind, end: StepView, required: bool, relaunches: bool, phase: StepPhase
) -> None:
    """The wave fails after its first step, by it or by another that is required."""
    others = (server(22, LaunchStatus.FAILED, impact=Impact.OPTIONAL),) if relaunches else ()
    members = (server(2, LAUNCHED), *others)
    fails = step(StepKind.FUNCTION, required=True)
    current = started(ready(phase, step(kind, required=required), fails, servers=members, on_failure=OnFailure.ASK))
    failed = decide_round(current, end, at=5).execution
    by_itself = failed.wave(2).status is W.FAILED
    if not by_itself:
        failed = decide_round(started(failed), StepView(outcome="FAILED", error="no"), at=6).execution
    assert failed.wave(2).status is W.FAILED

    again = steering.retry(failed, 2, later(9)).wave(2)

    succeeded = first_step(failed).status is StepStatus.SUCCEEDED
    applies_again = kind is StepKind.COMMAND and phase is StepPhase.AFTER and relaunches
    expected = (StepState.ENDED, 1) if succeeded and not applies_again else (StepState.PLANNED, 2)
    assert (again.steps[0].state, again.steps[0].attempt) == expected
    assert (again.steps[1].state, again.steps[1].attempt) == (StepState.PLANNED, 1 if by_itself else 2)
    if expected[1] == 2:
        ids = {run_id(failed.execution_id, 2, one) for one in (first_step(failed), again.steps[0])}
        assert len(ids) == 2, "a person's retry is another run"


@pytest.mark.parametrize("kind", KINDS)
def test_c12_what_a_drill_left_out_stays_so_through_a_retry(kind: StepKind) -> None:
    left_out, fails = step(kind, inDrill="SKIP"), step(StepKind.COMMAND, required=True)
    current = ready(StepPhase.AFTER, left_out, fails, mode=Mode.DRILL, on_failure=OnFailure.ASK)
    failed = decide_round(started(started(current)), StepView(outcome="COMPLETE_FAILURE", failure=FELL_SHORT)).execution
    again = steering.retry(failed, 2, later(9)).wave(2)
    assert [(one.status, one.attempt) for one in again.steps] == [(StepStatus.SKIPPED, 1), (StepStatus.NOT_STARTED, 2)]


@pytest.mark.parametrize("kind", KINDS)
def test_c12_a_before_step_that_is_run_again_holds_back_the_launch_and_the_end(kind: StepKind) -> None:
    """It did not succeed and was not required; the launch failed, and the retry does both in their order."""
    current = started(ready(StepPhase.BEFORE, step(kind), on_failure=OnFailure.ASK))
    begun = launching(decide_round(current, ENDS[kind][-1]).execution, [2])
    failed = decide(begun, seen(job2=view({2: LaunchStatus.FAILED}, completed=True)), NOW, TIMING).execution
    assert failed.wave(2).status is W.FAILED
    again = steering.retry(failed, 2, later(9))
    assert decide_round(again, at=9).directive is Directive.COMMAND
    assert decide_round(started(again, at=9), ENDS[kind][0], at=30).directive is Directive.START


@pytest.mark.parametrize("kind", KINDS)
def test_c12_a_skip_runs_nothing(kind: StepKind) -> None:
    current = ready(StepPhase.BEFORE, step(kind, required=True), step(kind), on_failure=OnFailure.ASK)
    failed = decide_round(started(current), ENDS[kind][-1]).execution
    skipped = decide_round(steering.skip(failed, 2, later(5)), at=5)
    assert [one.status for one in second(skipped).steps][1:] == [StepStatus.NOT_STARTED]
    assert (skipped.directive, skipped.waves) == (Directive.START, (3,))


@pytest.mark.parametrize("kind", KINDS)
def test_c12_a_critical_server_that_failed_leaves_the_steps_after_out(kind: StepKind) -> None:
    current = ready(StepPhase.AFTER, step(kind), servers=(server(2, LaunchStatus.FAILED),))
    decision = decide_round(current)
    assert (second(decision).status, first_step(decision.execution).status) == (W.FAILED, StepStatus.NOT_STARTED)


@pytest.mark.parametrize("kind", KINDS)
def test_c5_each_change_of_a_step_is_told_once_in_the_write_that_makes_it(kind: StepKind) -> None:
    current = ready(StepPhase.AFTER, step(kind, required=True), on_failure=OnFailure.ASK)
    running = started(current)
    failed = decide_round(running, ENDS[kind][-1]).execution
    retried = steering.retry(failed, 2, later(9))
    named = {"phase": "AFTER", "position": 1, "kind": kind.lower(), "name": NAMES[kind]}
    reported = [
        [(each["from"], each["to"]) for each in status_changes(old, new) if each.get("step") == named]
        for old, new in ((current, running), (running, failed), (failed, retried))
    ]
    ended = WORDS.get(str(ENDS[kind][-1].outcome), ENDS[kind][-1].outcome)
    assert reported == [[("NOT_STARTED", "IN_PROGRESS")], [("IN_PROGRESS", ended)], [(ended, "NOT_STARTED")]]


def test_c5_a_stopped_step_that_runs_again_is_told_as_ended_in_between() -> None:
    current = started(ready(StepPhase.AFTER, step(StepKind.FUNCTION), timeout_minutes=1, on_failure=OnFailure.ASK))
    again = steering.retry(decide_round(current, StepView(), at=60).execution, 2, later(61))
    over = decide_round(again, StepView(outcome="FAILED", error="late"), at=62).execution
    reported = [(each["from"], each["to"]) for each in status_changes(again, over)]
    assert reported == [("IN_PROGRESS", "FAILED"), ("FAILED", "NOT_STARTED")]


def test_c12_the_automation_that_a_step_became_is_known_while_it_runs() -> None:
    current = started(ready(StepPhase.AFTER, step(StepKind.AUTOMATION)))
    decision = decide_round(current, StepView(automation_execution_id="6b1a"))
    shown = execution_view(decision.execution, NOW)["waves"][1]["steps"][0]
    assert (shown["automationExecutionId"], shown["status"]) == ("6b1a", "IN_PROGRESS")
    assert status_changes(current, decision.execution) == [], "no status changed"
