"""Plans checked by themselves: within every interval, one at a time, changes told once (contract 13 and 4)."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto.events.models import events_backends
from tests.support.blueprint import ACCOUNT, REGION
from tests.support.plans import plan, server, servers_of, wave
from tests.support.published import notification_topic, published

from wavebreak.aws.channels import Channels
from wavebreak.observability.metrics import Meter
from wavebreak.use_cases.readiness import check_plans, recoveries, site_reads, survey

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

ONE = plan(wave("only", 1, 2), plan_id="one")
NOTHING = {"checked": 0, "notified": 0, "postponed": 0, "notReady": 0}


def run(stack: Stack) -> dict[str, int]:
    counts: dict[str, int] = stack.invoke("ReadinessFunction", {"account": ACCOUNT, "region": REGION})
    return counts


def interval(stack: Stack) -> float:
    return stack.app().timing.scaled(60 * 30).total_seconds()


def readiness(stack: Stack, plan_id: str = "one") -> dict[str, Any] | None:
    shown: dict[str, Any] | None = stack.api("GET", f"/plans/{plan_id}").json["readiness"]
    return shown


def history(stack: Stack, plan_id: str = "one", **query: str) -> dict[str, Any]:
    answer = stack.api("GET", f"/plans/{plan_id}/readiness", query=query)
    assert answer.status == 200, answer
    page: dict[str, Any] = answer.json
    return page


@pytest.fixture
def messages(stack: Stack) -> Any:  # noqa: ARG001  the topics are of its emulator
    """Have the topics and a listener on the bus, and give the messages for machines and the events so far."""
    events, topic = boto3.client("events", region_name=REGION), notification_topic()
    events.create_archive(ArchiveName="all", EventSourceArn=f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default")

    def everything() -> dict[str, list[dict[str, Any]]]:
        archive = events_backends[ACCOUNT][REGION].archives["all"]
        sent = [json.loads(each) for each in published(topic)]
        return {
            "messages": [json.loads(each["lambda"]) if "lambda" in each else each for each in sent],
            "events": [each for each in archive.events if each["detail-type"] == "Plan Readiness Change"],
        }

    return everything


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Collect what is measured of plans that are not ready."""
    values: list[float] = []

    def add(_meter: Meter, metric: Any, value: float = 1, **_dimensions: str) -> None:
        if metric.value.title == "PlansNotReady":
            values.append(value)

    monkeypatch.setattr(Meter, "add", add)
    return values


def test_13_a_plan_is_checked_when_it_is_stored_and_then_within_every_interval(
    stack: Stack, clock: JumpingClock, messages: Any
) -> None:
    stack.put_servers(servers_of(ONE))
    stack.put_plan(ONE)
    assert readiness(stack) is None
    assert history(stack) == {"items": [], "nextToken": None}
    assert run(stack) == {**NOTHING, "checked": 1}
    first = readiness(stack)
    assert first is not None
    assert {**first, "checkedAt": None} == {"checkedAt": None, "ready": True, "failing": [], "planVersion": 1}
    assert run(stack) == NOTHING, "it is not due again"
    reads = 0
    for _ in range(4):
        clock.forward(interval(stack) / 2 + 0.1)
        reads += run(stack)["checked"]
    assert reads in {2, 3}
    times = [each["checkedAt"] for each in history(stack)["items"]]
    assert times == sorted(times, reverse=True)
    assert len(times) == reads + 1
    assert times[-1] == first["checkedAt"]
    assert messages() == {"messages": [], "events": []}, "a plan that is ready from the first is no news"


def test_4_the_history_comes_page_by_page_newest_first(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(ONE))
    stack.put_plan(ONE)
    for _ in range(5):
        run(stack)
        clock.forward(interval(stack) + 0.1)
    everything = history(stack)["items"]
    assert len(everything) == 5
    found, token = [], None
    while True:
        page = history(stack, limit="2", **({"nextToken": token} if token else {}))
        found += page["items"]
        token = page["nextToken"]
        if token is None:
            break
        assert len(page["items"]) == 2
    assert found == everything
    assert stack.api("GET", "/plans/one/readiness", query={"since": "x"}).status == 400
    assert stack.api("GET", "/plans/nowhere/readiness").code == "NOT_FOUND"
    assert stack.api("GET", "/plans/NO/readiness").status in {400, 404}


