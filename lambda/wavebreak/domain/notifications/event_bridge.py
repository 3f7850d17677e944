"""What EventBridge gets of an event of the audit trail: one event for each change (docs/events.schema.json)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.audit_trail import WORDS
from wavebreak.domain.executions.stepping.changes import STEP
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.executions.model.executions import Execution

SOURCE: Final = "wavebreak"
EXECUTION_CHANGE: Final = "Execution Status Change"
WAVE_CHANGE: Final = "Wave Status Change"


class BusEvent(Value):
    """An event of the bus."""

    detail_type: str
    at: str
    detail: Mapping[str, Any]


def bus_events(execution: Execution, event: Mapping[str, Any]) -> list[BusEvent]:
    """Make the bus events of an event, in the order of its changes; `detail.change` numbers them from 1.

    The statuses of a termination begin with `TERMINATION_`, those of a command run with `COMMAND_`, so that a rule for
    COMPLETED never takes one for the end of an execution. A verdict or a lease changes no status, and makes none;
    steps appear in the trail alone (contract 5).
    """
    return [
        _bus_event(execution, event, number, change)
        for number, change in enumerate(event["data"]["changes"], 1)
        if change.get("subject") not in {*WORDS, STEP}
    ]


def _bus_event(execution: Execution, event: Mapping[str, Any], number: int, change: Mapping[str, Any]) -> BusEvent:
    prefix = f"{change['subject'].upper()}_" if "subject" in change else ""
    detail: dict[str, Any] = {
        "executionId": execution.execution_id,
        "sequence": event["sequence"],
        "change": number,
        "at": event["at"],
        "planId": execution.plan_id,
        "planName": execution.plan_name,
        "mode": execution.mode.value,
        "subject": change.get("subject", "wave" if "waveNumber" in change else "execution"),
        "from": f"{prefix}{change['from']}" if change["from"] else None,
        "to": f"{prefix}{change['to']}",
        "actor": event["actor"],
        "reason": event["data"].get("reason"),
    }
    if "commandId" in change:
        detail["commandId"] = change["commandId"]
    if "waveNumber" not in change:
        return BusEvent(EXECUTION_CHANGE, event["at"], detail)
    named = {"waveNumber": change["waveNumber"], "waveName": execution.wave(int(change["waveNumber"])).name}
    return BusEvent(WAVE_CHANGE, event["at"], {**detail, **named})
