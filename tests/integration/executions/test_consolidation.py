"""Checks consolidated wherever an execution ends, and whatever fails on the way (requirements S4)."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError
from tests.support.plans import plan, server, wave
from tests.support.process_death import TaskKilled

from wavebreak.store.checks import CheckStore

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.commands import Commands
    from tests.support.stack import Stack
from tests.support.checked_plans import CREDIT, STATEMENT, executions_of, own, prints


def check_counts(stack: Stack, started: str) -> str:
    """What is stored of the checks of an execution."""
    found = stack.app().executions.table.get(f"EXEC#{started}", "META")
    assert found is not None
    return str(found["tallies"])


def test_s4_7_factors_of_a_check_that_fails_when_it_is_made_again_are_gone(commands: Commands, stack: Stack) -> None:
    """Storing replaces: nothing of the earlier result is left anywhere, and that it is gone is a success."""
    needed = {"command": "start", "required": True}
    stack.put_servers(map(server, (1, 2)))
    prints(commands, 1, revenue=3)
    for number in (1, 2):
        prints(commands, number, "query", score=700)
    commands.answers(2, "start", exitCode=9)
    started = stack.start(plan(wave("a", 1, checks=[STATEMENT, CREDIT]), wave("b", 2, after=[needed])))
    assert own(stack.ended(started))["f_credit_score"] == 700
    commands.answers(2, "start", exitCode=0)
    commands.answers(1, "query", exitCode=1)

    assert stack.api("POST", f"/executions/{started}/waves/2/retry", {}).status == 202
    execution = stack.ended(started)

    assert execution["status"] == "COMPLETED"
    assert own(execution) == {"f_revenue_monthly_avg": 3, "f_months_analyzed": 1}
    assert "f_credit_score" not in check_counts(stack, started)
    (listed,) = stack.api("GET", "/executions").json["items"]
    assert own(listed) == own(execution)


def test_s4_11_a_cancelled_execution_is_consolidated(commands: Commands, stack: Stack) -> None:
    stack.put_servers(map(server, (1, 2)))
    prints(commands, 1, revenue=3)
    waits = wave("second", 2, requiresApproval=True, checks=[CREDIT])
    started = stack.start(plan(wave("first", 1, checks=[STATEMENT]), waits))
    stack.wait(started, lambda seen: seen["waves"][1]["status"] == "AWAITING_APPROVAL")
    assert stack.api("POST", f"/executions/{started}/cancel", {}).status == 202
    execution = stack.ended(started)
    assert (execution["status"], own(execution)["f_months_analyzed"]) == ("PARTIAL_SUCCESS", 1)
    assert [one["name"] for one in json.loads(check_counts(stack, started))] == ["bank-statement", "credit-check"]


def waiting_drill(stack: Stack) -> str:
    """Start a drill that waits for an approval before any of its checks is made."""
    stack.put_servers(map(server, (1, 2)))
    waits = wave("second", 2, requiresApproval=True, checks=[STATEMENT, CREDIT])
    started = stack.start(plan(wave("first", 1), waits) | {"drill": {"terminateAfterMinutes": 15}})
    stack.wait(started, lambda seen: seen["waves"][1]["status"] == "AWAITING_APPROVAL")
    stack.wait(started, lambda seen: seen["waves"][0]["servers"][0]["recoveryInstanceId"])
    assert check_counts(stack, started) == "None", "nothing is consolidated yet"
    return started


def stored(stack: Stack, started: str) -> list[tuple[str, int]]:
    return [(one["name"], one["active"]) for one in json.loads(check_counts(stack, started))]


@pytest.mark.usefixtures("commands")
def test_s4_11_a_drill_that_overstays_its_lease_is_consolidated(stack: Stack, clock: JumpingClock) -> None:
    started = waiting_drill(stack)
    time.sleep(1.5)
    clock.forward(45)
    execution = stack.cleaned_up(started)
    assert (execution["status"], execution["cancel"]["actor"]) == ("PARTIAL_SUCCESS", "wavebreak")
    assert stored(stack, started) == [("bank-statement", 0), ("credit-check", 0)]


@pytest.mark.usefixtures("commands")
def test_s4_11_a_preempted_drill_that_only_waited_is_consolidated(stack: Stack) -> None:
    started = waiting_drill(stack)
    recovery = stack.start(plan(wave("needed", 2), plan_id="needed"), "recoveries")
    execution = stack.ended(started)
    assert (execution["status"], execution["cancel"]["reason"]) == ("PARTIAL_SUCCESS", f"Preempted by {recovery}")
    assert stored(stack, started) == [("bank-statement", 0), ("credit-check", 0)]
    stack.ended(recovery)


def test_s4_11_a_failed_execution_is_consolidated(commands: Commands, stack: Stack) -> None:
    stack.put_servers([server(1)], launchResult="FAILED")
    execution = stack.ended(stack.start(plan(wave("only", 1, checks=[STATEMENT]))))
    assert (execution["status"], own(execution), commands.sent_to()) == ("FAILED", {}, [])
    assert stored(stack, execution["executionId"]) == [("bank-statement", 0)]


def test_two_waves_that_end_at_once_lose_nothing_of_a_check_that_both_have(commands: Commands, stack: Stack) -> None:
    numbers = range(1, 7)
    stack.put_servers(map(server, numbers))
    for number in numbers:
        prints(commands, number, revenue=number)
    waves = [wave(f"w{number}", number, dependsOn=[], checks=[STATEMENT]) for number in numbers]
    execution = stack.ended(stack.start(plan(*waves)), 40)
    assert own(execution) == {"f_revenue_monthly_avg": 3.5, "f_months_analyzed": 6}


@pytest.mark.parametrize("when", ["before", "after"])
def test_whoever_dies_over_the_results_leaves_them_to_the_next(
    commands: Commands, stack: Stack, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    stack.put_servers([server(1)])
    prints(commands, 1, revenue=3)
    original = CheckStore.put

    def dies(store: CheckStore, *arguments: Any) -> None:
        monkeypatch.setattr(CheckStore, "put", original)
        if when == "after":
            original(store, *arguments)
        raise TaskKilled

    monkeypatch.setattr(CheckStore, "put", dies)
    execution = stack.ended(stack.start(plan(wave("only", 1, checks=[STATEMENT]))))
    assert (execution["status"], own(execution)["f_months_analyzed"]) == ("COMPLETED", 1)
    assert len(executions_of(stack, execution["executionId"])) == 1


def test_a_fault_of_the_table_is_tried_again_and_told_by_the_metric(
    commands: Commands, stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failed check is data; a fault of DynamoDB is raised and retried (S4)."""
    stack.put_servers([server(1)])
    prints(commands, 1, revenue=3)
    original = CheckStore.all

    def fails(_store: CheckStore, *_arguments: Any) -> Any:
        monkeypatch.setattr(CheckStore, "all", original)
        throttled = {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "slow down"}}
        raise ClientError(cast("Any", throttled), "Query")

    monkeypatch.setattr(CheckStore, "all", fails)
    execution = stack.ended(stack.start(plan(wave("only", 1, checks=[STATEMENT]))))
    assert (execution["status"], own(execution)["f_months_analyzed"]) == ("COMPLETED", 1)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
    reported = [json.loads(line) for line in lines]
    assert [one["ConsolidationSuccess"] for one in reported if "ConsolidationSuccess" in one] == [0, 1, 1]
    measured = {
        name: one[name] for one in reported for name in ("CheckFailureRate", "FactorCompleteness") if name in one
    }
    assert measured == {"CheckFailureRate": 0, "FactorCompleteness": 100}
