"""What is refused to be told of one server is that server's alone (contract 13)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest

from wavebreak.domain.drs import SourceServer, Trouble
from wavebreak.domain.launch_templates.model import LaunchConfiguration
from wavebreak.domain.plans.model import Impact
from wavebreak.domain.readiness.checks import judge
from wavebreak.domain.readiness.facts import Facts, Member, SiteFacts
from wavebreak.domain.readiness.launch_facts import LaunchFacts
from wavebreak.domain.readiness.verdicts import CheckStatus
from wavebreak.values import replace

NOW: Final = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
REGION: Final = "us-east-1"
READS: Final = ("GetLaunchConfiguration", "DescribeRecoverySnapshots")
PASS, WARN, FAIL = CheckStatus.PASS, CheckStatus.WARN, CheckStatus.FAIL


def seen(*members: Member) -> SiteFacts:
    """A Region in which everything was told of these servers."""
    ids = [each.source_server_id for each in members]
    return SiteFacts(
        REGION,
        members,
        servers={each: SourceServer(each, "CONTINUOUS", "PT0S") for each in ids},
        instances=dict.fromkeys(ids, ()),
        snapshots=dict.fromkeys(ids, "2026-11-29T11:59:00.000Z"),
        launches=LaunchFacts({each: LaunchConfiguration(each, None) for each in ids}),
    )


def without(site: SiteFacts, operation: str, *servers: str) -> SiteFacts:
    """Take from a Region what an operation told of servers."""
    assert site.launches is not None
    if operation == "DescribeRecoverySnapshots":
        return replace(site, snapshots={each: at for each, at in site.snapshots.items() if each not in servers})
    left = {each: found for each, found in site.launches.configurations.items() if each not in servers}
    return replace(site, launches=replace(site.launches, configurations=left))


def verdicts(site: SiteFacts, name: str) -> dict[str, CheckStatus]:
    facts = Facts("plan", 1, 15, NOW, (site,))
    return {check.subject: check.status for check in judge(facts) if check.name == name}


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize("impact", Impact)
def test_13_a_refusal_is_judged_by_the_impact_of_its_server(operation: str, impact: Impact) -> None:
    members = Member("s-1", impact, "only"), Member("s-2", Impact.CRITICAL, "only")
    refusal = Trouble(operation, "ConflictException: not now", refusal=True)
    site = replace(without(seen(*members), operation, "s-1"), refused={"s-1": (refusal,)})
    expected = FAIL if impact is Impact.CRITICAL else WARN
    assert verdicts(site, "drs") == {REGION: PASS, "s-1": expected}
    assert "s-1" not in verdicts(site, "snapshot")
    facts = Facts("plan", 1, 15, NOW, (site,))
    assert not [check for check in judge(facts) if "one server at a time" in check.message]


@pytest.mark.parametrize("operation", READS)
def test_13_a_permission_that_is_missing_for_one_server_is_told_of_it(operation: str) -> None:
    members = Member("s-1", Impact.CRITICAL, "only"), Member("s-2", Impact.CRITICAL, "only")
    refusal = Trouble(operation, "AccessDeniedException: no", denied=True, refusal=True)
    site = replace(without(seen(*members), operation, "s-1"), refused={"s-1": (refusal,)})
    assert verdicts(site, "permissions") == {"s-1": WARN if operation == READS[0] else FAIL}


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize("impact", Impact)
def test_13_a_permission_that_is_missing_for_all_is_told_once(operation: str, impact: Impact) -> None:
    members = [Member(f"s-{number}", impact, "only") for number in range(3)]
    refusals = {
        each.source_server_id: (
            Trouble(operation, f"AccessDeniedException: no {each.source_server_id}", denied=True, refusal=True),
        )
        for each in members
    }
    site = replace(without(seen(*members), operation, *refusals), refused=refusals)
    fails = operation == "DescribeRecoverySnapshots" and impact is Impact.CRITICAL
    assert verdicts(site, "permissions") == {REGION: FAIL if fails else WARN}
    assert verdicts(site, "drs") == {REGION: PASS}
