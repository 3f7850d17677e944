"""EC2, as far as it concerns what DRS launches, through an unchanged boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.exceptions import ClientError
from tests.simulator.clients import AUTHORIZATION, Drs, MakeClient, server_id
from tests.simulator.run_command import code_of

from drs_simulator.client import ControlError, SimulatorControl

if TYPE_CHECKING:
    import boto3

    from drs_simulator.clockwork.clock import ManualClock
    from drs_simulator.http.server import SimulatorServer

Servers = tuple[str, str, str]
SUBNET = "subnet-0123456789abcdef0"
GROUP = "sg-0123456789abcdef0"
VPC = "vpc-0123456789abcdef0"
STRANGER = "i-00000000000000000"


def post(simulator: SimulatorServer, text: str) -> httpx.Response:
    headers = {"Authorization": AUTHORIZATION.format("ec2"), "Content-Type": "application/x-www-form-urlencoded"}
    return httpx.post(simulator.url, content=text, headers=headers, trust_env=False)


def test_boto3_finds_it_by_its_endpoint_variable(
    simulator: SimulatorServer, session: boto3.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", simulator.url)
    create: Any = session.client
    client = create("ec2", region_name="eu-west-1", aws_access_key_id="test", aws_secret_access_key="test")
    zones = {each["AvailabilityZone"] for each in client.describe_subnets()["Subnets"]}
    client.close()
    assert zones == {"eu-west-1a", "eu-west-1b", "eu-west-1c"}


def test_instances_go_from_pending_to_running_to_terminated_and_are_shown_for_a_while(
    drs: Drs, ec2: Any, clock: ManualClock, three_servers: Servers
) -> None:
    def states() -> list[str]:
        found = ec2.describe_instances()["Reservations"]
        return [one["Instances"][0]["State"]["Name"] for one in found]

    drs.start(three_servers[0])
    clock.advance(15)
    assert states() == []
    clock.advance(3)
    assert states() == ["pending"]
    clock.advance(2)
    assert states() == ["running"]
    clock.advance(5)
    [instance] = [each["recoveryInstanceID"] for each in drs.instances()]
    drs.client.terminate_recovery_instances(recoveryInstanceIDs=[instance])
    clock.advance(1)
    assert states() == ["shutting-down"]
    clock.advance(10)
    assert states() == ["terminated"]
    assert drs.instances() == []
    [seen] = ec2.describe_instances(InstanceIds=[instance])["Reservations"]
    assert "SubnetId" not in seen["Instances"][0]
    clock.advance(3600)
    assert states() == []
    assert code_of(lambda: ec2.describe_instances(InstanceIds=[instance])) == "InvalidInstanceID.NotFound"


def test_an_instance_is_described_with_where_it_landed(
    drs: Drs, ec2: Any, control: SimulatorControl, three_servers: Servers
) -> None:
    control.put_source_server(three_servers[0], hostname="db-1")
    drs.recover(three_servers[0])
    [reservation] = ec2.describe_instances()["Reservations"]
    [instance] = reservation["Instances"]
    [subnet] = ec2.describe_subnets(SubnetIds=[instance["SubnetId"]])["Subnets"]
    assert subnet["DefaultForAz"] is True
    assert instance["Placement"]["AvailabilityZone"] == subnet["AvailabilityZone"]
    assert instance["PrivateIpAddress"].startswith("172.31.")
    assert [each["GroupName"] for each in instance["SecurityGroups"]] == ["default"]
    assert {each["Key"]: each["Value"] for each in instance["Tags"]}["Name"] == "db-1"
    assert instance["LaunchTime"].tzinfo is not None
    [exact] = control.state()["ec2Instances"]
    assert (exact["SubnetId"], exact["PrivateIpAddress"]) == (instance["SubnetId"], instance["PrivateIpAddress"])


def test_instances_are_found_by_filters_and_in_pages(drs: Drs, ec2: Any, control: SimulatorControl) -> None:
    servers = [server_id(number) for number in range(12)]
    for number, server in enumerate(servers):
        control.put_source_server(server, hostname=f"host-{number}")
    drs.recover(*servers)

    def names(**filters: str) -> set[str]:
        given = [
            {"Name": name.replace("__", ":").replace("_", "-"), "Values": [value]} for name, value in filters.items()
        ]
        found = ec2.describe_instances(Filters=given)["Reservations"]
        return {tag["Value"] for one in found for tag in one["Instances"][0]["Tags"] if tag["Key"] == "Name"}

    assert names(tag__Name="host-1") == {"host-1"}
    assert names(tag__Name="host-1*") == {"host-1", "host-10", "host-11"}
    assert len(names(instance_state_name="running")) == 12
    assert names(instance_state_name="stopped") == set()
    pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["Reservations"]) for page in pages] == [5, 5, 2]
    identifiers = {one["Instances"][0]["InstanceId"] for page in pages for one in page["Reservations"]}
    assert len(identifiers) == 12


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("describe_instances", {"InstanceIds": [STRANGER]}, "InvalidInstanceID.NotFound"),
        ("describe_instances", {"InstanceIds": ["vm-1"]}, "InvalidInstanceID.Malformed"),
        ("describe_instances", {"Filters": [{"Name": "colour", "Values": ["red"]}]}, "InvalidParameterValue"),
        ("describe_instances", {"MaxResults": 2}, "InvalidParameterValue"),
        ("describe_instances", {"NextToken": "nonsense"}, "InvalidNextToken"),
        ("describe_subnets", {"SubnetIds": ["subnet-00000000000000000"]}, "InvalidSubnetID.NotFound"),
        ("describe_security_groups", {"GroupIds": ["sg-00000000000000000"]}, "InvalidGroup.NotFound"),
        ("describe_security_groups", {"GroupIds": ["group"]}, "InvalidGroupId.Malformed"),
        ("describe_security_groups", {"GroupNames": ["nobody's"]}, "InvalidGroup.NotFound"),
        ("describe_network_interfaces", {"NetworkInterfaceIds": ["eni-0"]}, "InvalidNetworkInterfaceID.NotFound"),
        ("describe_instance_types", {"InstanceTypes": ["x1e.32xlarge"]}, "InvalidInstanceType"),
        ("describe_instance_type_offerings", {"LocationType": "outpost"}, "NotImplemented"),
        ("describe_instances", {"DryRun": True}, "DryRunOperation"),
        ("run_instances", {"MinCount": 1, "MaxCount": 1}, "NotImplemented"),
    ],
)
def test_what_it_refuses_it_refuses_with_ec2s_codes(
    ec2: Any, operation: str, parameters: dict[str, Any], code: str
) -> None:
    assert code_of(lambda: getattr(ec2, operation)(**parameters)) == code


def test_several_unknown_instances_are_named_together(ec2: Any) -> None:
    with pytest.raises(ClientError, match=f"The instance IDs '{STRANGER}, i-00000000000000001' do not exist"):
        ec2.describe_instances(InstanceIds=[STRANGER, "i-00000000000000001"])


def test_subnets_are_found_by_network_and_zone(ec2: Any, control: SimulatorControl) -> None:
    made = control.put_subnet(SUBNET, cidrBlock="10.1.0.0/24", vpcId=VPC, availabilityZone="us-east-1c")
    assert made["AvailableIpAddressCount"] == 251
    filters = [{"Name": "vpc-id", "Values": [VPC]}, {"Name": "availability-zone", "Values": ["us-east-1c"]}]
    [found] = ec2.describe_subnets(Filters=filters)["Subnets"]
    assert (found["SubnetId"], found["CidrBlock"], found["VpcId"]) == (SUBNET, "10.1.0.0/24", VPC)
    assert found["State"] == "available"
    changed = control.put_subnet(SUBNET, usedAddresses=250, takenAddresses=["10.1.0.200"])
    assert changed["AvailableIpAddressCount"] == 0
    assert control.put_subnet(SUBNET, usedAddresses=0)["AvailableIpAddressCount"] == 251
    control.delete_subnet(SUBNET)
    assert code_of(lambda: ec2.describe_subnets(SubnetIds=[SUBNET])) == "InvalidSubnetID.NotFound"


def test_security_groups_belong_to_a_network(ec2: Any, control: SimulatorControl) -> None:
    control.put_security_group(GROUP, vpcId=VPC, name="drill")
    [found] = ec2.describe_security_groups(GroupIds=[GROUP])["SecurityGroups"]
    assert (found["GroupName"], found["VpcId"]) == ("drill", VPC)
    names = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])["SecurityGroups"]
    assert len(names) == 1
    control.delete_security_group(GROUP)
    assert code_of(lambda: ec2.describe_security_groups(GroupIds=[GROUP])) == "InvalidGroup.NotFound"


def test_who_has_an_address_is_told(drs: Drs, ec2: Any, control: SimulatorControl, three_servers: Servers) -> None:
    control.put_subnet(SUBNET, cidrBlock="10.1.0.0/28", takenAddresses=["10.1.0.9"])

    def owner(address: str) -> list[Any]:
        filters = [{"Name": "subnet-id", "Values": [SUBNET]}, {"Name": "private-ip-address", "Values": [address]}]
        found: list[Any] = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        return found

    [other] = owner("10.1.0.9")
    assert (other["Status"], "Attachment" in other) == ("available", False)
    assert owner("10.1.0.10") == []
    drs.recover(three_servers[0])
    [instance] = control.state()["ec2Instances"]
    address, ours = instance["PrivateIpAddress"], instance["InstanceId"]
    [interface] = ec2.describe_network_interfaces(
        Filters=[{"Name": "addresses.private-ip-address", "Values": [address]}]
    )["NetworkInterfaces"]
    assert interface["Attachment"]["InstanceId"] == ours


def test_types_have_vcpus_and_are_offered_by_zone(ec2: Any, control: SimulatorControl) -> None:
    [large] = ec2.describe_instance_types(InstanceTypes=["m5.large"])["InstanceTypes"]
    assert large["VCpuInfo"]["DefaultVCpus"] == 2
    assert large["MemoryInfo"]["SizeInMiB"] == 8192

    def zones(name: str) -> set[str]:
        answer = ec2.describe_instance_type_offerings(
            LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": [name]}]
        )
        return {each["Location"] for each in answer["InstanceTypeOfferings"]}

    assert zones("m5.large") == {"us-east-1a", "us-east-1b", "us-east-1c"}
    control.put_instance_type("m5.large", availabilityZones=["us-east-1b"])
    assert zones("m5.large") == {"us-east-1b"}
    control.put_instance_type("m5.large", availabilityZones=[])
    assert zones("m5.large") == set()
    made = control.put_instance_type("x1e.32xlarge", vcpus=128, memoryMiB=3_904_000)
    assert made["availabilityZones"] == ["us-east-1a", "us-east-1b", "us-east-1c"]
    assert zones("x1e.32xlarge") == {"us-east-1a", "us-east-1b", "us-east-1c"}
    assert zones("z9.nano") == set()
    by_region = ec2.describe_instance_type_offerings(Filters=[{"Name": "instance-type", "Values": ["t3.*"]}])
    assert {each["Location"] for each in by_region["InstanceTypeOfferings"]} == {"us-east-1"}


def test_accounts_and_regions_are_kept_apart(drs: Drs, make_client: MakeClient, three_servers: Servers) -> None:
    drs.recover(three_servers[0])
    assert make_client("ec2").describe_instances()["Reservations"]
    assert make_client("ec2", region="eu-west-1").describe_instances()["Reservations"] == []
    assert make_client("ec2", key="111122223333").describe_instances()["Reservations"] == []


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda control: control.put_subnet("subnet-1", cidrBlock="10.0.0.0/24"), "no id of a subnet"),
        (lambda control: control.put_subnet(SUBNET), "needs its cidrBlock"),
        (lambda control: control.put_subnet(SUBNET, cidrBlock="10.0.0.0/29"), "/cidrBlock"),
        (lambda control: control.put_subnet(SUBNET, cidrBlock="10.0.0.1/24"), "/cidrBlock"),
        (lambda control: control.put_subnet(SUBNET, cidrBlock="10.0.0.0/28", usedAddresses=12), "11 free addresses"),
        (lambda control: control.put_subnet(SUBNET, cidrBlock="10.0.0.0/28", takenAddresses=["10.0.0.1"]), "no free"),
        (lambda control: control.put_security_group(GROUP, vpcId="vpc"), "/vpcId"),
        (lambda control: control.put_instance_type("large"), "no instance type"),
        (lambda control: control.put_instance_type("m5.large", availabilityZones=["mars-1a"]), "no zone mars-1a"),
        (lambda control: control.put_existing_instance("vm-1"), "no id of an instance"),
        (lambda control: control.put_existing_instance(STRANGER, subnetId=SUBNET), "no subnet"),
        (lambda control: control.delete_subnet(SUBNET), "404"),
        (lambda control: control.delete_security_group(GROUP), "404"),
    ],
)
def test_networks_that_make_no_sense_are_refused(control: SimulatorControl, call: Any, complaint: str) -> None:
    with pytest.raises(ControlError, match=complaint):
        call(control)


def test_the_range_of_a_subnet_stays(control: SimulatorControl) -> None:
    control.put_subnet(SUBNET, cidrBlock="10.0.0.0/28")
    with pytest.raises(ControlError, match="cannot be changed"):
        control.put_subnet(SUBNET, cidrBlock="10.0.0.0/27")


def test_an_instance_that_is_there_already_is_not_put_twice(control: SimulatorControl, ec2: Any) -> None:
    control.put_subnet(SUBNET, cidrBlock="10.0.0.0/28")
    made = control.put_existing_instance(STRANGER, subnetId=SUBNET, platform="Windows", name="jump")
    assert (made["PrivateIpAddress"], made["Platform"]) == ("10.0.0.4", "windows")
    with pytest.raises(ControlError, match="is there already"):
        control.put_existing_instance(STRANGER)
    [reservation] = ec2.describe_instances()["Reservations"]
    assert reservation["Instances"][0]["SubnetId"] == SUBNET


# The wire.


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Action=DescribeInstances&Colour=red", "UnknownParameter"),
        ("Action=DescribeInstances&InstanceId=one", "InvalidParameterValue"),
        ("Action=DescribeInstances&MaxResults=many", "InvalidParameterValue"),
        ("Action=DescribeInstances&Filter.1.Name=x&Filter.1.Name.2=y", "InvalidParameterCombination"),
        ("Action=DescribeInstances&" + ".".join("a" * 40) + "=1", "InvalidParameterValue"),
        ("Action=ModifyLaunchTemplate&LaunchTemplateId=lt-0123456789abcdef0", "InvalidLaunchTemplateId.NotFound"),
        ("Action=CreateLaunchTemplate", "MissingParameter"),
        ("Action=DescribeEverything", "InvalidAction"),
        ("", "InvalidAction"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_in_xml(simulator: SimulatorServer, text: str, code: str) -> None:
    answer = post(simulator, text)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/xml")
    assert f"<Code>{code}</Code>" in answer.text


def test_hostile_text_comes_back_harmless(ec2: Any, simulator: SimulatorServer) -> None:
    data = {"KeyName": "<&>\"'", "UserData": "\x0b\ud7ff"}
    made = ec2.create_launch_template(LaunchTemplateName="odd", LaunchTemplateData=data)["LaunchTemplate"]
    [version] = ec2.describe_launch_template_versions(LaunchTemplateId=made["LaunchTemplateId"])[
        "LaunchTemplateVersions"
    ]
    assert version["LaunchTemplateData"] == {"KeyName": "<&>\"'", "UserData": "\ufffd\ud7ff"}
    assert post(simulator, "Action=%3Cx%3E").text.count("&lt;x&gt;") == 1


def test_faults_strike_ec2_too(ec2: Any, control: SimulatorControl) -> None:
    control.fault("DescribeSubnets", error="RequestLimitExceeded")
    assert code_of(ec2.describe_subnets) == "RequestLimitExceeded"
    control.fault("DescribeSubnets", httpStatus=503)
    assert code_of(ec2.describe_subnets) == "503"
    assert ec2.describe_subnets()["Subnets"]
    errors = [call["error"] for call in control.calls("DescribeSubnets")]
    assert errors == ["RequestLimitExceeded", "Http503", None]
