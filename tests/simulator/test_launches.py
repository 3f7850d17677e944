"""Contract 11: how launches go and fail, what is read of them, and what DRS and EC2 make of an instance afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.simulator.clients import START, Drs, MakeClient, server_id
from tests.simulator.run_command import code_of

from drs_simulator.client import ControlFailed, SimulatorControl
from drs_simulator.clockwork.clock import parse_timestamp, timestamp

if TYPE_CHECKING:
    from drs_simulator.clockwork.clock import ManualClock

Servers = tuple[str, str, str]
READY = "i-0123456789abcdef0"


@pytest.fixture
def ec2(make_client: MakeClient) -> Any:
    return make_client("ec2")


def refusal(call: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error: Any = caught.value.response["Error"]
    return error["Code"], error["Message"]


def events(drs: Drs, job_id: str) -> dict[str, Any]:
    items = drs.client.describe_job_log_items(jobID=job_id)["items"]
    return {item["event"]: item for item in items}


def raw_error(drs: Drs, job_id: str) -> str:
    return str(events(drs, job_id)["LAUNCH_FAILED"]["eventData"]["rawError"])


def only_instance(control: SimulatorControl) -> Any:
    [instance] = control.state()["recoveryInstances"]
    return instance


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
    with pytest.raises(ControlFailed, match="/rawError"):
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
    told = drs.client.get_launch_configuration(sourceServerID=server)
    del told["ResponseMetadata"]
    template = told["ec2LaunchTemplateID"]
    assert told == {
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


def test_a_launch_is_into_the_subnet_and_groups_that_the_template_has_when_the_launch_phase_begins(
    drs: Drs, control: SimulatorControl, three_servers: Servers, ec2: Any, clock: ManualClock
) -> None:
    control.put_subnet("subnet-0123456789abcdef0", cidrBlock="10.1.0.0/28", vpcId="vpc-0123456789abcdef0")
    control.put_security_group("sg-0123456789abcdef0", vpcId="vpc-0123456789abcdef0")
    job_id = drs.start(*three_servers[:2])
    templates = [
        drs.client.get_launch_configuration(sourceServerID=server)["ec2LaunchTemplateID"] for server in three_servers
    ]
    interface = {"DeviceIndex": 0, "SubnetId": "subnet-0123456789abcdef0", "Groups": ["sg-0123456789abcdef0"]}

    def change(template: str) -> None:
        made = ec2.create_launch_template_version(
            LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData={"NetworkInterfaces": [interface]}
        )["LaunchTemplateVersion"]["VersionNumber"]
        ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion=str(made))

    # LAUNCH_START is at 1 + 0.73 x 19 s.
    clock.advance(14.8)
    assert "LAUNCH_START" not in events(drs, job_id)
    change(templates[0])
    clock.advance(0.2)
    assert "LAUNCH_START" in events(drs, job_id)
    change(templates[1])
    clock.advance(30)
    landed = {
        each["InstanceId"]: (each["SubnetId"], [group["GroupId"] for group in each["SecurityGroups"]])
        for each in control.state()["ec2Instances"]
    }
    by_server = {each["sourceServerID"]: each["ec2InstanceID"] for each in control.state()["recoveryInstances"]}
    assert landed[by_server[three_servers[0]]] == ("subnet-0123456789abcdef0", ["sg-0123456789abcdef0"])
    assert landed[by_server[three_servers[1]]][0] != "subnet-0123456789abcdef0"


def test_what_is_launched_bears_the_tags_of_drs_its_name_and_those_of_the_server_if_they_are_copied(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    control.put_source_server(
        three_servers[0], tags={"tier": "db"}, hostname="db-1", launchConfiguration={"copyTags": True}
    )
    control.put_source_server(three_servers[1], tags={"tier": "web"}, hostname="web-1")
    drs.recover(*three_servers[:2])
    tags = [
        {tag["Key"]: tag["Value"] for tag in each["Tags"]}
        for each in sorted(control.state()["ec2Instances"], key=lambda each: str(each["Tags"]))
    ]
    by_name = {each["Name"]: each for each in tags}
    assert by_name["db-1"]["tier"] == "db"
    assert "tier" not in by_name["web-1"]
    assert by_name["web-1"]["AWSElasticDisasterRecoveryManaged"] == "drs.amazonaws.com"


def launch_by(drs: Drs, control: SimulatorControl, server: str, ec2: Any, data: dict[str, Any]) -> str:
    """Launch a server by a template that has these parameters, and return the job's id."""
    configuration = {"targetInstanceTypeRightSizingMethod": "NONE"}
    control.put_source_server(server, launchConfiguration=configuration)
    template = drs.client.get_launch_configuration(sourceServerID=server)["ec2LaunchTemplateID"]
    ec2.create_launch_template_version(LaunchTemplateId=template, SourceVersion="$Default", LaunchTemplateData=data)
    latest = ec2.describe_launch_templates(LaunchTemplateIds=[template])["LaunchTemplates"][0]["LatestVersionNumber"]
    ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion=str(latest))
    return str(drs.recover(server)["jobID"])


