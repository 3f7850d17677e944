"""Calls that follow from what is rarely asked for: played here once, so that the record of calls has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from tests.support import called_operations as called
from tests.support.blueprint import ACCOUNT, REGION, STACK_NAME
from tests.support.plans import plan, server, wave
from tests.support.stack import PATIENCE_SECONDS, read_until
from tools.rights.record import read
from tools.template import functions, load

if TYPE_CHECKING:
    from tests.support.commands import Commands
    from tests.support.stack import Stack

KEY = {"Idempotency-Key": "played-once"}
SENDER, READER = "sender@example.com", "reader@example.com"
PLAN_TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:plan-topic"


def asks(function: str) -> set[str]:
    """Name the actions that a function has asked for, with the names of what it asked for them on."""
    found = called.LEDGER.made[function].asks
    return {f"{request.action} {request.resource.rpartition(':')[2].rpartition('/')[2]}" for request in found}


def test_every_function_of_the_template_is_in_the_record() -> None:
    assert called.is_recording() or read().keys() == functions(load()).keys()


def test_every_route_that_takes_a_key_keeps_a_record_and_drops_that_of_a_refusal(
    commands: Commands, stack: Stack
) -> None:
    execution_id = commands.launched(1)
    stack.put_servers([server(2), server(3)])
    running = stack.start(plan(wave("slow", 2, requiresApproval=True), plan_id="slow"))
    stack.put_plan(plan(wave("next", 3), plan_id="next"))
    accepted: list[tuple[str, dict[str, Any]]] = [
        ("/drills", {"planId": "next"}),
        ("/commands", {"command": "status", "executionId": execution_id}),
        (f"/executions/{running}/cancel", {}),
        (f"/executions/{execution_id}/terminate", {}),
    ]
    for path, body in accepted:
        assert stack.api("POST", path, body, headers=KEY).status == 202, path
    refused: list[tuple[str, dict[str, Any]]] = [
        ("/drills", {"planId": "nobody"}),
        ("/commands", {"command": "status", "executionId": f"drill-{0:026d}"}),
        (f"/executions/drill-{0:026d}/cancel", {}),
        (f"/executions/drill-{0:026d}/terminate", {}),
    ]
    for path, body in refused:
        assert stack.api("POST", path, body, headers={"Idempotency-Key": "refused"}).status == 404, path
    for function in ("ExecutionsFunction", "CommandsFunction", "CancellationFunction", "TerminationFunction"):
        kept = {f"dynamodb:{verb}Item {STACK_NAME}-IdempotencyTable" for verb in ("Put", "Update", "Delete")}
        assert asks(function) >= kept, function


@pytest.mark.parametrize("asked", ["severity=ERROR", "category=DRS", "service=Observe", "errorType=Oops"])
def test_every_index_of_errors_is_asked(stack: Stack, asked: str) -> None:
    name, _, value = asked.partition("=")
    assert stack.api("GET", "/errors", query={name: value}).status == 200


def test_a_wave_command_that_goes_on_after_the_cancel_is_stopped_by_its_task(commands: Commands, stack: Stack) -> None:
    stack.put_servers([server(1)])
    commands.answers(1, "status", seconds=60)
    execution_id = stack.start(plan(wave("one", 1, after=[{"command": "status"}])))
    commands.in_flight(1)
    read_until(lambda: {"items": stack.items()}, lambda seen: "'state': {'S': 'SENT'}" in str(seen), PATIENCE_SECONDS)
    stack.control.fault("CancelCommand", error="InvalidInstanceId")
    assert stack.api("POST", f"/executions/{execution_id}/cancel", {}).status == 202

    stack.invoke("RunCommandFunction", {"executionId": execution_id, "wave": 1})

    stack.control.clear_faults()
    assert "ssm:CancelCommand *" in asks("RunCommandFunction")
    assert stack.ended(execution_id)["status"] == "CANCELLED"


def test_a_cancel_while_nothing_runs_terminates_at_once_what_was_launched(stack: Stack) -> None:
    stack.put_servers([server(1), server(2)])
    execution_id = stack.start(plan(wave("first", 1), wave("second", 2, requiresApproval=True)))
    stack.wait(execution_id, lambda seen: seen["waves"][1]["status"] == "AWAITING_APPROVAL")
    # The wave is over when its server is launched; the job, which ends a little later, is in flight until then.
    read_until(lambda: {"items": stack.items()}, lambda seen: "'state': {'S': 'ENDED'}" in str(seen), PATIENCE_SECONDS)

    answer = stack.api("POST", f"/executions/{execution_id}/cancel", {"then": "TERMINATE"})

    assert (answer.status, answer.json["status"]) == (202, "PARTIAL_SUCCESS")
    assert f"states:StartExecution {STACK_NAME}-termination" in asks("CancellationFunction")
    assert stack.cleaned_up(execution_id)["termination"]["status"] == "COMPLETED"


@pytest.fixture
def channels(stack: Stack) -> Any:
    """Every channel of the stack but the chat's topic, which nobody has made."""
    sns = boto3.client("sns", region_name=REGION)
    for name in (f"{STACK_NAME}-NotificationTopic", "plan-topic"):
        sns.create_topic(Name=name)
    boto3.client("sesv2", region_name=REGION).create_email_identity(EmailIdentity=SENDER)
    sqs = boto3.client("sqs", region_name=REGION)
    queue = sqs.create_queue(QueueName=f"{STACK_NAME}-FailedEventsQueue")["QueueUrl"]
    stack.blueprint.overrides |= {
        "FAILED_EVENTS_QUEUE_URL": queue,
        "MAIL_SENDER": SENDER,
        "MAIL_RECIPIENTS": READER,
    }
    stack.renew_apps()
    return lambda: int(
        sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"][
            "ApproximateNumberOfMessages"
        ]
    )


