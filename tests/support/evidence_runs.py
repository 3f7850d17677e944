"""Runs to report on: a trail told event by event, job logs as DRS writes them, executions as the API shows them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from tests.support.execution_builders import EXECUTION_ID, NOW, OPERATOR, instance_id, job_id, later, server_id

from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR, event_hash, type_of
from wavebreak.domain.executions.creation import frozen_document
from wavebreak.domain.plans.model import StoredPlan
from wavebreak.timing import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

Json = dict[str, Any]
APPROVER: Final = "arn:aws:sts::123456789012:assumed-role/approver/kim"
STEPS: Final = (
    *(("SNAPSHOT_START", 0.1), ("SNAPSHOT_END", 0.2), ("CONVERSION_START", 0.2), ("CONVERSION_END", 0.6)),
    *(("LAUNCH_START", 0.6), ("LAUNCH_END", 1.0)),
)
"""What DRS writes of a server that launches, and at which part of its time."""


class Trail:
    """An audit trail, chained as the product chains it."""

    def __init__(self, execution_id: str = EXECUTION_ID) -> None:
        self.events: list[Json] = []
        self._id = execution_id

    def tell(
        self, seconds: float, *changes: Json, actor: str = ENGINE_ACTOR, reason: str | None = None, **data: Any
    ) -> Json:
        """Add an event at so many seconds after the request."""
        reported: Json = {"changes": list(changes), **data}
        if reason:
            reported["reason"] = reason
        last = self.events[-1]["hash"] if self.events else None
        event: Json = {
            "sequence": len(self.events) + 1,
            "at": iso(later(seconds)),
            "type": type_of(changes) if changes else "VERDICT_GIVEN",
            "executionId": self._id,
            "actor": actor,
            "data": reported,
            "previousHash": last,
        }
        numbers = {change.get("waveNumber") for change in changes}
        if len(numbers) == 1 and None not in numbers:
            event["waveNumber"] = numbers.pop()
        self.events.append({**event, "hash": event_hash(event)})
        return self.events[-1]


def to(status: str, old: str | None = None) -> Json:
    """A change of the execution."""
    return {"from": old, "to": status}


def wave_to(number: int, status: str, old: str | None = None) -> Json:
    """A change of a wave."""
    return {"waveNumber": number, "from": old, "to": status}


def job_log(
    servers: Iterable[str], start: float, seconds: float, failed: Sequence[str] = (), tail: float = 5
) -> list[Json]:
    """The log of a job that begins so many seconds after the request; failed servers fail in their launch."""
    items = [item("JOB_START", start)]
    for name in servers:
        for event, part in STEPS:
            broke = name in failed and event == "LAUNCH_END"
            about: Json = {"sourceServerID": name}
            if broke:
                about["rawError"] = "The instance did not pass its checks"
            elif event == "LAUNCH_END":
                about["targetInstanceID"] = f"i-{name.removeprefix('s-')}"
            items.append(item("LAUNCH_FAILED" if broke else event, start + seconds * part, **about))
    return [*items, item("JOB_END", start + seconds + tail)]


def item(event: str, seconds: float, **data: Any) -> Json:
    """An item of a job log."""
    return {"logDateTime": stamp(later(seconds)), "event": event, **({"eventData": data} if data else {})}


def stamp(moment: datetime) -> str:
    """A time as DRS writes it."""
    return moment.isoformat().replace("+00:00", "Z")


def server_shown(number: int, status: str = "LAUNCHED", **fields: Any) -> Json:
    """A server as the API shows it; a launched one has its instance, its recovery point 90 s before the request."""
    launched = status == "LAUNCHED"
    return {
        "sourceServerId": server_id(number),
        "name": f"host-{number}",
        "impact": "CRITICAL",
        "launchStatus": status,
        "recoveryInstanceId": instance_id(number) if launched else None,
        "snapshotAt": iso(NOW - timedelta(seconds=90)) if launched else None,
        "error": None,
        **fields,
    }


def wave_shown(number: int, status: str, start: float | None = None, end: float | None = None, **fields: Any) -> Json:
    """A wave as the API shows it, of one server with its number; times in seconds after the request."""
    begun = start is not None
    return {
        "waveNumber": number,
        "name": f"wave-{number}",
        "status": status,
        "dependsOn": [f"wave-{number - 1}"] if number > 1 else [],
        "accountId": None,
        "region": None,
        "jobId": job_id(number) if begun else None,
        "jobIds": [job_id(number)] if begun else [],
        "attempt": 1,
        "startedAt": iso(later(start)) if start is not None else None,
        "endedAt": iso(later(end)) if end is not None else None,
        "error": None,
        "servers": [server_shown(number, "LAUNCHED" if status == "COMPLETED" else "PENDING")],
        **fields,
    }


def plan_document(waves: int = 1, **settings: Any) -> Json:
    """A frozen plan of waves of one server; `settings` are those of every wave."""
    return {
        "planId": "three-tier",
        "name": "3TierRecoveryPlan",
        "objectives": {"rtoMinutes": 60, "rpoMinutes": 15},
        "waves": [
            {
                "name": f"wave-{number}",
                "servers": [{"sourceServerId": server_id(number)}],
                "onFailure": "STOP",
                **settings,
            }
            for number in range(1, waves + 1)
        ],
    }


def plan_hash(document: Json) -> str:
    """The hash of a frozen plan, as the product makes it."""
    return frozen_document(StoredPlan(document, 4, iso(NOW), iso(NOW)))[1]


def shown(status: str, waves: list[Json], end: float | None = None, **fields: Any) -> Json:
    """An execution as the API shows it, with its frozen plan."""
    plan = fields.get("plan", plan_document(len(waves)))
    return {
        "executionId": EXECUTION_ID,
        "planId": "three-tier",
        "planName": "3TierRecoveryPlan",
        "planVersion": 4,
        "planHash": plan_hash(plan),
        "plan": plan,
        "mode": "DRILL",
        "status": status,
        "requestedBy": OPERATOR,
        "reason": "quarterly drill",
        "startedAt": iso(NOW),
        "endedAt": iso(later(end)) if end is not None else None,
        "waves": waves,
        "termination": {"status": "NOT_REQUESTED", "terminated": 0, "remaining": [], "unknown": []},
        "instancesTerminated": False,
        "verdict": None,
        "checks": [],
        "factors": {},
        **fields,
    }
