"""Whole runs to report on, small and large: `(execution, events, job_logs)` of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.support.evidence_runs import (
    APPROVER,
    Json,
    Trail,
    job_log,
    plan_document,
    server_shown,
    shown,
    to,
    wave_shown,
    wave_to,
)
from tests.support.execution_builders import NOW, OPERATOR, job_id, later, server_id

from wavebreak.timing import iso, parse_iso

if TYPE_CHECKING:
    from collections.abc import Iterator

Run = tuple[Json, list[Json], dict[str, list[Json]]]
STEP: Final[Json] = {
    "kind": "command",
    "name": "status",
    "required": True,
    "inDrill": "RUN",
    "phase": "AFTER",
    "status": "SUCCEEDED",
    "startedAt": iso(later(1080)),
    "endedAt": iso(later(1095)),
    "error": None,
    "output": "2 of 2 targets",
    "commandId": "cmd-01kahpq7800000000000000001",
}


def completed_drill() -> Run:
    """Three waves of one server, one after another, the second approved after five minutes; all went well."""
    trail = Trail()
    trail.tell(0, to("PENDING"), actor=OPERATOR, reason="quarterly drill")
    trail.tell(1, to("IN_PROGRESS", "PENDING"), wave_to(1, "IN_PROGRESS", "NOT_STARTED"))
    trail.tell(1100, wave_to(1, "COMPLETED", "IN_PROGRESS"), wave_to(2, "AWAITING_APPROVAL", "NOT_STARTED"))
    word = {"waveNumber": 2, "at": iso(later(1400)), "actor": APPROVER, "reason": "data looks right"}
    trail.tell(
        1400,
        wave_to(2, "IN_PROGRESS", "AWAITING_APPROVAL"),
        actor=APPROVER,
        reason="data looks right",
        approvedBy=[word],
    )
    trail.tell(2300, wave_to(2, "COMPLETED", "IN_PROGRESS"), wave_to(3, "IN_PROGRESS", "NOT_STARTED"))
    trail.tell(3200, wave_to(3, "COMPLETED", "IN_PROGRESS"))
    trail.tell(3203, to("COMPLETED", "IN_PROGRESS"))
    waves = [
        wave_shown(1, "COMPLETED", 1, 1100, name="database", steps=[STEP], servers=[server_shown(1, name="db-1")]),
        wave_shown(2, "COMPLETED", 1400, 2300, name="application", steps=[], dependsOn=["database"]),
        wave_shown(3, "COMPLETED", 2300, 3200, name="web", steps=[], dependsOn=["application"]),
    ]
    logs = {
        job_id(1): job_log([server_id(1)], 5, 1060),
        job_id(2): job_log([server_id(2)], 1410, 880),
        job_id(3): job_log([server_id(3)], 2305, 890),
    }
    check = {"executionId": "check-1", "name": "orders", "type": "DOCUMENT", "waveNumber": 1, "status": "completed"}
    extra: Json = {
        "factors": {"f_order_count": 1204},
        "checks": [{**check, "completedAt": iso(later(1099)), "reason": None, "output": {"factors": {"orders": 1204}}}],
        "calls": {"startRecoveryCalls": 3, "refusals": 0},
        "verdict": {"verdict": "PASSED", "notes": "as planned", "by": APPROVER, "at": iso(later(4000))},
    }
    trail.tell(4000, actor=APPROVER, reason="as planned", verdict="PASSED")
    return shown("COMPLETED", waves, 3203, **extra), trail.events, logs


def cancelled_drill() -> Run:
    """Cancelled by a recovery while the first wave of three was in flight: what it launched is recorded."""
    reason = "preempted by recovery-01kahpq7800000000000000009"
    trail = Trail()
    trail.tell(0, to("PENDING"), actor=OPERATOR)
    trail.tell(1, to("IN_PROGRESS", "PENDING"), wave_to(1, "IN_PROGRESS", "NOT_STARTED"))
    cancelled = [wave_to(number, "CANCELLED", "NOT_STARTED") for number in (2, 3)]
    trail.tell(300, to("CANCELLING", "IN_PROGRESS"), *cancelled, actor=OPERATOR, reason=reason)
    trail.tell(700, to("CANCELLED", "CANCELLING"), wave_to(1, "CANCELLED", "IN_PROGRESS"))
    servers = [server_shown(1), server_shown(4, "PENDING"), server_shown(5, "FAILED", error="no subnet")]
    waves = [
        wave_shown(1, "CANCELLED", 1, 700, servers=servers),
        wave_shown(2, "CANCELLED", None, 300),
        wave_shown(3, "CANCELLED", None, 300),
    ]
    logs = {job_id(1): job_log([server_id(1), server_id(5)], 5, 690, failed=[server_id(5)])}
    return shown("CANCELLED", waves, 700), trail.events, logs


def retried_recovery() -> Run:
    """Failed at the second wave, taken up again by a retry that launched it; the third was skipped by hand."""
    trail = Trail()
    trail.tell(0, to("PENDING"), actor=OPERATOR)
    trail.tell(1, to("IN_PROGRESS", "PENDING"), wave_to(1, "IN_PROGRESS", "NOT_STARTED"))
    trail.tell(600, wave_to(1, "COMPLETED", "IN_PROGRESS"), wave_to(2, "IN_PROGRESS", "NOT_STARTED"))
    trail.tell(1200, to("PARTIAL_SUCCESS", "IN_PROGRESS"), wave_to(2, "FAILED", "IN_PROGRESS"))
    trail.tell(1500, to("IN_PROGRESS", "PARTIAL_SUCCESS"), wave_to(2, "IN_PROGRESS", "FAILED"), actor=OPERATOR)
    trail.tell(1510, wave_to(3, "SKIPPED", "NOT_STARTED"), actor=OPERATOR, reason="not needed")
    trail.tell(2100, to("COMPLETED", "IN_PROGRESS"), wave_to(2, "COMPLETED", "IN_PROGRESS"))
    second = wave_shown(2, "COMPLETED", 1500, 2100, attempt=2, jobIds=[job_id(2), job_id(12)], jobId=job_id(12))
    waves = [wave_shown(1, "COMPLETED", 1, 600), second, wave_shown(3, "SKIPPED", None, 1510)]
    logs = {
        job_id(1): job_log([server_id(1)], 5, 590),
        job_id(2): job_log([server_id(2)], 605, 590, failed=[server_id(2)]),
        job_id(12): job_log([server_id(2)], 1505, 590),
    }
    return shown("COMPLETED", waves, 2100, mode="RECOVERY"), trail.events, logs


def failed_drill() -> Run:
    """The first wave of two failed for want of its critical server; the second was held back by it."""
    trail = Trail()
    trail.tell(0, to("PENDING"), actor=OPERATOR)
    trail.tell(1, to("IN_PROGRESS", "PENDING"), wave_to(1, "IN_PROGRESS", "NOT_STARTED"))
    trail.tell(900, wave_to(1, "FAILED", "IN_PROGRESS"))
    trail.tell(901, to("FAILED", "IN_PROGRESS"))
    servers = [server_shown(1, "FAILED", error="The instance did not pass its checks")]
    first = wave_shown(1, "FAILED", 1, 900, servers=servers, error=f"1 critical server(s) failed: {server_id(1)}")
    logs = {job_id(1): job_log([server_id(1)], 5, 890, failed=[server_id(1)])}
    return shown("FAILED", [first, wave_shown(2, "NOT_STARTED")], 901), trail.events, logs


def running_drill() -> Run:
    """Its first wave converts, its second waits for it."""
    trail = Trail()
    trail.tell(0, to("PENDING"), actor=OPERATOR)
    trail.tell(1, to("IN_PROGRESS", "PENDING"), wave_to(1, "IN_PROGRESS", "NOT_STARTED"))
    waves = [
        wave_shown(1, "IN_PROGRESS", 1, servers=[server_shown(1, "IN_PROGRESS")]),
        wave_shown(2, "NOT_STARTED"),
    ]
    return shown("IN_PROGRESS", waves), trail.events, {job_id(1): job_log([server_id(1)], 5, 800)[:4]}


def large_drill(waves: int, servers: int, parallel: int = 3) -> Run:
    """Waves of many servers, so many at a time; now and then a server fails, and with it the seventh wave."""
    trail = Trail()
    trail.tell(0, to("PENDING"), actor=OPERATOR, reason="Full regional drill")
    trail.tell(1, to("IN_PROGRESS", "PENDING"))
    listed: list[Json] = []
    logs: dict[str, list[Json]] = {}
    for number in range(1, waves + 1):
        start = 5.0 + (number - 1) // parallel * 960 + number % parallel * 20
        took = 780.0 + number * 37 % 170
        members = list(_members(number, servers))
        broken = [one["sourceServerId"] for one in members if one["launchStatus"] == "FAILED"]
        names = [one["sourceServerId"] for one in members]
        status = "FAILED" if number == 7 else "COMPLETED"
        trail.tell(start, wave_to(number, "IN_PROGRESS", "NOT_STARTED"))
        trail.tell(start + took, wave_to(number, status, "IN_PROGRESS"))
        logs[job_id(number)] = _spread(names, start, took, broken)
        why = f"{len(broken)} critical server(s) failed: {', '.join(broken[:3])}" if status == "FAILED" else None
        about: Json = {"name": f"tier-{number:02}", "servers": members, "error": why, "steps": [], "dependsOn": []}
        listed.append(wave_shown(number, status, start, start + took, **about))
    end = max(_end_of(wave) for wave in listed)
    trail.tell(end + 2, to("PARTIAL_SUCCESS" if waves >= 7 else "COMPLETED", "IN_PROGRESS"))
    plan = plan_document(waves, onFailure="CONTINUE")
    plan["waves"] = [
        {"name": wave["name"], "servers": [{"sourceServerId": one["sourceServerId"]} for one in wave["servers"]]}
        for wave in listed
    ]
    plan["objectives"] = {"rtoMinutes": 360, "rpoMinutes": 15}
    status = "PARTIAL_SUCCESS" if waves >= 7 else "COMPLETED"
    return shown(status, listed, end + 2, plan=plan, reason="Full regional drill"), trail.events, logs


def _members(wave: int, servers: int) -> Iterator[Json]:
    for position in range(1, servers + 1):
        number = wave * 1000 + position
        fails = number % 97 == 5 or (wave == 7 and position == 2)
        impact = "CRITICAL" if wave == 7 else "OPTIONAL"
        error = "The instance did not pass its checks: Client.InternalError, client error on launch" if fails else None
        shown_as: Json = {
            "name": f"app-{wave:02}-{position:03}",
            "error": error,
            "impact": impact if fails else "CRITICAL",
        }
        yield server_shown(number, "FAILED" if fails else "LAUNCHED", **shown_as)


def _spread(names: list[str], start: float, took: float, broken: list[str]) -> list[Json]:
    """One job's log, in which servers take their time at different speeds."""
    items: list[Json] = []
    for position, name in enumerate(names):
        speed = 0.72 + position * 61 % 100 / 100 * 0.27
        items += [entry for entry in job_log([name], start + 4, took * speed - 8, broken) if "eventData" in entry]
    return [*job_log([], start + 4, took - 4)[:1], *items, job_log([], start + 4, took - 4)[-1]]


def _end_of(wave: dict[str, Any]) -> float:
    """When a wave ended, in seconds after the request."""
    return (parse_iso(wave["endedAt"]) - NOW).total_seconds()
