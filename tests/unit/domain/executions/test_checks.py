"""When checks are made: as the last part of their wave, or at the end; what cancels, deadlines and retries do."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.execution_builders import (
    EXECUTION_ID,
    NOW,
    TIMING,
    asked_to_cancel,
    execution,
    job,
    later,
    seen,
    server,
    wave,
)

from wavebreak.domain.executions import steering
from wavebreak.domain.executions.checking import turns
from wavebreak.domain.executions.engine import Decision, Directive, decide, finalise, is_over
from wavebreak.domain.executions.model.findings import CheckCounts
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.steps import StepPhase, StepState, StepView
from wavebreak.domain.executions.stepping.wave_steps import planned, run_id, targets, with_end
from wavebreak.domain.executions.views.checks import checks_view
from wavebreak.domain.executions.views.executions import execution_view
from wavebreak.domain.plans.model import OnFailure
from wavebreak.execution_utils import ExecutionStatus, WaveStatus
from wavebreak.store.records.executions import meta_record, read_execution
from wavebreak.store.records.waves import server_records, wave_record
from wavebreak.values import replace

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.waves import Wave

W = WaveStatus
FACTORS: dict[str, Any] = {"f_x": {"of": "x", "reducer": "max"}}
DOCUMENT: dict[str, Any] = {"name": "smoke", "type": "DOCUMENT", "command": "status", "factors": FACTORS}
STIPULATION: dict[str, Any] = {"name": "quorum", "type": "STIPULATION", "command": "query", "factors": FACTORS}
APPLICATION: dict[str, Any] = {"name": "whole", "type": "APPLICATION", "command": "status", "factors": FACTORS}
LAUNCHED = LaunchStatus.LAUNCHED


def checking(*checks: dict[str, Any], after: tuple[dict[str, Any], ...] = (), **fields: Any) -> Execution:
    """Three waves: the first is done, the second, in progress, has launched its server and has checks."""
    commands = (*planned((), after), *turns.planned(checks))
    second = wave(2, W.IN_PROGRESS, servers=(server(2, LAUNCHED),), steps=commands, **fields)
    return execution(wave(1, W.COMPLETED), second, wave(3)).with_job(job(2, JobState.ENDED, logged=True))


def decide_round(current: Execution, view: StepView | None = None, now: datetime = NOW) -> Decision:
    """One round, in which the running commands are seen as given."""
    names = [run_id(EXECUTION_ID, each.number, each.running_step) for each in current.waves if each.running_step]
    return decide(current, replace(seen(), steps={name: view for name in names if view}), now, TIMING)


def started(current: Execution, number: int = 2) -> Execution:
    mine = current.wave(number)
    due = next(each for each in mine.steps if each.state is StepState.PLANNED)
    return current.with_waves([mine.with_step(replace(due, state=StepState.STARTED))])


def kept(current: Execution, number: int = 2) -> Execution:
    """Have the results of the running check kept."""
    running = current.wave(number).running_step
    assert running is not None
    return with_end(current, number, replace(running, outcome="COMPLETE_FAILURE"), NOW)


def over(current: Execution, number: int = 2) -> Execution:
    """Make and keep one check after another of a wave."""
    while any(each.state is StepState.PLANNED for each in current.wave(number).steps):
        current = kept(started(current, number), number)
    return current


def second(decision: Decision) -> Wave:
    return decision.execution.wave(2)


def test_checks_are_the_last_part_of_their_wave_one_after_another() -> None:
    current = checking(DOCUMENT, STIPULATION, after=({"command": "start"},))
    done = with_end(started(current), 2, replace(current.wave(2).steps[0], outcome="SUCCEEDED"), NOW)
    for _ in range(2):
        decision = decide_round(done)
        assert (decision.directive, decision.waves, second(decision).status) == (Directive.COMMAND, (2,), W.IN_PROGRESS)
        running = started(decision.execution)
        assert decide_round(running, StepView()).directive is Directive.SLEEP
        ended = decide_round(running, StepView(outcome="COMPLETE_FAILURE"))
        assert ended.directive is Directive.COMMAND, "its results are to be kept"
        assert second(ended).running_step is not None, "until they are, the check has not ended"
        done = kept(ended.execution)
    last = decide_round(done)
    assert (second(last).status, last.directive, last.waves) == (W.COMPLETED, Directive.START, (3,))


@pytest.mark.parametrize("outcome", ["COMPLETE_FAILURE", "PARTIAL_SUCCESS", "COMPLETE_SUCCESS"])
def test_no_outcome_of_a_check_fails_its_wave(outcome: str) -> None:
    running = started(checking(DOCUMENT))
    command = running.wave(2).running_step
    assert command is not None
    counted = replace(command, outcome=outcome, failure="whatever")
    assert second(decide_round(with_end(running, 2, counted, NOW))).status is W.COMPLETED


def test_a_wave_that_a_server_failed_makes_no_check() -> None:
    current = checking(DOCUMENT, on_failure=OnFailure.CONTINUE)
    failed = current.with_waves([replace(current.wave(2), servers=(server(2, LaunchStatus.FAILED),))])
    decision = decide_round(failed)
    assert second(decision).status is W.FAILED
    assert second(decision).steps[0].state is StepState.PLANNED


def test_a_deadline_ends_the_wave_at_once_and_cuts_its_check_short() -> None:
    for current in (checking(DOCUMENT, STIPULATION), started(checking(DOCUMENT, STIPULATION))):
        decision = decide_round(current, StepView(), later(60 * 60 + 1))
        assert (second(decision).status, second(decision).error) == (W.COMPLETED, None)
        assert decision.directive is Directive.START, "the next wave does not wait for a check that was cut short"
    beyond = decide_round(
        decision.execution.with_waves([replace(decision.execution.wave(3), status=W.SKIPPED)]), StepView()
    )
    assert (beyond.directive, beyond.waves) == (Directive.COMMAND, (2,)), "the run is stopped"
    assert not is_over(beyond.execution), "and until its results are kept, it is in flight"
    assert decide_round(beyond.execution, StepView(cancelling=True)).directive is Directive.SLEEP


def test_a_deadline_before_the_checks_fails_the_wave_as_ever() -> None:
    waiting = checking(DOCUMENT, after=({"command": "start"},))
    assert second(decide_round(waiting, now=later(60 * 60 + 1))).status is W.FAILED


def test_a_cancel_stops_a_check_starts_none_and_waits_for_its_results() -> None:
    running = steering.cancel(started(checking(DOCUMENT, STIPULATION, APPLICATION)), asked_to_cancel())
    assert (running.status, running.wave(2).status) == (ExecutionStatus.CANCELLING, W.IN_PROGRESS)
    assert decide_round(running, StepView()).directive is Directive.COMMAND
    assert decide_round(running, StepView(cancelling=True)).directive is Directive.SLEEP
    assert decide_round(running, StepView(outcome="COMPLETE_FAILURE")).directive is Directive.COMMAND
    ended = decide_round(kept(running))
    assert (second(ended).status, ended.directive) == (W.CANCELLED, Directive.FINISH)
    states = [each.state for each in ended.execution.wave(2).steps]
    assert states == [StepState.ENDED, StepState.PLANNED, StepState.PLANNED]


def closing(*statuses: WaveStatus, **fields: Any) -> Execution:
    """An execution whose waves have ended so; the second lists a check over all."""
    waves = [wave(number, status, attempt=1) for number, status in enumerate(statuses, start=1)]
    waves[1] = replace(waves[1], steps=turns.planned([APPLICATION, {**APPLICATION, "name": "again"}]))
    return execution(*waves, **fields).with_job(job(1, JobState.ENDED, logged=True))


@pytest.mark.parametrize("last", [W.COMPLETED, W.FAILED, W.SKIPPED])
def test_a_check_over_the_execution_is_made_when_all_else_is_over(last: WaveStatus) -> None:
    current = closing(W.COMPLETED, W.COMPLETED, last)
    for _ in range(2):
        decision = decide_round(current)
        assert (decision.directive, decision.waves) == (Directive.COMMAND, (2,))
        assert finalise(decision.execution, NOW) is decision.execution, "not before it was made"
        running = started(decision.execution)
        assert decide_round(running, StepView()).directive is Directive.SLEEP
        current = kept(running)
    assert decide_round(current).directive is Directive.FINISH
    assert finalise(current, NOW).is_terminal


def test_a_check_over_the_execution_is_over_every_launched_server() -> None:
    current = closing(W.COMPLETED, W.COMPLETED, W.COMPLETED)
    found = targets(current, current.wave(2), StepPhase.CLOSING)
    assert [each.source_server_id for _, each in found] == [server(number).source_server_id for number in (1, 2, 3)]


def test_a_check_over_the_execution_holds_up_no_wave() -> None:
    current = checking(APPLICATION)
    assert (second(decide_round(current)).status, decide_round(current).directive) == (W.COMPLETED, Directive.START)


def counted(*names: str) -> tuple[CheckCounts, ...]:
    return tuple(CheckCounts(name, 1, 1, factors={"f_x": 1}, declared=1) for name in names)


def test_s4_1_a_retry_supersedes_the_checks_of_its_wave_and_those_over_all() -> None:
    """The others stay, and so do what they told."""
    first = replace(over(checking(DOCUMENT, APPLICATION)).wave(2), number=1, status=W.COMPLETED, depends_on=())
    failed = wave(2, W.FAILED, steps=over(checking(STIPULATION)).wave(2).steps)
    current = execution(first, failed, status=ExecutionStatus.PARTIAL_SUCCESS, ended_at=NOW)
    current = replace(current, check_counts=counted("smoke", "quorum", "whole"))
    before = turns.counting_runs(current)

    again = steering.retry(current, 2, later(9))

    after = turns.counting_runs(again)
    assert before == {(1, 1): 1, (1, 2): 1, (2, 1): 1}
    assert after == {(1, 1): 1, (1, 2): 2, (2, 1): 2}
    assert [counts.name for counts in again.check_counts] == ["smoke"]


def test_a_check_that_runs_while_its_wave_is_retried_is_superseded_and_made_again() -> None:
    running = started(closing(W.COMPLETED, W.COMPLETED, W.FAILED))
    running = running.with_waves([replace(running.wave(3), on_failure=OnFailure.CONTINUE)])
    again = steering.retry(running, 3, later(1))
    assert turns.counting_runs(again)[2, 1] == 2, "what it tells now does not count"
    ended = kept(again)
    command = ended.wave(2).steps[0]
    assert (command.state, command.attempt, command.again) == (StepState.PLANNED, 2, False)


def test_s4_9_checks_are_shown_with_what_they_came_to() -> None:
    current = kept(started(checking(DOCUMENT, STIPULATION, APPLICATION)))
    counts = CheckCounts("smoke", 3, 2, 1, ("cmd-1-2",), {"f_x": 1.5}, 1)
    shown = execution_view(replace(current, check_counts=(counts,)), NOW)
    assert shown["factors"] == {"f_x": 1.5}
    assert [(one["name"], one["waveNumber"], one["status"]) for one in shown["checks"]] == [
        ("smoke", 2, "COMPLETED"),
        ("quorum", 2, "NOT_STARTED"),
        ("whole", None, "NOT_STARTED"),
    ]
    shown_counts = [(one["active"], one["succeeded"], one["failed"], one["failedIds"]) for one in shown["checks"]]
    assert shown_counts == [(3, 2, 1, ["cmd-1-2"]), (0, 0, 0, []), (0, 0, 0, [])]
    assert [each["steps"] for each in shown["waves"]] == [[], [], []]
    assert checks_view(execution(wave(1))) == []


def test_what_checks_came_to_is_stored_as_it_was() -> None:
    counts = CheckCounts("smoke", 3, 2, 1, ("cmd-1-2",), {"f_x": 1.25, "f_y": ["ä", None]}, 2, "a note")
    current = replace(started(checking(DOCUMENT, APPLICATION)), check_counts=(counts,), version=3)
    items = [meta_record(current)]
    for each in current.waves:
        items += [wave_record(EXECUTION_ID, each), *server_records(EXECUTION_ID, each)]
    read = read_execution(items)
    assert read is not None
    assert read.check_counts == current.check_counts
    assert [each.steps for each in read.waves] == [each.steps for each in current.waves]


def test_everything_ends_whatever_checks_do() -> None:
    """Whichever kinds of checks there are, and whether an answer, a cancel or a deadline comes."""
    for checks, what in product(
        [(DOCUMENT,), (STIPULATION, APPLICATION), (APPLICATION, DOCUMENT, STIPULATION)], ["answer", "cancel", "late"]
    ):
        current = checking(*checks)
        current = current.with_waves([replace(current.wave(3), status=W.SKIPPED, ended_at=NOW)])
        now = later(7200) if what == "late" else NOW
        for _ in range(12):
            if what == "cancel" and current.cancel is None and not current.is_terminal:
                current = steering.cancel(current, asked_to_cancel())
            decision = decide_round(current, StepView(outcome="COMPLETE_FAILURE"), now)
            current = decision.execution
            if decision.directive is Directive.FINISH:
                break
            assert decision.directive is Directive.COMMAND
            current = kept(current) if current.wave(2).running_step else started(current)
        assert finalise(current, now).is_terminal, (checks, what)
