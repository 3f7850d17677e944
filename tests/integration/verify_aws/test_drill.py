"""A drill that looks at AWS: what it sees, and that nothing is left of it, whatever happens."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.support.blueprint import REGION
from tests.support.plans import plan, server, servers_of, wave
from tests.support.stack import PATIENCE_SECONDS, read_until
from tests.support.verified_stack import Verifier
from tools.verify_aws.catalogue import CHECKS
from tools.verify_aws.drill import Drill
from tools.verify_aws.findings import Finding, Verdict, examine
from tools.verify_aws.interrupts import Interrupts
from tools.verify_aws.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.stack import Stack
    from tools.verify_aws.evidence import DrillRecord

PLAN = plan(wave("db", 1, 2))
STEP_SECONDS = 30
"""What each call takes of an API that does not answer: it is given up before the drill would have taken too long."""
SERVERS = servers_of(PLAN)


@pytest.fixture
def verifier(stack: Stack) -> Verifier:
    """The plan is stored, its servers are there, and nobody has drilled it."""
    stack.put_servers(SERVERS)
    stack.put_plan(PLAN)
    return Verifier(stack, os.environ["AWS_ENDPOINT_URL_DRS"])


@pytest.fixture
def handlers() -> Iterator[None]:
    """Signals are handled afterwards as they were before."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


pytestmark = pytest.mark.usefixtures("handlers")


def drilled(verifier: Verifier, **options: Any) -> tuple[Drill, DrillRecord]:
    watcher = verifier.watcher(SERVERS, **options)
    with Interrupts(verifier.reported.append) as interrupts:
        drill = Drill(verifier.described, verifier.api, PLAN["planId"], watcher, verifier.around(interrupts))
        drill.run()
    return drill, watcher.record


def interrupted(verifier: Verifier) -> DrillRecord:
    watcher = verifier.watcher(SERVERS)
    with Interrupts(verifier.reported.append) as interrupts, pytest.raises(KeyboardInterrupt):
        Drill(verifier.described, verifier.api, PLAN["planId"], watcher, verifier.around(interrupts)).run()
    return watcher.record


def judged(verifier: Verifier, record: DrillRecord) -> dict[str, Finding]:
    seen = verifier.evidence(record)
    Reader(verifier.described, {REGION: frozenset(SERVERS)}).read(seen)
    return {finding.check: finding for finding in examine(CHECKS, seen)}


def running(stack: Stack) -> list[str]:
    """Name what runs in EC2."""
    reported = stack.control.state()["ec2Instances"]
    return [each["InstanceId"] for each in reported if each["State"]["Name"] not in {"terminated", "shutting-down"}]


