"""Commands of waves: before, then launch, then after; what their ends mean for the wave, a cancel, a retry."""

import pytest
from tests.support.execution_builders import (
    EXECUTION_ID,
    NOW,
    TIMING,
    execution,
    later,
    launching,
    says,
    seen,
    server,
    server_id,
    view,
    wave,
)
from tests.support.waves_with_steps import (
    FAILURE,
    LAUNCHED,
    OF_STEP,
    PARTIAL,
    REQUIRED,
    SUCCESS,
    TOLD,
    W,
    commanding,
    decide_round,
    ended,
    launched,
    older,
    second,
    started,
)

from wavebreak.domain.commands.summary import FAILED_EVERYWHERE
from wavebreak.domain.executions import steering
from wavebreak.domain.executions.engine import Directive, decide, due_step, finalise
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.steps import StepPhase, StepState, StepView
from wavebreak.domain.executions.stepping.wave_steps import intended, planned, reset, targets
from wavebreak.domain.executions.views.executions import execution_view
from wavebreak.domain.plans.model import Impact, OnFailure
from wavebreak.execution_utils import ExecutionStatus
from wavebreak.store.records.executions import meta_record, read_execution
from wavebreak.store.records.waves import server_records, wave_record
from wavebreak.values import replace


def test_commands_before_then_the_launch_then_commands_after_then_the_end() -> None:
    current = commanding((REQUIRED, TOLD), (TOLD, REQUIRED))
    decision = decide_round(current)
    for _ in range(2):
        assert (decision.directive, decision.waves) == (Directive.COMMAND, (2,))
        waiting = decide_round(started(decision.execution), StepView())
        assert waiting.directive is Directive.SLEEP, "commands of a list run one after another"
        decision = ended(decision.execution, SUCCESS)
    assert (decision.directive, decision.waves) == (Directive.START, (2,))
    begun = launching(decision.execution, [2])
    assert decide_round(begun).directive is Directive.SLEEP, "commands after the launch wait for it"
    decision = decide_round(begun, job2=view({2: LAUNCHED}, completed=True))
    for _ in range(2):
        assert (decision.directive, decision.waves, second(decision).status) == (Directive.COMMAND, (2,), W.IN_PROGRESS)
        decision = ended(decision.execution, SUCCESS)
    assert second(decision).status is W.COMPLETED
    assert decision.waves == (3,)


def test_post_launch_actions_hold_back_the_commands_after_the_launch() -> None:
    begun = launching(commanding(after=(TOLD,)), [2])
    running = decide_round(begun, job2=view({2: LAUNCHED}, actions_running=True))
    assert running.directive is Directive.SLEEP
    assert decide_round(running.execution, job2=view({2: LAUNCHED})).directive is Directive.COMMAND


@pytest.mark.parametrize("outcome", [SUCCESS, PARTIAL, FAILURE])
@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("phase", [StepPhase.BEFORE, StepPhase.AFTER])
def test_only_a_required_command_that_did_not_do_its_work_fails_its_wave(
    phase: StepPhase, required: bool, outcome: str
) -> None:
    listed = ({"command": "status", "required": required},)
    current = commanding(listed) if phase is StepPhase.BEFORE else launched(commanding(after=listed))
    decision = ended(current, outcome, later(30))
    (command,) = second(decision).steps
    assert (command.state, command.outcome) == (StepState.ENDED, OF_STEP[outcome])
    if required and outcome == FAILURE:
        assert (second(decision).status, second(decision).ended_at) == (W.FAILED, later(30))
        assert second(decision).error == (
            f"The required command status did not succeed on any server ({phase.lower()} the launch)"
        )
        assert decision.directive is Directive.FINISH
    elif phase is StepPhase.BEFORE:
        assert (decision.directive, decision.waves) == (Directive.START, (2,))
    else:
        assert second(decision).status is W.COMPLETED


@pytest.mark.parametrize("outcome", [PARTIAL, FAILURE])
def test_a14_a_required_command_fails_its_wave_by_what_its_run_tells_whatever_the_outcome(outcome: str) -> None:
    current = started(launched(commanding(after=(REQUIRED,))))
    words = "did not succeed on 2 critical server(s): s-1, s-2"
    decision = decide_round(current, StepView(outcome=outcome, failure=words))
    assert second(decision).error == f"The required command fix-config {words} (after the launch)"
    fine = decide_round(current, StepView(outcome=PARTIAL, failure=None))
    assert second(fine).status is W.COMPLETED, "an OPTIONAL server that failed fails nothing"


