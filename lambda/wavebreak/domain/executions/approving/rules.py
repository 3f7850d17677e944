"""The rules for a wave that waits for approval: reminders, rejection, and who may not approve.

Source of the rules: contract 12, paragraph Approval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.plans.model import ApprovalNotBy, ApprovalThen
from wavebreak.execution_utils import WaveStatus
from wavebreak.timing import iso
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wavebreak.domain.executions.model.approvals import ApprovalWait
    from wavebreak.domain.executions.model.attribution import Attribution
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.waves import Wave


APPROVAL: Final = "approval"
"""Subject of what is said of a wave's approval without a change of its status."""
GIVEN: Final = "GIVEN"
"""It was given while the execution is paused, or while what the wave depends on runs again."""
REMINDED: Final = "REMINDED"


def await_approval(wave: Wave, now: datetime) -> Wave:
    """Return a wave that waits for its approval from now on."""
    wait = wave.approval_wait
    return replace(wave, status=WaveStatus.AWAITING_APPROVAL, approval_wait=wait and wait.begun(now))


def fail_unapproved(wave: Wave, now: datetime, why: str) -> Wave:
    """Fail a wave that waits for an approval; one that is retried asks again."""
    turned_down = replace(wave, approved=False, approval=None, rejected=True)
    return replace(turned_down, status=WaveStatus.FAILED, ended_at=now, error=why)


def next_due(wave: Wave) -> datetime | None:
    """Return the moment at which the next timeout of a wave's approval passes; None while none runs."""
    if wave.status is not WaveStatus.AWAITING_APPROVAL or wave.approved or wave.approval_wait is None:
        return None
    return wave.approval_wait.due_at


def follows(execution: Execution, wave: Wave) -> ApprovalThen | None:
    """Return what follows the timeout of a wave's approval: REJECT is for drills, a RECOVERY is reminded of alone."""
    wait = wave.approval_wait
    if wait is None:
        return None
    return ApprovalThen.REMIND if execution.mode is Mode.RECOVERY else wait.then


def overdue(execution: Execution, now: datetime) -> Execution:
    """Remind of the waves whose approval was not given in time, or reject them; pauses hold up neither."""
    due = [wave for wave in execution.waves if (at := next_due(wave)) is not None and now >= at]
    # An event becomes one message: a reminder would be lost beside a rejection. It is left to the next round.
    rejected = [wave for wave in due if follows(execution, wave) is ApprovalThen.REJECT]
    return execution.with_waves(_overdue(execution, wave, now) for wave in rejected or due) if due else execution


def _overdue(execution: Execution, wave: Wave, now: datetime) -> Wave:
    wait = wave.approval_wait
    if wait is not None and follows(execution, wave) is ApprovalThen.REJECT:
        return fail_unapproved(wave, now, f"Rejected: not approved within {wait.minutes} minute(s)")
    return replace(wave, approval_wait=wait and wait.reminded(now))


def rejected_for_time(before: Execution, after: Execution) -> str | None:
    """Return the reason with which a round rejected waves that were not approved in time, if it did."""
    turned_down = [
        f"{new.number} ({new.name})"
        for old, new in zip(before.waves, after.waves, strict=True)
        if new.rejected and not old.rejected
    ]
    return f"Not approved in time: wave {', '.join(turned_down)}" if turned_down else None


def refusal_of(execution: Execution, wave: Wave, actor: str) -> str | None:
    """Return why a principal may not approve a wave; None when it may. The ARN counts whole, session name included."""
    wait = wave.approval_wait
    if wait is None or not wait.not_by_requester or actor != execution.requested_by:
        return None
    return f"Wave {wave.number} is not approved by who asked for the execution, {actor} (notBy: REQUESTER)"


def given(before: Execution, after: Execution) -> list[tuple[int, Attribution]]:
    """Return the approvals of waves that stop waiting by them, and those given just now to waves that wait on."""
    return [
        (new.number, word)
        for old, new in zip(before.waves, after.waves, strict=True)
        if old.status is WaveStatus.AWAITING_APPROVAL and (word := new.approval or old.approval) is not None
        if new.status is not old.status or (new.approved and not old.approved)
    ]


def awaited(before: Execution, after: Execution) -> list[dict[str, Any]]:
    """Write down of each wave that begins to wait, or that people are reminded of: since and until when, what then."""
    return [
        {
            "waveNumber": new.number,
            "askedAt": iso(wait.asked_at),
            "dueAt": iso(wait.due_at),
            "then": follows(after, new),
            "reminders": wait.reminders,
            **({"notBy": not_by} if (not_by := _not_by(wait)) else {}),
        }
        for old, new in zip(before.waves, after.waves, strict=True)
        if new.status is WaveStatus.AWAITING_APPROVAL
        if (wait := new.approval_wait) is not None and wait.asked_at is not None and wait.due_at is not None
        if wait != old.approval_wait or old.status is not new.status
    ]


def ends_in_rejection(entry: Mapping[str, Any]) -> bool:
    """Return whether a wave listed by `awaited` is rejected when it is not approved in time."""
    return bool(entry.get("then") == ApprovalThen.REJECT)


def said(before: Execution | None, after: Execution) -> list[dict[str, Any]]:
    """List what is said of approvals without a change of status; of which waves, `given` and `awaited` tell."""
    if before is None:
        return []
    held = any(after.wave(number).status is WaveStatus.AWAITING_APPROVAL for number, _ in given(before, after))
    again = any(entry["reminders"] for entry in awaited(before, after))
    words = [*([GIVEN] if held else []), *([REMINDED] if again else [])]
    return [{"subject": APPROVAL, "from": None, "to": word} for word in words]


def approval_view(execution: Execution, wave: Wave) -> dict[str, Any] | None:
    """Show whose word a wave waits for or has: `{askedAt, by, at, reason, dueAt, then, notBy}`; None before that.

    `dueAt` is when the next timeout passes and `then` what follows it; both are null once no approval is awaited.
    """
    wait, word = wave.approval_wait, wave.approval
    asked, due = wait.asked_at if wait else None, next_due(wave)
    if asked is None and word is None:
        return None
    return {
        "askedAt": iso(asked) if asked else None,
        "by": word.actor if word else None,
        "at": iso(word.at) if word else None,
        "reason": word.reason if word else None,
        "dueAt": iso(due) if due else None,
        "then": follows(execution, wave) if due else None,
        "notBy": _not_by(wait) if wait else None,
    }


def _not_by(wait: ApprovalWait) -> ApprovalNotBy | None:
    return ApprovalNotBy.REQUESTER if wait.not_by_requester else None
