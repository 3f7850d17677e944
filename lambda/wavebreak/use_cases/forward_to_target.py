"""The tasks of the command machine: prepare a run, forward its command to one target, and fold the results.

Whatever happens to one target becomes its result and never reaches the others. A target's item tells how far its
command got, so that a task that is repeated, or that follows one that died, goes on from there.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from wavebreak.aws.clients import UnsupportedPlace
from wavebreak.aws.ssm import DELIVERY_SECONDS, OutcomeUnknown, Refusal, is_out_of_reach
from wavebreak.domain.commands.arguments import encode_arguments
from wavebreak.domain.commands.catalogue import CommandMode, command_mode
from wavebreak.domain.commands.concurrency import ROUND_SECONDS, needs_distributed_map, not_run, should_stop_early
from wavebreak.domain.commands.results import ExecutionResult
from wavebreak.domain.commands.runs import CommandRun, CommandTarget, TargetState
from wavebreak.domain.commands.ssm_invocations import read_invocation
from wavebreak.domain.commands.summary import CommandRunStatus
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR, Act
from wavebreak.observability.error_tracker import concerns
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.use_cases.collect_results import record_result
from wavebreak.use_cases.record_machine_failures import kept_word, run_failed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wavebreak.app import App
    from wavebreak.aws.ssm import Ssm

logger = logging.getLogger(__name__)

_LOOKS: Final = (0.2, 0.3, 0.5, 1.0)
"""Seconds between two looks at a running command; the last goes on."""
_LEAST_RUN_SECONDS: Final = 5
"""SSM takes a run time of less for none at all, and allows an hour."""
_SEND_WITHIN: Final = timedelta(seconds=2)
"""How long after its intent a command may be sent: from then on, others may come to look for it."""
_SETTLE: Final = timedelta(seconds=12)
"""How long a lost SendCommand gets to show up before it is held to have never happened: it was sent by then at last."""
_CLOCK_SKEW: Final = timedelta(minutes=5)
_GRACE: Final = timedelta(seconds=60)
"""How long past its own limits a command may be silent before it is given up."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What the machine has to know of a run: constant in size, whatever the number of targets."""

    targets: int
    sequential: bool
    at_scale: bool
    list_key: str

    def output(self) -> dict[str, Any]:
        """Give the state machine's view."""
        return {
            "targets": self.targets,
            "sequential": self.sequential,
            "atScale": self.at_scale,
            "list": self.list_key,
        }


def prepare(app: App, command_id: str) -> Preparation:
    """Tell at once which targets cannot be reached, and write the list of a run too large for an inline Map."""
    run = app.commands.load(command_id)
    concerns(run.execution_id)
    if not run.patience_seconds:
        _report_unreachable(app, run)
    at_scale = needs_distributed_map(run.total, run.timeout_seconds)
    key = f"{command_id}.json"
    if at_scale:
        numbers = [{"commandId": command_id, "number": number} for number in range(1, run.total + 1)]
        app.lists.put(key, json.dumps(numbers, separators=(",", ":")))
    return Preparation(run.total, command_mode(run.command) is CommandMode.SEQUENTIAL, at_scale, key)


def _report_unreachable(app: App, run: CommandRun) -> None:
    """Give the targets whose agents do not answer their results before any command is sent."""
    waiting = [target for target, _, _ in app.commands.targets(run.command_id) if target.state is TargetState.WAITING]
    waiting.sort(key=lambda target: (target.place.account_id or "", target.place.region or "", target.number))
    for place, group in groupby(waiting, key=lambda target: target.place):
        members = list(group)
        try:
            online = app.ssm_at(place).online([target.instance_id for target in members])
        except (*FAULTS, UnsupportedPlace) as error:
            # Each target finds out for itself.
            app.errors.record_error(error, Severity.WARNING, place=str(place))
            continue
        for target in members:
            if target.instance_id not in online:
                record_result(app, run, target, ExecutionResult.unreachable(target.name))


def run_target(app: App, command_id: str, number: int) -> bool:
    """Forward the command to one target and watch it for a round; tells whether the target has its result.

    Any fault that waiting does not mend becomes the target's result (S0-5); its stack trace is logged (S0-13).
    """
    run = app.commands.load(command_id)
    concerns(run.execution_id)
    target = app.commands.target(command_id, number)
    if target.state is TargetState.ENDED:
        return True
    try:
        return _Forwarder(app, run, target).round()
    except _RoundOver:
        return False
    except FAULTS:
        raise  # the machine tries again
    except Exception as error:  # noqa: BLE001  the item's doorway: whatever it is becomes this target's result
        app.errors.record_error(error, target=target.name)
        record_result(app, run, target, ExecutionResult.unexpected(target.name, error))
        return True


