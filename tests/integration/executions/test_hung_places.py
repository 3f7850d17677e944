"""A9: a Region that hangs delays the hand-overs, polls, deadlines and cancels of no other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.support.plans import plan, server, wave

from wavebreak.aws.drs import Drs

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

FAR = "us-west-2"
HANGS_SECONDS = 8.0


def hang(monkeypatch: pytest.MonkeyPatch, *names: str, seconds: float = HANGS_SECONDS) -> None:
    """Have methods of the DRS adapter hang for a while in the far Region."""
    for name in names:
        original = getattr(Drs, name)

        def slow(drs: Drs, *arguments: Any, _original: Any = original) -> Any:
            if drs.client.meta.region_name == FAR:
                time.sleep(seconds)
            return _original(drs, *arguments)

        monkeypatch.setattr(Drs, name, slow)


def document() -> dict[str, Any]:
    """A chain of three waves here, and one far away."""
    return plan(
        wave("far", 9, region=FAR, dependsOn=[]),
        wave("b", 1, dependsOn=[]),
        wave("c", 2, dependsOn=["b"]),
        wave("d", 3, dependsOn=["c"]),
    )


def put_servers(stack: Stack, **settings: Any) -> None:
    stack.put_servers([server(number) for number in (1, 2, 3)], **settings)
    stack.put_servers([server(9)], region=FAR, **settings)


def moments(stack: Stack, started: str, names: str) -> Iterator[float]:
    """Give when each of these waves was complete, in seconds from now."""
    begun = time.monotonic()
    for name in names:
        stack.wait(started, lambda seen, name=name: _status(seen, name) == "COMPLETED")  # type: ignore[misc]  # mypy infers no default
        yield time.monotonic() - begun


def _status(execution: dict[str, Any], name: str) -> str:
    return str(next(each["status"] for each in execution["waves"] if each["name"] == name))


def test_a9_a_region_that_hangs_before_its_start_delays_no_hand_over(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_servers(stack)
    hang(monkeypatch, "recent_jobs")
    started = stack.start(document(), "recoveries")

    *_, last = moments(stack, started, "bcd")

    assert last < HANGS_SECONDS - 2
    assert stack.ended(started)["status"] == "COMPLETED"


def test_a9_a_region_whose_jobs_cannot_be_looked_at_delays_no_hand_over_and_is_heard_in_the_end(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_servers(stack)
    chain = document()
    chain["waves"][1]["waitBeforeSeconds"] = 20  # a second: the far wave is in flight by then
    started = stack.start(chain, "recoveries")
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    hang(monkeypatch, "jobs")
    begun = time.monotonic()

    *_, last = moments(stack, started, "bcd")

    assert last < HANGS_SECONDS - 1, "three hand-overs, each delayed by less than two seconds"
    execution = stack.ended(started)
    assert execution["status"] == "COMPLETED"
    assert time.monotonic() - begun > HANGS_SECONDS - 1, "the far Region was waited for"
    time.sleep(HANGS_SECONDS)  # whoever was not waited for any more comes to an end


def test_a_single_place_that_hangs_keeps_nothing_from_being_started_elsewhere(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    waves = wave("far", 9, region=FAR, dependsOn=[]), wave("here", 1, dependsOn=[], requiresApproval=True)
    put_servers(stack)
    stack.put_servers([server(9)], region=FAR, launchSeconds=2)
    started = stack.start(plan(*waves), "recoveries")
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    hang(monkeypatch, "jobs", seconds=5)
    time.sleep(1)
    begun = time.monotonic()

    stack.api("POST", f"/executions/{started}/waves/2/approve", {})

    stack.wait(started, lambda seen: seen["waves"][1]["jobId"])
    assert time.monotonic() - begun < 3.5
    assert stack.ended(started)["status"] == "COMPLETED"
    time.sleep(5)


def test_a_cancel_is_not_delayed_by_a_start_that_hangs(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, clock: JumpingClock
) -> None:
    put_servers(stack, launchSeconds=60)
    hang(monkeypatch, "recent_jobs", seconds=5)
    started = stack.start(document(), "recoveries")
    stack.wait(started, lambda seen: seen["waves"][1]["jobId"])
    begun = time.monotonic()
    stack.api("POST", f"/executions/{started}/cancel", {})
    clock.forward(61)

    execution = stack.ended(started)

    assert time.monotonic() - begun < 4
    assert [each["status"] for each in execution["waves"]] == ["CANCELLED"] * 4
    stack.wait(started, lambda _: not stack.items_of("LOCK"))
