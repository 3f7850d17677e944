"""What operators do to a running or finished execution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.gateway import CALLER
from tests.support.plans import plan, server, servers_of, three_tier, wave

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack


def _statuses(execution: dict[str, Any]) -> list[str]:
    return [each["status"] for each in execution["waves"]]


def test_independent_branches_run_side_by_side(stack: Stack, clock: JumpingClock) -> None:
    document = plan(
        wave("east", 1, dependsOn=[]), wave("west", 2, dependsOn=[]), wave("join", 3, dependsOn=["east", "west"])
    )
    stack.put_servers(servers_of(document), launchSeconds=60)
    started = stack.start(document)
    seen = stack.wait(started, lambda seen: seen["waves"][0]["jobId"] and seen["waves"][1]["jobId"])
    assert _statuses(seen) == ["IN_PROGRESS", "IN_PROGRESS", "NOT_STARTED"]
    clock.forward(61)
    stack.wait(started, lambda seen: seen["waves"][2]["jobId"])
    clock.forward(61)

    assert stack.ended(started)["status"] == "COMPLETED"
    assert sorted(stack.launched_servers()[:2]) == [server(1), server(2)]
    first, second = sorted(stack.control.state()["jobs"], key=lambda job: job["creationDateTime"])[:2]
    assert max(first["creationDateTime"], second["creationDateTime"]) < min(first["endDateTime"], second["endDateTime"])


def test_t40_a_retry_recovers_only_the_servers_that_failed(stack: Stack) -> None:
    document = plan(wave("database", 1), wave("application", 2, 3), wave("web", 4))
    stack.put_servers(servers_of(document))
    stack.put_servers([server(3)], launchResult="FAILED")
    started = stack.start(document)
    assert stack.ended(started)["status"] == "PARTIAL_SUCCESS"
    stack.put_servers([server(3)], launchResult="LAUNCHED")

    answer = stack.api("POST", f"/executions/{started}/waves/2/retry", {"reason": "disk replaced"})

    assert (answer.status, answer.json["status"], answer.json["endedAt"]) == (202, "IN_PROGRESS", None)
    execution = stack.ended(started)
    assert execution["status"] == "COMPLETED"
    assert sorted(stack.launched_servers()) == [server(number) for number in (1, 2, 3, 3, 4)]
    second = execution["waves"][1]
    assert (second["attempt"], second["error"], len(second["jobIds"])) == (2, None, 2)
    assert stack.control.calls("StartRecovery")[2]["parameters"]["sourceServers"] == [{"sourceServerID": server(3)}]
    assert [event["data"].get("reason") for event in stack.events(started)].count("disk replaced") == 1


def test_t6_a_job_that_ends_without_a_word_of_a_server_fails_it_and_names_the_job(stack: Stack) -> None:
    document = plan(wave("all", 1, 2))
    stack.put_servers(servers_of(document))
    stack.put_servers([server(2)], launchResult="NONE")

    execution = stack.ended(stack.start(document))

    (shown,) = execution["waves"]
    told = {each["sourceServerId"]: each for each in shown["servers"]}
    assert (execution["status"], shown["status"]) == ("FAILED", "FAILED")
    assert [told[server(number)]["launchStatus"] for number in (1, 2)] == ["LAUNCHED", "FAILED"]
    assert shown["jobId"] in told[server(2)]["error"], told


def test_t13_a_server_without_its_key_is_told_with_the_key_and_retried_alone(stack: Stack) -> None:
    words = "AccessDeniedException: no grant on arn:aws:kms:us-east-1:123456789012:key/0f0e0d0c"
    document = plan(wave("all", 1, 2, 3, onFailure="ASK"), wave("next", 4))
    stack.put_servers(servers_of(document))
    stack.put_servers([server(2)], launchResult="FAILED", rawError=words)
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["status"] == "PAUSED")

    paused = stack.wait(started, lambda seen: words in str(seen["waves"][0]["servers"]))

    (told,) = [each["error"] for each in paused["waves"][0]["servers"] if each["error"]]
    assert words in told
    stack.put_servers([server(2)], launchResult="LAUNCHED")
    assert stack.api("POST", f"/executions/{started}/waves/1/retry", {}).status == 202
    execution = stack.ended(started)
    assert (execution["status"], execution["waves"][0]["attempt"]) == ("COMPLETED", 2)
    assert [each["error"] for each in execution["waves"][0]["servers"]] == [None, None, None]
    assert sorted(stack.launched_servers()) == [server(number) for number in (1, 2, 2, 3, 4)]


def test_a_skip_takes_a_finished_execution_past_its_failed_wave(stack: Stack) -> None:
    stack.put_servers(servers_of(three_tier()))
    stack.put_servers([server(3)], launchResult="FAILED")
    started = stack.start(three_tier())
    stack.ended(started)

    assert stack.api("POST", f"/executions/{started}/waves/2/skip", {}).status == 202

    execution = stack.ended(started)
    assert (execution["status"], _statuses(execution)) == ("COMPLETED", ["COMPLETED", "SKIPPED", "COMPLETED"])


@pytest.mark.parametrize(
    ("on_failure", "third", "launched"), [("CONTINUE", "COMPLETED", [1, 2, 4]), ("STOP", "NOT_STARTED", [1, 2])]
)
def test_a_failed_wave_lets_its_dependants_run_only_if_it_says_so(
    stack: Stack, on_failure: str, third: str, launched: list[int]
) -> None:
    document = three_tier()
    document["waves"][1]["onFailure"] = on_failure
    stack.put_servers(servers_of(document))
    stack.put_servers([server(3)], launchResult="FAILED")

    execution = stack.ended(stack.start(document))

    assert (execution["status"], _statuses(execution)) == ("PARTIAL_SUCCESS", ["COMPLETED", "FAILED", third])
    running = sorted(instance["sourceServerID"] for instance in stack.control.state()["recoveryInstances"])
    assert running == [server(number) for number in launched]
    assert (execution["completedWaves"], execution["failedWaves"]) == (2 if third == "COMPLETED" else 1, 1)


def test_a_failure_that_asks_pauses_until_somebody_decides(stack: Stack) -> None:
    document = three_tier()
    document["waves"][1]["onFailure"] = "ASK"
    stack.put_servers(servers_of(document))
    stack.put_servers([server(3)], launchResult="FAILED")
    started = stack.start(document)
    seen = stack.wait(started, lambda seen: seen["status"] == "PAUSED")
    assert (seen["pausedBy"], _statuses(seen)) == (["FAILURE"], ["COMPLETED", "FAILED", "NOT_STARTED"])

    refused = stack.api("POST", f"/executions/{started}/resume", {})

    assert (refused.code, "application" in refused.json["detail"]) == ("INVALID_STATE", True)
    stack.put_servers([server(3)], launchResult="LAUNCHED")
    assert stack.api("POST", f"/executions/{started}/waves/2/retry", {}).status == 202
    assert stack.ended(started)["status"] == "COMPLETED"


def test_a_pause_holds_the_next_wave_back_and_a_resume_lets_it_go(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(three_tier()))
    stack.put_servers([server(1)], launchSeconds=60)
    started = stack.start(three_tier())
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    paused = stack.api("POST", f"/executions/{started}/pause", {"reason": "network repair"}).json
    assert (paused["status"], paused["pause"]["reason"]) == ("PAUSED", "network repair")
    assert stack.api("POST", f"/executions/{started}/pause", {}).json["pause"] == paused["pause"]
    clock.forward(61)
    seen = stack.wait(started, lambda seen: seen["waves"][0]["status"] == "COMPLETED")
    assert (_statuses(seen), seen["pausedBy"]) == (["COMPLETED", "NOT_STARTED", "NOT_STARTED"], ["OPERATOR"])
    assert seen["pause"] == paused["pause"]

    resumed = stack.api("POST", f"/executions/{started}/resume", {})
    assert (resumed.status, resumed.json["pause"]) == (202, None)

    assert stack.ended(started)["status"] == "COMPLETED"
    assert stack.api("POST", f"/executions/{started}/resume", {}).code == "INVALID_STATE"


@pytest.mark.parametrize(
    ("decision", "status", "second"), [("approve", "COMPLETED", "COMPLETED"), ("reject", "PARTIAL_SUCCESS", "FAILED")]
)
def test_an_approval_decides_about_a_wave(stack: Stack, decision: str, status: str, second: str) -> None:
    document = three_tier()
    document["waves"][1]["requiresApproval"] = True
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][1]["status"] == "AWAITING_APPROVAL")
    early = stack.api("POST", f"/executions/{started}/waves/3/{decision}", {})
    assert early.code == "INVALID_STATE"

    assert stack.api("POST", f"/executions/{started}/waves/2/{decision}", {"reason": "checked"}).status == 202

    execution = stack.ended(started)
    assert (execution["status"], execution["waves"][1]["status"]) == (status, second)
    reported = next(event for event in stack.events(started) if event["data"].get("reason") == "checked")
    assert reported["actor"] == CALLER


def test_an_approval_given_while_paused_is_told_and_again_with_the_start_of_the_wave(stack: Stack) -> None:
    document = three_tier()
    document["waves"][1]["requiresApproval"] = True
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][1]["status"] == "AWAITING_APPROVAL")
    stack.api("POST", f"/executions/{started}/pause", {})
    before = len(stack.events(started))

    approved = stack.api("POST", f"/executions/{started}/waves/2/approve", {"reason": "checked"})

    assert (approved.status, approved.json["waves"][1]["status"]) == (202, "AWAITING_APPROVAL")
    said = stack.events(started)[before:]
    assert [(event["type"], event["actor"], event["data"]["reason"]) for event in said] == [
        ("APPROVAL_GIVEN", CALLER, "checked")  # contract 5
    ]
    stack.api("POST", f"/executions/{started}/resume", {})
    stack.ended(started)
    reported = next(event for event in stack.events(started)[before + 1 :] if event["data"].get("approvedBy"))
    assert {"waveNumber": 2, "from": "AWAITING_APPROVAL", "to": "IN_PROGRESS"} in reported["data"]["changes"]
    word = reported["data"]["approvedBy"][0]
    assert (word["waveNumber"], word["actor"], word["reason"]) == (2, CALLER, "checked")


def test_t11_a_wave_past_its_deadline_fails_and_its_job_is_seen_to_its_end(stack: Stack, clock: JumpingClock) -> None:
    document = plan(wave("only", 1, timeoutMinutes=1))
    stack.put_servers(servers_of(document), launchSeconds=60)
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    clock.forward(10)

    seen = stack.wait(started, lambda seen: seen["waves"][0]["status"] == "FAILED")

    assert (seen["status"], seen["waves"][0]["error"]) == ("IN_PROGRESS", "Timed out after 1 minute(s)")
    clock.forward(60)
    execution = stack.ended(started)
    assert execution["status"] == "FAILED"
    assert execution["waves"][0]["servers"][0]["recoveryInstanceId"].startswith("i-")
    assert execution["terminationMetadata"]["canTerminate"]
