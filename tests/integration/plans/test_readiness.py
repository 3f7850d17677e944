"""Validating a plan against what DRS says now, and keeping drills off recovered servers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.plans import plan, server, servers_of, three_tier, wave
from tests.support.stack import PATIENCE_SECONDS, read_until

from wavebreak.aws.parallel_reads import Asking
from wavebreak.use_cases.readiness import survey

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

ONE_WAVE = plan(wave("only", 1, 2))
READS = {"Describe", "Get", "List"}


def validated(stack: Stack, document: dict[str, Any]) -> dict[str, Any]:
    """Store a plan and validate it; whatever it says, it must have changed nothing."""
    stack.put_plan(document)
    return asked_again(stack, document["planId"])


def asked_again(stack: Stack, plan_id: str) -> dict[str, Any]:
    items, calls, jobs = stack.items(), len(stack.control.calls()), stack.control.state()["jobs"]
    answer = stack.api("POST", f"/plans/{plan_id}/validate")
    assert answer.status == 200, answer
    assert stack.items() == items
    assert stack.control.state()["jobs"] == jobs
    made = {call["operation"] for call in stack.control.calls()[calls:]}
    assert all(any(name.startswith(read) for read in READS) for name in made), made
    result: dict[str, Any] = answer.json
    assert result["ready"] == all(check["status"] != "FAIL" for check in result["checks"])
    return result


def found(result: dict[str, Any], name: str) -> dict[str, str]:
    """Give the verdicts of a check by their subjects."""
    return {check["subject"]: check["status"] for check in result["checks"] if check["check"] == name}


def message(result: dict[str, Any], name: str) -> str:
    [text] = [check["message"] for check in result["checks"] if check["check"] == name]
    return str(text)


def failing(result: dict[str, Any]) -> set[str]:
    return {check["check"] for check in result["checks"] if check["status"] == "FAIL"}


def test_a_plan_that_could_run_is_ready_and_nothing_is_changed(stack: Stack) -> None:
    stack.put_servers(servers_of(three_tier()))
    stack.everything_shows()
    result = validated(stack, three_tier())
    assert result["ready"] is True
    assert found(result, "last-drill") == {"three-tier": "WARN"}
    assert found(result, "server") == {"us-east-1": "PASS"}
    assert {check["status"] for check in result["checks"] if check["check"] != "last-drill"} == {"PASS"}


def test_an_unknown_plan_is_not_found(stack: Stack) -> None:
    assert stack.api("POST", "/plans/nowhere/validate").code == "NOT_FOUND"


def test_what_is_wrong_with_servers_is_told_of_each(stack: Stack) -> None:
    document = plan(wave("db", 1, 2, 3, 4), plan_id="sick")
    document["waves"][0]["servers"][3]["impact"] = "OPTIONAL"
    stack.put_servers([server(1)])
    stack.put_servers([server(2)], recoverable=False)
    stack.put_servers([server(3)], lagSeconds=3600)
    result = validated(stack, document)
    assert result["ready"] is False
    assert found(result, "server") == {server(4): "WARN"}
    assert found(result, "replication") == {server(2): "FAIL", server(3): "WARN"}
    assert found(result, "lag") == {server(3): "FAIL"}
    assert found(result, "snapshot") == {"us-east-1": "PASS"}


def test_waves_are_looked_at_in_their_own_region(stack: Stack) -> None:
    document = plan(wave("here", 1), wave("there", 2, region="us-west-2"))
    stack.put_servers([server(1)])
    assert found(validated(stack, document), "server") == {"us-east-1": "PASS", server(2): "FAIL"}
    stack.control.put_source_server(server(2), region="us-west-2", account=_account(stack))
    result = asked_again(stack, document["planId"])
    assert result["ready"] is True
    assert found(result, "drs") == {"us-east-1": "PASS", "us-west-2": "PASS"}


def _account(stack: Stack) -> str:
    """Give the account that the functions' calls come from."""
    return str(stack.control.calls()[-1]["account"])


def ended_for_good(stack: Stack, started: str) -> dict[str, Any]:
    """Wait for the end of an execution and of its machine, which gives the locks back after the end is told."""
    ended = stack.ended(started)
    read_until(
        lambda: {"running": [run["name"] for run in stack.runs("recovery") if run["status"] == "RUNNING"]},
        lambda seen: not seen["running"],
        PATIENCE_SECONDS,
    )
    stack.everything_shows()
    return ended


def test_a_completed_drill_and_what_it_left_are_told(stack: Stack, clock: JumpingClock) -> None:
    # A late event wakes a machine that has ended, which would be taken for something that a validation changed.
    stack.control.put_manners(events={"late": 0})
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    ended_for_good(stack, started)
    result = asked_again(stack, ONE_WAVE["planId"])
    assert result["ready"] is True
    assert found(result, "last-drill") == {ONE_WAVE["planId"]: "PASS"}
    assert started in message(result, "last-drill")
    assert found(result, "recovery-instance") == {server(1): "WARN", server(2): "WARN"}
    clock.forward(91 * 86_400)
    assert found(asked_again(stack, ONE_WAVE["planId"]), "last-drill") == {ONE_WAVE["planId"]: "WARN"}


