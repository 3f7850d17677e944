"""Contract 11: the simulator promises no more than the services do, and what it shows was always true.

``SEEDS`` seeds are tried in each history: every read converges, and none invents anything.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from tests.simulator.clients import START, Drs
from tests.simulator.mannered import DELAY, SEEDS, SERVERS, Fresh, History

from drs_simulator.client import ControlError, SimulatorControl
from drs_simulator.clockwork.clock import ManualClock
from drs_simulator.clockwork.timing import Timing
from drs_simulator.manners import STRICT, Lens, Manners


def without(view: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in view.items() if name not in names}


@pytest.fixture
def manners() -> Manners:
    return Manners(seed=1)


def _story(drs: Drs, clock: ManualClock) -> list[Any]:
    """Tell what a caller sees, without the ids, which are drawn anew each time."""
    drs.start(*SERVERS, tags={"a": "b"})
    seen: list[Any] = []
    for _ in range(25):
        for job in drs.client.describe_jobs()["items"]:
            parts = [without(each, "recoveryInstanceID") for each in job["participatingServers"]]
            seen.append((job["status"], job["tags"], parts))
        seen.append([(each["sourceServerID"], each["ec2InstanceState"]) for each in drs.instances()])
        clock.advance(1.25)
    return seen


@pytest.mark.parametrize("seed", SEEDS)
def test_every_read_converges_and_nothing_is_invented(
    seed: int, fresh: Fresh, control: SimulatorControl, drs: Drs, clock: ManualClock
) -> None:
    fresh(seed)
    history = History(control, drs, clock)
    first = drs.start(*SERVERS[:3], tags={"wavebreak:execution": "one"})
    history.remember()
    for _ in range(16):
        history.read()
        history.tick(2)
    second = drs.start(SERVERS[0], SERVERS[3], drill=False)
    history.remember()
    for _ in range(16):
        history.read()
        history.tick(2)
    history.tick(DELAY)
    history.settled()
    assert {each["jobID"] for each in control.state()["jobs"]} == {first, second}
    instances = [each["recoveryInstanceID"] for each in control.state()["recoveryInstances"]]
    drs.client.terminate_recovery_instances(recoveryInstanceIDs=instances)
    history.remember()
    for _ in range(8):
        history.read()
        history.tick(1)
    history.tick(DELAY)
    history.settled()
    assert drs.instances() == []


def test_some_reads_do_not_show_a_job_yet_and_all_do_after_the_delay(
    fresh: Fresh, control: SimulatorControl, drs: Drs, clock: ManualClock
) -> None:
    early, flickering = set(), 0
    for seed in SEEDS:
        fresh(seed, staleReads=0.5)
        job_id = drs.start(SERVERS[0])
        assert control.state()["jobs"][0]["jobID"] == job_id  # the world behind it is exact
        shown = []
        for _ in range(20):
            shown.append(bool(drs.client.describe_jobs(filters={"jobIDs": [job_id]})["items"]))
            clock.advance(DELAY / 20)
        early.add(shown[0])
        flickering += any(was and not now for was, now in itertools.pairwise(shown))
        assert all(drs.client.describe_jobs(filters={"jobIDs": [job_id]})["items"] for _ in range(10))
    assert early == {False}
    assert flickering > len(SEEDS) / 2


def test_the_delay_scales_with_time() -> None:
    clock = ManualClock(START)
    for scale in (1.0, 0.05):
        lens = Lens(Manners(seed=3, stale_reads=1), clock, Timing(scale=scale))
        ages = [(START - lens.moment("job")).total_seconds() for _ in range(200)]
        assert 0 < min(ages) <= max(ages) <= DELAY * scale
        assert max(ages) > DELAY * scale / 2


def test_a_seed_repeats_it_all(fresh: Fresh, drs: Drs, clock: ManualClock) -> None:
    stories = []
    for seed in (11, 11, 12):
        fresh(seed)
        stories.append(_story(drs, clock))
    assert stories[0] == stories[1]
    assert stories[0] != stories[2]


def test_other_callers_reads_of_other_things_change_nothing(fresh: Fresh, drs: Drs, clock: ManualClock) -> None:
    def story(*, others: bool) -> list[Any]:
        fresh(4, ordered=True)
        job_id = drs.start(SERVERS[0])
        other = drs.start(SERVERS[1])
        seen = []
        for _ in range(20):
            if others:
                drs.client.describe_jobs(filters={"jobIDs": [other]})
            seen.append([job["status"] for job in drs.client.describe_jobs(filters={"jobIDs": [job_id]})["items"]])
            clock.advance(1)
        return seen

    assert story(others=False) == story(others=True)


def test_manners_are_told_with_their_seed(control: SimulatorControl) -> None:
    reported = control.manners()
    assert reported["seed"] == 1
    assert reported["strict"] is False
    assert reported["omit"]["ParticipatingServer.recoveryInstanceID"] > 0
    assert control.put_manners(staleReads=0.25) == {**reported, "staleReads": 0.25}
    assert control.put_manners(seed=9)["staleReads"] == reported["staleReads"]
    strict = control.put_manners(strict=True)
    assert strict == {
        "seed": 9,
        "strict": True,
        "staleReads": 0,
        "delaySeconds": 0,
        "omit": {},
        "ordered": True,
        "events": {"lost": 0, "doubled": 0, "late": 0, "lateSeconds": 0},
    }
    control.reset()
    assert control.manners() == reported


def test_a_seed_is_drawn_if_none_is_given() -> None:
    assert len({Manners().seed for _ in range(5)}) > 1
    assert STRICT.in_force.stale_reads == 0


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        ({"staleReads": 1.5}, "/staleReads"),
        ({"delaySeconds": -1}, "/delaySeconds"),
        ({"seed": -1}, "/seed"),
        ({"omit": ["recoveryInstanceID"]}, "/omit/recoveryInstanceID"),
        ({"omit": {"Job.tags": 2}}, "/omit/Job.tags"),
        ({"events": {"gone": 1}}, "/events/gone"),
        ({"strict": True, "staleReads": 0}, ""),
        ({"polite": True}, "/polite"),
    ],
)
def test_manners_that_make_no_sense_are_refused(
    control: SimulatorControl, settings: dict[str, Any], pointer: str
) -> None:
    before = control.manners()
    with pytest.raises(ControlError, match=f"400: {pointer}"):
        control.put_manners(**settings)
    assert control.manners() == before
