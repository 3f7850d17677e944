"""When DRS was last heard of what is in flight (contract 4): it stands still while DRS does not answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.support.plans import plan, server, wave

from wavebreak.timing import parse_iso

if TYPE_CHECKING:
    from tests.support.stack import Stack


def test_b6_last_seen_moves_while_drs_answers_and_stands_still_while_it_does_not(stack: Stack) -> None:
    stack.put_servers([server(1)], launchSeconds=8, hostname="db-1")
    started = stack.start(plan(wave("db", 1)), "recoveries")
    first = stack.wait(started, lambda seen: seen["lastSeenAt"])
    assert first["waves"][0]["servers"][0]["name"] == "db-1", "names are frozen at the start (F4)"
    later = stack.wait(started, lambda seen: _moved(first, seen))
    stack.control.fault("DescribeJobs", httpStatus=503, count=200)
    time.sleep(1)
    silent = stack.get(started)["lastSeenAt"]
    time.sleep(1.5)
    assert stack.get(started)["lastSeenAt"] == silent >= later["lastSeenAt"]
    stack.control.clear_faults()
    stack.wait(started, lambda seen: (seen["lastSeenAt"] or "") > silent or seen["endedAt"])
    assert stack.ended(started)["lastSeenAt"] is None, "nothing is in flight any more"


def _moved(before: dict[str, Any], seen: dict[str, Any]) -> bool:
    return bool(seen["lastSeenAt"]) and parse_iso(seen["lastSeenAt"]) > parse_iso(before["lastSeenAt"])
