"""Contract 11: launch events come late, twice, out of order or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulator.mannered import SEEDS, SERVERS, Fresh

if TYPE_CHECKING:
    from tests.simulator.clients import Drs

    from drs_simulator.client import SimulatorControl
    from drs_simulator.clockwork.clock import ManualClock
    from drs_simulator.drs.model import LaunchResult


def test_events_come_late_twice_out_of_order_or_not_at_all(
    fresh: Fresh, drs: Drs, clock: ManualClock, reported: list[LaunchResult], control: SimulatorControl
) -> None:
    lost = doubled = disordered = late = 0
    for seed in SEEDS:
        fresh(seed)
        del reported[:]
        for number, server in enumerate(SERVERS, start=1):
            control.put_source_server(server, launchSeconds=10 + number)
        drs.start(*SERVERS)
        clock.advance(16)
        late += len(SERVERS) - len({each.source_server_arn for each in reported})
        clock.advance(60)
        servers = [each.source_server_arn[-len(SERVERS[0]) :] for each in reported]
        assert set(servers) <= set(SERVERS)
        assert all(each.launched for each in reported)
        lost += len(set(SERVERS) - set(servers))
        doubled += len(servers) - len(set(servers))
        firsts = list(dict.fromkeys(servers))
        disordered += firsts != sorted(firsts)
    assert 0 < lost < late
    assert doubled
    assert disordered


def test_events_may_be_had_properly_and_reads_not(
    fresh: Fresh, drs: Drs, clock: ManualClock, reported: list[LaunchResult]
) -> None:
    fresh(1, events={"lost": 0, "doubled": 0, "late": 0})
    job_id = drs.start(*SERVERS)
    assert not drs.client.describe_jobs(filters={"jobIDs": [job_id]})["items"]
    clock.advance(21)
    assert [each.source_server_arn[-len(SERVERS[0]) :] for each in reported] == SERVERS


def test_late_events_are_gone_with_a_reset(
    fresh: Fresh, drs: Drs, clock: ManualClock, reported: list[LaunchResult], control: SimulatorControl
) -> None:
    fresh(1, events={"lost": 0, "doubled": 0, "late": 1, "lateSeconds": 60})
    drs.start(*SERVERS)
    clock.advance(20.5)
    before = len(reported)
    control.reset()
    clock.advance(120)
    assert len(reported) == before < len(SERVERS)
