"""Contract 12: no automation runs twice for one id, and none is lost, wherever a function dies."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import pytest
from tests.support.process_death import Killed
from tests.support.steps import BEGINNER, FUNCTION, RUNBOOK

from wavebreak.aws.automation import Automation
from wavebreak.aws.step_functions import Workflow
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.steps.lifetime import MOST_ROUNDS
from wavebreak.domain.steps.runs import StepKind, StepOutcome, StepRun, StepStatus, StopReason
from wavebreak.store.table import Table
from wavebreak.use_cases.steps import drive_step, watch_automation
from wavebreak.use_cases.steps.run_step import begin_step, stop_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.stack import Stack
    from tests.support.steps import Steps

POINTS: Final = (
    (Table, "transact"),
    (Automation, "start"),
    (Automation, "find"),
    (Automation, "status"),
    (Automation, "stop"),
    (Workflow, "start_step"),
    (Workflow, "wake"),
)
"""Every write and call that a step is begun, driven, stopped and ended with."""
MOST_POINTS: Final = 60
WATCHER: Final = "WatchStepFunction"


@dataclass
class Death:
    """The death at the n-th point, counted from 0, before or after its work; `happened` says whether it came."""

    turn: int
    after: bool
    seen: int = 0
    happened: bool = False

    def at(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Make a point that counts, and that kills when its turn has come."""

        def done(*arguments: Any, **options: Any) -> Any:
            mine, self.seen = self.seen == self.turn, self.seen + 1
            if mine:
                self.happened = True
                if not self.after:
                    raise Killed
            answer = original(*arguments, **options)
            if mine:
                raise Killed
            return answer

        return done


@contextmanager
def dying(death: Death) -> Iterator[None]:
    with ExitStack() as patches:
        for owner, name in POINTS:
            patches.enter_context(patch.object(owner, name, death.at(getattr(owner, name))))
        yield


def surviving(work: Callable[[], Any]) -> Any:
    """Do something again after the one death that there is, as whoever called it does."""
    try:
        return work()
    except Killed:
        return work()


@pytest.fixture
def still(steps: Steps) -> Iterator[Steps]:
    """Steps whose machines are never started: the tests drive them."""
    with patch.object(Workflow, "_start", lambda *_: None):
        yield steps


def driven(steps: Steps, run: StepRun, *, stopping: int | None = None) -> StepRun:
    """Do rounds as the machine does, and have the step stopped before the n-th; give how it ended."""
    act = Attribution("op", steps.stack.clock.now())
    for number in range(40):
        if number == stopping:
            with steps.stack.acting_as(BEGINNER) as app:
                surviving(lambda: stop_step(app, run.step_id, act))
        with steps.stack.acting_as(WATCHER) as app:
            done = surviving(lambda: watch_automation.watch(app, run.step_id, 1, 0))
        if done.ended:
            return steps.get(run)
        steps.stack.clock.forward(done.seconds)
    raise AssertionError(steps.get(run))


def begun(steps: Steps) -> StepRun:
    run = steps.run(StepKind.AUTOMATION)
    with steps.stack.acting_as(BEGINNER) as app:
        surviving(lambda: begin_step(app, run))
    return run


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("stopping", [None, 0, 1, 2], ids=["runs", "stopped-0", "stopped-1", "stopped-2"])
def test_a_death_at_any_write_or_call_runs_one_automation_and_loses_none(
    stack: Stack, still: Steps, stopping: int | None, after: bool
) -> None:
    stack.control.put_automation(RUNBOOK, seconds=6 if stopping is None else 600, outputs={"a": ["b"]})
    for turn in range(MOST_POINTS):
        death, before = Death(turn, after), len(still.started())
        with dying(death):
            run = begun(still)
            ended = driven(still, run, stopping=stopping)
        made = still.started()[before:]
        if stopping is None:
            assert (ended.status, len(made)) == (StepStatus.SUCCEEDED, 1), turn
        else:
            assert ended.status is StepStatus.CANCELLED, turn
            assert [one["AutomationExecutionStatus"] for one in made] in ([], ["Cancelled"]), turn
        assert len({one["AutomationExecutionId"] for one in made}) == len(made) <= 1
        if not death.happened:
            assert turn > 3, "there is more to die at"
            return
    raise AssertionError("the work never comes to its end")


def test_an_end_is_written_once_whoever_writes_it(still: Steps) -> None:
    run = begun(still)
    with still.stack.acting_as(WATCHER) as app:
        app.steps.end(run.step_id, StepOutcome(succeeded=True, output={"n": 1}), app.now())
        again = app.steps.end(run.step_id, StepOutcome(succeeded=False, error="late"), app.now())
    assert (again.status, again.output, again.error) == (StepStatus.SUCCEEDED, '{"n": 1}', None)


def test_writers_at_once_lose_nothing_of_each_other(still: Steps) -> None:
    """A stop that comes between the read and the write of a round is kept."""
    run = begun(still)
    store = still.stack.app().steps

    def decide(current: StepRun) -> StepRun:
        if current.version == 0:
            store.request_stop(run.step_id, StopReason.CANCEL, "op")
        return current.failed({"at": "2026-01-01T00:00:00.000Z", "error": "x", "cause": ""})

    after = store.change(run.step_id, decide)
    assert (after.stop, after.version) == (StopReason.CANCEL, 2)
    assert (after.last_failure or {})["error"] == "x"


def test_a_machine_that_is_no_longer_the_present_one_does_nothing(stack: Stack, still: Steps) -> None:
    stack.control.put_automation(RUNBOOK)
    run = begun(still)
    with stack.acting_as(WATCHER) as app:
        assert watch_automation.watch(app, run.step_id, 2, 0).ended
    assert not still.started()


def test_a_full_history_hands_over_to_the_next_run(stack: Stack, still: Steps) -> None:
    stack.control.put_automation(RUNBOOK)
    run = begun(still)
    with stack.acting_as(WATCHER) as app:
        assert watch_automation.watch(app, run.step_id, 1, MOST_ROUNDS).ended
    handed = still.get(run)
    assert (handed.machine_run, handed.deaths, handed.status) == (2, 0, StepStatus.IN_PROGRESS)


def test_a_function_whose_machine_died_is_invoked_again_with_the_same_id_but_not_after_a_stop(still: Steps) -> None:
    run = still.run(StepKind.FUNCTION, machine_run=2)
    still.begin(run)
    with still.stack.acting_as("DriveStepFunction") as app:
        first = drive_step.prepare(app, run.step_id)
        assert (first["todo"], first["event"]["stepId"]) == ("INVOKE", run.step_id)
        assert first["function"].endswith(f":function:{FUNCTION}")
        still.stop(run)
        assert drive_step.prepare(app, run.step_id)["todo"] == "DONE"
    ended = still.get(run)
    assert (ended.status, ended.error) == (StepStatus.CANCELLED, "it was stopped, and whether it ran is not known")
