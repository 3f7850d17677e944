"""Contract 12: a function is invoked by the state machine itself, with the step's id, and its answer is kept."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import called_operations as called
from tests.support.plans import plan, server, wave
from tests.support.steps import FUNCTION, RUNBOOK, Steps

from wavebreak.domain.commands.safe_output import MAX_OUTPUT_BYTES
from wavebreak.domain.steps.limits import MAX_EVENT_BYTES
from wavebreak.domain.steps.runs import StepKind, StepStatus, StopReason

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack


def named(name: str) -> Exception:
    """Make an error whose class has a name, which is what Step Functions is told."""
    made: Exception = type(name, (Exception,), {})("why")
    return made


class Held:
    """A function that answers when it may."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.begun = threading.Event()
        self.may_answer = threading.Event()

    def __call__(self, _event: dict[str, Any]) -> Any:
        """Wait, and answer."""
        self.begun.set()
        assert self.may_answer.wait(30)
        return self.answer


def test_a_function_gets_what_the_contract_says_and_its_answer_is_kept(steps: Steps) -> None:
    events: list[dict[str, Any]] = []

    def work(event: dict[str, Any]) -> dict[str, Any]:
        events.append(event)
        return {"moved": 3}

    run = steps.ended(steps.function(work, payload={"zone": "a", "ids": ["i-1"]}))

    assert (run.status, run.output, run.error) == (StepStatus.SUCCEEDED, '{"moved": 3}', None)
    assert events == [
        {
            "executionId": run.execution_id,
            "planId": "three-tier",
            "mode": "DRILL",
            "wave": {"number": 1, "name": "database", "attempt": 1},
            "servers": [{"sourceServerId": "s-11111111111111111", "recoveryInstanceId": "i-0123456789abcdef0"}],
            "stepId": run.step_id,
            "payload": {"zone": "a", "ids": ["i-1"]},
        }
    ]


@pytest.mark.parametrize("answer", [None, "text", 0, False, [], {}])
def test_any_answer_is_one(steps: Steps, answer: Any) -> None:
    run = steps.ended(steps.function(lambda _event: answer))
    assert run.status is StepStatus.SUCCEEDED
    assert (None if run.output is None else json.loads(run.output)) == answer


def test_a_long_answer_is_cut(steps: Steps) -> None:
    run = steps.ended(steps.function(lambda _event: "ä" * 20_000))
    assert len((run.output or "").encode()) <= MAX_OUTPUT_BYTES


def test_a_function_that_fails_ran_and_is_not_invoked_again(steps: Steps) -> None:
    calls: list[str] = []

    def work(event: dict[str, Any]) -> None:
        calls.append(event["stepId"])
        raise ValueError("no such zone; password=hunter2hunter2")

    run = steps.ended(steps.function(work))

    assert run.status is StepStatus.FAILED
    assert (run.error or "").startswith("ValueError: no such zone; password=")
    assert "hunter2hunter2" not in (run.error or "")
    assert calls == [run.step_id]


@pytest.mark.parametrize("error", ["Sandbox.Timedout", "Lambda.Unknown", "Lambda.ResourceNotFoundException"])
def test_what_ran_out_of_its_time_or_is_not_there_fails_the_step(steps: Steps, error: str) -> None:
    calls: list[str] = []

    def work(event: dict[str, Any]) -> None:
        calls.append(event["stepId"])
        raise named(error)

    run = steps.ended(steps.function(work))
    assert (run.status, len(calls)) == (StepStatus.FAILED, 1)
    assert error in (run.error or "")


@pytest.mark.parametrize(
    "error", ["Lambda.TooManyRequestsException", "Lambda.ServiceException", "Lambda.SdkClientException"]
)
def test_what_did_not_run_and_what_was_lost_is_invoked_again_with_the_same_id(steps: Steps, error: str) -> None:
    calls: list[str] = []

    def work(event: dict[str, Any]) -> str:
        calls.append(event["stepId"])
        if len(calls) == 1:
            raise named(error)
        return "done"

    run = steps.ended(steps.function(work))
    assert (run.status, run.output) == (StepStatus.SUCCEEDED, '"done"')
    assert calls == [run.step_id] * 2


def test_a_function_that_the_template_does_not_name_is_never_invoked(stack: Stack, steps: Steps) -> None:
    stack.functions["other"] = lambda _event: pytest.fail("it was invoked")

    run = steps.ended(steps.function(name="other"))

    assert run.status is StepStatus.FAILED
    assert "lambda:InvokeFunction on arn:aws:lambda:us-east-1:123456789012:function:other" in (run.error or "")
    assert "FunctionArns" in (run.error or "")


def test_an_event_that_no_service_carries_is_refused_before_anything_runs(stack: Stack, steps: Steps) -> None:
    run = steps.function(lambda _event: pytest.fail("it was invoked"), payload={"text": "x" * MAX_EVENT_BYTES})
    assert run.status is StepStatus.FAILED
    assert "200,000 at most" in (run.error or "")
    assert not stack.runs("step")


