"""Events that no function could take in are found as errors (requirement S3-14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from tests.support.blueprint import REGION

if TYPE_CHECKING:
    from tests.support.stack import Stack


@pytest.fixture
def queue(stack: Stack) -> Any:
    """The queue, and nothing in it."""
    sqs = boto3.client("sqs", region_name=REGION)
    url = sqs.create_queue(QueueName="wavebreak-FailedEventsQueue")["QueueUrl"]
    stack.blueprint.overrides["FAILED_EVENTS_QUEUE_URL"] = url
    stack.renew_apps()
    return lambda: sqs.send_message(QueueUrl=url, MessageBody="{}")


def recorded(stack: Stack) -> list[str]:
    answer = stack.api("GET", "/errors", query={"category": "DEAD_LETTER"})
    return [error["message"] for error in answer.json["items"]]


def test_s3_14_an_event_that_nobody_took_in_is_recorded_once(stack: Stack, queue: Any) -> None:
    assert stack.invoke("SweepFunction", {})["failedEvents"] == 0
    assert recorded(stack) == []
    queue()
    queue()
    assert stack.invoke("SweepFunction", {})["failedEvents"] == 2
    assert stack.invoke("SweepFunction", {})["failedEvents"] == 0
    queue()
    stack.clock.forward(1)
    assert stack.invoke("SweepFunction", {})["failedEvents"] == 1
    newest, oldest = recorded(stack)
    assert newest.startswith("1 more event(s)")
    assert newest.endswith("3 wait in the queue")
    assert oldest.startswith("2 more event(s)")


def test_a_queue_that_cannot_be_looked_at_keeps_the_sweep_from_nothing(stack: Stack) -> None:
    swept = stack.invoke("SweepFunction", {})
    work = ("restarted", "commands", "steps", "leases", "schedules", "templates", "failedEvents")
    assert swept == dict.fromkeys(work, 0)
