"""StartRecovery has no client token: an answer that is lost must not launch a server twice, nor lose a wave."""

from typing import Any

import pytest
from tests.e2e.launches import KilledLaunch, assert_recovered_once
from tools.bench.call_log import start_calls
from tools.local_stack.product import Product, chain


def test_a_function_killed_after_its_call_leaves_the_job_unrecorded(
    product: Product, killed_launch: KilledLaunch
) -> None:
    assert len(killed_launch.jobs(product)) == 1
    assert product.execution(killed_launch.execution_id)["waves"][0]["jobIds"] in ([], killed_launch.jobs(product))


@pytest.mark.parametrize("fault", [{"dropConnection": True}, {"httpStatus": 500}], ids=["dropped", "answered by 500"])
def test_a_lost_answer_recovers_no_server_twice(product: Product, fault: dict[str, Any]) -> None:
    servers = product.servers(3)
    plan_id = product.plan(*chain(servers[:2], servers[2:]))
    product.control.fault("StartRecovery", when="after", **fault)
    assert_recovered_once(product, product.start(plan_id), servers)
    assert any(call["error"] for call in start_calls(product.control.calls(), servers))


@pytest.mark.parametrize(
    ("fault", "calls"),
    [({"error": "ThrottlingException"}, 2), ({"dropConnection": True}, 3)],
    ids=["throttled", "lost on its way"],
)
def test_a_call_that_had_no_effect_is_made_again(product: Product, fault: dict[str, Any], calls: int) -> None:
    """Servers of a call that got no answer are tried apart, as one of them may be what it failed by."""
    servers = product.servers(2)
    plan_id = product.plan(*chain(servers))
    product.control.fault("StartRecovery", when="before", **fault)
    assert_recovered_once(product, product.start(plan_id), servers)
    assert len(start_calls(product.control.calls(), servers)) == calls


def test_polls_that_fail_do_not_fail_the_wave(product: Product) -> None:
    servers = product.servers(2, launchSeconds=20)
    execution_id = product.run(*chain(servers))
    product.launching(execution_id, 1)
    product.control.fault("DescribeJobs", httpStatus=503, count=4)
    assert_recovered_once(product, execution_id, servers)
