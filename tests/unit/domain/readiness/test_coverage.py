"""An earlier failure stands until it is seen again: what a look did not see is not cured (contract 13)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from wavebreak.domain.drs import SourceServer, Trouble
from wavebreak.domain.launch_templates.model import LaunchConfiguration, Subnet, TemplateVersion
from wavebreak.domain.plans.model import Impact
from wavebreak.domain.plans.readiness import AND_MORE, Failing
from wavebreak.domain.readiness.coverage import first_missed, in_turn, servers_covered, still_standing
from wavebreak.domain.readiness.facts import ChangedTemplate, Facts, Member, SiteFacts
from wavebreak.domain.readiness.launch_facts import LaunchFacts
from wavebreak.domain.readiness.outcome import standing_of
from wavebreak.domain.readiness.verdicts import Check, CheckStatus
from wavebreak.values import replace

NOW: Final = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
REGION: Final = "us-east-1"
SERVERS: Final = ("s-1", "s-2", "s-3")


def whole() -> SiteFacts:
    """A Region in which everything was seen."""
    interfaces = [{"DeviceIndex": 0, "SubnetId": "subnet-1"}]
    return SiteFacts(
        REGION,
        tuple(Member(each, Impact.CRITICAL, "only") for each in SERVERS),
        servers={each: SourceServer(each, "CONTINUOUS", "PT0S") for each in SERVERS},
        instances=dict.fromkeys(SERVERS, ()),
        snapshots=dict.fromkeys(SERVERS, "2026-11-29T11:59:00.000Z"),
        launches=LaunchFacts(
            {each: LaunchConfiguration(each, f"lt-{each}") for each in SERVERS},
            templates={
                f"lt-{each}": TemplateVersion(f"lt-{each}", 1, is_default=True, data={"NetworkInterfaces": interfaces})
                for each in SERVERS
            },
            subnets={"subnet-1": Subnet("subnet-1", "vpc-1", "us-east-1a", "10.0.0.0/24", 9)},
            groups={},
            zones={},
            vcpu_quota=100,
            addresses={},
            targets={},
        ),
    )


def facts(site: SiteFacts) -> Facts:
    return Facts("plan", 1, 15, NOW, (site,))


def stands(site: SiteFacts, check: str, subject: str, covered_before: int = 3) -> bool:
    return bool(still_standing([Failing(check, subject, "as it was")], facts(site), covered_before))


def launches(**found: Any) -> SiteFacts:
    site = whole()
    assert site.launches is not None
    return replace(site, launches=replace(site.launches, **found))


def without_configuration(server: str) -> SiteFacts:
    site = whole()
    assert site.launches is not None
    left = {name: each for name, each in site.launches.configurations.items() if name != server}
    return launches(configurations=left)


OF_A_SERVER: Final = ("snapshot", "launch-into", "template", "network", "instance-type", "private-ip", "replication")
ANY: Final = [
    *((check, "s-1") for check in (*OF_A_SERVER, "drs", "permissions", "server-lock")),
    *((check, REGION) for check in ("drs", "ec2", "permissions", "vcpu-quota", "network")),
    ("addresses", "subnet-1"),
    ("network", AND_MORE),
    ("settings", "/waves"),
    ("steps", "wave/0"),
]


@pytest.mark.parametrize(("check", "subject"), ANY)
def test_13_a_look_that_saw_everything_leaves_no_earlier_failure(check: str, subject: str) -> None:
    assert not stands(whole(), check, subject)


@pytest.mark.parametrize(("check", "subject"), ANY)
def test_13_a_look_that_had_no_time_for_single_servers_cures_nothing_of_theirs(check: str, subject: str) -> None:
    site = replace(whole(), snapshots={}, launches=None)
    assert stands(site, check, subject) == (check not in {"replication", "server-lock", "settings", "steps"})


@pytest.mark.parametrize("check", [each for each in OF_A_SERVER if each not in {"snapshot", "replication"}])
def test_13_each_server_has_to_be_seen_itself(check: str) -> None:
    site = without_configuration("s-1")
    assert stands(site, check, "s-1")
    assert not stands(site, check, "s-2")
    assert not stands(site, check, "s-9"), "it is no server of the plan any more"


@pytest.mark.parametrize("missing", ["templates", "subnets", "groups", "zones"])
def test_13_a_permission_of_ec2_that_is_lost_cures_nothing(missing: str) -> None:
    site = replace(launches(**{missing: None}), troubles=(Trouble("ec2:Describe", "denied", denied=True),))
    assert stands(site, "network", "s-1")
    assert stands(site, "addresses", "subnet-1")
    assert stands(site, "ec2", REGION)
    assert stands(site, "template", "s-1") == (missing == "templates")
    assert not stands(site, "snapshot", "s-1")


def test_13_what_sums_up_all_servers_is_cured_by_a_look_that_saw_as_many() -> None:
    site = without_configuration("s-1")
    assert stands(site, "addresses", "subnet-1", covered_before=3)
    assert stands(site, "network", AND_MORE, covered_before=3)
    assert not stands(site, "addresses", "subnet-1", covered_before=2)
    assert stands(launches(vcpu_quota=None), "vcpu-quota", REGION)


def test_13_a_template_that_a_drill_has_changed_says_nothing_of_a_recovery() -> None:
    changed = {"s-1": ChangedTemplate("drill-1", left_behind=False)}
    assert stands(replace(whole(), changed=changed), "network", "s-1")
    assert not stands(replace(whole(), changed=changed), "network", "s-2")


def test_13_a_server_that_is_launched_into_an_instance_has_no_subnet_of_its_own() -> None:
    into = LaunchConfiguration("s-1", "lt-s-1", launches_into="i-1")
    site = launches(configurations={**(whole().launches or LaunchFacts()).configurations, "s-1": into})
    assert not stands(site, "network", "s-1")
    assert not stands(site, "launch-into", "s-1")
    assert site.launches is not None
    assert stands(replace(site, launches=replace(site.launches, targets=None)), "launch-into", "s-1")


def test_13_a_server_that_drs_does_not_know_any_more_is_not_waited_for() -> None:
    site = without_configuration("s-1")
    gone = replace(site, servers={**site.servers, "s-1": None})
    assert not stands(gone, "network", "s-1")
    assert first_missed(facts(gone), None) is None


def test_13_a_refused_question_is_a_look_at_the_server_but_not_at_its_launch() -> None:
    refusal = Trouble("GetLaunchConfiguration", "ConflictException", refusal=True)
    site = replace(without_configuration("s-1"), refused={"s-1": (refusal,)})
    assert stands(site, "network", "s-1")
    assert not stands(site, "drs", "s-1")
    assert servers_covered(facts(site)) == 3


def test_13_the_next_look_begins_with_what_was_missed() -> None:
    assert first_missed(facts(whole()), None) is None
    site = without_configuration("s-2")
    assert (first_missed(facts(site), None), first_missed(facts(site), "s-3")) == ("s-2", "s-2")
    assert servers_covered(facts(site)) == 2
    candidates = [(Impact.OPTIONAL, "o", 1), (Impact.CRITICAL, "a", 2), (Impact.CRITICAL, "b", 3)]
    assert in_turn(candidates, None) == [2, 3, 1]
    assert in_turn(candidates, "b") == [3, 1, 2]
    assert in_turn(candidates, "gone") == [2, 3, 1]


def test_13_what_still_stands_keeps_a_plan_not_ready_and_is_listed_once() -> None:
    earlier = Failing("network", "s-1", "as it was")
    assert standing_of([], 1, NOW, [earlier]).failing == (earlier,)
    assert not standing_of([], 1, NOW, [earlier]).ready
    again = Check("network", "s-1", CheckStatus.FAIL, "as it is")
    assert [each.message for each in standing_of([again], 1, NOW, [earlier]).failing] == ["as it is"]
