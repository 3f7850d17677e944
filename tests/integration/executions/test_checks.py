"""Checks of plans, made by the whole machine: their commands run, their factors replaced (contract 7, S4, seed 004)."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError
from tests.support.plans import plan, server, wave
from tests.support.stack import Killed

from wavebreak.store.checks import CheckStore
from wavebreak.use_cases.checks import make_check

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.commands import Commands
    from tests.support.stack import Stack

Json = dict[str, Any]

STATEMENT: Json = {
    "name": "bank-statement",
    "type": "DOCUMENT",
    "command": "status",
    "factors": {
        "f_revenue_monthly_avg": {"of": "revenue", "reducer": "mean"},
        "f_months_analyzed": {"of": "revenue", "reducer": "count"},
    },
}
CREDIT: Json = {
    "name": "credit-check",
    "type": "APPLICATION",
    "command": "query",
    "factors": {"f_credit_score": {"of": "score", "reducer": "latest"}},
}
LICENCE: Json = {
    "name": "licence",
    "type": "DOCUMENT",
    "command": "status",
    "factors": {
        "f_verified_licenses_count": {"of": "verified", "reducer": "sum"},
        "f_total_licenses_processed": {"of": "verified", "reducer": "count"},
    },
}
BUILT_IN = {"recovery_time", "recovery_point", "launch"}


def prints(commands: Commands, number: int, command: str = "status", **factors: Any) -> None:
    commands.answers(number, command, stdout=json.dumps({"factors": factors}))


def own(execution: Json) -> Json:
    return {name: value for name, value in execution["factors"].items() if name.startswith("f_")}


def executions_of(stack: Stack, started: str) -> list[Json]:
    answer = stack.api("GET", f"/executions/{started}/checks", query={"limit": "1000"})
    assert answer.status == 200, answer
    items: list[Json] = answer.json["items"]
    return items


def tallies(stack: Stack, started: str) -> str:
    """What is stored of the checks of an execution."""
    found = stack.app().executions.table.get(f"EXEC#{started}", "META")
    assert found is not None
    return str(found["tallies"])


def test_s4_4_a_document_check_leaves_the_failed_server_out_and_names_it(commands: Commands, stack: Stack) -> None:
    """Case 1 of seed 004: revenue [10000, FAILED, 12000]."""
    stack.put_servers(map(server, (1, 2, 3)))
    prints(commands, 1, revenue=10_000)
    commands.answers(2, "status", exitCode=7, stderr="no statement")
    prints(commands, 3, revenue=12_000)

    started = stack.start(plan(wave("all", 1, 2, 3, checks=[STATEMENT])))
    execution = stack.ended(started)

    assert execution["status"] == "COMPLETED", "a failed check is never an error of the run"
    assert own(execution) == {"f_revenue_monthly_avg": 11_000, "f_months_analyzed": 2}
    assert execution["factors"].keys() >= BUILT_IN
    (check,) = execution["checks"]
    assert (check["name"], check["waveNumber"], check["status"]) == ("bank-statement", 1, "COMPLETED")
    assert (check["active"], check["succeeded"], check["failed"]) == (3, 2, 1)
    made = executions_of(stack, started)
    assert [(one["sourceServerId"], one["status"]) for one in made] == [
        (server(1), "completed"),
        (server(2), "failed"),
        (server(3), "completed"),
    ]
    assert check["failedIds"] == [made[1]["executionId"]]
    assert "no statement" in made[1]["reason"]
    assert (made[0]["output"], made[1]["output"]) == ({"factors": {"revenue": 10_000}}, None)
    assert execution["waves"][0]["steps"] == []


def test_s4_3_s4_5_s4_7_an_application_check_that_fails_leaves_no_factor_and_no_error(
    commands: Commands, stack: Stack
) -> None:
    """Case 2 of seed 004: credit check [FAILED, FAILED]."""
    stack.put_servers(map(server, (1, 2)))
    prints(commands, 1, "query", score=700)
    prints(commands, 2, "query", score=710)
    commands.answers(1, "query", exitCode=1)
    commands.answers(2, "query", stdout="no JSON at all")

    started = stack.start(plan(wave("database", 1, checks=[CREDIT]), wave("web", 2)))
    execution = stack.ended(started)

    assert (execution["status"], own(execution)) == ("COMPLETED", {})
    (check,) = execution["checks"]
    assert (check["waveNumber"], check["active"], check["failed"]) == (None, 1, 1)
    (made,) = executions_of(stack, started)
    assert (made["status"], made["sourceServerId"], made["waveNumber"]) == ("failed", None, None)
    assert made["reason"].startswith("2 of 2 server(s) gave no factors: ")
    assert all(server(number) in made["reason"] for number in (1, 2))
    sent = [call["at"] for call in stack.control.calls() if call["operation"] == "SendCommand"]
    last_wave = max(each["endedAt"] for each in execution["waves"])
    assert min(sent) >= last_wave, "a check over the execution is made when its waves are over"


def test_s4_6_licences_are_counted_over_those_that_could_be_read(commands: Commands, stack: Stack) -> None:
    """Case 3 of seed 004: licences [ok, FAILED, ok]."""
    stack.put_servers(map(server, (1, 2, 3)))
    prints(commands, 1, verified=True)
    commands.answers(2, "status", exitCode=3)
    prints(commands, 3, verified=True)
    execution = stack.ended(stack.start(plan(wave("all", 1, 2, 3, checks=[LICENCE]))))
    assert own(execution) == {"f_verified_licenses_count": 2, "f_total_licenses_processed": 2}


def test_s4_6_a_stipulation_is_one_execution_for_its_wave_and_two_waves_are_consolidated(
    commands: Commands, stack: Stack
) -> None:
    lag = {
        "name": "lag",
        "type": "STIPULATION",
        "command": "status",
        "factors": {
            "f_lag_max": {"of": "lag", "reducer": "max"},
            "f_lag_mean": {"of": "lag", "reducer": "mean"},
        },
    }
    stack.put_servers(map(server, (1, 2, 3, 4)))
    prints(commands, 1, lag=2)
    prints(commands, 2, lag=4)
    prints(commands, 3, lag=9)
    commands.answers(4, "status", stdout="[]")

    started = stack.start(plan(wave("a", 1, 2, checks=[lag]), wave("b", 3, checks=[lag]), wave("c", 4, checks=[lag])))
    execution = stack.ended(started)

    made = executions_of(stack, started)
    assert [(one["waveNumber"], one["status"]) for one in made] == [(1, "completed"), (2, "completed"), (3, "failed")]
    assert made[0]["output"] == {"factors": {"lag": 4, "lag (mean)": 3}}
    assert own(execution) == {"f_lag_max": 9, "f_lag_mean": 6}
    assert {(one["active"], one["succeeded"], one["failed"]) for one in execution["checks"]} == {(3, 2, 1)}


def test_s4_1_a_retry_supersedes_the_checks_of_its_wave_and_replaces_their_factors(
    commands: Commands, stack: Stack
) -> None:
    needed = {"command": "start", "required": True}
    document = plan(wave("first", 1, checks=[STATEMENT, CREDIT]), wave("second", 2, after=[needed]))
    stack.put_servers(map(server, (1, 2)))
    prints(commands, 1, revenue=1)
    prints(commands, 1, "query", score=1)
    commands.answers(2, "start", exitCode=9)
    started = stack.start(document)
    failed = stack.ended(started)
    assert failed["status"] == "PARTIAL_SUCCESS"
    assert {one["name"]: one["active"] for one in failed["checks"]} == {"bank-statement": 1, "credit-check": 1}

    prints(commands, 2, "query", score=2)
    commands.answers(2, "start", exitCode=0)
    assert stack.api("POST", f"/executions/{started}/waves/2/retry", {}).status == 202
    execution = stack.ended(started)

    assert execution["status"] == "COMPLETED"
    made = executions_of(stack, started)
    assert [(one["name"], one["status"]) for one in made] == [
        ("bank-statement", "completed"),
        ("credit-check", "superseded"),
        ("credit-check", "completed"),
    ]
    assert {one["name"]: (one["active"], one["succeeded"]) for one in execution["checks"]} == {
        "bank-statement": (1, 1),
        "credit-check": (1, 1),
    }
    assert own(execution)["f_revenue_monthly_avg"] == 1


def test_a_cancel_stops_a_check_and_what_it_leaves_is_told(commands: Commands, stack: Stack) -> None:
    stack.put_servers(map(server, (1, 2)))
    for number in (1, 2):
        commands.answers(number, "status", seconds=120)
    started = stack.start(plan(wave("first", 1, checks=[STATEMENT]), wave("second", 2, checks=[CREDIT])))
    commands.in_flight(1)
    assert stack.get(started)["checks"][0]["status"] == "IN_PROGRESS"
    assert stack.get(started)["waves"][0]["status"] == "IN_PROGRESS", "a wave has ended only when its checks have"

    assert stack.api("POST", f"/executions/{started}/cancel", {}).status == 202
    execution = stack.ended(started, 15)

    assert execution["status"] == "CANCELLED"
    assert commands.running() == []
    (made,) = executions_of(stack, started)
    assert (made["status"], "ancelled" in made["reason"]) == ("failed", True)
    assert own(execution) == {}
    assert {one["name"]: one["status"] for one in execution["checks"]} == {
        "bank-statement": "COMPLETED",
        "credit-check": "NOT_STARTED",
    }


def test_a_check_past_the_deadline_of_its_wave_is_cut_short_and_fails_nothing(commands: Commands, stack: Stack) -> None:
    stack.put_servers(map(server, (1, 2)))
    commands.answers(1, "status", seconds=120)
    started = stack.start(
        plan(wave("first", 1, checks=[STATEMENT, {**LICENCE, "command": "query"}], timeoutMinutes=1), wave("second", 2))
    )
    commands.in_flight(1)
    stack.clock.forward(61)
    execution = stack.ended(started, 30)

    assert execution["status"] == "COMPLETED"
    assert [each["error"] for each in execution["waves"]] == [None, None]
    assert commands.running() == []
    assert [one["status"] for one in execution["checks"]] == ["COMPLETED", "NOT_STARTED"]
    (made,) = executions_of(stack, started)
    assert made["status"] == "failed"


def test_a_pause_lets_the_checks_of_a_running_wave_go_on(commands: Commands, stack: Stack) -> None:
    stack.put_servers(map(server, (1, 2)))
    commands.answers(1, "status", seconds=1, stdout='{"factors": {"revenue": 5}}')
    started = stack.start(plan(wave("first", 1, checks=[STATEMENT]), wave("second", 2)))
    commands.in_flight(1)
    assert stack.api("POST", f"/executions/{started}/pause", {}).status == 202
    paused = stack.wait(started, lambda seen: seen["waves"][0]["status"] == "COMPLETED")
    assert (paused["status"], own(paused)["f_months_analyzed"]) == ("PAUSED", 1)
    assert stack.api("POST", f"/executions/{started}/resume", {}).status == 202
    assert stack.ended(started)["status"] == "COMPLETED"


def test_a_check_that_no_server_can_take_is_skipped(commands: Commands, stack: Stack) -> None:
    stack.put_servers([server(1)], launchResult="FAILED")
    optional = {"sourceServerId": server(1), "impact": "OPTIONAL"}
    execution = stack.ended(stack.start(plan({"name": "only", "servers": [optional], "checks": [STATEMENT, CREDIT]})))
    assert execution["status"] == "COMPLETED"
    assert [(one["status"], one["error"]) for one in execution["checks"]] == [("SKIPPED", "no server to run on")] * 2
    assert (own(execution), commands.sent_to()) == ({}, [])


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
    assert "f_credit_score" not in tallies(stack, started)
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
    assert [one["name"] for one in json.loads(tallies(stack, started))] == ["bank-statement", "credit-check"]


def waiting_drill(stack: Stack) -> str:
    """Start a drill that waits for an approval before any of its checks is made."""
    stack.put_servers(map(server, (1, 2)))
    waits = wave("second", 2, requiresApproval=True, checks=[STATEMENT, CREDIT])
    started = stack.start(plan(wave("first", 1), waits) | {"drill": {"terminateAfterMinutes": 15}})
    stack.wait(started, lambda seen: seen["waves"][1]["status"] == "AWAITING_APPROVAL")
    stack.wait(started, lambda seen: seen["waves"][0]["servers"][0]["recoveryInstanceId"])
    assert tallies(stack, started) == "None", "nothing is consolidated yet"
    return started


def stored(stack: Stack, started: str) -> list[tuple[str, int]]:
    return [(one["name"], one["active"]) for one in json.loads(tallies(stack, started))]


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
        raise Killed

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
    told = [json.loads(line) for line in lines]
    assert [one["ConsolidationSuccess"] for one in told if "ConsolidationSuccess" in one] == [0, 1, 1]
    measured = {name: one[name] for one in told for name in ("CheckFailureRate", "FactorCompleteness") if name in one}
    assert measured == {"CheckFailureRate": 0, "FactorCompleteness": 100}


@pytest.mark.parametrize("kind", ["DOCUMENT", "APPLICATION"])
def test_a_check_whose_command_can_never_be_made_ready_has_failed_and_everything_ends(
    commands: Commands, stack: Stack, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def never(*_arguments: Any) -> None:
        raise ValueError("no such command any more")

    monkeypatch.setattr(make_check, "start_planned", never)
    stack.put_servers(map(server, (1, 2)))
    started = stack.start(plan(wave("only", 1, 2, checks=[{**STATEMENT, "type": kind}])))
    execution = stack.ended(started)
    assert (execution["status"], commands.sent_to()) == ("COMPLETED", [])
    (check,) = execution["checks"]
    assert (check["status"], check["commandId"]) == ("COMPLETED", None)
    assert check["error"] == "its command could not be made ready: no such command any more"
    made = executions_of(stack, started)
    over = [server(1), server(2)] if kind == "DOCUMENT" else [None]
    assert [(one["sourceServerId"], one["status"]) for one in made] == [(name, "failed") for name in over]
    assert {one["reason"] for one in made} == {check["error"]}


def test_s4_13_reading_the_executions_of_checks_takes_no_query_for_each(stack: Stack) -> None:
    store = stack.app().checks
    made = [{"executionId": f"cmd-1-{number}", "name": "lag", "status": "completed"} for number in range(150)]
    store.put("drill-x", (1, 1, 1), made)
    before = len(stack.table_actions)
    found = store.all("drill-x", {(1, 1): 1})
    assert [one["executionId"] for one in found] == [one["executionId"] for one in made]
    assert stack.table_actions[before:] == ["Query"]
    assert {one["status"] for one in store.all("drill-x", {(1, 1): 2})} == {"superseded"}


def test_the_executions_of_checks_are_listed_page_by_page(commands: Commands, stack: Stack) -> None:
    stack.put_servers(map(server, (1, 2, 3)))
    started = stack.ended(stack.start(plan(wave("all", 1, 2, 3, checks=[STATEMENT]))))["executionId"]
    path = f"/executions/{started}/checks"
    first = stack.api("GET", path, query={"limit": "2"}).json
    rest = stack.api("GET", path, query={"limit": "2", "nextToken": first["nextToken"]}).json
    names = [one["sourceServerId"] for one in (*first["items"], *rest["items"])]
    assert (names, rest["nextToken"]) == ([server(1), server(2), server(3)], None)
    assert commands.sent_to()
    assert stack.api("GET", path, query={"limit": "0"}).status == 400
    assert stack.api("GET", path, query={"order": "x"}).status == 400
    assert stack.api("GET", "/executions/drill-01aaaaaaaaaaaaaaaaaaaaaaaa/checks").status == 404


def test_the_report_tells_the_checks_that_count(commands: Commands, stack: Stack) -> None:
    stack.put_servers(map(server, (1, 2, 3)))
    prints(commands, 1, revenue=10_000)
    commands.answers(2, "status", exitCode=7, stderr="no statement")
    prints(commands, 3, revenue=12_000)
    started = stack.start(plan(wave("all", 1, 2, 3, checks=[STATEMENT])))
    stack.ended(started)
    made = stack.api("GET", f"/executions/{started}/report").json
    assert [(one["name"], one["status"]) for one in made["checks"]] == [
        ("bank-statement", status) for status in ("completed", "failed", "completed")
    ]
    assert made["factors"]["f_revenue_monthly_avg"] == 11_000
    page = stack.api("GET", f"/executions/{started}/report", query={"format": "html"})
    assert "no statement" in page.body
