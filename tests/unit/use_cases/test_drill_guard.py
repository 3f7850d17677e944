"""A drill never ends a recovered server: the guard just before each StartRecovery (contract 2, A2)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.execution_builders import instance_id, job_id, server_id
from tests.support.launches import ROUND, Launch, RefusingDrs, Started

from wavebreak.domain.drs import Instance
from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.executions.model.servers import LaunchStatus

ONE, TWO = server_id(1), server_id(2)


def recovered(number: int, **fields: Any) -> Instance:
    return Instance(instance_id(number), server_id(number), job_id(9), **fields)


def drilled(drs: RefusingDrs, size: int = 3, rounds: int = 1) -> Launch:
    launch = Launch(size, drs, mode=Mode.DRILL)
    for _ in range(rounds):
        launch.round()
    return launch


def test_no_call_more_is_made_when_nothing_is_there() -> None:
    drs = RefusingDrs()
    launch = drilled(drs)
    assert drs.launched == set(launch.names)
    assert drs.reads == {"DescribeJobs": 1, "DescribeSourceServers": 1}


@pytest.mark.parametrize("state", ["RUNNING", "STOPPED", "PENDING", "SHUTTING-DOWN", None])
@pytest.mark.parametrize("tells", ["last launch", "instance", "job"])
def test_a2_a_recovered_instance_spares_its_server_and_no_other(state: str | None, tells: str) -> None:
    drs = RefusingDrs(running=[recovered(1, state=state)])
    if tells == "last launch":
        drs.last_launches[ONE] = "RECOVERY"
    elif tells == "instance":
        drs.instance_of[ONE] = instance_id(1)
    else:
        drs.started.append(Started("drsjob-recovery", (ONE,), {}, drill=False, ended=True))
    launch = drilled(drs)
    assert [call for call in drs.calls if ONE in call] == []
    assert launch.status(ONE) is LaunchStatus.FAILED
    assert str(launch.server(ONE).error).startswith(f"SERVER_BUSY: it runs as {instance_id(1)}")
    assert drs.launched - {ONE} == {TWO, server_id(3)}
    assert drs.reads["DescribeRecoveryInstances"] == 1


def test_a2_a_server_in_somebodys_recovery_job_fails_and_the_drill_does_not_wait() -> None:
    drs = RefusingDrs()
    drs.started.append(Started("drsjob-recovery", (ONE,), {}, drill=False))
    launch = drilled(drs)
    assert str(launch.server(ONE).error) == (
        "SERVER_BUSY: it is in recovery job drsjob-recovery, and a drill would end what that launches"
    )
    assert launch.status(ONE) is LaunchStatus.FAILED
    assert drs.calls == [(TWO, server_id(3))]
    assert drs.reads["DescribeRecoveryInstances"] == 0


def test_a_recovery_waits_for_such_a_job_and_asks_for_no_instance() -> None:
    drs = RefusingDrs(running=[recovered(2)], last_launches={TWO: "RECOVERY"})
    drs.started.append(Started("drsjob-recovery", (ONE,), {}, drill=False))
    launch = Launch(3, drs)
    launch.round()
    assert launch.status(ONE) is LaunchStatus.PENDING
    assert drs.calls == [(TWO, server_id(3))]
    assert drs.reads["DescribeRecoveryInstances"] == 0


@pytest.mark.parametrize("instance", [recovered(1, is_drill=True), recovered(1, state="TERMINATED")])
def test_an_earlier_drills_instance_may_be_replaced_and_an_ended_one_is_none(instance: Instance) -> None:
    drs = RefusingDrs(running=[instance], instance_of={ONE: instance_id(1)})
    assert drilled(drs).drs.launched == {ONE, TWO, server_id(3)}


def test_an_instance_that_ec2_does_not_show_is_looked_at_twice_a_minute_apart() -> None:
    drs = RefusingDrs(running=[recovered(1, state="NOT_FOUND")], instance_of={ONE: instance_id(1)})
    launch = drilled(drs, rounds=2)
    assert drs.launched == {TWO, server_id(3)}
    assert "not shown by EC2" in str(launch.server(ONE).error)
    launch.round()
    assert drs.launched == set(launch.names)


def test_an_instance_that_ec2_shows_at_the_second_look_spares_its_server() -> None:
    drs = RefusingDrs(running=[recovered(1, state="NOT_FOUND")], instance_of={ONE: instance_id(1)})
    launch = drilled(drs, rounds=2)
    drs.running = [recovered(1, state="RUNNING")]
    launch.round()
    assert launch.status(ONE) is LaunchStatus.FAILED
    assert ONE not in drs.launched


def test_a_drill_that_gets_no_answer_starts_nothing_yet() -> None:
    drs = RefusingDrs(running=[recovered(1)], instance_of={ONE: instance_id(1)}, silent={"DescribeRecoveryInstances"})
    launch = drilled(drs)
    assert not drs.launched
    assert {server.launch_status for server in launch.execution.waves[0].servers} == {LaunchStatus.PENDING}
    drs.silent.clear()
    launch.now += ROUND
    launch.round()
    assert drs.launched == {TWO, server_id(3)}
