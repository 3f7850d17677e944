"""Commands of waves: before, then launch, then after; what their ends mean for the wave, a cancel, a retry."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from tests.support.execution_builders import (
    EXECUTION_ID,
    NOW,
    TIMING,
    asked_to_cancel,
    execution,
    job,
    later,
    launching,
    seen,
    server,
    server_id,
    statuses,
    view,
    wave,
)

from wavebreak.domain.commands.summary import FAILED_EVERYWHERE
from wavebreak.domain.executions import steering
from wavebreak.domain.executions.engine import Decision, Directive, decide, due_step, finalise, is_over
from wavebreak.domain.executions.model.executions import Execution
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.steps import StepPhase, StepState, StepView
from wavebreak.domain.executions.model.waves import Wave
from wavebreak.domain.executions.observing.launches import JobView
from wavebreak.domain.executions.stepping.wave_steps import anew, intended, planned, run_id, targets
from wavebreak.domain.executions.views.executions import execution_view
from wavebreak.domain.plans.model import Impact, OnFailure
from wavebreak.execution_utils import ExecutionStatus, WaveStatus
from wavebreak.store.records.executions import meta_record, read_execution
from wavebreak.store.records.waves import server_records, wave_record

W = WaveStatus
FAILURE, PARTIAL, SUCCESS = "COMPLETE_FAILURE", "PARTIAL_SUCCESS", "COMPLETE_SUCCESS"
OF_STEP = {FAILURE: "FAILED", PARTIAL: "PARTIAL", SUCCESS: "SUCCEEDED"}
"""What the run of a command came to, in the words of steps (contract 12)."""
REQUIRED: dict[str, Any] = {"command": "fix-config", "required": True}
TOLD: dict[str, Any] = {"command": "status"}
LAUNCHED = LaunchStatus.LAUNCHED


def commanding(before: tuple[Any, ...] = (), after: tuple[Any, ...] = (), **fields: Any) -> Execution:
    """An execution whose first wave is done and whose second, in progress, has commands."""
    second = wave(2, W.IN_PROGRESS, steps=planned(before, after), **fields)
    return execution(wave(1, W.COMPLETED), second, wave(3))


def launched(current: Execution) -> Execution:
    """Have the servers of the second wave launched, and their job ended."""
    there = current.wave(2).with_servers(lambda one: server(int(one.source_server_id[2:]), LAUNCHED, impact=one.impact))
    return current.with_waves([there]).with_job(job(2, JobState.ENDED))


def started(current: Execution, number: int = 2) -> Execution:
    """Write the intent of the command that is due."""
    mine = current.wave(number)
    due = next(command for command in mine.steps if command.state is StepState.PLANNED)
    return current.with_waves([mine.with_step(replace(due, state=StepState.STARTED))])


def name(current: Execution, number: int = 2) -> str:
    running = current.wave(number).running_step
    assert running is not None
    return run_id(current.execution_id, number, running)


def look(current: Execution, command: StepView | None = None, now: datetime = NOW, **jobs: JobView) -> Decision:
    """One round, in which the running command of the second wave is seen as given."""
    views = {name(current): command} if command is not None else {}
    return decide(current, replace(seen(**jobs), steps=views), now, TIMING)


def ended(current: Execution, outcome: str, now: datetime = NOW) -> Decision:
    """One round after the present command's run ended; a failure everywhere is what fails a wave."""
    return look(started(current), over(outcome), now)


def over(outcome: str) -> StepView:
    return StepView(outcome=outcome, failure=FAILED_EVERYWHERE if outcome == FAILURE else None)


def second(decision: Decision) -> Wave:
    return decision.execution.wave(2)


def test_commands_before_then_the_launch_then_commands_after_then_the_end() -> None:
    current = commanding((REQUIRED, TOLD), (TOLD, REQUIRED))
    decision = look(current)
    for _ in range(2):
        assert (decision.directive, decision.waves) == (Directive.COMMAND, (2,))
        waiting = look(started(decision.execution), StepView())
        assert waiting.directive is Directive.SLEEP, "commands of a list run one after another"
        decision = ended(decision.execution, SUCCESS)
    assert (decision.directive, decision.waves) == (Directive.START, (2,))
    begun = launching(decision.execution, [2])
    assert look(begun).directive is Directive.SLEEP, "commands after the launch wait for it"
    decision = look(begun, job2=view({2: LAUNCHED}, completed=True))
    for _ in range(2):
        assert (decision.directive, decision.waves, second(decision).status) == (Directive.COMMAND, (2,), W.IN_PROGRESS)
        decision = ended(decision.execution, SUCCESS)
    assert second(decision).status is W.COMPLETED
    assert decision.waves == (3,)


