"""Contract 11: what DRS shows late, without some of its fields, and in no order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.simulator.mannered import SEEDS, SERVERS, Fresh
from tests.simulator.run_command import code_of

if TYPE_CHECKING:
    from tests.simulator.clients import Drs

    from drs_simulator.client import SimulatorControl
    from drs_simulator.clockwork.clock import ManualClock


def test_a_log_names_the_instance_later_than_the_job_ends_or_sooner(fresh: Fresh, drs: Drs, clock: ManualClock) -> None:
    behind = set()
    for seed in SEEDS:
        fresh(seed)
        job_id = drs.start(SERVERS[0])
        clock.advance(23.5)
        ended = [each["status"] for each in drs.client.describe_jobs()["items"]] == ["COMPLETED"]
        logged = "JOB_END" in {event for event, _ in drs.log(job_id)}
        behind.add((ended, logged))
    assert {(True, False), (False, True)} <= behind


def test_ec2_does_not_find_an_instance_at_first_and_shuts_it_down_for_a_while(
    fresh: Fresh, drs: Drs, clock: ManualClock
) -> None:
    states: list[list[str]] = []
    for seed in SEEDS:
        fresh(seed)
        drs.start(SERVERS[0])
        clock.advance(20)
        seen: list[str] = []

        def read_at(steps: int, seen: list[str] = seen) -> None:
            for _ in range(steps):
                seen.extend(each["ec2InstanceState"] for each in drs.instances())
                clock.advance(0.5)

        read_at(30)
        [instance] = drs.instances()
        drs.client.terminate_recovery_instances(recoveryInstanceIDs=[instance["recoveryInstanceID"]])
        read_at(40)
        assert seen[:1] != ["TERMINATED"]
        states.append(seen)
    assert any("NOT_FOUND" in seen for seen in states)
    assert all("RUNNING" in seen for seen in states)
    assert sum("SHUTTING-DOWN" in seen for seen in states) > len(states) / 2


def test_tags_show_later_than_what_they_are_on(fresh: Fresh, drs: Drs, clock: ManualClock) -> None:
    bare = 0
    for seed in SEEDS:
        fresh(seed)
        job_id = drs.start(SERVERS[0], tags={"wavebreak:execution": "one"})
        for _ in range(20):
            jobs = drs.client.describe_jobs(filters={"jobIDs": [job_id]})["items"]
            bare += any(not job["tags"] for job in jobs)
            clock.advance(0.5)
        [job] = drs.client.describe_jobs(filters={"jobIDs": [job_id]})["items"]
        assert job["tags"] == {"wavebreak:execution": "one"}
        assert drs.client.list_tags_for_resource(resourceArn=job["arn"])["tags"] == job["tags"]
    assert bare


def test_what_the_control_api_says_of_a_server_has_always_been_so(
    fresh: Fresh, drs: Drs, control: SimulatorControl
) -> None:
    for seed in SEEDS:
        fresh(seed)
        control.put_source_server(SERVERS[0], tags={"tier": "db"})
        servers = drs.client.describe_source_servers(filters={"sourceServerIDs": SERVERS})["items"]
        assert {each["sourceServerID"]: each["tags"] for each in servers}[SERVERS[0]] == {"tier": "db"}
        assert len(servers) == len(SERVERS)


def test_lists_have_no_order_and_pages_lose_and_double_nothing(
    fresh: Fresh, drs: Drs, control: SimulatorControl, clock: ManualClock
) -> None:
    orders = set()
    for seed in SEEDS:
        fresh(seed)
        for server in SERVERS:
            drs.start(server)
            clock.advance(1)
        clock.advance(60)
        pages = drs.client.get_paginator("describe_jobs").paginate(PaginationConfig={"PageSize": 2})
        listed = [job["participatingServers"][0]["sourceServerID"] for page in pages for job in page["items"]]
        assert sorted(listed) == SERVERS
        assert len({job["jobID"] for job in control.state()["jobs"]}) == len(SERVERS)
        orders.add(tuple(listed))
    assert len(orders) > len(SEEDS) / 2


def test_a_job_lists_its_servers_and_its_log_in_no_order(fresh: Fresh, drs: Drs, clock: ManualClock) -> None:
    orders, logs = set(), set()
    for seed in SEEDS:
        fresh(seed)
        job_id = drs.start(*SERVERS)
        clock.advance(60)
        orders.add(tuple(each["sourceServerID"] for each in drs.job(job_id)["participatingServers"]))
        log = drs.log(job_id)
        assert len(set(log)) == len(log)
        logs.add(log[0])
    assert len(orders) > 5
    assert logs != {("JOB_START", None)}


def test_recovery_points_asked_for_in_an_order_come_in_it(fresh: Fresh, drs: Drs) -> None:
    def moments(**more: Any) -> list[str]:
        items = drs.client.describe_recovery_snapshots(sourceServerID=SERVERS[0], **more)["items"]
        return [each["expectedTimestamp"] for each in items]

    fresh(5)
    assert moments(order="DESC") == sorted(moments(), reverse=True)
    assert moments(order="ASC") == sorted(moments())
    assert moments() not in (moments(order="ASC"), moments(order="DESC"))


def test_participants_usually_do_not_name_their_instance(fresh: Fresh, drs: Drs, clock: ManualClock) -> None:
    named = 0
    for seed in SEEDS:
        fresh(seed)
        job_id = drs.start(*SERVERS)
        clock.advance(60)
        named += sum("recoveryInstanceID" in each for each in drs.job(job_id)["participatingServers"])
    assert 0 < named < len(SEEDS) * len(SERVERS) / 4


def test_the_same_server_lacks_the_same_field_in_every_answer(fresh: Fresh, drs: Drs, clock: ManualClock) -> None:
    fresh(2, omit={"ParticipatingServer.recoveryInstanceID": 0.5})
    job_id = drs.start(*SERVERS)
    clock.advance(60)
    lacking = [
        frozenset(each["sourceServerID"] for each in drs.job(job_id)["participatingServers"] if len(each) == 2)
        for _ in range(5)
    ]
    assert len(set(lacking)) == 1
    assert 0 < len(lacking[0]) < len(SERVERS)


def test_fields_named_in_a_list_are_left_out_of_everything(fresh: Fresh, drs: Drs, clock: ManualClock) -> None:
    fresh(2, omit=["Job.participatingServers", "Job.jobID", "RecoveryInstance.jobID"])
    drs.start(*SERVERS)
    clock.advance(60)
    [job] = drs.client.describe_jobs()["items"]
    # A member that the model requires stays, whatever is asked for.
    assert "participatingServers" not in job
    assert "jobID" in job
    assert all("jobID" not in each for each in drs.instances())


def test_a_snapshot_that_is_being_taken_has_no_timestamp(
    fresh: Fresh, drs: Drs, clock: ManualClock, control: SimulatorControl
) -> None:
    def newest() -> Any:
        return drs.client.describe_recovery_snapshots(sourceServerID=SERVERS[0], order="DESC", maxResults=1)["items"][0]

    fresh(1)
    taken = newest()
    assert "timestamp" not in taken
    assert taken["ebsSnapshots"] == []
    asked = [{"sourceServerID": SERVERS[0], "recoverySnapshotID": taken["snapshotID"]}]
    assert code_of(lambda: drs.client.start_recovery(sourceServers=asked)) == "ConflictException"
    clock.advance(180)
    complete = newest()
    assert complete["snapshotID"] == taken["snapshotID"]
    assert complete["timestamp"] == complete["expectedTimestamp"]
    assert drs.client.start_recovery(sourceServers=asked)["job"]["status"] == "PENDING"
    control.put_manners(strict=True)
    assert "timestamp" in newest()


def test_a_conflict_names_nobody(fresh: Fresh, drs: Drs, control: SimulatorControl) -> None:
    def refusal() -> dict[str, Any]:
        with pytest.raises(ClientError) as caught:
            drs.start(*SERVERS)
        return dict(caught.value.response)

    fresh(1)
    drs.start(SERVERS[0])
    assert refusal().keys().isdisjoint({"resourceId", "resourceType"})
    assert SERVERS[0] not in refusal()["Error"]["Message"]
    control.put_manners(strict=True)
    assert refusal()["resourceId"] == SERVERS[0]


def test_a_missing_failback_is_told_of_some_instances(fresh: Fresh, drs: Drs, clock: ManualClock) -> None:
    reported = missing = 0
    for seed in SEEDS:
        fresh(seed)
        drs.start(*SERVERS)
        clock.advance(60)
        reported += sum("failback" in each for each in drs.instances())
        missing += sum("failback" not in each for each in drs.instances())
    assert reported > missing > 0
