"""A command brought to one target and watched there: intended, sent once, checked until it has ended.

A target's item says how far its command got, so that a task that is repeated, or that follows one that died, goes on
from there. Whatever happens to one target becomes its result; one that cannot be reached gives its turn to others.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, Protocol

from wavebreak.aws.ssm import DELIVERY_SECONDS, CallRejectedError, OutcomeUnknownError, is_out_of_reach
from wavebreak.domain.commands import delivery
from wavebreak.domain.commands.arguments import encode_arguments
from wavebreak.domain.commands.concurrency import not_run
from wavebreak.domain.commands.results import ExecutionResult
from wavebreak.domain.commands.runs import TargetState
from wavebreak.domain.commands.ssm_invocations import read_invocation
from wavebreak.domain.commands.summary import CommandRunStatus
from wavebreak.domain.errors.record import Severity
from wavebreak.problems import CircuitOpen, Unavailable
from wavebreak.resilience.aws_errors import FAULTS, is_transient
from wavebreak.timing import CLOCK_SKEW
from wavebreak.use_cases.command_machine.collect_results import record_result
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from wavebreak.domain.commands.runs import CommandRun, CommandTarget
    from wavebreak.ports.capabilities import HasSsmCommands, HasTiming
    from wavebreak.ports.ssm import SsmCommands
    from wavebreak.use_cases.command_machine.collect_results import Ports as CollectResultsPorts

    class Ports(CollectResultsPorts, HasSsmCommands, HasTiming, Protocol):
        """What forwarding to a target needs."""


logger = logging.getLogger(__name__)

_POLL_SECONDS: Final = (0.2, 0.3, 0.5, 1.0)
"""Seconds between two polls of a running command; the last one repeats."""
_LEAST_RUN_SECONDS: Final = 5
"""SSM takes a run time of less for none at all, and allows an hour."""
_THROTTLED_SECONDS: Final = 10
"""So long a target that SSM throttles keeps its turn."""
_GRACE: Final = timedelta(seconds=60)
"""How long past its own limits a command may be silent before it is given up."""


class Progress(Enum):
    """What came of a target's turn."""

    ENDED = auto()
    """It has its result, and SSM was asked for it."""
    SETTLED = auto()
    """It has its result, or is in other hands, and nothing was asked."""
    POSTPONED = auto()
    RUNNING = auto()
    """The round is over, and the command goes on."""


class RoundOverError(Exception):
    """The round ends without a result; the machine comes again."""