def test_post_launch_actions_hold_back_the_commands_after_the_launch() -> None:
    begun = launching(commanding(after=(TOLD,)), [2])
    running = look(begun, job2=view({2: LAUNCHED}, actions_running=True))
    assert running.directive is Directive.SLEEP
    assert look(running.execution, job2=view({2: LAUNCHED})).directive is Directive.COMMAND


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
    decision = look(current, StepView(outcome=outcome, failure=words))
    assert second(decision).error == f"The required command fix-config {words} (after the launch)"
    fine = look(current, StepView(outcome=PARTIAL, failure=None))
    assert second(fine).status is W.COMPLETED, "an OPTIONAL server that failed fails nothing"


@pytest.mark.parametrize("phase", [StepPhase.BEFORE, StepPhase.AFTER])
def test_a14_a_command_without_any_server_is_skipped_and_fails_nothing(phase: StepPhase) -> None:
    listed = (REQUIRED, TOLD)
    current = commanding(listed) if phase is StepPhase.BEFORE else commanding(after=listed)
    nobody = (server(1, LaunchStatus.FAILED, impact=Impact.OPTIONAL),)
    source = current.wave(1 if phase is StepPhase.BEFORE else 2)
    current = current.with_waves([replace(source, servers=nobody)])
    assert look(current).directive is Directive.COMMAND
    for _ in listed:
        due = due_step(current, current.wave(2), NOW, TIMING)
        assert due is not None
        current = current.with_waves([intended(current, current.wave(2), due, NOW)])
    assert [(one.state.value, one.outcome) for one in current.wave(2).steps] == [("ENDED", "SKIPPED")] * 2
    shown = execution_view(current, NOW)["waves"][1]["steps"]
    assert {(one["status"], one["commandId"], one["error"]) for one in shown} == {
        ("SKIPPED", None, "no server to run on")
    }
    decision = look(current)
    assert decision.directive is not Directive.COMMAND
    if phase is StepPhase.AFTER:
        assert second(decision).status is W.COMPLETED
    again = anew(current.wave(2))
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
    assert [(one.state.value, one.run) for one in again.steps] == [("ENDED", 1), ("PLANNED", 2), ("PLANNED", 2)]
    assert [one.failure for one in again.steps] == [None] * 3


def test_a_command_that_ended_before_its_failure_was_written_down_fails_its_wave_as_then() -> None:
    current = ended(launched(commanding(after=(REQUIRED, TOLD))), FAILURE).execution
    record = wave_record(current.execution_id, current.wave(2))
    record["commands"] = [older(entry) for entry in record.pop("steps")]
    read = read_execution([meta_record(current), record, *server_records(current.execution_id, current.wave(2))])
    assert read is not None
    assert [one.failure for one in read.waves[0].steps] == [FAILED_EVERYWHERE, None]


def older(entry: dict[str, Any]) -> dict[str, Any]:
    """Write a command down as it was before there were steps: with the outcome of its run."""
    words = {word: outcome for outcome, word in OF_STEP.items()}
    known = {name: entry[name] for name in ("phase", "position", "required", "state", "run")}
    return {**known, "command": entry["name"], "outcome": words.get(entry.get("outcome", ""))}


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
    decision = look(launching(current, [2]), job2=view({2: LaunchStatus.FAILED}, completed=True))
    assert second(decision).status is W.FAILED
    assert second(decision).steps[0].state is StepState.PLANNED


def test_an_optional_server_that_failed_is_no_target() -> None:
    members = (server(2, LAUNCHED), server(22, LaunchStatus.FAILED, impact=Impact.OPTIONAL))
    current = commanding(after=(TOLD,), servers=members)
    assert look(current).directive is Directive.COMMAND
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
    assert look(current, now=later(44)).directive is Directive.SLEEP
    assert look(current, now=later(45)).directive is Directive.COMMAND


