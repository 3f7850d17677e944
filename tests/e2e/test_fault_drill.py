"""A drill while everything around it fails at random: it ends right, launches nothing twice, leaves nothing behind.

`WAVEBREAK_FAULT_RUNS` sets the number of runs (`make soak` does fifty) and `WAVEBREAK_FAULT_SEED` the first one's seed.
"""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

from tests.e2e.launches import assert_recovered_once, workers
from tools.local_stack.product import Product, chain, until

RUNS = int(os.environ.get("WAVEBREAK_FAULT_RUNS", "3"))
FIRST_SEED = int(os.environ.get("WAVEBREAK_FAULT_SEED", "1"))
SIDE_BY_SIDE = 3
PATIENCE_SECONDS = 240

READS = ("DescribeJobs", "DescribeSourceServers", "DescribeRecoveryInstances", "DescribeJobLogItems")
WRITES = ("StartRecovery", "TerminateRecoveryInstances")
FUNCTIONS = (
    "ObserveFunction",
    "StartWaveFunction",
    "FinaliseFunction",
    "ObserveTerminationFunction",
    "LaunchEventsFunction",
)
TROUBLES: tuple[dict[str, Any], ...] = (
    {"error": "ThrottlingException"},
    {"error": "InternalServerException"},
    {"httpStatus": 500},
    {"httpStatus": 503},
    {"dropConnection": True},
    {"delaySeconds": 3},
)


def arrange_trouble(product: Product, random: Random) -> None:
    """Make some of the next calls fail, before or after they took effect."""
    for operation in (*random.sample(READS, 2), random.choice(WRITES)):
        product.control.fault(
            operation, **random.choice(TROUBLES), count=random.randint(1, 3), when=random.choice(["before", "after"])
        )


def kill_something(product: Product, random: Random) -> None:
    """Kill the workers of a function, whatever they are doing."""
    for process in workers(product, random.choice(FUNCTIONS)):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue


def started(product: Product, plan_id: str) -> str:
    """Start a drill as a caller does that heeds Retry-After: 503 while DRS does not tell whether it is safe."""
    answer = until(
        lambda: product.api.call("POST", "/drills", {"planId": plan_id}),
        lambda seen: seen.status != 503 or "Retry-After" not in seen.headers,
        within=PATIENCE_SECONDS,
    )
    assert answer.status == 202, answer.document
    return str(answer.document["executionId"])


def run(product: Product, seed: int) -> None:
    """Recover three tiers under faults, then terminate them under faults."""
    random = Random(seed)  # noqa: S311  reproducible, no secret
    servers = product.servers(6)
    plan_id = product.plan(*chain(servers[:2], servers[2:4], servers[4:]))
    arrange_trouble(product, random)
    execution_id = started(product, plan_id)
    product.launching(execution_id, 1, within=PATIENCE_SECONDS)
    arrange_trouble(product, random)
    if random.random() < 0.5:
        kill_something(product, random)
    assert_recovered_once(product, execution_id, servers, within=PATIENCE_SECONDS)
    arrange_trouble(product, random)
    answer = product.operate(execution_id, "terminate")
    assert answer.status == 202, answer.document
    after = product.seen(execution_id, lambda seen: seen["termination"]["status"] == "COMPLETED", PATIENCE_SECONDS)
    assert after["termination"] == {"status": "COMPLETED", "terminated": 6, "remaining": [], "unknown": []}, after
    until(lambda: product.instances_of(servers), lambda left: not left, within=5)


def test_every_run_under_faults_ends_right(product: Product) -> None:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        runs = {seed: pool.submit(run, product, seed) for seed in range(FIRST_SEED, FIRST_SEED + RUNS)}
        failures = {seed: failure for seed, outcome in runs.items() if (failure := outcome.exception())}
    assert not failures, failures