@pytest.mark.parametrize("phase", [StepPhase.BEFORE, StepPhase.AFTER])
def test_a14_a_command_without_any_server_is_skipped_and_fails_nothing(phase: StepPhase) -> None:
    listed = (REQUIRED, TOLD)
    current = commanding(listed) if phase is StepPhase.BEFORE else commanding(after=listed)
    nobody = (server(1, LaunchStatus.FAILED, impact=Impact.OPTIONAL),)
    source = current.wave(1 if phase is StepPhase.BEFORE else 2)
    current = current.with_waves([replace(source, servers=nobody)])
    assert decide_round(current).directive is Directive.COMMAND
    for _ in listed:
        due = due_step(current, current.wave(2), NOW, TIMING)
        assert due is not None
        current = current.with_waves([intended(current, current.wave(2), due, NOW)])
    assert [(one.state.value, one.outcome) for one in current.wave(2).steps] == [("ENDED", "SKIPPED")] * 2
    shown = execution_view(current, NOW)["waves"][1]["steps"]
    assert {(one["status"], one["commandId"], one["error"]) for one in shown} == {
        ("SKIPPED", None, "no server to run on")
    }
    decision = decide_round(current)
    assert decision.directive is not Directive.COMMAND
    if phase is StepPhase.AFTER:
        assert second(decision).status is W.COMPLETED
    again = reset(current.wave(2))
    expected = "PLANNED" if phase is StepPhase.AFTER else "ENDED"
    assert [one.state.value for one in again.steps] == [expected] * 2, "a retry may launch a server to run on"


def test_a14_a_server_without_a_known_instance_is_a_target_that_did_not_succeed() -> None:
    members = (server(2, LAUNCHED), server(22, LAUNCHED, recovery_instance_id=None))
    current = commanding(after=(REQUIRED,), servers=members)
    reached = targets(current, current.wave(2), StepPhase.AFTER)
    assert [one.source_server_id for _, one in reached] == [server_id(2), server_id(22)]


def test_a_retry_runs_again_what_did_not_succeed_also_where_nothing_is_required() -> None:
    listed = (TOLD, TOLD, REQUIRED)
    current = ended(launched(commanding(after=listed, on_failure=OnFailure.ASK)), SUCCESS).execution
    failed = ended(ended(current, PARTIAL).execution, FAILURE).execution
    again = steering.retry(failed, 2, later(5)).wave(2)
    assert [(one.state.value, one.attempt) for one in again.steps] == [("ENDED", 1), ("PLANNED", 2), ("PLANNED", 2)]
    assert [one.failure for one in again.steps] == [None] * 3


def test_a_command_that_ended_before_its_failure_was_written_down_fails_its_wave_as_then() -> None:
    current = ended(launched(commanding(after=(REQUIRED, TOLD))), FAILURE).execution
    record = wave_record(current.execution_id, current.wave(2))
    record["commands"] = [older(entry) for entry in record.pop("steps")]
    read = read_execution([meta_record(current), record, *server_records(current.execution_id, current.wave(2))])
    assert read is not None
    assert [one.failure for one in read.waves[0].steps] == [FAILED_EVERYWHERE, None]


def test_a_required_command_that_fails_keeps_those_after_it_in_its_list_from_running() -> None:
    decision = ended(commanding((REQUIRED, TOLD)), FAILURE)
    assert [command.state for command in second(decision).steps] == [StepState.ENDED, StepState.PLANNED]
    assert decision.directive is Directive.FINISH
    assert finalise(decision.execution, NOW).status is ExecutionStatus.FAILED


@pytest.mark.parametrize(
    ("rule", "directive", "status"),
    [
        (OnFailure.STOP, Directive.FINISH, ExecutionStatus.IN_PROGRESS),
        (OnFailure.CONTINUE, Directive.START, ExecutionStatus.IN_PROGRESS),
        (OnFailure.ASK, Directive.SLEEP, ExecutionStatus.PAUSED),
    ],
)
def test_on_failure_applies_to_a_wave_that_a_command_failed(
    rule: OnFailure, directive: Directive, status: ExecutionStatus
) -> None:
    decision = ended(launched(commanding(after=(REQUIRED,), on_failure=rule)), FAILURE)
    assert (decision.directive, decision.execution.status) == (directive, status)
    assert decision.waves == ((3,) if rule is OnFailure.CONTINUE else ())


def test_a_critical_server_that_failed_leaves_the_commands_after_the_launch_out() -> None:
    current = commanding(after=(TOLD,))
    decision = decide_round(launching(current, [2]), job2=view({2: LaunchStatus.FAILED}, completed=True))
    assert second(decision).status is W.FAILED
    assert second(decision).steps[0].state is StepState.PLANNED


