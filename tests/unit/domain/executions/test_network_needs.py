"""Contract 13, Networks: until when a drill needs a server's launch template changed."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from tests.support.execution_builders import NOW, TIMING, execution, server_id, wave

from wavebreak.domain.executions.batch_search import Suspicion
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Cancel, Execution, Mode
from wavebreak.domain.executions.model.jobs import Job, JobState
from wavebreak.domain.executions.model.servers import LaunchStatus, Server
from wavebreak.domain.executions.networking.needs import is_needed
from wavebreak.execution_utils import WaveStatus
from wavebreak.values import replace

ONE = server_id(1)
LONG_AGO = NOW - timedelta(hours=1)


def drill(
    status: LaunchStatus = LaunchStatus.PENDING,
    job: JobState | None = None,
    wave_status: WaveStatus = WaveStatus.IN_PROGRESS,
    begun: timedelta = timedelta(hours=1),
    suspicion: Suspicion | None = None,
) -> Execution:
    server = Server(ONE, launch_status=status, suspicion=suspicion)
    started = wave(1, wave_status, servers=(server,), timeout_minutes=10_000)
    made = execution(replace(started, started_at=LONG_AGO), mode=Mode.DRILL)
    if job is None:
        return made
    job_id = "drsjob-1" if job in {JobState.STARTED, JobState.ENDED} else None
    at = NOW - begun
    return made.with_job(Job(1, 1, 1, (ONE,), job, at, at + TIMING.intent_expiry, job_id=job_id))


def needed(made: Execution, *, idle: bool = False) -> bool:
    return is_needed(made, 1, ONE, NOW, TIMING, idle=idle)


@pytest.mark.parametrize(
    ("status", "job", "wave_status"), list(product(LaunchStatus, [JobState.INTENDED, JobState.STARTED], WaveStatus))
)
def test_13_it_is_needed_while_a_job_is_intended_or_active_until_the_server_is_launched_whatever_the_wave_is(
    status: LaunchStatus, job: JobState, wave_status: WaveStatus
) -> None:
    assert needed(drill(status, job, wave_status)) is (status is not LaunchStatus.LAUNCHED)


@pytest.mark.parametrize(("status", "job"), list(product(LaunchStatus, [None, JobState.REFUTED, JobState.REFUSED])))
def test_13_without_a_job_it_is_needed_by_a_running_wave_that_is_to_start_the_server(
    status: LaunchStatus, job: JobState | None
) -> None:
    waits = status is LaunchStatus.PENDING
    assert needed(drill(status, job)) is waits
    for over in set(WaveStatus) - {WaveStatus.IN_PROGRESS}:
        assert not needed(drill(status, job, over))
    cancelled = replace(drill(status, job), cancel=Cancel(Attribution("somebody", NOW)))
    assert not needed(cancelled)


@pytest.mark.parametrize(("seconds", "kept"), [(-1, True), (29, True), (31, False), (300, False)])
def test_13_a_server_that_is_tried_again_within_half_a_minute_keeps_it(seconds: int, kept: bool) -> None:
    waits = Suspicion("not ready", NOW + timedelta(seconds=seconds), 1)
    assert needed(drill(suspicion=waits)) is kept


@pytest.mark.parametrize(
    ("job", "seconds", "counts"),
    [
        (JobState.STARTED, 29, True),
        (JobState.STARTED, 31, False),
        (JobState.INTENDED, 74, True),
        (JobState.INTENDED, 76, False),
    ],
)
def test_13_a_job_that_drs_would_show_and_does_not_counts_no_more(job: JobState, seconds: int, counts: bool) -> None:
    made = drill(LaunchStatus.IN_PROGRESS, job, WaveStatus.FAILED, timedelta(seconds=seconds))
    assert needed(made, idle=True) is counts
    assert needed(made)


def test_13_a_server_that_the_drill_does_not_have_needs_nothing() -> None:
    assert not is_needed(drill(), 1, server_id(9), NOW, TIMING)
