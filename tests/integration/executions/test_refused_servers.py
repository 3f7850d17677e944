"""One server's trouble stays its own, with the machine, the store and the clock (A1, T1, T5, N1, N41)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.plans import plan, server, servers_of, wave

from wavebreak.aws.drs import Drs
from wavebreak.aws.unrepeated import CallRejectedError, OutcomeUnknownError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

    Says = Callable[[str], Exception]


class Refusals:
    """Has StartRecovery refused for whatever names a server in trouble."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, says: Says, *servers: str) -> None:
        self.servers = set(servers)
        self.sizes: list[int] = []
        original = Drs.start_recovery

        def start(drs: Drs, servers: Any, **rest: Any) -> str:
            self.sizes.append(len(servers))
            named = [each.source_server_id for each in servers if each.source_server_id in self.servers]
            if named:
                raise says(named[0])
            return original(drs, servers, **rest)

        monkeypatch.setattr(Drs, "start_recovery", start)


def conflict(_name: str) -> Exception:
    return CallRejectedError("ConflictException", "not ready", status=409)


def fault(_name: str) -> Exception:
    return OutcomeUnknownError("InternalServerException (500)")


def denied(name: str) -> Exception:
    return CallRejectedError("AccessDeniedException", f"not authorized on source-server/{name}", status=403)


def tags(_name: str) -> Exception:
    return CallRejectedError("ValidationException", "Tags", status=400)


def with_status(execution: dict[str, Any], status: str) -> set[str]:
    servers = execution["waves"][0]["servers"]
    return {each["sourceServerId"] for each in servers if each["launchStatus"] == status}


def errors_of(execution: dict[str, Any]) -> dict[str, str]:
    return {each["sourceServerId"]: each["error"] for each in execution["waves"][0]["servers"] if each["error"]}


def rounds(clock: JumpingClock, count: int, seconds: float) -> None:
    """Let the machine look a few times."""
    for _ in range(count):
        time.sleep(0.7)
        clock.forward(seconds)


@pytest.mark.parametrize("size", [9, 20, 100])
@pytest.mark.parametrize("says", [conflict, fault])
def test_a1_t1_n1_two_in_trouble_keep_no_other_down_and_are_launched_when_it_is_over(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch, size: int, says: Says
) -> None:
    document = plan(wave("only", *range(1, size + 1), timeoutMinutes=600))
    stack.put_servers(servers_of(document))
    refusals = Refusals(monkeypatch, says, server(1), server(2))
    started = stack.start(document, "recoveries")
    rounds(clock, 4, 3)

    seen = stack.wait(started, lambda seen: len(with_status(seen, "LAUNCHED")) == size - 2)
    assert with_status(seen, "PENDING") == refusals.servers
    assert errors_of(seen).keys() == refusals.servers
    assert all("not ready" in words or "(500)" in words for words in errors_of(seen).values())

    refusals.servers.clear()
    rounds(clock, 3, 16)
    execution = stack.ended(started)
    assert (execution["status"], errors_of(execution)) == ("COMPLETED", {})
    assert sorted(stack.launched_servers()) == servers_of(document)


def test_n41_a_right_that_is_missing_for_one_server_fails_that_one_alone(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan(wave("only", *range(1, 21)))
    stack.put_servers(servers_of(document))
    refusals = Refusals(monkeypatch, denied, server(13))

    execution = stack.ended(stack.start(document, "recoveries"))

    assert with_status(execution, "FAILED") == {server(13)}
    assert len(with_status(execution, "LAUNCHED")) == 19
    assert server(13) in errors_of(execution)[server(13)]
    assert refusals.sizes == [20, 19]


@pytest.mark.parametrize("size", [20, 250])
@pytest.mark.parametrize("says", [tags, denied])
def test_t5_what_concerns_the_request_fails_the_wave_in_ten_calls_with_drs_own_words(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, size: int, says: Says
) -> None:
    document = plan(wave("only", *range(1, size + 1)), wave("next", 999))
    stack.put_servers(servers_of(document))
    refusals = Refusals(monkeypatch, says, *servers_of(document))

    execution = stack.ended(stack.start(document, "recoveries"))

    assert len(refusals.sizes) <= 10
    assert [each["status"] for each in execution["waves"]] == ["FAILED", "NOT_STARTED"]
    words = str(says("")).partition(" on ")[0]
    assert words in execution["waves"][0]["error"]
    assert all(words in error for error in errors_of(execution).values())
    assert len(errors_of(execution)) == size
