"""Contract 11: EC2 and SSM are late, too."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.simulator.mannered import DELAY, SEEDS, SERVERS, Fresh
from tests.simulator.run_command import SHELL, SHELL_DOCUMENT, code_of

if TYPE_CHECKING:
    from tests.simulator.clients import Drs, MakeClient

    from drs_simulator.client import SimulatorControl
    from drs_simulator.clockwork.clock import ManualClock


def test_an_agent_registers_a_while_after_the_launch(
    fresh: Fresh, drs: Drs, clock: ManualClock, make_client: MakeClient, control: SimulatorControl
) -> None:
    ssm = make_client("ssm")
    control.put_document(SHELL, SHELL_DOCUMENT)
    refused = 0
    for seed in SEEDS:
        fresh(seed)
        drs.start(SERVERS[0])
        clock.advance(20)
        [instance] = control.state()["recoveryInstances"]
        asked = {
            "InstanceIds": [instance["ec2InstanceID"]],
            "DocumentName": SHELL,
            "Parameters": {"Script": ["true"]},
        }
        assert not ssm.describe_instance_information()["InstanceInformationList"]
        assert code_of(partial(ssm.send_command, **asked)) == "InvalidInstanceId"
        for _ in range(DELAY):
            clock.advance(1)
            refused += not ssm.describe_instance_information()["InstanceInformationList"]
        assert len(ssm.describe_instance_information()["InstanceInformationList"]) == 1
        assert ssm.send_command(**asked)["Command"]["Status"] == "Pending"
    assert refused > len(SEEDS)


def test_a_command_is_listed_a_while_after_it_was_sent(
    fresh: Fresh, drs: Drs, clock: ManualClock, make_client: MakeClient, control: SimulatorControl
) -> None:
    ssm = make_client("ssm")
    control.put_document(SHELL, SHELL_DOCUMENT)
    fresh(1)
    drs.start(SERVERS[0])
    clock.advance(60)
    [instance] = drs.instances()
    sent = ssm.send_command(
        InstanceIds=[instance["ec2InstanceID"]], DocumentName=SHELL, Parameters={"Script": ["true"]}
    )["Command"]["CommandId"]
    assert ssm.list_commands()["Commands"] == []
    assert ssm.list_command_invocations(CommandId=sent)["CommandInvocations"] == []
    clock.advance(DELAY)
    assert [each["CommandId"] for each in ssm.list_commands()["Commands"]] == [sent]
    assert len(ssm.list_command_invocations(CommandId=sent)["CommandInvocations"]) == 1


def test_ec2_shows_an_instance_later_than_it_launches_it(
    fresh: Fresh, drs: Drs, clock: ManualClock, make_client: MakeClient, control: SimulatorControl
) -> None:
    ec2 = make_client("ec2")
    late = unknown = 0
    for seed in SEEDS:
        fresh(seed, staleReads=0)  # an instance has its lag, and two looks at one moment show the same
        drs.start(SERVERS[0])
        clock.advance(17.5)
        [instance] = control.state()["ec2Instances"]
        asked = {"InstanceIds": [instance["InstanceId"]]}
        if not ec2.describe_instances()["Reservations"]:
            unknown += 1
            assert code_of(partial(ec2.describe_instances, **asked)) == "InvalidInstanceID.NotFound"
        seen = []
        for _ in range(DELAY):
            clock.advance(1)
            seen += [one["Instances"][0]["State"]["Name"] for one in ec2.describe_instances()["Reservations"]]
        late += DELAY - len(seen)
        assert set(seen) <= {"pending", "running"}
        clock.advance(DELAY)
        [reservation] = ec2.describe_instances(**asked)["Reservations"]
        assert reservation["Instances"][0]["State"]["Name"] == "running"
    assert unknown > len(SEEDS) / 2
    assert late > len(SEEDS)


def test_a_version_just_made_may_not_be_found_yet_and_the_default_is_told_late(
    fresh: Fresh, drs: Drs, clock: ManualClock, make_client: MakeClient, control: SimulatorControl
) -> None:
    ec2 = make_client("ec2")
    fresh(3)
    template = drs.client.get_launch_configuration(sourceServerID=SERVERS[0])["ec2LaunchTemplateID"]
    clock.advance(DELAY)
    data = {"KeyName": "k"}
    ec2.create_launch_template_version(LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData=data)
    change = partial(ec2.modify_launch_template, LaunchTemplateId=template, DefaultVersion="2")
    assert code_of(change) == "InvalidLaunchTemplateId.VersionNotFound"
    [latest] = ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["$Latest"])[
        "LaunchTemplateVersions"
    ]
    assert latest["VersionNumber"] == 1
    clock.advance(DELAY)
    assert change()["LaunchTemplate"]["DefaultVersionNumber"] == 2
    exact = {each["LaunchTemplateId"]: each["DefaultVersionNumber"] for each in control.state()["launchTemplates"]}
    assert exact[template] == 2

    def default() -> int:
        found = ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["$Default"])
        return int(found["LaunchTemplateVersions"][0]["VersionNumber"])

    assert default() == 1
    clock.advance(DELAY)
    assert [default() for _ in range(10)] == [2] * 10


def test_a_late_read_does_not_show_a_default_version_that_is_gone(
    fresh: Fresh, clock: ManualClock, drs: Drs, make_client: MakeClient
) -> None:
    ec2 = make_client("ec2")
    for seed in SEEDS:
        fresh(seed)
        template = drs.client.get_launch_configuration(sourceServerID=SERVERS[0])["ec2LaunchTemplateID"]
        clock.advance(DELAY)
        ec2.create_launch_template_version(
            LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData={"KeyName": "k"}
        )
        clock.advance(DELAY)
        ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion="2")
        clock.advance(DELAY)
        ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion="1")
        ec2.delete_launch_template_versions(LaunchTemplateId=template, Versions=["2"])
        shown = [
            each["VersionNumber"]
            for _ in range(10)
            for each in ec2.describe_launch_template_versions(Versions=["$Default"])["LaunchTemplateVersions"]
            if each["LaunchTemplateId"] == template
        ]
        assert shown == [1] * 10


def test_an_automation_shows_and_ends_late(
    fresh: Fresh, clock: ManualClock, make_client: MakeClient, control: SimulatorControl
) -> None:
    ssm = make_client("ssm")
    for seed in SEEDS:
        fresh(seed)
        control.put_automation("Move-Traffic", seconds=30)
        started = ssm.start_automation_execution(
            DocumentName="Move-Traffic", Tags=[{"Key": "wavebreak-1", "Value": "x"}]
        )

        def found(identifier: str = started["AutomationExecutionId"]) -> list[str]:
            listed = ssm.describe_automation_executions(Filters=[{"Key": "TagKey", "Values": ["wavebreak-1"]}])
            assert {each["AutomationExecutionId"] for each in listed["AutomationExecutionMetadataList"]} <= {identifier}
            return [each["AutomationExecutionStatus"] for each in listed["AutomationExecutionMetadataList"]]

        assert found() == []
        clock.advance(DELAY)
        assert found() == ["InProgress"]
        clock.advance(20)
        assert found() == ["InProgress"]
        clock.advance(DELAY)
        assert found() == ["Success"]


def test_every_description_of_the_other_services_converges(
    fresh: Fresh, drs: Drs, clock: ManualClock, make_client: MakeClient, control: SimulatorControl
) -> None:
    ec2 = make_client("ec2")
    for seed in SEEDS:
        fresh(seed)
        drs.start(*SERVERS)
        clock.advance(60)
        exact = {each["InstanceId"]: each for each in control.state()["ec2Instances"]}
        shown = {
            one["Instances"][0]["InstanceId"]: one["Instances"][0] for one in ec2.describe_instances()["Reservations"]
        }
        assert shown.keys() == exact.keys()
        assert all(
            (shown[key]["State"]["Name"], shown[key]["SubnetId"]) == (each["State"]["Name"], each["SubnetId"])
            for key, each in exact.items()
        )
        templates = ec2.describe_launch_templates()["LaunchTemplates"]
        assert {each["LaunchTemplateId"] for each in templates} == {
            each["LaunchTemplateId"] for each in control.state()["launchTemplates"]
        }
