"""The launcher and a DRS that refuses: one server's trouble stays its own (A1, T1, T5, N1, N41, A7)."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.execution_builders import TIMING, server_id
from tests.support.launches import PASSING, ROUND, Launch, RefusingDrs, Way

from wavebreak.aws.unrepeated import OutcomeUnknownError
from wavebreak.domain.drs import Quotas, RecentJob
from wavebreak.domain.executions.engine import Directive, start_is_due
from wavebreak.domain.executions.launching import launch_steps
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.execution_utils import WaveStatus
from wavebreak.resilience import retries
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="module")
def no_pause() -> Iterator[None]:
    """What is looked for again is looked for at once."""
    with patch.object(retries, "sleep", lambda _seconds: None):
        yield


@st.composite
def troubles(draw: st.DrawFn, limit: int = 500) -> tuple[int, dict[str, Way]]:
    """Draw how many servers a wave has, and for which of them, `limit` at most, DRS refuses a call, in which way."""
    size = draw(st.integers(1, 120) | st.sampled_from([250, 500]))
    ways = draw(st.sampled_from([*([way] for way in Way), list(Way)]))
    # Where most are refused in the same words, it is held to be the request.
    most = size if set(ways) <= {Way.CONFLICT, Way.FAULT} else size // 4
    k = draw(st.integers(0, min(most, limit)))
    dice = Random(draw(st.integers(0, 10**9)))  # noqa: S311  a test's dice
    at_fault = sorted(dice.sample(range(1, size + 1), k))
    return size, {server_id(number): dice.choice(ways) for number in at_fault}


@settings(max_examples=80, deadline=None)
@given(troubles())
def test_kind_1_all_but_those_at_fault_are_launched_within_three_rounds(drawn: tuple[int, dict[str, Way]]) -> None:
    size, culprits = drawn
    drs = RefusingDrs(culprits)
    launch = Launch(size, drs)
    # What is throttled may be everything: it waits once before it is searched. Among other faults that takes longer.
    mixed = Way.THROTTLE in culprits.values() and len(set(culprits.values())) > 1
    for _ in range(6 if mixed else 3):
        launch.round()
    assert drs.launched == set(launch.names) - culprits.keys()
    k = len(culprits)
    rounded = 2 if Way.FAULT in culprits.values() else 0
    assert len(drs.calls) <= 2 * k * math.log2(max(2, size)) + size / 100 + 10 + rounded
    launch.round()
    for name, way in culprits.items():
        assert launch.server(name).error, name
        assert launch.status(name) is (LaunchStatus.PENDING if way in PASSING else LaunchStatus.FAILED)
    assert all(launch.server(name).suspicion is None for name in drs.launched)


@pytest.mark.parametrize("size", [9, 20, 100, 500])
@pytest.mark.parametrize("way", [Way.CONFLICT, Way.FAULT])
def test_a1_t1_n1_two_at_fault_keep_no_other_waiting_and_are_launched_when_it_is_over(size: int, way: Way) -> None:
    drs = RefusingDrs(dict.fromkeys([server_id(1), server_id(2)], way))
    launch = Launch(size, drs)
    for _ in range(3):
        launch.round()
    assert len(drs.launched) == size - 2
    for _ in range(20):
        launch.round()
    for name in drs.culprits:
        assert launch.status(name) is LaunchStatus.PENDING
        assert "not ready" in str(launch.server(name).error) or "500" in str(launch.server(name).error)
    refused = [call for call in drs.calls if set(call) & drs.culprits.keys()]
    assert {len(call) for call in refused[-4:]} == {1}, "they are tried alone"
    drs.culprits.clear()
    for _ in range(12):
        launch.round()
    assert len(drs.launched) == size
    launch.jobs_end()
    launch.observe()
    assert launch.execution.waves[0].status is WaveStatus.COMPLETED
    assert not any(server.error for server in launch.execution.waves[0].servers)


def test_a_culprit_is_tried_again_after_30_seconds_twice_as_long_each_time_and_300_at_most() -> None:
    drs = RefusingDrs({server_id(1): Way.CONFLICT})
    launch = Launch(1, drs)
    tried = []
    for _ in range(40):
        before = len(drs.calls)
        launch.round()
        tried += [launch.rounds] if len(drs.calls) > before else []
    waits = [launch.execution.waves[0].servers[0].suspicion]
    assert waits[0] is not None
    assert len(drs.calls) == 7, "at 0, 31, 93, 217, 465 and then every 310 s"
    assert waits[0].times == 7


@pytest.mark.parametrize("size", [7, 20, 100, 500])
@pytest.mark.parametrize("way", [Way.VALIDATION, Way.NAMED])
def test_t5_what_concerns_the_request_fails_the_wave_at_once_in_its_words(size: int, way: Way) -> None:
    drs = RefusingDrs(request=way)
    launch = Launch(size, drs)
    launch.round()
    assert len(drs.calls) <= 10
    assert not drs.launched
    launch.observe()
    only = launch.execution.waves[0]
    assert only.status is WaveStatus.FAILED
    assert str(only.error).startswith("DRS refused: ")
    assert {server.launch_status for server in only.servers} == {LaunchStatus.FAILED}
    assert all(str(server.error).startswith("DRS refused: ") for server in only.servers)


def test_kind_2_a_quota_that_nobody_knows_and_that_holds_for_all_is_waited_out() -> None:
    drs = RefusingDrs(request=Way.QUOTA)
    launch = Launch(100, drs)
    launch.round()
    assert len(drs.calls) <= 10
    assert {server.launch_status for server in launch.execution.waves[0].servers} == {LaunchStatus.PENDING}
    assert all("one job a server" in str(server.error) for server in launch.execution.waves[0].servers)
    drs.request = None
    for _ in range(8):
        launch.round()
    assert len(drs.launched) == 100
    assert len(drs.started) <= 8


def test_n41_of_a_refusal_that_names_one_the_others_hear_nothing() -> None:
    drs = RefusingDrs({server_id(13): Way.NAMED})
    launch = Launch(20, drs)
    launch.round()
    assert len(drs.calls) == 2
    assert launch.status(server_id(13)) is LaunchStatus.FAILED
    assert server_id(13) in str(launch.server(server_id(13)).error)
    assert [name for name in launch.names if launch.server(name).error] == [server_id(13)]


def test_those_in_a_job_of_somebody_else_wait_by_themselves_and_start_together() -> None:
    drs = RefusingDrs()
    launch = Launch(20, drs)
    drs.start_recovery(launch.execution.waves[0].servers[:8], is_drill=False, tags={})
    launch.round()
    assert [len(call) for call in drs.calls] == [8, 12]
    assert {str(launch.server(name).error) for name in launch.names[:8]} == {
        "Waits for the end of another DRS job of this server (drsjob-00000000000000000)"
    }
    launch.jobs_end()
    launch.round()
    assert [len(call) for call in drs.calls] == [8, 12, 8]


@pytest.mark.parametrize("hidden", [0, 1, 2, 3])
def test_rule_6_jobs_that_drs_does_not_show_yet_use_up_the_quota_all_the_same(hidden: int) -> None:
    drs = RefusingDrs(quotas=Quotas(jobs=2, servers_a_job=5, servers_in_jobs=100), hides=hidden)
    launch = Launch(20, drs)
    for _ in range(3):
        launch.round()
    assert [len(call) for call in drs.calls] == [5, 5]
    launch.jobs_end()
    launch.round()
    assert [len(call) for call in drs.calls] == [5, 5, 5, 5]


@settings(max_examples=100, deadline=None)
@given(
    troubles(limit=12),
    st.integers(0, 3),
    st.sets(st.integers(1, 12), max_size=4),
    st.sampled_from([Quotas(jobs=4, servers_a_job=100, servers_in_jobs=500), Quotas()]),
)
def test_a_healthy_server_is_never_left_waiting_while_there_is_room(
    drawn: tuple[int, dict[str, Way]], hides: int, lost: set[int], quotas: Quotas
) -> None:
    size, culprits = drawn
    drs = RefusingDrs(culprits, quotas=quotas, hides=hides, lost=lost)
    launch = Launch(size, drs)
    healthy = set(launch.names) - culprits.keys()
    # Where there is room for few jobs, those that bring DRS down are found out in more rounds; a throttle waits first.
    soon = quotas.jobs > max(4, len(culprits)) and Way.THROTTLE not in culprits.values()
    idle, patience = 0, 2 if soon else 4
    for _ in range(60):
        before = len(drs.launched)
        launch.round()
        idle = 0 if len(drs.launched) > before else idle + 1
        assert healthy <= drs.launched or idle <= patience or not _room(drs), "healthy servers wait, and there is room"
        if idle > 1 and not healthy <= drs.launched:
            launch.jobs_end()
    assert healthy <= drs.launched
    assert drs.over_quota <= len(lost)
    launch.jobs_end()
    launch.observe()
    recorded = {job.job_id for job in launch.execution.jobs if job.job_id}
    assert recorded == {job.job_id for job in drs.started}
    assert not start_is_due(launch.execution, launch.execution.waves[0], launch.now - ROUND, TIMING) or culprits


def _room(drs: RefusingDrs) -> bool:
    return sum(not job.ended for job in drs.started) < drs.quotas.jobs


def test_what_was_refused_is_kept_for_the_last_look_and_does_not_pile_up() -> None:
    drs = RefusingDrs(dict.fromkeys(map(server_id, range(1, 6)), Way.CONFLICT))
    launch = Launch(100, drs)
    for _ in range(30):
        launch.round()
    kept = [job for job in launch.execution.jobs if job.state is JobState.REFUSED]
    assert sorted(job.subjects for job in kept) == [(server_id(number),) for number in range(1, 6)]
    assert len(drs.calls) > 40


def test_a_start_gives_its_wave_back_and_wakes_the_machine_whatever_came_of_it() -> None:
    drs = RefusingDrs({server_id(1): Way.CONFLICT}, silent={"DescribeJobs"})
    launch = Launch(3, drs)
    for woken in (1, 2, 3):
        launch.round()
        assert launch.execution.waves[0].start_lease is None
        assert len(launch.app.workflow.woken) == woken
        drs.silent.clear()
        launch.now += ROUND
    assert drs.launched == {server_id(2), server_id(3)}


def test_a_start_of_one_batch_writes_its_lease_its_intent_and_what_came_of_it() -> None:
    launch = Launch(3, RefusingDrs())
    before = launch.execution.version
    launch.round()
    assert launch.execution.version == before + 1 + 3, "the first write is that of the round which found it due"
    assert launch.execution.waves[0].start_lease is None


@pytest.mark.parametrize("refused", [(), (1,), (2, 5, 7)])
@pytest.mark.parametrize("unknown", [False, True])
def test_drs_is_never_called_for_a_wave_that_was_given_back(
    monkeypatch: pytest.MonkeyPatch, refused: tuple[int, ...], *, unknown: bool
) -> None:
    drs = RefusingDrs(dict.fromkeys(map(server_id, refused), Way.CONFLICT))
    drs.quotas = replace(drs.quotas, servers_a_job=3)
    launch = Launch(8, drs)
    start, leased = drs.start_recovery, []

    def watched(*given: Any, **named: Any) -> str:
        leased.append(launch.execution.waves[0].start_lease)
        started = start(*given, **named)
        if unknown and len(leased) == 1:
            raise OutcomeUnknownError("no answer")
        return started

    monkeypatch.setattr(drs, "start_recovery", watched)
    for _ in range(6):
        launch.round()
        assert launch.execution.waves[0].start_lease is None
    assert len(leased) > 2
    assert None not in leased
    assert drs.launched == set(launch.names) - set(map(server_id, refused))


def test_a_start_that_dies_is_made_again_when_its_lease_has_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    drs = RefusingDrs()
    launch = Launch(3, drs)

    def dies(_now: object) -> list[RecentJob]:
        monkeypatch.undo()
        raise RuntimeError("killed")

    monkeypatch.setattr(drs, "recent_jobs", dies)
    with pytest.raises(RuntimeError):
        launch.round()
    assert launch.observe() is Directive.SLEEP
    launch.now += TIMING.start_lease
    launch.round()
    assert drs.launched == set(launch.names)


def test_a_lease_of_another_call_is_left_alone() -> None:
    launch = Launch(1, RefusingDrs())
    other = launch.now + TIMING.start_lease
    leased = launch_steps.leased(launch.execution, 1, other)
    assert launch_steps.lease_released(leased, 1, launch.now) is leased
    assert launch_steps.lease_released(leased, 1, other).waves[0].start_lease is None
