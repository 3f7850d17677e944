"""Drills in networks of their own (contract 13): over the API, with machines, DRS and an EC2 that shows things late."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from tests.support.plans import plan, server, servers_of, wave
from tests.support.published import mails, notification_topic
from tests.support.stack import LATE_SECONDS

from wavebreak.aws.ec2.launch_templates import LaunchTemplates

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

SUBNET, GROUP, VPC = "subnet-0123456789abcdef0", "sg-0123456789abcdef0", "vpc-0123456789abcdef0"
TEN: Final = plan(wave("all", *range(1, 11)), plan_id="networked") | {
    "drill": {"networks": [{"subnetIds": [SUBNET], "securityGroupIds": [GROUP]}]}
}
LOOKS: Final = ("DescribeLaunchTemplateVersions", "DescribeSubnets", "DescribeInstanceTypeOfferings")
CHANGES: Final = (
    "CreateLaunchTemplateVersion",
    "ModifyLaunchTemplate",
    "DeleteLaunchTemplateVersions",
)
LAUNCH_SECONDS: Final = 2 * LATE_SECONDS
"""A launch lasts longer than EC2 is late: else EC2 may be asked once more whether a version is the default."""


@pytest.fixture
def networked(stack: Stack) -> Stack:
    stack.control.put_subnet(SUBNET, cidrBlock="10.1.0.0/24", vpcId=VPC)
    stack.control.put_security_group(GROUP, vpcId=VPC)
    return stack


def subnets(stack: Stack, execution: dict[str, Any]) -> dict[str, Any]:
    """Give the subnets in which an execution's servers run, by server."""
    where = {each["InstanceId"]: each.get("SubnetId") for each in stack.control.state()["ec2Instances"]}
    return {
        each["sourceServerId"]: where[each["recoveryInstanceId"]]
        for shown in execution["waves"]
        for each in shown["servers"]
        if each["recoveryInstanceId"]
    }


def changed(stack: Stack) -> dict[str, tuple[int, int]]:
    """Give the default and the latest version of launch templates that are not as they were, by the template's name."""
    found = {
        each["LaunchTemplateName"]: (each["DefaultVersionNumber"], each["LatestVersionNumber"])
        for each in stack.control.state()["launchTemplates"]
    }
    return {name: versions for name, versions in found.items() if versions != (1, 1)}


def sweep(stack: Stack) -> int:
    return int(stack.invoke("SweepFunction", {})["templates"])


def swept(stack: Stack, clock: JumpingClock, times: int = 1) -> None:
    """Have the sweep do what is left, once everything shows; each has its time."""
    for _ in range(times):
        clock.forward(90)
        sweep(stack)
        if not changed(stack):
            break
    assert changed(stack) == {}
    assert stack.items_of("TEMPLATE") == []


def checked(stack: Stack, plan_id: str) -> dict[str, str]:
    """Give what `validate` says of launch templates, by its subjects."""
    checks = stack.api("POST", f"/plans/{plan_id}/validate").json["checks"]
    return {each["subject"]: each["status"] for each in checks if each["check"] == "launch-template"}


def taken(stack: Stack, *operations: str) -> int:
    """Count the calls that EC2 did not refuse: a version that was just made may not be found yet."""
    return sum(not each["error"] for name in operations for each in stack.control.calls(name))