def test_13_a_stalled_server_is_told_once_within_an_interval_and_once_when_it_is_cured(
    stack: Stack, clock: JumpingClock, messages: Any, measured: list[float]
) -> None:
    stack.put_servers(servers_of(ONE))
    stack.put_plan(ONE)
    run(stack)
    stack.control.put_source_server(server(2), replicationState="STALLED")
    clock.forward(interval(stack) + 0.1)
    assert run(stack) == {"checked": 1, "notified": 1, "postponed": 0, "notReady": 1}
    shown = readiness(stack)
    assert shown is not None
    assert shown["ready"] is False
    assert [each["check"] for each in shown["failing"]] == ["replication"]
    assert stack.api("GET", "/plans").json["items"][0]["readiness"] == shown
    clock.forward(interval(stack) + 0.1)
    assert run(stack) == {"checked": 1, "notified": 0, "postponed": 0, "notReady": 1}
    stack.control.put_source_server(server(2), replicationState="CONTINUOUS")
    clock.forward(interval(stack) + 0.1)
    assert run(stack) == {"checked": 1, "notified": 1, "postponed": 0, "notReady": 0}
    clock.forward(interval(stack) + 0.1)
    assert run(stack)["notified"] == 0
    received = messages()
    assert [each["type"] for each in received["messages"]] == ["PLAN_NOT_READY", "PLAN_READY"]
    assert [each["subject"] for each in received["messages"]] == [
        f"⚠️ DRS Plan Not Ready - {ONE['name']}",
        f"✅ DRS Plan Ready Again - {ONE['name']}",
    ]
    assert received["messages"][0]["failing"] == shown["failing"]
    assert received["messages"][0]["at"] == shown["checkedAt"]
    changes = [(each["detail"]["from"], each["detail"]["to"]) for each in received["events"]]
    assert changes == [("READY", "NOT_READY"), ("NOT_READY", "READY")]
    assert measured == [0, 1, 1, 0, 0]


def test_13_a_plan_that_was_never_ready_is_told_and_a_new_version_of_it_is_not_told_again(
    stack: Stack, clock: JumpingClock, messages: Any
) -> None:
    stack.put_servers([server(1)])
    stack.put_plan(ONE)
    assert run(stack)["notified"] == 1
    stack.put_plan({**ONE, "description": "another one"})
    assert readiness(stack) is None, "of this version nothing is known yet"
    assert run(stack) == {"checked": 1, "notified": 0, "postponed": 0, "notReady": 1}
    shown = readiness(stack)
    assert shown is not None
    assert shown["planVersion"] == 2
    assert [each["planVersion"] for each in history(stack)["items"]] == [2, 1]
    [event] = messages()["events"]
    assert (event["detail"]["from"], event["detail"]["to"]) == (None, "NOT_READY")
    clock.forward(interval(stack) + 0.1)
    assert run(stack)["notified"] == 0


def test_13_readiness_goes_with_the_plan(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(ONE))
    stack.put_plan(ONE)
    run(stack)
    assert stack.api("DELETE", "/plans/one").status == 204
    assert [item["sk"] for item in stack.items() if item["pk"] == {"S": "PLAN#one"}] == [{"S": "LAST_VERSION"}]
    clock.forward(interval(stack) + 0.1)
    assert run(stack) == NOTHING
    stack.put_plan(ONE)
    assert (readiness(stack), history(stack)["items"]) == (None, [])
    run(stack)
    assert len(history(stack)["items"]) == 1