def test_executions_that_hold_plan_or_servers_are_named(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(ONE_WAVE), launchSeconds=600)
    started = stack.start(ONE_WAVE, "recoveries")
    job = stack.wait(started, lambda execution: execution["waves"][0]["jobId"])["waves"][0]["jobId"]
    stack.everything_shows()
    held = stack.api("POST", f"/plans/{ONE_WAVE['planId']}/validate").json
    assert found(held, "plan-lock") == {ONE_WAVE["planId"]: "FAIL"}
    assert started in message(held, "plan-lock")
    stack.put_plan(plan(wave("same", 2), plan_id="other"))
    other = stack.api("POST", "/plans/other/validate").json
    assert found(other, "plan-lock") == {"other": "PASS"}
    assert found(other, "server-lock") == {server(2): "FAIL"}
    assert started in message(other, "server-lock")
    assert found(other, "server-job") == {server(2): "WARN"}
    assert job in message(other, "server-job")
    clock.forward(601)
    stack.ended(started)


def test_settings_that_a_start_refuses_fail_and_a_start_refuses_them(stack: Stack) -> None:
    document = plan({"name": "chosen", "selector": {"tags": {"tier": "db"}}}, wave("named", 1), plan_id="later")
    stack.put_servers([server(1)])
    result = validated(stack, document)
    refused = stack.api("POST", "/drills", {"planId": "later"})
    if refused.status == 202:
        assert found(result, "settings") == {"later": "PASS"}
        return
    assert set(found(result, "settings")) == {error["pointer"] for error in refused.json["errors"]}
    assert found(result, "server") == {"us-east-1": "PASS"}


def test_quotas_count_what_other_jobs_hold(stack: Stack) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    stack.applied_quotas.update(jobs=20, servers_a_job=1, servers_in_jobs=500)
    result = validated(stack, ONE_WAVE)
    assert found(result, "quota") == {"us-east-1": "WARN"}
    assert "it will start in batches" in message(result, "quota")
    assert result["ready"] is True


def test_missing_permissions_are_a_check_and_no_error(stack: Stack) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    for operation in ("DescribeSourceServers", "DescribeRecoveryInstances", "DescribeJobs"):
        stack.control.fault(operation, error="AccessDeniedException", count=9)
    result = validated(stack, ONE_WAVE)
    assert failing(result) == {"permissions"}
    assert len([check for check in result["checks"] if check["check"] == "permissions"]) == 3


@pytest.mark.parametrize("fault", [{"error": "InternalServerException"}, {"dropConnection": True}])
def test_a_drs_that_does_not_answer_is_a_check_and_no_error(stack: Stack, fault: dict[str, Any]) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    stack.control.fault("DescribeSourceServers", count=9, **fault)
    result = validated(stack, ONE_WAVE)
    assert failing(result) == {"drs"}
    assert not found(result, "server")


def test_snapshots_of_a_bounded_number_of_servers_are_looked_at(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "MOST_SNAPSHOTS", 2)
    document = plan(wave("many", 1, 2, 3, 4, 5))
    document["waves"][0]["servers"][0]["impact"] = "OPTIONAL"
    stack.put_servers(servers_of(document))
    result = validated(stack, document)
    assert sorted(check["status"] for check in result["checks"] if check["check"] == "snapshot") == ["PASS", "WARN"]
    asked = [call["parameters"]["sourceServerID"] for call in stack.control.calls("DescribeRecoverySnapshots")]
    assert sorted(asked) == [server(2), server(3)]


def test_many_servers_are_described_in_batches(stack: Stack) -> None:
    document = plan(wave("many", *range(300)))
    stack.put_servers([server(7)])
    result = validated(stack, document)
    assert len(found(result, "server")) == 299
    for operation in ("DescribeSourceServers", "DescribeRecoveryInstances"):
        sizes = [len(call["parameters"]["filters"]["sourceServerIDs"]) for call in stack.control.calls(operation)]
        assert sorted(sizes) == [100, 200]


