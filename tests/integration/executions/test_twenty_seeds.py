"""Whatever the services' manners: an execution ends right, launches no server twice, and leaves nothing in the end.

Each seed is a history of its own: what shows late, what is left out, which events are lost. `WAVEBREAK_SEEDS` tells how
many of the twenty are tried, beginning where the run's own seed says; `make soak` tries all.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.support.manners import seed as seed_of_the_run
from tests.support.plans import plan, server, servers_of, wave
from tests.support.stack import ended_while_time_passes

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.commands import Commands
    from tests.support.stack import Stack

SEEDS: Final = 20
ELSEWHERE: Final = "210987654321"
PATIENCE_SECONDS: Final = 240.0
STATUS: Final = {"command": "status", "required": True}


def chosen() -> list[int]:
    count = int(os.environ.get("WAVEBREAK_SEEDS", "5"))
    return sorted((seed_of_the_run() + number) % SEEDS for number in range(count))


pytestmark = pytest.mark.parametrize("seed", chosen())


@pytest.fixture(autouse=True)
def _mannered(stack: Stack, seed: int) -> None:
    stack.control.put_manners(seed=seed)


def running(stack: Stack) -> list[str]:
    """Name what runs in EC2, in every account and Region."""
    reported = stack.control.state()["ec2Instances"]
    return [each["InstanceId"] for each in reported if each["State"]["Name"] not in {"terminated", "shutting-down"}]


def ends_right(stack: Stack, clock: JumpingClock, execution: dict[str, Any], *, at_once: bool = False) -> None:
    """Hold that every instance is known and each server launched once, and that a termination leaves none.

    An execution that a cancel ended `at_once` waited for no name that DRS did not show yet: its termination learns it.
    """
    launched = [each for wave in execution["waves"] for each in wave["servers"] if each["launchStatus"] == "LAUNCHED"]
    known = {each["recoveryInstanceId"] for each in launched}
    assert known - {None} <= set(running(stack))
    assert at_once or None not in known
    assert execution["instancesLeft"] == len(launched) == len(running(stack))
    jobs = [job for job in stack.control.state()["jobs"] if job["type"] == "LAUNCH"]
    by_server = [
        each["sourceServerID"]
        for job in jobs
        for each in job["participatingServers"]
        if each["launchStatus"] == "LAUNCHED"
    ]
    assert len(by_server) == len(set(by_server)) == len(launched), "a server was launched twice"
    assert {job["jobID"] for job in jobs} >= {job for wave in execution["waves"] for job in wave["jobIds"]}
    asked = stack.api("POST", f"/executions/{execution['executionId']}/terminate", {})
    assert asked.status == 202, asked
    termination = ended_while_time_passes(stack, clock, execution["executionId"])["termination"]
    assert (termination["status"], termination["terminated"]) == ("COMPLETED", len(launched)), termination
    assert running(stack) == []


def statuses(execution: dict[str, Any]) -> list[str]:
    return [each["status"] for each in execution["waves"]]


def test_s2_11_three_waves_complete_and_their_commands_reach_every_server(
    stack: Stack, clock: JumpingClock, commands: Commands
) -> None:
    document = plan(
        wave("database", 1, 2, after=[STATUS]),
        wave("application", 3, 4, before=[STATUS], after=[STATUS]),
        wave("web", 5),
    )
    stack.put_servers(servers_of(document))
    execution = stack.ended(stack.start(document), PATIENCE_SECONDS)
    assert (execution["status"], statuses(execution)) == ("COMPLETED", ["COMPLETED"] * 3)
    ran = [each for wave in execution["waves"] for each in wave["steps"]]
    assert [each["status"] for each in ran] == ["SUCCEEDED"] * 3
    assert commands is not None
    ends_right(stack, clock, execution)


def test_s2_11_a_cancel_after_the_first_wave_is_a_partial_success(stack: Stack, clock: JumpingClock) -> None:
    document = plan(wave("database", 1, 2), wave("application", 3, requiresApproval=True), wave("web", 4))
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    stack.wait(started, lambda seen: statuses(seen) == ["COMPLETED", "AWAITING_APPROVAL", "NOT_STARTED"])
    assert stack.api("POST", f"/executions/{started}/cancel", {}).status == 202
    execution = stack.ended(started, PATIENCE_SECONDS)
    assert (execution["status"], statuses(execution)) == ("PARTIAL_SUCCESS", ["COMPLETED", "CANCELLED", "CANCELLED"])
    ends_right(stack, clock, execution, at_once=True)


def test_s2_11_a_failed_server_is_recovered_by_a_retry_and_no_other_again(stack: Stack, clock: JumpingClock) -> None:
    document = plan(wave("database", 1), wave("application", 2, 3), wave("web", 4))
    stack.put_servers(servers_of(document))
    stack.put_servers([server(3)], launchResult="FAILED", rawError="InsufficientInstanceCapacity: none is left")
    started = stack.start(document)
    execution = stack.ended(started, PATIENCE_SECONDS)
    assert (execution["status"], statuses(execution)) == ("PARTIAL_SUCCESS", ["COMPLETED", "FAILED", "NOT_STARTED"])
    failed = execution["waves"][1]["servers"][1]
    assert failed["error"] == "LAUNCH_FAILED: InsufficientInstanceCapacity: none is left", "however late its log shows"
    stack.put_servers([server(3)], launchResult="LAUNCHED")
    assert stack.api("POST", f"/executions/{started}/waves/2/retry", {}).status == 202
    execution = stack.ended(started, PATIENCE_SECONDS)
    assert (execution["status"], statuses(execution)) == ("COMPLETED", ["COMPLETED"] * 3)
    ends_right(stack, clock, execution)


def heedful_start(stack: Stack, document: dict[str, Any]) -> str:
    """Start a drill and heed Retry-After: it is refused while DRS does not report in time whether it is safe."""
    stack.put_plan(document)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = stack.api("POST", "/drills", {"planId": document["planId"]})
        if answer.status == 202:
            return str(answer.json["executionId"])
        assert (answer.status, "Retry-After" in answer.headers) == (503, True), answer
        assert time.monotonic() < deadline, answer
        time.sleep(float(answer.headers["Retry-After"]))


def test_waves_in_other_accounts_and_regions_end_right(stack: Stack, clock: JumpingClock) -> None:
    stack.blueprint.overrides |= {"TARGET_EXTERNAL_ID": "x" * 16, "TARGET_ROLE_NAME": "wavebreak-target"}
    stack.renew_apps()
    sites = [{}, {"region": "us-west-2"}, {"accountId": ELSEWHERE}, {"accountId": ELSEWHERE, "region": "eu-west-1"}]
    waves = [wave(f"wave {number}", number, **site) for number, site in enumerate(sites, start=1)]
    for number, site in enumerate(sites, start=1):
        account = {"account": site["accountId"]} if "accountId" in site else {}
        region = {"region": site["region"]} if "region" in site else {}
        stack.control.put_source_server(server(number), **account, **region)
    execution = stack.ended(heedful_start(stack, plan(*waves)), PATIENCE_SECONDS)
    assert (execution["status"], statuses(execution)) == ("COMPLETED", ["COMPLETED"] * 4)
    ends_right(stack, clock, execution)