def test_13_ten_servers_land_in_the_drills_subnet_and_a_recovery_right_after_it_where_their_templates_say(
    networked: Stack, clock: JumpingClock
) -> None:
    stack = networked
    stack.put_servers(servers_of(TEN), launchSeconds=LAUNCH_SECONDS)
    drill = stack.start(TEN)
    ended = stack.ended(drill)
    rehearsed = subnets(stack, ended)
    recovery = stack.start(TEN, "recoveries")
    recovered = stack.ended(recovery)

    troubles = [each["error"] for one in (ended, recovered) for each in one["waves"][0]["servers"] if each["error"]]
    assert (ended["status"], recovered["status"]) == ("COMPLETED", "COMPLETED"), troubles
    assert (len(rehearsed), set(rehearsed.values())) == (10, {SUBNET})
    landed = subnets(stack, recovered)
    assert len(landed) == 10
    assert SUBNET not in landed.values()
    swept(stack, clock)
    assert taken(stack, *CHANGES) <= 4 * 10
    assert taken(stack, "DescribeSubnets", "DescribeInstanceTypeOfferings") == 2
    assert taken(stack, "DescribeLaunchTemplateVersions") <= 10


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"copyPrivateIp": True}, "keeps its private address 10.9.0.7"),
        ({"launchIntoInstanceProperties": {"launchIntoEC2InstanceID": "i-0123456789abcdef0"}}, "launched into"),
        ({"ec2LaunchTemplateID": "lt-0123456789abcdef0"}, "no launch template of it that EC2 knows"),
    ],
)
def test_13_a_server_that_cannot_be_led_into_the_drills_network_fails_alone_before_start_recovery(
    networked: Stack, clock: JumpingClock, settings: dict[str, Any], words: str
) -> None:
    stack = networked
    three = plan(wave("all", 1, 2, 3), plan_id="three") | {"drill": TEN["drill"]}
    stack.put_servers(servers_of(three))
    stack.put_servers([server(2)], launchConfiguration=settings, privateIp="10.9.0.7")
    ended = stack.ended(stack.start(three))
    shown = {each["sourceServerId"]: each for each in ended["waves"][0]["servers"]}
    assert [shown[server(number)]["launchStatus"] for number in (1, 2, 3)] == ["LAUNCHED", "FAILED", "LAUNCHED"]
    assert words in shown[server(2)]["error"]
    assert set(subnets(stack, ended).values()) == {SUBNET}
    assert server(2) not in stack.launched_servers()
    swept(stack, clock)


