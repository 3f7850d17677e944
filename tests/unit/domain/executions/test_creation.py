"""The frozen copy of a plan that an execution runs."""

import hashlib
import json
from typing import Any

import pytest
from tests.support.execution_builders import EXECUTION_ID, NOW, OPERATOR
from tests.support.plan_documents import plan, wave

from wavebreak.domain.executions.creation import freeze, frozen_document
from wavebreak.domain.executions.model.executions import Execution, Mode
from wavebreak.domain.executions.model.starts import StartRequest
from wavebreak.domain.plans.model import Impact, OnFailure, StoredPlan
from wavebreak.execution_utils import ExecutionStatus, WaveStatus
from wavebreak.problems import InvalidRequest
from wavebreak.site import Site

OWN = Site("123456789012", "us-east-1")


def stored(*waves: dict[str, Any]) -> StoredPlan:
    return StoredPlan(plan(*waves), 7, "then", "now")


def frozen(*waves: dict[str, Any], other_accounts: bool = False, **asked: Any) -> Execution:
    request = StartRequest(OPERATOR, **asked)
    return freeze(stored(*waves), EXECUTION_ID, Mode.DRILL, OWN, request, NOW, other_accounts=other_accounts)


def refused(*waves: dict[str, Any], **asked: Any) -> list[str]:
    with pytest.raises(InvalidRequest) as caught:
        frozen(*waves, **asked)
    return [error["pointer"] for error in caught.value.members["errors"]]


def test_an_execution_begins_pending_with_its_own_copy_of_the_plan() -> None:
    subject = frozen(wave("database", 1), wave("web", 2), reason="quarterly")
    assert (subject.execution_id, subject.plan_id, subject.plan_name) == (
        EXECUTION_ID,
        "three-tier",
        "3TierRecoveryPlan",
    )
    assert (subject.plan_version, subject.mode, subject.requested_by, subject.reason) == (
        7,
        Mode.DRILL,
        OPERATOR,
        "quarterly",
    )
    assert (subject.status, subject.started_at, subject.jobs) == (ExecutionStatus.PENDING, NOW, ())
    assert [(item.number, item.name, item.status) for item in subject.waves] == [
        (1, "database", WaveStatus.NOT_STARTED),
        (2, "web", WaveStatus.NOT_STARTED),
    ]


def test_the_hash_is_that_of_the_canonical_json() -> None:
    document = plan(wave("größe", 1))
    text, digest = frozen_document(StoredPlan(document, 1, "then", "now"))
    assert json.loads(text) == document
    assert "größe" in text
    assert digest == hashlib.sha256(text.encode()).hexdigest()
    reordered = dict(reversed(document.items()))
    assert frozen_document(StoredPlan(reordered, 2, "then", "now")) == (text, digest)
    assert frozen(wave("größe", 1)).plan_hash == digest


def test_a_wave_depends_on_the_one_before_unless_it_says_otherwise() -> None:
    subject = frozen(
        wave("a", 1),
        wave("b", 2),
        wave("c", 3, dependsOn=[]),
        wave("d", 4, dependsOn=["c", "a", "c"]),
        wave("e", 5, dependsOn=None),
    )
    assert [item.depends_on for item in subject.waves] == [(), (1,), (), (1, 3), (4,)]


def test_defaults_are_those_of_the_contract_and_settings_are_kept() -> None:
    plain, full = frozen(
        wave("plain", 1),
        wave("full", 2, requiresApproval=True, waitBeforeSeconds=30, timeoutMinutes=5, onFailure="ASK"),
    ).waves
    assert (plain.requires_approval, plain.wait_before_seconds, plain.timeout_minutes, plain.on_failure) == (
        False,
        0,
        60,
        OnFailure.STOP,
    )
    assert (full.requires_approval, full.wait_before_seconds, full.timeout_minutes, full.on_failure) == (
        True,
        30,
        5,
        OnFailure.ASK,
    )


def test_servers_keep_their_impact_and_get_their_snapshot() -> None:
    members = [{"sourceServerId": "s-1"}, {"sourceServerId": "s-2", "impact": "OPTIONAL"}]
    first, second = frozen({"name": "a", "servers": members}, snapshots={"s-2": "pit-2"}).wave(1).servers
    assert (first.impact, first.snapshot_id) == (Impact.CRITICAL, None)
    assert (second.impact, second.snapshot_id) == (Impact.OPTIONAL, "pit-2")


@pytest.mark.parametrize(
    ("region", "kept"),
    [(None, None), ("us-east-1", None), ("us-west-2", "us-west-2"), ("eu-central-1", "eu-central-1")],
)
def test_a_wave_that_names_the_stacks_own_region_names_none(region: str | None, kept: str | None) -> None:
    subject = frozen(wave("a", 1, region=region, accountId=OWN.account_id))
    assert subject.wave(1).site == Site(None, kept)


def test_a_server_may_be_in_two_regions_but_not_twice_in_one() -> None:
    assert len(frozen(wave("a", 1), wave("b", 1, region="us-west-2")).waves) == 2
    assert refused(wave("a", 1), wave("b", 1, region="us-east-1")) == ["/waves/1/servers"]


def test_snapshots_of_strangers_are_refused() -> None:
    assert refused(wave("a", 1), snapshots={"s-9": "pit-9"}) == ["/snapshots/s-9"]


def test_a_copy_that_no_item_of_the_table_can_hold_is_refused_before_anything_is_done() -> None:
    """Selectors fill a plan that was stored within its limit: all of 4,000 servers beside 300 KB of arguments."""
    selected = [{"sourceServerId": f"s-{number:017d}"} for number in range(4_000)]
    arguments = [{"command": "status", "args": ["x" * 256] * 20}] * 10
    waves = [
        {"name": f"w{number}", "servers": selected[number * 500 : (number + 1) * 500], "after": arguments}
        for number in range(8)
    ]
    assert refused(*waves) == ["/waves"]
    assert len(frozen(*waves[:5]).waves) == 5
