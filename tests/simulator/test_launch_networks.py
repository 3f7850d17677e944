"""Contract 11 and 13: launches land where their templates say when the launch phase begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.simulator.clients import Drs, MakeClient, server_id
from tests.simulator.launches import GROUP, SUBNET, events, launch_by, raw_error

if TYPE_CHECKING:
    from drs_simulator.client import SimulatorControl
    from drs_simulator.clockwork.clock import ManualClock

Servers = tuple[str, str, str]


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
    reported = make_client("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")["Quota"]
    assert (reported["Value"], reported["ServiceCode"]) == (5.0, "ec2")
    job = drs.recover(*three_servers)
    assert sorted(drs.launch_statuses(job["jobID"]).values()) == ["FAILED", "LAUNCHED", "LAUNCHED"]
    assert raw_error(drs, job["jobID"]).startswith("VcpuLimitExceeded: ")
    # What is stopped or has ended does not count.
    [failed] = [server for server, status in drs.launch_statuses(job["jobID"]).items() if status == "FAILED"]
    first, second = [each["recoveryInstanceID"] for each in control.state()["recoveryInstances"]]
    control.instance(first, state="STOPPED")
    assert drs.launch_statuses(drs.recover(failed)["jobID"]) == {failed: "LAUNCHED"}
    control.instance(second, state="TERMINATED")
    assert control.instance(first, state="RUNNING")["state"] == "RUNNING"
    assert drs.launch_statuses(drs.recover(failed)["jobID"]) == {failed: "LAUNCHED"}


def test_a_deleted_launch_template_fails_the_launch(drs: Drs, three_servers: Servers, ec2: Any) -> None:
    template = drs.client.get_launch_configuration(sourceServerID=three_servers[0])["ec2LaunchTemplateID"]
    ec2.delete_launch_template(LaunchTemplateId=template)
    assert "InvalidLaunchTemplateId" in raw_error(drs, drs.recover(three_servers[0])["jobID"])
