"""Recovering to a moment: each server from its newest recovery point not later than that (contract 4, `before`)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from tests.support.blueprint import REGION
from tests.support.plans import plan, server, servers_of, wave

from wavebreak.timing import iso, parse_iso

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

DOCUMENT = plan(wave("only", 1, 2))
DESCRIBE = "DescribeRecoverySnapshots"


def newest(number: int, before: datetime | None = None) -> tuple[str, datetime]:
    """Find a server's newest finished point by looking at every one that DRS shows."""
    pages = boto3.client("drs", region_name=REGION).get_paginator("describe_recovery_snapshots")
    items = [item for page in pages.paginate(sourceServerID=server(number)) for item in page["items"]]
    points = [(item["snapshotID"], parse_iso(item["timestamp"])) for item in items if item.get("timestamp")]
    return max((point for point in points if before is None or point[1] <= before), key=lambda point: point[1])


def asked(stack: Stack) -> dict[str, str | None]:
    """Give the recovery point that StartRecovery was called with for each server; None for the newest."""
    return {
        member["sourceServerID"]: member.get("recoverySnapshotID")
        for call in stack.control.calls("StartRecovery")
        if call["error"] is None
        for member in call["parameters"]["sourceServers"]
    }


@pytest.mark.parametrize("mode", ["drills", "recoveries"])
def test_4_each_server_comes_from_its_newest_point_not_later_than_the_moment(
    stack: Stack, clock: JumpingClock, mode: str
) -> None:
    stack.put_servers(servers_of(DOCUMENT))
    before = clock.now() - timedelta(hours=5)
    started = stack.start(DOCUMENT, mode, before=iso(before))
    over = stack.ended(started)
    assert (over["status"], over["before"]) == ("COMPLETED", iso(before))
    wanted = {number: newest(number, before) for number in (1, 2)}
    assert asked(stack) == {server(number): point for number, (point, _) in wanted.items()}
    shown = {each["sourceServerId"]: each["snapshotAt"] for each in over["waves"][0]["servers"]}
    assert shown == {server(number): iso(at) for number, (_, at) in wanted.items()}
    assert stack.events(started)[0]["data"]["before"] == iso(before)


def test_4_without_a_moment_nothing_is_looked_up(stack: Stack) -> None:
    stack.put_servers(servers_of(DOCUMENT))
    over = stack.ended(stack.start(DOCUMENT))
    assert over["before"] is None
    assert asked(stack) == {server(1): None, server(2): None}
    assert stack.control.calls(DESCRIBE) == []


def test_4_a_server_that_was_given_a_point_keeps_it(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(DOCUMENT))
    before = clock.now() - timedelta(hours=5)
    chosen, _ = newest(1)
    stack.ended(stack.start(DOCUMENT, before=iso(before), snapshots={server(1): chosen}))
    assert asked(stack) == {server(1): chosen, server(2): newest(2, before)[0]}


@pytest.mark.parametrize("impact", ["CRITICAL", "OPTIONAL"])
def test_4_a_server_that_has_no_point_early_enough_fails_alone(stack: Stack, clock: JumpingClock, impact: str) -> None:
    document = plan(wave("only", 1, 2))
    document["waves"][0]["servers"][1]["impact"] = impact
    stack.put_servers([server(1)])
    before = clock.now() - timedelta(minutes=45)
    stack.put_servers([server(2)], recoverable=False)
    over = stack.ended(stack.start(document, before=iso(before)))
    first, second = over["waves"][0]["servers"]
    assert (first["launchStatus"], second["launchStatus"]) == ("LAUNCHED", "FAILED")
    assert second["error"] == f"DRS has no recovery point of it from {iso(before)} or earlier"
    assert over["waves"][0]["status"] == ("COMPLETED" if impact == "OPTIONAL" else "FAILED")


def test_4_a_moment_before_all_points_fails_every_server_and_launches_nothing(
    stack: Stack, clock: JumpingClock
) -> None:
    stack.put_servers(servers_of(DOCUMENT))
    over = stack.ended(stack.start(DOCUMENT, before=iso(clock.now() - timedelta(days=4000))))
    assert over["status"] == "FAILED"
    assert stack.control.calls("StartRecovery") == []


def test_4_a_server_of_which_drs_does_not_tell_waits_and_holds_up_no_other(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(DOCUMENT))
    stack.control.fault(DESCRIBE, error="InternalServerException", count=1000, subject=server(2))
    started = stack.start(DOCUMENT, before=iso(clock.now() - timedelta(hours=5)))
    seen = stack.wait(started, lambda seen: seen["waves"][0]["servers"][0]["launchStatus"] == "LAUNCHED")
    waits = seen["waves"][0]["servers"][1]
    assert waits["launchStatus"] == "PENDING"
    assert "Waits for DRS to report its recovery points" in waits["error"]
    stack.control.clear_faults()
    clock.forward(10)
    assert stack.ended(started)["status"] == "COMPLETED"


def test_4_a_retry_looks_up_the_point_again(stack: Stack, clock: JumpingClock) -> None:
    document = plan(wave("only", 1))
    stack.put_servers([server(1)], launchResult="FAILED")
    before = clock.now() - timedelta(hours=5)
    started = stack.start(document, before=iso(before))
    assert stack.ended(started)["status"] == "FAILED"
    stack.put_servers([server(1)], launchResult="LAUNCHED")
    assert stack.api("POST", f"/executions/{started}/waves/1/retry", {}).status == 202
    assert stack.ended(started)["status"] == "COMPLETED"
    calls = stack.control.calls("StartRecovery")
    points = [call["parameters"]["sourceServers"][0]["recoverySnapshotID"] for call in calls]
    assert points == [newest(1, before)[0]] * 2


@pytest.mark.parametrize(
    "text",
    ["yesterday", "2026-11-21", "2026-11-21T12:00:00", 1700000000, "1700000000", "0001-01-01T00:00+14:00", ""],
)
def test_4_what_is_no_time_with_an_offset_is_refused_and_starts_nothing(stack: Stack, text: object) -> None:
    stack.put_plan(DOCUMENT)
    answer = stack.api("POST", "/drills", {"planId": DOCUMENT["planId"], "before": text})
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, "/before")
    assert "must be a time with its offset" in answer.json["errors"][0]["message"]
    assert stack.api("GET", "/executions").json["items"] == []


@pytest.mark.parametrize("path", ["/drills", "/recoveries"])
def test_4_a_moment_that_lies_ahead_is_refused_and_starts_nothing(stack: Stack, clock: JumpingClock, path: str) -> None:
    stack.put_plan(DOCUMENT)
    ahead = iso(clock.now() + timedelta(minutes=6))
    answer = stack.api("POST", path, {"planId": DOCUMENT["planId"], "before": ahead})
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, "/before")
    assert "lies ahead" in answer.json["errors"][0]["message"]
    assert stack.api("GET", "/executions").json["items"] == []
