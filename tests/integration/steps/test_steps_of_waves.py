"""Contract 12: plans whose waves have automations, functions and commands, from their start to their reports."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import emulation
from tests.support.blueprint import ACCOUNT, REGION
from tests.support.plans import plan, server, wave
from tests.support.process_death import TaskKilled
from tests.support.steps import FUNCTION, RUNBOOK, Steps

from wavebreak.store.steps import StepStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack


def calling(**fields: Any) -> dict[str, Any]:
    return {"function": FUNCTION, "inDrill": "RUN", **fields}


def running(**fields: Any) -> dict[str, Any]:
    return {"automation": RUNBOOK, "inDrill": "RUN", **fields}


def steps_of(execution: dict[str, Any]) -> list[list[str]]:
    return [[one["status"] for one in each["steps"]] for each in execution["waves"]]


def messages_of_steps(stack: Stack, execution_id: str) -> list[tuple[str, str, str]]:
    """List the changes of steps that the trail tells: name, from, to."""
    return [
        (change["step"]["name"], change["from"], change["to"])
        for event in stack.events(execution_id)
        for change in event["data"]["changes"]
        if change.get("subject") == "step"
    ]


def test_steps_run_in_their_order_with_the_servers_that_they_concern(steps: Steps, stack: Stack) -> None:
    events: list[dict[str, Any]] = []

    def work(event: dict[str, Any]) -> dict[str, Any]:
        events.append(event)
        return {"moved": len(event["servers"])}

    stack.functions[FUNCTION] = work
    stack.control.put_automation(RUNBOOK, parameters={"Instances": {"type": "StringList"}, "Path": {"type": "String"}})
    stack.put_servers(map(server, (1, 2, 3)))
    payload = {"ids": "{{sourceServerIds}}", "note": "{{mode}} of {{waveName}} in {{region}}"}
    parameters = {"Instances": ["{{recoveryInstanceIds}}"], "Path": ["{{ssm:/any}}"]}
    document = plan(
        wave("database", 1, 2, after=[running(parameters=parameters, required=True), calling(payload=payload)]),
        wave("web", 3, before=[calling(required=True)]),
    )

    execution = stack.ended(stack.start(document))

    assert (execution["status"], steps_of(execution)) == ("COMPLETED", [["SUCCEEDED", "SUCCEEDED"], ["SUCCEEDED"]])
    instances = [one["recoveryInstanceId"] for one in execution["waves"][0]["servers"]]
    (automation,) = steps.started()
    assert automation["Parameters"] == {"Instances": instances, "Path": ["{{ssm:/any}}"]}
    assert execution["waves"][0]["steps"][0]["automationExecutionId"] == automation["AutomationExecutionId"]
    whole = stack.api("GET", f"/executions/{execution['executionId']}/waves/1").json
    assert whole["steps"][1]["output"] == '{"moved": 2}'
    assert {**whole, "steps": None} == {**execution["waves"][0], "steps": None}
    assert execution["waves"][0]["steps"][1]["output"] is None, "the wave's own call has it"
    assert stack.api("GET", f"/executions/{execution['executionId']}/waves/3").status == 404
    assert [event["payload"] for event in events] == [
        {"ids": [server(1), server(2)], "note": f"DRILL of database in {REGION}"},
        {},
    ]
    assert [[one["recoveryInstanceId"] for one in event["servers"]] for event in events] == [instances, instances]
    assert [event["wave"]["name"] for event in events] == ["database", "web"]
    assert len({event["stepId"] for event in events}) == 2
    changes = [(name, came) for name, _, came in messages_of_steps(stack, execution["executionId"])]
    assert changes == [
        *((RUNBOOK, "IN_PROGRESS"), (RUNBOOK, "SUCCEEDED"), (FUNCTION, "IN_PROGRESS"), (FUNCTION, "SUCCEEDED")),
        *((FUNCTION, "IN_PROGRESS"), (FUNCTION, "SUCCEEDED")),
    ]


def test_in_drills_automations_and_functions_are_skipped_unless_a_plan_says_otherwise(
    steps: Steps, stack: Stack
) -> None:
    stack.functions[FUNCTION] = lambda _event: pytest.fail("a rehearsal must not move traffic")
    stack.put_servers([server(1)])
    listed = [{"automation": RUNBOOK, "required": True}, {"function": FUNCTION, "required": True}]
    execution = stack.ended(stack.start(plan(wave("only", 1, after=listed))))
    assert (execution["status"], steps_of(execution)) == ("COMPLETED", [["SKIPPED", "SKIPPED"]])
    assert [one["error"] for one in execution["waves"][0]["steps"]] == ["not run in drills"] * 2
    assert (steps.started(), stack.runs("step")) == ([], [])
    report = stack.api("GET", f"/executions/{execution['executionId']}/report").json
    assert [one["status"] for one in report["waves"][0]["steps"]] == ["SKIPPED", "SKIPPED"]


def test_a_required_function_that_fails_fails_its_wave_and_a_retry_runs_only_what_failed(
    steps: Steps, stack: Stack
) -> None:
    answers: list[Callable[[], Any]] = [_broken, lambda: "moved"]
    ids: list[str] = []

    def work(event: dict[str, Any]) -> Any:
        ids.append(event["stepId"])
        return answers.pop(0)()

    stack.functions[FUNCTION] = work
    stack.control.put_automation(RUNBOOK)
    stack.put_servers([server(1)])
    document = plan(wave("only", 1, after=[running(required=True), calling(required=True)], onFailure="ASK"))
    execution_id = stack.start(document, "recoveries")
    failed = stack.wait(execution_id, lambda seen: seen["waves"][0]["status"] == "FAILED")
    assert steps_of(failed) == [["SUCCEEDED", "FAILED"]]
    assert failed["waves"][0]["error"].startswith(f"The required function {FUNCTION} failed: ")
    assert "no such zone" in failed["waves"][0]["error"]

    assert stack.api("POST", f"/executions/{execution_id}/waves/1/retry", {}).status == 202

    execution = stack.ended(execution_id)
    assert (execution["status"], steps_of(execution)) == ("COMPLETED", [["SUCCEEDED", "SUCCEEDED"]])
    assert len(steps.started()) == 1, "an automation that succeeded is not run again"
    assert len(set(ids)) == 2, "a person's retry has an id of its own"
    assert messages_of_steps(stack, execution_id)[-4:] == [
        (FUNCTION, "IN_PROGRESS", "FAILED"),
        (FUNCTION, "FAILED", "NOT_STARTED"),
        (FUNCTION, "NOT_STARTED", "IN_PROGRESS"),
        (FUNCTION, "IN_PROGRESS", "SUCCEEDED"),
    ]


def _broken() -> Any:
    raise ValueError("no such zone")


@pytest.mark.usefixtures("steps")
def test_a_cancel_stops_an_automation_and_waits_for_a_function(stack: Stack) -> None:
    may_answer = threading.Event()
    begun = threading.Event()

    def work(_event: dict[str, Any]) -> str:
        begun.set()
        assert may_answer.wait(30)
        return "moved after all"

    stack.functions[FUNCTION] = work
    stack.control.put_automation(RUNBOOK, seconds=600)
    stack.put_servers([server(1), server(2)])
    document = plan(wave("one", 1, after=[running()]), wave("two", 2, after=[calling()], dependsOn=[]))
    execution_id = stack.start(document)
    assert begun.wait(30)
    stack.wait(execution_id, lambda seen: seen["waves"][0]["steps"][0]["automationExecutionId"])

    assert stack.api("POST", f"/executions/{execution_id}/cancel", {}).status == 202

    seen = stack.wait(execution_id, lambda seen: seen["waves"][0]["status"] == "CANCELLED")
    assert (seen["status"], seen["waves"][1]["status"]) == ("CANCELLING", "IN_PROGRESS")
    may_answer.set()
    execution = stack.ended(execution_id)
    assert (execution["status"], steps_of(execution)) == ("CANCELLED", [["CANCELLED"], ["CANCELLED"]])
    report = stack.api("GET", f"/executions/{execution_id}/report").json
    assert "moved after all" in report["waves"][1]["steps"][0]["output"], "its answer is kept"


@pytest.mark.usefixtures("steps")
def test_a_function_that_does_not_answer_in_its_time_fails_its_step(stack: Stack, clock: JumpingClock) -> None:
    may_answer, begun = threading.Event(), threading.Event()

    def work(_event: dict[str, Any]) -> None:
        begun.set()
        assert may_answer.wait(30)

    stack.functions[FUNCTION] = work
    stack.put_servers([server(1)])
    execution_id = stack.start(plan(wave("only", 1, after=[calling(timeoutSeconds=20, required=True)])))
    assert begun.wait(30)
    clock.forward(21)
    execution = stack.ended(execution_id)
    may_answer.set()
    assert (execution["status"], steps_of(execution)) == ("FAILED", [["FAILED"]])
    assert "no answer within 20 seconds" in execution["waves"][0]["error"]


@pytest.mark.usefixtures("steps")
def test_a_step_whose_maker_died_is_begun_once(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    stack.functions[FUNCTION] = lambda event: calls.append(event["stepId"])
    stack.put_servers([server(1)])
    original = StepStore.create

    def dies(_store: StepStore, _run: Any) -> Any:
        monkeypatch.setattr(StepStore, "create", original)
        raise TaskKilled

    monkeypatch.setattr(StepStore, "create", dies)
    execution = stack.ended(stack.start(plan(wave("only", 1, after=[calling()]))))
    assert (execution["status"], steps_of(execution), len(calls)) == ("COMPLETED", [["SUCCEEDED"]], 1)


@pytest.mark.usefixtures("steps")
def test_a_cancel_between_the_intent_and_its_run_begins_nothing(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.functions[FUNCTION] = lambda _event: pytest.fail("it was cancelled before")
    stack.put_servers([server(1)])
    original = StepStore.create

    def dies(_store: StepStore, run: Any) -> Any:
        monkeypatch.setattr(StepStore, "create", original)
        assert stack.api("POST", f"/executions/{run.execution_id}/cancel", {}).status == 202
        raise TaskKilled

    monkeypatch.setattr(StepStore, "create", dies)
    execution = stack.ended(stack.start(plan(wave("only", 1, after=[calling()]))))
    assert (execution["status"], steps_of(execution)) == ("CANCELLED", [["CANCELLED"]])
    assert stack.runs("step") == []


@pytest.mark.usefixtures("steps")
def test_the_end_of_a_step_wakes_its_execution(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(_event: dict[str, Any]) -> None:
        monkeypatch.setitem(emulation.REAL_SECONDS, emulation.POLL_SECONDS, 60.0)
        time.sleep(1)  # the sleep that has begun is over then, and the next one lasts a minute

    stack.functions[FUNCTION] = work
    stack.put_servers([server(1)])
    execution = stack.ended(stack.start(plan(wave("only", 1, after=[calling(), calling()]))))
    assert (execution["status"], steps_of(execution)) == ("COMPLETED", [["SUCCEEDED", "SUCCEEDED"]])


def test_a_step_that_is_stopped_by_its_waves_deadline_runs_again_with_a_retry(
    steps: Steps, stack: Stack, clock: JumpingClock
) -> None:
    stack.control.put_automation(RUNBOOK, seconds=7200)
    stack.put_servers([server(1)])
    document = plan(wave("only", 1, timeoutMinutes=1, after=[running()], onFailure="ASK"))
    execution_id = stack.start(document)
    stack.wait(execution_id, lambda seen: seen["waves"][0]["steps"][0]["automationExecutionId"])
    clock.forward(61)
    failed = stack.wait(execution_id, lambda seen: steps_of(seen) == [["FAILED"]])
    assert failed["waves"][0]["error"] == "Timed out after 1 minute(s)"
    assert [one["AutomationExecutionStatus"] for one in steps.started()] == ["Cancelled"]
    stack.control.put_automation(RUNBOOK, seconds=0)

    assert stack.api("POST", f"/executions/{execution_id}/waves/1/retry", {}).status == 202

    execution = stack.ended(execution_id)
    assert (execution["status"], steps_of(execution), len(steps.started())) == ("COMPLETED", [["SUCCEEDED"]], 2)


@pytest.mark.usefixtures("steps")
def test_what_may_not_be_run_fails_the_step_with_the_permission_that_is_missing(stack: Stack) -> None:
    stack.put_servers([server(1)])
    listed = [calling(function="another"), {"automation": "Another", "inDrill": "RUN"}]
    execution = stack.ended(stack.start(plan(wave("only", 1, after=listed))))
    assert (execution["status"], steps_of(execution)) == ("COMPLETED", [["FAILED", "FAILED"]])
    assert "FunctionArns" in execution["waves"][0]["steps"][0]["error"]
    assert "AutomationArns" in execution["waves"][0]["steps"][1]["error"]


def test_a_function_of_another_place_refuses_the_plan(stack: Stack) -> None:
    elsewhere = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:{FUNCTION}"
    document = plan(wave("only", 1, after=[{"function": elsewhere}]))
    answer = stack.api("PUT", f"/plans/{document['planId']}", document)
    assert (answer.status, answer.json["code"]) == (400, "VALIDATION_FAILED")
    (problem,) = answer.json["errors"]
    assert problem["pointer"] == "/waves/0/after/0/function"
    assert "eu-west-1" in problem["message"]
