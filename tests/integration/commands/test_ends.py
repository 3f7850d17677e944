"""Every command run ends, whatever its machine cannot do, and no execution stays open for it (A4)."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from tests.support.eventually import eventually
from tests.support.plans import plan, server, wave

from wavebreak.aws import agents
from wavebreak.aws.ssm import Ssm
from wavebreak.aws.step_functions import Workflow

if TYPE_CHECKING:
    import pytest
    from tests.support.clock import JumpingClock
    from tests.support.commands import Commands
    from tests.support.stack import Stack


def broken(_event: dict[str, Any]) -> None:
    raise RuntimeError("no targets can be read")


def waiting_plan() -> dict[str, Any]:
    """A wave whose required command may take two days, and the wave a week."""
    asked = {"command": "status", "timeoutSeconds": 172_800, "required": True}
    return plan(wave("db", 1, 2, timeoutMinutes=10_080, after=[asked]), wave("web", 3))


def begun(stack: Stack, document: dict[str, Any]) -> tuple[str, str]:
    """Start a plan, and give the execution and the run of its first command once that is made."""
    execution_id = stack.start(document)
    seen = stack.wait(execution_id, lambda seen: seen["waves"][0]["steps"][0]["commandId"])
    command_id = str(seen["waves"][0]["steps"][0]["commandId"])
    stack.wait(execution_id, lambda _: stack.api("GET", f"/commands/{command_id}").status == 200)
    return execution_id, command_id


def dead(stack: Stack, count: int) -> None:
    """Wait until so many machines have died."""
    eventually(
        lambda: stack.runs("command"),
        lambda runs: len([run for run in runs if run["status"] == "FAILED"]) >= count,
        "they live",
        seconds=20,
    )


def test_a4_a_run_that_cannot_be_prepared_is_given_up_and_its_execution_ends(
    commands: Commands, stack: Stack, clock: JumpingClock
) -> None:
    stack.put_servers(map(server, (1, 2, 3)))
    stack.before["PrepareCommandFunction"] = broken
    execution_id, command_id = begun(stack, waiting_plan())

    for number in range(1, 12):
        dead(stack, number)
        clock.forward(121)
        stack.invoke("SweepFunction", {})
        if commands.get(command_id)["exitCode"] is not None:
            break

    run = commands.get(command_id)
    assert (number, run["status"], run["failed"]) == (10, "COMPLETE_FAILURE", 2)
    results = commands.results(command_id)
    assert {one["failureKind"] for one in results} == {"exception"}
    assert all("no targets can be read" in one["stderr"] for one in results), "each says why"
    assert stack.ended(execution_id)["status"] == "FAILED", "the wave waits no longer for what it requires"
    given_up = stack.api("GET", "/errors", query={"severity": "CRITICAL"}).json["items"]
    assert [error["errorType"] for error in given_up] == ["CommandGivenUp"]
    assert stack.api("POST", f"/executions/{execution_id}/terminate", {}).status == 202


def test_a4_a_cancel_ends_a_run_that_cannot_be_prepared_at_once(commands: Commands, stack: Stack) -> None:
    """Nobody has to wait for its machine, and the plan is free for a recovery."""
    stack.put_servers(map(server, (1, 2, 3)))
    stack.before["PrepareCommandFunction"] = broken
    document = waiting_plan()
    execution_id, command_id = begun(stack, document)
    dead(stack, 1)

    assert stack.api("POST", f"/executions/{execution_id}/cancel", {}).status == 202

    assert stack.ended(execution_id, 10)["status"] == "CANCELLED"
    assert [one["failureKind"] for one in commands.results(command_id)] == ["cancelled"] * 2
    assert commands.sent_to() == []
    stack.wait(execution_id, lambda _: stack.api("POST", "/recoveries", {"planId": document["planId"]}).status == 202)


def test_a4_what_a_cancel_could_not_do_the_sweep_does(
    commands: Commands, stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = commands.launched(2)
    monkeypatch.setattr(Workflow, "start_command", lambda *_: None)
    monkeypatch.setattr("wavebreak.use_cases.command_machine.end_in_place._SECONDS", -1.0)
    command_id = commands.start("status", executionId=execution_id)
    assert commands.cancel(command_id).json["status"] == "CANCELLING"
    monkeypatch.undo()

    clock.forward(121)
    stack.invoke("SweepFunction", {})

    run = commands.get(command_id)
    assert (run["status"], run["failed"]) == ("COMPLETE_FAILURE", 2)
    types = [event["type"] for event in stack.events(execution_id)]
    assert types[-3:] == ["COMMAND_STARTED", "COMMAND_CANCELLING", "COMMAND_COMPLETE_FAILURE"]


def test_a4_a_run_past_its_deadline_is_ended_and_what_runs_is_stopped(
    commands: Commands, stack: Stack, clock: JumpingClock
) -> None:
    """A machine that hangs is still running: nothing but the deadline tells."""
    execution_id = commands.launched(2)
    for number in (1, 2):
        commands.answers(number, "status", seconds=120)
    command_id = commands.start("status", executionId=execution_id)
    commands.in_flight(2)
    stack.before["RunTargetFunction"] = lambda _event: time.sleep(1)
    clock.forward(300 + 300 + 601 + 2 * 6)

    stack.invoke("SweepFunction", {})

    run = commands.ended(command_id, 5)
    assert (run["status"], run["failed"]) == ("COMPLETE_FAILURE", 2)
    commands.seen(command_id, lambda _: not commands.running(), 5)
    kinds = {one["failureKind"] for one in commands.results(command_id)}
    assert kinds <= {"exception", "timeout"}, "whoever comes first: its own limit was over as well"
    commands.come_to_rest(20)


def test_a_cancel_in_place_never_ends_what_is_just_being_sent(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cancel reads a target that waits; before it writes, the worker has sent the command."""
    execution_id = commands.launched(1)
    commands.answers(1, "status", seconds=120)
    original = agents.stop_commands
    release: list[bool] = []

    def sent_meanwhile(*arguments: Any) -> None:
        original(*arguments)
        release.append(True)
        # Whoever watches it may have stopped it by the next look: what counts is that it was sent.
        commands.seen(command_id, lambda _: commands.sent_to())

    prepared = []

    def hold(_event: dict[str, Any]) -> None:
        prepared.append(True)
        while not release:
            time.sleep(0.02)

    commands.stack.before["PrepareCommandFunction"] = hold
    monkeypatch.setattr("wavebreak.use_cases.command_machine.end_in_place.stop_commands", sent_meanwhile)
    monkeypatch.setattr("wavebreak.use_cases.command_machine.forward_to_target.Forwarder._hold", lambda _: False)
    command_id = commands.start("status", executionId=execution_id)

    assert commands.cancel(command_id).json["status"] == "CANCELLING"

    monkeypatch.undo()
    run = commands.ended(command_id, 15)
    assert run["failed"] == 1
    assert commands.running() == [], "the worker that watches it has stopped it"
    assert [one["failureKind"] for one in commands.results(command_id)] == ["cancelled"]


def test_a_region_that_hangs_does_not_keep_a_cancel_from_its_answer(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "_STOP_SECONDS", 0.5)
    execution_id = commands.launched(3)
    for number in (1, 2, 3):
        commands.answers(number, "status", seconds=120)
    command_id = commands.start("status", executionId=execution_id)
    commands.in_flight(3)
    original, over = Ssm.cancel, threading.Event()

    def hangs(ssm: Ssm, command: str, instances: Any) -> None:
        if threading.current_thread().name.startswith("stop"):
            over.wait(20)
            raise ClientError({"Error": {"Code": "InternalServerError"}}, "CancelCommand")
        original(ssm, command, instances)

    monkeypatch.setattr(Ssm, "cancel", hangs)
    before = time.monotonic()
    assert commands.cancel(command_id).status == 202
    assert time.monotonic() - before < 5
    assert commands.ended(command_id, 15)["failed"] == 3
    over.set()
