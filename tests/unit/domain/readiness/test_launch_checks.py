"""What is said of how servers would be launched, by which facts (contract 13)."""

from __future__ import annotations

from typing import Any, Final

import pytest

from wavebreak.domain.drs import Instance, SourceServer, Trouble
from wavebreak.domain.launch_templates.choosing import holds
from wavebreak.domain.launch_templates.model import DrillNetwork, LaunchConfiguration, Subnet, TemplateVersion
from wavebreak.domain.plans.model import Impact
from wavebreak.domain.readiness.facts import ChangedTemplate, Member, SiteFacts, runs_commands
from wavebreak.domain.readiness.launch_checks import launch_checks
from wavebreak.domain.readiness.launch_facts import LaunchFacts
from wavebreak.domain.readiness.prints import drift_checks, prints_of
from wavebreak.domain.readiness.verdicts import DRILL, Check, CheckStatus
from wavebreak.site import Site
from wavebreak.values import replace

PASS, WARN, FAIL = CheckStatus.PASS, CheckStatus.WARN, CheckStatus.FAIL
REGION: Final = "us-east-1"
A: Final = Subnet("subnet-a", "vpc-1", "us-east-1a", "10.1.0.0/24", 100)
B: Final = Subnet("subnet-b", "vpc-2", "us-east-1b", "10.2.0.0/24", 2)
HOME: Final = Subnet("subnet-d", "vpc-0", "us-east-1a", "172.31.0.0/20", 50)
INTO: Final = "i-1"


def member(number: int, impact: Impact = Impact.CRITICAL, wave: str = "only") -> Member:
    return Member(f"s-{number}", impact, wave)


def template(number: int, **data: Any) -> TemplateVersion:
    return TemplateVersion(f"lt-{number}", 1, is_default=True, data={"InstanceType": "m5.large", **data})


def in_subnet(subnet: str | None, *groups: str, **more: Any) -> dict[str, Any]:
    interface = {"DeviceIndex": 0, "Groups": list(groups), **more} | ({"SubnetId": subnet} if subnet else {})
    return {"NetworkInterfaces": [interface]}


def launches(*numbers: int, **data: Any) -> LaunchFacts:
    """Servers whose templates say the same, in a Region where all is well."""
    return LaunchFacts(
        configurations={f"s-{each}": LaunchConfiguration(f"s-{each}", f"lt-{each}") for each in numbers},
        templates={f"lt-{each}": template(each, **data) for each in numbers},
        subnets={"subnet-a": A, "subnet-b": B},
        default_subnets=(HOME,),
        groups={"sg-1": "vpc-1", "sg-2": "vpc-2"},
        zones={"m5.large": frozenset({"us-east-1a", "us-east-1b"}), "p5.large": frozenset()},
        vcpus={"m5.large": 2},
        vcpu_quota=100,
        addresses={},
        targets={},
    )


def site(facts: LaunchFacts, *members: Member, **more: Any) -> SiteFacts:
    chosen = members or tuple(member(int(name[2:])) for name in facts.configurations)
    servers = {each.source_server_id: SourceServer(each.source_server_id, "CONTINUOUS") for each in chosen}
    return SiteFacts(REGION, chosen, **{"servers": servers, "launches": facts, **more})


def checks(place: SiteFacts, *, commands: bool = False, runs_actions: bool = False) -> dict[str, dict[str, Check]]:
    found: dict[str, dict[str, Check]] = {}
    for each in launch_checks(place, commands=commands, runs_actions=runs_actions):
        found.setdefault(each.name, {})[each.subject] = each
    return found


def only(place: SiteFacts, name: str, **asked: bool) -> Check:
    [check] = checks(place, **asked)[name].values()
    return check


def configured(facts: LaunchFacts, **changes: Any) -> LaunchFacts:
    changed = {name: replace(each, **changes) for name, each in facts.configurations.items()}
    return replace(facts, configurations=changed)