def jobs(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.control.state()["jobs"]
    return found


def once_launching(stack: Stack, *actions: Callable[[], None]) -> list[Callable[[], None]]:
    """Give pauses: the first one waits until DRS launches, and each does one of the actions then."""

    def launching() -> None:
        read_until(lambda: {"jobs": jobs(stack)}, lambda reported: reported["jobs"], PATIENCE_SECONDS)

    def first() -> None:
        launching()
        actions[0]()

    return [first, *actions[1:]]


def stop() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_a_drill_sees_what_drs_does_and_leaves_nothing(stack: Stack, verifier: Verifier) -> None:
    drill, record = drilled(verifier)
    found = judged(verifier, record)
    assert drill.trouble is None
    assert record.left == {}
    assert running(stack) == []
    assert [name for name, finding in found.items() if finding.verdict is Verdict.DIFFERS] == []
    assert {name for name, finding in found.items() if finding.verdict is Verdict.HOLDS} >= {
        *("drs-job-ends", "drs-job-words", "drs-job-tags", "drs-job-shows", "drs-launched-is-final"),
        *("drs-initiated-by", "drs-launch-time", "drs-launch-end-names", "drs-log-names-server", "drs-log-phases"),
        *("drs-log-stays", "drs-source-signals", "drs-times", "drs-requests", "drs-unknown-ids", "ec2-unknown-ids"),
        *("drs-quotas", "drs-instance-by-job", "drs-instance-is-ec2", "drs-is-drill", "drs-failback-fresh"),
        *("drs-point-in-time", "drs-two-looks", "drs-terminate-names", "drs-terminate-shows", "drs-terminate-ends-ec2"),
        *("drs-terminate-refuses", "drs-snapshot-order", "drs-replication-direction"),
    }
    (execution,) = stack.api("GET", "/executions").json["items"]
    assert (execution["mode"], execution["executionId"]) == ("DRILL", record.execution_id)
    assert execution["termination"]["status"] == "COMPLETED"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_service_that_promises_no_more_than_it_must_is_no_difference(
    stack: Stack, verifier: Verifier, seed: int
) -> None:
    stack.control.put_manners(seed=seed, delaySeconds=0.4)
    drill, record = drilled(verifier)
    found = judged(verifier, record)
    reported = {name: finding.seen for name, finding in found.items() if finding.verdict is Verdict.DIFFERS}
    assert reported == {}, stack.control.manners()
    assert drill.trouble is None
    assert running(stack) == []


OMITTED = {
    "drs-is-drill": "RecoveryInstance.isDrill",
    "drs-point-in-time": "RecoveryInstance.pointInTimeSnapshotDateTime",
    "drs-replication-direction": "SourceServer.replicationDirection",
    "drs-launch-end-names": "JobLogEventData.targetInstanceID",
}


@pytest.mark.parametrize("check", OMITTED)
def test_a_member_that_the_service_leaves_out_differs(stack: Stack, verifier: Verifier, check: str) -> None:
    stack.control.put_manners(seed=1, staleReads=0, delaySeconds=0, omit=[OMITTED[check]], ordered=True)
    _, record = drilled(verifier)
    found = judged(verifier, record)
    assert {name for name, finding in found.items() if finding.verdict is Verdict.DIFFERS} == {check}
    assert running(stack) == []


def test_a_launch_that_fails_is_seen_and_the_rest_is_ended(stack: Stack, verifier: Verifier) -> None:
    stack.put_servers(SERVERS[:1], launchResult="FAILED", rawError="InsufficientInstanceCapacity: none is left")
    _, record = drilled(verifier)
    assert judged(verifier, record)["drs-failed-is-told"].verdict is Verdict.HOLDS
    assert running(stack) == []


def test_post_launch_actions_are_seen_to_end_before_the_job(stack: Stack, verifier: Verifier) -> None:
    stack.put_servers(SERVERS, launchActions=[{"name": "validate", "seconds": 5}])
    _, record = drilled(verifier)
    assert judged(verifier, record)["drs-completed-after-actions"].verdict is Verdict.HOLDS
    assert running(stack) == []


def test_the_instance_of_an_earlier_drill_is_seen_to_go(stack: Stack, verifier: Verifier) -> None:
    stack.ended(stack.start(PLAN))
    earlier = {
        item["recoveryInstanceID"]: item["sourceServerID"] for item in stack.control.state()["recoveryInstances"]
    }
    watcher = verifier.watcher(SERVERS)
    watcher.record.earlier = earlier
    with Interrupts(verifier.reported.append) as interrupts:
        Drill(verifier.described, verifier.api, PLAN["planId"], watcher, verifier.around(interrupts)).run()
    assert judged(verifier, watcher.record)["drs-replaces"].verdict is Verdict.HOLDS
    assert running(stack) == []


def test_ctrl_c_in_a_launch_ends_what_it_launches(stack: Stack, verifier: Verifier) -> None:
    stack.put_servers(SERVERS, launchSeconds=1)
    verifier.pauses = once_launching(stack, stop)
    record = interrupted(verifier)
    assert [job["type"] for job in jobs(stack)] == ["LAUNCH", "TERMINATE"]
    assert record.left == {}
    assert running(stack) == []
    assert stack.get(str(record.execution_id))["status"] in {"CANCELLED", "COMPLETED", "PARTIAL_SUCCESS"}


def test_a_second_ctrl_c_is_told_what_goes_on(stack: Stack, verifier: Verifier) -> None:
    stack.put_servers(SERVERS, launchSeconds=1)
    verifier.pauses = once_launching(stack, stop, stop)
    interrupted(verifier)
    assert any("goes on" in line for line in verifier.reported)
    assert running(stack) == []


def test_who_insists_leaves_instances_and_is_told_which(stack: Stack, verifier: Verifier) -> None:
    # What the last look did not show yet cannot be named.
    stack.control.put_manners(delaySeconds=0)

    def once_launched(request: httpx.Request) -> None:
        if request.url.path.endswith(("/terminate", "/cancel")):
            stop()
            stop()

    verifier.transport.before = once_launched
    record = interrupted(verifier)
    assert set(record.left) == set(running(stack)) != set()
    assert set(record.left.values()) == {"left, as somebody insisted"}


def test_a_signal_to_end_is_obeyed_as_ctrl_c_is(stack: Stack, verifier: Verifier) -> None:
    verifier.pauses = once_launching(stack, lambda: os.kill(os.getpid(), signal.SIGTERM))
    interrupted(verifier)
    assert running(stack) == []


def test_an_error_of_this_tool_ends_what_was_launched(stack: Stack, verifier: Verifier) -> None:
    def wrong() -> None:
        raise ZeroDivisionError

    verifier.pauses = once_launching(stack, wrong)
    with pytest.raises(ZeroDivisionError):
        drilled(verifier)
    assert running(stack) == []
    assert {job["type"] for job in jobs(stack)} == {"LAUNCH", "TERMINATE"}


def test_a_start_whose_answer_is_lost_is_found_and_ended(stack: Stack, verifier: Verifier) -> None:
    def answer_lost(request: httpx.Request) -> None:
        if request.url.path == "/drills":
            verifier.transport.before = lambda _request: None
            verifier.transport.handle_request(request)
            verifier.transport.before = cut_off
            raise httpx.ReadTimeout("no answer", request=request)

    def cut_off(request: httpx.Request) -> None:
        if request.url.path == "/drills":
            raise httpx.ReadTimeout("no answer", request=request)

    verifier.transport.before = answer_lost
    drill, record = drilled(verifier)
    assert drill.trouble is not None
    assert record.execution_id is not None
    assert record.left == {}
    assert running(stack) == []


def test_a_start_that_is_refused_leaves_nothing_to_end(stack: Stack, verifier: Verifier) -> None:
    recovery = stack.start(PLAN, "recoveries")
    drill, record = drilled(verifier)
    assert "PLAN_BUSY" in str(drill.trouble and drill.trouble.code)
    assert record.execution_id is None
    assert record.terminate_asked_at is None
    assert stack.ended(recovery)["status"] == "COMPLETED"
    assert [job["type"] for job in jobs(stack)] == ["LAUNCH"]


def test_what_the_product_does_not_end_drs_is_asked_to_end(stack: Stack, verifier: Verifier) -> None:
    """The API answers nothing once the drill runs: what it launched is ended all the same."""

    def silent(request: httpx.Request) -> None:
        if verifier.stack.control.state()["recoveryInstances"]:
            verifier.stack.clock.forward(STEP_SECONDS)
            raise httpx.ConnectError("nobody there", request=request)

    verifier.transport.before = silent
    drill, record = drilled(verifier)
    assert drill.trouble is not None
    assert any("by DRS itself" in line for line in verifier.reported)
    assert record.left == {}
    assert running(stack) == []


def test_an_instance_of_a_recovery_is_never_ended(stack: Stack, verifier: Verifier) -> None:
    """Somebody recovers a server of the plan while its drill is being ended by DRS itself."""
    found: list[str] = []

    def silent(request: httpx.Request) -> None:
        launched = stack.control.state()["recoveryInstances"]
        if launched and not found:
            recovered = recover(stack, SERVERS[0])
            found.append(recovered)
        if launched:
            stack.clock.forward(STEP_SECONDS)
            raise httpx.ConnectError("nobody there", request=request)

    verifier.transport.before = silent
    _, record = drilled(verifier)
    assert running(stack) == found
    assert found[0] not in {
        name
        for call in stack.control.calls("TerminateRecoveryInstances")
        for name in call["parameters"]["recoveryInstanceIDs"]
    }
    assert found[0] not in record.left


def recover(stack: Stack, name: str) -> str:
    """Recover a server by DRS's own console, and wait for its instance."""
    drs = Verifier(stack, os.environ["AWS_ENDPOINT_URL_DRS"]).described.client("drs")
    while any(job["status"] != "COMPLETED" for job in jobs(stack)):
        stack.clock.forward(1)
    job_id = drs.start_recovery(sourceServers=[{"sourceServerID": name}], isDrill=False)["job"]["jobID"]
    stack.clock.forward(5)
    reported = stack.control.state()["recoveryInstances"]
    return next(str(item["recoveryInstanceID"]) for item in reported if item["jobID"] == job_id)


def test_what_cannot_be_ended_is_named(stack: Stack, verifier: Verifier) -> None:
    def keep(request: httpx.Request) -> None:
        if request.url.path.endswith("/terminate"):
            for item in stack.control.state()["recoveryInstances"]:
                stack.control.instance(item["recoveryInstanceID"], terminable=False)

    def hasten() -> None:
        stack.clock.forward(30)

    verifier.transport.before = keep
    verifier.pauses = [*([lambda: None] * 20), *([hasten] * 200)]
    _, record = drilled(verifier)
    assert (
        set(record.left)
        == set(running(stack))
        == {item["recoveryInstanceID"] for item in stack.control.state()["recoveryInstances"]}
    )
    assert all("Conflict" in reason for reason in record.left.values())


def test_servers_of_other_drills_are_none_of_its_business(stack: Stack, verifier: Verifier) -> None:
    other = plan(wave("other", 8), plan_id="other")
    stack.put_servers([server(8)])
    stack.ended(stack.start(other))
    before: Callable[[], list[str]] = lambda: running(stack)  # noqa: E731  reads better where it is used
    theirs = before()
    drilled(verifier)
    assert running(stack) == theirs
