"""The DRS adapter against the simulator, which checks every request and answer against the service model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber
from tests.support.manners import manners
from tests.support.plans import server
from tests.support.simulated import LATE_SECONDS, UNHURRIED
from tests.support.stored_executions import AT, execution_id

from drs_simulator.client import SimulatorControl
from drs_simulator.clockwork.clock import ManualClock
from drs_simulator.http.server import SimulatorServer
from wavebreak.aws.drs import Drs
from wavebreak.aws.unrepeated import CallRejectedError, OutcomeUnknownError
from wavebreak.domain.executions.launching.launch_tags import job_tags
from wavebreak.domain.executions.model.jobs import Job, JobState
from wavebreak.domain.executions.model.servers import LaunchStatus, Server
from wavebreak.timing import parse_iso

if TYPE_CHECKING:
    from collections.abc import Iterator

EXECUTION = execution_id(1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(AT)


@pytest.fixture
def simulator(clock: ManualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(clock=clock, timing=UNHURRIED, manners=manners()) as running:
        yield running


@pytest.fixture
def control(simulator: SimulatorServer) -> SimulatorControl:
    return SimulatorControl(simulator.url)


@pytest.fixture
def drs(simulator: SimulatorServer) -> Iterator[Drs]:
    once = Config(retries={"mode": "standard", "total_max_attempts": 1})
    client = boto3.client(
        "drs",
        endpoint_url=simulator.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=once,
    )
    yield Drs(client, client)
    client.close()


def _job(number: int = 1, *servers: int) -> Job:
    return Job(1, 1, number, tuple(server(each) for each in servers), JobState.INTENDED, AT, AT)


def _servers(*numbers: int) -> list[Server]:
    return [Server(server(number)) for number in numbers]


def test_a_launch_is_followed_from_start_to_end(drs: Drs, control: SimulatorControl, clock: ManualClock) -> None:
    control.put_source_server(server(1))
    control.put_source_server(server(2), launchResult="FAILED")
    job_id = drs.start_recovery(_servers(1, 2), is_drill=True, tags=job_tags(EXECUTION, _job()))

    clock.advance(LATE_SECONDS)
    views, missing = drs.jobs([job_id, "drsjob-00000000000000000"])

    assert missing == {"drsjob-00000000000000000"}
    assert not views[job_id].completed
    clock.advance(120)
    view = drs.jobs([job_id])[0][job_id]
    assert view.completed
    launched, failed = view.servers[server(1)], view.servers[server(2)]
    assert (launched.launch_status, failed.launch_status) == (LaunchStatus.LAUNCHED, LaunchStatus.FAILED)
    assert (failed.recovery_instance_id, launched.actions_running) == (None, False)
    (instance,) = drs.instances([server(1), server(2)])
    assert instance.job_id == job_id
    assert launched.recovery_instance_id in {None, instance.recovery_instance_id}, "jobs seldom name it"
    assert drs.job_log(job_id).failures == {server(2): "LAUNCH_FAILED: The instance did not pass its checks"}
    assert instance.snapshot_at is not None


def test_a_launch_is_found_by_its_tags_and_no_other(drs: Drs, control: SimulatorControl, clock: ManualClock) -> None:
    for number in (1, 2):
        control.put_source_server(server(number))
        drs.start_recovery(_servers(number), is_drill=False, tags=job_tags(EXECUTION, _job(number)))
    clock.advance(LATE_SECONDS)
    before = len(control.calls("DescribeJobs"))
    found = drs.find_launches(EXECUTION, [_job(1), _job(2), _job(3)])

    assert found.keys() == {_job(1).key, _job(2).key}
    assert len({*found.values()}) == 2
    assert len(control.calls("DescribeJobs")) - before == 1
    assert drs.find_launches(execution_id(2), [_job(1)]) == {}
    clock.advance(3600)
    assert drs.find_launches(EXECUTION, [_job(1)]) == {_job(1).key: found[_job(1).key]}


def test_active_jobs_are_those_of_everybody_that_have_not_ended(
    drs: Drs, control: SimulatorControl, clock: ManualClock
) -> None:
    for number in (1, 2):
        control.put_source_server(server(number))
    first = drs.start_recovery(_servers(1), is_drill=True, tags={})
    clock.advance(120)
    second = drs.start_recovery(_servers(2), is_drill=True, tags={"of": "somebody"})

    clock.advance(LATE_SECONDS)
    active = drs.active_jobs(clock.now())

    assert [(job.job_id, job.servers, dict(job.tags)) for job in active] == [
        (second, frozenset({server(2)}), {"of": "somebody"})
    ]
    (instance,) = drs.instances([server(1)])
    terminated = drs.terminate([instance.recovery_instance_id])
    clock.advance(LATE_SECONDS)
    kinds = {job.job_id: job.kind for job in drs.active_jobs(clock.now())}
    assert kinds == {second: "LAUNCH", terminated: "TERMINATE"}
    clock.advance(120)
    assert drs.active_jobs(clock.now()) == []
    assert drs.instances([server(1)]) == []
    assert drs.jobs([first])[0][first].completed


def test_lists_longer_than_a_page_are_read_to_their_end(
    drs: Drs, control: SimulatorControl, clock: ManualClock
) -> None:
    numbers = range(1, 251)
    for number in numbers:
        control.put_source_server(server(number))
    for start in (1, 101, 201):
        drs.start_recovery(_servers(*range(start, min(start + 100, 251))), is_drill=True, tags={})
    clock.advance(120)

    assert len(drs.source_servers([server(number) for number in range(1, 260)])) == 250
    assert len(drs.instances([server(number) for number in numbers])) == 250


@pytest.mark.parametrize(
    ("fault", "retryable", "concerns_a_server"),
    [
        ({"error": "ThrottlingException"}, True, False),
        ({"error": "ConflictException"}, True, False),
        ({"error": "ServiceQuotaExceededException"}, True, False),
        ({"error": "ValidationException"}, False, True),
        ({"error": "AccessDeniedException"}, False, False),
        ({"error": "UninitializedAccountException"}, False, False),
    ],
)
def test_a_modelled_4xx_is_a_refusal(
    drs: Drs, control: SimulatorControl, fault: dict[str, str], *, retryable: bool, concerns_a_server: bool
) -> None:
    control.put_source_server(server(1))
    control.fault("StartRecovery", **fault, count=1)

    with pytest.raises(CallRejectedError) as refused:
        drs.start_recovery(_servers(1), is_drill=True, tags={})

    assert (refused.value.retryable, refused.value.concerns_a_server) == (retryable, concerns_a_server)
    assert refused.value.code == fault["error"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "fault",
    [
        {"error": "InternalServerException"},
        {"httpStatus": 503},
        {"httpStatus": 500},
        {"httpStatus": 403},
        {"httpStatus": 408},
        {"dropConnection": True},
    ],
)
def test_every_other_end_of_a_call_is_an_unknown_outcome_and_the_call_is_not_repeated(
    drs: Drs, control: SimulatorControl, clock: ManualClock, fault: dict[str, object], when: str
) -> None:
    control.put_source_server(server(1))
    control.fault("StartRecovery", **fault, count=1, when=when)

    with pytest.raises(OutcomeUnknownError):
        drs.start_recovery(_servers(1), is_drill=True, tags=job_tags(EXECUTION, _job()))

    assert len(control.calls("StartRecovery")) == 1
    clock.advance(LATE_SECONDS)
    assert bool(drs.find_launches(EXECUTION, [_job()])) == (when == "after")


def test_a_snapshot_is_passed_on(drs: Drs, control: SimulatorControl) -> None:
    control.put_source_server(server(1))
    snapshot = "pit-00000000000000000"
    with pytest.raises(CallRejectedError):
        drs.start_recovery([Server(server(1), snapshot_id=snapshot)], is_drill=True, tags={})

    (call,) = control.calls("StartRecovery")
    assert call["parameters"]["sourceServers"] == [{"sourceServerID": server(1), "recoverySnapshotID": snapshot}]


def test_a_job_that_names_no_source_server_is_read_all_the_same(drs: Drs) -> None:
    """The service model requires of a participating server nothing at all, and of a job its id alone."""
    strange: dict[str, Any] = {
        "jobID": "drsjob-00000000000000001",
        "type": "TERMINATE",
        "status": "STARTED",
        "participatingServers": [{"recoveryInstanceID": "i-11111111111111111"}, {"sourceServerID": server(1)}],
    }
    bare: dict[str, Any] = {"jobID": "drsjob-00000000000000002"}
    with Stubber(drs.client) as reported:
        for _ in range(2):
            reported.add_response("describe_jobs", {"items": [strange, bare]})
        views, _ = drs.jobs([strange["jobID"], bare["jobID"]])
        seen = drs.active_jobs(AT)

    assert [(job.servers, job.instances) for job in seen] == [
        (frozenset({server(1)}), frozenset({"i-11111111111111111"})),
        (frozenset(), frozenset()),
    ]
    assert [(view.completed, list(view.servers)) for view in views.values()] == [(False, [server(1)]), (False, [])]


def _member(number: int, **fields: Any) -> dict[str, Any]:
    return {"sourceServerID": server(number), "launchStatus": "LAUNCHED", **fields}


def _run(status: str, *, optional: bool, **fields: Any) -> dict[str, Any]:
    action = {"name": "http-check", "optional": optional, "actionCode": "AWSMigration-VerifyHTTPResponse"}
    return {"status": status, "action": action, "runId": "r", **fields}


def test_t4_failed_post_launch_actions_are_told_by_their_servers(drs: Drs) -> None:
    failed = _run("FAILED", optional=False, failureReason="HTTP 503")
    members = [
        _member(1, launchActionsStatus={"runs": [failed, _run("SUCCEEDED", optional=False)]}),
        _member(2, launchActionsStatus={"runs": [_run("FAILED", optional=True, failureReason="no matter")]}),
        _member(3, launchActionsStatus={}),
    ]
    job = {"jobID": "drsjob-00000000000000001", "status": "STARTED", "participatingServers": members}
    with Stubber(drs.client) as reported:
        reported.add_response("describe_jobs", {"items": [job]})
        views, _ = drs.jobs(["drsjob-00000000000000001"])
    errors = [view.error for view in views["drsjob-00000000000000001"].servers.values()]
    assert errors == ["Post-launch action http-check failed: HTTP 503", None, None]


def _logged(event: str, number: int, at: int, **data: Any) -> dict[str, Any]:
    moment = f"2026-11-29T03:00:{at:02d}.000Z"
    return {"event": event, "logDateTime": moment, "eventData": {"sourceServerID": server(number), **data}}


def test_t16_the_log_of_a_job_tells_failures_instances_and_older_recovery_points_in_any_order(drs: Drs) -> None:
    items = [
        _logged("LAUNCH_FAILED", 3, 9, rawError="You are not authorized to perform this operation."),
        _logged("LAUNCH_END", 1, 8, targetInstanceID="i-11111111111111111"),
        _logged("CLEANUP_FAIL", 3, 2),
        _logged("CLEANUP_START", 2, 1, targetInstanceID="i-99999999999999999"),
        _logged("USING_PREVIOUS_SNAPSHOT", 2, 3),
        _logged("SERVER_SKIPPED", 4, 3),
        {"event": "JOB_END", "logDateTime": "2026-11-29T03:00:30.000Z"},
    ]
    with Stubber(drs.client) as reported:
        reported.add_response("describe_job_log_items", {"items": items})
        log = drs.job_log("drsjob-00000000000000001")
    assert log.failures == {
        server(3): "LAUNCH_FAILED: You are not authorized to perform this operation.",
        server(4): "SERVER_SKIPPED",
    }
    assert log.instances == {server(1): "i-11111111111111111"}
    assert log.older == {server(2)}
    assert log.reported == {server(1), server(3), server(4)}
    assert log.ended


def test_a_log_without_its_last_item_has_not_ended(drs: Drs) -> None:
    with Stubber(drs.client) as reported:
        reported.add_response("describe_job_log_items", {"items": [_logged("LAUNCH_END", 1, 8)]})
        log = drs.job_log("drsjob-00000000000000001")
    assert log.reported == {server(1)}
    assert not log.ended


def _snapshot(number: int, **fields: Any) -> dict[str, Any]:
    moment = f"2026-11-29T0{number}:00:00Z"
    return {
        "snapshotID": f"pit-{number:017d}",
        "sourceServerID": server(1),
        "expectedTimestamp": moment,
        **({"timestamp": moment} if fields.get("finished", True) else {}),
    }


@pytest.mark.parametrize(
    ("pages", "newest"),
    [
        ([[]], None),
        ([[_snapshot(3, finished=False)]], None),
        ([[_snapshot(3, finished=False), _snapshot(1), _snapshot(2)]], "2026-11-29T02:00:00.000Z"),
        ([[_snapshot(4, finished=False)], [_snapshot(2)]], "2026-11-29T02:00:00.000Z"),
    ],
)
def test_t14_a_snapshot_in_progress_is_none(drs: Drs, pages: list[list[dict[str, Any]]], newest: str | None) -> None:
    with Stubber(drs.client) as reported:
        for number, items in enumerate(pages, start=1):
            more = {"nextToken": str(number)} if number < len(pages) else {}
            reported.add_response("describe_recovery_snapshots", {"items": items, **more})
        assert drs.newest_snapshot(server(1)) == newest


@pytest.mark.parametrize(
    ("pages", "chosen"),
    [
        ([[]], None),
        ([[_snapshot(4), _snapshot(5, finished=False)]], None),
        ([[_snapshot(4), _snapshot(3), _snapshot(1)]], 3),
        ([[_snapshot(1)], [_snapshot(4)], [_snapshot(2), _snapshot(3)]], 3),
        ([[_snapshot(2)], [_snapshot(3, finished=False)]], 2),
    ],
)
def test_4_the_newest_point_before_a_moment_is_found_in_whatever_order_drs_lists_them(
    drs: Drs, pages: list[list[dict[str, Any]]], chosen: int | None
) -> None:
    moment = parse_iso("2026-11-29T03:00:00Z")
    with Stubber(drs.client) as reported:
        for number, items in enumerate(pages, start=1):
            more = {"nextToken": str(number)} if number < len(pages) else {}
            reported.add_response("describe_recovery_snapshots", {"items": items, **more})
        found = drs.newest_point(server(1), moment)
    assert (found and found.at.hour) == chosen


def test_instances_are_shown_with_their_state_and_failback_and_those_that_are_gone_do_not_run(drs: Drs) -> None:
    """The service model requires nothing of an instance: one without a state counts as running."""
    full: dict[str, Any] = {
        "recoveryInstanceID": "i-11111111111111111",
        "sourceServerID": server(1),
        "jobID": "drsjob-00000000000000001",
        "isDrill": True,
        "ec2InstanceState": "RUNNING",
        "failback": {"state": "FAILBACK_IN_PROGRESS"},
    }
    others: list[dict[str, Any]] = [
        {"recoveryInstanceID": f"i-{number}1111111111111111", "sourceServerID": server(number), **fields}
        for number, fields in (
            (2, {"ec2InstanceState": "NOT_FOUND"}),
            (3, {"ec2InstanceState": "TERMINATED"}),
            (4, {"ec2InstanceState": "SHUTTING-DOWN", "failback": {}}),
            (5, {}),
        )
    ]
    with Stubber(drs.client) as reported:
        for _ in range(2):
            reported.add_response("describe_recovery_instances", {"items": [full, *others]})
        shown = drs.every_instance([server(number) for number in range(1, 6)])
        running = drs.instances([server(number) for number in range(1, 6)])

    assert [(each.state, each.failback, each.is_drill, each.job_id) for each in shown] == [
        ("RUNNING", "FAILBACK_IN_PROGRESS", True, "drsjob-00000000000000001"),
        ("NOT_FOUND", None, False, ""),
        ("TERMINATED", None, False, ""),
        ("SHUTTING-DOWN", None, False, ""),
        (None, None, False, ""),
    ]
    assert [each.source_server_id for each in running] == [server(1), server(4), server(5)]


@pytest.mark.parametrize(
    ("properties", "into"),
    [
        ({}, False),
        ({"launchIntoInstanceProperties": {}}, False),
        ({"launchIntoInstanceProperties": {"launchIntoEC2InstanceID": ""}}, False),
        ({"launchIntoInstanceProperties": {"launchIntoEC2InstanceID": "i-0abc1234567890def"}}, True),
    ],
)
def test_a_launch_configuration_tells_whether_a_server_is_launched_into_an_instance(
    drs: Drs, properties: dict[str, Any], into: bool
) -> None:
    with Stubber(drs.client) as reported:
        reported.add_response(
            "get_launch_configuration",
            {"sourceServerID": server(1), **properties},
            {"sourceServerID": server(1)},
        )
        assert drs.launches_into(server(1)) is into