def test_13_a_launch_that_nothing_is_wrong_with_passes_every_check_once() -> None:
    found = checks(site(launches(1, 2, **in_subnet("subnet-a", "sg-1"))), commands=False)
    assert {name: [each.status for each in of.values()] for name, of in found.items()} == {
        "launch-into": [PASS],
        "launch-disposition": [PASS],
        "post-launch": [PASS],
        "template": [PASS],
        "network": [PASS],
        "instance-type": [PASS],
        "addresses": [PASS],
        "vcpu-quota": [PASS],
        "landing": [PASS, PASS],
    }


def test_nothing_is_said_where_nobody_asked() -> None:
    assert checks(SiteFacts(REGION, (member(1),))) == {}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (in_subnet("subnet-a", "sg-1"), None),
        (in_subnet("subnet-a"), None),
        (in_subnet(None), None),
        ({}, None),
        ({"SecurityGroupIds": ["sg-9"]}, "sg-9, which does not exist"),
        (in_subnet("subnet-x", "sg-1"), "subnet-x, which does not exist"),
        (in_subnet("subnet-a", "sg-9"), "sg-9, which does not exist"),
        (in_subnet("subnet-a", "sg-2"), "sg-2 and subnet subnet-a of its launch template are of different VPCs"),
        (in_subnet(None, "sg-1"), "are of different VPCs"),
        ({**in_subnet(None), "Placement": {"AvailabilityZone": "us-east-1z"}}, "no default subnet fits"),
        (in_subnet("subnet-x", NetworkInterfaceId="eni-1"), None),
    ],
)
@pytest.mark.parametrize("impact", list(Impact))
def test_13_network(data: dict[str, Any], words: str | None, impact: Impact) -> None:
    verdict = only(site(launches(1, **data), member(1, impact)), "network")
    if words is None:
        assert (verdict.status, verdict.subject) == (PASS, REGION)
    else:
        assert verdict.status is (FAIL if impact is Impact.CRITICAL else WARN)
        assert words in verdict.message


def test_13_default_subnets_that_were_not_seen_are_not_judged() -> None:
    facts = replace(launches(1, **in_subnet(None)), default_subnets=None)
    assert only(site(facts), "network").status is PASS


@pytest.mark.parametrize(
    ("kind", "sizing", "recommended", "subnet", "words"),
    [
        ("m5.large", "NONE", None, "subnet-a", None),
        ("p5.large", "NONE", None, "subnet-a", "p5.large is not offered in this Region"),
        ("c9.large", "NONE", None, "subnet-a", "c9.large is not offered in this Region"),
        ("p5.large", "BASIC", "m5.large", "subnet-a", None),
        ("m5.large", "BASIC", "p5.large", "subnet-a", "p5.large is not offered"),
        ("p5.large", "BASIC", None, "subnet-a", "p5.large is not offered"),
        ("t9.large", "NONE", None, "subnet-b", "not offered in us-east-1b, where its subnet is"),
    ],
)
def test_13_instance_type(kind: str, sizing: str, recommended: str | None, subnet: str, words: str | None) -> None:
    facts = configured(launches(1, **{**in_subnet(subnet), "InstanceType": kind}), right_sizing=sizing)
    facts = replace(facts, zones={**(facts.zones or {}), "t9.large": frozenset({"us-east-1a"})})
    servers = {"s-1": SourceServer("s-1", "CONTINUOUS", recommended_type=recommended)}
    verdict = only(site(facts, servers=servers), "instance-type")
    assert (verdict.status is PASS) is (words is None)
    assert words is None or words in verdict.message


