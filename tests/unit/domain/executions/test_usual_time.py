"""The poll follows what is known: often once a launch is about to be over, at the normal interval before."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from statistics import median
from typing import TYPE_CHECKING

import pytest
from tests.support.execution_builders import NOW, TIMING, execution, job, later, launching, seen, server, view, wave

from wavebreak.domain.executions.engine import Directive, decide
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.observing.usual_time import ends_soon, usual_launch
from wavebreak.execution_utils import WaveStatus
from wavebreak.values import replace

if TYPE_CHECKING:
    from wavebreak.domain.executions.model.executions import Execution

BRIEF_SECONDS = 5
W, LAUNCHED, PENDING = WaveStatus, LaunchStatus.LAUNCHED, LaunchStatus.PENDING


def two_servers(**fields: object) -> Execution:
    """A wave of two servers that is being launched, after one that was."""
    running = wave(2, W.IN_PROGRESS, servers=(server(2), server(3)))
    both = (server(2).source_server_id, server(3).source_server_id)
    return replace(execution(wave(1, W.COMPLETED), running).with_job(job(2, subjects=both)), **fields)  # type: ignore[arg-type]


def test_without_anything_known_the_interval_is_the_normal_one() -> None:
    assert usual_launch(two_servers()) is None
    for seconds in (0, 600, 6_000):
        assert not ends_soon(two_servers(), later(seconds), TIMING)


def test_once_the_first_server_is_launched_it_is_looked_at_again_in_seconds() -> None:
    decision = decide(two_servers(), seen(job2=view({2: LAUNCHED, 3: PENDING})), later(500), TIMING)
    assert (decision.directive, decision.brief) == (Directive.SLEEP, True)
    (known,) = decision.execution.launch_jobs(2)
    assert known.launched_at == later(500)
    again = decide(decision.execution, seen(job2=view({2: LAUNCHED, 3: PENDING})), later(900), TIMING)
    assert again.execution is decision.execution or again.execution == decision.execution, "nothing is written again"
    assert again.brief
    much_later = decide(again.execution, seen(job2=view({2: LAUNCHED, 3: PENDING})), later(1_101), TIMING)
    assert not much_later.brief, "a server that takes far longer than the others is waited for at the interval"


@pytest.mark.parametrize(("seconds", "brief"), [(0, False), (569, False), (570, True), (1_169, True), (1_170, False)])
def test_once_the_usual_time_is_over_it_is_looked_at_again_in_seconds(seconds: float, brief: bool) -> None:
    """The usual time was seen by polls, so late by up to one interval."""
    last_run = two_servers(usual_launch_seconds=600)
    assert usual_launch(last_run) == timedelta(seconds=600)
    assert decide(last_run, seen(job2=view({2: PENDING, 3: PENDING})), later(seconds), TIMING).brief is brief


def test_the_usual_time_is_the_shortest_of_this_run_before_that_of_the_last() -> None:
    early = job(1, JobState.ENDED, launched_at=later(400), logged=True)
    late = job(1, JobState.ENDED, batch=2, launched_at=later(500), job_id="drsjob-9", logged=True)
    known = two_servers(usual_launch_seconds=600).with_job(early).with_job(late)
    assert usual_launch(known) == timedelta(seconds=400)


def test_what_has_ended_is_not_looked_at_more_often() -> None:
    """The job of a wave whose servers are all there ends some time later, and nobody waits for that."""
    begun = launching(execution(wave(1, W.IN_PROGRESS), wave(2)), [1])
    decision = decide(begun, seen(job1=view({1: LAUNCHED})), later(30), TIMING)
    assert decision.execution.wave(1).status is W.COMPLETED
    held = replace(decision.execution, waves=(decision.execution.wave(1), wave(2, W.AWAITING_APPROVAL)))
    assert not ends_soon(held, NOW, TIMING)
    assert not ends_soon(held, later(60), TIMING)


def hand_overs(dice: Random, typical: float, usual: int | None) -> tuple[list[float], int, float]:
    """Run a chain of six waves in virtual time, polled without events.

    Launches take the typical time, give or take a tenth. Gives how late the end of each was seen, what the next run
    expects, and how many looks there were for each that polls at the interval would have made.
    """
    now, looks, least, late = NOW, 0, 0.0, []
    current = execution(*(wave(number) for number in range(1, 7)), usual_launch_seconds=usual)
    for number in range(1, 7):
        begun = launching(decide(current, seen(), now, TIMING).execution, [number])
        mine = replace(next(begun.launch_jobs(number)), intended_at=now, check_after=now + TIMING.intent_expiry)
        current, took = begun.with_job(mine), typical * dice.uniform(0.9, 1.1)
        there, least = now + timedelta(seconds=took), least + took / 30
        now += timedelta(seconds=dice.uniform(0, 30))
        while current.wave(number).status is W.IN_PROGRESS:
            status = LAUNCHED if now >= there else PENDING
            decision = decide(current, seen(**{f"job{number}": view({number: status})}), now, TIMING)
            current, looks = decision.execution, looks + 1
            if current.wave(number).status is W.IN_PROGRESS:
                now += timedelta(seconds=BRIEF_SECONDS) if decision.brief else TIMING.poll_interval
        late.append((now - there).total_seconds())
        current = current.with_job(replace(next(current.launch_jobs(number)), state=JobState.ENDED, logged=True))
    seconds = usual_launch(current)
    assert seconds is not None
    return late[:-1], int(seconds.total_seconds()), looks / least


def test_without_events_a_wave_waits_a_fifth_of_the_interval_on_the_median() -> None:
    """The goal of a poll that follows what is known, of plans that ran before and of those that did not; few looks."""
    dice = Random(20261129)  # noqa: S311  no secret hangs on it
    late: list[float] = []
    for _ in range(15):
        typical = dice.uniform(600, 1_200)
        first, usual, _ = hand_overs(dice, typical, None)
        again, _, more = hand_overs(dice, typical, usual)
        late += [*first, *again]
        assert more < 2.5
    assert median(late) <= 30 / 5
