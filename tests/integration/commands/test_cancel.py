"""A command run is cancelled: what runs is stopped, what was not sent is not, and nobody's cancel is lost."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.support.plans import plan, server, wave

from wavebreak.aws.ssm import Ssm

if TYPE_CHECKING:
    import pytest
    from tests.support.commands import Commands
    from tests.support.stack import Stack

WITHIN_SECONDS = 5.0
ENDS = {"COMPLETE_SUCCESS", "COMPLETE_FAILURE", "PARTIAL_SUCCESS"}


def _kinds(commands: Commands, command_id: str) -> list[str | None]:
    return [one["failureKind"] for one in commands.results(command_id)]


def test_s1_14_a_cancel_stops_what_runs_within_five_seconds(commands: Commands) -> None:
    execution_id = commands.launched(12)
    for number in range(1, 13):
        commands.answers(number, "watch", stdout="begun\n", seconds=120)
    commands.answers(1, "watch", stdout="done\n")
    command_id = commands.start("watch", executionId=execution_id)
    commands.seen(command_id, lambda run: run["succeeded"] == 1)
    commands.in_flight(10)

    begun = time.monotonic()
    answer = commands.cancel(command_id)
    assert (answer.status, answer.json["status"]) == (202, "CANCELLING")
    run = commands.ended(command_id, 15)
    assert time.monotonic() - begun < 2 * WITHIN_SECONDS

    assert commands.running() == []
    # Contract 6: a watch that is stopped by its caller has succeeded.
    assert (run["status"], run["exitCode"], run["succeeded"], run["failed"]) == ("COMPLETE_SUCCESS", 0, 12, 0)
    results = commands.results(command_id)
    assert {(one["exitCode"], one["failureKind"], one["stderr"]) for one in results} == {(0, None, "")}
    assert results[1]["stdout"] == "begun\n"
    assert len(commands.sent_to()) == 11, "the last was never started"
    ended = [one for one in commands.stack.control.state()["commandInvocations"] if one["StatusDetails"] == "Cancelled"]
    assert len(ended) == 10


def test_a_cancelled_run_of_any_other_command_counts_what_was_stopped_as_failed(commands: Commands) -> None:
    execution_id = commands.launched(12)
    for number in range(2, 13):
        commands.answers(number, "status", stdout="begun\n", seconds=120)
    command_id = commands.start("status", executionId=execution_id)
    commands.seen(command_id, lambda run: run["succeeded"] == 1)
    commands.in_flight(10)

    commands.cancel(command_id)

    run = commands.ended(command_id, 15)
    assert (run["status"], run["exitCode"], run["succeeded"], run["failed"]) == ("PARTIAL_SUCCESS", 2, 1, 11)
    assert _kinds(commands, command_id) == [None] + ["cancelled"] * 11
    assert commands.results(command_id)[1]["stdout"] == "begun\n"


def test_a_watch_that_reaches_its_limit_has_succeeded(commands: Commands) -> None:
    execution_id = commands.launched(3)
    for number in (1, 2):
        commands.answers(number, "watch", stdout=f"line {number}\n", seconds=120)
    commands.answers(3, "watch", stderr="no log here", exitCode=2)

    run = commands.run("watch", executionId=execution_id, timeoutSeconds=5)

    assert (run["status"], run["exitCode"], run["failed"]) == ("PARTIAL_SUCCESS", 2, 1), "one could not watch at all"
    results = commands.results(run["commandId"])
    assert [(one["exitCode"], one["failureKind"]) for one in results] == [(0, None), (0, None), (2, "exit")]
    assert results[0]["stdout"] == "line 1\n"
    assert commands.running() == []


def test_two_cancels_are_one_and_a_late_one_is_refused(commands: Commands, stack: Stack) -> None:
    execution_id = commands.launched(1)
    commands.answers(1, "status", seconds=120)
    command_id = commands.start("status", executionId=execution_id)
    commands.in_flight()

    assert [commands.cancel(command_id).status for _ in range(2)] == [202, 202]

    commands.ended(command_id)
    late = commands.cancel(command_id)
    assert (late.status, late.code) == (409, "INVALID_STATE")
    types = [event["type"] for event in stack.events(execution_id)]
    assert types[-3:] == ["COMMAND_STARTED", "COMMAND_CANCELLING", "COMMAND_COMPLETE_FAILURE"]


def test_a_cancel_before_anything_was_sent_sends_nothing(commands: Commands, stack: Stack) -> None:
    execution_id = commands.launched(3)
    asked: list[str] = []

    def cancel(event: dict[str, Any]) -> None:
        if not asked:
            asked.append(event["commandId"])
            assert commands.cancel(event["commandId"]).status == 202

    stack.before["PrepareCommandFunction"] = cancel
    run = commands.run("start", executionId=execution_id)

    assert (run["status"], run["failed"]) == ("COMPLETE_FAILURE", 3)
    assert _kinds(commands, run["commandId"]) == ["cancelled"] * 3
    assert commands.sent_to() == []


def test_a_cancel_between_send_and_watch_is_not_lost(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cancel finds no command to stop: it is not written down yet. The task that sent it stops it."""
    execution_id = commands.launched(1)
    commands.answers(1, "status", seconds=120)
    original = Ssm.send

    def cancelled_meanwhile(ssm: Ssm, command: str, instance: str, parameters: Any, comment: str) -> str:
        sent = original(ssm, command, instance, parameters, comment)
        assert commands.cancel(comment.split()[1]).status == 202
        return sent

    monkeypatch.setattr(Ssm, "send", cancelled_meanwhile)
    command_id = commands.start("status", executionId=execution_id)

    assert commands.ended(command_id, 15)["exitCode"] == 1
    assert _kinds(commands, command_id) == ["cancelled"]
    assert commands.running() == []


