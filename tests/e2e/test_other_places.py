"""Waves in another Region and in another account, through the role that is shipped for it, policies evaluated."""

from typing import Any

import pytest
from tests.e2e.target_account import (
    HOME_ACCOUNT,
    STRANGE_ACCOUNT,
    TARGET_ACCOUNT,
    TARGET_REGION,
    deploy_role,
)
from tools.local_stack.deployment import REGION, Emulator
from tools.local_stack.product import Product, wave


@pytest.fixture(scope="module")
def product(special_product: Product) -> Product:
    """A stack that may recover into one other account, and is a stranger to a second."""
    emulator = Emulator(special_product.stack.ports.emulator)
    deploy_role(emulator, TARGET_ACCOUNT)
    deploy_role(emulator, STRANGE_ACCOUNT, external_id="external-id-of-somebody-else")
    return special_product


def site_of(shown: dict[str, Any]) -> tuple[str, str]:
    """Read account and Region from the ARN of what the simulator shows."""
    _, _, _, region, account, _ = shown["arn"].split(":", 5)
    return account, region


def test_a_drill_over_two_regions_and_two_accounts(product: Product) -> None:
    sites = [
        (HOME_ACCOUNT, REGION),
        (HOME_ACCOUNT, TARGET_REGION),
        (TARGET_ACCOUNT, REGION),
        (TARGET_ACCOUNT, TARGET_REGION),
    ]
    servers = {site: product.servers(2, account=site[0], region=site[1]) for site in sites}
    waves = [
        wave(f"wave {number}", names, accountId=account, region=region, dependsOn=[] if number == 1 else ["wave 1"])
        for number, ((account, region), names) in enumerate(servers.items(), start=1)
    ]

    execution_id = product.run(*waves)

    after = product.ended(execution_id, within=60)
    assert after["status"] == "COMPLETED", after
    everything = [name for names in servers.values() for name in names]
    instances = [one for one in product.control.state()["recoveryInstances"] if one["sourceServerID"] in everything]
    assert {one["sourceServerID"]: site_of(one) for one in instances} == {
        name: site for site, names in servers.items() for name in names
    }
    recorded = {one["recoveryInstanceId"] for each in after["waves"] for one in each["servers"]}
    assert recorded == {one["recoveryInstanceID"] for one in instances}
    starts = product.control.calls("StartRecovery")
    assert sorted(
        (call["account"], call["region"])
        for call in starts
        if call["parameters"]["sourceServers"][0]["sourceServerID"] in everything
    ) == sorted(sites)

    cleaned = product.terminated(execution_id, within=60)

    assert cleaned["termination"] == {"status": "COMPLETED", "terminated": 8, "remaining": [], "unknown": []}
    assert product.instances_of(everything) == []


def test_an_account_that_does_not_let_the_stack_in_fails_its_wave_at_once(product: Product) -> None:
    servers = product.servers(account=STRANGE_ACCOUNT)
    plan_id = product.plan(wave("strange", servers, accountId=STRANGE_ACCOUNT))

    refused = product.api.call("POST", "/drills", {"planId": plan_id})
    assert (refused.status, refused.code) == (503, "UNAVAILABLE")
    assert "sts:AssumeRole" in refused.document["detail"]
    execution_id = product.start(plan_id, "recoveries")

    after = product.ended(execution_id)
    assert after["status"] == "FAILED"
    assert "sts:AssumeRole" in after["waves"][0]["servers"][0]["error"]
    assert not [call for call in product.control.calls() if call["account"] == STRANGE_ACCOUNT]
