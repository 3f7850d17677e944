"""Checks of plans, made by the whole machine: their commands run, their factors replaced (contract 7, S4, seed 004)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.plans import plan, server, wave

from wavebreak.use_cases.checks import run_check

if TYPE_CHECKING:
    from tests.support.commands import Commands
    from tests.support.stack import Stack
from tests.support.checked_plans import CREDIT, STATEMENT, Json, executions_of, own, prints

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


def test_b13_a_plan_with_checks_that_is_valid_is_stored_ready_and_run(commands: Commands, stack: Stack) -> None:
    stack.put_servers([server(1)])
    prints(commands, 1, revenue=1)
    checked = plan(wave("all", 1, checks=[STATEMENT]), plan_id="checked")
    assert stack.api("PUT", "/plans/checked", checked).status in {200, 201}
    ready = stack.api("POST", "/plans/checked/validate").json
    assert ready["ready"], ready["checks"]
    ended = stack.ended(stack.start(checked))
    assert ended["status"] == "COMPLETED"
    assert [(check["name"], check["status"]) for check in ended["checks"]] == [("bank-statement", "COMPLETED")]


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


@pytest.mark.parametrize("kind", ["DOCUMENT", "APPLICATION"])
def test_a_check_whose_command_can_never_be_made_ready_has_failed_and_everything_ends(
    commands: Commands, stack: Stack, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def never(*_arguments: Any) -> None:
        raise ValueError("no such command any more")

    monkeypatch.setattr(run_check, "start_planned", never)
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
