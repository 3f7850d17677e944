"""Contract 11: how launches go and fail, and what is read of servers before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.simulator.clients import START, Drs, server_id
from tests.simulator.launches import READY, events, only_instance, raw_error
from tests.simulator.run_command import code_of

from drs_simulator.client import ControlError, SimulatorControl
from drs_simulator.clockwork.clock import ManualClock, parse_timestamp, timestamp

Servers = tuple[str, str, str]


def test_a_conflict_comes_without_a_visible_job_and_refuses_the_whole_batch(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    control.put_source_server(three_servers[1], conflict=True)
    assert code_of(lambda: drs.start(*three_servers)) == "ConflictException"
    assert drs.client.describe_jobs()["items"] == []
    assert drs.start(three_servers[0], three_servers[2])
    control.put_source_server(three_servers[1], conflict=False)
    assert drs.start(three_servers[1])


def test_a_launch_may_end_without_a_word_of_a_server(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    control.put_source_server(three_servers[1], launchResult="NONE")
    job = drs.recover(*three_servers)
    assert job["status"] == "COMPLETED"
    assert drs.launch_statuses(job["jobID"])[three_servers[1]] == "PENDING"
    log = [event for event, server in drs.log(job["jobID"]) if server == three_servers[1]]
    assert log == ["SNAPSHOT_START", "SNAPSHOT_END"]
    assert len(drs.instances()) == 2


def test_a_failed_launch_tells_its_raw_error_whole(drs: Drs, control: SimulatorControl, three_servers: Servers) -> None:
    words = "UnauthorizedOperation: Encoded authorization failure message: " + "x" * 60_000
    control.put_source_server(three_servers[0], launchResult="FAILED", rawError=words)
    job = drs.recover(three_servers[0])
    assert raw_error(drs, job["jobID"]) == words
    with pytest.raises(ControlError, match="/rawError"):
        control.put_source_server(three_servers[0], rawError="x" * 65_537)


def test_the_phases_are_shares_of_the_time_of_the_launch(
    drs: Drs, control: SimulatorControl, three_servers: Servers, clock: ManualClock
) -> None:
    control.put_source_server(three_servers[0], launchSeconds=1431)
    job_id = drs.start(three_servers[0])
    clock.advance(1440)
    log = {name: parse_timestamp(item["logDateTime"]) for name, item in events(drs, job_id).items()}
    begin = log["JOB_START"]
    shares = {name: (at - begin).total_seconds() / 1430 for name, at in log.items()}
    assert sorted(log, key=log.__getitem__) == [
        "JOB_START",
        "SNAPSHOT_START",
        "SNAPSHOT_END",
        "CONVERSION_START",
        "CONVERSION_END",
        "LAUNCH_START",
        "LAUNCH_END",
        "JOB_END",
    ]
    # As a job was recorded that took 24 minutes: 14 of conversion, 6 of launch.
    assert 0.55 < shares["CONVERSION_END"] - shares["CONVERSION_START"] < 0.62
    assert 0.25 < shares["LAUNCH_END"] - shares["LAUNCH_START"] < 0.3
    assert log["JOB_END"] - log["LAUNCH_END"] == timedelta(seconds=3)


def test_the_end_of_a_launch_names_the_instance(drs: Drs, control: SimulatorControl, three_servers: Servers) -> None:
    job = drs.recover(three_servers[0])
    data = events(drs, job["jobID"])["LAUNCH_END"]["eventData"]
    assert data == {
        "sourceServerID": three_servers[0],
        "targetInstanceID": only_instance(control)["recoveryInstanceID"],
    }


def test_a_server_may_use_a_previous_snapshot(drs: Drs, control: SimulatorControl, three_servers: Servers) -> None:
    control.put_source_server(three_servers[0], usesPreviousSnapshot=7200)
    job = drs.recover(three_servers[0])
    assert [event for event, _ in drs.log(job["jobID"])][1:4] == [
        "SNAPSHOT_START",
        "SNAPSHOT_FAIL",
        "USING_PREVIOUS_SNAPSHOT",
    ]
    taken = parse_timestamp(only_instance(control)["pointInTimeSnapshotDateTime"])
    assert START - timedelta(seconds=7200) < taken < START - timedelta(seconds=7190)


@pytest.mark.parametrize(("setting", "hours"), [(True, 1), (False, 0), (0, 0)])
def test_a_chosen_snapshot_may_be_replaced_by_an_older_one(
    drs: Drs, control: SimulatorControl, three_servers: Servers, setting: Any, hours: int
) -> None:
    server = three_servers[0]
    control.put_source_server(server, usesPreviousSnapshot=setting)
    chosen = drs.client.describe_recovery_snapshots(sourceServerID=server)["items"][3]
    asked = [{"sourceServerID": server, "recoverySnapshotID": chosen["snapshotID"]}]
    job_id = drs.client.start_recovery(sourceServers=asked)["job"]["jobID"]
    drs._clock.advance(60)
    older = parse_timestamp(chosen["timestamp"]) - timedelta(hours=hours)
    assert only_instance(control)["pointInTimeSnapshotDateTime"] == timestamp(older)
    assert ("USING_PREVIOUS_SNAPSHOT" in events(drs, job_id)) is (setting is not False)


def test_where_servers_come_from_and_which_way_they_replicate(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    server = three_servers[0]
    control.put_source_server(
        server,
        replicationDirection="FAILBACK",
        originEnvironment="AWS",
        replicationState="STALLED",
        hostname="db-1",
        privateIp="10.9.8.7",
        recommendedInstanceType="m5.large",
    )
    [seen] = drs.client.describe_source_servers(filters={"sourceServerIDs": [server]})["items"]
    assert seen["replicationDirection"] == "FAILBACK"
    assert seen["sourceCloudProperties"]["originRegion"] == "us-east-1"
    assert seen["dataReplicationInfo"]["dataReplicationState"] == "STALLED"
    properties = seen["sourceProperties"]
    assert properties["identificationHints"] == {"hostname": "db-1"}
    assert properties["networkInterfaces"] == [{"ips": ["10.9.8.7"], "isPrimary": True}]
    assert properties["recommendedInstanceType"] == "m5.large"
    drs.recover(server)
    assert only_instance(control)["originEnvironment"] == "AWS"


def test_the_launch_configuration_is_told(
    drs: Drs, control: SimulatorControl, three_servers: Servers, ec2: Any
) -> None:
    server = three_servers[0]
    reported = drs.client.get_launch_configuration(sourceServerID=server)
    del reported["ResponseMetadata"]
    template = reported["ec2LaunchTemplateID"]
    assert reported == {
        "sourceServerID": server,
        "name": "",
        "ec2LaunchTemplateID": template,
        "launchDisposition": "STARTED",
        "targetInstanceTypeRightSizingMethod": "BASIC",
        "copyPrivateIp": False,
        "copyTags": False,
        "licensing": {"osByol": False},
        "postLaunchEnabled": False,
    }
    [owned] = ec2.describe_launch_templates(LaunchTemplateIds=[template])["LaunchTemplates"]
    assert {tag["Key"]: tag["Value"] for tag in owned["Tags"]} == {
        "AWSElasticDisasterRecoveryManaged": "drs.amazonaws.com",
        "AWSElasticDisasterRecoverySourceServerID": server,
    }
    given = {
        "name": "db",
        "launchDisposition": "STOPPED",
        "copyPrivateIp": True,
        "copyTags": True,
        "targetInstanceTypeRightSizingMethod": "NONE",
        "postLaunchEnabled": True,
        "ec2LaunchTemplateID": "lt-0123456789abcdef0",
        "launchIntoInstanceProperties": {"launchIntoEC2InstanceID": READY},
    }
    control.put_source_server(server, launchConfiguration=given)
    assert given.items() <= drs.client.get_launch_configuration(sourceServerID=server).items()
    unknown = code_of(lambda: drs.client.get_launch_configuration(sourceServerID=server_id(99)))
    assert unknown == "ResourceNotFoundException"


def test_each_server_has_a_launch_template_of_its_own(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    templates = {
        drs.client.get_launch_configuration(sourceServerID=server)["ec2LaunchTemplateID"] for server in three_servers
    }
    assert len(templates) == 3
    assert {each["LaunchTemplateId"] for each in control.state()["launchTemplates"]} == templates


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        ({"launchResult": "LOST"}, "/launchResult"),
        ({"conflict": "yes"}, "/conflict"),
        ({"privateIp": "10.0.0"}, "/privateIp"),
        ({"replicationState": "FINE"}, "/replicationState"),
        ({"originEnvironment": "MOON"}, "/originEnvironment"),
        ({"launchConfiguration": {"launchDisposition": "ON"}}, "/launchConfiguration/launchDisposition"),
        (
            {"launchConfiguration": {"launchIntoInstanceProperties": {"launchIntoEC2InstanceID": "vm"}}},
            "/launchConfiguration/launchIntoInstanceProperties/launchIntoEC2InstanceID",
        ),
        ({"launchActions": [{"name": "a", "failureReason": "ä"}]}, "/launchActions/0/failureReason"),
        ({"launchActions": [{"optional": True}]}, "/launchActions/0/name"),
    ],
)
def test_a_server_that_makes_no_sense_is_refused(
    control: SimulatorControl, settings: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(ControlError, match=f"400: {pointer}"):
        control.put_source_server(server_id(1), **settings)
    assert control.state()["sourceServers"] == []
