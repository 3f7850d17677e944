"""The recovery points of a plan's servers (contract 4)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.plans import plan, server, servers_of, wave

from wavebreak.timing import iso, parse_iso

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

DOCUMENT = plan(wave("first", 1), wave("second", 2, 3))
PATH = f"/plans/{DOCUMENT['planId']}/snapshots"


def listed(stack: Stack, **query: str) -> list[dict[str, Any]]:
    answer = stack.api("GET", PATH, query=query)
    assert answer.status == 200, answer
    assert answer.json["nextToken"] is None
    return list(answer.json["items"])


def test_4_points_are_listed_by_server_the_newest_first_and_only_finished_ones(
    stack: Stack, clock: JumpingClock
) -> None:
    stack.put_servers(servers_of(DOCUMENT), tags={"Name": "db"})
    stack.put_plan(DOCUMENT)
    found = listed(stack)
    assert [each["sourceServerId"] for each in found] == [server(1), server(2), server(3)]
    assert [(each["waveName"], each["name"]) for each in found] == [("first", "db"), *[("second", "db")] * 2]
    for each in found:
        times = [point["at"] for point in each["snapshots"]]
        assert len(times) > 10
        assert times == sorted(times, reverse=True)
        assert parse_iso(times[0]) <= clock.now()
        assert (each["error"], each["more"]) == (None, False)


def test_4_before_leaves_out_what_is_later(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(DOCUMENT))
    stack.put_plan(DOCUMENT)
    before = iso(clock.now() - timedelta(hours=3))
    everything = {each["sourceServerId"]: each["snapshots"] for each in listed(stack)}
    for each in listed(stack, before=before):
        wanted = [point for point in everything[each["sourceServerId"]] if point["at"] <= before]
        assert each["snapshots"] == wanted != []


def test_4_servers_that_selectors_match_are_listed_too(stack: Stack) -> None:
    document = plan({"name": "tagged", "selector": {"tags": {"tier": "db"}}})
    stack.put_servers([server(7)], tags={"tier": "db"})
    stack.put_plan(document)
    assert [each["sourceServerId"] for each in listed(stack)] == [server(7)]


def test_4_what_drs_does_not_tell_of_a_server_is_said_and_keeps_no_other_from_being_told(stack: Stack) -> None:
    stack.put_servers(servers_of(DOCUMENT))
    stack.put_plan(DOCUMENT)
    stack.control.fault("DescribeRecoverySnapshots", error="ResourceNotFoundException", count=100, subject=server(2))
    first, second, third = listed(stack)
    assert "ResourceNotFoundException" in second["error"]
    assert second["snapshots"] == []
    assert all(each["error"] is None and each["snapshots"] for each in (first, third))


def test_4_at_most_25_servers_come_in_one_answer(stack: Stack) -> None:
    document = plan(wave("many", *range(1, 31)))
    stack.put_servers(servers_of(document))
    stack.put_plan(document)
    first = stack.api("GET", PATH, query={"limit": "1000"}).json
    assert len(first["items"]) == 25
    rest = stack.api("GET", PATH, query={"nextToken": first["nextToken"]}).json
    assert [each["sourceServerId"] for each in rest["items"]] == [server(number) for number in range(26, 31)]
    assert rest["nextToken"] is None
    one = stack.api("GET", PATH, query={"limit": "1"}).json
    assert len(one["items"]) == 1
    stack.put_plan({**document, "description": "changed"})
    stale = stack.api("GET", PATH, query={"nextToken": first["nextToken"]})
    assert (stale.status, stale.json["errors"][0]["pointer"]) == (400, "/nextToken")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"before": "yesterday"}, "/before"),
        ({"limit": "0"}, "/limit"),
        *(({"nextToken": token}, "/nextToken") for token in ("x", "1.", "1.-1", "1.9999", ".1", "1.\u0661", "0.1")),
        ({"odd": "1"}, "/odd"),
    ],
)
def test_4_what_is_not_taken_is_refused(shared_stack: Stack, query: dict[str, str], pointer: str) -> None:
    shared_stack.put_plan(DOCUMENT)
    answer = shared_stack.api("GET", PATH, query=query)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, pointer)


def test_4_a_plan_that_is_not_stored_is_not_found(shared_stack: Stack) -> None:
    assert shared_stack.api("GET", "/plans/nowhere/snapshots").code == "NOT_FOUND"
