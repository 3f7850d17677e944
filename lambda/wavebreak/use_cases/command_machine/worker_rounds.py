"""The workers of a command run: each takes the next free target, until all have had their turn.

Numbers are dealt from one counter, so that no two workers take the same target and the order given is kept whatever
order workers are started in. Targets that cannot be reached are postponed: when all others have had their turn, the
workers that are free wait for their agents, so that no target holds up another.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.aws.agents import read_agents
from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.domain.commands import delivery
from wavebreak.domain.commands.concurrency import ROUND_SECONDS, not_run
from wavebreak.domain.commands.results import ExecutionResult
from wavebreak.domain.commands.runs import TargetState
from wavebreak.domain.commands.summary import CommandRunStatus
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.observability.error_tracker import concerns
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.use_cases.command_machine.collect_results import record_result
from wavebreak.use_cases.command_machine.forward_to_target import Forwarder, Progress
from wavebreak.use_cases.record_machine_failures import masked_excerpt, run_failed
from wavebreak.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wavebreak.domain.commands.runs import CommandRun, CommandTarget
    from wavebreak.site import Site
    from wavebreak.use_cases.command_machine.forward_to_target import Ports as ForwardToTargetPorts

    class Ports(ForwardToTargetPorts, Protocol):
        """What taking turns needs."""


_AGENTS_SECONDS: Final = 5
"""Between two questions for the agents of postponed targets; scaled."""
_POLL_SECONDS: Final = 1.0
"""Between two reads of the run meanwhile: it may be cancelled."""


class WorkerRound(Value):
    """What a worker has in hand; constant in size, whatever the number of targets."""

    command_id: str
    run: int
    """The run of the machine that the worker belongs to."""
    worker: int
    number: int
    """The target whose turn it is; 0 for the next one."""
    rounds: int
    """Rounds that this worker has done."""
    most: int
    """Rounds after which the next run of the machine takes over."""
    ended: bool = False

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> WorkerRound:
        """Read the state machine's view; that of a machine made before there were workers belongs to no run."""
        run, worker, number, rounds, most = (
            int(event.get(name) or 0) for name in ("run", "worker", "number", "rounds", "most")
        )
        return cls(str(event["commandId"]), run, worker, number, rounds, most)

    def output(self) -> dict[str, Any]:
        """Return the state machine's view."""
        return {
            "commandId": self.command_id,
            "run": self.run,
            "worker": self.worker,
            "number": self.number,
            "rounds": self.rounds,
            "most": self.most,
            "ended": self.ended,
        }

    def next_round(self, number: int) -> WorkerRound:
        """Return the turn after this round."""
        return replace(self, number=number, rounds=self.rounds + 1)

    def over(self) -> WorkerRound:
        """Return the end of this worker."""
        return replace(self, rounds=self.rounds + 1, ended=True)


def do_round(app: Ports, round_: WorkerRound) -> WorkerRound:
    """Do one round of a worker: forward the command to its target, and take the next when that has its result.

    Any fault that waiting does not mend becomes the target's result (S0-5); its stack trace is recorded (S0-13).
    """
    run = app.commands.load(round_.command_id)
    concerns(run.execution_id)
    worker = _Worker(app, run, round_)
    if worker.stands_down:
        return round_.over()
    if round_.rounds >= round_.most:
        _hand_over(app, run)
        return round_.over()
    return worker.round()


def record_lost_target(app: Ports, round_: WorkerRound, error: str, cause: str) -> WorkerRound:
    """Record the result of a target whose task died or could not be carried out, however often it was tried.

    The worker goes on with the next target.
    """
    run = app.commands.load(round_.command_id)
    concerns(run.execution_id)
    run_failed(app, run.execution_id, round_.command_id, error, cause)
    worker = _Worker(app, run, round_)
    if round_.number and not worker.stands_down:
        _lose_target(
            app, run, app.commands.target(round_.command_id, round_.number), masked_excerpt(f"{error}: {cause}")[:500]
        )
    return round_.next_round(0)


def _lose_target(app: Ports, run: CommandRun, target: CommandTarget, why: str) -> None:
    if target.state is TargetState.ENDED:
        return
    if target.state is TargetState.SENT and target.ssm_command_id is not None:
        try:
            app.ssm_at(target.site).cancel(target.ssm_command_id, [target.instance_id])
        except (*FAULTS, UnsupportedSiteError) as fault:
            app.errors.record_error(fault, Severity.WARNING, target=target.name)
    record_result(app, run, target, ExecutionResult.unexpected(target.name, why))


def _hand_over(app: Ports, run: CommandRun) -> None:
    """Stop all workers of this run of the machine where they are: its history is nearly full."""

    def step(current: CommandRun) -> CommandRun:
        same = current.machine_run == run.machine_run and not current.status.is_terminal
        return replace(current, handing_over=run.machine_run) if same else current

    app.commands.change(run.command_id, step, Attribution(ENGINE_ACTOR, app.now()))


