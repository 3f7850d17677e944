"""The runs of steps in a small world: what the store keeps of them, and the functions on their way to make one.

A function writes its intent, and then makes or cancels the run by what it read with that; a crash or any time may come
between. Making a run that there is already changes nothing, as the store has it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from wavebreak.domain.commands.summary import FAILED_EVERYWHERE
from wavebreak.domain.executions.model.steps import StepPhase, StepView, view_of
from wavebreak.domain.executions.stepping import wave_steps
from wavebreak.domain.steps.runs import StepKind, StepOutcome, StepRun, StopReason, ended
from wavebreak.execution_utils import WaveStatus
from wavebreak.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.steps import WaveStep
    from wavebreak.domain.executions.model.waves import Wave

RUNNING: Final = "IN_PROGRESS"
CANCELLING: Final = "CANCELLING"
NEVER_BEGUN: Final = "COMPLETE_FAILURE"
STEP_SECONDS: Final = 300
"""How long the runs of automations and functions may take."""


@dataclass(frozen=True)
class Bound:
    """A function that has written its intent, with the execution as it read it then."""

    seen: Execution
    wave: int
    command: WaveStep

    @property
    def name(self) -> str:
        """Id of the run that it is about to make."""
        return wave_steps.run_id(self.seen.execution_id, self.wave, self.command)


@dataclass
class CommandRuns:
    """Every run by its id, of commands and of other steps, and the functions held up before they make theirs."""

    clock: Callable[[], datetime]
    statuses: dict[str, str] = field(default_factory=dict)
    """Of runs of commands."""
    steps: dict[str, StepRun] = field(default_factory=dict)
    """Runs of automations and functions."""
    held: list[Bound] = field(default_factory=list)
    reached: dict[str, set[str]] = field(default_factory=dict)
    """The source servers that each run of a command was made for."""

    def running(self) -> list[str]:
        """Name the runs that have not ended."""
        commands = [name for name, status in self.statuses.items() if status in {RUNNING, CANCELLING}]
        return commands + [name for name, run in self.steps.items() if not run.status.is_terminal]

    def carry_out(self, bound: Bound) -> None:
        """Let a function go on: it makes its run, or stops it if it had read that it is to be stopped."""
        wave = bound.seen.wave(bound.wave)
        stops = wave_steps.is_cut_short(bound.seen, wave, bound.command)
        if bound.command.kind is not StepKind.COMMAND:
            self._drive(bound, wave, stops=stops)
        elif stops:
            if bound.name not in self.statuses:
                self.statuses[bound.name] = NEVER_BEGUN
            else:
                self.cancel([bound.name])
        elif bound.name not in self.statuses:
            self._check_alone(bound)
            self.statuses[bound.name] = RUNNING
            reached = wave_steps.targets(bound.seen, wave, bound.command.phase)
            self.reached[bound.name] = {server.source_server_id for _, server in reached}

    def _check_alone(self, bound: Bound) -> None:
        beside = [name for name in self.running() if self._wave_of(name) == bound.wave and name != bound.name]
        assert not beside, f"{bound.name} is made while {beside} has not ended"

    def _wave_of(self, name: str) -> int:
        return self.steps[name].wave_number if name in self.steps else int(name.rpartition("-w")[2][:3])

    def _drive(self, bound: Bound, wave: Wave, *, stops: bool) -> None:
        """Begin or stop the run of an automation or function as `use_cases.steps.drive_step` does."""
        now, name = self.clock(), bound.name
        run = self.steps.get(name)
        if stops:
            late = wave_steps.is_late(wave, bound.command)
            reason = StopReason.WAVE_TIMEOUT if late else StopReason.CANCEL
            unbegun = run or self._new(bound)
            stopped = unbegun.stopped(reason, "somebody")
            self.steps[name] = stopped if run else ended(stopped, StepOutcome(succeeded=False), now)
        elif run is None:
            self._check_alone(bound)
            self.steps[name] = self._new(bound)
        known = self.steps[name]
        if not known.status.is_terminal and now >= known.deadline:
            overdue = known.stopped(StopReason.STEP_TIMEOUT, "wavebreak")
            gives_up = known.kind is StepKind.FUNCTION
            self.steps[name] = ended(overdue, StepOutcome(succeeded=False), now) if gives_up else overdue

    def _new(self, bound: Bound) -> StepRun:
        return StepRun(
            step_id=bound.name,
            execution_id=bound.seen.execution_id,
            plan_id="",
            wave_number=bound.wave,
            wave_name="",
            attempt=bound.seen.wave(bound.wave).attempt,
            mode=bound.seen.mode.value,
            site=Site(),
            kind=bound.command.kind,
            name=bound.command.name,
            timeout_seconds=STEP_SECONDS,
            started_at=self.clock(),
        )

    def cancel(self, names: Iterable[str]) -> None:
        """Cancel runs of commands; those that have ended stay as they are."""
        for name in names:
            if self.statuses.get(name) == RUNNING:
                self.statuses[name] = CANCELLING

    def end(self, name: str, outcome: str) -> None:
        """Have a run come to its end; a cancelled one, too, may have succeeded."""
        if name in self.steps:
            assert not self.steps[name].status.is_terminal
            came_to = StepOutcome(succeeded=outcome == "COMPLETE_SUCCESS")
            self.steps[name] = ended(self.steps[name], came_to, self.clock())
            return
        assert self.statuses[name] in {RUNNING, CANCELLING}
        self.statuses[name] = outcome

    def check_completed(self, before: Execution, after: Execution) -> None:
        """Hold that in a wave that has completed every server was reached by every command after the launch."""
        for old, new in zip(before.waves, after.waves, strict=True):
            if new.status is old.status or new.status is not WaveStatus.COMPLETED:
                continue
            for command in wave_steps.of_phase(new, StepPhase.AFTER):
                if command.kind is not StepKind.COMMAND or wave_steps.is_left_out(after, command):
                    continue
                name = wave_steps.run_id(after.execution_id, new.number, command)
                launched = {one.source_server_id for _, one in wave_steps.targets(after, new, StepPhase.AFTER)}
                assert launched <= self.reached.get(name, set()), f"{name} did not reach all that was launched"

    def come_to_their_ends(self, *, cancelled: bool) -> None:
        """Have all runs end; of a cancelled execution only those that were stopped, too: a cancel reaches each."""
        for name in self.running():
            stopped = self.statuses.get(name) == CANCELLING or (name in self.steps and self.steps[name].stop_requested)
            if not cancelled or stopped:
                self.end(name, "COMPLETE_SUCCESS")

    def views(self, execution: Execution) -> dict[str, StepView]:
        """Show the runs of the waves' running steps as the observing function reads them."""
        views = {}
        for wave in execution.waves:
            step = wave.running_step
            if step is None:
                continue
            name = wave_steps.run_id(execution.execution_id, wave.number, step)
            if step.kind is not StepKind.COMMAND:
                run = self.steps.get(name)
                views[name] = StepView(exists=False) if run is None else view_of(run)
                continue
            status = self.statuses.get(name)
            over = status is not None and status not in {RUNNING, CANCELLING}
            failure = FAILED_EVERYWHERE if status == NEVER_BEGUN else None
            views[name] = StepView(status is not None, status == CANCELLING, status if over else None, failure)
        return views