@pytest.mark.parametrize(
    ("address", "taken", "words"),
    [
        ("10.1.0.9", {}, None),
        ("10.1.0.9", {("subnet-a", "10.1.0.9"): "i-own"}, None),
        ("10.1.0.9", {("subnet-b", "10.1.0.9"): "i-9"}, None),
        ("10.1.0.9", {("subnet-a", "10.1.0.9"): "i-9"}, "10.1.0.9, which i-9 has"),
        ("10.1.0.9", {("subnet-a", "10.1.0.9"): None}, "which somebody else has"),
        ("10.7.0.9", {}, "10.7.0.9, which subnet subnet-a lacks"),
        (None, {}, None),
    ],
)
def test_13_private_ip(address: str | None, taken: dict[tuple[str, str], str | None], words: str | None) -> None:
    facts = replace(configured(launches(1, **in_subnet("subnet-a")), copies_private_ip=True), addresses=taken)
    servers = {"s-1": SourceServer("s-1", "CONTINUOUS", address=address)}
    instances = {"s-1": (Instance("i-own", "s-1", "drsjob-1"),)}
    verdict = only(site(facts, servers=servers, instances=instances), "private-ip")
    assert (verdict.status is PASS) is (words is None)
    assert words is None or words in verdict.message


@pytest.mark.parametrize(
    ("critical", "optional", "status"), [(2, 0, PASS), (1, 1, PASS), (2, 1, WARN), (0, 3, WARN), (3, 0, FAIL)]
)
def test_13_addresses_of_a_subnet_must_do_for_all_waves(critical: int, optional: int, status: CheckStatus) -> None:
    """Earlier waves keep theirs while later ones are launched."""
    members = [member(number, Impact.CRITICAL, f"wave-{number}") for number in range(critical)]
    members += [member(critical + number, Impact.OPTIONAL) for number in range(optional)]
    numbers = range(critical + optional)
    verdict = only(site(launches(*numbers, **in_subnet("subnet-b", "sg-2")), *members), "addresses")
    assert (verdict.status, verdict.subject) == (status, REGION if status is PASS else "subnet-b")


def test_13_each_interface_takes_the_addresses_that_it_asks_for() -> None:
    interfaces = [
        {"DeviceIndex": each, "SubnetId": "subnet-b", "SecondaryPrivateIpAddressCount": each} for each in (0, 1)
    ]
    verdict = only(site(launches(1, NetworkInterfaces=interfaces)), "addresses")
    assert verdict.message.startswith("2 addresses are free, and 3 are needed")


@pytest.mark.parametrize(("quota", "status"), [(None, None), (3, FAIL), (5, WARN), (6, PASS), (7, PASS)])
def test_13_vcpus(quota: int | None, status: CheckStatus | None) -> None:
    members = [member(1), member(2), member(3, Impact.OPTIONAL)]
    found = checks(site(replace(launches(1, 2, 3), vcpu_quota=quota), *members)).get("vcpu-quota")
    assert (found and found[REGION].status) == status


def test_13_only_standard_instances_count_against_that_quota() -> None:
    facts = replace(launches(1, InstanceType="p5.large"), vcpus={"p5.large": 96}, vcpu_quota=1)
    assert "vcpu-quota" not in checks(site(facts))


@pytest.mark.parametrize(
    ("targets", "status", "words"),
    [
        ({INTO: "stopped"}, WARN, DRILL),
        (None, WARN, DRILL),
        ({INTO: "running"}, FAIL, "which is running: DRS asks for a stopped instance"),
        ({INTO: "pending"}, FAIL, "which is pending"),
        ({INTO: "terminated"}, FAIL, "which does not exist"),
        ({}, FAIL, "which does not exist"),
    ],
)
def test_13_launch_into(targets: dict[str, str] | None, status: CheckStatus, words: str) -> None:
    facts = replace(configured(launches(1), launches_into=INTO), targets=targets)
    found = checks(site(facts))
    [verdict] = found["launch-into"].values()
    assert verdict.status is status
    assert words in verdict.message
    assert not found.keys() & {"network", "addresses", "landing", "vcpu-quota"}, "its place is that instance's"