SUBNET = "subnet-0123456789abcdef0"
GROUP = "sg-0123456789abcdef0"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"InstanceType": "mac1.metal"}, "InvalidInstanceType"),
        (
            {"NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": "subnet-00000000000000000"}]},
            "InvalidSubnetID.NotFound",
        ),
        ({"NetworkInterfaces": [{"SubnetId": SUBNET, "Groups": ["sg-00000000000000000"]}]}, "InvalidGroup.NotFound"),
        ({"NetworkInterfaces": [{"Groups": [GROUP]}]}, "InvalidParameter"),
        ({"NetworkInterfaces": [{"SubnetId": SUBNET, "PrivateIpAddress": "10.2.0.9"}]}, "InvalidParameterValue"),
        ({"NetworkInterfaces": [{"SubnetId": SUBNET, "PrivateIpAddress": "10.1.0.3"}]}, "InvalidParameterValue"),
        ({"NetworkInterfaces": [{"SubnetId": SUBNET, "PrivateIpAddress": "10.1.0.9"}]}, "InvalidIPAddress.InUse"),
        ({"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1"}]}, "InvalidNetworkInterfaceID.NotFound"),
        ({"InstanceType": "m5.large", "NetworkInterfaces": [{"SubnetId": SUBNET}]}, "Unsupported"),
    ],
)
def test_what_ec2_refuses_fails_the_launch_in_its_words(
    drs: Drs, control: SimulatorControl, three_servers: Servers, ec2: Any, data: dict[str, Any], code: str
) -> None:
    control.put_subnet(
        SUBNET,
        cidrBlock="10.1.0.0/28",
        vpcId="vpc-0123456789abcdef0",
        takenAddresses=["10.1.0.9"],
        availabilityZone="us-east-1b",
    )
    control.put_security_group(GROUP, vpcId="vpc-0123456789abcdef0")
    control.put_instance_type("m5.large", availabilityZones=["us-east-1a", "us-east-1c"])
    job_id = launch_by(drs, control, three_servers[0], ec2, data)
    assert raw_error(drs, job_id).startswith(f"{code}: ")
    assert drs.launch_statuses(job_id) == {three_servers[0]: "FAILED"}
    assert control.state()["ec2Instances"] == []


def test_a_subnet_fills_up_with_launches_and_has_room_again_after_terminations(
    drs: Drs, control: SimulatorControl, ec2: Any, clock: ManualClock
) -> None:
    control.put_subnet(SUBNET, cidrBlock="10.1.0.0/28", usedAddresses=9)
    servers = [server_id(number) for number in range(1, 4)]

    def free() -> int:
        [subnet] = ec2.describe_subnets(SubnetIds=[SUBNET])["Subnets"]
        return int(subnet["AvailableIpAddressCount"])

    assert free() == 16 - 5 - 9
    jobs = []
    for server in servers:
        control.put_source_server(server)
        jobs.append(launch_by(drs, control, server, ec2, {"NetworkInterfaces": [{"SubnetId": SUBNET}]}))
    assert free() == 0
    assert raw_error(drs, jobs[2]).startswith("InsufficientFreeAddressesInSubnet: ")
    addresses = {each["PrivateIpAddress"] for each in control.state()["ec2Instances"]}
    assert addresses == {"10.1.0.13", "10.1.0.14"}
    instances = [each["recoveryInstanceID"] for each in control.state()["recoveryInstances"]]
    drs.client.terminate_recovery_instances(recoveryInstanceIDs=instances)
    clock.advance(10)
    assert free() == 2


