"""A command on its way to one target: what is known of a send, when it is tried again, when it is given up.

Nothing is sent a second time that may have been sent: after an answer that was lost, and after the sender has died,
the command is searched for until it would have shown up. What was refused, or not delivered by SSM, never ran, and is
sent again as long as the run's patience with the target's agent lasts (contract 6).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from wavebreak.domain.commands.runs import CommandTarget, TargetState
from wavebreak.values import replace

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.commands.runs import CommandRun
    from wavebreak.timing import Timing

SENDER_SECONDS: Final = 110
"""After so long the call that intended a send is surely over: the time limit of its function."""
SETTLE: Final = timedelta(seconds=15)
"""How long a command that was sent may take to show up."""
_FIRST_PAUSE_SECONDS: Final = 5
_LONGEST_PAUSE_SECONDS: Final = 60


def intended(target: CommandTarget, now: datetime, sender: str) -> CommandTarget:
    """Write the intent of a send: from here on no other call may send to this target."""
    return replace(
        target,
        state=TargetState.SENDING,
        ssm_command_id=None,
        intended_at=now,
        sent_at=None,
        sender=sender,
        tries=target.tries + 1,
        lost_at=None,
        due_at=None,
    )


def sent(target: CommandTarget, ssm_command_id: str, now: datetime) -> CommandTarget:
    """Write that SSM took the command."""
    return replace(target, state=TargetState.SENT, ssm_command_id=ssm_command_id, sent_at=now)


def answer_lost(target: CommandTarget, now: datetime) -> CommandTarget:
    """Write that it is unknown whether the command was sent."""
    return replace(target, lost_at=now)


def not_sent(target: CommandTarget) -> CommandTarget:
    """Write that nothing was sent, so that it may be sent at once."""
    return replace(target, state=TargetState.WAITING, intended_at=None, lost_at=None)


def postponed(target: CommandTarget, now: datetime, timing: Timing, *, late: bool) -> CommandTarget:
    """Return a target whose turn goes to others; `late`: its agent does not answer.

    The more often it was tried, the longer the pause. Nothing was sent, or nothing of it arrived.
    """
    return replace(
        target,
        state=TargetState.POSTPONED,
        ssm_command_id=None,
        intended_at=None,
        sent_at=None,
        lost_at=None,
        late_since=(target.late_since or now) if late else target.late_since,
        due_at=now + timing.scaled(_pause_seconds(target.tries)),
    )


def _pause_seconds(tries: int) -> int:
    """Return the pause after so many tries; none before the first."""
    return min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** (tries - 1)) if tries else 0


def is_due(target: CommandTarget, now: datetime) -> bool:
    """Return whether a postponed target may be tried again, if its agent answers."""
    return target.due_at is None or now >= target.due_at


def patience_is_over(run: CommandRun, target: CommandTarget, now: datetime, timing: Timing) -> bool:
    """Return whether the agent of a target was waited for as long as the run waits."""
    return target.late_since is not None and now >= target.late_since + timing.scaled(run.patience_seconds)


def shows_up_by(run: CommandRun, target: CommandTarget) -> datetime:
    """Return the moment by which a send of unknown outcome shows up, or was never made.

    It is counted from the lost answer. Where that was not written down, the sender may have sent until its end.
    """
    if target.lost_at is not None:
        return target.lost_at + SETTLE
    return (target.intended_at or run.started_at) + timedelta(seconds=SENDER_SECONDS) + SETTLE


def comment(run: CommandRun, target: CommandTarget) -> str:
    """Return the comment by which a command is found that this try sent: SendCommand takes no client token."""
    first = f"wavebreak {run.command_id} {target.number}"
    return first if target.tries <= 1 else f"{first} try {target.tries}"
