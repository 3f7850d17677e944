"""Messages that no event of an execution's trail reports: a command run that ended, an alarm that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.views.next_steps import Step
from wavebreak.domain.notifications.message import Kind, Message, Presentation, discreet, one_line, subject_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_RUNS: Final[Mapping[str, Presentation]] = {
    "COMPLETE_SUCCESS": Presentation("✅", "Completed", "Complete Success", "green"),
    "PARTIAL_SUCCESS": Presentation("⚠️", "Partially Completed", "Partial Success", "orange"),
    "COMPLETE_FAILURE": Presentation("❌", "Failed", "Complete Failure", "red"),
}
_ALARMS: Final[Mapping[str, Presentation]] = {
    "ALARM": Presentation("🚨", "Alert", "Alert", "red"),
    "OK": Presentation("✅", "Alert Over", "Alert Over", "green"),
}
_UNKNOWN: Final = Presentation("⚠️", "Alert Unclear", "Alert Unclear", "gray")
_MAX_BLOCK: Final = 4000


def command_message(run: Mapping[str, Any], sequence: int | None = None) -> Message:
    """Return the message that a command run ended; `sequence` is that of the event in its execution's trail.

    `run` is `{commandId, executionId, command, status, total, succeeded, failed, summary}`; executionId may be null,
    `status` is one of the run's three ends, `summary` its text.
    """
    status, command, execution_id = str(run["status"]), one_line(run["command"]), run.get("executionId")
    presentation = _RUNS[status]
    counts = (("✓", "succeeded"), ("✗", "failed"))
    summary = " | ".join(f"{mark} {run[word]} target(s) {word}" for mark, word in counts if run[word])
    facts = [("Command", command), ("Command run", str(run["commandId"])), ("Targets", str(run["total"]))]
    attributes = {"commandId": str(run["commandId"]), "type": Kind.COMMAND_FINISHED.value, "status": status}
    steps = []
    if sequence is not None:
        attributes["sequence"] = str(sequence)
    if execution_id:
        facts.append(("Execution", str(execution_id)))
        attributes["executionId"] = str(execution_id)
        steps.append(Step(f"wavebreak show {execution_id}", "see the execution"))
    return Message(
        kind=Kind.COMMAND_FINISHED,
        presentation=presentation,
        subject=subject_of(presentation.emoji, f"DRS Command Run {presentation.headline} - {command}"),
        summary=summary,
        sentence=f"{run['succeeded']} of {run['total']} target(s) succeeded.",
        facts=tuple(facts),
        steps=tuple(steps),
        attributes=attributes,
        fields={name: run.get(name) for name in ("commandId", "executionId", "command", "total", "succeeded", "failed")}
        | {"status": status, "summary": summary},
        block=_block(str(run["summary"])),
    )


def _block(text: str) -> str:
    """Keep the line breaks of a summary and nothing else that could act on whatever shows it."""
    lines = "\n".join(discreet(line) for line in text.strip("\n").split("\n"))
    return lines if len(lines) <= _MAX_BLOCK else lines[: _MAX_BLOCK - 1] + "…"


def alert_message(alarm: Mapping[str, Any]) -> Message:
    """Return the message that an alarm changed: `alarm` is `{name, state, reason}`, `state` a CloudWatch alarm's."""
    name, state, reason = one_line(alarm["name"]), str(alarm["state"]), discreet(alarm["reason"])
    presentation = _ALARMS.get(state, _UNKNOWN)
    return Message(
        kind=Kind.ALERT,
        presentation=presentation,
        subject=subject_of(presentation.emoji, f"DRS {presentation.headline} - {name}"),
        summary="",
        sentence=reason,
        facts=(("Alarm", name), ("State", state)),
        steps=(Step("wavebreak errors", "see what went wrong"), Step("wavebreak health", "see how it stands")),
        attributes={"type": Kind.ALERT.value, "status": state},
        fields={"name": name, "status": state, "reason": reason},
    )
