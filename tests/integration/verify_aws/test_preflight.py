"""Which plans the tool makes no drill of, each for its own reason, and that it starts nothing then."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.blueprint import ACCOUNT, REGION
from tests.support.plans import plan, servers_of, wave
from tests.support.verified_stack import Verifier
from tools.verify_aws.preflight import Preflight, read_plan

from wavebreak_cli.errors import ConfigError

if TYPE_CHECKING:
    from tests.support.stack import Stack

PLAN = plan(wave("db", 1, 2))
SERVERS = servers_of(PLAN)


@pytest.fixture
def verifier(stack: Stack) -> Verifier:
    """The servers are there, and nobody has drilled them."""
    stack.put_servers(SERVERS)
    return Verifier(stack, os.environ["AWS_ENDPOINT_URL_DRS"])


def checked(verifier: Verifier, document: dict[str, Any], **options: Any) -> dict[str, str]:
    verifier.stack.put_plan(document)
    asked = read_plan(verifier.api, document["planId"], REGION, ACCOUNT)
    return Preflight(verifier.described, verifier.api, asked, **options).check()


def refused(verifier: Verifier, document: dict[str, Any] = PLAN, **options: Any) -> str:
    known = len(verifier.stack.control.calls("StartRecovery"))
    with pytest.raises(ConfigError, match="no drill is made of this plan") as failure:
        checked(verifier, document, **options)
    assert len(verifier.stack.control.calls("StartRecovery")) == known
    return str(failure.value)


def test_a_small_plan_of_ready_servers_may_be_drilled(verifier: Verifier) -> None:
    assert checked(verifier, PLAN) == {}


def test_more_servers_than_are_allowed_are_refused(verifier: Verifier) -> None:
    assert "it has 2 servers, 1 are the most" in refused(verifier, most=1)
    assert checked(verifier, PLAN, most=2) == {}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"requiresApproval": True}, "waves wait for an approval (db)"),
        ({"servers": None, "selector": {"tags": {"tier": "db"}}}, "waves find their servers by tags (db)"),
        ({"accountId": "210987654321"}, "it recovers into other accounts (210987654321)"),
    ],
)
def test_what_would_wait_or_cannot_be_foreseen_or_seen_is_refused(
    verifier: Verifier, fields: dict[str, Any], words: str
) -> None:
    changed = {name: value for name, value in {**PLAN["waves"][0], **fields}.items() if value is not None}
    verifier.stack.put_servers(SERVERS, tags={"tier": "db"})
    assert words in refused(verifier, {**PLAN, "waves": [changed]})


def test_a_server_that_drs_does_not_know_is_refused(verifier: Verifier) -> None:
    assert "s-00000000000000009" in refused(verifier, plan(wave("db", 1, 9)))


def test_the_instance_of_a_recovery_is_refused_whatever_is_allowed(verifier: Verifier) -> None:
    verifier.stack.ended(verifier.stack.start(PLAN, "recoveries"))
    assert "which a recovery launched: a drill would end it" in refused(verifier, replace=True)


def test_the_instance_of_a_drill_is_replaced_only_when_that_is_allowed(verifier: Verifier) -> None:
    verifier.stack.ended(verifier.stack.start(PLAN))
    assert "REPLACE=yes" in refused(verifier)
    found = checked(verifier, PLAN, replace=True)
    assert sorted(found.values()) == SERVERS
    reported = verifier.stack.control.state()["recoveryInstances"]
    assert set(found) == {item["recoveryInstanceID"] for item in reported}


def test_an_instance_that_does_not_say_that_it_is_a_drills_is_taken_for_a_recoverys(verifier: Verifier) -> None:
    """What stands in the way of a drill alone is a warning of `validate` (contract 13): the tool looks by itself."""
    verifier.stack.ended(verifier.stack.start(PLAN))
    verifier.stack.control.put_manners(
        seed=1, staleReads=0, delaySeconds=0, omit=["RecoveryInstance.isDrill"], ordered=True
    )
    assert "which a recovery launched: a drill would end it" in refused(verifier, replace=True)


def test_a_server_in_somebodys_job_is_refused(verifier: Verifier) -> None:
    verifier.stack.put_servers(SERVERS, launchSeconds=600)
    drs = verifier.described.client("drs")
    job = drs.start_recovery(sourceServers=[{"sourceServerID": SERVERS[0]}], isDrill=True)["job"]["jobID"]
    verifier.stack.everything_shows()
    assert f"{SERVERS[0]} is in the DRS job {job}" in refused(verifier)


@pytest.mark.parametrize("by_the_product", [True, False])
def test_a_server_that_is_launched_into_an_instance_is_refused(
    verifier: Verifier, by_the_product: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The product refuses it while that instance runs, and the tool would if the product did not."""
    instance = "i-0123456789abcdef0"
    verifier.stack.control.put_existing_instance(instance)
    verifier.stack.everything_shows()
    into = {"launchIntoInstanceProperties": {"launchIntoEC2InstanceID": instance}}
    verifier.stack.put_servers(SERVERS[:1], launchConfiguration=into)
    if by_the_product:
        assert f"{SERVERS[0]}: it is launched into {instance}, which is running" in refused(verifier)
    else:
        monkeypatch.setattr(Preflight, "_by_validation", lambda _self: iter(()))
        assert f"{SERVERS[0]} is launched into the existing instance {instance}" in refused(verifier)


@pytest.mark.parametrize(
    "operation", ["DescribeJobs", "GetLaunchConfiguration", "DescribeRecoveryInstances", "DescribeSourceServers"]
)
def test_who_may_not_look_may_not_drill(verifier: Verifier, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Preflight, "_by_validation", lambda _self: iter(()))  # it would be refused there already
    verifier.stack.put_plan(PLAN)
    verifier.stack.control.fault(operation, error="AccessDeniedException")
    asked = read_plan(verifier.api, PLAN["planId"], REGION, ACCOUNT)
    with pytest.raises(ConfigError, match=f"no drill without drs:{operation}"):
        Preflight(verifier.described, verifier.api, asked).check()