def test_13_a_plan_is_checked_by_one_call_at_a_time(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.put_servers(servers_of(ONE))
    stack.put_plan(ONE)
    checking, others = threading.Event(), []
    real = survey.survey_plans

    def slow(*args: Any) -> Any:
        if not checking.is_set():
            checking.set()
            others.append(run(stack))
        return real(*args)

    monkeypatch.setattr(check_plans, "survey_plans", slow)
    assert run(stack)["checked"] == 1
    assert others == [NOTHING]


def test_13_what_changed_while_it_was_looked_at_is_looked_at_anew(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers(servers_of(ONE))
    stack.put_plan(ONE)
    real = survey.survey_plans

    def changing(*args: Any) -> Any:
        monkeypatch.setattr(check_plans, "survey_plans", real)
        stack.put_plan({**ONE, "description": "meanwhile"})
        return real(*args)

    monkeypatch.setattr(check_plans, "survey_plans", changing)
    assert run(stack) == NOTHING
    assert readiness(stack) is None
    assert run(stack)["checked"] == 1
    shown = readiness(stack)
    assert shown is not None
    assert shown["planVersion"] == 2


def test_13_where_a_recovery_launches_nothing_is_asked_and_what_was_found_stays(
    stack: Stack, clock: JumpingClock
) -> None:
    stack.put_servers([server(number) for number in range(1, 4)], launchSeconds=600)
    stack.put_plan(plan(wave("mine", 3), plan_id="other"))
    stack.put_plan(ONE)
    run(stack)
    before = (readiness(stack, "one"), readiness(stack, "other"))
    started = stack.start(ONE, "recoveries")
    stack.wait(started, lambda execution: execution["waves"][0]["jobId"])
    clock.forward(interval(stack) + 0.1)
    calls = len(stack.control.calls("DescribeSourceServers"))
    assert run(stack) == {"checked": 0, "notified": 0, "postponed": 2, "notReady": 0}
    assert len(stack.control.calls("DescribeSourceServers")) == calls
    assert readiness(stack, "other") == before[1]
    assert [each["checkedAt"] for each in history(stack, "other")["items"]] == [before[1] and before[1]["checkedAt"]]
    clock.forward(601)
    stack.ended(started)
    clock.forward(interval(stack) + 0.1)
    assert run(stack)["checked"] == 2


def test_13_a_recovery_that_begins_while_plans_are_looked_at_is_given_way_to(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recoveries, "RECHECK_SECONDS", 0.0)
    stack.put_servers([server(number) for number in range(1, 4)], launchSeconds=600)
    stack.put_plan(plan(wave("mine", 3), plan_id="other"))
    real = site_reads.questions
    started: list[str] = []

    def beginning(*args: Any) -> Any:
        if not started:
            started.append(stack.start(ONE, "recoveries"))
            stack.wait(started[0], lambda execution: execution["waves"][0]["jobId"])
        return real(*args)

    monkeypatch.setattr(site_reads, "questions", beginning)
    before = len(stack.control.calls("GetLaunchConfiguration"))
    assert run(stack) == {**NOTHING, "postponed": 1}
    assert len(stack.control.calls("GetLaunchConfiguration")) == before
    assert readiness(stack, "other") is None
    clock.forward(601)
    stack.ended(started[0])
    clock.forward(61)
    assert run(stack)["checked"] == 2


def test_13_a_service_that_does_not_answer_is_asked_again_before_people_are_told(
    stack: Stack, clock: JumpingClock, messages: Any
) -> None:
    stack.put_servers(servers_of(ONE))
    stack.put_plan(ONE)
    run(stack)
    before = readiness(stack)
    clock.forward(interval(stack) + 0.1)
    stack.control.fault("DescribeSourceServers", error="InternalServerException", count=100)
    assert run(stack)["postponed"] == 1
    assert readiness(stack) == before
    stack.control.clear_faults()
    clock.forward(60)
    assert run(stack) == {**NOTHING, "checked": 1}
    clock.forward(interval(stack) + 0.1)
    stack.control.fault("DescribeSourceServers", error="InternalServerException", count=100)
    notified_after = []
    for _ in range(3):
        notified_after.append(run(stack)["notified"])
        clock.forward(60)
    assert notified_after == [0, 0, 1]
    assert [each["type"] for each in messages()["messages"]] == ["PLAN_NOT_READY"]


@pytest.mark.parametrize("error", ["ConflictException", "AccessDeniedException"])
@pytest.mark.parametrize("operation", ["GetLaunchConfiguration", "DescribeRecoverySnapshots"])
def test_13_a_refused_read_of_one_server_concerns_its_own_plan_alone(
    stack: Stack, clock: JumpingClock, messages: Any, operation: str, error: str
) -> None:
    del messages  # the channels are there
    stack.put_servers(server(number) for number in range(1, 5))
    for number in range(1, 5):
        stack.put_plan(plan(wave("only", number), plan_id=f"plan-{number}"))
    optional = plan(wave("only", 1, 3), plan_id="optional")
    optional["waves"][0]["servers"][1]["impact"] = "OPTIONAL"
    stack.put_plan(optional)
    assert run(stack) == {**NOTHING, "checked": 5}
    stack.control.fault(operation, error=error, count=100, subject=server(3))
    clock.forward(interval(stack) + 0.1)
    found = run(stack)
    warned = operation == "GetLaunchConfiguration" and error == "AccessDeniedException"
    assert found == {"checked": 5, "notified": not warned, "postponed": 0, "notReady": not warned}
    shown = readiness(stack, "plan-3")
    assert shown is not None
    subjects = [each["subject"] for each in shown["failing"]]
    assert subjects == ([] if warned else [server(3)])


def test_13_a_channel_that_does_not_take_a_change_gets_it_again_and_the_others_do_not(
    stack: Stack, clock: JumpingClock, messages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers([server(1)])
    stack.put_plan(ONE)

    def away(*_: Any, **__: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://sns")

    with monkeypatch.context() as broken:
        broken.setattr(Channels, "_chat", away)
        assert run(stack)["notified"] == 0
        assert len(messages()["messages"]) == 1
        assert run(stack) == {**NOTHING, "notReady": 1}, "not before its time"
        clock.forward(61)
        assert run(stack)["notified"] == 0
    clock.forward(61)
    assert run(stack)["notified"] == 1
    received = messages()
    assert (len(received["messages"]), len(received["events"])) == (1, 1)


def test_13_a_plan_that_cannot_be_looked_at_keeps_no_other_from_it(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers([server(1)])
    for number in range(3):
        stack.put_plan(plan(wave("only", 1), plan_id=f"plan-{number}"))
    real = survey.survey_plans

    def odd(app: Any, plans: Any, *rest: Any) -> Any:
        if any(each.document["planId"] == "plan-1" for each in plans):
            raise ValueError("odd")
        return real(app, plans, *rest)

    monkeypatch.setattr(check_plans, "survey_plans", odd)
    with pytest.raises(ValueError, match="odd"):
        run(stack)
    found = {each["plan"]["planId"]: each["readiness"] for each in stack.api("GET", "/plans").json["items"]}
    assert {name for name, shown in found.items() if shown is None} == {"plan-1"}
    assert [item["errorType"]["S"] for item in stack.error_items()] == ["ValueError"]


def test_13_plans_of_an_earlier_release_are_taken_up_once(stack: Stack) -> None:
    stack.put_servers([server(1)])
    table = stack.app("PlansFunction").plans.table
    for number in range(3):
        stack.put_plan(plan(wave("only", 1), plan_id=f"plan-{number}"))
    table.delete_many([(f"PLAN#plan-{number}", "READINESS#DUE") for number in (0, 2)])
    assert run(stack)["checked"] == 3
    table.delete_many([("PLAN#plan-0", "READINESS#DUE")])
    queries = stack.table_actions.count("Query")
    run(stack)
    assert stack.table_actions.count("Query") == queries + 2, "what is due, and what is not ready"


def test_13_checks_are_spread_over_the_interval(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers([server(1)])
    for number in range(40):
        stack.put_plan(plan(wave("only", 1), plan_id=f"plan-{number}"))
    assert run(stack)["checked"] == 40
    reads = []
    for _ in range(10):
        clock.forward(interval(stack) / 10 + 0.05)
        reads.append(run(stack)["checked"])
    assert sum(reads) >= 40
    assert max(reads) <= 12, reads
    assert stack.app().now() - clock.now() < timedelta(seconds=1)
