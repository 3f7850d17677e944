"""Jobs: their life cycle, their log, what they leave behind."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.simulator.clients import START, Drs, server_id

from drs_simulator.client import SimulatorControl
from drs_simulator.clockwork.clock import ManualClock, timestamp
from drs_simulator.clockwork.timing import Timing
from drs_simulator.http.server import SimulatorServer
from drs_simulator.manners import STRICT

if TYPE_CHECKING:
    from collections.abc import Callable

Servers = tuple[str, str, str]


def test_a_job_goes_from_pending_through_started_to_completed(
    drs: Drs, clock: ManualClock, three_servers: Servers
) -> None:
    job_id = drs.start(three_servers[0])
    pending = drs.job(job_id)
    assert (pending["status"], pending["participatingServers"][0]["launchStatus"]) == ("PENDING", "PENDING")
    assert "endDateTime" not in pending
    clock.advance(1)
    started = drs.job(job_id)
    assert (started["status"], started["participatingServers"][0]["launchStatus"]) == ("STARTED", "IN_PROGRESS")
    clock.advance(19)
    launched = drs.job(job_id)
    assert (launched["status"], launched["participatingServers"][0]["launchStatus"]) == ("STARTED", "LAUNCHED")
    clock.advance(3)
    ended = drs.job(job_id)
    assert ended["status"] == "COMPLETED"
    assert ended["endDateTime"] == "2026-03-01T12:00:23.000Z"


def test_a_drill_and_a_recovery_are_told_apart(drs: Drs, three_servers: Servers) -> None:
    drill = drs.recover(three_servers[0], drill=True)
    recovery = drs.recover(three_servers[1], drill=False)
    assert (drill["type"], drill["initiatedBy"]) == ("LAUNCH", "START_DRILL")
    assert (recovery["type"], recovery["initiatedBy"]) == ("LAUNCH", "START_RECOVERY")
    assert [each["isDrill"] for each in drs.instances(sourceServerIDs=[three_servers[1]])] == [False]


def test_each_server_takes_its_own_launch_time(
    drs: Drs, control: SimulatorControl, clock: ManualClock, three_servers: Servers
) -> None:
    quick, usual, slow = three_servers
    control.put_source_server(quick, launchSeconds=5)
    control.put_source_server(slow, launchSeconds=40)
    job_id = drs.start(quick, usual, slow)
    clock.advance(5)
    assert list(drs.launch_statuses(job_id).values()) == ["LAUNCHED", "IN_PROGRESS", "IN_PROGRESS"]
    clock.advance(15)
    assert list(drs.launch_statuses(job_id).values()) == ["LAUNCHED", "LAUNCHED", "IN_PROGRESS"]
    clock.advance(22.9)
    assert drs.job(job_id)["status"] == "STARTED"
    clock.advance(0.1)
    assert drs.job(job_id)["status"] == "COMPLETED"


def test_the_log_of_a_launch_has_the_events_in_order(drs: Drs, three_servers: Servers) -> None:
    server = three_servers[0]
    job = drs.recover(server)
    assert drs.log(job["jobID"]) == [
        ("JOB_START", None),
        ("SNAPSHOT_START", server),
        ("SNAPSHOT_END", server),
        ("CONVERSION_START", server),
        ("CONVERSION_END", server),
        ("LAUNCH_START", server),
        ("LAUNCH_END", server),
        ("JOB_END", None),
    ]


def test_the_log_grows_while_the_job_runs(drs: Drs, clock: ManualClock, three_servers: Servers) -> None:
    job_id = drs.start(three_servers[0])
    assert drs.log(job_id) == []
    clock.advance(10)
    assert [event for event, _ in drs.log(job_id)] == [
        "JOB_START",
        "SNAPSHOT_START",
        "SNAPSHOT_END",
        "CONVERSION_START",
    ]


def test_a_launch_leaves_a_recovery_instance(drs: Drs, control: SimulatorControl) -> None:
    server = server_id(1)
    control.put_source_server(server, tags={"tier": "db"}, lagSeconds=90, hostname="db-1")
    job = drs.recover(server)
    [instance] = drs.instances()
    assert job["participatingServers"][0]["recoveryInstanceID"] == instance["recoveryInstanceID"]
    assert instance["ec2InstanceID"] == instance["recoveryInstanceID"]
    assert len(instance["ec2InstanceID"]) == 19
    assert instance["ec2InstanceState"] == "RUNNING"
    assert instance["sourceServerID"] == server
    assert instance["jobID"] == job["jobID"]
    assert instance["tags"] == {"tier": "db"}
    assert instance["recoveryInstanceProperties"]["identificationHints"]["hostname"] == "db-1"
    # The snapshot is begun 6.5 % of the way from the job's start (1 s) to the server's end (20 s).
    assert instance["pointInTimeSnapshotDateTime"] == timestamp(START + timedelta(seconds=1 + 19 * 0.065 - 90))
    [described] = drs.client.describe_source_servers()["items"]
    assert described["recoveryInstanceId"] == instance["recoveryInstanceID"]


def test_a_failed_launch_is_told_and_leaves_no_instance(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    good, bad, _ = three_servers
    control.put_source_server(bad, launchResult="FAILED", launchSeconds=10)
    job = drs.recover(good, bad)
    assert job["status"] == "COMPLETED"
    assert drs.launch_statuses(job["jobID"]) == {good: "LAUNCHED", bad: "FAILED"}
    assert [each["sourceServerID"] for each in drs.instances()] == [good]
    assert [event for event, server in drs.log(job["jobID"]) if server == bad][-1] == "LAUNCH_FAILED"


def test_a_server_that_is_not_recoverable_is_skipped(
    drs: Drs, control: SimulatorControl, clock: ManualClock, three_servers: Servers
) -> None:
    good, skipped, _ = three_servers
    control.put_source_server(skipped, recoverable=False)
    job_id = drs.start(good, skipped)
    clock.advance(1)
    assert drs.launch_statuses(job_id) == {good: "IN_PROGRESS", skipped: "FAILED"}
    clock.advance(30)
    assert [event for event, server in drs.log(job_id) if server == skipped] == ["SERVER_SKIPPED"]
    assert [each["sourceServerID"] for each in drs.instances()] == [good]


def test_a_job_of_skipped_servers_alone_ends(drs: Drs, control: SimulatorControl, three_servers: Servers) -> None:
    control.put_source_server(three_servers[0], recoverable=False)
    job = drs.recover(three_servers[0])
    assert job["status"] == "COMPLETED"
    assert [event for event, _ in drs.log(job["jobID"])] == ["JOB_START", "SERVER_SKIPPED", "JOB_END"]


def test_a_new_launch_replaces_the_earlier_instance(drs: Drs, clock: ManualClock, three_servers: Servers) -> None:
    server = three_servers[0]
    drs.recover(server)
    [old] = drs.instances()
    second = drs.start(server)
    clock.advance(10)
    assert drs.instances() == []
    clock.advance(20)
    [new] = drs.instances()
    assert new["jobID"] == second
    assert new["recoveryInstanceID"] != old["recoveryInstanceID"]
    assert [event for event, _ in drs.log(second)][:4] == [
        "JOB_START",
        "CLEANUP_START",
        "CLEANUP_END",
        "SNAPSHOT_START",
    ]
    items = drs.client.describe_job_log_items(jobID=second)["items"]
    cleaned = {item["eventData"]["targetInstanceID"] for item in items if item["event"].startswith("CLEANUP")}
    assert cleaned == {old["recoveryInstanceID"]}


def test_what_the_control_api_says_later_does_not_change_a_launch_under_way(
    drs: Drs, control: SimulatorControl, clock: ManualClock, three_servers: Servers
) -> None:
    job_id = drs.start(three_servers[0])
    clock.advance(5)
    control.put_source_server(three_servers[0], launchResult="FAILED", launchSeconds=500)
    clock.advance(15)
    assert drs.launch_statuses(job_id) == {three_servers[0]: "LAUNCHED"}


def test_a_chosen_snapshot_is_launched_without_taking_one(drs: Drs, clock: ManualClock, three_servers: Servers) -> None:
    server = three_servers[0]
    snapshots = drs.client.describe_recovery_snapshots(sourceServerID=server)["items"]
    chosen = snapshots[3]
    job = drs.client.start_recovery(
        sourceServers=[{"sourceServerID": server, "recoverySnapshotID": chosen["snapshotID"]}]
    )["job"]
    clock.advance(60)
    assert not {"SNAPSHOT_START", "SNAPSHOT_END"} & {event for event, _ in drs.log(job["jobID"])}
    [instance] = drs.instances(sourceServerIDs=[server])
    assert instance["pointInTimeSnapshotDateTime"] == chosen["timestamp"]


def test_a_terminated_instance_disappears(drs: Drs, clock: ManualClock, three_servers: Servers) -> None:
    drs.recover(*three_servers)
    gone, *kept = drs.instances()
    job = drs.client.terminate_recovery_instances(recoveryInstanceIDs=[gone["recoveryInstanceID"]])["job"]
    assert (job["type"], job["initiatedBy"], job["status"]) == ("TERMINATE", "TERMINATE_RECOVERY_INSTANCES", "PENDING")
    clock.advance(2)
    [shutting_down] = drs.instances(recoveryInstanceIDs=[gone["recoveryInstanceID"]])
    assert shutting_down["ec2InstanceState"] == "SHUTTING-DOWN"
    clock.advance(3)
    assert [each["recoveryInstanceID"] for each in drs.instances()] == [each["recoveryInstanceID"] for each in kept]
    assert drs.job(job["jobID"])["status"] == "STARTED"
    clock.advance(3)
    ended = drs.job(job["jobID"])
    assert ended["status"] == "COMPLETED"
    assert ended["participatingServers"] == [
        {
            "sourceServerID": gone["sourceServerID"],
            "recoveryInstanceID": gone["recoveryInstanceID"],
            "launchStatus": "TERMINATED",
        }
    ]
    assert [event for event, _ in drs.log(job["jobID"])] == ["JOB_START", "CLEANUP_START", "CLEANUP_END", "JOB_END"]


def test_a_source_server_tells_its_last_launch(drs: Drs, clock: ManualClock, three_servers: Servers) -> None:
    server = three_servers[0]

    def described() -> Any:
        [item] = drs.client.describe_source_servers(filters={"sourceServerIDs": [server]})["items"]
        return item["lastLaunchResult"], item["lifeCycle"].get("lastLaunch", {}).get("status")

    assert described() == ("NOT_STARTED", None)
    drs.start(server, drill=False)
    assert described() == ("PENDING", "PENDING")
    clock.advance(60)
    assert described() == ("SUCCEEDED", "LAUNCHED")
    [instance] = drs.instances()
    drs.client.terminate_recovery_instances(recoveryInstanceIDs=[instance["recoveryInstanceID"]])
    clock.advance(60)
    assert described() == ("SUCCEEDED", "TERMINATED")


def test_the_time_scale_shortens_launches_but_never_below_a_second(clock: ManualClock) -> None:
    timing = Timing(scale=0.1, job_end_seconds=5)
    assert timing.launch(60) == timedelta(seconds=6)
    assert timing.launch(None) == timedelta(seconds=2)
    assert timing.launch(1) == timedelta(seconds=1)
    assert timing.termination() == timedelta(seconds=1)
    assert timing.tail() == timedelta(seconds=0.5)
    assert Timing(scale=0.001).tail() == timedelta(seconds=0.2)
    with SimulatorServer(clock=clock, timing=timing, manners=STRICT) as server:
        control = SimulatorControl(server.url)
        assert control.put_source_server(server_id(1))["sourceServerID"] == server_id(1)


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf")])
def test_a_time_scale_that_is_no_positive_number_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="time scale"):
        Timing(scale=scale)


def test_sixty_jobs_of_fifty_servers_all_end(
    drs: Drs, control: SimulatorControl, clock: ManualClock, fill: Callable[[int], list[str]]
) -> None:
    control.quotas(concurrentJobs=60, serversInAllJobs=3000)
    servers = fill(3000)
    for first in range(0, 3000, 50):
        drs.start(*servers[first : first + 50])
    clock.advance(60)
    state = control.state()
    assert {job["status"] for job in state["jobs"]} == {"COMPLETED"}
    assert len(state["recoveryInstances"]) == 3000