def test_an_optional_server_that_failed_is_no_target() -> None:
    members = (server(2, LAUNCHED), server(22, LaunchStatus.FAILED, impact=Impact.OPTIONAL))
    current = commanding(after=(TOLD,), servers=members)
    assert decide_round(current).directive is Directive.COMMAND
    reached = targets(current, current.wave(2), StepPhase.AFTER)
    assert [one.source_server_id for _, one in reached] == [server_id(2)]


def test_commands_before_reach_what_the_waves_depended_on_have_launched() -> None:
    current = execution(
        wave(1, W.COMPLETED), wave(2, W.COMPLETED), wave(3, W.SKIPPED), wave(4, W.IN_PROGRESS, depends_on=(1, 3))
    )
    reached = targets(current, current.wave(4), StepPhase.BEFORE)
    assert [(source.number, one.source_server_id) for source, one in reached] == [(1, server_id(1))]


def test_commands_before_wait_for_the_waves_wait() -> None:
    current = commanding((TOLD,), wait_before_seconds=45)
    assert decide_round(current, now=later(44)).directive is Directive.SLEEP
    assert decide_round(current, now=later(45)).directive is Directive.COMMAND


def test_a_pause_does_not_hold_the_commands_of_a_running_wave() -> None:
    current = steering.pause(launched(commanding((TOLD,), (TOLD,))), says())
    decision = decide_round(current)
    assert (decision.directive, decision.waves) == (Directive.COMMAND, (2,))
    assert decision.execution.status is ExecutionStatus.PAUSED


def test_starts_go_before_and_a_directive_names_ten_waves_at_most() -> None:
    many = [
        wave(number, W.IN_PROGRESS, depends_on=(), servers=(server(number, LAUNCHED),), steps=planned((), (TOLD,)))
        for number in range(1, 13)
    ]
    decision = decide(execution(*many), seen(), NOW, TIMING)
    assert (decision.directive, decision.waves) == (Directive.COMMAND, tuple(range(1, 11)))
    beside = decide(execution(*many, wave(13, W.IN_PROGRESS, depends_on=())), seen(), NOW, TIMING)
    assert (beside.directive, beside.waves) == (Directive.START, (13,))


def test_a_run_that_was_never_made_is_made_and_one_that_runs_is_left_alone() -> None:
    current = started(commanding((TOLD,)))
    lost = decide_round(current, StepView(exists=False))
    assert (lost.directive, lost.waves) == (Directive.COMMAND, (2,))
    assert lost.execution.wave(2).running_step == current.wave(2).running_step, "under the id it always had"
    assert decide_round(current, StepView()).directive is Directive.SLEEP
    assert decide_round(current).directive is Directive.SLEEP, "what could not be read is not taken for lost"


def test_a_skipped_wave_lets_its_dependants_run_while_its_command_ends() -> None:
    current = started(launched(commanding(after=(TOLD,), timeout_minutes=1, on_failure=OnFailure.ASK)))
    skipped = steering.skip(decide_round(current, StepView(), later(60)).execution, 2, later(61))
    decision = decide_round(skipped, StepView(), later(61))
    assert (decision.directive, decision.waves) == (Directive.START, (3,))
    assert decision.execution.in_flight


def test_commands_are_written_down_and_read_back() -> None:
    current = started(ended(launched(commanding((REQUIRED, TOLD), (TOLD,))), PARTIAL).execution)
    read = read_execution(
        [
            meta_record(current),
            *(wave_record(current.execution_id, one) for one in current.waves),
            *(item for one in current.waves for item in server_records(current.execution_id, one)),
        ]
    )
    assert read is not None
    assert read.waves == current.waves


def test_a_wave_shows_its_commands_with_the_runs_to_look_at() -> None:
    current = started(ended(commanding((REQUIRED, TOLD), (TOLD,)), PARTIAL).execution)
    shown = execution_view(current, NOW)["waves"][1]["steps"]
    ulid = EXECUTION_ID[6:]
    assert [(one["phase"], one["name"], one["required"], one["status"], one["commandId"]) for one in shown] == [
        ("BEFORE", "fix-config", True, "PARTIAL", f"cmd-{ulid}-w002b01r1"),
        ("BEFORE", "status", False, "IN_PROGRESS", f"cmd-{ulid}-w002b02r1"),
        ("AFTER", "status", False, "NOT_STARTED", None),
    ]