def test_a_pause_does_not_hold_the_commands_of_a_running_wave() -> None:
    current = steering.pause(launched(commanding((TOLD,), (TOLD,))))
    decision = look(current)
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
    lost = look(current, StepView(exists=False))
    assert (lost.directive, lost.waves) == (Directive.COMMAND, (2,))
    assert lost.execution.wave(2).running_step == current.wave(2).running_step, "under the id it always had"
    assert look(current, StepView()).directive is Directive.SLEEP
    assert look(current).directive is Directive.SLEEP, "what could not be read is not taken for lost"


def test_a_cancelled_wave_ends_only_when_its_command_has() -> None:
    current = steering.cancel(started(launched(commanding(after=(TOLD, REQUIRED)))), asked_to_cancel())
    assert statuses(current) == ["COMPLETED", "IN_PROGRESS", "CANCELLED"]
    asks = look(current, StepView())
    assert (asks.directive, asks.waves, second(asks).status) == (Directive.COMMAND, (2,), W.IN_PROGRESS)
    waits = look(asks.execution, StepView(cancelling=True))
    assert (waits.directive, is_over(waits.execution)) == (Directive.SLEEP, False)
    over = look(waits.execution, StepView(outcome=FAILURE))
    assert (over.directive, second(over).status) == (Directive.FINISH, W.CANCELLED)
    assert [command.state for command in second(over).steps] == [StepState.ENDED, StepState.PLANNED]
    assert finalise(over.execution, NOW).status is ExecutionStatus.PARTIAL_SUCCESS


def test_a_cancel_with_an_intent_alone_looks_after_the_run_before_it_ends() -> None:
    current = steering.cancel(started(commanding((TOLD,))), asked_to_cancel())
    assert not is_over(current)
    assert look(current, StepView(exists=False)).directive is Directive.COMMAND


def test_a_cancel_between_two_commands_starts_no_other() -> None:
    current = ended(commanding((TOLD, TOLD)), SUCCESS).execution
    cancelled = steering.cancel(current, asked_to_cancel())
    assert statuses(cancelled) == ["COMPLETED", "CANCELLED", "CANCELLED"]
    assert cancelled.is_terminal


def test_a_wave_that_times_out_is_failed_at_once_and_the_execution_waits_for_its_command() -> None:
    current = started(launched(commanding(after=(TOLD, TOLD), timeout_minutes=1)))
    decision = look(current, StepView(), later(60))
    assert (second(decision).status, second(decision).error) == (W.FAILED, "Timed out after 1 minute(s)")
    assert (decision.directive, decision.waves) == (Directive.COMMAND, (2,)), "it is stopped (contract 12)"
    assert look(decision.execution, StepView(cancelling=True), later(60)).directive is Directive.SLEEP
    assert finalise(decision.execution, later(60)) == decision.execution
    over = look(decision.execution, StepView(outcome=SUCCESS), later(90))
    assert (over.directive, second(over).status) == (Directive.FINISH, W.FAILED)
    assert second(over).steps[1].state is StepState.PLANNED


def test_a_retry_of_a_failed_command_after_the_launch_launches_nothing_again() -> None:
    listed = ({"command": "status"}, REQUIRED)
    failed = ended(ended(launched(commanding(after=listed, on_failure=OnFailure.ASK)), SUCCESS).execution, FAILURE)
    again = steering.retry(failed.execution, 2, later(5))
    assert [(one.state.value, one.run) for one in again.wave(2).steps] == [("ENDED", 1), ("PLANNED", 2)]
    assert again.wave(2).attempt == 2
    decision = look(again, now=later(5))
    assert (decision.directive, decision.waves) == (Directive.COMMAND, (2,))
    assert name(started(again)) == f"cmd-{EXECUTION_ID[6:]}-w002a02r2", "a run of its own"
    assert second(ended(decision.execution, SUCCESS, later(5))).status is W.COMPLETED


def test_a_retry_of_a_failed_command_before_the_launch_runs_it_again_and_then_launches() -> None:
    failed = ended(ended(commanding((TOLD, REQUIRED), on_failure=OnFailure.ASK), SUCCESS).execution, FAILURE).execution
    again = look(steering.retry(failed, 2, later(5)), now=later(5))
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
    failed = look(current.with_waves([replace(current.wave(2), steps=finished)])).execution
    assert failed.wave(2).status is W.FAILED
    again = steering.retry(failed, 2, later(5))
    assert [(one.state.value, one.run) for one in again.wave(2).steps] == [
        ("ENDED", 1),
        ("PLANNED", 2),
        ("PLANNED", 2),
    ]
    assert look(again, now=later(5)).directive is Directive.START