def test_a_cancel_waits_for_the_answer_and_keeps_it(steps: Steps) -> None:
    held = Held("moved all the same")
    run = steps.function(held)
    assert held.begun.wait(30)
    assert steps.stop(run).status is StepStatus.IN_PROGRESS
    held.may_answer.set()

    ended = steps.ended(run)
    assert (ended.status, ended.output) == (StepStatus.CANCELLED, '"moved all the same"')


@pytest.mark.parametrize(
    ("first", "status"),
    [
        (None, StepStatus.FAILED),
        (StopReason.CANCEL, StepStatus.CANCELLED),
        (StopReason.WAVE_TIMEOUT, StepStatus.FAILED),
    ],
)
def test_its_own_time_ends_the_wait_for_a_function(steps: Steps, first: StopReason | None, status: StepStatus) -> None:
    held = Held()
    run = steps.function(held)
    assert held.begun.wait(30)
    if first is not None:
        assert steps.stop(run, first).status is StepStatus.IN_PROGRESS

    ended = steps.stop(run, StopReason.STEP_TIMEOUT)
    held.may_answer.set()

    assert (ended.status, ended.error) == (status, "it gave no answer within 300 seconds")
    steps.machine_rests(run)
    assert steps.get(run).record() == ended.record(), "a late answer changes nothing"


@pytest.mark.parametrize(
    ("ender", "settings"),
    [("DriveStepFunction", {}), ("WatchStepFunction", None)],
)
def test_whoever_writes_the_end_wakes_the_execution(stack: Stack, ender: str, settings: dict[str, Any] | None) -> None:
    stack.put_servers([server(1)])
    stack.control.put_automation(RUNBOOK, seconds=0)
    execution_id = stack.start(plan(wave("database", 1, requiresApproval=True)))
    stack.wait(execution_id, lambda seen: seen["waves"][0]["status"] == "AWAITING_APPROVAL")
    steps = Steps(stack, execution_id)

    for _ in range(20):
        steps.ended(steps.automation() if settings is None else steps.function(lambda _event: None, **settings))
        if "stepfunctions:SendTaskSuccess" in called.LEDGER.made[ender].calls:
            return
    raise AssertionError("it was never asleep")


def test_the_sweep_starts_what_never_had_a_machine(stack: Stack, steps: Steps, clock: JumpingClock) -> None:
    run = steps.run(StepKind.FUNCTION)
    stack.functions[FUNCTION] = lambda _event: "late"
    with stack.acting_as("RunCommandFunction") as app:
        app.steps.create(run)
    assert stack.invoke("SweepFunction", {})["restarted"] == 0, "it may be on its way"
    clock.forward(180)

    assert stack.invoke("SweepFunction", {})["restarted"] == 1
    ended = steps.ended(run)
    assert (ended.status, ended.machine_run) == (StepStatus.SUCCEEDED, 2)
    assert stack.invoke("SweepFunction", {})["restarted"] == 0


def test_a_machine_that_was_stopped_is_followed_by_the_next_at_once(stack: Stack, steps: Steps) -> None:
    begun, goes_on = threading.Event(), threading.Event()
    calls: list[str] = []

    def work(event: dict[str, Any]) -> str:
        calls.append(event["stepId"])
        begun.set()
        if len(calls) == 1:
            goes_on.wait(30)
        return "done"

    run = steps.function(work)
    assert begun.wait(30)
    (machine,) = stack.runs("step")
    stack.sfn.stop_execution(executionArn=machine["executionArn"])
    goes_on.set()
    steps.machine_rests(run)
    detail = {"name": machine["name"], "status": "ABORTED", "stateMachineArn": machine["stateMachineArn"]}
    assert stack.invoke("StateMachineStatusFunction", {"detail": detail}) == {"restarted": True}
    assert stack.invoke("StateMachineStatusFunction", {"detail": detail}) == {"restarted": False}

    ended = steps.ended(run)
    assert (ended.status, ended.machine_run) == (StepStatus.SUCCEEDED, 2)
    assert set(calls) == {run.step_id}


def test_machines_that_die_again_and_again_are_given_up(stack: Stack, steps: Steps, clock: JumpingClock) -> None:
    def broken(event: dict[str, Any]) -> None:
        if event["task"] == "PREPARE":
            raise RuntimeError("broken")

    stack.before["DriveStepFunction"] = broken
    run = steps.function(lambda _event: None)
    for _ in range(14):
        steps.machine_rests(run)
        clock.forward(130)
        stack.invoke("SweepFunction", {})
        if steps.get(run).status.is_terminal:
            break

    ended = steps.ended(run)
    assert ended.status is StepStatus.FAILED
    assert "its machine failed again and again, at last with RuntimeError" in (ended.error or "")
    assert ended.deaths >= 9


def test_a_step_ends_past_its_deadline_whatever_its_machine_does(
    stack: Stack, steps: Steps, clock: JumpingClock
) -> None:
    held = Held()
    run = steps.function(held)
    assert held.begun.wait(30)
    clock.forward(timedelta(seconds=900, minutes=9).total_seconds())
    stack.invoke("SweepFunction", {})
    assert steps.get(run).status is StepStatus.IN_PROGRESS
    clock.forward(61)
    stack.invoke("SweepFunction", {})
    ended = steps.ended(run)
    held.may_answer.set()
    assert ended.status is StepStatus.FAILED
    assert "given up" in (ended.error or "")