def test_a_cancel_that_ssm_does_not_take_at_first_is_tried_again(commands: Commands, stack: Stack) -> None:
    execution_id = commands.launched(1)
    commands.answers(1, "status", seconds=120)
    command_id = commands.start("status", executionId=execution_id)
    commands.in_flight()
    stack.control.fault("CancelCommand", httpStatus=503, count=4)

    assert commands.cancel(command_id).status == 202

    commands.ended(command_id, 15)
    assert _kinds(commands, command_id) == ["cancelled"]


def test_a_cancel_racing_the_end_is_taken_or_refused_and_one_end_is_told(commands: Commands, stack: Stack) -> None:
    execution_id = commands.launched(1)
    outcomes = set()
    for turn in range(6):
        commands.answers(1, "status", seconds=0.15 * turn)
        command_id = commands.start("status", executionId=execution_id)
        commands.seen(command_id, lambda _: len(commands.sent_to()) > turn)  # noqa: B023  called in this turn
        time.sleep(0.15 * turn)
        answer = commands.cancel(command_id)
        assert answer.status in {202, 409}
        run = commands.ended(command_id)
        outcomes.add((answer.status, run["status"]))
        reported = [
            change["to"]
            for event in stack.events(execution_id)
            for change in event["data"]["changes"]
            if change.get("commandId") == command_id
        ]
        assert reported == ["IN_PROGRESS", *(["CANCELLING"] if answer.status == 202 else []), run["status"]]
    assert {status for _, status in outcomes} <= ENDS


def test_a_cancelled_execution_cancels_its_commands(commands: Commands, stack: Stack) -> None:
    stack.put_servers([server(1), server(2)])
    execution_id = stack.start(plan(wave("one", 1), wave("two", 2, requiresApproval=True)))
    commands.half_way(execution_id)
    commands.answers(1, "status", seconds=120)
    command_id = commands.start("status", executionId=execution_id)
    commands.in_flight()

    assert stack.api("POST", f"/executions/{execution_id}/cancel", {}).status == 202

    run = commands.ended(command_id, 15)
    assert (run["status"], run["exitCode"]) == ("COMPLETE_FAILURE", 1)
    assert commands.running() == []
    assert stack.ended(execution_id)["status"] == "PARTIAL_SUCCESS"


def test_a_clean_up_cancels_the_commands_that_run_on_what_it_ends(commands: Commands, stack: Stack) -> None:
    execution_id = commands.launched(1)
    commands.answers(1, "status", seconds=120)
    command_id = commands.start("status", executionId=execution_id)
    commands.in_flight()

    assert stack.api("POST", f"/executions/{execution_id}/terminate", {}).status == 202

    assert commands.ended(command_id, 15)["exitCode"] == 1
    assert stack.cleaned_up(execution_id)["termination"]["status"] == "COMPLETED"
    refused = commands.ask("status", executionId=execution_id)
    assert (refused.status, refused.code) == (409, "INVALID_STATE")


def test_a13_a_run_that_an_operator_sent_keeps_no_execution_open_and_a_termination_stops_it_before_it_ends_anything(
    commands: Commands, stack: Stack
) -> None:
    stack.put_servers([server(1), server(2)])
    execution_id = stack.start(plan(wave("one", 1), wave("two", 2, requiresApproval=True)))
    commands.half_way(execution_id)
    commands.answers(1, "uninstall", seconds=300)
    command_id = commands.start("uninstall", executionId=execution_id)
    commands.in_flight()

    stack.api("POST", f"/executions/{execution_id}/waves/2/skip", {})

    assert stack.ended(execution_id)["status"] == "COMPLETED"
    assert commands.get(command_id)["status"] == "IN_PROGRESS"
    stack.api("POST", f"/executions/{execution_id}/terminate", {})
    assert stack.cleaned_up(execution_id)["termination"]["terminated"] == 1
    assert commands.ended(command_id, 15)["exitCode"] == 1
    calls = [call["operation"] for call in stack.control.calls() if not call["error"]]
    assert calls.index("CancelCommand") < calls.index("TerminateRecoveryInstances")


def test_a_repeated_request_with_its_key_starts_nothing_twice(commands: Commands, stack: Stack) -> None:
    execution_id = commands.launched(1)
    key = {"Idempotency-Key": "one-and-only"}

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: commands.ask("status", headers=key, executionId=execution_id), range(3)))
    taken = [answer for answer in answers if answer.status == 202]
    assert {answer.status for answer in answers} <= {202, 409}
    assert len({answer.json["commandId"] for answer in taken}) == 1
    command_id = str(taken[0].json["commandId"])
    commands.ended(command_id)
    again = commands.ask("status", headers=key, executionId=execution_id)
    assert again.json == taken[0].json, "the first answer, not how the run stands by now"
    other = commands.ask("query", headers=key, executionId=execution_id)
    assert (other.status, other.code) == (409, "IDEMPOTENCY_CONFLICT")
    assert len(stack.runs("command")) == len(commands.sent_to()) == 1


def test_a_repeated_cancel_with_its_key_gets_the_first_answer(commands: Commands) -> None:
    execution_id = commands.launched(1)
    commands.answers(1, "status", seconds=120)
    command_id = commands.start("status", executionId=execution_id)
    commands.in_flight()
    key = {"Idempotency-Key": "enough"}

    first = commands.cancel(command_id, key)
    commands.ended(command_id)

    again = commands.cancel(command_id, key)
    assert (first.status, again.status, again.json) == (202, 202, first.json)
