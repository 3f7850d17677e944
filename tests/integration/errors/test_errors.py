"""An error of any handler or state is found through the API, with its category and its execution."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.support.plans import plan, servers_of, wave
from tests.support.steps import Steps
from tests.support.stored_executions import execution_id
from tools.template import ROOT, STATE_MACHINE, definition, load, resources

from wavebreak.domain.commands.runs import CommandRun
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.views.next_steps import next_steps
from wavebreak.domain.steps.runs import StepKind
from wavebreak.store.commands import CommandStore
from wavebreak.store.errors import ErrorStore
from wavebreak.store.executions import ExecutionStore

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

EXECUTION = execution_id(1)
ONE_WAVE = plan(wave("only", 1))


def forced(*_: Any, **__: Any) -> Any:
    raise RuntimeError("forced with password=hunter2secret")


def recorded(stack: Stack, **query: str) -> list[dict[str, Any]]:
    answer = stack.api("GET", "/errors", query=query or None)
    assert answer.status == 200, answer
    items: list[dict[str, Any]] = answer.json["items"]
    return items


def test_s3_12_the_correlation_id_of_an_answer_is_that_of_the_recorded_error(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ExecutionStore, "load", forced)
    answer = stack.api("GET", f"/executions/{EXECUTION}")
    (error,) = recorded(stack)
    assert answer.json["correlationId"] == error["errorId"]
    assert "forced" not in answer.body
    assert error["context"]["route"] == f"GET /executions/{EXECUTION}"


def test_s3_14_what_a_caller_did_wrong_is_no_error(stack: Stack) -> None:
    assert stack.api("GET", f"/executions/{EXECUTION}").status == 404
    assert stack.api("POST", "/drills", {"planId": "none"}).status == 404
    assert stack.api("POST", "/drills", {}).status == 400
    assert stack.api("PUT", "/plans/x", text="{").status == 400
    assert stack.api("GET", "/plans", query={"colour": "red"}).status == 400
    assert recorded(stack) == []


def test_s3_14_a_service_that_does_not_answer_is_a_warning_about_that_service(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(*_: Any) -> Any:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "Query")

    monkeypatch.setattr(ExecutionStore, "load", throttled)
    assert stack.api("GET", f"/executions/{EXECUTION}").code == "UNAVAILABLE"
    (error,) = recorded(stack)
    found = (error["severity"], error["category"], error["errorType"], error["executionId"])
    assert found == ("WARNING", "DATABASE", "ThrottlingException", EXECUTION)


def test_s3_14_a_job_that_nobody_may_look_at_keeps_its_execution_open_and_the_errors_say_why(
    stack: Stack, clock: JumpingClock
) -> None:
    document = plan(wave("only", 1, timeoutMinutes=1))
    stack.put_servers(servers_of(document), launchSeconds=30)
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    stack.control.fault("DescribeJobs", error="AccessDeniedException", count=100_000)
    clock.forward(61)

    late = stack.wait(started, lambda seen: seen["waves"][0]["status"] == "FAILED")

    assert (late["status"], late["waves"][0]["error"]) == ("IN_PROGRESS", "Timed out after 1 minute(s)")
    assert "wavebreak errors --hours 1" in [step.command for step in next_steps(late)]
    reported = recorded(stack, category="PERMISSION")
    assert {(error["severity"], error["service"], error["executionId"]) for error in reported} == {
        ("WARNING", "Observe", started)
    }
    assert "AccessDeniedException" in reported[0]["message"]
    assert stack.api("POST", f"/executions/{started}/cancel", {}).json["status"] == "CANCELLING"
    clock.forward(3600)
    assert stack.get(started)["status"] == "CANCELLING"
    stack.control.clear_faults()
    clock.forward(30)
    ended = stack.ended(started)
    assert (ended["status"], ended["waves"][0]["servers"][0]["recoveryInstanceId"][:2]) == ("CANCELLED", "i-")


def test_s3_14_a_failure_to_store_never_fails_the_request(
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(*_: Any) -> Any:
        raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException", "Message": ""}}, "PutItem")

    monkeypatch.setattr(ErrorStore, "create_error", full)
    monkeypatch.setattr(ExecutionStore, "load", forced)
    answer = stack.api("GET", f"/executions/{EXECUTION}")
    assert (answer.status, answer.code) == (500, "INTERNAL")
    reported = [vars(line)["error"]["errorId"] for line in caplog.records if hasattr(line, "error")]
    assert reported == [answer.json["correlationId"]]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["Errors"] for line in lines if "_aws" in line] == [1]


def commanded(stack: Stack, started: str) -> str:
    """Write a command run of an execution, without a target and without its machine, and give its id."""
    app, now = stack.app(), stack.clock.now()
    run = CommandRun("cmd-00000000000000000000000001", started, "status", (), "me", now, 300, 0)
    assert app.commands.create(run, (), Attribution("me", now))
    return run.command_id


def begun(stack: Stack, started: str) -> str:
    """Write a run of a step likewise."""
    run = Steps(stack, started).run(StepKind.FUNCTION)
    return stack.app().steps.create(run).step_id


def recording_functions() -> list[str]:
    """Name the function that each state machine's failure state calls."""
    found = []
    for machine in resources(load(), STATE_MACHINE).values():
        called = definition(ROOT / machine["DefinitionUri"])["States"]["RecordFailure"]["Arguments"]["FunctionName"]
        found.append(machine["DefinitionSubstitutions"][called]["Fn::GetAtt"][0])
    return found


