"""A command forwarded to many targets: each yields one result, and the outcome says exactly how far it got."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from tests.support.blueprint import REGION
from tests.support.commands import outcome
from tests.support.eventually import eventually
from tests.support.plans import server

from wavebreak.domain.commands.ssm_invocations import read_invocation
from wavebreak.use_cases.command_machine import forward_to_target

if TYPE_CHECKING:
    from tests.support.commands import Commands
    from tests.support.stack import Stack

SUMMARY = """
============================================================
EXECUTION SUMMARY
============================================================
Total repositories: 3
Succeeded: 2
Failed: 1

Failed repositories:
  • s-00000000000000002

Status: PARTIAL SUCCESS
============================================================"""


def test_s0_3_and_s0_8_one_of_three_fails_and_the_others_succeed(commands: Commands) -> None:
    execution_id = commands.launched(3)
    commands.answers(2, "status", exitCode=4, stderr="broken", stdout="half")

    run = commands.run("status", executionId=execution_id)

    assert (run["status"], run["exitCode"]) == ("PARTIAL_SUCCESS", 2)
    assert (run["total"], run["succeeded"], run["failed"]) == (3, 2, 1)
    assert run["summary"] == SUMMARY
    results = commands.results(run["commandId"])
    assert outcome(results) == [(server(1), 0, None), (server(2), 4, "exit"), (server(3), 0, None)]
    assert (results[1]["stdout"], results[1]["stderr"]) == ("half", "broken")
    commands.come_to_rest()
    (machine,) = commands.stack.runs("command")
    assert machine["status"] == "SUCCEEDED", "partial success is no fault of the machine"
    reported = commands.stack.sfn.describe_execution(executionArn=machine["executionArn"])
    expected = {"status": "PARTIAL_SUCCESS", "exitCode": 2, "total": 3, "succeeded": 2, "failed": 1}
    assert json.loads(reported["output"]) == expected


def test_s0_8_none_succeeds(commands: Commands) -> None:
    execution_id = commands.launched(1)
    commands.answers(1, "stop", exitCode=1)
    run = commands.run("stop", executionId=execution_id)
    assert (run["status"], run["exitCode"], run["failed"]) == ("COMPLETE_FAILURE", 1, 1)


def test_s1_3_fifteen_targets_go_ten_at_a_time(commands: Commands) -> None:
    execution_id = commands.launched(15)
    for number in range(1, 16):
        commands.answers(number, "status", seconds=1)

    begun = time.monotonic()
    run = commands.run("status", executionId=execution_id)
    took = time.monotonic() - begun

    assert (run["status"], run["succeeded"]) == ("COMPLETE_SUCCESS", 15)
    assert 5 < commands.stack.control.state()["maxCommandsInFlight"] <= 10
    assert 2 <= took < 10, "two rounds of a second, not fifteen"
    assert [one["target"] for one in commands.results(run["commandId"])] == [server(n) for n in range(1, 16)]


def test_s1_4_and_s1_11_a_slow_target_holds_up_no_other_and_results_keep_the_order_given(commands: Commands) -> None:
    execution_id = commands.launched(3)
    commands.answers(3, "status", seconds=60)
    names = [server(3), commands.instance(1), server(2)]
    command_id = commands.start("status", executionId=execution_id, targets=names)

    commands.seen(command_id, lambda run: run["succeeded"] == 2)
    assert [one["target"] for one in commands.results(command_id)] == names[1:]
    assert commands.get(command_id)["status"] == "IN_PROGRESS"
    commands.cancel(command_id)

    commands.ended(command_id)
    assert [one["target"] for one in commands.results(command_id, limit=1)] == names


def test_s0_4_a_sequential_command_goes_one_by_one_in_the_order_given_and_on_after_a_failure(
    commands: Commands,
) -> None:
    execution_id = commands.launched(3)
    commands.answers(3, "start", exitCode=1, seconds=0.3)
    order = [3, 1, 2]

    run = commands.run("start", executionId=execution_id, targets=[server(number) for number in order])

    assert (run["status"], run["succeeded"]) == ("PARTIAL_SUCCESS", 2)
    assert commands.sent_to() == [commands.instance(number) for number in order]
    assert commands.stack.control.state()["maxCommandsInFlight"] == 1


def test_s0_14_an_early_stop_leaves_out_the_targets_after_the_first_that_fails(commands: Commands) -> None:
    execution_id = commands.launched(5)
    commands.answers(2, "start", exitCode=7)
    commands.stack.control.instance(server(4), reachable=False)

    run = commands.run("start", executionId=execution_id, stopOnFailure=True)

    assert (run["status"], run["succeeded"], run["failed"]) == ("PARTIAL_SUCCESS", 1, 4)
    results = commands.results(run["commandId"])
    # Contract 6: one that waits for its agent has not failed; like the others, it has not run when the run is stopped.
    assert [one["failureKind"] for one in results] == [None, "exit", "cancelled", "cancelled", "cancelled"]
    assert {results[n]["stderr"] for n in (2, 3, 4)} == {f"Not run: {server(2)} failed before"}
    assert commands.sent_to() == [commands.instance(1), commands.instance(2)]


def test_s0_14_a_target_out_of_reach_stops_none_of_those_that_can_be_reached(commands: Commands) -> None:
    """Contract 6: targets that wait for their agent hold up no others. Only then is it out of reach, and a failure."""
    execution_id = commands.launched(4)
    for number in (2, 4):
        commands.stack.control.instance(server(number), reachable=False)

    command_id = commands.start("start", executionId=execution_id, stopOnFailure=True)
    commands.seen(command_id, lambda run: run["succeeded"] == 2)
    commands.stack.clock.forward(7)

    commands.ended(command_id)
    kinds = [one["failureKind"] for one in commands.results(command_id)]
    assert kinds[:3] == [None, "unreachable", None]
    assert kinds[3] in {"unreachable", "cancelled"}, "its patience ended with that of the other, or a moment later"
    assert commands.sent_to() == [commands.instance(1), commands.instance(3)]


def test_s0_6_and_s1_7_a_target_that_takes_too_long_is_killed_and_its_output_kept(commands: Commands) -> None:
    execution_id = commands.launched(2)
    root = Path(commands.stack.control.instance(commands.instance(1))["directory"])
    script = root / "opt/wavebreak/commands/status"
    script.write_text("#!/bin/sh\necho begun\n(echo $$ >child; exec sleep 600) &\nsleep 600\n")

    run = commands.run("status", executionId=execution_id, timeoutSeconds=5)

    first, second = commands.results(run["commandId"])
    assert (first["exitCode"], first["failureKind"]) == (-1, "timeout")
    assert (first["stdout"], first["stderr"]) == ("begun\n", "Command timed out after 5 seconds")
    assert first["durationSeconds"] >= 4
    assert second["success"]
    assert f"  • {server(1)}" in run["summary"]
    assert not commands.running()
    pid = (root / "child").read_text().strip()
    assert not Path(f"/proc/{pid}").exists()


def test_s1_8_what_cannot_be_reached_is_told_and_others_go_on(commands: Commands) -> None:
    execution_id = commands.launched(3)
    commands.stack.control.instance(server(1), reachable=False)

    command_id = commands.start("status", executionId=execution_id)
    commands.seen(command_id, lambda run: run["succeeded"] == 2)
    commands.stack.clock.forward(7)  # contract 6: two minutes of patience

    commands.ended(command_id)
    first, *others = commands.results(command_id)
    assert (first["exitCode"], first["failureKind"]) == (-1, "unreachable")
    assert first["stderr"] == f"Cannot access repository {server(1)}"
    assert all(one["success"] for one in others)
    assert sorted(commands.sent_to()) == sorted([commands.instance(2), commands.instance(3)])


def test_s1_8_an_instance_that_ssm_does_not_deliver_to_is_out_of_reach(commands: Commands) -> None:
    execution_id = commands.launched(2)
    commands.stack.control.instance(server(2), undeliverable=True)
    run = commands.run("status", executionId=execution_id)
    assert outcome(commands.results(run["commandId"])) == [(server(1), 0, None), (server(2), -1, "unreachable")]
    assert len(commands.sent_to()) > 2, "it was sent again as long as the patience lasted"


def test_s1_8_an_instance_that_went_away_is_out_of_reach(commands: Commands) -> None:
    execution_id = commands.launched(2)
    gone = commands.instance(1)
    boto3.client("drs", region_name=REGION).terminate_recovery_instances(recoveryInstanceIDs=[gone])
    commands.stack.clock.forward(60)
    run = commands.run("status", executionId=execution_id)
    assert outcome(commands.results(run["commandId"])) == [(server(1), -1, "unreachable"), (server(2), 0, None)]


def test_s0_5_s0_7_and_s0_13_any_fault_becomes_the_result_of_its_target_and_is_recorded_whole(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = commands.launched(3)

    def broken(target: str, answer: Any, seconds: int) -> Any:
        if target == server(2):
            raise ZeroDivisionError("no reason at all")
        return read_invocation(target, answer, seconds)

    monkeypatch.setattr(forward_to_target, "read_invocation", broken)
    run = commands.run("status", executionId=execution_id)

    result = commands.results(run["commandId"])[1]
    assert (result["success"], result["stdout"], result["exitCode"]) == (False, "", -1)
    assert (result["failureKind"], result["stderr"]) == ("exception", "Unexpected error: no reason at all")
    assert (run["succeeded"], run["failed"]) == (2, 1)
    (error,) = commands.stack.api("GET", "/errors", query={"severity": "ERROR"}).json["items"]
    assert (error["errorType"], error["message"]) == ("ZeroDivisionError", "no reason at all")
    assert "in broken" in error["stackTrace"]


def test_s1_14_query_answers_are_merged_by_score_with_one_limit_and_failures_beside(commands: Commands) -> None:
    execution_id = commands.launched(3)
    rows = {1: [(0.2, "a"), (0.9, "b")], 2: [(0.9, "c"), (0.5, "d")], 3: [(1.0, "lost")]}
    for number, found in rows.items():
        text = "".join(json.dumps({"score": score, "text": text}) + "\n" for score, text in found)
        commands.answers(number, "query", stdout=text + "no row\n", exitCode=1 if number == 3 else 0)

    run = commands.run("query", executionId=execution_id, args=["x"], limit=3)

    assert [(row["target"], row["score"], row["text"]) for row in run["merged"]] == [
        (server(1), 0.9, "b"),
        (server(2), 0.9, "c"),
        (server(2), 0.5, "d"),
    ]
    assert run["failed"] == 1
    assert len(commands.run("query", executionId=execution_id, limit=0)["merged"]) == 4


def test_s1_12_hostile_output_does_no_harm(commands: Commands) -> None:
    execution_id = commands.launched(3)
    scripts = {
        1: r"printf '\377\376ok\033[2J\007\000end\n'; exit 3",
        2: "yes 0123456789 | head -c 3000000; echo last; yes e | head -c 100000 >&2",
        3: r"printf '\033]0;owned\007'",
    }
    for number, script in scripts.items():
        root = Path(commands.stack.control.instance(commands.instance(number))["directory"])
        (root / "opt/wavebreak/commands/status").write_text(f"#!/bin/sh\n{script}\n")

    run = commands.run("status", executionId=execution_id)

    first, second, third = commands.results(run["commandId"])
    assert first["stdout"].startswith("��ok\x1b[2J\x07")
    assert first["exitCode"] == 3
    assert second["success"]
    assert second["truncated"]
    for text in (second["stdout"], second["stderr"]):
        assert len(text.encode()) <= 10 * 1024 + 100
    assert second["stdout"].startswith("0123456789\n")
    assert third["stdout"] == "\x1b]0;owned\x07"


HOSTILE = [
    "; touch {root}/pwned",
    "$(touch {root}/pwned)",
    "`touch {root}/pwned`",
    "a\nb\n",
    "' || x",
    '"',
    "",
    "é€𝄞",
    "-n",
    "{{{{x}}}}",
]


def test_s1_9_arguments_reach_the_command_as_they_are_and_no_shell(commands: Commands, tmp_path: Path) -> None:
    execution_id = commands.launched(1)
    root = Path(commands.stack.control.instance(commands.instance(1))["directory"])
    (root / "opt/wavebreak/commands/query").write_text('#!/bin/sh\nfor word; do printf "%s|" "$word"; done\n')
    arguments = [argument.format(root=tmp_path) for argument in HOSTILE]

    run = commands.run("query", executionId=execution_id, args=arguments)

    (result,) = commands.results(run["commandId"])
    assert result["stdout"] == "".join(f"{argument}|" for argument in arguments)
    assert list(tmp_path.iterdir()) == []


def test_what_a_command_prints_is_read_line_by_line_while_it_runs(commands: Commands, stack: Stack) -> None:
    execution_id = commands.launched(2)
    for number in (1, 2):
        commands.answers(number, "watch", stdout=f"one {number}\ntwo {number}\n", seconds=30)
    command_id = commands.start("watch", executionId=execution_id)
    found: list[dict[str, Any]] = []
    token: str | None = None

    def read(limit: int) -> str | None:
        query = {"limit": str(limit)} | ({"nextToken": token} if token else {})
        answer = stack.api("GET", f"/commands/{command_id}/lines", query=query)
        assert answer.status == 200, answer
        assert len(answer.json["items"]) <= limit
        found.extend(answer.json["items"])
        after: str | None = answer.json["nextToken"]
        return after

    deadline = time.monotonic() + 20
    while len(found) < 4:
        assert time.monotonic() < deadline, found
        token = read(1)
        assert token, "more may come while the run goes on"
    assert commands.cancel(command_id).status == 202
    commands.ended(command_id)
    while token:
        assert time.monotonic() < deadline
        token = read(1000)

    for number in (1, 2):
        lines = [one["line"] for one in found if one["target"] == server(number)]
        assert lines == [f"one {number}", f"two {number}"]


@pytest.mark.parametrize("token", ["x", "e30", "eyJ0byI6MX0", "bnVsbA"])
def test_a_token_of_lines_that_is_none_is_refused(commands: Commands, stack: Stack, token: str) -> None:
    run = commands.run("status", executionId=commands.launched(1))
    answer = stack.api("GET", f"/commands/{run['commandId']}/lines", query={"nextToken": token})
    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")


def test_a_run_is_told_in_the_audit_trail_of_its_execution(commands: Commands, stack: Stack) -> None:
    execution_id = commands.launched(1)
    before = len(stack.events(execution_id))

    run = commands.run("status", executionId=execution_id)

    events = stack.events(execution_id)
    assert [event["type"] for event in events[before:]] == ["COMMAND_STARTED", "COMMAND_COMPLETE_SUCCESS"]
    started, ended = events[before:]
    assert started["actor"] == run["requestedBy"]
    (change,) = ended["data"]["changes"]
    assert (change["commandId"], change["from"], change["to"]) == (run["commandId"], "IN_PROGRESS", "COMPLETE_SUCCESS")
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    for earlier, later in itertools.pairwise(events):
        assert later["previousHash"] == earlier["hash"]
    assert stack.get(execution_id)["status"] == "COMPLETED"


def no_machine_runs(stack: Stack, machine: str) -> None:
    """Wait until no run of a machine goes on."""
    eventually(
        lambda: stack.runs(machine),
        lambda runs: all(run["status"] != "RUNNING" for run in runs),
        "a machine runs on",
        seconds=60,
        pause=0.1,
    )


def test_s0_15_a_target_costs_the_same_in_the_table_however_many_there_are(commands: Commands, stack: Stack) -> None:
    execution_id = commands.launched(12)
    stack.control.missing_lookups(0)
    no_machine_runs(stack, "recovery")  # what the execution still writes is not a command's
    costs = []
    for count in (4, 12):
        before = Counter(stack.table_actions)
        command_id = commands.start("status", executionId=execution_id, targets=[server(n + 1) for n in range(count)])
        no_machine_runs(stack, "command")  # the run itself is not read: that would count
        assert commands.get(command_id)["exitCode"] == 0
        costs.append(Counter(stack.table_actions) - before)
    few, many = costs
    assert many["TransactWriteItems"] - few["TransactWriteItems"] == 8 * 3, "intended, sent, ended"
    assert many["UpdateItem"] - few["UpdateItem"] <= 8 * 2, "taken, counted"
    assert many["Query"] <= few["Query"] + 6 + 1, "one for each worker at its end, four and ten; none for each target"
    assert many["GetItem"] - few["GetItem"] <= 8 * 8, "the run and the target, and the run again at every look"
