"""What the product still does while a service it depends on is left alone, and that it goes on by itself afterwards."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError
from tests.support.blueprint import REGION
from tests.support.plans import all_terminated, plan, servers_of, wave
from tests.support.published import notification_topic

from wavebreak.resilience.breaker_states import KEY, PARTITION, SORT_KEY, SharedStates

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

TWO_WAVES = plan(wave("database", 1, 2), wave("web", 3))
DRS = f"drs/{REGION}"
LONGEST_CACHED_SECONDS = 2
"""How long an environment goes by what it read, under the tests' time scale."""


def _record(stack: Stack, name: str, state: str, opened_at: int, failures: int) -> None:
    stack.app().executions.table.client.put_item(
        TableName="wavebreak-BreakerTable",
        Item={
            KEY: {"S": PARTITION},
            SORT_KEY: {"S": name},
            "state": {"S": state},
            "failure_count": {"N": str(failures)},
            "opened_at": {"N": str(opened_at)},
        },
    )
    time.sleep(LONGEST_CACHED_SECONDS)


def open_circuit(stack: Stack, name: str = DRS) -> None:
    """Open a circuit until it is closed."""
    _record(stack, name, "OPEN", int(time.time()) + 3600, 5)


def close_circuit(stack: Stack, name: str = DRS) -> None:
    """Close a circuit."""
    _record(stack, name, "CLOSED", 0, 0)


def calls_during(stack: Stack, seconds: float) -> int:
    """Count the calls of DRS while the machines go on polling."""
    before = len(stack.control.calls())
    time.sleep(seconds)
    return len(stack.control.calls()) - before


def launching(stack: Stack) -> str:
    """Start a drill and wait until its first wave is in flight."""
    stack.put_servers(servers_of(TWO_WAVES), launchSeconds=100)
    started = stack.start(TWO_WAVES)
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    return started


def test_s3_9_waves_stay_in_progress_while_drs_is_left_alone_and_are_polled_later(
    stack: Stack, clock: JumpingClock
) -> None:
    started = launching(stack)
    open_circuit(stack)
    clock.forward(101)
    assert calls_during(stack, 1) == 0
    seen = stack.get(started)
    assert (seen["status"], [each["status"] for each in seen["waves"]]) == (
        "IN_PROGRESS",
        ["IN_PROGRESS", "NOT_STARTED"],
    )
    close_circuit(stack)
    stack.wait(started, lambda seen: seen["waves"][1]["jobId"])
    clock.forward(101)
    assert stack.ended(started)["status"] == "COMPLETED"
    assert stack.launched_servers() == servers_of(TWO_WAVES)


