"""Events of audit trails told to people and systems: as the stream of the table brings them, and what was left over."""

from __future__ import annotations

from typing import Any

from wavebreak.app import app
from wavebreak.lambda_entry import doorway, of_each
from wavebreak.use_cases import deliver_events
from wavebreak.use_cases.evidence import write_reports


@doorway
def written(event: dict[str, Any]) -> dict[str, Any]:
    """Tell what is new of the executions that a batch of the stream names.

    Then the reports that they have become due of are written. A fault is recorded and goes no further: what is left
    undone is the sweep's, and the stream is not held up.
    """
    partitions = [record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]]
    executions = deliver_events.executions_of(partitions)
    delivered = of_each(executions, lambda execution_id: deliver_events.deliver(app(), execution_id))
    owing = deliver_events.executions_of(write_reports.partitions_with_due_reports(event["Records"]))
    return {"told": delivered, "reports": of_each(owing, lambda one: write_reports.write_due_report(app(), one))}


@doorway
def alarm_changed(event: dict[str, Any]) -> dict[str, Any]:
    """Tell people of an alarm that went off or is over; the topic has it from CloudWatch itself, function or not."""
    detail = event["detail"]
    state, before = detail["state"], detail.get("previousState") or {}
    if state["value"] == "INSUFFICIENT_DATA" or {state["value"], before.get("value")} == {"OK", "INSUFFICIENT_DATA"}:
        return {"told": 0}
    alarm = {"name": detail["alarmName"], "state": state["value"], "reason": state.get("reason") or ""}
    deliver_events.announce_alarm(app(), alarm)
    return {"told": 1}


@doorway
def sweep(_event: dict[str, Any]) -> dict[str, Any]:
    """Tell what still waits in the outbox, and write the reports that are still owed; neither holds up the other."""
    try:
        delivered = deliver_events.sweep(app())
    finally:
        written = write_reports.sweep(app())
    return {"told": delivered, "reports": written}
