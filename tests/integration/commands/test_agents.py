"""Agents that do not answer, yet or ever, and commands that do not arrive: they hold up no others (contract 6)."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import force_setattr
from tests.support.commands import outcome
from tests.support.plans import plan, server, wave

from wavebreak.aws import agents
from wavebreak.aws.ssm import Ssm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.clock import JumpingClock
    from tests.support.commands import Commands
    from tests.support.stack import Stack

    from wavebreak.site import Site

WAVE_PATIENCE, CALL_PATIENCE = 30, 6
"""Ten minutes and two, at the tests' time scale."""


def unreachable(stack: Stack, numbers: Sequence[int]) -> None:
    for number in numbers:
        stack.control.instance(server(number), reachable=False)


def command_of(stack: Stack, execution_id: str) -> str:
    seen = stack.wait(execution_id, lambda seen: seen["waves"][0]["steps"][0]["commandId"])
    command_id = str(seen["waves"][0]["steps"][0]["commandId"])
    stack.wait(execution_id, lambda _: stack.api("GET", f"/commands/{command_id}").status == 200)
    return command_id


@pytest.mark.parametrize("command", ["status", "start"])
def test_n39_ten_of_twenty_without_an_agent_hold_up_none_of_the_others(
    commands: Commands, stack: Stack, clock: JumpingClock, command: str
) -> None:
    """The first ten are the ones that cannot be reached: they would have had all the slots, or the first turns."""
    stack.put_servers(map(server, range(1, 21)))
    unreachable(stack, range(1, 11))
    document = plan(wave("only", *range(1, 21), after=[{"command": command}]))
    command_id = command_of(stack, execution_id := stack.start(document))

    begun = time.monotonic()
    commands.seen(command_id, lambda run: run["succeeded"] == 10)
    assert time.monotonic() - begun < WAVE_PATIENCE / 2, "nobody waited for the patience of others"
    seen = commands.get(command_id)
    assert (seen["failed"], seen["waiting"]) == (0, 10), "the others are waited for, and it is told how many"
    clock.forward(WAVE_PATIENCE)

    run = commands.ended(command_id)
    assert (run["status"], run["succeeded"], run["failed"]) == ("PARTIAL_SUCCESS", 10, 10)
    assert run["waiting"] == 0
    results = commands.results(command_id)
    assert [one["target"] for one in results] == [server(number) for number in range(1, 21)]
    assert [one["failureKind"] for one in results] == ["unreachable"] * 10 + [None] * 10
    assert stack.ended(execution_id)["status"] == "COMPLETED"
    if command == "start":
        # Each once; an agent that is not there yet when its turn comes has a later one.
        assert sorted(commands.sent_to()) == sorted(commands.instance(number) for number in range(11, 21))


def test_n39_agents_that_come_are_served_while_a_slow_target_still_runs(commands: Commands, stack: Stack) -> None:
    execution_id = commands.launched(14)
    unreachable(stack, range(1, 13))
    commands.answers(13, "status", seconds=20)
    command_id = commands.start("status", executionId=execution_id)
    commands.seen(command_id, lambda run: run["succeeded"] == 1)

    for number in range(1, 13):
        stack.control.instance(server(number), reachable=True)

    commands.seen(command_id, lambda run: run["succeeded"] == 13, 12)
    assert commands.running() == [commands.instance(13)]
    assert commands.ended(command_id)["exitCode"] == 0
    assert len(set(commands.sent_to())) == len(commands.sent_to()) == 14


def test_n39_one_after_another_those_that_can_be_reached_come_first_and_then_those_that_came(
    commands: Commands, stack: Stack
) -> None:
    execution_id = commands.launched(5)
    unreachable(stack, [1, 4])
    for number in range(1, 6):
        commands.answers(number, "start", seconds=0.5)
    command_id = commands.start("start", executionId=execution_id)
    commands.seen(command_id, lambda run: run["succeeded"] == 1)
    for number in (4, 1):
        stack.control.instance(server(number), reachable=True)

    assert commands.ended(command_id)["exitCode"] == 0
    assert commands.sent_to() == [commands.instance(number) for number in (2, 3, 5, 1, 4)]
    assert stack.control.state()["maxCommandsInFlight"] == 1


def test_one_question_tells_of_all_agents_that_are_waited_for(commands: Commands, stack: Stack) -> None:
    execution_id = commands.launched(12)
    unreachable(stack, range(1, 12))
    asked = len(stack.control.calls("DescribeInstanceInformation"))

    command_id = commands.start("start", executionId=execution_id)
    commands.ended(command_id, CALL_PATIENCE * 3)

    calls = stack.control.calls("DescribeInstanceInformation")[asked:]
    assert len(calls) <= 3 * CALL_PATIENCE, "about one a second at this time scale, not one for each target"
    assert max(len(call["parameters"]["Filters"][0]["Values"]) for call in calls[1:]) == 11


def test_a_cancel_ends_the_wait_for_agents_at_once(commands: Commands, stack: Stack) -> None:
    execution_id = commands.launched(3)
    unreachable(stack, [1, 2, 3])
    command_id = commands.start("status", executionId=execution_id)
    commands.seen(command_id, lambda _: len(stack.control.calls("DescribeInstanceInformation")) > 2)

    begun = time.monotonic()
    assert commands.cancel(command_id).status == 202
    commands.ended(command_id, 5)

    assert time.monotonic() - begun < 5
    assert [one["failureKind"] for one in commands.results(command_id)] == ["cancelled"] * 3
    assert commands.sent_to() == []