@pytest.mark.parametrize("read", ["defaults", "subnets"])
def test_13_what_ec2_does_not_show_at_first_fails_no_server(
    networked: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    """One look that shows nothing proves nothing: templates and subnets may be too young to be shown."""
    stack = networked
    original, reads = getattr(LaunchTemplates, read), []

    def late(templates: LaunchTemplates, wanted: Any) -> Any:
        reads.append(wanted)
        return {} if len(reads) == 1 else original(templates, wanted)

    monkeypatch.setattr(LaunchTemplates, read, late)
    one = plan(wave("all", 1, 2), plan_id="one") | {"drill": TEN["drill"]}
    stack.put_servers(servers_of(one))
    ended = stack.ended(stack.start(one))
    assert (ended["status"], [each["error"] for each in ended["waves"][0]["servers"]]) == ("COMPLETED", [None, None])
    assert set(subnets(stack, ended).values()) == {SUBNET}
    swept(stack, clock)


@pytest.mark.parametrize("used", [5, 7])
def test_13_two_waves_at_the_same_time_overfill_no_subnet_and_fail_only_whom_no_address_is_left_for(
    networked: Stack, used: int
) -> None:
    """Ten and six addresses for sixteen servers, or two fewer; EC2 counts those that have landed."""
    one, other = "subnet-0123456789abcdef1", "subnet-0123456789abcdef2"
    networked.control.put_subnet(one, cidrBlock="10.1.0.0/28", vpcId=VPC, usedAddresses=1)
    networked.control.put_subnet(other, cidrBlock="10.1.1.0/28", vpcId=VPC, usedAddresses=used)
    waves = wave("one", *range(1, 9)), wave("two", *range(9, 17), dependsOn=[])
    for each in waves:
        for entry in each["servers"]:
            entry["impact"] = "OPTIONAL"
    document = plan(*waves, plan_id="networked") | {
        "drill": {"networks": [{"subnetIds": [one, other], "securityGroupIds": [GROUP]}]}
    }
    networked.put_servers(servers_of(document), launchSeconds=3)
    ended = networked.ended(networked.start(document))
    shown = [each for each_wave in ended["waves"] for each in each_wave["servers"]]
    landed = [each for each in shown if each["launchStatus"] == "LAUNCHED"]
    assert len(landed) == 21 - used, [(each["launchStatus"], each["error"]) for each in shown]
    failed = [each["error"] for each in shown if each["launchStatus"] != "LAUNCHED"]
    assert failed == ["No subnet of the drill has enough free addresses for it"] * (used - 5)
    assert Counter(subnets(networked, ended).values()) == {one: 10, other: 11 - used}


def test_13_a_server_that_keeps_its_address_has_it_in_a_drills_network_of_the_same_range(
    networked: Stack, clock: JumpingClock
) -> None:
    stack = networked
    one = plan(wave("all", 1), plan_id="one") | {"drill": TEN["drill"]}
    stack.put_servers([server(1)], launchConfiguration={"copyPrivateIp": True}, privateIp="10.1.0.77")
    ended = stack.ended(stack.start(one))
    assert set(subnets(stack, ended).values()) == {SUBNET}
    [instance] = stack.control.state()["ec2Instances"]
    assert instance["PrivateIpAddress"] == "10.1.0.77"
    swept(stack, clock)


def test_13_a_recovery_waits_for_a_template_that_ec2_does_not_put_back_and_launches_once_it_does(
    networked: Stack, clock: JumpingClock
) -> None:
    stack = networked
    two = plan(wave("all", 1, 2), plan_id="two") | {"drill": TEN["drill"]}
    stack.put_servers(servers_of(two))
    stack.control.fault("DeleteLaunchTemplateVersions", error="UnauthorizedOperation", count=1000)
    ended = stack.ended(stack.start(two))
    assert set(subnets(stack, ended).values()) == {SUBNET}
    calls = len(stack.launched_servers())
    recovery = stack.start(two, "recoveries")
    waits = stack.wait(recovery, lambda seen: all(each["error"] for each in seen["waves"][0]["servers"]))
    assert {"UnauthorizedOperation" in each["error"] for each in waits["waves"][0]["servers"]} == {True}
    assert len(stack.launched_servers()) == calls
    stack.control.clear_faults()
    recovered = stack.ended(recovery)
    assert recovered["status"] == "COMPLETED"
    assert SUBNET not in subnets(stack, recovered).values()
    swept(stack, clock)


@pytest.mark.parametrize(("faults", "delayed"), [(6, False), (16, True)])
def test_13_a_template_that_ec2_answers_with_faults_delays_its_server_alone(
    networked: Stack, clock: JumpingClock, faults: int, delayed: bool
) -> None:
    """ModifyLaunchTemplate answers 500 when a recovery puts back what is left of a drill: six times one round bears."""
    stack = networked
    four = plan(wave("all", 1, 2, 3, 4), plan_id="four") | {"drill": TEN["drill"]}
    stack.put_servers(servers_of(four), launchSeconds=60)
    drill = stack.start(four)
    stack.wait(drill, lambda seen: {each["launchStatus"] for each in seen["waves"][0]["servers"]} == {"IN_PROGRESS"})
    _, template = template_of(stack, server(1))
    stack.control.fault("ModifyLaunchTemplate", httpStatus=500, subject=template, count=1000)
    clock.forward(70)
    assert stack.ended(drill)["status"] == "COMPLETED"
    stack.put_servers(servers_of(four), launchSeconds=0.1)
    stack.control.clear_faults()
    stack.control.fault("ModifyLaunchTemplate", httpStatus=500, subject=template, count=faults)

    recovery = stack.start(four, "recoveries")

    told: set[str | None] = set()
    for _ in range(200):
        seen = stack.get(recovery)
        told |= {each["error"] for each in seen["waves"][0]["servers"] if each["sourceServerId"] == server(1)}
        if seen["status"] == "COMPLETED":
            break
        clock.forward(0.5)
        time.sleep(0.1)
    recovered = stack.ended(recovery)
    assert (recovered["status"], len(_launched(recovered))) == ("COMPLETED", 4), recovered["waves"]
    assert any("500" in words for words in told if words) is delayed, told
    first = next(call for call in stack.control.calls("StartRecovery") if not call["parameters"]["isDrill"])
    assert {each["sourceServerID"] for each in first["parameters"]["sourceServers"]} == {
        *servers_of(four)[1 if delayed else 0 :]
    }
    assert SUBNET not in subnets(stack, recovered).values()
    assert sorted(stack.launched_servers()) == sorted(2 * servers_of(four))
    swept(stack, clock)


def _launched(execution: dict[str, Any]) -> set[str]:
    return {each["sourceServerId"] for each in execution["waves"][0]["servers"] if each["launchStatus"] == "LAUNCHED"}


def test_13_what_the_drill_itself_cannot_put_back_the_sweep_does(networked: Stack, clock: JumpingClock) -> None:
    stack = networked
    two = plan(wave("all", 1, 2), plan_id="two") | {"drill": TEN["drill"]}
    stack.put_servers(servers_of(two))
    stack.control.fault("DeleteLaunchTemplateVersions", error="UnauthorizedOperation", count=1000)
    assert stack.ended(stack.start(two))["status"] == "COMPLETED"
    clock.forward(60)
    assert sweep(stack) == 0
    assert len(stack.items_of("TEMPLATE")) == 2
    assert checked(stack, "two") == {server(1): "FAIL", server(2): "FAIL"}
    stack.control.clear_faults()
    clock.forward(60)
    assert sweep(stack) == 2
    swept(stack, clock)
    assert checked(stack, "two") == {"us-east-1": "PASS"}


def template_of(stack: Stack, name: str) -> tuple[Any, str]:
    """Give EC2, as anybody calls it, and the id of a server's launch template."""
    create: Any = boto3.client
    [template] = [
        each["LaunchTemplateId"]
        for each in stack.control.state()["launchTemplates"]
        if each["LaunchTemplateName"].startswith(name)
    ]
    return create("ec2", region_name="us-east-1"), template


def default_data(stack: Stack, name: str) -> dict[str, Any]:
    """Give what the default version of a server's launch template says."""
    stack.everything_shows()
    ec2, template = template_of(stack, name)
    shown = ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["$Default"])
    return dict(shown["LaunchTemplateVersions"][0]["LaunchTemplateData"])


