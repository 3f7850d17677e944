"""What is told beside the statuses of executions: ends of command runs, and alarms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws
from tests.support.notification_capture import World, refused
from tests.support.stored_executions import AT

from wavebreak.domain.commands.runs import CommandRun
from wavebreak.domain.commands.summary import CommandRunStatus
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.notifications.command_and_alarm_messages import alert_message
from wavebreak.handlers import notification
from wavebreak.problems import Unavailable
from wavebreak.use_cases import deliver_events
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield World()


def test_a_command_run_is_told_once_when_it_has_ended(world: World) -> None:
    world.a_run()
    world.deliver()
    world.delivered()
    execution_id = f"drill-{1:026d}"
    run = CommandRun("cmd-" + "0" * 26, execution_id, "status", (), "arn:aws:iam::1:user/ann", AT, 300, total=2)
    act = Attribution("arn:aws:iam::1:user/ann", AT)
    assert world.app.commands.create(run, [], act)
    ended: dict[str, Any] = {
        "status": CommandRunStatus.PARTIAL_SUCCESS,
        "succeeded": 1,
        "failed": 1,
        "summary": "one of two",
    }
    world.app.commands.change(run.command_id, lambda current: replace(current, **ended), act)

    assert world.deliver() == 2

    (envelope,) = world.received()
    document = json.loads(envelope["Message"])
    assert (document["type"], document["status"]) == ("COMMAND_FINISHED", "PARTIAL_SUCCESS")
    assert (document["succeeded"], document["failed"], document["commandId"]) == (1, 1, run.command_id)
    assert envelope["MessageAttributes"]["sequence"]["Value"] == "7"
    assert envelope["Subject"] == "⚠️ DRS Command Run Partially Completed - status"


def alarm(state: str, before: str | None) -> dict[str, Any]:
    """An event of CloudWatch."""
    detail = {"alarmName": "wavebreak-errors", "state": {"value": state, "reason": "11 > 10"}}
    return {"detail": detail | ({"previousState": {"value": before}} if before else {})}


@pytest.mark.parametrize(
    ("state", "before", "delivered"),
    [
        ("ALARM", "OK", ["ALERT"]),
        ("ALARM", "INSUFFICIENT_DATA", ["ALERT"]),
        ("OK", "ALARM", ["ALERT"]),
        ("OK", "INSUFFICIENT_DATA", []),
        ("INSUFFICIENT_DATA", "OK", []),
    ],
)
def test_s3_17_a_change_of_an_alarm_reaches_chat_and_mail_beside_the_topic(
    world: World, monkeypatch: pytest.MonkeyPatch, state: str, before: str, delivered: list[str]
) -> None:
    monkeypatch.setattr(notification, "app", world.as_app)
    notification.alarm_changed(alarm(state, before), None)
    assert [chat["content"]["keywords"][0] for chat in world.received(world.chat_queue)] == delivered
    assert world.received() == [], "CloudWatch publishes to the topic itself"


def test_a_message_of_its_own_is_announced_or_fails(world: World) -> None:
    message = alert_message({"name": "errors", "state": "ALARM", "reason": "3 errors"})
    deliver_events.announce(world.app, message)
    (envelope,) = world.received()
    assert envelope["Subject"] == "🚨 DRS Alert - errors"
    world.faults.for_ever["sns", "publish"] = refused()
    with pytest.raises(Unavailable, match="topic: "):
        deliver_events.announce(world.app, message)
    world.app.settings = replace(world.app.settings, kinds=())
    deliver_events.announce(world.app, message)
