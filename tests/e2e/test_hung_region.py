"""A Region that hangs for a minute: the hand-overs of another Region come hardly later (A9)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from tests.e2e.target_account import TARGET_REGION
from tools.bench.call_log import reactions
from tools.local_stack.product import wave

if TYPE_CHECKING:
    from tools.local_stack.product import Product

HANGS_SECONDS: Final = 60
DELAYED_SECONDS: Final = 2
LAUNCH_SECONDS: Final = 60
"""Before scaling: six of them and their hand-overs take the better part of the minute."""
CALLS: Final = (
    "DescribeJobs",
    "DescribeJobLogItems",
    "DescribeSourceServers",
    "DescribeRecoveryInstances",
    "StartRecovery",
)


def plan_of(product: Product, here: list[list[str]]) -> list[dict[str, Any]]:
    """Write a chain of waves here, beside two far away: one that is launching, and one that is to follow."""
    far = [product.servers(region=TARGET_REGION, launchSeconds=LAUNCH_SECONDS) for _ in range(2)]
    return [
        wave("far 1", far[0], region=TARGET_REGION, dependsOn=[]),
        wave("far 2", far[1], region=TARGET_REGION),
        wave("here 1", here[0], dependsOn=[]),
        *(wave(f"here {number}", servers) for number, servers in enumerate(here[1:], start=2)),
    ]


def hand_overs(product: Product, here: list[list[str]]) -> list[float]:
    """Measure from each wave's last launch to the next StartRecovery."""
    return reactions(here, product.control.calls(), product.control.state())


def test_a9_a_region_that_hangs_for_a_minute_delays_no_hand_over_of_another_by_two_seconds(product: Product) -> None:
    product.control.put_manners(strict=True)
    few, many = ([product.servers(launchSeconds=LAUNCH_SECONDS) for _ in range(number)] for number in (3, 6))
    usual = product.ended(product.run(*plan_of(product, few), mode="recoveries"), within=120)
    assert usual["status"] == "COMPLETED", usual

    execution_id = product.run(*plan_of(product, many), mode="recoveries")
    product.launching(execution_id, 1)
    begun = time.monotonic()
    for operation in CALLS:
        product.control.fault(operation, delaySeconds=HANGS_SECONDS, region=TARGET_REGION, count=10_000)
    product.seen(execution_id, lambda seen: seen["waves"][-1]["status"] == "COMPLETED", within=180)
    hung = product.execution(execution_id)["waves"][1]["status"]
    time.sleep(max(0.0, begun + HANGS_SECONDS - time.monotonic()))
    product.control.clear_faults()

    after = product.ended(execution_id, within=180)
    assert (hung, after["status"]) == ("NOT_STARTED", "COMPLETED"), after
    before, meanwhile = hand_overs(product, few), hand_overs(product, many)
    assert len(meanwhile) == len(many) - 1
    assert max(meanwhile) - max(before) < DELAYED_SECONDS, (before, meanwhile)
