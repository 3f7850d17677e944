"""A drill while everything around it fails at random: it ends right, launches nothing twice, leaves nothing behind.

DRS also refuses, for a while, the calls that name one server, and later one instance: the others do not wait.

`WAVEBREAK_FAULT_RUNS` sets the number of runs (`make soak` does fifty) and `WAVEBREAK_FAULT_SEED` the first one's seed.
"""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from typing import Any

from tests.e2e.launches import assert_recovered_once, workers
from tools.local_stack.product import Product, chain, launch_jobs, until

from wavebreak.timing import parse_iso

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


OF_ONE: tuple[dict[str, Any], ...] = (
    {"error": "ConflictException"},
    {"error": "InternalServerException"},
    {"error": "ThrottlingException"},
    {"httpStatus": 500},
)
"""What passes, of one server or instance."""
A_ROUND = timedelta(seconds=5)
"""What may lie between two calls of one round, and the look before the next."""


def arrange_trouble(product: Product, random: Random) -> None:
    """Make some of the next calls fail, before or after they took effect."""
    for operation in (*random.sample(READS, 2), random.choice(WRITES)):
        product.control.fault(
            operation, **random.choice(TROUBLES), count=random.randint(1, 3), when=random.choice(["before", "after"])
        )


def trouble_one(product: Product, random: Random, operation: str, subjects: list[str]) -> str:
    """Have DRS refuse the next calls that name one of these, whatever else they name; gives its id."""
    subject = random.choice(subjects)
    product.control.fault(operation, **random.choice(OF_ONE), subject=subject, count=random.randint(2, 4))
    return subject


def assert_no_other_waited(product: Product, subject: str, others: list[str]) -> None:
    """Hold that the others of a wave were started no later than the one that DRS refused.

    One whose own call was answered by another of the run's faults has a reason of its own to come later.
    """
    calls = [
        call for call in product.control.calls("StartRecovery") if not _called(call).isdisjoint([subject, *others])
    ]
    hindered = {name for call in calls if call["error"] and subject not in _called(call) for name in _called(call)}
    begun = {job["jobID"]: parse_iso(job["creationDateTime"]) for job in product.control.state()["jobs"]}
    ((last,), *firsts) = launch_jobs(product, [subject, *others])
    late = {name for name, (first,) in zip(others, firsts, strict=True) if begun[first] > begun[last] + A_ROUND}
    told = [(call["at"], call["error"], sorted(_called(call))) for call in calls]
    assert not late - hindered, f"{late - hindered} waited for {subject}: {told}"


def _called(call: dict[str, Any]) -> set[str]:
    return {server["sourceServerID"] for server in call["parameters"]["sourceServers"]}


def kill_something(product: Product, random: Random) -> None:
    """Kill the workers of a function, whatever they are doing."""
    for process in workers(product, random.choice(FUNCTIONS)):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue


def started(product: Product, plan_id: str) -> str:
    """Start a drill as a caller does that heeds Retry-After: 503 while DRS does not report whether it is safe."""
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
    servers = product.servers(9)
    tiers = [servers[:3], servers[3:6], servers[6:]]
    plan_id = product.plan(*chain(*tiers))
    arrange_trouble(product, random)
    tier = random.choice(tiers)
    subject = trouble_one(product, random, "StartRecovery", tier)
    execution_id = started(product, plan_id)
    product.launching(execution_id, 1, within=PATIENCE_SECONDS)
    arrange_trouble(product, random)
    if random.random() < 0.5:
        kill_something(product, random)
    assert_recovered_once(product, execution_id, servers, within=PATIENCE_SECONDS)
    assert_no_other_waited(product, subject, [name for name in tier if name != subject])
    arrange_trouble(product, random)
    trouble_one(product, random, "TerminateRecoveryInstances", product.instances_of(servers))
    answer = product.operate(execution_id, "terminate")
    assert answer.status == 202, answer.document
    after = product.seen(execution_id, lambda seen: seen["termination"]["status"] == "COMPLETED", PATIENCE_SECONDS)
    assert after["termination"] == {"status": "COMPLETED", "terminated": 9, "remaining": [], "unknown": []}, after
    until(lambda: product.instances_of(servers), lambda left: not left, within=5)


def test_every_run_under_faults_ends_right(product: Product) -> None:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        runs = {seed: pool.submit(run, product, seed) for seed in range(FIRST_SEED, FIRST_SEED + RUNS)}
        failures = {seed: failure for seed, outcome in runs.items() if (failure := outcome.exception())}
    assert not failures, failures
