"""How servers would be launched and where they would land, as readiness sees it (contract 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.support.blueprint import ACCOUNT, REGION
from tests.support.launch_fleet import GROUP, SHOWS_SECONDS, STOPPED, SUBNET, TARGET, Fleet
from tests.support.plans import plan, server, wave
from tests.support.published import mails, notification_topic

from wavebreak.use_cases.readiness import check_plans, survey

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

ONE: Final = plan(wave("only", 1, 2), plan_id="one")
LAUNCHES: Final = frozenset(
    {
        "launch",
        "launch-into",
        "launch-disposition",
        "template",
        "post-launch",
        "instance-profile",
        "network",
        "instance-type",
        "private-ip",
        "addresses",
        "vcpu-quota",
        "landing",
        "changed",
    }
)


@pytest.fixture
def fleet(stack: Stack) -> Fleet:
    stack.put_plan(ONE)
    return Fleet(stack, 1, 2)


def checks(stack: Stack, document: dict[str, Any] = ONE) -> dict[str, dict[str, tuple[str, str]]]:
    """Validate a plan once what was changed shows, and give status and message by check and subject."""
    stack.clock.forward(SHOWS_SECONDS)
    answer = stack.api("POST", f"/plans/{document['planId']}/validate")
    assert answer.status == 200, answer
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for each in answer.json["checks"]:
        found.setdefault(each["check"], {})[each["subject"]] = (each["status"], each["message"])
    return found


def statuses(stack: Stack, *names: str) -> dict[str, dict[str, str]]:
    return {
        name: {subject: status for subject, (status, _) in found.items()}
        for name, found in checks(stack).items()
        if name in names
    }


def run(stack: Stack) -> dict[str, int]:
    counts: dict[str, int] = stack.invoke("ReadinessFunction", {"account": ACCOUNT, "region": REGION})
    return counts


def test_13_it_is_said_of_each_server_where_a_drill_and_a_recovery_land(stack: Stack, fleet: Fleet) -> None:
    found = checks(stack)
    assert {status for name in found if name in LAUNCHES for status, _ in found[name].values()} == {"PASS"}
    landing = found["landing"]
    assert set(landing) == {server(1), server(2)}
    assert "with the default security group as t3.medium" in landing[server(1)][1]
    fleet.lands(1, SUBNET, GROUP)
    message = checks(stack)["landing"][server(1)][1]
    assert message == f"a drill and a recovery land in {SUBNET} (us-east-1a) with {GROUP} as t3.medium"


@pytest.mark.parametrize("impact", ["CRITICAL", "OPTIONAL"])
def test_13_subnets_and_groups_must_exist_and_fit_together(stack: Stack, fleet: Fleet, impact: str) -> None:
    document = plan(wave("only", 1, 2), plan_id="one")
    document["waves"][0]["servers"][0]["impact"] = impact
    stack.put_plan(document)
    status = "FAIL" if impact == "CRITICAL" else "WARN"
    fleet.lands(1, "subnet-99999999999999999")
    found = checks(stack)["network"]
    assert found == {server(1): (status, found[server(1)][1])}
    assert "subnet-99999999999999999, which does not exist" in found[server(1)][1]
    fleet.lands(1, SUBNET, "sg-99999999999999999")
    assert "sg-99999999999999999, which does not exist" in checks(stack)["network"][server(1)][1]
    fleet.stack.control.put_security_group("sg-88888888888888888", account=fleet.account)
    fleet.lands(1, SUBNET, "sg-88888888888888888")
    assert "of different VPCs" in checks(stack)["network"][server(1)][1]
    fleet.lands(1, SUBNET, GROUP)
    assert statuses(stack, "network") == {"network": {REGION: "PASS"}}


def test_13_a_subnet_must_have_addresses_for_all_and_a_kept_one_must_be_free(stack: Stack, fleet: Fleet) -> None:
    for number in (1, 2):
        fleet.lands(number, SUBNET, GROUP)
    stack.control.put_subnet(SUBNET, usedAddresses=250, account=fleet.account)
    found = checks(stack)["addresses"]
    assert found == {SUBNET: ("FAIL", "1 addresses are free, and 2 are needed, 2 by CRITICAL servers")}
    stack.control.put_subnet(SUBNET, usedAddresses=249, account=fleet.account)
    assert statuses(stack, "addresses") == {"addresses": {REGION: "PASS"}}
    fleet.put(1, privateIp="10.9.0.9", launchConfiguration={"copyPrivateIp": True})
    assert "10.9.0.9, which subnet" in checks(stack)["private-ip"][server(1)][1]
    fleet.put(1, privateIp="10.1.0.9")
    stack.control.put_subnet(SUBNET, usedAddresses=0, takenAddresses=["10.1.0.9"], account=fleet.account)
    assert checks(stack)["private-ip"][server(1)] == (
        "FAIL",
        "it keeps its private address 10.1.0.9, which somebody else has; it is CRITICAL in wave 'only'",
    )
    stack.control.put_subnet(SUBNET, takenAddresses=[], account=fleet.account)
    assert statuses(stack, "private-ip") == {"private-ip": {REGION: "PASS"}}


def test_13_types_must_be_offered_in_the_zone(stack: Stack, fleet: Fleet) -> None:
    fleet.lands(1, SUBNET, GROUP)
    fleet.put(1, recommendedInstanceType="m5.large")
    stack.control.put_instance_type("m5.large", availabilityZones=["us-east-1b"], account=fleet.account)
    assert "m5.large is not offered in us-east-1a" in checks(stack)["instance-type"][server(1)][1]
    stack.control.put_instance_type("m5.large", availabilityZones=[], account=fleet.account)
    assert "is not offered in this Region" in checks(stack)["instance-type"][server(1)][1]
    fleet.configure(1, targetInstanceTypeRightSizingMethod="NONE")
    assert statuses(stack, "instance-type") == {"instance-type": {REGION: "PASS"}}, "the template has its own"


def test_13_the_quota_of_vcpus_must_hold_the_plans_servers(stack: Stack, fleet: Fleet, clock: JumpingClock) -> None:
    stack.applied_quotas["vcpus"] = 3
    fleet.put(1, recommendedInstanceType="m5.large")
    found = checks(stack)["vcpu-quota"]
    assert found == {REGION: ("FAIL", "standard instances may have 3 vCPUs together, the plan's servers need 4")}
    stack.applied_quotas["vcpus"] = 4
    clock.forward(901)
    assert statuses(stack, "vcpu-quota") == {"vcpu-quota": {REGION: "PASS"}}


def test_13_what_is_launched_into_an_instance_is_told_and_a_running_one_fails(stack: Stack, fleet: Fleet) -> None:
    fleet.configure(1, launchIntoInstanceProperties={"launchIntoEC2InstanceID": TARGET})
    fleet.instance(TARGET, "RUNNING")
    assert checks(stack)["launch-into"][server(1)][0] == "FAIL"
    assert "which is running" in checks(stack)["launch-into"][server(1)][1]
    fleet.instance(TARGET, "TERMINATED")
    assert "which does not exist" in checks(stack)["launch-into"][server(1)][1]
    fleet.configure(1, launchIntoInstanceProperties={"launchIntoEC2InstanceID": STOPPED})
    found = checks(stack)
    status, message = found["launch-into"][server(1)]
    assert (status, message.startswith("drill: ")) == ("WARN", True)
    assert set(found["landing"]) == {server(2)}


def test_13_what_would_not_run_or_not_be_reached_is_warned_of(stack: Stack, fleet: Fleet) -> None:
    fleet.configure(1, launchDisposition="STOPPED")
    fleet.configure(2, postLaunchEnabled=True)
    found = statuses(stack, "launch-disposition", "post-launch", "instance-profile")
    assert found == {"launch-disposition": {server(1): "WARN"}, "post-launch": {server(2): "WARN"}}
    stack.put_plan(plan(wave("only", 1, 2, after=[{"command": "status"}]), plan_id="one"))
    fleet.template(1, IamInstanceProfile={"Name": "recovered"})
    assert statuses(stack, "instance-profile") == {"instance-profile": {server(2): "WARN"}}


def test_13_a_template_that_is_gone_fails(stack: Stack, fleet: Fleet) -> None:
    name = fleet.drs.get_launch_configuration(sourceServerID=server(2))["ec2LaunchTemplateID"]
    fleet.ec2.delete_launch_template(LaunchTemplateId=name)
    found = checks(stack)["template"]
    assert found[server(2)][0] == "FAIL"
    assert name in found[server(2)][1]


def test_13_a_changed_template_and_a_full_subnet_are_told_once_and_once_when_cured(
    stack: Stack, fleet: Fleet, clock: JumpingClock
) -> None:
    topic = notification_topic()

    def check_next() -> tuple[int, bool, list[str]]:
        clock.forward(stack.app().timing.scaled(60 * 30).total_seconds() + 0.1)
        messages = run(stack)["notified"]
        shown = stack.api("GET", "/plans/one").json["readiness"]
        return messages, shown["ready"], [each["check"] for each in shown["failing"]]

    for number in (1, 2):
        fleet.lands(number, SUBNET, GROUP)
    assert check_next() == (0, True, [])
    fleet.lands(1, "subnet-99999999999999999")
    assert check_next() == (1, False, ["network"])
    assert check_next() == (0, False, ["network"])
    fleet.lands(1, SUBNET, GROUP)
    assert check_next() == (1, True, [])
    stack.control.put_subnet(SUBNET, usedAddresses=251, account=fleet.account)
    assert check_next() == (1, False, ["addresses"])
    stack.control.put_subnet(SUBNET, usedAddresses=0, account=fleet.account)
    assert check_next() == (1, True, [])
    changed, cured, full, cured_again = mails(topic)
    assert (
        f"\n\nnetwork {server(1)}: its launch template names subnet subnet-99999999999999999, which does not exist; "
        "it is CRITICAL in wave 'only'\n\nWhat can be done next\n" in changed
    )
    assert (
        f"\n\naddresses {SUBNET}: 0 addresses are free, and 2 are needed, 2 by CRITICAL servers\n\n"
        "What can be done next\n" in full
    )
    assert {mail.splitlines()[0] for mail in (changed, full)} == {"⚠️ Plan Not Ready"}
    assert {mail.splitlines()[0] for mail in (cured, cured_again)} == {"✅ Plan Ready Again"}
    assert "wavebreak plan validate one --live   see every check as it is now" in full


@pytest.mark.parametrize("cause", ["no time", "no permission"])
def test_13_what_a_look_did_not_see_is_not_told_to_be_cured(
    stack: Stack, fleet: Fleet, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    notification_topic()

    def check_next() -> tuple[int, list[str]]:
        clock.forward(stack.app().timing.scaled(60 * 30).total_seconds() + 0.1)
        messages = run(stack)["notified"]
        return messages, [each["check"] for each in stack.api("GET", "/plans/one").json["readiness"]["failing"]]

    for number in (1, 2):
        fleet.lands(number, SUBNET, GROUP)
    assert check_next() == (0, [])
    fleet.lands(1, "subnet-99999999999999999")
    assert check_next() == (1, ["network"])
    with monkeypatch.context() as short:
        if cause == "no time":
            short.setattr(survey, "_FOR_PLACES", 1.0)
        else:
            stack.control.fault("DescribeSubnets", error="UnauthorizedOperation", count=10_000)
        assert [check_next() for _ in range(2)] == [(0, ["network"])] * 2
    stack.control.clear_faults()
    assert check_next() == (0, ["network"])
    fleet.lands(1, SUBNET, GROUP)
    assert check_next() == (1, [])


def test_13_a_drill_with_a_network_lands_elsewhere_and_what_is_in_its_way_is_no_recoverys(
    stack: Stack, fleet: Fleet
) -> None:
    document = {
        **plan(wave("only", 1, 2), plan_id="one"),
        "drill": {"networks": [{"subnetIds": [SUBNET], "securityGroupIds": [GROUP]}]},
    }
    stack.put_plan(document)
    landing = checks(stack)["landing"][server(1)][1]
    assert landing.startswith(f"a drill lands in {SUBNET} (us-east-1a), a recovery in subnet-")
    assert checks(stack)["drill-network"] == {REGION: ("PASS", "2 servers: land in the drill's network")}
    fleet.put(1, privateIp="10.9.0.9")
    fleet.configure(2, launchIntoInstanceProperties={"launchIntoEC2InstanceID": STOPPED})
    stack.control.put_subnet(SUBNET, usedAddresses=251, account=fleet.account)
    answer = stack.api("POST", "/plans/one/validate").json
    found = {each["subject"]: each for each in answer["checks"] if each["check"] == "drill-network"}
    assert set(found) == {server(1), server(2)}
    assert all(each["status"] == "WARN" and each["message"].startswith("drill: ") for each in found.values())
    assert "enough free addresses" in found[server(1)]["message"]
    assert answer["ready"] is True
    stack.control.delete_security_group(GROUP, account=fleet.account)
    assert "does not exist" in checks(stack)["drill-network"][REGION][1]


@pytest.mark.parametrize("function", ["PlansFunction", "ReadinessFunction", "ScheduledDrillFunction"])
def test_13_whoever_checks_a_plan_looks_at_launches(stack: Stack, fleet: Fleet, function: str) -> None:
    """The same plan, with everything that EC2 is asked for, by each function that checks plans."""
    schedule = {"expression": "rate(1 days)", "timezone": "Europe/Berlin"}
    document = {**plan(wave("only", 1, 2), plan_id="one"), "drill": {"terminateAfterMinutes": 60, "schedule": schedule}}
    stack.put_plan(document)
    fleet.lands(1, SUBNET, GROUP)
    fleet.put(1, privateIp="10.1.0.9", launchConfiguration={"copyPrivateIp": True})
    fleet.configure(2, launchIntoInstanceProperties={"launchIntoEC2InstanceID": TARGET})
    fleet.instance(TARGET, "RUNNING")
    given = {
        "planId": "one",
        **schedule,
        "accountId": ACCOUNT,
        "region": REGION,
        "scheduledTime": "2026-11-29T05:00:00Z",
    }
    if function == "PlansFunction":
        assert checks(stack)["launch-into"][server(2)][0] == "FAIL"
    elif function == "ReadinessFunction":
        run(stack)
        shown = stack.api("GET", "/plans/one").json["readiness"]
        assert [each["check"] for each in shown["failing"]] == ["launch-into"]
    else:
        with pytest.raises(Exception, match="topic"):
            stack.invoke(function, given)
    asked = {call["operation"] for call in stack.control.calls()}
    assert asked >= {f"Describe{each}" for each in ("Subnets", "SecurityGroups", "NetworkInterfaces", "Instances")}


def test_13_what_changed_since_the_last_completed_drill_is_warned_of(
    stack: Stack, fleet: Fleet, clock: JumpingClock
) -> None:
    started = stack.start(ONE)
    stack.ended(started)
    stack.everything_shows()
    assert "changed" not in checks(stack), "how they were is known from the first regular check on"
    run(stack)  # the drill that completed has made the plan due
    assert checks(stack)["changed"] == {REGION: ("PASS", f"2 servers: as they were when {started} had completed")}
    fleet.lands(1, SUBNET, GROUP)
    found = checks(stack)["changed"]
    assert (set(found), found[server(1)][0]) == ({server(1)}, "WARN")
    assert started in found[server(1)][1]
    assert stack.api("POST", "/plans/one/validate").json["ready"] is True
    stack.ended(stack.start(ONE))
    stack.everything_shows()
    clock.forward(stack.app().timing.scaled(60 * 30).total_seconds() + 0.1)
    run(stack)
    assert checks(stack)["changed"][REGION][0] == "PASS"
    assert stack.api("DELETE", "/plans/one").status == 204
    assert not [item for item in stack.items() if "READINESS" in item["sk"].get("S", "")]


def test_13_who_may_not_look_at_launches_is_told_and_nothing_fails_for_it(stack: Stack, fleet: Fleet) -> None:
    del fleet
    stack.control.fault("DescribeSubnets", error="UnauthorizedOperation", count=9)
    answer = stack.api("POST", "/plans/one/validate").json
    assert answer["ready"] is True
    [warning] = [each for each in answer["checks"] if each["check"] == "permissions"]
    assert (warning["status"], "ec2:DescribeSubnets" in warning["message"]) == ("WARN", True)


def test_10_what_fails_for_a_reader_of_ec2_opens_no_circuit_that_launches_use(stack: Stack, fleet: Fleet) -> None:
    del fleet
    for operation in ("DescribeLaunchTemplateVersions", "DescribeSubnets"):
        stack.control.fault(operation, httpStatus=500, count=100)
    for _ in range(4):
        assert checks(stack)["ec2"][REGION][0] == "FAIL"
    circuits = stack.api("GET", "/health").json["circuit_breakers"]
    assert circuits["ec2-read/us-east-1"]["state"] == "open"
    assert circuits.get("ec2/us-east-1", {"state": "closed"})["state"] == "closed"


def test_13_servers_that_the_look_after_a_drill_did_not_see_are_remembered_by_the_next_one(
    stack: Stack, fleet: Fleet, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(stack)
    stack.ended(stack.start(ONE))
    stack.everything_shows()
    monkeypatch.setattr(check_plans, "MOST_SERVERS", 1)
    for _ in range(2):
        run(stack)
        clock.forward(stack.app().timing.scaled(60 * 30).total_seconds() + 0.1)
    fleet.lands(1, SUBNET, GROUP)
    fleet.lands(2, SUBNET, GROUP)
    assert checks(stack)["changed"].keys() == {server(1), server(2)}