@pytest.mark.parametrize(("disposition", "status"), [("STARTED", PASS), ("STOPPED", WARN)])
def test_13_launch_disposition(disposition: str, status: CheckStatus) -> None:
    assert only(site(configured(launches(1), disposition=disposition)), "launch-disposition").status is status


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("runs_actions", [True, False])
def test_13_post_launch_actions_need_the_stacks_parameter(enabled: bool, runs_actions: bool) -> None:
    facts = configured(launches(1), post_launch_enabled=enabled)
    verdict = only(site(facts), "post-launch", runs_actions=runs_actions)
    assert verdict.status is (WARN if enabled and not runs_actions else PASS)


@pytest.mark.parametrize("commands", [True, False])
@pytest.mark.parametrize("profile", [{}, {"IamInstanceProfile": {"Name": "recovered"}}])
def test_13_commands_need_an_instance_profile(commands: bool, profile: dict[str, Any]) -> None:
    found = checks(site(launches(1, **profile)), commands=commands).get("instance-profile")
    assert (found is not None) is commands
    if found:
        [verdict] = found.values()
        assert verdict.status is (PASS if profile else WARN)


def test_13_a_template_that_is_gone_fails_and_lands_nowhere() -> None:
    found = checks(site(replace(launches(1), templates={}, gone=frozenset({"lt-1"}))))
    assert found["template"]["s-1"].status is FAIL
    unnamed = configured(replace(launches(1), templates={}), template_id=None)
    assert only(site(unnamed), "template").status is FAIL
    young = only(site(replace(launches(1), templates={})), "template")
    assert (young.status, young.message) == (WARN, "EC2 does not show its launch template lt-1 now")
    assert not found.keys() & {"network", "landing"}


def test_13_where_a_changed_template_leads_is_the_drills_business() -> None:
    changed = {"s-1": ChangedTemplate("drill-1", left_behind=False)}
    found = checks(site(launches(1, 2, **in_subnet("subnet-x")), changed=changed))
    assert set(found["network"]) == {"s-2"}
    assert set(found["landing"]) == {"s-2"}


def test_servers_and_places_that_were_not_looked_at_are_told_unless_the_trouble_is() -> None:
    some = site(launches(1), member(1), member(2))
    assert "how 1 server are" in checks(some)["launch"][REGION].message
    refused = (Trouble("GetLaunchConfiguration", "no", denied=True),)
    assert "launch" not in checks(replace(some, troubles=refused))
    unseen = site(replace(launches(1), templates=None))
    assert "no time left to ask EC2" in checks(unseen)["launch"][REGION].message
    away = (Trouble("ec2:DescribeLaunchTemplateVersions", "no"),)
    assert "launch" not in checks(replace(unseen, troubles=away))


@pytest.mark.parametrize("lacking", ["subnets", "groups", "zones"])
def test_places_that_were_not_seen_are_not_judged(lacking: str) -> None:
    unseen: dict[str, Any] = {lacking: None}
    found = checks(site(replace(launches(1, **in_subnet("subnet-x", "sg-9")), **unseen)))
    assert not found.keys() & {"network", "instance-type", "addresses", "landing"}
    assert found["launch"][REGION].status is WARN


NETWORK: Final = DrillNetwork(Site(None, None), ("subnet-a", "subnet-b"), ("sg-1",))


@pytest.mark.parametrize(
    ("changes", "data", "words"),
    [
        ({}, in_subnet(None), None),
        ({"copies_private_ip": True}, in_subnet(None), "10.9.0.1, which no subnet of the drill holds"),
        ({"launches_into": INTO}, in_subnet(None), "launched into the existing instance i-1"),
        ({}, {"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1"}]}, "existing network interface eni-1"),
        ({}, {**in_subnet(None), "InstanceType": "p5.large"}, "offers p5.large"),
    ],
)
def test_13_what_is_in_the_way_of_a_drill_in_its_network(
    changes: dict[str, Any], data: dict[str, Any], words: str | None
) -> None:
    network = replace(NETWORK, subnet_ids=("subnet-a",))
    servers = {"s-1": SourceServer("s-1", "CONTINUOUS", address="10.9.0.1")}
    found = checks(site(configured(launches(1, **data), **changes), servers=servers, network=network))
    [verdict] = found["drill-network"].values()
    assert verdict.status is (PASS if words is None else WARN)
    assert words is None or (verdict.message.startswith(DRILL) and words in verdict.message)