@pytest.mark.parametrize("function", recording_functions())
def test_s3_14_every_machines_failure_state_leaves_a_record(stack: Stack, function: str) -> None:
    started = stack.start(plan(wave("only", 1, requiresApproval=True)))
    command, step = commanded(stack, started), begun(stack, started)
    run, machine = {
        "RecordFailureFunction": (started, "RecoveryMachine"),
        "RecordTerminationFailureFunction": (f"{started}-t1", "TerminationMachine"),
        "RecordCommandFailureFunction": (f"{command}-r2", "CommandMachine"),
        "DriveStepFunction": (f"step-{step}-r2", "StepMachine"),
    }[function]

    failure = {"name": run, "error": "Sandbox.Timedout", "cause": "token=abc"}
    known = {"commandId": command} | ({"stepId": step, "task": "RECORD_FAILURE"} if "Step" in function else {})
    stack.invoke(function, {"executionId": started, **known, **failure})

    (error,) = recorded(stack, category="TIMEOUT")
    assert (error["severity"], error["service"], error["errorType"]) == ("ERROR", machine, "Sandbox.Timedout")
    assert (error["executionId"], error["message"], error["context"]) == (started, "token=*****", {"run": run})


def test_s3_14_a_state_that_fails_in_its_machine_is_found_with_its_execution(stack: Stack) -> None:
    stack.put_servers(servers_of(ONE_WAVE))

    def failing(_event: dict[str, Any]) -> None:
        del stack.before["ObserveFunction"]
        raise RuntimeError("no disk left")

    stack.before["ObserveFunction"] = failing
    started = stack.start(ONE_WAVE)
    stack.wait(started, lambda seen: seen["lastFailure"])
    (error,) = recorded(stack, category="WORKFLOW")
    assert (error["service"], error["errorType"], error["executionId"]) == ("RecoveryMachine", "RuntimeError", started)


@pytest.mark.parametrize(
    ("detail", "found"),
    [
        ({"status": "TIMED_OUT"}, ("ERROR", "TIMEOUT", "States.TimedOut")),
        ({"status": "ABORTED"}, ("WARNING", "WORKFLOW", "States.Aborted")),
        (
            {"status": "FAILED", "error": "States.QueryEvaluationError", "cause": "no number"},
            ("ERROR", "WORKFLOW", "States.QueryEvaluationError"),
        ),
        ({"status": "FAILED", "error": "Wavebreak.MachineFailed"}, None),
        ({"status": "FAILED"}, None),
    ],
    ids=lambda value: str(value)[:50],
)
def test_s3_14_a_machine_that_died_is_recorded_once(
    stack: Stack, detail: dict[str, str], found: tuple[str, ...] | None
) -> None:
    name = f"{EXECUTION}-t2"
    stack.invoke("StateMachineStatusFunction", {"detail": {"name": name, **detail}})
    errors = recorded(stack)
    assert [(error["severity"], error["category"], error["errorType"]) for error in errors] == (
        [found] if found else []
    )
    assert [(error["service"], error["executionId"]) for error in errors] == (
        [("TerminationMachine", EXECUTION)] if found else []
    )