def test_a_private_address_is_copied_where_the_subnet_holds_it(
    drs: Drs, control: SimulatorControl, ec2: Any, three_servers: Servers
) -> None:
    control.put_subnet(SUBNET, cidrBlock="10.1.0.0/24")
    fixed = {"NetworkInterfaces": [{"SubnetId": SUBNET, "PrivateIpAddress": "10.1.0.200"}]}
    for server, address in zip(three_servers, ("10.1.0.77", "10.7.0.77", "10.1.0.77"), strict=True):
        launch_by(drs, control, server, ec2, fixed)
        control.put_source_server(
            server,
            privateIp=address,
            launchConfiguration={"copyPrivateIp": True, "targetInstanceTypeRightSizingMethod": "NONE"},
        )
        instance = next(one for one in control.state()["recoveryInstances"] if one["sourceServerID"] == server)
        drs.client.terminate_recovery_instances(recoveryInstanceIDs=[instance["recoveryInstanceID"]])
        drs._clock.advance(10)
    job = drs.recover(*three_servers)
    statuses = drs.launch_statuses(job["jobID"])
    assert sorted(statuses.values()) == ["FAILED", "FAILED", "LAUNCHED"]
    assert statuses[three_servers[1]] == "FAILED"
    running = [each for each in control.state()["ec2Instances"] if each["State"]["Name"] == "running"]
    assert [each["PrivateIpAddress"] for each in running] == ["10.1.0.77"]


