"""What an execution waits for from people, and the approvals that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak_cli.views.terminal import when

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Execution = Mapping[str, Any]

_MOST: Final = 3
"""Approvals that are reported, the latest; all of them are in the trail."""


def waiting_for(execution: Execution) -> str | None:
    """Return what a person has to decide, since when, until when and why; None while nobody is waited for."""
    waves = execution.get("waves") or []
    for wave in waves:
        if wave.get("status") == "AWAITING_APPROVAL" and not _approval(wave).get("by"):
            return f"approve or reject wave {wave.get('waveNumber')} {wave.get('name')}{_times(_approval(wave))}"
    if execution.get("status") != "PAUSED":
        return None
    if "FAILURE" in (execution.get("pausedBy") or []):
        for wave in waves:
            if wave.get("status") == "FAILED":
                since, why = _since(wave.get("endedAt")), wave.get("error") or "it failed"
                return f"retry, skip or cancel: wave {wave.get('waveNumber')} {wave.get('name')}{since}: {why}"
    return f"resume: {paused_by(execution)}"


def paused_by(execution: Execution) -> str:
    """Return which operator paused it, since when and why."""
    word = execution.get("pause") or {}
    why = f": {word['reason']}" if word.get("reason") else ""
    return f"{word.get('actor') or 'an operator'} paused it{_since(word.get('at'))}{why}"


def approvals_given(execution: Execution) -> Iterator[tuple[str, str]]:
    """Return who approved which waves, when and why, the latest first."""
    given = [wave for wave in execution.get("waves") or [] if _approval(wave).get("by")]
    for wave in sorted(given, key=lambda wave: str(_approval(wave).get("at")), reverse=True)[:_MOST]:
        word = _approval(wave)
        why = f": {word['reason']}" if word.get("reason") else ""
        yield "Approved", f"wave {wave.get('waveNumber')} by {word['by']} at {when(word.get('at'))}{why}"


def _approval(wave: Mapping[str, Any]) -> Mapping[str, Any]:
    return wave.get("approval") or {}


def _times(approval: Mapping[str, Any]) -> str:
    """Return since when an approval is waited for, what follows when it does not come, and who may not give it."""
    parts = [f"since {_clock(approval['askedAt'])}"] if approval.get("askedAt") else []
    if approval.get("dueAt"):
        follows = "rejected" if approval.get("then") == "REJECT" else "told again"
        parts.append(f"{follows} {_clock(approval['dueAt'])}")
    if approval.get("notBy"):
        parts.append("not by who asked for it")
    return f" ({', '.join(parts)})" if parts else ""


def _since(at: object) -> str:
    return f" (since {_clock(at)})" if at else ""


def _clock(at: object) -> str:
    return when(at)[11:]
