"""What an open circuit means to the calls that must not be made twice: nothing happened, and waiting helps."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from tests.support.command_machine_world import FakeSsm, Manners, World
from tests.support.execution_builders import NOW

from wavebreak.aws.unrepeated import CallRejectedError, judged
from wavebreak.domain.commands.runs import CommandRun
from wavebreak.problems import CircuitOpen


def refused() -> CallRejectedError:
    def call() -> None:
        raise CircuitOpen("ssm/us-east-1 is left alone for now")

    with pytest.raises(CallRejectedError) as raised:
        judged(call)
    return raised.value


def test_s3_22_a_call_that_an_open_circuit_held_back_is_a_refusal_that_waiting_helps() -> None:
    refusal = refused()
    assert (refusal.not_called, refusal.retryable) == (True, True)
    assert (refusal.concerns_a_server, refusal.smaller_may_fit) == (False, False)
    assert not CallRejectedError("ThrottlingException", "slow down", status=429).not_called


class Circuit:
    """Holds back SendCommand until a moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, world: World, until: float) -> None:
        self.world, self.until = world, until
        self.held_back = 0
        send = FakeSsm.send

        def guarded(*arguments: Any) -> str:
            if world.time.now < until:
                self.held_back += 1
                raise refused()
            return send(*arguments)

        monkeypatch.setattr(FakeSsm, "send", guarded)


def world_of(run: CommandRun) -> World:
    return World(run, [Manners(), Manners()], Random(1))  # noqa: S311  a test's dice


def test_s3_9_a_target_behind_an_open_circuit_is_told_so_to_whoever_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of(CommandRun("cmd-1", "drill-1", "status", (), "me", NOW, 300, 2, patience_seconds=120))
    Circuit(monkeypatch, world, until=60)
    world.drive()
    results = [world.results[number][0] for number in (1, 2)]
    assert {result["failureKind"] for result in results} == {"circuit_open"}
    assert {result["stderr"] for result in results} == {"Unexpected error: the circuit of ssm is open"}
    assert max(world.ended_at.values()) < 5


def test_s3_22_a_waves_command_waits_for_the_circuit_however_long(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of(CommandRun("cmd-1", "drill-1", "status", (), "me", NOW, 300, 2, patience_seconds=600, wave=1))
    circuit = Circuit(monkeypatch, world, until=2000)
    world.drive()
    assert all(world.results[number][0]["success"] for number in (1, 2))
    assert min(world.ended_at.values()) > 2000
    assert circuit.held_back < 2 * 45, "the pauses between two tries grow to a minute"
