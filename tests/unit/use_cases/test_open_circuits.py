"""What an open circuit means to the calls that must not be made twice: nothing happened, and waiting helps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from wavebreak.aws.unrepeated import Refusal, judged
from wavebreak.domain.commands.runs import CommandTarget, TargetState
from wavebreak.problems import CircuitOpen
from wavebreak.use_cases import forward_to_target


def refused() -> Refusal:
    def call() -> None:
        raise CircuitOpen("ssm/us-east-1 is left alone for now")

    with pytest.raises(Refusal) as raised:
        judged(call)
    return raised.value


def test_s3_22_a_call_that_an_open_circuit_held_back_is_a_refusal_that_waiting_helps() -> None:
    refusal = refused()
    assert (refusal.not_called, refusal.retryable) == (True, True)
    assert (refusal.concerns_a_server, refusal.smaller_may_fit) == (False, False)
    assert not Refusal("ThrottlingException", "slow down", status=429).not_called


def forwarder(patience_seconds: int, moved: list[Any]) -> Any:
    made: Any = object.__new__(forward_to_target._Forwarder)

    def move(_run: str, _before: Any, after: Any) -> bool:
        moved.append(after)
        return True

    commands = SimpleNamespace(move=move)
    made.app = SimpleNamespace(commands=commands, errors=SimpleNamespace(record_error=lambda *_, **__: None))
    made.run = SimpleNamespace(command_id="cmd-1", patience_seconds=patience_seconds, execution_id="drill-1")
    made.target = SimpleNamespace(name="i-1", number=1)
    return made


def test_s3_9_a_target_behind_an_open_circuit_is_told_so_to_whoever_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    results: list[Any] = []
    monkeypatch.setattr(forward_to_target._Forwarder, "_end", lambda _self, result: results.append(result))
    forwarder(0, [])._refused(refused())
    (result,) = results
    assert (result.failure_kind, result.stderr) == ("circuit_open", "Unexpected error: the circuit of ssm is open")


def test_s3_22_a_waves_command_waits_for_the_circuit(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[Any] = []
    waiting = forwarder(600, moved)
    monkeypatch.setattr(forward_to_target, "replace", lambda _target, **changes: changes)
    monkeypatch.setattr("wavebreak.use_cases.forward_to_target.time.sleep", lambda _seconds: None)
    monkeypatch.setattr(forward_to_target._Forwarder, "_note", lambda _self, _error: None)
    waiting._refused(refused())
    assert moved == [{"state": TargetState.WAITING, "intended_at": None}]
    assert CommandTarget.__dataclass_fields__.keys() >= moved[0].keys()
