"""What follows a failed wave: STOP, CONTINUE, ASK."""

import pytest
from tests.support.execution_builders import decide_round, execution, job, later, launching, statuses, view, wave

from wavebreak.domain.executions.engine import Directive, finalise
from wavebreak.domain.executions.model.executions import Execution, PausedBy
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.waves import Wave
from wavebreak.domain.plans.model import OnFailure
from wavebreak.execution_utils import ExecutionStatus, WaveStatus
from wavebreak.values import replace

W, E = WaveStatus, ExecutionStatus
FAILED_JOB = view({1: LaunchStatus.FAILED}, completed=True)


def failing(on_failure: OnFailure, *others: Wave) -> Execution:
    """An execution whose first wave is about to fail."""
    return launching(execution(wave(1, W.IN_PROGRESS, on_failure=on_failure), *others), [1])


def test_s2_4_stop_ends_the_execution_and_leaves_the_rest_not_started() -> None:
    decision = decide_round(failing(OnFailure.STOP, wave(2), wave(3)), job1=FAILED_JOB)
    assert (decision.directive, statuses(decision.execution)) == (
        Directive.FINISH,
        ["FAILED", "NOT_STARTED", "NOT_STARTED"],
    )
    assert finalise(decision.execution, later(1)).status is E.FAILED


def test_s2_11_a_failure_after_the_first_wave_is_a_partial_success() -> None:
    done = wave(1, W.COMPLETED)
    current = execution(done, wave(2, W.IN_PROGRESS), wave(3)).with_job(job(1, JobState.ENDED))
    decision = decide_round(launching(current, [2]), job2=view({2: LaunchStatus.FAILED}, completed=True))
    ended = finalise(decision.execution, later(1))
    assert (ended.status, statuses(ended)) == (E.PARTIAL_SUCCESS, ["COMPLETED", "FAILED", "NOT_STARTED"])


def test_stop_starts_nothing_new_and_lets_running_waves_end() -> None:
    beside = wave(2, W.IN_PROGRESS, depends_on=())
    current = launching(failing(OnFailure.STOP, beside, wave(3, depends_on=(2,))), [2])
    stopped = decide_round(current, job1=FAILED_JOB)
    assert (stopped.directive, statuses(stopped.execution)) == (
        Directive.SLEEP,
        ["FAILED", "IN_PROGRESS", "NOT_STARTED"],
    )
    over = decide_round(stopped.execution, job2=view({2: LaunchStatus.LAUNCHED}, completed=True))
    assert (over.directive, statuses(over.execution)) == (Directive.FINISH, ["FAILED", "COMPLETED", "NOT_STARTED"])


def test_continue_lets_the_dependants_run() -> None:
    decision = decide_round(failing(OnFailure.CONTINUE, wave(2)), job1=FAILED_JOB)
    assert (decision.directive, decision.waves) == (Directive.START, (2,))
    assert decision.execution.status is E.IN_PROGRESS


def test_continue_leaves_a_failed_wave_failed_at_the_end() -> None:
    current = execution(wave(1, W.FAILED, on_failure=OnFailure.CONTINUE), wave(2, W.COMPLETED))
    ended = finalise(current.with_job(job(2, JobState.ENDED)), later(1))
    assert (ended.status, statuses(ended)) == (E.PARTIAL_SUCCESS, ["FAILED", "COMPLETED"])


def test_ask_pauses_the_execution_until_someone_decides() -> None:
    decision = decide_round(failing(OnFailure.ASK, wave(2), wave(3, depends_on=())), job1=FAILED_JOB)
    paused = decision.execution
    assert (decision.directive, paused.status) == (Directive.SLEEP, E.PAUSED)
    assert paused.paused_by == {PausedBy.FAILURE}
    assert statuses(paused) == ["FAILED", "NOT_STARTED", "NOT_STARTED"]
    assert decide_round(paused, later(10**7)).execution == paused


def test_ask_lets_running_waves_end_and_then_the_execution_if_none_is_left() -> None:
    beside = wave(2, W.IN_PROGRESS, depends_on=())
    paused = decide_round(launching(failing(OnFailure.ASK, beside), [2]), job1=FAILED_JOB)
    assert (paused.directive, paused.execution.status) == (Directive.SLEEP, E.PAUSED)
    over = decide_round(paused.execution, job2=view({2: LaunchStatus.LAUNCHED}, completed=True))
    assert (over.directive, statuses(over.execution)) == (Directive.FINISH, ["FAILED", "COMPLETED"])
    ended = finalise(over.execution, later(1))
    assert (ended.status, ended.paused_by) == (E.PARTIAL_SUCCESS, frozenset())


def test_ask_about_the_last_wave_asks_nobody() -> None:
    decision = decide_round(failing(OnFailure.ASK), job1=FAILED_JOB)
    assert (decision.directive, decision.execution.status) == (Directive.FINISH, E.IN_PROGRESS)


def test_ask_joins_an_operator_who_paused_before() -> None:
    current = failing(OnFailure.ASK, wave(2))
    held = execution(*current.waves, jobs=current.jobs, status=E.PAUSED, paused_by=frozenset({PausedBy.OPERATOR}))
    assert decide_round(held, job1=FAILED_JOB).execution.paused_by == {PausedBy.OPERATOR, PausedBy.FAILURE}


@pytest.mark.parametrize("on_failure", OnFailure)
def test_a_wave_past_its_deadline_is_followed_by_its_on_failure(on_failure: OnFailure) -> None:
    after = decide_round(failing(on_failure, wave(2)), later(3600)).execution
    expected = {
        OnFailure.STOP: (E.IN_PROGRESS, W.NOT_STARTED),
        OnFailure.CONTINUE: (E.IN_PROGRESS, W.IN_PROGRESS),
        OnFailure.ASK: (E.PAUSED, W.NOT_STARTED),
    }
    assert (after.status, after.wave(2).status) == expected[on_failure]
    assert after.wave(1).status is W.FAILED


def test_a_wave_cut_off_by_an_earlier_cancelled_one_does_not_hold_the_end_up() -> None:
    current = execution(wave(1, W.CANCELLED), wave(2), wave(3, W.COMPLETED, depends_on=()))
    assert decide_round(current).directive is Directive.FINISH


def test_f4_the_error_of_a_wave_names_its_failed_servers_as_people_do() -> None:
    current = failing(OnFailure.STOP)
    current = current.with_waves([current.wave(1).with_servers(lambda server: replace(server, name="db-1"))])
    failed = decide_round(current, job1=FAILED_JOB).execution.wave(1)
    (server,) = failed.servers
    assert failed.error == f"1 critical server(s) failed: db-1 ({server.source_server_id})"