def lose_target(app: App, command_id: str, number: int, error: str, cause: str) -> None:
    """Record the result of a target whose task died or could not be carried out, however often it was tried."""
    run = app.commands.load(command_id)
    concerns(run.execution_id)
    target = app.commands.target(command_id, number)
    if target.state is TargetState.SENT and target.ssm_command_id is not None:
        try:
            app.ssm_at(target.place).cancel(target.ssm_command_id, [target.instance_id])
        except (*FAULTS, UnsupportedPlace) as fault:
            app.errors.record_error(fault, Severity.WARNING, target=target.name)
    run_failed(app, run.execution_id, command_id, error, cause)
    record_result(app, run, target, ExecutionResult.unexpected(target.name, kept_word(f"{error}: {cause}")[:500]))


class _Forwarder:
    """Brings the command to one target and watches it."""

    def __init__(self, app: App, run: CommandRun, target: CommandTarget) -> None:
        self.app = app
        self.run = run
        self.target = target
        self.ssm: Ssm = app.ssm_at(target.place)
        self.comment = f"wavebreak {run.command_id} {target.number}"
        self.cancel_sent = False
        self.until = time.monotonic() + ROUND_SECONDS

    def round(self) -> bool:
        """Do one round: send unless sent, then look until the command ends or the round is over."""
        if self._stands_at(TargetState.SENDING):
            self._resolve()
        while self._stands_at(TargetState.WAITING):
            self._hold()
            if self._stands_at(TargetState.WAITING):
                self._send()
            if self._stands_at(TargetState.WAITING):
                self._wait()
        return self._stands_at(TargetState.ENDED) or (self._stands_at(TargetState.SENT) and self._watch())

    def _note(self, error: Exception) -> None:
        """Record a fault that this forwarding survives."""
        self.app.errors.record_error(error, Severity.WARNING, target=self.target.name)

    def _wait(self) -> None:
        """Wait before SSM is asked again; over at the end of the round, so that no history fills with short ones."""
        if time.monotonic() >= self.until:
            raise _RoundOver
        time.sleep(_LOOKS[-1])
        self._refresh()

    def _stands_at(self, state: TargetState) -> bool:
        return self.target.state is state

    def _hold(self) -> None:
        """Give the target its result without sending, if the command is no longer wanted or cannot get there."""
        if self._is_cancelled:
            self._end(ExecutionResult.cancelled(self.target.name, reason="Cancelled before it was started"))
        elif self._is_left_out():
            self._end(not_run(self.target.name, self._stopped_by()))
        elif self.run.patience_seconds and not self._reachable():
            self._end(ExecutionResult.unreachable(self.target.name))

    def _is_left_out(self) -> bool:
        """Tell whether an early stop leaves this target out: the one before it failed, or was left out itself.

        Raises RuntimeError while that one is still owed its result (S0-4: one at a time, in the order given).
        """
        before = self.target.number - 1
        if command_mode(self.run.command) is CommandMode.PARALLEL or before < 1:
            return False
        succeeded = self.app.commands.succeeded(self.run.command_id, before)
        if succeeded is None:
            raise RuntimeError("the target before this one has no result yet")
        return should_stop_early(
            self.run.command, stop_on_failure=self.run.stop_on_failure, failed=0 if succeeded else 1
        )

    def _stopped_by(self) -> str:
        """Name the target whose failure stopped the run; the first to ask writes it down."""
        if self.run.stopped_by is None:
            failed = self.app.commands.target(self.run.command_id, self.target.number - 1).name
            self.run = self.app.commands.change(
                self.run.command_id,
                lambda current: replace(current, stopped_by=current.stopped_by or failed),
                Act(ENGINE_ACTOR, self.app.now()),
            )
        return str(self.run.stopped_by)

    def _reachable(self) -> bool:
        """Wait for the agent of an instance that was just launched, as long as the run's patience lasts.

        While SSM itself does not answer, sending the command is what tells.
        """
        deadline = self.run.started_at + self.app.timing.scaled(self.run.patience_seconds)
        while True:
            known = True
            try:
                if self.target.instance_id in self.ssm.online([self.target.instance_id]):
                    return True
            except FAULTS as error:
                known = False
                self._note(error)
            if self.app.now() >= deadline:
                return not known
            self._wait()
            if self._is_cancelled:
                raise _RoundOver

    def _send(self) -> None:
        """Intend and send; nobody may know afterwards whether it was sent: the next round looks it up."""
        now = self.app.now()
        if not self._move(replace(self.target, state=TargetState.SENDING, intended_at=now)):
            raise _RoundOver  # another task of this target is at it
        if self.app.now() >= now + _SEND_WITHIN:
            raise _RoundOver  # the intent took too long to write: the next round looks it up
        parameters = {
            "Arguments": encode_arguments(self.run.args),
            "RunSeconds": str(max(_LEAST_RUN_SECONDS, self.run.timeout_seconds)),
        }
        try:
            self._sent(self.ssm.send(self.run.command, self.target.instance_id, parameters, self.comment))
        except Refusal as refusal:
            self._refused(refusal)
        except OutcomeUnknown as unknown:
            self._note(unknown)

    def _sent(self, ssm_command_id: str) -> None:
        self._move(replace(self.target, state=TargetState.SENT, ssm_command_id=ssm_command_id, sent_at=self.app.now()))

    def _refused(self, refusal: Refusal) -> None:
        """Take a refusal: nothing was sent. A throttle is waited out, anything else is the target's result.

        So is an open circuit by a wave, whose commands are not failed by it; a caller is told of it at once.
        """
        if refusal.not_called and not self.run.patience_seconds:
            self._end(ExecutionResult.circuit_open(self.target.name, "ssm"))
        elif refusal.retryable:
            self._note(refusal)
            self._move(replace(self.target, state=TargetState.WAITING, intended_at=None))
        elif is_out_of_reach(refusal):
            self._end(ExecutionResult.unreachable(self.target.name))
        else:
            self._end(ExecutionResult.unexpected(self.target.name, str(refusal)))

    def _resolve(self) -> None:
        """Find the command that an unknown SendCommand left behind; hold it for unsent once it had time to show up."""
        intended_at = self.target.intended_at or self.run.started_at
        while True:
            found = self.ssm.find(self.target.instance_id, self.comment, intended_at - _CLOCK_SKEW)
            if found is not None:
                self._sent(found)
                return
            if self.app.now() >= intended_at + _SETTLE:
                self._move(replace(self.target, state=TargetState.WAITING, intended_at=None))
                return
            time.sleep(_LOOKS[-1])

    def _watch(self) -> bool:
        """Look until the command has ended, or the round is over."""
        for pause in _pauses():
            if self._look():
                return True
            if time.monotonic() + pause >= self.until:
                return False
            self._refresh()
            if self._is_cancelled:
                self._cancel()
            time.sleep(pause)
        raise AssertionError("unreachable: pauses never end")

    def _look(self) -> bool:
        """Look once. A fault of SSM is not a failure of the target: what could not be seen is looked at again."""
        ssm_command_id = str(self.target.ssm_command_id)
        try:
            answer = self.ssm.look(ssm_command_id, self.target.instance_id)
        except FAULTS as error:
            self._note(error)
            answer = None
        if answer is not None:
            reading = read_invocation(self.target.name, answer, self.run.timeout_seconds)
            if reading.warning:
                logger.warning("command %s: %s", ssm_command_id, reading.warning)
            if reading.result is not None:
                return self._end(reading.result)
        limits = timedelta(seconds=DELIVERY_SECONDS + self.run.timeout_seconds) + _GRACE
        if self.app.now() >= (self.target.sent_at or self.run.started_at) + limits:
            self._cancel()
            return self._end(ExecutionResult.timed_out(self.target.name, self.run.timeout_seconds))
        return False

    def _refresh(self) -> None:
        self.run = self.app.commands.load(self.run.command_id)

    @property
    def _is_cancelled(self) -> bool:
        return self.run.status is CommandRunStatus.CANCELLING

    def _cancel(self) -> None:
        """Have SSM stop the command, once a round: the run's cancel may have come before it was sent."""
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

    def _end(self, result: ExecutionResult) -> bool:
        record_result(self.app, self.run, self.target, result)
        self.target = replace(self.target, state=TargetState.ENDED)
        return True


class _RoundOver(Exception):  # noqa: N818  an outcome, not an error
    """The round ends without a result; the machine comes again."""


def _pauses() -> Iterable[float]:
    yield from _LOOKS
    while True:
        yield _LOOKS[-1]