def somebody_chooses(stack: Stack, name: str, data: dict[str, Any]) -> None:
    """Have somebody make a version of a server's launch template from its default one, and choose it."""
    ec2, template = template_of(stack, name)
    made = ec2.create_launch_template_version(
        LaunchTemplateId=template, SourceVersion="$Default", LaunchTemplateData=data
    )["LaunchTemplateVersion"]["VersionNumber"]
    stack.everything_shows()
    ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion=str(made))


def last_mail(stack: Stack, topic: str, execution_id: str) -> list[str]:
    """Have an execution's news told, and give the lines of the last mail about it."""
    record = {"dynamodb": {"Keys": {"pk": {"S": f"EXEC#{execution_id}"}}}}
    stack.invoke("NotificationFunction", {"Records": [record]})
    return mails(topic)[-1].splitlines()


@pytest.mark.parametrize("by", ["loop", "sweep"])
def test_13_what_somebody_chose_during_a_drill_stays_without_what_is_the_drills(
    networked: Stack, clock: JumpingClock, by: str
) -> None:
    stack = networked
    topic = notification_topic()
    two = plan(wave("all", 1, 2), plan_id="two") | {"drill": TEN["drill"]}
    stack.put_servers(servers_of(two), launchSeconds=60)
    drill = stack.start(two)
    stack.wait(drill, lambda seen: {each["launchStatus"] for each in seen["waves"][0]["servers"]} == {"IN_PROGRESS"})
    somebody_chooses(stack, server(1), {"InstanceType": "m5.xlarge"})
    assert default_data(stack, server(1))["NetworkInterfaces"][0]["SubnetId"] == SUBNET
    if by == "sweep":
        stack.control.fault("DescribeLaunchTemplateVersions", error="UnauthorizedOperation", count=1000)
    clock.forward(70)
    ended = stack.ended(drill)
    assert set(subnets(stack, ended).values()) == {SUBNET}
    if by == "sweep":
        stack.control.clear_faults()
    for _ in range(3):
        clock.forward(100)
        sweep(stack)
    assert default_data(stack, server(1))["InstanceType"] == "m5.xlarge"
    assert default_data(stack, server(1))["NetworkInterfaces"] == [{"DeviceIndex": 0, "DeleteOnTermination": True}]
    assert changed(stack).keys() == {name for name in changed(stack) if name.startswith(server(1))}
    assert stack.items_of("TEMPLATE") == []
    reported = [each for each in stack.error_items() if "somebody made version" in str(each)]
    assert len(reported) == 1
    (warning,) = [each for each in stack.get(drill)["warnings"] if each["code"] == "TEMPLATE_CHANGED_BY_OTHERS"]
    assert (warning["waveNumber"], warning["sourceServerId"]) == (1, server(1))
    _, template = template_of(stack, server(1))
    assert warning["message"] == (
        f"Launch template {template} of {server(1)}: somebody made version 3 the default meanwhile; "
        "version 4 has it without what the drill changed"
    )
    stack.api("POST", f"/executions/{drill}/terminate", {})
    stack.cleaned_up(drill)
    mail = last_mail(stack, topic, drill)
    assert (mail[0], f"Warning:    {warning['message']}" in mail) == ("🧹 Terminated", True), mail