def check_commands(before: Execution, after: Execution) -> None:
    """Hold what must be true of the steps of waves from one state to the next."""
    for old, new in zip(before.waves, after.waves, strict=True):
        assert sum(step.state == "STARTED" for step in new.steps) <= 1
        for was, step in zip(old.steps, new.steps, strict=True):
            _check_step(was, step)
            if (was.state, step.state) == ("PLANNED", "STARTED"):
                assert before.cancel is None, "a step was started after the cancel"
                assert new.status == "IN_PROGRESS"
                assert not wave_steps.is_left_out(after, step), "a drill started what it leaves out"
                if step.phase is StepPhase.BEFORE:
                    begun = [job for job in after.launch_jobs(new.number) if job.attempt == new.attempt]
                    assert not begun, "a step before the launch came after it"
                else:
                    assert all(server.is_settled for server in new.servers)
                    assert not any(server.fails_wave for server in new.servers)
            if (was.state, step.state) == ("STARTED", "PLANNED"):
                assert after.cancel is None
            if step.again or step.stopped:
                assert was.again or was.stopped or new.attempt == old.attempt + 1, "only a retry has it run again"


def _check_step(was: WaveStep, step: WaveStep) -> None:
    assert (was.place, was.kind, was.name) == (step.place, step.kind, step.name)
    assert (step.outcome is None) == (step.state != "ENDED")
    ran_on = was.state == "STARTED" and (was.again or was.stopped)
    replanned = step.state == "PLANNED" and (was.state == "ENDED" or ran_on)
    assert step.attempt == was.attempt + replanned, "a run of its own each time, and only then"
    if (was.state, step.state) == ("STARTED", "PLANNED"):
        assert replanned, "a run that counts is never forgotten"
    if step.again:
        assert (step.state, step.phase, step.kind) == ("STARTED", "AFTER", StepKind.COMMAND)
    if was.kind is not StepKind.COMMAND and was.outcome == "SUCCEEDED":
        assert step == was, "an automation or function that succeeded ran again"
    if step.outcome == "SKIPPED":
        assert not step.fails_wave
        assert step.error
