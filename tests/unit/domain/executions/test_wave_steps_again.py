"""Steps of a wave that is cut short or made again."""

from typing import Any

import pytest
from tests.support.execution_builders import (
    EXECUTION_ID,
    NOW,
    asked_to_cancel,
    later,
    launching,
    server,
    server_id,
    statuses,
    view,
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
    name,
    older,
    over,
    second,
    started,
)

from wavebreak.domain.executions import steering
from wavebreak.domain.executions.engine import Directive, finalise, is_over
from wavebreak.domain.executions.model.executions import Execution
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.steps import StepPhase, StepState, StepView
from wavebreak.domain.executions.stepping.wave_steps import targets
from wavebreak.domain.plans.model import Impact, OnFailure
from wavebreak.execution_utils import ExecutionStatus
from wavebreak.store.records.executions import meta_record, read_execution
from wavebreak.store.records.waves import server_records, wave_record
from wavebreak.values import replace


def test_a_cancelled_wave_ends_only_when_its_command_has() -> None:
    current = steering.cancel(started(launched(commanding(after=(TOLD, REQUIRED)))), asked_to_cancel())
    assert statuses(current) == ["COMPLETED", "IN_PROGRESS", "CANCELLED"]
    asks = decide_round(current, StepView())
    assert (asks.directive, asks.waves, second(asks).status) == (Directive.COMMAND, (2,), W.IN_PROGRESS)
    waits = decide_round(asks.execution, StepView(cancelling=True))
    assert (waits.directive, is_over(waits.execution)) == (Directive.SLEEP, False)
    over = decide_round(waits.execution, StepView(outcome=FAILURE))
    assert (over.directive, second(over).status) == (Directive.FINISH, W.CANCELLED)
    assert [command.state for command in second(over).steps] == [StepState.ENDED, StepState.PLANNED]
    assert finalise(over.execution, NOW).status is ExecutionStatus.PARTIAL_SUCCESS


def test_a_cancel_with_an_intent_alone_looks_after_the_run_before_it_ends() -> None:
    current = steering.cancel(started(commanding((TOLD,))), asked_to_cancel())
    assert not is_over(current)
    assert decide_round(current, StepView(exists=False)).directive is Directive.COMMAND


def test_a_cancel_between_two_commands_starts_no_other() -> None:
    current = ended(commanding((TOLD, TOLD)), SUCCESS).execution
    cancelled = steering.cancel(current, asked_to_cancel())
    assert statuses(cancelled) == ["COMPLETED", "CANCELLED", "CANCELLED"]
    assert cancelled.is_terminal


def test_a_wave_that_times_out_is_failed_at_once_and_the_execution_waits_for_its_command() -> None:
    current = started(launched(commanding(after=(TOLD, TOLD), timeout_minutes=1)))
    decision = decide_round(current, StepView(), later(60))
    assert (second(decision).status, second(decision).error) == (W.FAILED, "Timed out after 1 minute(s)")
    assert (decision.directive, decision.waves) == (Directive.COMMAND, (2,)), "it is stopped (contract 12)"
    assert decide_round(decision.execution, StepView(cancelling=True), later(60)).directive is Directive.SLEEP
    assert finalise(decision.execution, later(60)) == decision.execution
    over = decide_round(decision.execution, StepView(outcome=SUCCESS), later(90))
    assert (over.directive, second(over).status) == (Directive.FINISH, W.FAILED)
    assert second(over).steps[1].state is StepState.PLANNED


def test_a_retry_of_a_failed_command_after_the_launch_launches_nothing_again() -> None:
    listed = ({"command": "status"}, REQUIRED)
    failed = ended(ended(launched(commanding(after=listed, on_failure=OnFailure.ASK)), SUCCESS).execution, FAILURE)
    again = steering.retry(failed.execution, 2, later(5))
    assert [(one.state.value, one.attempt) for one in again.wave(2).steps] == [("ENDED", 1), ("PLANNED", 2)]
    assert again.wave(2).attempt == 2
    decision = decide_round(again, now=later(5))
    assert (decision.directive, decision.waves) == (Directive.COMMAND, (2,))
    assert name(started(again)) == f"cmd-{EXECUTION_ID[6:]}-w002a02r2", "a run of its own"
    assert second(ended(decision.execution, SUCCESS, later(5))).status is W.COMPLETED


def test_a_retry_of_a_failed_command_before_the_launch_runs_it_again_and_then_launches() -> None:
    failed = ended(ended(commanding((TOLD, REQUIRED), on_failure=OnFailure.ASK), SUCCESS).execution, FAILURE).execution
    again = decide_round(steering.retry(failed, 2, later(5)), now=later(5))
    assert [one.state.value for one in second(again).steps] == ["ENDED", "PLANNED"]
    assert ended(again.execution, PARTIAL, later(5)).directive is Directive.START


def test_a_retry_that_launches_again_runs_all_commands_after_the_launch_again() -> None:
    members = (server(2, LAUNCHED), server(22, LaunchStatus.FAILED, impact=Impact.OPTIONAL))
    current = commanding((TOLD,), (TOLD, REQUIRED), servers=members, on_failure=OnFailure.ASK)
    outcomes = (SUCCESS, SUCCESS, FAILURE)
    finished = tuple(
        replace(command, state=StepState.ENDED, outcome=OF_STEP[outcome], failure=over(outcome).failure)
        for command, outcome in zip(current.wave(2).steps, outcomes, strict=True)
    )
    failed = decide_round(current.with_waves([replace(current.wave(2), steps=finished)])).execution
    assert failed.wave(2).status is W.FAILED
    again = steering.retry(failed, 2, later(5))
    assert [(one.state.value, one.attempt) for one in again.wave(2).steps] == [
        ("ENDED", 1),
        ("PLANNED", 2),
        ("PLANNED", 2),
    ]
    assert decide_round(again, now=later(5)).directive is Directive.START