def test_13_a_drill_whose_subnet_is_full_names_the_servers_that_were_left_out(networked: Stack) -> None:
    stack, topic = networked, notification_topic()
    stack.control.put_subnet(SUBNET, usedAddresses=250)
    two = plan(wave("all", 1, 2), plan_id="two") | {"drill": TEN["drill"]}
    stack.put_servers(servers_of(two))
    drill = stack.start(two)
    ended = stack.ended(drill)
    [left_out] = [each for each in ended["waves"][0]["servers"] if each["launchStatus"] != "LAUNCHED"]
    assert left_out["error"] == "No subnet of the drill has enough free addresses for it"
    name = left_out["sourceServerId"]
    mail = last_mail(stack, topic, drill)
    assert mail[0] == "❌ Failed"
    named = f"1 critical server(s) failed: {left_out['name']} ({name})"
    assert f"  ✗  1  all  Failed  {named}; {left_out['error']}" in mail
    assert any(line.startswith(f"  wavebreak retry {drill} 1 ") for line in mail)


def test_13_three_hundred_servers_land_in_the_drills_subnet_and_every_template_is_put_back(
    stack: Stack, clock: JumpingClock
) -> None:
    stack.control.put_subnet(SUBNET, cidrBlock="10.1.0.0/22", vpcId=VPC)
    stack.control.put_security_group(GROUP, vpcId=VPC)
    many = plan(wave("all", *range(1, 301)), plan_id="many") | {"drill": TEN["drill"]}
    stack.put_servers(servers_of(many), launchSeconds=LAUNCH_SECONDS)
    stack.control.events(enabled=False)
    ended = stack.ended(stack.start(many), 120)

    assert ended["status"] == "COMPLETED", [each["error"] for each in ended["waves"][0]["servers"] if each["error"]]
    landed = subnets(stack, ended)
    assert (len(landed), set(landed.values())) == (300, {SUBNET})
    swept(stack, clock, times=5)
    calls = {name: taken(stack, name) for name in (*CHANGES, *LOOKS)}
    assert calls["CreateLaunchTemplateVersion"] == 300
    assert sum(calls[name] for name in CHANGES) <= 4 * 300, calls
    assert sum(calls[name] for name in LOOKS) <= 30, calls