class _Worker:
    """One worker in one of its rounds."""

    def __init__(self, app: Ports, run: CommandRun, round_: WorkerRound) -> None:
        self.app = app
        self.run = run
        self.round_ = round_
        self.until = time.monotonic() + ROUND_SECONDS
        self.all_taken = False

    @property
    def stands_down(self) -> bool:
        """Whether this worker has nothing more to do: the run has ended, or another run of the machine drives it."""
        run = self.run
        return run.status.is_terminal or run.machine_run != self.round_.run or run.handing_over == self.round_.run

    def round(self) -> WorkerRound:
        """Bring one target on, settling those on the way to which nothing has to be sent."""
        if not self.round_.number and not self.run.sends_nothing_more:
            number = self._next()
            return self._wait_for_agents() if self.all_taken else self._with(number)
        number = self.round_.number or self._next()
        while number:
            progress = self._forward(number)
            if progress is Progress.RUNNING:
                return self.round_.next_round(number)
            number = self._next()
            # A target is sent to only once the machine knows that it is this worker's: a task that dies after it sent
            # is tried again with the same number, and must find the command that runs, not the target after it.
            if progress is not Progress.SETTLED or self._is_over or not self.run.sends_nothing_more:
                return self._with(number)
        return self._wait_for_agents() if self.all_taken else self._with(0)

    @property
    def _is_over(self) -> bool:
        return time.monotonic() >= self.until

    def _with(self, number: int) -> WorkerRound:
        """Go on with a target that was taken; without one only if there may be others."""
        if number or not self.all_taken or self.app.commands.late(self.run.command_id):
            return self.round_.next_round(number)
        return self.round_.over()

    def _next(self) -> int:
        """Return the next target that has not had its turn; 0 when all are taken, or this round has no time left."""
        while not self._is_over:
            number = self.app.commands.take(self.run.command_id, self.round_.run)
            if number is None or number > self.run.total:
                self.all_taken = True
                return 0
            target = self.app.commands.target(self.run.command_id, number)
            if target.state not in {TargetState.ENDED, TargetState.POSTPONED}:
                return number
        return 0

    def _forward(self, number: int) -> Progress:
        target = self.app.commands.target(self.run.command_id, number)
        sender = f"r{self.round_.run}w{self.round_.worker}"
        forwarder = Forwarder(self.app, self.run, target, sender, self.until)
        try:
            return forwarder.round()
        except FAULTS:
            raise  # the machine tries again
        except Exception as error:  # noqa: BLE001  the target's doorway: whatever it is becomes this target's result
            self.app.errors.record_error(error, target=target.name)
            record_result(self.app, self.run, target, ExecutionResult.unexpected(target.name, error))
            return Progress.ENDED
        finally:
            self.run = forwarder.run

    def _wait_for_agents(self) -> WorkerRound:
        """Wait for the agents of postponed targets, and take one of those that came.

        As many workers wait as there are targets without a result: that many may come at once.
        """
        while True:
            late = self.app.commands.late(self.run.command_id)
            self.run = self.app.commands.load(self.run.command_id)
            open_targets = self.run.total - self.run.succeeded - self.run.failed
            if self.stands_down or not late or self.round_.worker > open_targets:
                return self.round_.over()
            came = self._came(late) if self._settled(late) else []
            if came:
                return self.round_.next_round(came[(self.round_.worker - 1) % len(came)].number)
            if self._is_over:
                return self.round_.next_round(0)
            self._pause()

    def _pause(self) -> None:
        """Wait until the agents are asked for again, or the run is cancelled."""
        until = time.monotonic() + self.app.timing.scaled(_AGENTS_SECONDS).total_seconds()
        while time.monotonic() < until and self.run.status is not CommandRunStatus.CANCELLING:
            time.sleep(_POLL_SECONDS)
            self.run = self.app.commands.load(self.run.command_id)

    def _settled(self, late: Sequence[CommandTarget]) -> bool:
        """End the postponed targets if the command is no longer wanted; return whether they are still waited for."""
        name = self.run.stopped_by
        for target in late:
            if self.run.status is CommandRunStatus.CANCELLING:
                result = ExecutionResult.cancelled(target.name, reason="Cancelled before it was started")
            elif name is not None and name != target.name:
                result = not_run(target.name, name)
            else:
                continue
            record_result(self.app, self.run, target, result, only_as_read=True)
        return not self.run.sends_nothing_more

    def _came(self, late: Sequence[CommandTarget]) -> list[CommandTarget]:
        """Return the postponed targets that may be tried now; those that were waited for long enough are ended."""
        now, timing = self.app.now(), self.app.timing
        due = [target for target in late if delivery.is_due(target, now)]
        seen = read_agents(due, self.app.ssm_at, self._note)
        came = []
        for target in due:
            absent, silent = seen.is_absent(target), seen.is_silent(target)
            if self.run.wave is None and seen.is_left_alone(target):
                came.append(target)  # the sender hears it from SSM
            elif not absent and not silent:
                came.append(target)  # its agent answers, or sending says what is wrong
            elif delivery.patience_is_over(self.run, target, now, timing) and (absent or self.run.wave is None):
                silence = f"Systems Manager does not report its agent: {seen.trouble(target)}"
                result = (
                    ExecutionResult.unreachable(target.name)
                    if absent
                    else ExecutionResult.unexpected(target.name, silence)
                )
                record_result(self.app, self.run, target, result, only_as_read=True)
            elif target.late_since is None and absent:
                self.app.commands.move(self.run.command_id, target, replace(target, late_since=now))
        return came

    def _note(self, error: Exception, site: Site) -> None:
        self.app.errors.record_error(error, Severity.WARNING, site=str(site))