@pytest.mark.parametrize(
    ("groups", "words"), [(("sg-9",), "sg-9 does not exist"), (("sg-2",), "sg-2 is of another VPC")]
)
def test_13_groups_of_a_drills_network(groups: tuple[str, ...], words: str) -> None:
    network = replace(NETWORK, subnet_ids=("subnet-a",), group_ids=groups)
    verdicts = list(launch_checks(site(launches(1), network=network), commands=False, runs_actions=False))
    assert any(each.name == "drill-network" and each.status is WARN and words in each.message for each in verdicts)
    assert not any(each.status is FAIL for each in verdicts)


def test_13_it_is_said_where_each_lands() -> None:
    facts = launches(1, **in_subnet("subnet-a", "sg-1"))
    both = "subnet-a (us-east-1a) with sg-1 as m5.large"
    assert only(site(facts), "landing").message == f"a drill and a recovery land in {both}"
    network = replace(NETWORK, subnet_ids=("subnet-b",))
    verdict = only(site(facts, network=network), "landing")
    assert verdict.message == f"a drill lands in subnet-b (us-east-1b), a recovery in {both}"
    given = site(launches(1, NetworkInterfaces=[{"NetworkInterfaceId": "eni-1"}]))
    assert "the network interface eni-1" in only(given, "landing").message


@pytest.mark.parametrize(
    ("wave", "runs"),
    [
        ({}, False),
        ({"after": []}, False),
        ({"after": [{"command": "status"}]}, True),
        ({"before": [{"command": "status"}]}, True),
        ({"checks": [{"name": "up", "command": "query"}]}, True),
        ({"after": [{"function": "move-traffic"}]}, False),
    ],
)
def test_a_plan_that_runs_commands_is_known(wave: dict[str, Any], runs: bool) -> None:
    assert runs_commands({"waves": [{"name": "only"}, wave]}) is runs


@pytest.mark.parametrize(
    ("cidr", "address", "held"),
    [
        ("10.1.0.0/24", "10.1.0.9", True),
        ("10.1.0.0/24", "10.1.1.9", False),
        ("", "10.1.0.9", False),
        ("10.1.0.0/24", "x", False),
    ],
)
def test_a_range_holds_an_address(cidr: str, address: str, held: bool) -> None:
    assert holds(cidr, address) is held


def drifted(before: SiteFacts, after: SiteFacts) -> dict[str, CheckStatus]:
    return {each.subject: each.status for each in drift_checks(after, "drill-1", prints_of(before))}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, PASS),
        ({"launches": configured(launches(1), disposition="STOPPED")}, WARN),
        ({"launches": launches(1, **in_subnet("subnet-a"))}, WARN),
        ({"servers": {"s-1": SourceServer("s-1", "STALLED", "PT1H", name="other")}}, PASS),
        ({"servers": {"s-1": SourceServer("s-1", "CONTINUOUS", hardware="two disks")}}, WARN),
        ({"servers": {"s-1": SourceServer("s-1", "CONTINUOUS", address="10.0.0.2")}}, WARN),
        ({"changed": {"s-1": ChangedTemplate("drill-2", left_behind=False)}}, None),
        ({"launches": replace(launches(1), templates=None)}, None),
        ({"launches": None}, None),
    ],
)
def test_13_what_changed_since_the_last_drill_is_warned_of(changes: dict[str, Any], status: CheckStatus | None) -> None:
    before = site(launches(1))
    found = drifted(before, replace(before, **changes))
    assert found == ({} if status is None else {REGION if status is PASS else "s-1": status})


def test_13_a_server_that_was_not_seen_then_has_not_changed() -> None:
    assert drifted(site(launches(1)), site(launches(1, 2))) == {REGION: PASS}
    assert drifted(site(launches(2)), site(launches(1))) == {}
