"""Verdicts of executions, and what is asked of executions that do not exist (contract 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.gateway import CALLER
from tests.support.plans import plan, server, servers_of, wave

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack


def test_4_a_verdict_is_of_an_ended_execution_and_the_last_one_counts(stack: Stack, clock: JumpingClock) -> None:
    document = plan(wave("database", 1))
    stack.put_servers(servers_of(document), launchSeconds=60, launchResult="FAILED")
    started = stack.start(document)
    path = f"/executions/{started}/verdict"
    early = stack.api("PUT", path, {"verdict": "PASSED"})
    assert (early.status, early.json["code"]) == (409, "INVALID_STATE")
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    clock.forward(61)
    stack.ended(started)

    assert stack.api("PUT", path, {"verdict": "PERHAPS"}).status == 400
    assert stack.api("PUT", path, {"verdict": "PASSED"}).status == 200
    answer = stack.api("PUT", path, {"verdict": "FAILED", "notes": "no disk"})
    assert answer.status == 200
    assert answer.json["verdict"] == {
        "verdict": "FAILED",
        "notes": "no disk",
        "by": CALLER,
        "at": answer.json["verdict"]["at"],
    }
    assert answer.json["status"] == "FAILED"
    reported = [(one["type"], one["data"]["changes"], one["data"].get("notes")) for one in stack.events(started)[-2:]]
    assert reported == [
        ("VERDICT_PASSED", [{"subject": "verdict", "from": None, "to": "PASSED"}], None),
        ("VERDICT_FAILED", [{"subject": "verdict", "from": "PASSED", "to": "FAILED"}], "no disk"),
    ]

    stack.put_servers([server(1)], launchSeconds=60)
    taken_up = stack.api("POST", f"/executions/{started}/waves/1/retry", {})
    assert (taken_up.status, taken_up.json["verdict"]) == (202, None)


def test_4_who_asks_for_a_report_of_nothing_is_told(stack: Stack) -> None:
    nobody = "/executions/drill-01k00000000000000000000000"
    for path, method, body in (
        ("report", "GET", None),
        ("progress", "GET", None),
        ("verdict", "PUT", {"verdict": "PASSED"}),
    ):
        answer = stack.api(method, f"{nobody}/{path}", body)
        assert (answer.status, answer.json["code"]) == (404, "NOT_FOUND")
    answer = stack.api("GET", f"{nobody}/report", query={"format": "pdf"})
    assert answer.status == 400