def test_s3_14_an_error_on_a_commands_target_is_found_with_the_execution(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = stack.start(plan(wave("only", 1, requiresApproval=True)))
    command = commanded(stack, started)
    monkeypatch.setattr(CommandStore, "target", forced)
    with pytest.raises(RuntimeError):
        stack.invoke("RunTargetFunction", {"commandId": command, "run": 1, "number": 1, "most": 9})
    (error,) = recorded(stack, service="RunTarget")
    assert error["executionId"] == started
    assert (error["context"]["commandId"], error["context"]["number"]) == (command, 1)


def test_s3_14_a_command_machine_that_died_is_recorded_with_its_execution(stack: Stack) -> None:
    started = stack.start(plan(wave("only", 1, requiresApproval=True)))
    for command in (commanded(stack, started), "cmd-0000000000000000000000000z"):
        stack.invoke("StateMachineStatusFunction", {"detail": {"name": f"{command}-r9", "status": "TIMED_OUT"}})
    errors = recorded(stack, service="CommandMachine")
    assert {error["executionId"] for error in errors} == {started, None}
    assert {error["category"] for error in errors} == {"TIMEOUT"}


def test_s3_14_runs_that_keep_failing_are_critical(stack: Stack) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(plan(wave("only", 1, requiresApproval=True)))
    for _ in range(4):
        failure = {"executionId": started, "name": started, "error": "RuntimeError", "cause": ""}
        stack.invoke("RecordFailureFunction", failure)
    stack.invoke("StateMachineStatusFunction", {"detail": {"name": started, "status": "FAILED"}})
    (critical,) = recorded(stack, severity="CRITICAL")
    assert (critical["errorType"], critical["executionId"]) == ("RunsKeepFailing", started)


def test_s3_14_drs_that_does_not_answer_is_a_warning_and_no_failure(stack: Stack) -> None:
    stack.put_servers(servers_of(ONE_WAVE), launchSeconds=1)
    stack.control.fault("DescribeJobs", error="ThrottlingException", count=6)
    started = stack.start(ONE_WAVE)
    assert stack.ended(started)["status"] == "COMPLETED"
    errors = recorded(stack, category="DRS")
    assert errors
    assert {(error["severity"], error["executionId"]) for error in errors} == {("WARNING", started)}
    assert recorded(stack, severity="ERROR") == []


def test_s3_14_functions_that_timed_out_or_crashed_are_found_by_their_log_lines(stack: Stack) -> None:
    request = "11111111-2222-3333-4444-555555555555"
    lines = [
        f"2026-11-21T08:00:00.000Z {request} Task timed out after 28.03 seconds\n\n",
        f"RequestId: {request} Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n",
        '{"message": "Task timed out after 28.03 seconds"}',
    ]
    batch = {
        "messageType": "DATA_MESSAGE",
        "logGroup": "/aws/lambda/wavebreak-PlansFunction-1A2B3C",
        "logStream": "2026/11/21/[$LATEST]1",
        "logEvents": [{"id": str(n), "timestamp": 1, "message": line} for n, line in enumerate(lines)],
    }
    data = base64.b64encode(gzip.compress(json.dumps(batch).encode())).decode()

    assert stack.invoke("CrashesFunction", {"awslogs": {"data": data}}) == {"recorded": 2}

    errors = recorded(stack, service="Plans")
    assert {(error["severity"], error["category"], error["errorType"]) for error in errors} == {
        ("ERROR", "TIMEOUT", "Sandbox.Timedout"),
        ("CRITICAL", "CRASH", "Runtime.ExitError"),
    }
    assert {error["context"]["requestId"] for error in errors} == {request}