@pytest.mark.parametrize("outcome", [SUCCESS, PARTIAL, FAILURE])
def test_a_retry_runs_a_command_that_is_being_stopped_again_unless_it_succeeded(outcome: str) -> None:
    """Contract 12: the wave's timeout stops what runs, and a retry runs again what did not succeed."""
    current = started(launched(commanding(after=(REQUIRED,), timeout_minutes=1, on_failure=OnFailure.ASK)))
    failed = look(current, StepView(), later(60)).execution
    again = steering.retry(failed, 2, later(61))
    assert name(again) == name(current), "it goes on under its name until it has ended"
    assert look(again, StepView(), later(61)).directive is Directive.COMMAND, "it is still to be stopped"
    assert look(again, StepView(cancelling=True), later(61)).directive is Directive.SLEEP
    decision = look(again, over(outcome), later(62))
    if outcome == SUCCESS:
        assert second(decision).status is W.COMPLETED
        return
    assert (decision.directive, decision.waves) == (Directive.COMMAND, (2,))
    assert [(one.state.value, one.run, one.before) for one in second(decision).steps] == [("PLANNED", 2, "FAILED")]


def overtaken(*listed: dict[str, Any]) -> Execution:
    """A wave that timed out while its first command after the launch ran, with a server that had failed; retried."""
    members = (server(2, LAUNCHED), server(22, LaunchStatus.FAILED, impact=Impact.OPTIONAL))
    before = commanding(after=listed, servers=members, timeout_minutes=1, on_failure=OnFailure.ASK)
    failed = look(started(before), StepView(), later(60)).execution
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
        waiting = look(begun, StepView(cancelling=True), later(62), job102=done)
        assert (waiting.directive, second(waiting).status) == (Directive.SLEEP, W.IN_PROGRESS)
        due = look(waiting.execution, StepView(outcome=outcome), later(63))
    else:
        over = look(begun, StepView(outcome=outcome), later(62))
        assert (over.directive, second(over).status) == (Directive.SLEEP, W.IN_PROGRESS)
        due = look(over.execution, now=later(63), job102=done)
    assert (due.directive, due.waves, second(due).status) == (Directive.COMMAND, (2,), W.IN_PROGRESS)
    again = started(due.execution)
    assert name(again) == f"cmd-{EXECUTION_ID[6:]}-w002a01r2", "a run of its own"
    reached = [one.source_server_id for _, one in targets(again, again.wave(2), StepPhase.AFTER)]
    assert reached == [server_id(2), server_id(22)]
    assert second(look(again, StepView(outcome=SUCCESS), later(64))).status is W.COMPLETED


def test_all_commands_after_the_launch_run_again_in_their_order() -> None:
    begun = launching(overtaken(TOLD, REQUIRED), [2], later(61))
    over = look(begun, StepView(outcome=SUCCESS), later(62), job102=view({22: LAUNCHED}, completed=True))
    assert [(one.state.value, one.run) for one in second(over).steps] == [("PLANNED", 2), ("PLANNED", 1)]
    assert name(started(over.execution)).endswith("w002a01r2")


@pytest.mark.parametrize("call", ["cancel", "skip"])
def test_a_command_that_is_not_needed_any_more_keeps_its_outcome(call: str) -> None:
    current = launching(overtaken(TOLD), [2], later(61))
    failed = look(current, StepView(), later(121)).execution
    if call == "cancel":
        over = steering.cancel(current, asked_to_cancel(at=later(62)))
    else:
        over = steering.skip(failed, 2, later(122))
    seen_ended = look(over, StepView(outcome=PARTIAL), later(123)).execution.wave(2)
    assert [(one.state.value, one.outcome, one.run) for one in seen_ended.steps] == [("ENDED", "FAILED", 1)]


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


def test_a_skipped_wave_lets_its_dependants_run_while_its_command_ends() -> None:
    current = started(launched(commanding(after=(TOLD,), timeout_minutes=1, on_failure=OnFailure.ASK)))
    skipped = steering.skip(look(current, StepView(), later(60)).execution, 2, later(61))
    decision = look(skipped, StepView(), later(61))
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