def test_right_sizing_overrides_the_type_of_the_template(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    control.put_source_server(three_servers[0], recommendedInstanceType="r5.xlarge")
    control.put_source_server(
        three_servers[1],
        recommendedInstanceType="r5.xlarge",
        launchConfiguration={"targetInstanceTypeRightSizingMethod": "NONE"},
    )
    drs.recover(*three_servers[:2])
    assert sorted(each["InstanceType"] for each in control.state()["ec2Instances"]) == ["r5.xlarge", "t3.medium"]


def test_the_quota_of_vcpus_binds_what_runs(
    drs: Drs, control: SimulatorControl, three_servers: Servers, make_client: MakeClient
) -> None:
    control.quotas(vcpus=5)
    told = make_client("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")["Quota"]
    assert (told["Value"], told["ServiceCode"]) == (5.0, "ec2")
    job = drs.recover(*three_servers)
    assert sorted(drs.launch_statuses(job["jobID"]).values()) == ["FAILED", "LAUNCHED", "LAUNCHED"]
    assert raw_error(drs, job["jobID"]).startswith("VcpuLimitExceeded: ")


def test_a_deleted_launch_template_fails_the_launch(drs: Drs, three_servers: Servers, ec2: Any) -> None:
    template = drs.client.get_launch_configuration(sourceServerID=three_servers[0])["ec2LaunchTemplateID"]
    ec2.delete_launch_template(LaunchTemplateId=template)
    assert "InvalidLaunchTemplateId" in raw_error(drs, drs.recover(three_servers[0])["jobID"])


def test_a_disposition_of_stopped_leaves_a_stopped_instance(
    drs: Drs, control: SimulatorControl, three_servers: Servers, make_client: MakeClient
) -> None:
    control.put_source_server(three_servers[0], launchConfiguration={"launchDisposition": "STOPPED"})
    job = drs.recover(three_servers[0])
    assert drs.launch_statuses(job["jobID"]) == {three_servers[0]: "LAUNCHED"}
    assert drs.instances()[0]["ec2InstanceState"] == "STOPPED"
    assert make_client("ssm").describe_instance_information()["InstanceInformationList"] == []


def test_a_launch_into_an_instance_takes_it_even_in_a_drill(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    control.put_existing_instance(READY, state="STOPPED", name="production")
    control.put_source_server(
        three_servers[0], launchConfiguration={"launchIntoInstanceProperties": {"launchIntoEC2InstanceID": READY}}
    )
    drs.recover(three_servers[0])
    assert only_instance(control)["recoveryInstanceID"] == READY
    assert [each["InstanceId"] for each in control.state()["ec2Instances"]] == [READY]
    # It runs, and what runs is not launched into.
    assert code_of(lambda: drs.start(three_servers[0])) == "ConflictException"
    control.instance(READY, state="STOPPED")
    job = drs.recover(three_servers[0])
    assert "CLEANUP_START" not in events(drs, job["jobID"])
    assert only_instance(control)["jobID"] == job["jobID"]
    assert control.state()["ec2Instances"][0]["State"]["Name"] == "running"


def test_an_instance_to_launch_into_that_is_gone_fails_the_launch(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    control.put_source_server(
        three_servers[0], launchConfiguration={"launchIntoInstanceProperties": {"launchIntoEC2InstanceID": READY}}
    )
    assert [each["State"]["Name"] for each in control.state()["ec2Instances"]] == ["stopped"]
    control.instance(READY, state="TERMINATED")
    assert raw_error(drs, drs.recover(three_servers[0])["jobID"]).startswith("InvalidInstanceID.NotFound: ")


def test_an_instance_that_drs_refuses_to_terminate_refuses_the_batch_until_it_may_be(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    control.instance(three_servers[1], terminable=False)
    drs.recover(*three_servers)
    by_server = {each["sourceServerID"]: each["recoveryInstanceID"] for each in control.state()["recoveryInstances"]}
    identifiers = list(by_server.values())

    def terminate() -> Any:
        return drs.client.terminate_recovery_instances(recoveryInstanceIDs=identifiers)

    assert code_of(terminate) == "ConflictException"
    assert len(control.state()["recoveryInstances"]) == 3
    assert control.instance(by_server[three_servers[1]], terminable=True)["terminable"] is True
    assert terminate()["job"]["type"] == "TERMINATE"


def test_an_instance_that_is_protected_in_ec2_outlives_its_termination(
    drs: Drs, control: SimulatorControl, three_servers: Servers, clock: ManualClock
) -> None:
    drs.recover(*three_servers[:2])
    by_server = {each["sourceServerID"]: each["recoveryInstanceID"] for each in control.state()["recoveryInstances"]}
    control.instance(by_server[three_servers[0]], protected=True)
    job_id = drs.client.terminate_recovery_instances(recoveryInstanceIDs=list(by_server.values()))["job"]["jobID"]
    clock.advance(20)
    assert drs.launch_statuses(job_id) == {three_servers[0]: "FAILED", three_servers[1]: "TERMINATED"}
    assert "disableApiTermination" in events(drs, job_id)["CLEANUP_FAIL"]["eventData"]["rawError"]
    assert only_instance(control)["ec2InstanceState"] == "RUNNING"


@pytest.mark.parametrize(
    ("state", "refused"),
    [
        ("FAILBACK_NOT_STARTED", False),
        ("FAILBACK_IN_PROGRESS", True),
        ("FAILBACK_READY_FOR_LAUNCH", True),
        ("FAILBACK_COMPLETED", False),
        (None, False),
    ],
)
def test_an_instance_in_failback_is_left_alone(
    drs: Drs, control: SimulatorControl, three_servers: Servers, state: str | None, refused: bool
) -> None:
    drs.recover(three_servers[0])
    instance = only_instance(control)["recoveryInstanceID"]
    assert control.instance(instance, failbackState=state)["failbackState"] == state
    [seen] = drs.instances()
    assert seen.get("failback") == (None if state is None else {"state": state})

    def terminate() -> Any:
        return drs.client.terminate_recovery_instances(recoveryInstanceIDs=[instance])

    if refused:
        assert code_of(terminate) == "ConflictException"
        assert code_of(lambda: drs.start(three_servers[0])) == "ConflictException"
    else:
        assert terminate()["job"]["type"] == "TERMINATE"


def test_drs_forgets_an_instance_that_runs_on(
    drs: Drs, control: SimulatorControl, three_servers: Servers, ec2: Any, make_client: MakeClient
) -> None:
    drs.recover(three_servers[0])
    instance = only_instance(control)["recoveryInstanceID"]
    control.forget_record(instance)
    assert drs.instances() == []
    assert "recoveryInstanceId" not in drs.client.describe_source_servers()["items"][0]
    [reservation] = ec2.describe_instances(InstanceIds=[instance])["Reservations"]
    assert reservation["Instances"][0]["State"]["Name"] == "running"
    listed = make_client("ssm").describe_instance_information()["InstanceInformationList"]
    assert [each["InstanceId"] for each in listed] == [instance]
    assert (
        code_of(lambda: drs.client.terminate_recovery_instances(recoveryInstanceIDs=[instance])) == "ConflictException"
    )
    # A new launch leaves it alone, too: DRS knows nothing of it.
    drs.recover(three_servers[0])
    assert len([each for each in control.state()["ec2Instances"] if each["State"]["Name"] == "running"]) == 2
    with pytest.raises(ControlFailed, match="404"):
        control.forget_record(instance)


@pytest.mark.parametrize("state", ["PENDING", "STOPPING", "STOPPED", "SHUTTING-DOWN", "TERMINATED", "NOT_FOUND"])
def test_ec2_comes_to_a_state_without_drs(
    drs: Drs, control: SimulatorControl, three_servers: Servers, state: str, make_client: MakeClient, ec2: Any
) -> None:
    drs.recover(three_servers[0])
    instance = only_instance(control)["recoveryInstanceID"]
    control.instance(instance, state=state)
    assert drs.instances()[0]["ec2InstanceState"] == state
    assert make_client("ssm").describe_instance_information()["InstanceInformationList"] == []
    if state == "NOT_FOUND":
        assert code_of(lambda: ec2.describe_instances(InstanceIds=[instance])) == "InvalidInstanceID.NotFound"
    if state != "TERMINATED":
        control.instance(instance, state="RUNNING")
        assert drs.instances()[0]["ec2InstanceState"] == "RUNNING"
    assert drs.client.terminate_recovery_instances(recoveryInstanceIDs=[instance])["job"]
    drs._clock.advance(20)
    assert drs.instances() == []


def test_a_windows_instance_takes_no_shell_document(
    drs: Drs, control: SimulatorControl, three_servers: Servers, make_client: MakeClient
) -> None:
    from tests.simulator.run_command import SHELL, SHELL_DOCUMENT  # noqa: PLC0415 - of this test only

    control.put_document(SHELL, SHELL_DOCUMENT)
    assert control.instance(three_servers[0], platform="Windows")["platform"] == "Windows"
    drs.recover(three_servers[0])
    ssm, instance = make_client("ssm"), only_instance(control)["recoveryInstanceID"]
    code, _ = refusal(
        lambda: ssm.send_command(InstanceIds=[instance], DocumentName=SHELL, Parameters={"Script": ["true"]})
    )
    assert code == "UnsupportedPlatformType"
    filters = [{"Key": "PlatformTypes", "Values": ["Windows"]}]
    [listed] = ssm.describe_instance_information(Filters=filters)["InstanceInformationList"]
    assert listed["PlatformType"] == "Windows"
    [server] = [
        each for each in drs.client.describe_source_servers()["items"] if each["sourceServerID"] == three_servers[0]
    ]
    assert "Windows" in server["sourceProperties"]["os"]["fullString"]


ACTIONS = [
    {"name": "Install agent", "seconds": 4},
    {"name": "Check disks", "seconds": 6, "category": "VALIDATION", "result": "FAILED", "failureReason": "HTTP 503"},
]


def test_launch_actions_run_one_after_another_before_the_job_ends(
    drs: Drs, control: SimulatorControl, three_servers: Servers, clock: ManualClock
) -> None:
    control.put_source_server(three_servers[0], launchActions=ACTIONS)
    job_id = drs.start(three_servers[0])

    def actions() -> list[tuple[str, str]]:
        [server] = drs.job(job_id)["participatingServers"]
        return [(run["action"]["name"], run["status"]) for run in server.get("launchActionsStatus", {}).get("runs", [])]

    clock.advance(20)
    assert drs.launch_statuses(job_id) == {three_servers[0]: "LAUNCHED"}
    assert "launchActionsStatus" not in drs.job(job_id)["participatingServers"][0]
    clock.advance(1)
    assert actions() == [("Install agent", "IN_PROGRESS")]
    clock.advance(4)
    assert actions() == [("Install agent", "SUCCEEDED"), ("Check disks", "IN_PROGRESS")]
    assert drs.job(job_id)["status"] == "STARTED"
    clock.advance(6)
    assert actions() == [("Install agent", "SUCCEEDED"), ("Check disks", "FAILED")]
    assert drs.job(job_id)["status"] == "STARTED"
    clock.advance(3)
    job = drs.job(job_id)
    assert job["status"] == "COMPLETED"
    run = job["participatingServers"][0]["launchActionsStatus"]["runs"][1]
    assert run["failureReason"] == "HTTP 503"
    assert run["action"]["optional"] is False
    assert drs.client.describe_source_servers()["items"][0]["lastLaunchResult"] == "FAILED"
    assert drs.launch_statuses(job_id) == {three_servers[0]: "LAUNCHED"}


def test_an_optional_action_that_fails_leaves_the_launch_a_success(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    control.put_source_server(three_servers[0], launchActions=[{**ACTIONS[1], "optional": True}])
    drs.recover(three_servers[0])
    assert drs.client.describe_source_servers()["items"][0]["lastLaunchResult"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("settings", "runs"),
    [
        ({"launchConfiguration": {"postLaunchEnabled": False}}, False),
        ({"launchConfiguration": {"postLaunchEnabled": True}}, True),
        ({"launchConfiguration": {"launchDisposition": "STOPPED"}}, False),
        ({}, True),
    ],
)
def test_actions_run_where_they_are_on_and_the_instance_runs(
    drs: Drs, control: SimulatorControl, three_servers: Servers, settings: dict[str, Any], runs: bool
) -> None:
    control.put_source_server(three_servers[0], launchActions=ACTIONS, **settings)
    job = drs.recover(three_servers[0])
    assert ("launchActionsStatus" in job["participatingServers"][0]) is runs
    configuration = drs.client.get_launch_configuration(sourceServerID=three_servers[0])
    assert configuration["postLaunchEnabled"] is (runs or "STOPPED" in str(settings))


def test_launch_actions_are_listed_in_order(drs: Drs, control: SimulatorControl, three_servers: Servers) -> None:
    given = [{"name": "Last", "order": 9}, {"name": "First", "order": 2, "active": False, "optional": True}]
    control.put_source_server(three_servers[0], launchActions=given)
    listed = drs.client.list_launch_actions(resourceId=three_servers[0])["items"]
    assert [(each["name"], each["order"], each["active"], each["optional"]) for each in listed] == [
        ("First", 2, False, True),
        ("Last", 9, True, False),
    ]
    one = drs.client.list_launch_actions(resourceId=three_servers[0], filters={"actionIds": [listed[1]["actionId"]]})[
        "items"
    ]
    assert one == [listed[1]]
    # What is not active does not run.
    job = drs.recover(three_servers[0])
    runs = job["participatingServers"][0]["launchActionsStatus"]["runs"]
    assert [each["action"]["name"] for each in runs] == ["Last"]
    assert code_of(lambda: drs.client.list_launch_actions(resourceId=server_id(9))) == "ResourceNotFoundException"


def test_the_account_has_a_launch_configuration_template(drs: Drs) -> None:
    [template] = drs.client.describe_launch_configuration_templates()["items"]
    identifier = template["launchConfigurationTemplateID"]
    assert template["postLaunchEnabled"] is False
    named = drs.client.describe_launch_configuration_templates(launchConfigurationTemplateIDs=[identifier])["items"]
    assert named == [template]
    assert drs.client.list_launch_actions(resourceId=identifier)["items"] == []
    strange = ["lct-00000000000000000"]
    code = code_of(lambda: drs.client.describe_launch_configuration_templates(launchConfigurationTemplateIDs=strange))
    assert code == "ResourceNotFoundException"


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
    with pytest.raises(ControlFailed, match=f"400: {pointer}"):
        control.put_source_server(server_id(1), **settings)
    assert control.state()["sourceServers"] == []
