"""Whatever hangs, whoever waits for the API has an answer before API Gateway gives up after 29 seconds (S3-1)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.support.plans import plan, server, servers_of, wave

if TYPE_CHECKING:
    from tests.support.stack import Stack

GATEWAY_SECONDS = 29
HANGS_SECONDS = 30
READS = (
    "DescribeJobs",
    "DescribeSourceServers",
    "DescribeRecoveryInstances",
    "DescribeRecoverySnapshots",
    "GetRecoveryPlan",
    "ListRecoveryPlanSteps",
    "GetServiceQuota",
)
NATIVE = "arn:aws:drs:us-east-1:123456789012:recovery-plan/rp-00000000000000001"
LAUNCHED = plan(wave("all", 1), plan_id="launched")
CHOSEN = {"planId": "chosen", "name": "Chosen", "waves": [{"name": "w", "selector": {"tags": {"tier": "app"}}}]}


def test_s3_1_every_call_that_asks_drs_is_answered_in_time_while_drs_hangs(stack: Stack) -> None:
    stack.put_servers(servers_of(LAUNCHED))
    stack.ended(stack.start(LAUNCHED))
    stack.put_plan(CHOSEN)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("/plans/launched/validate", {}),
        ("/plans/import", {"recoveryPlanArn": NATIVE}),
        ("/drills", {"planId": "launched"}),
        ("/recoveries", {"planId": "chosen"}),
        ("/commands", {"command": "status", "targets": [server(1)]}),
    ]
    for operation in READS:
        stack.control.fault(operation, delaySeconds=HANGS_SECONDS, count=1000)

    def call(path: str, body: dict[str, Any]) -> tuple[str, int, float]:
        began = time.monotonic()
        answer = stack.api("POST", path, body)
        return path, answer.status, time.monotonic() - began

    with ThreadPoolExecutor(len(calls)) as pool:
        answers = list(pool.map(lambda asked: call(*asked), calls))

    assert all(seconds < GATEWAY_SECONDS for _, _, seconds in answers), answers
    assert {path: status for path, status, _ in answers} == {
        "/plans/launched/validate": 200,  # it says what could not be seen
        "/plans/import": 503,
        "/drills": 503,
        "/recoveries": 503,
        "/commands": 503,
    }
