"""Wakes: what an operator or DRS does is acted on at once, however long the poll interval is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import emulation
from tests.support.plans import plan, servers_of, wave

from wavebreak.domain.executions.machine_runs import Machine

if TYPE_CHECKING:
    from tests.support.stack import Stack

APPROVED = plan(wave("only", 1, requiresApproval=True))
AT_ONCE_SECONDS = 5.0


@pytest.fixture(autouse=True)
def _long_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(emulation.REAL_SECONDS, emulation.POLL_SECONDS, 60.0)


def _asleep(stack: Stack, execution_id: str) -> bool:
    return any(
        "token" in item for item in stack.items() if item["pk"]["S"] == f"EXEC#{execution_id}" and "mark" in item
    )


def _finish(stack: Stack, execution_id: str) -> None:
    """See an execution to its end; DRS sends no event of the end of a job, so its machine is woken for that."""

    def ended(seen: dict[str, Any]) -> bool:
        stack.app().workflow.wake(Machine.RECOVERY, execution_id)
        return bool(seen["status"] == "COMPLETED")

    stack.wait(execution_id, ended)


def test_an_approval_wakes_a_sleeping_machine(stack: Stack) -> None:
    stack.put_servers(servers_of(APPROVED))
    started = stack.start(APPROVED)
    stack.wait(started, lambda seen: seen["waves"][0]["status"] == "AWAITING_APPROVAL" and _asleep(stack, started))

    stack.api("POST", f"/executions/{started}/waves/1/approve", {})

    stack.wait(started, lambda _: stack.control.calls("StartRecovery"), AT_ONCE_SECONDS)
    _finish(stack, started)


def test_an_approval_between_look_and_sleep_is_not_slept_through(stack: Stack) -> None:
    stack.put_servers(servers_of(APPROVED))
    woken: list[str] = []

    def approve(answer: dict[str, Any]) -> None:
        execution_id = stack.items_of("META")[0]["executionId"]["S"]
        if answer["directive"] == "SLEEP" and not woken:
            woken.append(execution_id)
            assert stack.api("POST", f"/executions/{execution_id}/waves/1/approve", {}).status == 202

    stack.after["ObserveFunction"] = approve
    started = stack.start(APPROVED)

    stack.wait(started, lambda _: stack.control.calls("StartRecovery"), AT_ONCE_SECONDS)
    assert woken == [started]
    _finish(stack, started)


def test_the_last_launch_event_of_a_job_starts_the_next_wave(stack: Stack) -> None:
    document = plan(wave("database", 1, 2), wave("web", 3))
    # An event that is lost wakes nobody, and a look that is older than its event shows nothing: the next poll does.
    stack.control.put_manners(strict=True)
    stack.put_servers(servers_of(document), launchSeconds=1)
    started = stack.start(document)
    stack.wait(started, lambda _: _asleep(stack, started))
    begun = time.monotonic()

    stack.wait(started, lambda seen: seen["waves"][1]["jobId"])

    assert time.monotonic() - begun < AT_ONCE_SECONDS
    stack.wait(started, lambda seen: seen["waves"][1]["status"] == "COMPLETED")
    _finish(stack, started)


def test_a_launch_event_of_a_job_that_is_not_ours_wakes_nobody(stack: Stack) -> None:
    event = {
        "source": "aws.drs",
        "resources": ["arn:aws:drs:us-east-1:123456789012:source-server/s-00000000000000001"],
        "detail": {"state": "RECOVERY_LAUNCH_SUCCEEDED", "job-id": "drsjob-00000000000000000", "is-drill": "TRUE"},
    }
    assert stack.report_launches(event, {"source": "aws.drs", "detail": {}}) == 0


def test_what_a_launch_event_tells_is_logged_and_what_cannot_be_read_too(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    """A line in the log is how one sees whether EventBridge brings these events, and in the form that is read."""
    server = "arn:aws:drs:us-east-1:123456789012:source-server/s-00000000000000001"
    event = {"resources": [server], "detail": {"job-id": "drsjob-00000000000000000"}}
    odd = {"resources": [server], "detail": {"jobId": "drsjob-00000000000000000", "padding": "x" * 5000}}
    with caplog.at_level("INFO", "wavebreak"):
        stack.report_launches(event, odd)
    reported = [record for record in caplog.records if hasattr(record, "launchEvent")]
    assert [record.levelname for record in reported] == ["INFO", "WARNING"]
    first, second = (record.launchEvent for record in reported)
    assert first == {"jobId": "drsjob-00000000000000000", "servers": ["s-00000000000000001"]}
    assert second["unreadable"]
    assert "'jobId': 'drsjob-00000000000000000'" in second["event"]
    assert len(second["event"]) == 1000


def test_a_repeated_launch_event_does_no_harm(stack: Stack) -> None:
    document = plan(wave("database", 1, 2))
    stack.put_servers(servers_of(document), launchSeconds=1)
    started = stack.start(document)
    job_id = stack.wait(started, lambda seen: seen["waves"][0]["jobId"])["waves"][0]["jobId"]
    stack.wait(started, lambda _: _asleep(stack, started))
    event = {
        "resources": ["arn:aws:drs:us-east-1:123456789012:source-server/s-00000000000000001"],
        "detail": {"job-id": job_id},
    }

    assert [stack.report_launches(event, event) for _ in range(3)] == [0, 0, 0]

    stack.wait(started, lambda seen: seen["waves"][0]["status"] == "COMPLETED", AT_ONCE_SECONDS)
    _finish(stack, started)
