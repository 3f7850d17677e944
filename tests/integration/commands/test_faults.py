"""SSM and the functions fail in every way: no command is sent twice, and every target comes to its one result."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.support.eventually import eventually
from tests.support.process_death import TaskKilled

from wavebreak.aws import clients
from wavebreak.aws.ssm import OutcomeUnknownError, Ssm
from wavebreak.aws.step_functions import Workflow
from wavebreak.domain.commands import hints
from wavebreak.domain.commands.delivery import SENDER_SECONDS, intended, not_sent, postponed
from wavebreak.domain.commands.hints import hint_for
from wavebreak.domain.commands.result_documents import result_of
from wavebreak.domain.commands.results import ExecutionResult
from wavebreak.problems import CircuitOpen
from wavebreak.store.commands import CommandStore
from wavebreak.use_cases.command_machine.collect_results import record_result

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.commands import Commands

    from wavebreak.site import Site
from tests.support.faulty_commands import EVERYTHING, once, sent_once_each, summed, turn

LOST: list[dict[str, Any]] = [{"httpStatus": 500}, {"dropConnection": True}, {"error": "InternalServerError"}]


@pytest.mark.parametrize("fault", LOST, ids=["500", "dropped", "modelled"])
def test_a_lost_answer_of_send_command_never_sends_twice(commands: Commands, fault: dict[str, Any]) -> None:
    execution_id = commands.launched(2)
    commands.stack.control.fault("SendCommand", **fault, when="after", count=1)

    run = commands.run("status", executionId=execution_id)

    assert summed(run) == EVERYTHING
    assert sent_once_each(commands)
    assert len(commands.stack.control.calls("SendCommand")) == 2


def test_a_send_that_never_arrived_is_made_again_once_it_had_time_to_show_up(
    commands: Commands, clock: JumpingClock
) -> None:
    execution_id = commands.launched(2)
    commands.stack.control.fault("SendCommand", dropConnection=True, when="before", count=1)
    command_id = commands.start("status", executionId=execution_id)
    commands.seen(command_id, lambda run: run["succeeded"] == 1)
    assert len(commands.stack.control.calls("SendCommand")) == 2
    clock.forward(15)

    assert summed(commands.ended(command_id)) == EVERYTHING
    assert sent_once_each(commands)
    assert len(commands.stack.control.calls("SendCommand")) == 3


@pytest.mark.parametrize("command", ["status", "start"])
def test_a_target_whose_command_ssm_answers_with_faults_gives_up_its_turn(
    commands: Commands, clock: JumpingClock, command: str
) -> None:
    execution_id = commands.launched(4)
    commands.stack.control.fault("SendCommand", httpStatus=500, subject=commands.instance(1), count=100_000)
    command_id = commands.start(command, executionId=execution_id)
    for _ in range(60):
        clock.forward(5)
        time.sleep(0.3)
        if commands.get(command_id)["exitCode"] is not None:
            break
    run = commands.ended(command_id)
    assert (run["succeeded"], run["failed"]) == (3, 1)
    [bad] = [each for each in commands.results(command_id) if each["exitCode"] != 0]
    assert "Systems Manager did not send it" in bad["stderr"]
    assert commands.instance(1) not in commands.sent_to()


def test_a_throttle_of_send_command_is_waited_out_within_the_round(commands: Commands) -> None:
    execution_id = commands.launched(1)
    commands.stack.control.fault("SendCommand", error="ThrottlingException", count=2)
    rounds: list[Any] = []
    commands.stack.after["RunTargetFunction"] = rounds.append

    run = commands.run("status", executionId=execution_id)

    assert (run["status"], run["succeeded"]) == ("COMPLETE_SUCCESS", 1)
    assert commands.sent_to() == [commands.instance(1)]
    assert len(rounds) == 1, "a round for every throttle would fill the machine's history"


def test_a_cancel_ends_the_wait_for_a_throttle(commands: Commands) -> None:
    execution_id = commands.launched(1)
    commands.stack.control.fault("SendCommand", error="ThrottlingException", count=1000)
    command_id = commands.start("status", executionId=execution_id)
    eventually(lambda: commands.stack.control.calls("SendCommand"), complaint="no command was sent")

    assert commands.cancel(command_id).status == 202

    run = commands.ended(command_id, 5)
    (result,) = commands.results(command_id)
    assert (run["exitCode"], result["failureKind"], commands.sent_to()) == (1, "cancelled", [])


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("UnsupportedPlatformType", hints.PLATFORM_HINT),
        ("InvalidDocument", hints.DOCUMENT_HINT),
        ("InvalidParameters", hints.PARAMETERS_HINT),
        ("AccessDeniedException", hints.RIGHTS_HINT),
    ],
)
def test_t17_a_refusal_of_ssm_is_told_for_what_it_is(commands: Commands, code: str, hint: str) -> None:
    execution_id = commands.launched(2)
    commands.stack.control.fault("SendCommand", error=code, count=1)
    run = commands.run("status", executionId=execution_id)
    results = sorted(commands.results(run["commandId"]), key=lambda one: str(one["failureKind"]), reverse=True)
    assert (run["status"], results[1]["failureKind"]) == ("PARTIAL_SUCCESS", None)
    assert results[0]["stderr"].startswith(f"Unexpected error: SSM refused the command: {code}: ")
    assert hint_for(result_of(results[0])) == hint
    reported = commands.stack.api("GET", "/errors").json["items"]
    assert [error["message"] for error in reported if code in error["message"]], "and stands among the errors"


def test_what_became_of_a_command_that_may_not_be_looked_at_is_told_so(commands: Commands, clock: JumpingClock) -> None:
    execution_id = commands.launched(1)
    commands.stack.control.fault("GetCommandInvocation", error="AccessDeniedException", count=10_000)
    command_id = commands.start("status", executionId=execution_id, timeoutSeconds=5)
    commands.seen(command_id, lambda _: len(commands.stack.control.calls("GetCommandInvocation")) > 1)
    clock.forward(60 + 5 + 60)
    commands.ended(command_id)
    (result,) = commands.results(command_id)
    assert (result["failureKind"], "AccessDenied" in result["stderr"]) == ("exception", True)
    reported = commands.stack.api("GET", "/errors").json["items"]
    assert len([error for error in reported if "AccessDenied" in error["message"]]) < 4, (
        "once a round, not at every look"
    )


def test_faults_of_looking_are_no_failures_of_the_target(commands: Commands) -> None:
    execution_id = commands.launched(1)
    commands.answers(1, "status", seconds=1)
    commands.stack.control.missing_lookups(3)
    commands.stack.control.fault("GetCommandInvocation", httpStatus=503, count=4)
    commands.stack.control.fault("DescribeInstanceInformation", httpStatus=503, count=3)

    run = commands.run("status", executionId=execution_id)

    assert (run["status"], run["succeeded"]) == ("COMPLETE_SUCCESS", 1)
    errors = {call["error"] for call in commands.stack.control.calls("GetCommandInvocation")}
    assert {"InvocationDoesNotExist", "Http503"} <= errors


def test_a_task_killed_between_intent_and_send_sends_once_all_the_same(
    commands: Commands, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = commands.launched(2)
    once(monkeypatch, Ssm, "send", when="before", error=TaskKilled)
    command_id = commands.start("status", executionId=execution_id)
    commands.seen(command_id, lambda run: run["succeeded"] == 1)
    clock.forward(15)
    time.sleep(2)
    assert len(commands.sent_to()) == 1, "nobody knows that its sender is dead before it must be over"
    clock.forward(SENDER_SECONDS)

    assert summed(commands.ended(command_id)) == EVERYTHING
    assert sent_once_each(commands)


def test_a_task_killed_between_send_and_record_finds_what_it_sent(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = commands.launched(2)
    once(monkeypatch, Ssm, "send", when="after", error=TaskKilled)

    run = commands.run("status", executionId=execution_id)

    assert summed(run) == EVERYTHING
    assert sent_once_each(commands)


@pytest.mark.parametrize(("name", "when"), [("end", "before"), ("end", "after"), ("count", "before")])
def test_a_task_killed_around_its_result_leaves_exactly_one(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, name: str, when: str
) -> None:
    execution_id = commands.launched(2)
    once(monkeypatch, CommandStore, name, when=when, error=TaskKilled)

    run = commands.run("status", executionId=execution_id)

    assert summed(run) == EVERYTHING
    assert len(commands.results(run["commandId"])) == 2
    assert sent_once_each(commands)


def test_s0_14_a_task_killed_after_its_failure_was_written_still_stops_the_run(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = commands.launched(2)
    commands.answers(1, "stop", exitCode=1)
    once(monkeypatch, CommandStore, "end", when="after", error=TaskKilled)

    run = commands.run("stop", executionId=execution_id, stopOnFailure=True)

    assert [one["failureKind"] for one in commands.results(run["commandId"])] == ["exit", "cancelled"]
    assert commands.sent_to() == [commands.instance(1)]


def test_a_target_whose_task_never_works_is_lost_alone(commands: Commands) -> None:
    execution_id = commands.launched(2)

    def dies(event: dict[str, Any]) -> None:
        if event["number"] == 1 and "lost" not in event:
            raise RuntimeError("out of memory: token=hunter2secret")

    commands.stack.before["RunTargetFunction"] = dies
    run = commands.run("status", executionId=execution_id)

    first, second = commands.results(run["commandId"])
    assert (first["failureKind"], second["success"]) == ("exception", True)
    assert "out of memory: token=*****" in first["stderr"], "A19"


def test_a_task_that_looks_for_a_send_goes_by_what_another_task_of_its_worker_has_written(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one was refused: nothing was sent that could be found, and looking for it would take two minutes."""
    stack, execution_id = commands.stack, commands.launched(1)
    monkeypatch.setattr(Workflow, "start_command", lambda *_: None)
    command_id = commands.start("status", executionId=execution_id)
    store = stack.app().commands
    unsent = store.target(command_id, 1)
    assert store.move(command_id, unsent, intended(unsent, stack.clock.now(), "r1w1"))
    reads: list[str] = []

    def find(_ssm: Ssm, _instance: str, comment: str, _since: object) -> None:
        reads.append(comment)
        seen = store.target(command_id, 1)
        assert store.move(command_id, seen, not_sent(seen))

    monkeypatch.setattr(Ssm, "find", find)
    ended = stack.invoke("RunTargetFunction", turn(command_id))["ended"]

    assert (ended, len(reads)) == (True, 1)
    assert commands.sent_to() == [commands.instance(1)]


