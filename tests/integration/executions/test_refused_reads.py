"""A server that DRS does not report holds up no other: in launches, a drill's guard, terminations, what is learnt."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.plans import plan, server, servers_of, wave

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

FAULT = {"httpStatus": 500}
DENIED = {"error": "AccessDeniedException"}
WAYS = pytest.mark.parametrize("way", [FAULT, DENIED], ids=["fault", "denied"])
FIVE = plan(wave("only", *range(1, 6), timeoutMinutes=600))


def refuse(stack: Stack, operation: str, way: dict[str, Any]) -> None:
    stack.control.fault(operation, **way, subject=server(3), count=100_000)


def round_until(
    stack: Stack, clock: JumpingClock, execution: str, found: Callable[[Any], bool], rounds: int = 60
) -> Any:
    """Let time pass until the execution shows what is looked for."""
    for _ in range(rounds):
        shown = stack.get(execution)
        if found(shown):
            return shown
        time.sleep(0.2)
        clock.forward(1)
    raise AssertionError(shown)


def statuses(execution: Any) -> list[str]:
    return [each["launchStatus"] for each in execution["waves"][0]["servers"]]


def but_the_third(status: str, other: str) -> list[str]:
    return [other if number == 3 else status for number in range(1, 6)]


@WAYS
@pytest.mark.parametrize("operation", ["DescribeSourceServers", "DescribeRecoveryInstances"])
def test_a_server_that_drs_does_not_tell_of_waits_alone_and_says_why(
    stack: Stack, clock: JumpingClock, operation: str, way: dict[str, Any]
) -> None:
    stack.put_servers(servers_of(FIVE))
    # The guard asks for instances of a server that was launched before.
    stack.ended(stack.start(plan(wave("only", *range(1, 6)), plan_id="before")))
    refuse(stack, operation, way)
    execution = stack.start(FIVE)
    launched = round_until(stack, clock, execution, lambda seen: statuses(seen).count("LAUNCHED") == 4)
    assert statuses(launched) == but_the_third("LAUNCHED", "PENDING")
    third = launched["waves"][0]["servers"][2]
    assert operation in third["error"]
    assert ("AccessDenied" if way is DENIED else "500") in third["error"]
    stack.control.clear_faults()
    round_until(stack, clock, execution, lambda seen: statuses(seen).count("LAUNCHED") == 5, rounds=200)


@WAYS
def test_what_drs_tells_of_nobody_is_the_request_s(stack: Stack, clock: JumpingClock, way: dict[str, Any]) -> None:
    stack.put_servers(servers_of(FIVE))
    stack.control.fault("DescribeSourceServers", **way, count=100_000)
    execution = stack.start(FIVE, "recoveries")
    if way is DENIED:
        seen = round_until(stack, clock, execution, lambda seen: seen["waves"][0]["status"] == "FAILED")
        assert "AccessDenied" in seen["waves"][0]["error"]
    assert not stack.control.calls("StartRecovery")


@WAYS
def test_a_termination_ends_all_others_and_says_of_the_one_why_it_waits(
    stack: Stack, clock: JumpingClock, way: dict[str, Any]
) -> None:
    stack.put_servers(servers_of(FIVE))
    execution = stack.start(FIVE)
    stack.ended(execution)
    refuse(stack, "DescribeRecoveryInstances", way)
    stack.api("POST", f"/executions/{execution}/terminate", {})
    seen = round_until(stack, clock, execution, lambda seen: seen["termination"]["terminated"] == 4, rounds=120)
    [left] = seen["termination"]["remaining"]
    assert left["sourceServerId"] == server(3)
    assert "DescribeRecoveryInstances" in left["reason"]
    assert seen["termination"]["status"] == "IN_PROGRESS"
    stack.control.clear_faults()
    over = round_until(stack, clock, execution, lambda seen: seen["termination"]["status"] != "IN_PROGRESS", rounds=200)
    assert (over["termination"]["status"], over["termination"]["terminated"]) == ("COMPLETED", 5)


@WAYS
def test_what_the_others_were_launched_as_is_learnt_and_the_log_tells_of_the_one(
    stack: Stack, clock: JumpingClock, way: dict[str, Any]
) -> None:
    stack.put_servers(servers_of(FIVE))
    stack.control.put_manners(seed=3)
    stack.control.fault("DescribeRecoveryInstances", **way, subject=server(3), count=100_000)
    execution = stack.start(FIVE, "recoveries")
    seen = round_until(stack, clock, execution, lambda seen: seen["status"] == "COMPLETED", rounds=120)
    instances = [each["recoveryInstanceId"] for each in seen["waves"][0]["servers"]]
    assert None not in instances
    assert len(set(instances)) == 5


@WAYS
def test_the_log_tells_of_all_where_drs_tells_of_no_instance(
    stack: Stack, clock: JumpingClock, way: dict[str, Any]
) -> None:
    stack.put_servers(servers_of(FIVE))
    stack.control.put_manners(seed=3)
    stack.control.fault("DescribeRecoveryInstances", **way, count=100_000)
    execution = stack.start(FIVE, "recoveries")
    seen = round_until(stack, clock, execution, lambda seen: seen["status"] == "COMPLETED", rounds=120)
    assert None not in [each["recoveryInstanceId"] for each in seen["waves"][0]["servers"]]


def test_servers_that_wait_for_drs_to_tell_its_jobs_say_so_in_its_words(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(FIVE))
    stack.control.fault("DescribeJobs", httpStatus=500, count=100_000)
    execution = stack.start(FIVE, "recoveries")
    seen = round_until(stack, clock, execution, lambda seen: all(each["error"] for each in seen["waves"][0]["servers"]))
    assert statuses(seen) == ["PENDING"] * 5
    assert {each["error"].split(":")[0] for each in seen["waves"][0]["servers"]} == {"Waits for DRS"}


def test_a_termination_says_in_the_words_of_drs_why_it_is_told_nothing(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(FIVE))
    execution = stack.start(FIVE)
    stack.ended(execution)
    stack.control.fault("DescribeRecoveryInstances", **DENIED, count=100_000)
    stack.api("POST", f"/executions/{execution}/terminate", {})

    def answered(seen: Any) -> bool:
        reasons = {each["reason"] for each in seen["termination"]["remaining"]}
        return bool(reasons) and all("AccessDeniedException" in str(reason) for reason in reasons)

    assert len(round_until(stack, clock, execution, answered)["termination"]["remaining"]) == 5
