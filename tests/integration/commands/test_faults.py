"""SSM and the functions fail in every way: no command is sent twice, and every target comes to its one result."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.support.blueprint import machine_arn
from tests.support.plans import server
from tests.support.stack import PATIENCE_SECONDS, Killed

from wavebreak.aws import clients
from wavebreak.aws.ssm import OutcomeUnknownError, Ssm
from wavebreak.aws.step_functions import Workflow
from wavebreak.domain.commands import hints
from wavebreak.domain.commands.concurrency import rounds_of_a_worker
from wavebreak.domain.commands.delivery import SENDER_SECONDS, intended, not_sent, postponed
from wavebreak.domain.commands.hints import hint_for
from wavebreak.domain.commands.result_documents import result_of
from wavebreak.domain.commands.results import ExecutionResult
from wavebreak.domain.commands.runs import CommandTarget
from wavebreak.domain.executions.model.words import Attribution
from wavebreak.problems import CircuitOpen
from wavebreak.site import Site
from wavebreak.store.commands import CommandStore
from wavebreak.use_cases.command_machine import collect_results, prepare_run
from wavebreak.use_cases.command_machine.collect_results import record_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clock import JumpingClock
    from tests.support.commands import Commands
    from tests.support.stack import Stack


def turn(command_id: str, *, worker: int = 1, number: int = 1) -> dict[str, Any]:
    """What the machine calls a worker with."""
    return {"commandId": command_id, "run": 1, "worker": worker, "number": number, "rounds": 0, "most": 100}


LOST: list[dict[str, Any]] = [{"httpStatus": 500}, {"dropConnection": True}, {"error": "InternalServerError"}]
EVERYTHING = ("COMPLETE_SUCCESS", 0, 2)


def _once(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, when: str, error: Callable[[], BaseException]
) -> None:
    """Have the next call of a method fail, before or after it has done its work."""
    original = getattr(owner, name)

    def failing(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(owner, name, original)
        if when == "after":
            original(*arguments, **named)
        raise error()

    monkeypatch.setattr(owner, name, failing)


def _summed(run: dict[str, Any]) -> tuple[str, int, int]:
    return (run["status"], run["exitCode"], run["succeeded"])


def _sent_once_each(commands: Commands, count: int = 2) -> bool:
    sent = commands.sent_to()
    return len(sent) == len(set(sent)) == count


@pytest.mark.parametrize("fault", LOST, ids=["500", "dropped", "modelled"])
def test_a_lost_answer_of_send_command_never_sends_twice(commands: Commands, fault: dict[str, Any]) -> None:
    execution_id = commands.launched(2)
    commands.stack.control.fault("SendCommand", **fault, when="after", count=1)

    run = commands.run("status", executionId=execution_id)

    assert _summed(run) == EVERYTHING
    assert _sent_once_each(commands)
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

    assert _summed(commands.ended(command_id)) == EVERYTHING
    assert _sent_once_each(commands)
    assert len(commands.stack.control.calls("SendCommand")) == 3


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
    deadline = time.monotonic() + 10
    while not commands.stack.control.calls("SendCommand"):
        assert time.monotonic() < deadline
        time.sleep(0.05)

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
    told = commands.stack.api("GET", "/errors").json["items"]
    assert [error["message"] for error in told if code in error["message"]], "and stands among the errors"


def test_what_became_of_a_command_that_may_not_be_looked_at_is_told_so(commands: Commands, clock: JumpingClock) -> None:
    execution_id = commands.launched(1)
    commands.stack.control.fault("GetCommandInvocation", error="AccessDeniedException", count=10_000)
    command_id = commands.start("status", executionId=execution_id, timeoutSeconds=5)
    commands.seen(command_id, lambda _: len(commands.stack.control.calls("GetCommandInvocation")) > 1)
    clock.forward(60 + 5 + 60)
    commands.ended(command_id)
    (result,) = commands.results(command_id)
    assert (result["failureKind"], "AccessDenied" in result["stderr"]) == ("exception", True)
    told = commands.stack.api("GET", "/errors").json["items"]
    assert len([error for error in told if "AccessDenied" in error["message"]]) < 4, "once a round, not at every look"


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
    _once(monkeypatch, Ssm, "send", when="before", error=Killed)
    command_id = commands.start("status", executionId=execution_id)
    commands.seen(command_id, lambda run: run["succeeded"] == 1)
    clock.forward(15)
    time.sleep(2)
    assert len(commands.sent_to()) == 1, "nobody knows that its sender is dead before it must be over"
    clock.forward(SENDER_SECONDS)

    assert _summed(commands.ended(command_id)) == EVERYTHING
    assert _sent_once_each(commands)


def test_a_task_killed_between_send_and_record_finds_what_it_sent(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = commands.launched(2)
    _once(monkeypatch, Ssm, "send", when="after", error=Killed)

    run = commands.run("status", executionId=execution_id)

    assert _summed(run) == EVERYTHING
    assert _sent_once_each(commands)


@pytest.mark.parametrize(("name", "when"), [("end", "before"), ("end", "after"), ("count", "before")])
def test_a_task_killed_around_its_result_leaves_exactly_one(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, name: str, when: str
) -> None:
    execution_id = commands.launched(2)
    _once(monkeypatch, CommandStore, name, when=when, error=Killed)

    run = commands.run("status", executionId=execution_id)

    assert _summed(run) == EVERYTHING
    assert len(commands.results(run["commandId"])) == 2
    assert _sent_once_each(commands)


def test_s0_14_a_task_killed_after_its_failure_was_written_still_stops_the_run(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = commands.launched(2)
    commands.answers(1, "stop", exitCode=1)
    _once(monkeypatch, CommandStore, "end", when="after", error=Killed)

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


def test_s0_3_a_target_that_nobody_could_write_for_gets_its_result_at_the_end(commands: Commands) -> None:
    execution_id = commands.launched(2)

    def dies(event: dict[str, Any]) -> None:
        if event["number"] == 1:
            raise RuntimeError("out of memory")

    commands.stack.before["RunTargetFunction"] = dies
    run = commands.run("status", executionId=execution_id)

    first, second = commands.results(run["commandId"])
    assert "the machine left this target without a result" in first["stderr"]
    assert (run["status"], second["success"]) == ("PARTIAL_SUCCESS", True)


def test_results_are_folded_again_when_the_folding_was_killed(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = commands.launched(2)
    _once(monkeypatch, collect_results, "fold", when="after", error=Killed)
    run = commands.run("status", executionId=execution_id)
    assert _summed(run) == EVERYTHING
    types = [event["type"] for event in commands.stack.events(execution_id)]
    assert types.count("COMMAND_COMPLETE_SUCCESS") == 1


def _unavailable() -> ClientError:
    return ClientError({"Error": {"Code": "ServiceUnavailable", "Message": "no"}}, "StartExecution")


def _machines(stack: Stack) -> list[str]:
    return sorted(run["name"] for run in stack.runs("command"))


def _stop(stack: Stack, name: str) -> None:
    arn = machine_arn("command").replace(":stateMachine:", ":execution:") + f":{name}"
    stack.sfn.stop_execution(executionArn=arn)


def _told(stack: Stack, name: str) -> bool:
    event = {"source": "aws.states", "detail": {"name": name, "status": "ABORTED"}}
    return bool(stack.invoke("StateMachineStatusFunction", event)["restarted"])


def test_a_machine_that_died_is_followed_by_another_that_sends_nothing_again(commands: Commands) -> None:
    stack, execution_id = commands.stack, commands.launched(2)
    for number in (1, 2):
        commands.answers(number, "status", seconds=3)
    command_id = commands.start("status", executionId=execution_id)
    commands.in_flight(2)
    _stop(stack, command_id)

    assert _told(stack, command_id)
    assert not _told(stack, command_id), "told twice, it is followed once"

    assert _summed(commands.ended(command_id)) == EVERYTHING
    assert _machines(stack) == [command_id, f"{command_id}-r2"]
    assert _sent_once_each(commands)
    assert not _told(stack, f"{command_id}-r2"), "nothing is left to be done"


def test_the_sweep_starts_a_run_whose_machine_was_never_started(
    commands: Commands, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, execution_id = commands.stack, commands.launched(2)
    _once(monkeypatch, Workflow, "start_command", when="before", error=_unavailable)
    command_id = commands.start("status", executionId=execution_id)
    assert (_machines(stack), commands.get(command_id)["status"]) == ([], "IN_PROGRESS")
    assert stack.invoke("SweepFunction", {})["restarted"] == 0, "it may still be on its way"
    clock.forward(121)

    assert stack.invoke("SweepFunction", {})["restarted"] == 1

    assert _summed(commands.ended(command_id)) == EVERYTHING
    assert _machines(stack) == [f"{command_id}-r2"]
    assert stack.invoke("SweepFunction", {})["restarted"] == 0


def test_a_run_that_cannot_be_looked_after_does_not_keep_the_sweep_from_others(
    commands: Commands, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, execution_id = commands.stack, commands.launched(1)
    started = []
    for _ in range(2):
        _once(monkeypatch, Workflow, "start_command", when="before", error=_unavailable)
        started.append(commands.start("status", executionId=execution_id))
    clock.forward(121)
    _once(monkeypatch, Workflow, "is_command_running", when="before", error=lambda: RuntimeError("broken"))

    with pytest.raises(RuntimeError, match="broken"):
        stack.invoke("SweepFunction", {})

    assert commands.ended(started[1])["exitCode"] == 0
    assert stack.invoke("SweepFunction", {})["restarted"] == 1
    assert commands.ended(started[0])["exitCode"] == 0


def test_a_machine_that_keeps_failing_is_left_to_the_sweep_and_tells_why(commands: Commands) -> None:
    stack, execution_id = commands.stack, commands.launched(1)

    def broken(_event: dict[str, Any]) -> None:
        raise RuntimeError("no plan at all: token=hunter2secret")

    stack.before["PrepareCommandFunction"] = broken
    command_id = commands.start("status", executionId=execution_id)
    for name in (command_id, *(f"{command_id}-r{run}" for run in (2, 3, 4))):
        deadline = time.monotonic() + 20
        while not [run for run in stack.runs("command") if run["name"] == name and run["status"] == "FAILED"]:
            assert time.monotonic() < deadline, stack.runs("command")
            time.sleep(0.05)
        assert _told(stack, name) == (not name.endswith("-r4"))
    failed = commands.get(command_id)
    assert failed["status"] == "IN_PROGRESS"
    assert "no plan at all: token=*****" in failed["lastFailure"]["cause"], "A19"

    del stack.before["PrepareCommandFunction"]
    stack.clock.forward(121)
    assert stack.invoke("SweepFunction", {})["restarted"] == 1
    assert commands.ended(command_id)["exitCode"] == 0


def test_a_machine_that_dies_after_many_handed_over_is_followed_at_once(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many machines a run has had tells nothing: one of two days has had many."""
    stack, execution_id = commands.stack, commands.launched(1)
    started: list[int] = []
    monkeypatch.setattr(Workflow, "start_command", lambda _workflow, _command, run: started.append(run))
    command_id = commands.start("status", executionId=execution_id)
    store = stack.app().commands
    store.change(command_id, lambda run: replace(run, machine_run=7), Attribution("engine", stack.clock.now()))

    assert [_told(stack, f"{command_id}-r{run}") for run in (7, 8, 9)] == [True] * 3
    assert not _told(stack, f"{command_id}-r10"), "the fourth that died young, one after another"
    assert started == [1, 8, 9, 10]
    assert commands.cancel(command_id).json["status"] == "COMPLETE_FAILURE", "nothing was sent: it is over at once"


