"""`make verify-aws` against a local stack, of which it judges what the simulator shows: exit codes, what is left.

The commands are those of the Makefile, which tests/infra holds to the same words.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.config import Config
from tools.local_stack.product import Product, launch_jobs, until, wave
from tools.template import ROOT
from tools.verify_aws.catalogue import CHECKS
from tools.verify_aws.findings import SIMULATED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 120
EC2_ENDS = {"shutting-down", "terminated"}
LINE = re.compile(r"(holds|differs|not seen) +([a-z0-9-]+)  (.+)")
SIMULATED_CHECKS = {check.id for check in CHECKS if check.service in SIMULATED}


@dataclass(frozen=True, slots=True)
class Verified:
    """What one run said."""

    code: int
    verdicts: dict[str, str]
    output: str
    errors: str

    def named(self, verdict: str) -> set[str]:
        return {check for check, found in self.verdicts.items() if found == verdict}


def command(product: Product, plan_id: str, **options: Any) -> list[str]:
    stack = str(product.stack.directory / "stack.json")
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "tools.verify_aws", "--stack", stack, "--plan", plan_id, *words]


def verified(product: Product, plan_id: str, **options: Any) -> Verified:
    done = subprocess.run(  # noqa: S603  our own program
        command(product, plan_id, **options), cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    verdicts = {found[2]: found[1] for line in done.stdout.splitlines() if (found := LINE.fullmatch(line))}
    return Verified(done.returncode, verdicts, done.stdout, done.stderr)


def running(product: Product, servers: list[str]) -> list[str]:
    """Name what EC2 runs of the servers, whether DRS shows it or not."""
    ours = {instance for job in _jobs(product, servers) for instance in _launched(product, job)}
    errors = product.control.state()["ec2Instances"]
    return sorted(
        each["InstanceId"] for each in errors if each["InstanceId"] in ours and each["State"]["Name"] not in EC2_ENDS
    )


def _jobs(product: Product, servers: list[str]) -> list[dict[str, Any]]:
    wanted = {job for some in launch_jobs(product, servers) for job in some}
    return [job for job in product.control.state()["jobs"] if job["jobID"] in wanted]


def _launched(product: Product, job: dict[str, Any]) -> set[str]:
    drs = _drs(product)
    pages = drs.get_paginator("describe_job_log_items").paginate(jobID=job["jobID"])
    errors = [item.get("eventData", {}).get("targetInstanceID") for page in pages for item in page["items"]]
    return {name for name in errors if name}


def _drs(product: Product) -> Any:
    return botocore.session.Session().create_client(
        "drs",
        region_name=product.description["region"],
        endpoint_url=product.description["simulatorUrl"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(proxies={}),
    )


@pytest.fixture
def manners(product: Product) -> Iterator[None]:
    """The simulator has its manners back afterwards."""
    before = product.control.manners()
    yield
    product.control.put_manners(**({"strict": True} if before["strict"] else before))


def test_reading_changes_nothing_and_says_what_needs_a_drill(product: Product) -> None:
    servers = product.servers(1)
    plan_id = product.plan(wave("one", servers))
    known = len(product.control.calls())

    found = verified(product, plan_id)

    assert (found.code, found.named("differs")) == (0, set()), found
    assert set(found.verdicts) == {check.id for check in CHECKS}
    assert found.named("holds") >= {"drs-requests", "drs-unknown-ids", "drs-quotas", "drs-replication-direction"}
    needing = {check.id for check in CHECKS if check.needs_drill and check.id in SIMULATED_CHECKS}
    assert needing <= found.named("not seen")
    assert "needs a drill (DRILL=yes)" in found.output
    made = Counter(call["operation"] for call in product.control.calls()[known:])
    assert {name for name in made if not name.startswith(("Describe", "Get", "List"))} == set()


def test_a_drill_holds_everything_against_the_simulator_and_leaves_nothing(product: Product, tmp_path: Path) -> None:
    """A recovery of another plan goes on meanwhile, and its instance is there afterwards."""
    recovered, servers = product.servers(1), product.servers(1)
    product.ended(product.run(wave("kept", recovered), mode="recoveries"))
    kept = running(product, recovered)
    plan_id = product.plan(wave("one", servers, after=[{"command": "status"}]))

    found = verified(product, plan_id, drill="yes", json=tmp_path / "seen.json")

    assert (found.code, found.named("differs")) == (0, set()), found
    shown = {check.id for check in CHECKS if check.needs_drill and check.id in SIMULATED_CHECKS}
    # There was no earlier instance, no action and no automation.
    shown -= {"drs-replaces", "drs-completed-after-actions", "ssm-automation-tag", "ssm-automation-token"}
    assert shown <= found.named("holds"), found.output
    assert (running(product, servers), product.instances_of(servers)) == ([], [])
    assert len(kept) == 1
    assert running(product, recovered) == kept
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert {each["check"]: each["verdict"] for each in seen["findings"]} == found.verdicts
    execution = product.execution(seen["evidence"]["drill"]["executionId"])
    assert (execution["mode"], execution["termination"]["status"]) == ("DRILL", "COMPLETED")


@pytest.mark.usefixtures("manners")
def test_what_differs_is_named_with_what_the_product_relies_on(product: Product) -> None:
    servers = product.servers(1)
    plan_id = product.plan(wave("one", servers))
    product.control.put_manners(
        seed=1, staleReads=0, delaySeconds=0, omit=["RecoveryInstance.isDrill", "JobLogEventData.targetInstanceID"]
    )

    found = verified(product, plan_id, drill="yes")

    assert (found.code, found.named("differs")) == (1, {"drs-is-drill", "drs-launch-end-names"}), found
    assert found.output.startswith("differs")
    assert "the product relies on: `isDrill` is true of a drill's instance." in found.output
    assert product.instances_of(servers) == []


def test_a_recovered_server_is_never_drilled(product: Product) -> None:
    servers = product.servers(1)
    plan_id = product.plan(wave("one", servers))
    recovery = product.start(plan_id, "recoveries")
    product.ended(recovery)
    kept = running(product, servers)

    found = verified(product, plan_id, drill="yes", replace="yes")

    assert (found.code, found.output) == (3, "")
    assert f"the instance {kept[0]}, which a recovery launched: a drill would end it" in found.errors
    assert running(product, servers) == kept != []
    assert [len(jobs) for jobs in launch_jobs(product, servers)] == [1]


def test_ctrl_c_ends_what_is_being_launched(product: Product) -> None:
    servers = product.servers(1, launchSeconds=60)
    plan_id = product.plan(wave("one", servers))
    with subprocess.Popen(  # noqa: S603  our own program
        command(product, plan_id, drill="yes"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        until(lambda: launch_jobs(product, servers), lambda jobs: bool(jobs[0]), within=30)
        os.kill(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, errors
    assert "LEFT RUNNING" not in output
    assert (running(product, servers), product.instances_of(servers)) == ([], [])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"drill": "maybe"}, "yes or no"),
        ({"servers": "0"}, "a number of servers"),
        ({"json": "/no/such/file"}, "a file"),
    ],
)
def test_wrong_usage_ends_with_three_before_anything_is_asked(
    product: Product, options: dict[str, str], words: str
) -> None:
    found = verified(product, "any", **options)
    assert (found.code, found.output) == (3, "")
    assert words in found.errors


def test_a_plan_that_there_is_not_is_refused(product: Product) -> None:
    found = verified(product, "no-such-plan")
    assert (found.code, found.output) == (3, "")
    assert "There is no plan no-such-plan" in found.errors