def test_s3_22_a_wave_that_is_due_waits_for_the_circuit_and_fails_nothing(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    open_circuit(stack)
    refused = stack.api("POST", "/drills", {"planId": "none"})
    assert refused.status == 404
    started = stack.start(TWO_WAVES, mode="recoveries")
    clock.forward(31)
    assert calls_during(stack, 1) == 0
    seen = stack.get(started)
    assert (seen["status"], seen["waves"][0]["status"]) == ("IN_PROGRESS", "IN_PROGRESS")
    why = {(server["launchStatus"], server["error"].partition(":")[0]) for server in seen["waves"][0]["servers"]}
    assert why == {("PENDING", "Waits for DRS")}, "each server says what it waits for"
    close_circuit(stack)
    clock.forward(31)
    assert stack.ended(started)["status"] == "COMPLETED"


def test_s3_9_a_drill_that_cannot_be_checked_is_refused_for_now_and_leaves_nothing(stack: Stack) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    stack.put_plan(TWO_WAVES)
    open_circuit(stack)
    before = stack.items()
    answer = stack.api("POST", "/drills", {"planId": TWO_WAVES["planId"]})
    assert (answer.status, answer.code) == (503, "UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0
    assert stack.items() == before
    assert stack.control.calls() == []


def test_s3_22_a_cancel_is_accepted_while_drs_is_left_alone(stack: Stack, clock: JumpingClock) -> None:
    started = launching(stack)
    open_circuit(stack)
    answer = stack.api("POST", f"/executions/{started}/cancel", {})
    assert (answer.status, answer.json["status"]) == (202, "CANCELLING")
    clock.forward(101)
    assert calls_during(stack, 0.5) == 0
    close_circuit(stack)
    ended = stack.ended(started)
    assert [each["status"] for each in ended["waves"]] == ["CANCELLED", "CANCELLED"]


def test_s3_22_a_termination_waits_for_the_circuit(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    started = stack.start(TWO_WAVES)
    stack.ended(started)
    open_circuit(stack)
    answer = stack.api("POST", f"/executions/{started}/terminate", {})
    assert (answer.status, answer.json["termination"]["status"]) == (202, "IN_PROGRESS")
    assert calls_during(stack, 1) == 0
    assert stack.get(started)["termination"]["status"] == "IN_PROGRESS"
    close_circuit(stack)
    clock.forward(31)
    assert stack.cleaned_up(started)["termination"] == all_terminated(3)


def test_s3_8_drs_that_fails_is_left_alone_after_five_reads_and_the_drill_completes_when_it_is_back(
    stack: Stack, clock: JumpingClock
) -> None:
    started = launching(stack)
    before = len(stack.control.calls("DescribeJobs"))
    stack.control.fault("DescribeJobs", httpStatus=500, count=18)
    stack.wait(started, lambda _: _critical(stack) == [DRS])
    made = len(stack.control.calls("DescribeJobs")) - before
    assert 18 <= made <= 20, (
        "five series of three attempts, and one that names nobody; on a busy machine the first probes"
    )
    clock.forward(101)
    stack.wait(started, lambda seen: seen["waves"][1]["jobId"])
    assert _critical(stack) == []
    clock.forward(101)
    assert stack.ended(started)["status"] == "COMPLETED"


def _critical(stack: Stack) -> list[str]:
    critical: list[str] = stack.api("GET", "/health").json["critical_circuits_open"]
    return critical


def test_s3_11_health_is_503_exactly_while_a_critical_circuit_is_open(stack: Stack) -> None:
    well = {"state": "closed", "failure_count": 0}
    answer = stack.api("GET", "/health")
    own = {DRS: well, f"dynamodb/{REGION}": well}
    assert (answer.status, answer.json) == (
        200,
        {"status": "healthy", "circuit_breakers": own, "critical_circuits_open": []},
    )
    open_circuit(stack, f"sns/{REGION}")
    answer = stack.api("GET", "/health")
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    open_circuit(stack)
    answer = stack.api("GET", "/health")
    assert (answer.status, answer.json["critical_circuits_open"]) == (503, [DRS])
    assert answer.json["circuit_breakers"][DRS] == {"state": "open", "failure_count": 5}
    assert answer.headers["Content-Type"] == "application/json"
    close_circuit(stack)
    assert stack.api("GET", "/health").status == 200
    assert "Scan" not in stack.table_actions


def test_s3_11_dynamodb_that_does_not_tell_of_the_circuits_is_down_itself(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any, **__: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    assert stack.api("GET", "/health").status == 200
    monkeypatch.setattr(SharedStates, "recorded", down)
    answer = stack.api("GET", "/health")
    assert (answer.status, answer.json["critical_circuits_open"]) == (503, [f"dynamodb/{REGION}"])


def test_s3_7_the_circuits_of_a_messages_channels_are_read_before_the_first_is_called(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    notification_topic()
    read: list[list[str]] = []
    monkeypatch.setattr(SharedStates, "read_together", lambda _, names: read.append(list(names)))
    stack.put_servers(servers_of(TWO_WAVES))
    key = {"pk": {"S": f"EXEC#{stack.start(TWO_WAVES)}"}}
    stack.invoke("NotificationFunction", {"Records": [{"dynamodb": {"Keys": key}}]})
    assert read[0] == [f"sns/{REGION}", f"events/{REGION}"]


HANGS_SECONDS = 5.0
HANGING = [
    ("POST", "/plans/two/validate", None, 200),
    ("POST", "/drills", {"planId": "two"}, 503),
    ("POST", "/drills", {"planId": "chosen"}, 503),
    ("POST", "/recoveries", {"planId": "chosen"}, 503),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), HANGING)
def test_s3_1_the_api_answers_in_time_though_drs_hangs(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, method: str, path: str, body: Any, status: int
) -> None:
    limits = {"TIMEOUT_DRS_BRIEF_CALL": "0.3", "TIMEOUT_ASKING": "0.4"}
    for name, seconds in limits.items():
        monkeypatch.setenv(name, seconds)
    stack.put_servers(servers_of(TWO_WAVES))
    stack.put_plan({**TWO_WAVES, "planId": "two"})
    chosen = {"name": "chosen", "selector": {"tags": {"tier": "web"}}}
    stack.put_plan({"planId": "chosen", "name": "chosen", "waves": [chosen]})
    for operation in ("DescribeJobs", "DescribeSourceServers", "DescribeRecoveryInstances"):
        stack.control.fault(operation, delaySeconds=HANGS_SECONDS, count=20)
    begin = time.monotonic()
    answer = stack.api(method, path, body)
    assert answer.status == status, answer
    assert time.monotonic() - begin < HANGS_SECONDS, "nothing waits for a call that hangs"
    asked = Counter(call["operation"] for call in stack.control.calls())
    assert max(asked.values(), default=0) <= 2, "two attempts of each question, and no more"
    stack.control.clear_faults()


def test_a11_a_throttled_validation_is_in_nobodys_way(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(TWO_WAVES), launchSeconds=100)
    started = stack.start(TWO_WAVES, "recoveries")
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    stack.control.fault("DescribeRecoverySnapshots", error="ThrottlingException", count=1000)
    asked = [stack.api("POST", f"/plans/{TWO_WAVES['planId']}/validate").json for _ in range(12)]

    assert not asked[0]["ready"]
    assert "drs-read/us-east-1" not in _critical(stack)
    health = stack.api("GET", "/health")
    assert (health.status, health.json["critical_circuits_open"]) == (200, [])
    clock.forward(101)
    stack.wait(started, lambda seen: seen["waves"][1]["jobId"])
    clock.forward(101)
    assert stack.ended(started)["status"] == "COMPLETED"
    assert not [item for item in stack.error_items() if item["category"] == {"S": "CIRCUIT_OPEN"}]


def test_a11_nobody_asks_on_where_calls_are_held_back(stack: Stack) -> None:
    many = plan(wave("many", *range(1, 101)), plan_id="many")
    stack.put_servers(servers_of(many))
    stack.put_plan(many)
    stack.control.fault("DescribeRecoverySnapshots", error="ThrottlingException", count=1000)
    answer = stack.api("POST", "/plans/many/validate").json
    assert not answer["ready"]
    assert len(stack.control.calls("DescribeRecoverySnapshots")) <= 40, "of a hundred servers: those asked for at once"
