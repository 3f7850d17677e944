"""SSM and the functions fail in every way: no command is sent twice, and every target comes to its one result."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.support.blueprint import machine_arn
from tests.support.plans import server
from tests.support.stack import Killed

from wavebreak.aws.ssm import Ssm
from wavebreak.aws.step_functions import Workflow
from wavebreak.domain.commands.runs import CommandTarget
from wavebreak.domain.executions.audit_trail import Act
from wavebreak.site import Place
from wavebreak.store.commands import CommandStore
from wavebreak.use_cases import collect_results

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clock import JumpingClock
    from tests.support.commands import Commands
    from tests.support.stack import Stack

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


def test_any_other_refusal_of_ssm_is_the_result_of_its_target(commands: Commands) -> None:
    execution_id = commands.launched(2)
    commands.stack.control.fault("SendCommand", error="InvalidDocument", count=1)
    run = commands.run("status", executionId=execution_id)
    kinds = sorted(str(one["failureKind"]) for one in commands.results(run["commandId"]))
    assert (run["status"], kinds) == ("PARTIAL_SUCCESS", ["None", "exception"])


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
    _once(monkeypatch, collect_results, "_fold", when="after", error=Killed)
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


def test_two_who_make_the_same_run_at_a_time_make_one_and_put_nothing_back(commands: Commands) -> None:
    stack, execution_id = commands.stack, commands.launched(1)
    app = stack.app("RunTargetFunction")
    run = app.commands.load(commands.run("status", executionId=execution_id)["commandId"])
    target = app.commands.target(run.command_id, 1)
    stack.app().commands.table.delete_many([(f"CMD#{run.command_id}", "META")])
    unsent = CommandTarget(1, target.name, target.instance_id, Place())

    assert app.commands.create(run, [unsent], Act("somebody", stack.clock.now()))

    assert app.commands.target(run.command_id, 1) == target
    assert not app.commands.create(run, [unsent], Act("somebody", stack.clock.now()))


def test_two_tasks_of_one_target_send_once(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    stack, execution_id = commands.stack, commands.launched(1)
    monkeypatch.setattr(Workflow, "start_command", lambda *_: None)
    commands.answers(1, "status", seconds=1)
    command_id = commands.start("status", executionId=execution_id)
    event = {"commandId": command_id, "number": 1}
    ended: list[bool] = []

    def rounds() -> None:
        while not stack.invoke("RunTargetFunction", event)["ended"]:
            time.sleep(0.01)
        ended.append(True)

    threads = [threading.Thread(target=rounds) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert ended == [True] * 4
    assert commands.sent_to() == [commands.instance(1)]
    assert stack.invoke("FinishCommandFunction", {"commandId": command_id})["succeeded"] == 1


def test_an_intent_that_took_long_to_write_is_not_sent_any_more(
    commands: Commands, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = commands.launched(1)
    original = CommandStore.move

    def slow(*arguments: Any) -> bool:
        moved = original(*arguments)
        monkeypatch.setattr(CommandStore, "move", original)
        clock.forward(3)
        return moved

    monkeypatch.setattr(CommandStore, "move", slow)
    command_id = commands.start("status", executionId=execution_id)
    time.sleep(1)
    assert commands.sent_to() == [], "by now others may look for it"
    clock.forward(15)
    assert commands.ended(command_id)["exitCode"] == 0


def test_a_run_too_large_for_one_history_goes_through_a_list_in_the_bucket(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Workflow, "start_command", lambda *_: None)
    execution_id = commands.launched(2)
    command_id = commands.start("status", executionId=execution_id, timeoutSeconds=172_800)
    written: dict[str, str] = {}
    lists = commands.stack.app("PrepareCommandFunction").lists
    monkeypatch.setattr(lists, "put", written.__setitem__)

    plan = commands.stack.invoke("PrepareCommandFunction", {"commandId": command_id})

    assert plan == {"targets": 2, "sequential": False, "atScale": True, "list": f"{command_id}.json"}
    assert written == {
        f"{command_id}.json": f'[{{"commandId":"{command_id}","number":1}},{{"commandId":"{command_id}","number":2}}]'
    }
    assert server(1) not in written[f"{command_id}.json"]
    commands.cancel(command_id)
    for number in (1, 2):
        assert commands.stack.invoke("RunTargetFunction", {"commandId": command_id, "number": number})["ended"]
    assert commands.stack.invoke("FinishCommandFunction", {"commandId": command_id})["failed"] == 2