@pytest.mark.parametrize("outcome", [SUCCESS, PARTIAL, FAILURE])
def test_a_retry_runs_a_command_that_is_being_stopped_again_unless_it_succeeded(outcome: str) -> None:
    """Contract 12: the wave's timeout stops what runs, and a retry runs again what did not succeed."""
    current = started(launched(commanding(after=(REQUIRED,), timeout_minutes=1, on_failure=OnFailure.ASK)))
    failed = decide_round(current, StepView(), later(60)).execution
    again = steering.retry(failed, 2, later(61))
    assert name(again) == name(current), "it goes on under its name until it has ended"
    assert decide_round(again, StepView(), later(61)).directive is Directive.COMMAND, "it is still to be stopped"
    assert decide_round(again, StepView(cancelling=True), later(61)).directive is Directive.SLEEP
    decision = decide_round(again, over(outcome), later(62))
    if outcome == SUCCESS:
        assert second(decision).status is W.COMPLETED
        return
    assert (decision.directive, decision.waves) == (Directive.COMMAND, (2,))
    assert [(one.state.value, one.attempt, one.before) for one in second(decision).steps] == [("PLANNED", 2, "FAILED")]


def overtaken(*listed: dict[str, Any]) -> Execution:
    """A wave that timed out while its first command after the launch ran, with a server that had failed; retried."""
    members = (server(2, LAUNCHED), server(22, LaunchStatus.FAILED, impact=Impact.OPTIONAL))
    before = commanding(after=listed, servers=members, timeout_minutes=1, on_failure=OnFailure.ASK)
    failed = decide_round(started(before), StepView(), later(60)).execution
    assert failed.wave(2).status is W.FAILED
    return steering.retry(failed, 2, later(61))


@pytest.mark.parametrize("outcome", [SUCCESS, FAILURE])
@pytest.mark.parametrize("launched_first", [True, False])
def test_a_command_that_ran_on_through_a_retry_runs_again_for_the_servers_launched_anew(
    outcome: str, launched_first: bool
) -> None:
    begun = launching(overtaken(REQUIRED), [2], later(61))
    done = view({22: LAUNCHED}, completed=True)
    if launched_first:
        waiting = decide_round(begun, StepView(cancelling=True), later(62), job102=done)
        assert (waiting.directive, second(waiting).status) == (Directive.SLEEP, W.IN_PROGRESS)
        due = decide_round(waiting.execution, StepView(outcome=outcome), later(63))
    else:
        over = decide_round(begun, StepView(outcome=outcome), later(62))
        assert (over.directive, second(over).status) == (Directive.SLEEP, W.IN_PROGRESS)
        due = decide_round(over.execution, now=later(63), job102=done)
    assert (due.directive, due.waves, second(due).status) == (Directive.COMMAND, (2,), W.IN_PROGRESS)
    again = started(due.execution)
    assert name(again) == f"cmd-{EXECUTION_ID[6:]}-w002a01r2", "a run of its own"
    reached = [one.source_server_id for _, one in targets(again, again.wave(2), StepPhase.AFTER)]
    assert reached == [server_id(2), server_id(22)]
    assert second(decide_round(again, StepView(outcome=SUCCESS), later(64))).status is W.COMPLETED


def test_all_commands_after_the_launch_run_again_in_their_order() -> None:
    begun = launching(overtaken(TOLD, REQUIRED), [2], later(61))
    over = decide_round(begun, StepView(outcome=SUCCESS), later(62), job102=view({22: LAUNCHED}, completed=True))
    assert [(one.state.value, one.attempt) for one in second(over).steps] == [("PLANNED", 2), ("PLANNED", 1)]
    assert name(started(over.execution)).endswith("w002a01r2")


@pytest.mark.parametrize("call", ["cancel", "skip"])
def test_a_command_that_is_not_needed_any_more_keeps_its_outcome(call: str) -> None:
    current = launching(overtaken(TOLD), [2], later(61))
    failed = decide_round(current, StepView(), later(121)).execution
    if call == "cancel":
        over = steering.cancel(current, asked_to_cancel(at=later(62)))
    else:
        over = steering.skip(failed, 2, later(122))
    seen_ended = decide_round(over, StepView(outcome=PARTIAL), later(123)).execution.wave(2)
    assert [(one.state.value, one.outcome, one.attempt) for one in seen_ended.steps] == [("ENDED", "FAILED", 1)]


def test_a_command_that_is_to_run_again_is_written_down_and_read_back() -> None:
    current = overtaken(TOLD)
    record = wave_record(current.execution_id, current.wave(2))
    read = read_execution([meta_record(current), record, *server_records(current.execution_id, current.wave(2))])
    assert read is not None
    assert read.waves[0].steps == current.wave(2).steps
    assert read.waves[0].steps[0].again
    record["commands"] = [older(entry) for entry in record.pop("steps")]
    before = read_execution([meta_record(current), record, *server_records(current.execution_id, current.wave(2))])
    assert before is not None
    assert not before.waves[0].steps[0].again
