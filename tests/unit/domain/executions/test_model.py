"""The model: sites, jobs and waves of an execution."""

import pytest
from tests.support.execution_builders import execution, instance_id, job, job_id, server, wave

from wavebreak.domain.executions.model.executions import Termination
from wavebreak.domain.executions.model.jobs import JobKind, JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus


@pytest.mark.parametrize("state", JobState)
def test_a_call_is_in_flight_from_its_intent_until_it_is_refuted_or_its_job_ends(state: JobState) -> None:
    subject = execution(wave(1), jobs=(job(1, state),))
    expected = state in {JobState.INTENDED, JobState.STARTED}
    assert (subject.in_flight, subject.wave_in_flight(1)) == (expected, expected)
    assert subject.has_job is (state in {JobState.STARTED, JobState.ENDED})


def test_terminate_jobs_are_no_launches() -> None:
    subject = execution(wave(1), jobs=(job(0, kind=JobKind.TERMINATE),))
    assert (subject.in_flight, subject.has_job, list(subject.launch_jobs())) == (False, False, [])


def test_jobs_are_kept_in_order_one_for_each_key() -> None:
    subject = execution(wave(1), wave(2)).with_job(job(2)).with_job(job(1, attempt=2, job_id=job_id(3)))
    subject = subject.with_job(job(1)).with_job(job(2, JobState.ENDED))
    assert [item.key for item in subject.jobs] == [(1, 1, 1), (1, 2, 1), (2, 1, 1)]
    assert subject.job_ids(1) == (job_id(1), job_id(3))
    assert subject.jobs[2].state is JobState.ENDED
    assert subject.without_job(job(2)).job_ids(2) == ()


@pytest.mark.parametrize(
    ("status", "actions_running", "settled"),
    [
        (LaunchStatus.PENDING, False, False),
        (LaunchStatus.IN_PROGRESS, False, False),
        (LaunchStatus.LAUNCHED, False, True),
        (LaunchStatus.LAUNCHED, True, False),
        (LaunchStatus.FAILED, False, True),
        (LaunchStatus.FAILED, True, True),
        (LaunchStatus.TERMINATED, False, True),
    ],
)
def test_the_launch_of_a_server_is_over(status: LaunchStatus, actions_running: bool, settled: bool) -> None:
    assert server(1, status, actions_running=actions_running).is_settled is settled


def test_a_server_taken_up_anew_forgets_its_launch_and_nothing_else() -> None:
    used = server(1, LaunchStatus.FAILED, error="no", recovery_instance_id=instance_id(1), snapshot_id="pit-1")
    assert used.reset() == server(1, snapshot_id="pit-1")


@pytest.mark.parametrize("number", [-1, 0, 3])
def test_a_wave_that_is_not_there_is_a_key_error(number: int) -> None:
    with pytest.raises(KeyError):
        execution(wave(1), wave(2)).wave(number)


def test_waves_are_replaced_by_number_and_kept_when_nothing_changes() -> None:
    subject = execution(wave(1), wave(2))
    changed = subject.with_waves([wave(2, WaveStatus.SKIPPED)])
    assert [item.status for item in changed.waves] == [WaveStatus.NOT_STARTED, WaveStatus.SKIPPED]
    assert changed.count(WaveStatus.SKIPPED) == 1
    assert subject.wave(1).with_servers(lambda item: item) is subject.wave(1)


@pytest.mark.parametrize("status", ExecutionStatus)
@pytest.mark.parametrize("termination", TerminationStatus)
def test_locks_are_held_while_it_runs_and_while_it_cleans_up(
    status: ExecutionStatus, termination: TerminationStatus
) -> None:
    subject = execution(wave(1), status=status, termination=Termination(termination))
    running = status in {"PENDING", "IN_PROGRESS", "PAUSED", "CANCELLING"}
    assert subject.is_terminal is not running
    assert subject.holds_locks is (running or termination is TerminationStatus.IN_PROGRESS)
    assert subject.instances_terminated is (termination is TerminationStatus.COMPLETED)
