"""One instance's trouble stays its own: whatever DRS refuses, hides or does not report some, the others are ended."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.execution_builders import NOW, instance_id
from tests.support.termination_services import FOR_GOOD, UNCALLED, Way
from tests.support.termination_world import POLL, TerminationWorld
from tests.support.terminations import left, reasons

from drs_simulator.manners import Manners
from wavebreak.aws.unrepeated import CallRejectedError, OutcomeUnknownError
from wavebreak.domain.executions.ending.termination import TerminationDirective
from wavebreak.execution_utils import TerminationStatus
from wavebreak.site import Site

HOME = Site()
FAR = (HOME, Site(None, "us-west-2"), Site("222222222222", "eu-west-1"))
CALLED = [way for way in Way if way not in UNCALLED]
SAID = {
    Way.CONFLICT: "ConflictException: a job of its server is running",
    Way.QUOTA: "ServiceQuotaExceededException: too many of something",
    Way.VALIDATION: "ValidationException: Invalid recovery instance",
    Way.NAMING: "AccessDeniedException: not authorized on recovery-instance/{}",
    Way.FAULT: "InternalServerException (500)",
    Way.THROTTLE: "ThrottlingException: slow down",
    Way.FAILBACK: "Its failback is FAILBACK_IN_PROGRESS: end or disconnect it in DRS",
    Way.INTO: "It existed before and was launched into (launchInto): end or disconnect it in DRS",
    Way.SILENT: "DRS does not report whether it existed before (GetLaunchConfiguration)",
    Way.HELD: "held by recovery-01x",
    Way.LOST: "DRS no longer shows it, and EC2 has it running: end it in EC2 if it is not needed",
}


def late(seed: int) -> Manners:
    """Have looks be up to 90 s old: some do not show yet what was just launched, or still show what is gone."""
    return Manners(seed=seed, delay_seconds=90)


@st.composite
def faults(draw: st.DrawFn) -> tuple[int, tuple[Site, ...], dict[int, Way]]:
    """So many instances in so many sites, of whom some are at fault in one way or in many."""
    size = draw(st.integers(1, 500))
    sites = FAR[: draw(st.integers(1, 3))]
    ways = draw(st.sampled_from([[way] for way in Way] + [CALLED, list(Way)]))
    most = size
    if {Way.VALIDATION, Way.NAMING, Way.THROTTLE} & set(ways):
        # Where most are refused in the same words, it is held to be the request.
        most = size // (4 * len(sites))
    at_fault = draw(st.sets(st.integers(1, size), max_size=most))
    return size, sites, {number: draw(st.sampled_from(ways)) for number in sorted(at_fault)}


@settings(max_examples=60, deadline=None)
@given(faults(), st.booleans())
def test_all_but_those_at_fault_are_ended_within_three_rounds(
    drawn: tuple[int, tuple[Site, ...], dict[int, Way]], names_instances: bool
) -> None:
    size, sites, ways = drawn
    world = TerminationWorld(size, sites, ways, names_instances=names_instances)
    world.run(until=lambda: world.taken >= world.healthy())
    # What is throttled may be everything: it waits once before it is searched. Among other faults that takes longer.
    mixed = Way.THROTTLE in ways.values() and len(set(ways.values()) - UNCALLED) > 1
    # After a fault the next smaller calls wait until the job is known to be absent: that may take one round more.
    assert world.rounds <= (6 if mixed else 4 if Way.FAULT in ways.values() else 3)
    assert world.taken == world.healthy()
    k = sum(way not in UNCALLED for way in ways.values())
    assert len(world.calls) <= 2 * k * math.log2(max(2, size)) + size / 100 + 10, len(world.calls)

    world.run(pause=timedelta(minutes=4))

    world.ended_as(TerminationStatus.INCOMPLETE if ways else TerminationStatus.COMPLETED)
    terminated, remaining, unknown = left(world.execution)
    assert terminated == size - len(ways)
    assert set(unknown) == {instance_id(number) for number, way in ways.items() if way is Way.LOST}
    assert set(remaining) | set(unknown) == world.ways.keys()
    assert reasons(world.execution) == {name: SAID[way].format(name) for name, way in world.ways.items()}


@settings(max_examples=30, deadline=None)
@given(faults(), st.integers(0, 10**6))
def test_with_reads_that_show_some_not_yet_nothing_is_called_terminated_that_runs(
    drawn: tuple[int, tuple[Site, ...], dict[int, Way]], seed: int
) -> None:
    size, sites, ways = drawn
    world = TerminationWorld(size, sites, ways, manners=late(seed))
    for _ in range(4):
        world.run(pause=timedelta(seconds=45))
        terminated, remaining, unknown = left(world.execution)
        assert terminated == len(world.taken)
        assert terminated + len(remaining) + len(unknown) == size
        if world.execution.termination.status is TerminationStatus.COMPLETED:
            break
        world.ask_again()
    assert world.taken == world.healthy()


@pytest.mark.parametrize("way", list(Way))
@pytest.mark.parametrize("size", [1, 2, 20, 200, 500])
def test_that_all_are_at_fault_is_found_out_and_told(way: Way, size: int) -> None:
    world = TerminationWorld(size, [HOME], dict.fromkeys(range(1, size + 1), way))
    world.run(pause=timedelta(minutes=2))
    world.ended_as(TerminationStatus.INCOMPLETE)
    assert world.taken == set()
    said = reasons(world.execution)
    assert said.keys() == world.ways.keys()
    assert all(said.values())
    if way in FOR_GOOD:
        assert world.reads < 30, "it took its whole hour though nothing could be done"


@pytest.mark.parametrize("n", [20, 100, 200])
def test_t2_two_of_many_in_conflict_hold_up_no_other(n: int) -> None:
    world = TerminationWorld(n, [HOME], {1: Way.CONFLICT, 2: Way.CONFLICT})
    world.run(until=lambda: world.taken >= world.healthy())
    assert world.rounds == 1
    calls = len(world.calls)
    for _ in range(10):
        world.step()
    assert world.most_calls(world.ways.keys()).total() - calls < 20, "the healthy ones are searched again and again"


@pytest.mark.parametrize("n", [20, 200])
def test_n21_a_fault_for_one_leaves_it_alone_and_is_told(n: int) -> None:
    world = TerminationWorld(n, [HOME], {7: Way.FAULT})
    world.run(until=lambda: world.taken >= world.healthy())
    assert world.rounds <= 3
    world.run()
    assert reasons(world.execution) == {instance_id(7): "InternalServerException (500)"}


def test_n42_an_access_denied_that_names_one_is_not_the_others_and_costs_one_call_more() -> None:
    world = TerminationWorld(20, [HOME], {7: Way.NAMING})
    world.run(until=lambda: world.taken >= world.healthy())
    assert [len(call) for call in world.calls] == [20, 19]


@pytest.mark.parametrize("size", [1, 20, 500])
def test_what_concerns_the_request_is_told_of_all_in_at_most_ten_calls_a_round(size: int) -> None:
    words = "User is not authorized to perform: drs:TerminateRecoveryInstances"
    world = TerminationWorld(size, [HOME], {}, refused=words)
    before = 0
    while world.step().value != "FINISH":
        assert len(world.calls) - before <= 10
        before = len(world.calls)
    world.ended_as(TerminationStatus.INCOMPLETE)
    assert set(reasons(world.execution).values()) == {f"AccessDeniedException: {words}"}
    assert world.reads < 20


def test_a_right_that_is_granted_meanwhile_is_used_for_all_of_them_together() -> None:
    world = TerminationWorld(150, [HOME], {}, refused="User is not authorized")
    world.step()
    world.drs[HOME].refused = None
    world.drs[HOME].calls.clear()
    world.run()
    world.ended_as(TerminationStatus.COMPLETED)
    assert len(world.calls) == 2


@pytest.mark.parametrize("not_found", [False, True])
@pytest.mark.parametrize("stale", [1, 3, 6])
def test_a3_first_looks_that_show_nothing_end_with_the_instances_gone_or_named(stale: int, not_found: bool) -> None:
    known_from = NOW + stale * POLL - timedelta(seconds=1)
    world = TerminationWorld(40, [HOME], {}, known_from=known_from, not_found=not_found)
    world.run()
    terminated, remaining, unknown = left(world.execution)
    assert terminated == len(world.taken)
    assert len(world.taken) + len(remaining) + len(unknown) == 40
    if stale < 3:
        world.ended_as(TerminationStatus.COMPLETED)
    else:
        # For a minute DRS showed none of them, and EC2 runs them: they are named, and found by the next termination.
        world.ended_as(TerminationStatus.INCOMPLETE)
        assert len(unknown) == 40
        world.now = max(world.now, known_from)
        world.ask_again()
        world.run()
        world.ended_as(TerminationStatus.COMPLETED)


def test_t10_one_that_was_disconnected_is_unknown_and_the_others_are_counted() -> None:
    world = TerminationWorld(2, [HOME], {2: Way.LOST})
    world.run()
    world.ended_as(TerminationStatus.INCOMPLETE)
    assert left(world.execution) == (1, [], [instance_id(2)])


def test_a_place_that_does_not_answer_holds_up_no_other() -> None:
    world = TerminationWorld(60, FAR, {})
    world.drs[FAR[1]].down = True
    world.run(until=lambda: len(world.taken) == 40)
    assert world.rounds == 1
    for _ in range(6):
        world.step()
    assert left(world.execution)[0] == 40
    assert set(reasons(world.execution).values()) == {"DRS does not answer in us-west-2"}
    world.drs[FAR[1]].down = False
    world.run()
    world.ended_as(TerminationStatus.COMPLETED)


def test_a_place_that_throttles_waits_and_is_not_searched() -> None:
    world = TerminationWorld(60, FAR, {})
    slow, original = world.drs[FAR[1]], world.drs[FAR[1]].terminate

    def throttled(ids: object) -> str:
        slow.calls.append(tuple(ids))  # type: ignore[arg-type]  # ids of instances
        raise CallRejectedError("ThrottlingException", "slower", status=429)

    slow.terminate = throttled  # type: ignore[method-assign]  # a service that throttles
    world.run(until=lambda: len(world.taken) == 40)
    assert [len(call) for call in slow.calls] == [20]
    assert "ThrottlingException: slower" in reasons(world.execution).values()
    slow.terminate = original  # type: ignore[method-assign]  # and no longer does
    world.run()
    world.ended_as(TerminationStatus.COMPLETED)


def test_a_lost_answer_is_looked_up_and_nothing_is_ended_twice() -> None:
    world = TerminationWorld(20, [HOME], {})
    drs, original = world.drs[HOME], world.drs[HOME].terminate

    def lost(ids: object) -> str:
        original(ids)  # type: ignore[arg-type]  # ids of instances
        drs.terminate = original  # type: ignore[method-assign]  # the next answer comes
        raise OutcomeUnknownError("no answer")

    drs.terminate = lost  # type: ignore[method-assign]  # the answer is lost
    world.run()
    world.ended_as(TerminationStatus.COMPLETED)
    assert len(world.calls) == 1


@pytest.mark.parametrize("size", [5, 100])
def test_a_termination_of_what_a_recovery_holds_sleeps_between_looks_though_reads_are_late(size: int) -> None:
    held = dict.fromkeys(range(1, size + 1), Way.HELD)
    world = TerminationWorld(size, [HOME], held, manners=late(1))
    directives: list[TerminationDirective] = []
    while not directives or directives[-1] is not TerminationDirective.FINISH:
        directives.append(world.step())
        assert len(directives) < 500
    assert TerminationDirective.TERMINATE not in directives, "nothing was due, and no round began at once"
    assert not world.calls
