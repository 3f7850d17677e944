"""A thousand servers that may all start at once, under AWS's own quotas and beside other people's jobs."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from tools.bench.call_log import moment
from tools.local_stack.deployment import ACCESS_KEY, REGION, SECRET_KEY
from tools.local_stack.product import Product, until, wave

JOBS, SERVERS_A_JOB, SERVERS_IN_JOBS = 20, 100, 500
"""The simulator's quotas unless it is told others: AWS's defaults."""
OTHER_PEOPLES = 17
"""Jobs of a single server each, so that at first three more fit, later five of a hundred servers."""
LAUNCH_SECONDS, OTHER_LAUNCH_SECONDS = 150, 250
"""Three and five seconds at the fast stack's time scale: other people's jobs end while some of ours run."""


@pytest.fixture
def product(special_product: Product) -> Iterator[Product]:
    """The fast stack, alone with this test; a thousand launch events at a moment would only keep the machine busy."""
    special_product.quiet()
    special_product.control.events(enabled=False)
    yield special_product
    special_product.control.events(enabled=True)


def start_other_peoples_jobs(product: Product) -> set[str]:
    """Start jobs that are nobody's execution's, and give their ids."""
    drs = boto3.client(
        "drs",
        region_name=REGION,
        endpoint_url=product.description["simulatorUrl"],
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    servers = product.servers(OTHER_PEOPLES, launchSeconds=OTHER_LAUNCH_SECONDS)
    started = [drs.start_recovery(sourceServers=[{"sourceServerID": server}]) for server in servers]
    drs.close()
    return {answer["job"]["jobID"] for answer in started}


def held_at_each_start(jobs: list[dict[str, Any]]) -> list[tuple[int, int, int]]:
    """Give, for the moment at which each job began: the jobs that ran, the servers in them, and its own servers."""
    spans = [
        (moment(job["creationDateTime"]), moment(job["endDateTime"]), len(job["participatingServers"])) for job in jobs
    ]
    held = []
    for began, _, own in spans:
        beside = [servers for start, end, servers in spans if start <= began < end]
        held.append((len(beside), sum(beside), own))
    return held


def test_a_thousand_servers_side_by_side_keep_within_the_quotas(product: Product) -> None:
    first, second = (product.servers(500, launchSeconds=LAUNCH_SECONDS) for _ in range(2))
    side_by_side: dict[str, Any] = {"dependsOn": [], "requiresApproval": True}
    before = len(product.control.calls())
    execution_id = product.run(wave("first", first, **side_by_side), wave("second", second, **side_by_side))
    product.wave_seen(execution_id, 2, "AWAITING_APPROVAL")
    others = start_other_peoples_jobs(product)

    for number in (1, 2):
        assert product.operate(execution_id, f"waves/{number}/approve").status == 202

    after = product.ended(execution_id, within=120)
    assert after["status"] == "COMPLETED"
    until(lambda: product.control.state()["jobs"], lambda jobs: all(job["status"] == "COMPLETED" for job in jobs), 30)
    recorded = {job_id for each in after["waves"] for job_id in each["jobIds"]}
    jobs = [job for job in product.control.state()["jobs"] if job["jobID"] in recorded | others]
    ours = [job for job in jobs if job["jobID"] in recorded]
    launched = Counter(one["sourceServerID"] for job in ours for one in job["participatingServers"])
    assert launched == Counter([*first, *second]), "a server was launched twice, or not at all"
    held = held_at_each_start(jobs)
    assert max(count for count, _, _ in held) == JOBS, "other people's jobs were not counted, or never in the way"
    assert max(servers for _, servers, _ in held) == SERVERS_IN_JOBS, "room was left unused, or more was taken"
    assert max(own for _, _, own in held) == SERVERS_A_JOB

    made = [call for call in product.control.calls()[before:] if call["operation"] == "StartRecovery"]
    assert {call["error"] for call in made} <= {None, "ServiceQuotaExceededException"}
    carried_out = [call for call in made if call["error"] is None]
    started = Counter(one["sourceServerID"] for call in carried_out for one in call["parameters"]["sourceServers"])
    assert set(started.values()) == {1}
    assert len(carried_out) == len(ours) + len(others)
    cleaned = product.terminated(execution_id, within=60)
    assert cleaned["termination"] == {"status": "COMPLETED", "terminated": 1000, "remaining": [], "unknown": []}
