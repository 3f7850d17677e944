"""When DRS was last heard of what is in flight (contract 4): it stands still while DRS does not answer."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.blueprint import REGION
from tests.support.plans import plan, server, wave
from tests.support.stored_executions import ACT, execution, execution_id

from wavebreak.aws.drs import Drs
from wavebreak.domain.executions.machine_runs import Machine
from wavebreak.domain.executions.model.jobs import Job, JobState
from wavebreak.domain.executions.model.servers import LaunchStatus, Server
from wavebreak.domain.executions.model.waves import Wave
from wavebreak.domain.executions.observing.launches import JobLog, JobView
from wavebreak.execution_utils import ExecutionStatus, WaveStatus
from wavebreak.site import Site
from wavebreak.store import keys
from wavebreak.timing import iso, parse_iso
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tests.support.stack import Stack

    from wavebreak.domain.drs import Instance

FAR = "us-west-2"


def test_b6_last_seen_moves_while_drs_answers_and_stands_still_while_it_does_not(stack: Stack) -> None:
    stack.put_servers([server(1)], launchSeconds=8, hostname="db-1")
    started = stack.start(plan(wave("db", 1)), "recoveries")
    first = stack.wait(started, lambda seen: seen["lastSeenAt"])
    assert first["waves"][0]["servers"][0]["name"] == "db-1", "names are frozen at the start (F4)"
    later = stack.wait(started, lambda seen: _moved(first, seen))
    stack.control.fault("DescribeJobs", httpStatus=503, count=200)
    time.sleep(1)
    silent = stack.get(started)["lastSeenAt"]
    time.sleep(1.5)
    assert stack.get(started)["lastSeenAt"] == silent >= later["lastSeenAt"]
    stack.control.clear_faults()
    stack.wait(started, lambda seen: (seen["lastSeenAt"] or "") > silent or seen["endedAt"])
    assert stack.ended(started)["lastSeenAt"] is None, "nothing is in flight any more"


def _moved(before: dict[str, Any], seen: dict[str, Any]) -> bool:
    return bool(seen["lastSeenAt"]) and parse_iso(seen["lastSeenAt"]) > parse_iso(before["lastSeenAt"])


LONG_AGO = timedelta(hours=2)
LAUNCHED = replace(Server(server(2)), launch_status=LaunchStatus.LAUNCHED)


def test_a_wave_that_is_just_being_started_lets_no_site_count_as_silent(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Drs, "jobs", _knows_no_job)
    now = stack.clock.now()
    asked = _job(1, JobState.STARTED, now)
    leased = _wave(2, region=FAR, start_lease=now + timedelta(minutes=1))

    seen = _last_seen(stack, [_wave(1), leased], [asked, _job(2, JobState.INTENDED, now, FAR)])

    assert parse_iso(seen) >= _to_the_millisecond(now)


@pytest.mark.parametrize("hears", [True, False])
def test_drs_was_heard_when_the_first_job_in_flight_was_called_unless_it_told_of_it_since(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, hears: bool
) -> None:
    if hears:
        monkeypatch.setattr(Drs, "jobs", _knows_no_job)
    else:
        stack.control.fault("DescribeJobs", httpStatus=503, count=200)
    now = stack.clock.now()
    called = now - timedelta(seconds=90)
    jobs = [_job(1, JobState.STARTED, called), _job(2, JobState.STARTED, called + timedelta(seconds=30))]

    seen = parse_iso(_last_seen(stack, [_wave(1), _wave(2)], jobs))

    assert (seen >= _to_the_millisecond(now)) if hears else (seen == _to_the_millisecond(called))


def test_nothing_that_drs_was_not_asked_for_yet_counts_as_heard(stack: Stack) -> None:
    now = stack.clock.now()
    called = now - timedelta(seconds=5)
    leased = _wave(1, start_lease=now + timedelta(minutes=1))

    seen = _last_seen(stack, [leased], [_job(1, JobState.INTENDED, called)])

    assert parse_iso(seen) == _to_the_millisecond(called)


def test_a_site_that_tells_of_instances_but_of_no_job_was_not_heard(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    def hang(_drs: Drs, _job_ids: Sequence[str]) -> tuple[dict[str, JobView], frozenset[str]]:
        released.wait(30)
        return {}, frozenset()

    def tell(_drs: Drs, ids: Sequence[str]) -> list[Instance]:
        reported.extend(ids)
        stack.app().wakes.claim(execution_id(1), keys.TOKEN)  # a wake ends the wait for the site
        return []

    reported: list[str] = []
    monkeypatch.setattr(Drs, "jobs", hang)
    monkeypatch.setattr(Drs, "every_instance", tell)
    monkeypatch.setattr(Drs, "job_log", lambda _drs, _job_id: JobLog())
    now = stack.clock.now()
    called = now - timedelta(seconds=60)
    ended = _job(2, JobState.ENDED, called)
    over = replace(_wave(2), servers=(LAUNCHED,))
    try:
        seen = _last_seen(stack, [_wave(1), over], [_job(1, JobState.STARTED, called), replace(ended, ended_at=now)])
    finally:
        released.set()

    assert reported == [server(2)]
    assert parse_iso(seen) == _to_the_millisecond(called)


def _knows_no_job(_drs: Drs, job_ids: Sequence[str]) -> tuple[dict[str, JobView], frozenset[str]]:
    return {}, frozenset(job_ids)


def _wave(number: int, *, region: str = REGION, **fields: Any) -> Wave:
    servers, site = (Server(server(number)),), Site(None, region)
    return Wave(number, f"wave {number}", servers, status=WaveStatus.IN_PROGRESS, site=site, **fields)


def _job(number: int, state: JobState, called: datetime, region: str = REGION) -> Job:
    job_id = None if state is JobState.INTENDED else f"drsjob-{number:017d}"
    later = called + timedelta(minutes=2)
    return Job(number, 1, 1, (server(number),), state, called, later, site=Site(None, region), job_id=job_id)


def _last_seen(stack: Stack, waves: list[Wave], jobs: list[Job]) -> str:
    """Do one round of an execution that was started two hours ago, and give what its sleep would write down."""
    executions = stack.app().executions
    now = stack.clock.now()
    begun = tuple(replace(wave, started_at=now) for wave in waves)
    fresh = replace(execution(), waves=begun, started_at=now - LONG_AGO, status=ExecutionStatus.IN_PROGRESS)
    born = executions.create(fresh, "{}", ACT, {})
    executions.save(born, replace(born, jobs=tuple(jobs)), ACT)
    name = Machine.RECOVERY.run_name(born.execution_id, 1)
    answer = stack.invoke("ObserveFunction", {"executionId": born.execution_id, "name": name, "rounds": 0})
    assert answer["directive"] == "SLEEP"
    return str(answer["lastSeen"])


def _to_the_millisecond(moment: datetime) -> datetime:
    return parse_iso(iso(moment))
