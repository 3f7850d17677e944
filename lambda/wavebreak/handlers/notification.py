"""Delivery of audit events to people and systems: as the stream of the table brings them, and of those left over."""

from __future__ import annotations

from typing import Any

from wavebreak.app import app
from wavebreak.lambda_entry import doorway, of_each
from wavebreak.use_cases import deliver_events
from wavebreak.use_cases.evidence import write_reports


@doorway
def written(event: dict[str, Any]) -> dict[str, Any]:
    """Deliver the new events of the executions that a batch of the stream names.

    Then write the reports that have become due. A fault is recorded and does not hold up the stream: the sweep does
    what is left.
    """
    partitions = [record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]]
    executions = deliver_events.executions_of(partitions)
    delivered = of_each(executions, lambda execution_id: deliver_events.deliver(app(), execution_id))
    owing = deliver_events.executions_of(write_reports.partitions_with_due_reports(event["Records"]))
    return {"delivered": delivered, "reports": of_each(owing, lambda one: write_reports.write_due_report(app(), one))}


@doorway
def alarm_changed(event: dict[str, Any]) -> dict[str, Any]:
    """Notify people of an alarm that began or ended; CloudWatch itself publishes it to the topic."""
    detail = event["detail"]
    state, before = detail["state"], detail.get("previousState") or {}
    if state["value"] == "INSUFFICIENT_DATA" or {state["value"], before.get("value")} == {"OK", "INSUFFICIENT_DATA"}:
        return {"delivered": 0}
    alarm = {"name": detail["alarmName"], "state": state["value"], "reason": state.get("reason") or ""}
    deliver_events.announce_alarm(app(), alarm)
    return {"delivered": 1}


@doorway
def sweep(_event: dict[str, Any]) -> dict[str, Any]:
    """Deliver what still waits in the outbox, and write the reports that are still due; neither holds up the other."""
    try:
        delivered = deliver_events.sweep(app())
    finally:
        written = write_reports.sweep(app())
    return {"delivered": delivered, "reports": written}