def test_two_who_make_the_same_run_at_a_time_make_one_and_put_nothing_back(commands: Commands) -> None:
    stack, execution_id = commands.stack, commands.launched(1)
    app = stack.app("RunTargetFunction")
    run = app.commands.load(commands.run("status", executionId=execution_id)["commandId"])
    target = app.commands.target(run.command_id, 1)
    stack.app().commands.table.delete_many([(f"CMD#{run.command_id}", "META")])
    unsent = CommandTarget(1, target.name, target.instance_id, Site())

    assert app.commands.create(run, [unsent], Attribution("somebody", stack.clock.now()))

    assert app.commands.target(run.command_id, 1) == target
    assert not app.commands.create(run, [unsent], Attribution("somebody", stack.clock.now()))


def test_two_tasks_of_one_target_send_once(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    stack, execution_id = commands.stack, commands.launched(1)
    monkeypatch.setattr(Workflow, "start_command", lambda *_: None)
    commands.answers(1, "status", seconds=1)
    command_id = commands.start("status", executionId=execution_id)
    ended: list[bool] = []

    def rounds(worker: int) -> None:
        event = turn(command_id, worker=worker)
        while not stack.invoke("RunTargetFunction", event)["ended"]:
            time.sleep(0.01)
        ended.append(True)

    threads = [threading.Thread(target=rounds, args=[worker]) for worker in (1, 1, 2, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert ended == [True] * 4
    assert commands.sent_to() == [commands.instance(1)]
    assert stack.invoke("FinishCommandFunction", {"commandId": command_id, "run": 1})["succeeded"] == 1


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
    looks: list[str] = []

    def find(_ssm: Ssm, _instance: str, comment: str, _since: object) -> None:
        looks.append(comment)
        seen = store.target(command_id, 1)
        assert store.move(command_id, seen, not_sent(seen))

    monkeypatch.setattr(Ssm, "find", find)
    ended = stack.invoke("RunTargetFunction", turn(command_id))["ended"]

    assert (ended, len(looks)) == (True, 1)
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


def test_a_run_goes_through_more_than_one_machine_without_a_slow_target_holding_up_the_others(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a history is full the next run of the machine takes over, also a target in the midst of its command."""
    monkeypatch.setattr(prepare_run, "rounds_of_a_worker", lambda _workers: 2)
    stack, execution_id = commands.stack, commands.launched(24)
    commands.answers(3, "status", seconds=15)

    command_id = commands.start("status", executionId=execution_id)
    commands.seen(command_id, lambda run: run["succeeded"] == 23)
    assert commands.running() == [commands.instance(3)], "the others did not wait for it"
    run = commands.ended(command_id)

    assert _summed(run) == ("COMPLETE_SUCCESS", 0, 24)
    assert _sent_once_each(commands, 24)
    assert stack.control.state()["maxCommandsInFlight"] <= 10
    assert len(_machines(stack)) >= 2
    commands.come_to_rest()
    assert {run["status"] for run in stack.runs("command")} == {"SUCCEEDED"}
    assert not [event for event in stack.events(execution_id) if "CANCELL" in event["type"]]


def test_s0_4_one_at_a_time_in_the_order_given_holds_across_machines(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare_run, "rounds_of_a_worker", lambda _workers: 2)
    execution_id = commands.launched(7)
    order = [5, 2, 7, 1, 3, 6, 4]

    run = commands.run("stop", executionId=execution_id, targets=[server(number) for number in order])

    assert _summed(run) == ("COMPLETE_SUCCESS", 0, 7)
    assert commands.sent_to() == [commands.instance(number) for number in order]
    assert commands.stack.control.state()["maxCommandsInFlight"] == 1
    assert len(_machines(commands.stack)) >= 3


def test_b4_the_order_is_the_tables_whichever_worker_comes_first(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers may be started in any order, late, or twice: the next target is always the first that is left."""
    monkeypatch.setattr(Workflow, "start_command", lambda *_: None)
    stack, execution_id = commands.stack, commands.launched(4)
    order = [server(number) for number in (4, 2, 3, 1)]
    command_id = commands.start("start", executionId=execution_id, targets=order, stopOnFailure=True)
    plan = stack.invoke("PrepareCommandFunction", {"commandId": command_id})
    assert plan["workers"] == [{"worker": 1, "number": 1}]
    event = turn(command_id, number=0)
    for _ in range(4):
        event = stack.invoke("RunTargetFunction", event)
    assert commands.sent_to() == [commands.instance(n) for n in (2, 3, 1)], "the first is the other worker's"
    stack.invoke("RunTargetFunction", turn(command_id, worker=2, number=1))
    assert commands.sent_to()[-1] == commands.instance(4)
    assert stack.invoke("FinishCommandFunction", {"commandId": command_id, "run": 1})["exitCode"] == 0


def test_a_worker_of_an_earlier_machine_stands_down(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """So does an item of a machine that was made before there were workers."""
    monkeypatch.setattr(Workflow, "start_command", lambda *_: None)
    stack, execution_id = commands.stack, commands.launched(2)
    command_id = commands.start("status", executionId=execution_id)
    stack.invoke("PrepareCommandFunction", {"commandId": command_id})
    stack.clock.forward(121)
    assert stack.invoke("SweepFunction", {})["restarted"] == 1
    for event in (turn(command_id), {"commandId": command_id, "number": 1}):
        assert stack.invoke("RunTargetFunction", event)["ended"]
    assert commands.sent_to() == []
    assert stack.invoke("FinishCommandFunction", {"commandId": command_id})["status"] == "IN_PROGRESS"


def test_what_the_machine_is_told_does_not_grow_with_the_targets(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Workflow, "start_command", lambda *_: None)
    execution_id = commands.launched(12)
    command_id = commands.start("status", executionId=execution_id, timeoutSeconds=172_800)

    plan = commands.stack.invoke("PrepareCommandFunction", {"commandId": command_id})

    assert plan == {
        "run": 1,
        "sequential": False,
        "workers": [{"worker": number, "number": number} for number in range(1, 11)],
        "most": rounds_of_a_worker(10),
    }
    commands.cancel(command_id)
    for number in range(1, 11):
        assert commands.stack.invoke("RunTargetFunction", turn(command_id, worker=number, number=number))["ended"]
    assert commands.stack.invoke("FinishCommandFunction", {"commandId": command_id, "run": 1})["failed"] == 12