class Forwarder:
    """Brings the command to one target and watches it."""

    def __init__(self, app: Ports, run: CommandRun, target: CommandTarget, sender: str, until: float) -> None:
        """Keep the target and its watcher; `until` is the end of the round, by the monotonic clock."""
        self.app = app
        self.run = run
        self.target = target
        self.sender = sender
        self.until = until
        self.cancel_sent = False
        self.last_trouble: str | None = None
        self.throttled_until = min(until, time.monotonic() + _THROTTLED_SECONDS)

    @property
    def ssm(self) -> SsmCommands:
        """Run Command where the target is; raise UnsupportedSiteError."""
        return self.app.ssm_at(self.target.site)

    def round(self) -> Progress:
        """Do one round: send unless sent, then poll until the command ends or the round is over."""
        if self.target.state is TargetState.ENDED or not self._is_mine():
            return Progress.SETTLED
        try:
            return self._round()
        except RoundOverError:
            return Progress.POSTPONED if self._stands_at(TargetState.POSTPONED) else Progress.RUNNING

    def _round(self) -> Progress:
        while not self._stands_at(TargetState.ENDED):
            if self._stands_at(TargetState.SENDING):
                self._resolve()
            elif self._stands_at(TargetState.SENT):
                self._watch()
            elif self._hold():
                return Progress.SETTLED
            else:
                self._send()
                if self._stands_at(TargetState.WAITING):
                    self._wait()
            if self._stands_at(TargetState.POSTPONED):
                return Progress.POSTPONED
        return Progress.ENDED

    def _is_mine(self) -> bool:
        """Return whether this worker watches the target; what an earlier run of the machine left is taken over."""
        if not self._stands_at(TargetState.SENDING, TargetState.SENT) or self.target.sender == self.sender:
            return True
        if self.target.sender is not None and self.target.sender.startswith(f"r{self.run.machine_run}w"):
            return False
        return self._move(replace(self.target, sender=self.sender))

    def _note(self, error: Exception) -> None:
        """Record a fault that this forwarding survives, once a round if it stays the same."""
        if str(error) != self.last_trouble:
            self.app.errors.record_error(error, Severity.WARNING, target=self.target.name)
        self.last_trouble = str(error)

    def _wait(self) -> None:
        """Wait before SSM is asked again; after a while others have their turn."""
        if time.monotonic() >= self.throttled_until:
            self._postpone(late=self.run.wave is None)
            raise RoundOverError
        time.sleep(_POLL_SECONDS[-1])
        self._refresh()

    def _stands_at(self, *states: TargetState) -> bool:
        return self.target.state in states

    def _hold(self) -> bool:
        """Return the target its result without sending, if the command is no longer wanted or has nowhere to go."""
        if self._is_cancelled:
            return self._settle(ExecutionResult.cancelled(self.target.name, reason="Cancelled before it was started"))
        if self.run.stopped_by not in {None, self.target.name}:
            return self._settle(not_run(self.target.name, str(self.run.stopped_by)))
        if not self.target.instance_id:
            return self._settle(ExecutionResult.unreachable(self.target.name))
        return False

    def _settle(self, result: ExecutionResult) -> bool:
        """End a target to which nothing was sent, unless another worker has sent meanwhile."""
        record_result(self.app, self.run, self.target, result, only_as_read=True)
        return True

    def _send(self) -> None:
        """Write the intent and send. Whether it was sent may stay unknown: the next round looks it up.

        Whatever a send needs that may take its time is had before the intent.
        """
        parameters = {
            "Arguments": encode_arguments(self.run.args),
            "RunSeconds": str(max(_LEAST_RUN_SECONDS, self.run.timeout_seconds)),
        }
        ssm = self.ssm
        try:
            ssm.sign_in()
        except FAULTS as error:
            self._not_signed_in(error)
            return
        if not self._move(delivery.intended(self.target, self.app.now(), self.sender)):
            raise RoundOverError  # another task of this target is at it
        comment = delivery.comment(self.run, self.target)
        try:
            sent = ssm.send(self.run.command, self.target.instance_id, parameters, comment)
            self._move(delivery.sent(self.target, sent, self.app.now()))
        except CallRejectedError as refusal:
            self._refused(refusal)
        except OutcomeUnknownError as unknown:
            self._note(unknown)
            self._move(delivery.answer_lost(self.target, self.app.now()))

    def _not_signed_in(self, error: Exception) -> None:
        """Record that there were no credentials: nothing was sent, nor intended."""
        if isinstance(error, CircuitOpen) and self.run.wave is None:
            self._end(ExecutionResult.circuit_open(self.target.name, "sts"))
        elif is_transient(error) or isinstance(error, Unavailable):
            self._note(error)
            self._postpone(late=self.run.wave is None)
        else:
            self._note(error)
            self._end(ExecutionResult.unexpected(self.target.name, error))

    def _refused(self, refusal: CallRejectedError) -> None:
        """Record a refusal: nothing was sent. A throttle is waited out, and so is an agent that is away.

        So is an open circuit by a wave, whose commands are not failed by it; a caller gets it as the result at once.
        """
        if refusal.not_called and self.run.wave is None:
            self._end(ExecutionResult.circuit_open(self.target.name, "ssm"))
        elif refusal.not_called:
            self._note(refusal)
            self._postpone(late=False)
        elif refusal.retryable and not self._is_impatient():
            self._note(refusal)
            self._move(delivery.not_sent(self.target))
        elif is_out_of_reach(refusal):
            self._not_reached()
        else:
            self._note(refusal)
            self._end(ExecutionResult.refused(self.target.name, str(refusal)))

    def _is_impatient(self) -> bool:
        """Return whether a target waits that has waited for this one for long enough."""
        over = delivery.patience_is_over(self.run, self.target, self.app.now(), self.app.timing)
        return over and self.run.wave is None

    def _not_delivered(self) -> None:
        """Record that a command was sent and did not arrive: it never ran, and is sent again if still wanted."""
        if self._is_cancelled:
            self._end(ExecutionResult.cancelled(self.target.name))
        else:
            self._not_reached()

    def _not_reached(self) -> None:
        """Postpone a target whose agent was not there, or end it when it was waited for long enough."""
        if delivery.patience_is_over(self.run, self.target, self.app.now(), self.app.timing):
            self._end(ExecutionResult.unreachable(self.target.name))
        else:
            self._postpone(late=True)

    def _not_taken(self) -> None:
        """Postpone a target whose command SSM was to send and did not, or end it when that was tried long enough."""
        if delivery.patience_is_over(self.run, self.target, self.app.now(), self.app.timing):
            why = self.last_trouble or "no answer of it named the command"
            self._end(ExecutionResult.unexpected(self.target.name, f"Systems Manager did not send it: {why}"))
        else:
            self._postpone(late=True)

    def _postpone(self, *, late: bool) -> None:
        self._move(delivery.postponed(self.target, self.app.now(), self.app.timing, late=late))

    def _resolve(self) -> None:
        """Find the command of a SendCommand without an answer; once it had time to show, others have their turn.

        While SSM does not report, the target is held: the command may run. It is given up when it would have ended.
        Another task of this worker may be at it: what that one has written counts.
        """
        since = (self.target.intended_at or self.run.started_at) - CLOCK_SKEW
        comment = delivery.comment(self.run, self.target)
        while True:
            try:
                found = self.ssm.find(self.target.instance_id, comment, since)
            except FAULTS as error:
                self._note(error)
                if self._is_silent_too_long(self.target.intended_at):
                    self._end(ExecutionResult.unexpected(self.target.name, f"It may have been sent: {error}"))
                    return
            else:
                if found is not None:
                    self._move(delivery.sent(self.target, found, self.app.now()))
                    return
                if self.app.now() >= delivery.shows_up_by(self.run, self.target):
                    self._not_taken()
                    return
            if time.monotonic() >= self.until:
                raise RoundOverError
            time.sleep(_POLL_SECONDS[-1])
            self._refresh()
            if self._has_moved():
                return

    def _has_moved(self) -> bool:
        """Return whether another task has brought the target on; raise RoundOverError if that is another worker's."""
        known, self.target = self.target, self.app.commands.target(self.run.command_id, self.target.number)
        if self.target != known and not self._is_mine():
            raise RoundOverError
        return self.target != known

    def _watch(self) -> None:
        """Poll until the command has ended or is sent again; raise RoundOverError before that."""
        for pause in _pauses():
            self._poll()
            if not self._stands_at(TargetState.SENT):
                return
            if time.monotonic() + pause >= self.until:
                raise RoundOverError
            self._refresh()
            if self._is_cancelled:
                self._cancel()
            time.sleep(pause)

    def _poll(self) -> None:
        """Poll once. A fault of SSM is not a failure of the target: the next poll asks again."""
        ssm_command_id = str(self.target.ssm_command_id)
        try:
            answer = self.ssm.invocation(ssm_command_id, self.target.instance_id)
        except FAULTS as error:
            self._note(error)
        else:
            self.last_trouble = None
            reading = None if answer is None else read_invocation(self.target.name, answer, self.run.timeout_seconds)
            if reading is not None and reading.warning:
                logger.warning("command %s: %s", ssm_command_id, reading.warning)
            if reading is not None and reading.undelivered:
                self._not_delivered()
                return
            if reading is not None and reading.result is not None:
                self._end(reading.result)
                return
        if self._is_silent_too_long(self.target.sent_at):
            self._give_up()

    def _is_silent_too_long(self, since: datetime | None) -> bool:
        limits = timedelta(seconds=DELIVERY_SECONDS + self.run.timeout_seconds) + _GRACE
        return self.app.now() >= (since or self.run.started_at) + limits

    def _give_up(self) -> None:
        """End a command whose limits are over: SSM lets it run on, or does not report."""
        self._cancel()
        if self.last_trouble is None:
            self._end(ExecutionResult.timed_out(self.target.name, self.run.timeout_seconds))
        else:
            not_known = f"What became of the command is not known: {self.last_trouble}"
            self._end(ExecutionResult.unexpected(self.target.name, not_known))

    def _refresh(self) -> None:
        """Read the run again; raise RoundOverError when this run of the machine is to stop where it is."""
        self.run = self.app.commands.load(self.run.command_id)
        if self.run.handing_over == self.run.machine_run or not self.sender.startswith(f"r{self.run.machine_run}w"):
            raise RoundOverError

    @property
    def _is_cancelled(self) -> bool:
        return self.run.status is CommandRunStatus.CANCELLING

    def _cancel(self) -> None:
        """Stop the command, once a round: the run's cancel may have come before it was sent."""
        if self.cancel_sent:
            return
        try:
            self.ssm.cancel(str(self.target.ssm_command_id), [self.target.instance_id])
        except FAULTS as error:
            self._note(error)
            return
        self.cancel_sent = True

    def _move(self, after: CommandTarget) -> bool:
        moved = self.app.commands.move(self.run.command_id, self.target, after)
        self.target = after if moved else self.app.commands.target(self.run.command_id, self.target.number)
        return moved

    def _end(self, result: ExecutionResult) -> None:
        record_result(self.app, self.run, self.target, result)
        self.target = replace(self.target, state=TargetState.ENDED)


def _pauses() -> Iterable[float]:
    yield from _POLL_SECONDS
    while True:
        yield _POLL_SECONDS[-1]
