"""What an API may answer: an execution, a plan and what belongs to them, whole, as docs/openapi.json has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.cli import fake_api
from tests.cli.fake_api import DRILL

from wavebreak.domain.executions.audit_trail import event_hash

if TYPE_CHECKING:
    from tests.cli.fake_api import FakeApi

Json = dict[str, Any]

HOSTILE = "<img src=x onerror=\"alert('name')\"><script>alert(1)</script>\u202egnp.exe\u2066 {{7*7}} ${alert(1)}"
EMOJI = "😀" * 256


WAVES = 80
"""Waves of an execution of 4,000 servers."""


def wave(number: int, status: str, servers: list[Json], **more: Any) -> Json:
    """Make a wave."""
    made = fake_api.wave(number, f"wave {number}", status, servers, dependsOn=[], accountId=None, region=None)
    made |= {"jobIds": [], "steps": [], "attempt": 1, "attempts": [], **more}
    return made


def many_waves() -> list[Json]:
    """Make the waves of 4,000 servers."""
    return [
        wave(number, "COMPLETED", [server(number * 100 + at) for at in range(4000 // WAVES)])
        for number in range(1, WAVES + 1)
    ]


def server(number: int, status: str = "LAUNCHED", **more: Any) -> Json:
    """Make a server of a wave."""
    return fake_api.server(number, status, snapshotAt="2026-11-21T11:59:00.000Z", **more)


def execution(status: str, waves: list[Json], **more: Any) -> Json:
    """Make an execution."""
    counts = [one["status"] for one in waves]
    return fake_api.execution(status, waves) | {
        "failedWaves": counts.count("FAILED"),
        "cancelledWaves": counts.count("CANCELLED"),
        "pausedBy": [],
        "cancel": None,
        "instancesLeft": sum(one["launchStatus"] == "LAUNCHED" for each in waves for one in each["servers"]),
        "leftSince": None,
        "warnings": [],
        "lastFailure": None,
        "verdict": None,
        **more,
    }


def plan(name: str = "3TierRecoveryPlan", plan_id: str = "three-tier", **more: Any) -> Json:
    """Make a stored plan."""
    waves = [
        {"name": "database", "servers": [{"sourceServerId": f"s-{number:017}"} for number in (1, 2)]},
        {"name": "web", "requiresApproval": True, "servers": [{"sourceServerId": f"s-{3:017}"}]},
    ]
    times = {"createdAt": "2026-11-20T10:00:00.000Z", "updatedAt": "2026-11-21T10:00:00.000Z"}
    return {"plan": {"planId": plan_id, "name": name, "waves": waves, **more}, "version": 1, **times}


def trail(reason: str) -> list[Json]:
    """Make a trail whose chain is whole."""
    events: list[Json] = []
    for number in range(1, 4):
        event: Json = {"sequence": number, "at": f"2026-11-21T12:00:0{number}.000Z", "type": "EXECUTION_STARTED"}
        data = {"reason": reason, "changes": [{"from": "PENDING", "to": "IN_PROGRESS"}]}
        event |= {"executionId": DRILL, "actor": reason, "data": data}
        event["previousHash"] = events[-1]["hash"] if events else None
        events.append({**event, "hash": event_hash(event)})
    return events


def error(message: str) -> Json:
    """Make a recorded error."""
    return {
        "errorId": "err-1",
        "at": "2026-11-21T12:00:00.000Z",
        "severity": "ERROR",
        "category": "DRS",
        "service": "RecoveryFunction",
        "errorType": "ThrottlingException",
        "message": message,
        "stackTrace": f"Traceback\n{message}",
        "context": {"note": message},
        "executionId": DRILL,
    }


def command(message: str) -> tuple[Json, list[Json]]:
    """Make a command run that has ended, and its results."""
    result = {"durationSeconds": 1, "exitCode": 0, "failureKind": None, "success": True, "truncated": False}
    results = [
        {**result, "target": f"s-{number:017}", "number": number, "stdout": message, "stderr": message}
        for number in (1, 2)
    ]
    run = {
        "commandId": fake_api.COMMAND,
        "executionId": DRILL,
        "command": "query",
        "args": [message[:200]],
        "status": "COMPLETE_SUCCESS",
        "exitCode": 0,
        "total": 2,
        "succeeded": 2,
        "failed": 0,
        "startedAt": "2026-11-21T12:00:00.000Z",
        "endedAt": "2026-11-21T12:00:02.000Z",
        "summary": f"\n====\n{message}",
        "merged": [{"target": "s-1", "score": 0.9, "text": message}],
        "warnings": [],
        "waveNumber": None,
    }
    return run, results


def fill(
    fake: FakeApi, text: str = "a reason", name: str = "3TierRecoveryPlan", waves: list[Json] | None = None
) -> None:
    """Have the fake API know one of everything, with a text of others wherever there may be one."""
    shown = waves or [
        wave(1, "COMPLETED", [server(1), server(2)], commands=[fake_api.wave_command("status", "COMPLETE_SUCCESS")]),
        wave(2, "AWAITING_APPROVAL", [server(3, "PENDING")], dependsOn=["wave 1"]),
        wave(3, "FAILED", [server(4, "FAILED", error=text)], error=text, dependsOn=["wave 1"]),
        wave(4, "IN_PROGRESS", [server(5, "IN_PROGRESS")], dependsOn=["wave 1"]),
    ]
    verdict = {"verdict": "PASSED", "notes": text, "by": text, "at": "2026-11-21T13:00:00.000Z"}
    warning = {"code": "REPLACES_RUNNING", "message": text}
    running = execution("IN_PROGRESS", shown, reason=text, requestedBy=text, planName=name, warnings=[warning])
    running |= {"pausedBy": ["FAILURE"], "verdict": verdict}
    done = execution("COMPLETED", [wave(1, "COMPLETED", [server(1)])], planName=name, verdict=verdict)
    done |= {"executionId": f"{DRILL[:-1]}b"}
    begun = {"phase": "CONVERSION", "startedAt": "2026-11-21T12:00:10.000Z", "endedAt": None}
    progress = {"waveNumber": 4, "sourceServerId": f"s-{5:017}", "phase": "CONVERSION", "usualSeconds": 60}
    progress |= {"since": begun["startedAt"], "phases": [begun]}
    run, results = command(text)
    checks = [
        {"check": "replication", "subject": f"s-{1:017}", "status": status, "message": text}
        for status in ("FAIL", "WARN")
    ]
    circuits = {
        "drs:us-east-1": {"state": "open", "failure_count": 5},
        "dynamodb": {"state": "closed", "failure_count": 0},
    }
    counted = {
        "hours": 24,
        "from": "2026-11-20T12:00:00.000Z",
        "to": "2026-11-21T12:00:00.000Z",
        "total": 1,
        "hourly": [],
    }
    counted |= {"bySeverity": {"ERROR": 1}, "byCategory": {"DRS": 1}, "byService": {}, "byType": {}}
    summary = {key: value for key, value in running.items() if key != "waves"}
    fake.listed |= {
        "/plans": [plan(name, description=text)],
        "/executions": [summary, {key: value for key, value in done.items() if key != "waves"}],
        f"/executions/{DRILL}/events": trail(text),
        f"/commands/{fake_api.COMMAND}/results": results,
        f"/commands/{fake_api.COMMAND}/lines": [],
        "/errors": [error(text)],
    }
    fake.answers |= {
        ("GET", "/plans/three-tier"): (200, plan(name, description=text)),
        ("POST", "/plans/three-tier/validate"): (200, {"ready": False, "checks": checks}),
        ("GET", f"/executions/{DRILL}"): (200, running),
        ("GET", f"/executions/{DRILL}/progress"): (
            200,
            {"asOf": "2026-11-21T12:00:30.000Z", "servers": [progress]},
        ),
        ("GET", f"/commands/{fake_api.COMMAND}"): (200, run),
        ("GET", "/health"): (
            503,
            {"status": "degraded", "circuit_breakers": circuits, "critical_circuits_open": ["drs:us-east-1"]},
        ),
        ("GET", "/errors/summary"): (200, counted),
    }


PAGES = {
    "plans": "/plans",
    "new plan": "/plans?new=1",
    "plan": "/plans/three-tier",
    "plan servers": "/plans/three-tier?tab=servers",
    "readiness": "/plans/three-tier?tab=readiness",
    "editor": "/plans/three-tier?tab=edit",
    "history": "/plans/three-tier?tab=history",
    "executions": "/executions",
    "execution": f"/executions/{DRILL}",
    "servers": f"/executions/{DRILL}?tab=servers",
    "steps": f"/executions/{DRILL}?tab=steps",
    "trail": f"/executions/{DRILL}?tab=trail",
    "commands": "/commands",
    "command": f"/commands/{fake_api.COMMAND}",
    "operations": "/operations",
    "nowhere": "/plans/a/b",
}
