"""Command runs in which something fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from tests.support.commands import Commands


def turn(command_id: str, *, worker: int = 1, number: int = 1) -> dict[str, Any]:
    """What the machine calls a worker with."""
    return {"commandId": command_id, "run": 1, "worker": worker, "number": number, "rounds": 0, "most": 100}


EVERYTHING = ("COMPLETE_SUCCESS", 0, 2)


def once(
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


def summed(run: dict[str, Any]) -> tuple[str, int, int]:
    return (run["status"], run["exitCode"], run["succeeded"])


def sent_once_each(commands: Commands, count: int = 2) -> bool:
    sent = commands.sent_to()
    return len(sent) == len(set(sent)) == count