def test_a_drill_of_a_recovered_server_is_refused_and_leaves_nothing_behind(stack: Stack) -> None:
    # Likewise: nothing is left behind by a refused start.
    stack.control.put_manners(events={"late": 0})
    stack.put_servers([server(1), server(2), server(3)])
    recovered = stack.start(ONE_WAVE, "recoveries")
    execution = ended_for_good(stack, recovered)
    instance = execution["waves"][0]["servers"][1]["recoveryInstanceId"]
    document = plan(wave("mine", 2, 3), plan_id="other")
    stack.put_plan(document)
    items = stack.items()
    refused = stack.api("POST", "/drills", {"planId": "other"})
    assert (refused.status, refused.code) == (409, "SERVER_BUSY")
    assert (refused.json["sourceServerId"], refused.json["recoveryInstanceId"]) == (server(2), instance)
    assert refused.json["executionId"] == recovered
    assert stack.items() == items
    assert stack.runs("recovery") == [run for run in stack.runs("recovery") if run["name"].startswith("recovery-")]
    result = asked_again(stack, "other")
    assert found(result, "recovery-instance") == {server(2): "WARN"}, "a recovery replaces it (contract 13)"
    assert message(result, "recovery-instance").startswith("drill: ")
    assert instance in message(result, "recovery-instance")


FIVE: dict[str, Any] = plan(wave("one", 1, 2, 3, 4), wave("two", 5, dependsOn=[]), wave("three", 6, dependsOn=[]))


def test_b6_a_recovery_that_replaces_what_a_recovery_launched_says_so_and_goes_on(stack: Stack) -> None:
    stack.put_servers(servers_of(FIVE))
    first = stack.start(FIVE, "recoveries")
    assert stack.get(first)["warnings"] == []
    launched = stack.ended(first)
    stack.put_servers([server(7)])
    stack.ended(stack.start(plan(wave("rehearsed", 7), plan_id="rehearsed")))

    second = stack.start({**FIVE, "waves": [*FIVE["waves"], wave("four", 7)]}, "recoveries")

    instances = {
        each["sourceServerId"]: each["recoveryInstanceId"] for one in launched["waves"] for each in one["servers"]
    }
    named = ", ".join(f"{server(number)} ({instances[server(number)]})" for number in (1, 2, 3))
    ended = stack.ended(second)
    assert ended["status"] == "COMPLETED"
    assert ended["warnings"][:2] == [
        {
            "code": "REPLACES_RUNNING",
            "message": f"Replaces 4 running instance(s) that a recovery launched: {named} and 1 more",
            "waveNumber": 1,
        },
        {
            "code": "REPLACES_RUNNING",
            "message": f"Replaces 1 running instance(s) that a recovery launched: {server(5)} ({instances[server(5)]})",
            "waveNumber": 2,
        },
    ]
    assert [each["waveNumber"] for each in ended["warnings"]] == [1, 2, 3], "an earlier drill's may be replaced"
    listed = stack.api("GET", "/executions").json["items"]
    assert [each["warnings"] for each in listed if each["executionId"] == second] == [ended["warnings"]]


@pytest.mark.parametrize("fault", [{"delaySeconds": 12}, {"error": "AccessDeniedException"}], ids=str)
def test_b6_a_recovery_waits_eight_seconds_for_the_warning_and_starts_without_it(
    stack: Stack, fault: dict[str, Any]
) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    stack.put_plan(ONE_WAVE)
    stack.control.fault("DescribeRecoveryInstances", count=9, **fault)
    began = time.monotonic()
    answer = stack.api("POST", "/recoveries", {"planId": ONE_WAVE["planId"]})
    assert (answer.status, answer.json["warnings"]) == (202, [])
    assert time.monotonic() - began < 8 + 2


def test_a_drill_replaces_the_instances_of_an_earlier_drill(stack: Stack) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    stack.ended(stack.start(ONE_WAVE))
    assert stack.ended(stack.start(ONE_WAVE))["status"] == "COMPLETED"


@pytest.mark.parametrize("error", ["InternalServerException", "AccessDeniedException"])
def test_a_drill_waits_for_a_drs_that_answers_and_a_recovery_does_not(stack: Stack, error: str) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    stack.put_plan(ONE_WAVE)
    stack.control.fault("DescribeRecoveryInstances", error=error, count=9)
    items = stack.items()
    refused = stack.api("POST", "/drills", {"planId": ONE_WAVE["planId"]})
    assert (refused.status, refused.code) == (503, "UNAVAILABLE")
    assert refused.headers["Retry-After"]
    assert stack.items() == items
    assert stack.ended(stack.start(ONE_WAVE, "recoveries"))["status"] == "COMPLETED"


def test_what_there_was_no_time_for_is_told_and_snapshots_are_only_counted(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    seconds = iter([0.0, 0.0, 0.0, 0.0])
    monkeypatch.setattr(survey, "Asking", lambda: Asking(lambda: next(seconds, 99.0)))
    result = validated(stack, ONE_WAVE)
    assert result["ready"] is True
    assert found(result, "snapshot") == {"us-east-1": "WARN"}
    assert "2 servers were not looked at" in message(result, "snapshot")
    monkeypatch.setattr(survey, "Asking", lambda: Asking(iter([0.0, *[99.0] * 99]).__next__))
    result = asked_again(stack, ONE_WAVE["planId"])
    assert failing(result) == {"drs"}
    assert not stack.control.calls("DescribeRecoverySnapshots")