@pytest.mark.parametrize("code", ["InvalidInstanceId", "TargetNotConnected"])
def test_t19_a_passing_loss_of_the_agent_is_waited_out(commands: Commands, stack: Stack, code: str) -> None:
    stack.put_servers(map(server, (1, 2)))
    stack.control.fault("SendCommand", error=code, count=3)
    required = {"command": "fix-config", "required": True}

    execution = stack.ended(stack.start(plan(wave("only", 1, 2, after=[required]))))

    assert execution["status"] == "COMPLETED"
    assert sorted(commands.sent_to()) == sorted(commands.instance(number) for number in (1, 2))
    assert len(stack.control.calls("SendCommand")) == 5


def test_t18_t19_an_agent_that_stays_away_is_out_of_reach_once_patience_is_over(
    commands: Commands, stack: Stack, clock: JumpingClock
) -> None:
    execution_id = commands.launched(2)
    stack.control.fault("SendCommand", error="InvalidInstanceId", count=1000)
    command_id = commands.start("status", executionId=execution_id)
    commands.seen(command_id, lambda _: len(stack.control.calls("SendCommand")) >= 4)
    clock.forward(CALL_PATIENCE)
    commands.ended(command_id)
    assert outcome(commands.results(command_id)) == [(server(n), -1, "unreachable") for n in (1, 2)]


def test_n15_a_command_that_did_not_arrive_is_sent_again_and_runs_once(
    commands: Commands, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers(map(server, (1, 2)))
    stack.control.instance(server(1), undeliverable=True)
    original, reads = Ssm.invocation, []

    def delivered_from_now_on(ssm: Ssm, command_id: str, instance: str) -> Any:
        answer = original(ssm, command_id, instance)
        if answer is not None and answer["StatusDetails"] == "Undeliverable":
            reads.append(command_id)
            stack.control.instance(server(1), undeliverable=False)
        return answer

    monkeypatch.setattr(Ssm, "invocation", delivered_from_now_on)
    required = {"command": "status", "required": True}
    execution = stack.ended(stack.start(plan(wave("only", 1, 2, after=[required]), wave("b", 3))))

    assert execution["waves"][0]["status"] == "COMPLETED"
    assert len(reads) == 1
    assert sorted(commands.sent_to()) == sorted(commands.instance(number) for number in (1, 1, 2))
    sent = stack.control.calls("SendCommand")
    assert len({call["parameters"]["Comment"] for call in sent}) == len(sent), "each is found by its own comment"


def test_n15_what_began_is_never_sent_again_though_ssm_says_it_did_not_arrive(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So SSM tells of an instance that went away while the command ran."""
    execution_id = commands.launched(1)
    original = Ssm.invocation

    def lost(ssm: Ssm, command_id: str, instance: str) -> Any:
        answer = original(ssm, command_id, instance)
        return answer and {**answer, "StatusDetails": "DeliveryTimedOut", "ResponseCode": -1}

    monkeypatch.setattr(Ssm, "invocation", lost)
    run = commands.run("uninstall", executionId=execution_id)
    assert outcome(commands.results(run["commandId"])) == [(server(1), -1, "unreachable")]
    assert len(commands.sent_to()) == 1


def test_a_region_whose_ssm_is_silent_holds_up_no_other(
    commands: Commands, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "_SILENCE_SECONDS", 0.5)
    far = [{"sourceServerId": server(number)} for number in range(1, 12)]
    for number in range(1, 12):
        stack.control.put_source_server(server(number), region="us-west-2")
    stack.put_servers(map(server, (21, 22)))
    waves = [{"name": "far", "servers": far, "region": "us-west-2"}, wave("near", 21, 22, dependsOn=[])]
    execution_id = stack.ended(stack.start(plan(*waves)))["executionId"]
    back = threading.Event()
    original = stack.app("RunTargetFunction").ssm_at

    class Silent(Ssm):
        def online(self, instance_ids: Sequence[str]) -> frozenset[str]:
            back.wait(30)
            return frozenset(instance_ids)

    def ssm_at(site: Site) -> Ssm:
        found = original(site)
        silent = Silent(found.client, found.once, found.document_prefix, found.log_group, found.sign_in)
        return silent if site.region == "us-west-2" else found

    for function in ("PrepareCommandFunction", "RunTargetFunction"):
        force_setattr(stack.app(function), "ssm_at", ssm_at)
    begun = time.monotonic()
    command_id = commands.start("status", executionId=execution_id)
    commands.seen(command_id, lambda run: run["succeeded"] == 2)
    assert time.monotonic() - begun < CALL_PATIENCE
    assert not [call for call in stack.control.calls("SendCommand") if call["region"] == "us-west-2"]
    back.set()
    assert commands.ended(command_id)["succeeded"] == 13


@pytest.mark.parametrize("way", [{"httpStatus": 500}, {"error": "AccessDeniedException"}], ids=["fault", "denied"])
def test_an_agent_that_ssm_does_not_tell_of_holds_up_none_of_the_others(
    commands: Commands, stack: Stack, clock: JumpingClock, way: dict[str, Any]
) -> None:
    execution_id = commands.launched(14)
    stack.control.fault("DescribeInstanceInformation", **way, subject=commands.instance(3), count=100_000)
    command_id = commands.start("status", executionId=execution_id)
    assert commands.seen(command_id, lambda run: run["succeeded"] >= 13)["failed"] == 0
    clock.forward(CALL_PATIENCE)
    run = commands.ended(command_id)
    assert run["succeeded"] >= 13
