"""Schedules of drills: kept as the plans say, and one drill for each scheduled time (contract 13)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from tests.support.blueprint import ACCOUNT, REGION, STACK_NAME
from tests.support.plans import plan, servers_of, wave
from tests.support.published import notification_topic, published
from tests.support.steps import FUNCTION, RUNBOOK, Steps

from wavebreak.aws.scheduler import Schedules
from wavebreak.problems import Unavailable
from wavebreak.use_cases.schedules import start_scheduled as scheduled_drills
from wavebreak.use_cases.start_execution import start_execution

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

WEEKLY = {"expression": "cron(0 6 ? * SUN *)", "timezone": "Europe/Berlin"}
DAILY = {"expression": "rate(1 days)", "timezone": "America/Argentina/Buenos_Aires"}
TIME = "2026-11-29T05:00:00Z"


def document(schedule: dict[str, str] | None = WEEKLY) -> dict[str, Any]:
    """A plan of one wave with a lease and, unless told otherwise, a schedule."""
    drill: dict[str, Any] = {"terminateAfterMinutes": 60} | ({"schedule": schedule} if schedule else {})
    return plan(wave("only", 1)) | {"drill": drill}


def kept() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """What EventBridge Scheduler holds: expression, zone and input, by plan."""
    client = boto3.client("scheduler", region_name=REGION)
    found = {}
    for entry in client.list_schedules(GroupName=STACK_NAME)["Schedules"]:
        one = client.get_schedule(Name=entry["Name"], GroupName=STACK_NAME)
        found[one["Name"]] = (
            one["ScheduleExpression"],
            one["ScheduleExpressionTimezone"],
            json.loads(one["Target"]["Input"]),
        )
    return found


def put(stack: Stack, body: dict[str, Any]) -> dict[str, Any]:
    answer = stack.api("PUT", f"/plans/{body['planId']}", body)
    assert answer.status in {200, 201}, answer
    shown: dict[str, Any] = answer.json
    return shown


def sweep(stack: Stack) -> int:
    return int(stack.invoke("SweepFunction", {})["schedules"])


def deliver(stack: Stack, moment: str = TIME, schedule: dict[str, str] = WEEKLY) -> str | None:
    """Deliver a scheduled time as the schedule that the service holds would."""
    given = {"planId": "three-tier", **schedule, "accountId": ACCOUNT, "region": REGION, "scheduledTime": moment}
    outcome: str | None = stack.invoke("ScheduledDrillFunction", given)["outcome"]
    return outcome


@pytest.fixture
def messages(stack: Stack) -> Any:  # noqa: ARG001  the topics are of its emulator
    """Have the topics, and give what was published to that of the notifications."""
    return partial(published, notification_topic())


def failing(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


def test_13_expression_and_zone_are_handed_to_the_service_as_they_are_written(stack: Stack) -> None:
    assert put(stack, document())["schedule"] == {"state": "ACTIVE", "error": None}
    expression, zone, given = kept()["three-tier"]
    assert (expression, zone) == (WEEKLY["expression"], WEEKLY["timezone"])
    assert given == {
        "planId": "three-tier",
        **WEEKLY,
        "scheduledTime": "<aws.scheduler.scheduled-time>",
        "accountId": ACCOUNT,
        "region": REGION,
    }
    put(stack, document(DAILY))
    assert kept()["three-tier"][:2] == (DAILY["expression"], DAILY["timezone"])
    assert stack.api("GET", "/plans/three-tier").json["schedule"]["state"] == "ACTIVE"
    assert stack.api("GET", "/plans").json["items"][0]["schedule"]["state"] == "ACTIVE"
    assert put(stack, document(None))["schedule"] is None
    assert kept() == {}
    put(stack, document())
    assert stack.api("DELETE", "/plans/three-tier").status == 204
    assert kept() == {}
    assert [item["sk"] for item in stack.items() if item["pk"] == {"S": "PLAN#three-tier"}] == [{"S": "LAST_VERSION"}]


def test_13_a_schedule_follows_within_a_minute_when_the_service_does_not_answer(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Schedules, "keep", failing(EndpointConnectionError(endpoint_url="https://scheduler")))
        shown = put(stack, document())["schedule"]
        assert shown["state"] == "PENDING"
        assert "does not answer" in shown["error"]
        assert sweep(stack) == 0
    assert sweep(stack) == 0, "not before its time"
    clock.forward(61)
    assert sweep(stack) == 1
    assert stack.api("GET", "/plans/three-tier").json["schedule"] == {"state": "ACTIVE", "error": None}
    assert kept()["three-tier"][0] == WEEKLY["expression"]
    with monkeypatch.context() as broken:
        broken.setattr(Schedules, "remove", failing(EndpointConnectionError(endpoint_url="https://scheduler")))
        assert stack.api("DELETE", "/plans/three-tier").status == 204
    assert list(kept()) == ["three-tier"]
    clock.forward(61)
    assert sweep(stack) == 1
    assert kept() == {}
    clock.forward(1000)
    assert sweep(stack) == 0


def test_13_what_the_service_refuses_is_shown_on_the_plan_in_its_words(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {"Error": {"Code": "ValidationException", "Message": "Invalid ScheduleExpressionTimezone Europe/Nowhere."}}
    monkeypatch.setattr(Schedules, "keep", failing(ClientError(words, "CreateSchedule")))  # type: ignore[arg-type]
    shown = put(stack, document({**WEEKLY, "timezone": "Europe/Nowhere"}))["schedule"]
    messages = "ValidationException: Invalid ScheduleExpressionTimezone Europe/Nowhere."
    assert shown == {"state": "PENDING", "error": messages}


def test_13_a_change_while_another_is_carried_out_is_carried_out_after_it(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Schedules.keep
    changed: list[dict[str, Any]] = []

    def slow(schedules: Schedules, plan_id: str, schedule: Any) -> None:
        if not changed:
            changed.append(put(stack, document(DAILY)))
        original(schedules, plan_id, schedule)

    monkeypatch.setattr(Schedules, "keep", slow)
    put(stack, document())
    assert changed[0]["schedule"]["state"] == "PENDING", "somebody else is at it"
    assert kept()["three-tier"][0] == WEEKLY["expression"]
    clock.forward(1)
    assert sweep(stack) == 1
    assert kept()["three-tier"][0] == DAILY["expression"]


def test_13_one_scheduled_time_delivered_three_times_starts_one_drill(stack: Stack, messages: Any) -> None:
    stack.put_servers(servers_of(document()))
    put(stack, document())
    started = [deliver(stack) for _ in range(3)]
    assert len(set(started)) == 1
    execution = stack.ended(str(started[0]))
    assert (execution["mode"], execution["requestedBy"]) == ("DRILL", "wavebreak")
    assert execution["reason"] == f"Scheduled for {TIME}"
    assert execution["lease"]["minutes"] == 60
    assert len(stack.api("GET", "/executions").json["items"]) == 1
    assert deliver(stack) == started[0], "nor after its end"
    assert messages() == []


def test_13_deliveries_at_the_same_moment_start_one_drill(stack: Stack, messages: Any) -> None:
    stack.put_servers(servers_of(document()))
    put(stack, document())

    def attempt(_: int) -> str | None:
        try:
            return deliver(stack)
        except Unavailable:
            return None

    with ThreadPoolExecutor(3) as pool:
        started = {found for found in pool.map(attempt, range(3)) if found}
    assert len(started) == 1
    assert len(stack.api("GET", "/executions").json["items"]) == 1
    stack.ended(started.pop())
    assert messages() == []


def test_13_a_drill_that_is_refused_is_told_once_and_not_tried_again(stack: Stack, messages: Any) -> None:
    stack.put_servers(servers_of(document()), launchSeconds=0.1)
    running = stack.start(document())
    outcomes = {deliver(stack) for _ in range(3)}
    assert len(outcomes) == 1
    assert running in str(outcomes)
    [message] = messages()
    assert "⚠️ DRS Drill Not Started" in message or "was not started" in message
    stack.ended(running)
    assert {deliver(stack)} == outcomes
    assert len(stack.api("GET", "/executions").json["items"]) == 1


def test_13_a_drill_of_a_plan_that_is_not_ready_is_told(stack: Stack, messages: Any) -> None:
    put(stack, document())
    assert str(deliver(stack)).startswith("Not ready: ")
    assert len(messages()) == 1
    assert stack.api("GET", "/executions").json["items"] == []


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ("DescribeRecoverySnapshots", "ThrottlingException"),
        ("DescribeSourceServers", "ThrottlingException"),
        ("GetLaunchConfiguration", "InternalServerException"),
        ("DescribeSubnets", "RequestLimitExceeded"),
    ],
)
def test_13_a_service_that_does_not_answer_has_the_start_repeated_and_refuses_nothing(
    stack: Stack, messages: Any, operation: str, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIMEOUT_ASKING", "60")
    stack.put_servers(servers_of(document()))
    put(stack, document())
    stack.control.fault(operation, error=error, count=100)
    for _ in range(2):
        with pytest.raises(Unavailable, match=operation):
            deliver(stack)
    stack.control.clear_faults()
    started = str(deliver(stack))
    assert started.startswith("drill-")
    assert deliver(stack) == started
    assert messages() == []
    stack.ended(started)


@pytest.mark.parametrize("error", ["ThrottlingException", "AccessDeniedException"])
def test_13_what_is_certainly_in_the_way_is_told_and_the_start_not_repeated(
    stack: Stack, messages: Any, error: str
) -> None:
    if error == "ThrottlingException":
        stack.put_servers(servers_of(document()), replicationState="STALLED")
    else:
        stack.put_servers(servers_of(document()))
    put(stack, document())
    stack.control.fault("DescribeRecoverySnapshots", error=error, count=100)
    outcome = str(deliver(stack))
    assert outcome.startswith("Not ready: ")
    assert ("stalled" in outcome) == (error == "ThrottlingException")
    assert ("DescribeRecoverySnapshots" in outcome) == (error == "AccessDeniedException")
    stack.control.clear_faults()
    assert deliver(stack) == outcome
    assert len(messages()) == 1


def with_step(**step: Any) -> dict[str, Any]:
    return document() | {"waves": [wave("only", 1, after=[{"required": True, **step}])]}


@pytest.mark.parametrize("step", [{"function": "nobody"}, {"automation": "Nothing"}], ids=str)
@pytest.mark.parametrize("in_drill", ["RUN", "SKIP"])
def test_13_a_required_step_that_may_not_run_keeps_a_drill_from_starting_if_it_runs_in_drills(
    stack: Stack, messages: Any, step: dict[str, str], in_drill: str
) -> None:
    body = with_step(**step, inDrill=in_drill)
    stack.put_servers(servers_of(body))
    put(stack, body)
    outcome = str(deliver(stack))
    if in_drill == "SKIP":
        assert outcome.startswith("drill-")
        stack.ended(outcome)
    else:
        assert outcome.startswith("Not ready: only: after 1, ")
        assert "Arns" in outcome
    assert len(messages()) == (in_drill == "RUN")


def test_13_steps_that_are_there_and_may_run_keep_no_drill_from_starting(stack: Stack, messages: Any) -> None:
    Steps(stack)
    stack.control.put_automation(RUNBOOK)
    body = with_step(automation=RUNBOOK, inDrill="RUN")
    body["waves"][0]["after"].append({"function": FUNCTION, "inDrill": "RUN", "required": False})
    stack.put_servers(servers_of(body))
    put(stack, body)
    stack.control.fault("DescribeDocument", httpStatus=500, count=100)
    with pytest.raises(Unavailable, match="DescribeDocument"):
        deliver(stack)
    stack.control.clear_faults()
    outcome = str(deliver(stack))
    assert outcome.startswith("drill-"), outcome
    assert messages() == []
    stack.ended(outcome)


def test_13_without_its_plan_or_its_schedule_nothing_starts(stack: Stack, messages: Any) -> None:
    assert deliver(stack) is None
    put(stack, document(None))
    assert deliver(stack) is None
    put(stack, document(DAILY))
    assert deliver(stack, schedule=WEEKLY) is None
    assert messages() == []
    assert stack.api("GET", "/executions").json["items"] == []


def test_13_a_start_whose_function_died_is_taken_up_by_the_next_delivery(
    stack: Stack, clock: JumpingClock, messages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers(servers_of(document()))
    put(stack, document())
    original = start_execution
    made = []

    def start(*asked: Any) -> Any:
        made.append(original(*asked).execution_id)
        raise EndpointConnectionError(endpoint_url="https://lost")

    with monkeypatch.context() as broken:
        broken.setattr(scheduled_drills, "start_execution", start)
        with pytest.raises(Unavailable):
            deliver(stack)
    with pytest.raises(Unavailable):
        deliver(stack)
    clock.forward(60)
    assert [deliver(stack)] == made
    assert len(stack.api("GET", "/executions").json["items"]) == 1
    stack.ended(made[0])
    assert messages() == []


def test_13_what_could_not_be_told_is_told_with_the_next_delivery(
    stack: Stack, messages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(stack, document())
    with monkeypatch.context() as broken:
        broken.setattr(scheduled_drills, "announce", failing(Unavailable("topic: no answer")))
        with pytest.raises(Unavailable):
            deliver(stack)
    assert messages() == []
    assert str(deliver(stack)).startswith("Not ready: ")
    assert len(messages()) == 1
    deliver(stack)
    assert len(messages()) == 1