def test_the_mark_of_a_postponed_target_that_has_ended_is_taken_away(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was ended by whoever had read it before it was postponed; a worker that is free looks for such targets."""
    stack, execution_id = commands.stack, commands.launched(1)
    monkeypatch.setattr(Workflow, "start_command", lambda *_: None)
    command_id = commands.start("status", executionId=execution_id)
    stack.invoke("PrepareCommandFunction", {"commandId": command_id})
    app = stack.app()
    waiting, run = app.commands.target(command_id, 1), app.commands.load(command_id)
    late = postponed(waiting, stack.clock.now(), app.timing, late=True)
    assert app.commands.move(command_id, waiting, late)
    record_result(app, run, waiting, ExecutionResult.unreachable(late.name))
    assert app.commands.waiting(command_id) == 1

    assert stack.invoke("RunTargetFunction", turn(command_id, number=0))["ended"]

    assert app.commands.waiting(command_id) == 0


def test_b1_a_send_that_stalled_and_whose_answer_was_lost_is_found_however_late_it_shows_up(
    commands: Commands, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eleven seconds pass inside of the call, and two more until SSM lists what it was sent."""
    execution_id = commands.launched(1)
    send, find = Ssm.send, Ssm.find
    lost: list[Any] = []

    def stalls(*arguments: Any) -> str:
        send(*arguments)
        clock.forward(11)
        lost.append(clock.now())
        raise OutcomeUnknownError("no answer")

    def shows_late(*arguments: Any) -> str | None:
        assert lost, "the intent is written before the call"
        return find(*arguments) if (clock.now() - lost[0]).total_seconds() > 2 else None

    monkeypatch.setattr(Ssm, "send", stalls)
    monkeypatch.setattr(Ssm, "find", shows_late)
    run = commands.run("uninstall", executionId=execution_id)
    assert (run["exitCode"], len(commands.sent_to()), len(lost)) == (0, 1, 1)


def test_b1_credentials_are_fetched_before_a_send_is_intended(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, execution_id = commands.stack, commands.launched(1)
    order: list[str] = []
    monkeypatch.setattr(clients, "sign_in", lambda _site: order.append("signed in"))
    move, send = CommandStore.move, Ssm.send

    def moved(*arguments: Any) -> bool:
        order.append(str(arguments[-1].state))
        return move(*arguments)

    def sent(*arguments: Any) -> str:
        order.append("sent")
        return send(*arguments)

    monkeypatch.setattr(CommandStore, "move", moved)
    monkeypatch.setattr(Ssm, "send", sent)
    stack.renew_apps()
    assert commands.run("status", executionId=execution_id)["exitCode"] == 0
    assert order == ["signed in", "SENDING", "sent", "SENT"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (CircuitOpen("sts is left alone"), "circuit_open"),
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "no such trust"}}, "AssumeRole"), "exception"),
    ],
)
def test_b1_without_credentials_nothing_is_intended_and_the_target_is_told_why(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str
) -> None:
    execution_id = commands.launched(2)
    states: list[str] = []
    original = CommandStore.move

    def moved(*arguments: Any) -> bool:
        states.append(str(arguments[-1].state))
        return original(*arguments)

    def refused(_site: Site) -> None:
        raise error

    monkeypatch.setattr(clients, "sign_in", refused)
    monkeypatch.setattr(CommandStore, "move", moved)
    commands.stack.renew_apps()
    run = commands.run("status", executionId=execution_id)
    results = commands.results(run["commandId"])
    assert [one["failureKind"] for one in results] == [kind] * 2
    assert (states, commands.sent_to()) == ([], [])
