"""A message of every kind, told from real trails of events."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.support.execution_builders import NOW, OPERATOR, execution, job, later, wave

from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR, append_event, change_details, status_changes
from wavebreak.domain.executions.batch_search import Suspicion
from wavebreak.domain.executions.model.approvals import ApprovalWait
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Cancel, Execution, Mode, Termination
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.leases import Lease
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.terminations import EndingOutcome, InstanceEnding
from wavebreak.domain.executions.replay import statuses_after
from wavebreak.domain.notifications.command_and_alarm_messages import alert_message, command_message
from wavebreak.domain.notifications.execution_messages import execution_message
from wavebreak.domain.notifications.message import Kind, Message
from wavebreak.domain.notifications.plan_messages import drill_not_started, plan_readiness
from wavebreak.domain.plans.model import ApprovalThen
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

E, W, T = ExecutionStatus, WaveStatus, TerminationStatus

HOSTILE_NAME = "<b>Bill & \"Ted\"</b>\r\nBcc: all@example.com\u2028🧨 <script>alert('x')</script> \x1b[31m`rm`"
APPROVER = "arn:aws:sts::123456789012:assumed-role/Operators/jane@example.com"
RECOVERY_ID = "recovery-01kahpq7800000000000000000"


RUN: dict[str, Any] = {
    "commandId": "cmd-01kahpq7800000000000000000",
    "executionId": None,
    "command": "status",
    "status": "PARTIAL_SUCCESS",
    "total": 3,
    "succeeded": 2,
    "failed": 1,
    "summary": "\n====\nEXECUTION SUMMARY\n====\nTotal repositories: 3\nSucceeded: 2\nFailed: 1\n\n"
    "Failed repositories:\n  • s-00000000000000002\n\nStatus: PARTIAL SUCCESS\n====",
}


_NONE: Mapping[str, Any] = {}


class AuditedExecution:
    """An execution of three waves with the audit trail of its steps."""

    def __init__(self, name: str, mode: Mode) -> None:
        waves = [wave(number, name=label) for number, label in enumerate(("database", "application", "web"), 1)]
        ids = {} if mode is Mode.DRILL else {"execution_id": RECOVERY_ID}
        self.now = execution(*waves, plan_name=name, mode=mode, status=E.PENDING, requested_by=OPERATOR, **ids)
        self.now = replace(self.now, reason="quarterly drill")
        self.trail: list[dict[str, Any]] = []
        self._append(None, self.now, Attribution(OPERATOR, NOW, "quarterly drill"))

    def then(
        self, seconds: float, actor: str = ENGINE_ACTOR, reason: str | None = None, **fields: Any
    ) -> AuditedExecution:
        """Let something become of the execution; `w1`, `w2`, `w3` are statuses of waves, `details` go to the event."""
        details = fields.pop("details", {})
        waves = {int(name[1]): fields.pop(name) for name in list(fields) if name in {"w1", "w2", "w3"}}
        changed = [self._wave(number, status) for number, status in waves.items()]
        jobs = tuple(job(number, JobState.ENDED) for number in (1, 2) if self.now.wave(number).started_at)
        after = replace(self.now.with_waves(changed), jobs=self.now.jobs or jobs, **fields)
        self._append(self.now, after, Attribution(actor, later(seconds), reason), details)
        return self

    def _wave(self, number: int, status: WaveStatus) -> Any:
        error = "1 critical server(s) failed: s-00000000000000002" if status is W.FAILED else None
        return replace(self.now.wave(number), status=status, started_at=NOW, error=error)

    def _append(
        self, before: Execution | None, after: Execution, act: Attribution, details: Mapping[str, Any] = _NONE
    ) -> None:
        behind = change_details(before, after) if before is not None else {}
        self.now, event = append_event(after, status_changes(before, after), act, behind | dict(details))
        self.trail.append(event)

    def message(self, kind: Kind) -> Message:
        """Return the message of the last event."""
        return execution_message(kind, statuses_after(self.trail).shown_by(self.now), self.trail[-1])


def _running(name: str, mode: Mode) -> AuditedExecution:
    return AuditedExecution(name, mode).then(1, status=E.IN_PROGRESS, w1=W.IN_PROGRESS)


def _half(name: str, mode: Mode) -> AuditedExecution:
    return _running(name, mode).then(38, w1=W.COMPLETED).then(39, w2=W.IN_PROGRESS)


def _partial(name: str, mode: Mode) -> AuditedExecution:
    cancel = Cancel(Attribution(APPROVER, later(60), "enough seen"))
    story = _half(name, mode).then(60, APPROVER, "enough seen", w3=W.CANCELLED, status=E.CANCELLING, cancel=cancel)
    return story.then(80, w2=W.CANCELLED, status=E.PARTIAL_SUCCESS)


def _terminated(name: str, mode: Mode, end: TerminationStatus) -> AuditedExecution:
    """A termination of three instances; one that is INCOMPLETE ended the first, and each other is left in its way."""
    story = _partial(name, mode)
    endings = [
        InstanceEnding(EndingOutcome.TERMINATED),
        InstanceEnding(suspicion=Suspicion("ConflictException: <b>a job</b>\nof its server runs", NOW)),
        InstanceEnding(EndingOutcome.UNKNOWN, "DRS no longer shows it, and EC2 has it running"),
    ]
    launched = [
        wave.with_servers(
            lambda server, known=known: replace(  # type: ignore[misc]  # mypy infers no default
                server,
                launch_status=LaunchStatus.LAUNCHED,
                recovery_instance_id=f"i-{server.source_server_id[2:]}",
                ending=InstanceEnding(EndingOutcome.TERMINATED) if end is T.COMPLETED else known,
            )
        )
        for wave, known in zip(story.now.waves, endings, strict=True)
    ]
    story.now = story.now.with_waves(launched)
    return story.then(100, OPERATOR, termination=Termination(T.IN_PROGRESS)).then(130, termination=Termination(end))


def _leased(name: str, mode: Mode) -> AuditedExecution:
    """A drill that ended with an instance, and whose lease has a fifth of its minutes left."""
    story = _running(name, mode).then(30, w1=W.COMPLETED)
    launched = story.now.wave(1).with_servers(
        lambda server: replace(server, launch_status=LaunchStatus.LAUNCHED, recovery_instance_id="i-00000000000000001")
    )
    story.now = story.now.with_waves([launched])
    lease = Lease(60, timedelta(minutes=60)).counted_from(later(40))
    story.then(40, w2=W.SKIPPED, w3=W.SKIPPED, status=E.COMPLETED, ended_at=later(40), lease=lease)
    return story.then(2920, lease=replace(lease, reminded=True))


def _asked(name: str, mode: Mode, then: ApprovalThen = ApprovalThen.REJECT) -> AuditedExecution:
    """An execution whose second wave is put to somebody, not to who asked for the execution."""
    story, wait = _running(name, mode), ApprovalWait(60, timedelta(minutes=60), then, True)  # noqa: FBT003  a field
    story.now = story.now.with_waves([replace(story.now.wave(2), approval_wait=wait.begun(later(38)))])
    return story.then(38, w1=W.COMPLETED, w2=W.AWAITING_APPROVAL)


def _reminded(name: str, mode: Mode) -> AuditedExecution:
    """The same, an hour later: people are told again."""
    story = _asked(name, mode, ApprovalThen.REMIND)
    after = replace(story.now.wave(2), approval_wait=story.now.wave(2).approval_wait.reminded(later(3638)))  # type: ignore[union-attr]  # it waits
    return story.then(3638, waves=(story.now.wave(1), after, story.now.wave(3)))


STORIES: dict[Kind, Callable[[str, Mode], Message]] = {
    Kind.STARTED: lambda n, m: AuditedExecution(n, m).message(Kind.STARTED),
    Kind.COMPLETED: lambda n, m: (
        _half(n, m)
        .then(70, w2=W.COMPLETED)
        .then(71, APPROVER, w3=W.SKIPPED, status=E.COMPLETED)
        .message(Kind.COMPLETED)
    ),
    Kind.PARTIAL_SUCCESS: lambda n, m: _partial(n, m).message(Kind.PARTIAL_SUCCESS),
    Kind.FAILED: lambda n, m: _running(n, m).then(50, w1=W.FAILED, status=E.FAILED).message(Kind.FAILED),
    Kind.CANCELLING: lambda n, m: (
        _half(n, m)
        .then(60, APPROVER, "enough seen\nBcc: x", w3=W.CANCELLED, status=E.CANCELLING)
        .message(Kind.CANCELLING)
    ),
    Kind.CANCELLED: lambda n, m: (
        AuditedExecution(n, m)
        .then(5, OPERATOR, w1=W.CANCELLED, w2=W.CANCELLED, w3=W.CANCELLED, status=E.CANCELLED)
        .message(Kind.CANCELLED)
    ),
    Kind.PREEMPTED: lambda n, m: (
        _half(n, m)
        .then(
            60,
            APPROVER,
            f"Preempted by {RECOVERY_ID}",
            w3=W.CANCELLED,
            status=E.CANCELLING,
            details={"preemptedBy": RECOVERY_ID},
        )
        .message(Kind.PREEMPTED)
    ),
    Kind.PAUSED: lambda n, m: _half(n, m).then(70, w2=W.FAILED, status=E.PAUSED).message(Kind.PAUSED),
    Kind.RESUMED: lambda n, m: (
        _half(n, m).then(60, APPROVER, status=E.PAUSED).then(600, APPROVER, status=E.IN_PROGRESS).message(Kind.RESUMED)
    ),
    Kind.APPROVAL_NEEDED: lambda n, m: _asked(n, m).message(Kind.APPROVAL_NEEDED),
    Kind.APPROVAL_STILL_NEEDED: lambda n, m: _reminded(n, m).message(Kind.APPROVAL_STILL_NEEDED),
    Kind.DRILL_NOT_STARTED: lambda n, _: drill_not_started(
        {"planId": "three-tier", "name": n}, f"PLAN_BUSY: {n}", "2026-11-22T06:00:00Z", "2026-11-22T06:00:01.000Z"
    ),
    Kind.PLAN_NOT_READY: lambda n, _: plan_readiness(
        {"planId": "three-tier", "name": n},
        {
            "checkedAt": "2026-11-22T06:00:01.000Z",
            "ready": False,
            "failing": [{"check": "replication", "subject": n, "message": f"replication is stalled (STALLED); {n}"}],
            "planVersion": 3,
        },
    ),
    Kind.PLAN_READY: lambda n, _: plan_readiness(
        {"planId": "three-tier", "name": n},
        {"checkedAt": "2026-11-22T06:30:01.000Z", "ready": True, "failing": [], "planVersion": 3},
    ),
    Kind.LEASE_ENDING: lambda n, m: _leased(n, m).message(Kind.LEASE_ENDING),
    Kind.WAVE_FAILED: lambda n, m: _half(n, m).then(70, w2=W.FAILED).message(Kind.WAVE_FAILED),
    Kind.TERMINATED: lambda n, m: _terminated(n, m, T.COMPLETED).message(Kind.TERMINATED),
    Kind.TERMINATION_INCOMPLETE: lambda n, m: _terminated(n, m, T.INCOMPLETE).message(Kind.TERMINATION_INCOMPLETE),
    Kind.COMMAND_FINISHED: lambda n, _: command_message({**RUN, "command": n}),
    Kind.ALERT: lambda n, _: alert_message(
        {"name": n, "state": "ALARM", "reason": "1 datapoint (3.0) was greater than 0"}
    ),
}


def message(kind: Kind, name: str = "3TierRecoveryPlan", mode: Mode = Mode.DRILL) -> Message:
    """Give a message of a kind."""
    return STORIES[kind](name, mode)
