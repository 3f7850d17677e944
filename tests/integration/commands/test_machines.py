"""Runs that outlive their machines: followed, looked after by the sweep, and handed from one machine to the next."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.support.blueprint import machine_arn
from tests.support.eventually import eventually
from tests.support.plans import server
from tests.support.process_death import TaskKilled
from tests.support.stack import PATIENCE_SECONDS

from wavebreak.aws.step_functions import Workflow
from wavebreak.domain.commands.concurrency import rounds_of_a_worker
from wavebreak.domain.commands.runs import CommandTarget
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.site import Site
from wavebreak.use_cases.command_machine import collect_results, prepare_run
from wavebreak.values import replace

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.commands import Commands
    from tests.support.stack import Stack
from tests.support.faulty_commands import EVERYTHING, once, sent_once_each, summed, turn


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
    once(monkeypatch, collect_results, "summarize", when="after", error=TaskKilled)
    run = commands.run("status", executionId=execution_id)
    assert summed(run) == EVERYTHING
    types = [event["type"] for event in commands.stack.events(execution_id)]
    assert types.count("COMMAND_COMPLETE_SUCCESS") == 1


def _unavailable() -> ClientError:
    return ClientError({"Error": {"Code": "ServiceUnavailable", "Message": "no"}}, "StartExecution")


def _machines(stack: Stack) -> list[str]:
    return sorted(run["name"] for run in stack.runs("command"))


def _stop(stack: Stack, name: str) -> None:
    arn = machine_arn("command").replace(":stateMachine:", ":execution:") + f":{name}"
    stack.sfn.stop_execution(executionArn=arn)


def _is_recorded(stack: Stack, name: str) -> bool:
    event = {"source": "aws.states", "detail": {"name": name, "status": "ABORTED"}}
    return bool(stack.invoke("StateMachineStatusFunction", event)["restarted"])


def test_a_machine_that_died_is_followed_by_another_that_sends_nothing_again(commands: Commands) -> None:
    stack, execution_id = commands.stack, commands.launched(2)
    for number in (1, 2):
        commands.answers(number, "status", seconds=3)
    command_id = commands.start("status", executionId=execution_id)
    commands.in_flight(2)
    _stop(stack, command_id)

    assert _is_recorded(stack, command_id)
    assert not _is_recorded(stack, command_id), "told twice, it is followed once"

    assert summed(commands.ended(command_id)) == EVERYTHING
    assert _machines(stack) == [command_id, f"{command_id}-r2"]
    assert sent_once_each(commands)
    assert not _is_recorded(stack, f"{command_id}-r2"), "nothing is left to be done"


def test_the_sweep_starts_a_run_whose_machine_was_never_started(
    commands: Commands, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, execution_id = commands.stack, commands.launched(2)
    once(monkeypatch, Workflow, "start_command", when="before", error=_unavailable)
    command_id = commands.start("status", executionId=execution_id)
    assert (_machines(stack), commands.get(command_id)["status"]) == ([], "IN_PROGRESS")
    assert stack.invoke("SweepFunction", {})["restarted"] == 0, "it may still be on its way"
    clock.forward(121)

    assert stack.invoke("SweepFunction", {})["restarted"] == 1

    assert summed(commands.ended(command_id)) == EVERYTHING
    assert _machines(stack) == [f"{command_id}-r2"]
    assert stack.invoke("SweepFunction", {})["restarted"] == 0


def test_a_run_that_cannot_be_looked_after_does_not_keep_the_sweep_from_others(
    commands: Commands, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, execution_id = commands.stack, commands.launched(1)
    started = []
    for _ in range(2):
        once(monkeypatch, Workflow, "start_command", when="before", error=_unavailable)
        started.append(commands.start("status", executionId=execution_id))
    clock.forward(121)
    once(monkeypatch, Workflow, "is_command_running", when="before", error=lambda: RuntimeError("broken"))

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
        eventually(
            lambda: {run["name"]: run["status"] for run in stack.runs("command")},
            lambda statuses, name=name: statuses.get(name) == "FAILED",  # type: ignore[misc]  # mypy infers no default
            f"{name} has not failed",
            seconds=20,
        )
        assert _is_recorded(stack, name) == (not name.endswith("-r4"))
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

    assert [_is_recorded(stack, f"{command_id}-r{run}") for run in (7, 8, 9)] == [True] * 3
    assert not _is_recorded(stack, f"{command_id}-r10"), "the fourth that died young, one after another"
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


def test_a_run_goes_through_more_than_one_machine_without_a_slow_target_holding_up_the_others(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a history is full the next run of the machine takes over, also a target in the midst of its command."""
    monkeypatch.setattr(prepare_run, "rounds_of_a_worker", lambda _workers: 2)
    stack, execution_id = commands.stack, commands.launched(24)
    commands.answers(3, "status", seconds=25)

    command_id = commands.start("status", executionId=execution_id)
    commands.seen(command_id, lambda run: run["succeeded"] == 23)
    assert commands.running() == [commands.instance(3)], "the others did not wait for it"
    run = commands.ended(command_id)

    assert summed(run) == ("COMPLETE_SUCCESS", 0, 24)
    assert sent_once_each(commands, 24)
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

    assert summed(run) == ("COMPLETE_SUCCESS", 0, 7)
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