TOLD = {
    f"sns:Publish {STACK_NAME}-NotificationTopic",
    f"sns:Publish {STACK_NAME}-ChatTopic",
    "events:PutEvents default",
    f"ses:SendEmail {SENDER}",
    "ses:SendEmail default",
}


def test_news_go_to_every_channel_and_what_one_refuses_is_set_aside(stack: Stack, channels: Any) -> None:
    stack.put_servers([server(1)])
    execution_id = stack.start(plan(wave("one", 1)) | {"notifyTopicArn": PLAN_TOPIC})
    stack.ended(execution_id)
    key = {"pk": {"S": f"EXEC#{execution_id}"}, "sk": {"S": "EVENT#000001"}}

    stack.invoke("NotificationFunction", {"Records": [{"eventName": "INSERT", "dynamodb": {"Keys": key}}]})

    assert asks("NotificationFunction") >= TOLD | {
        "sns:Publish plan-topic",
        f"sqs:SendMessage {STACK_NAME}-FailedEventsQueue",
    }
    assert channels() > 0


def test_the_sweep_tells_what_the_stream_did_not_bring(stack: Stack, channels: Any) -> None:
    stack.put_servers([server(1)])
    stack.ended(stack.start(plan(wave("one", 1)) | {"notifyTopicArn": PLAN_TOPIC}))
    stack.clock.forward(3600)

    stack.invoke("NotificationSweepFunction", {})

    assert asks("NotificationSweepFunction") >= TOLD | {"dynamodb:Query outbox", "sns:Publish plan-topic"}
    assert channels() > 0


def test_an_alarm_goes_to_people_by_mail_and_chat(stack: Stack, channels: Any) -> None:
    boto3.client("sns", region_name=REGION).create_topic(Name=f"{STACK_NAME}-ChatTopic")
    states = {"state": {"value": "ALARM", "reason": "why"}, "previousState": {"value": "OK"}}

    assert stack.invoke("AlarmNewsFunction", {"detail": {"alarmName": "wavebreak-x", **states}}) == {"delivered": 1}

    assert asks("AlarmNewsFunction") >= TOLD - {
        "events:PutEvents default",
        f"sns:Publish {STACK_NAME}-NotificationTopic",
    }
    assert channels() == 0
