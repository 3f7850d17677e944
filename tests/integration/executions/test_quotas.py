"""The quotas of DRS: what does not fit waits for room, and is never refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
from tests.support.plans import plan, server, servers_of, wave

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

ONE = plan(wave("only", 1))
NO_ROOM = "Waits for room under the DRS quotas"
ANOTHER_JOB = "Waits for the end of another DRS job of this server"


def waits_of(execution: dict[str, Any]) -> list[str | None]:
    """Give what is told of the servers of the first wave."""
    return [server["error"] for server in execution["waves"][0]["servers"]]


def test_a_wave_of_300_servers_starts_in_jobs_of_100(stack: Stack) -> None:
    document = plan(wave("only", *range(1, 301)))
    stack.put_servers(servers_of(document))

    execution = stack.ended(stack.start(document))

    assert execution["status"] == "COMPLETED"
    calls = stack.control.calls("StartRecovery")
    assert [len(call["parameters"]["sourceServers"]) for call in calls] == [100, 100, 100]
    assert sorted(stack.launched_servers()) == sorted(servers_of(document))
    assert len(execution["waves"][0]["jobIds"]) == 3


def test_a_wave_larger_than_all_jobs_may_hold_goes_on_as_jobs_end(stack: Stack, clock: JumpingClock) -> None:
    quotas = {"jobs": 2, "servers_a_job": 2, "servers_in_jobs": 3}
    stack.applied_quotas.update(quotas)
    stack.control.quotas(concurrentJobs=2, serversPerJob=2, serversInAllJobs=3)
    document = plan(wave("only", *range(1, 6)))
    stack.put_servers(servers_of(document), launchSeconds=20)
    started = stack.start(document)
    seen = stack.wait(started, lambda seen: any(waits_of(seen)))
    assert waits_of(seen) == [None, None, None, NO_ROOM, NO_ROOM]
    assert len(seen["waves"][0]["jobIds"]) == 2
    clock.forward(21)
    stack.wait(started, lambda seen: len(seen["waves"][0]["jobIds"]) == 3)
    clock.forward(21)

    execution = stack.ended(started)

    assert execution["status"] == "COMPLETED"
    assert not any(waits_of(execution))
    calls = stack.control.calls("StartRecovery")
    assert [len(call["parameters"]["sourceServers"]) for call in calls] == [2, 1, 2]
    assert [call["error"] for call in calls] == [None, None, None]


def test_a_wave_waits_while_other_peoples_jobs_fill_the_quota(stack: Stack, clock: JumpingClock) -> None:
    stack.applied_quotas.update(jobs=1)
    stack.control.quotas(concurrentJobs=1)
    stack.put_servers([server(1)])
    stack.put_servers([server(9)], launchSeconds=60)
    boto3.client("drs").start_recovery(sourceServers=[{"sourceServerID": server(9)}])
    stack.everything_shows()
    started = stack.start(ONE)
    stack.wait(started, lambda _: len(stack.control.calls("DescribeJobs")) >= 1)
    clock.forward(10)
    seen = stack.wait(started, lambda _: len(stack.control.calls("DescribeJobs")) >= 2)
    assert (seen["status"], seen["waves"][0]["status"], seen["waves"][0]["jobId"]) == ("IN_PROGRESS",) * 2 + (None,)
    clock.forward(60)

    assert stack.ended(started)["status"] == "COMPLETED"
    assert [call["error"] for call in stack.control.calls("StartRecovery")] == [None, None]


def test_a_quota_that_is_smaller_than_believed_shrinks_the_batch(stack: Stack) -> None:
    stack.control.quotas(serversPerJob=2)
    document = plan(wave("only", *range(1, 5)))
    stack.put_servers(servers_of(document))

    execution = stack.ended(stack.start(document))

    assert execution["status"] == "COMPLETED"
    assert sorted(stack.launched_servers()) == servers_of(document)
    sizes = [len(call["parameters"]["sourceServers"]) for call in stack.control.calls("StartRecovery")]
    assert sizes == [4, 2, 2]


def test_a_server_in_somebody_elses_job_waits_its_turn_and_the_others_do_not(stack: Stack, clock: JumpingClock) -> None:
    document = plan(wave("only", 1, 2))
    stack.put_servers([server(1)], launchSeconds=60)
    stack.put_servers([server(2)])
    boto3.client("drs").start_recovery(sourceServers=[{"sourceServerID": server(1)}], isDrill=True)
    stack.everything_shows()
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][0]["servers"][1]["launchStatus"] == "LAUNCHED")
    seen = stack.wait(started, lambda seen: waits_of(seen)[0])
    assert seen["waves"][0]["servers"][0]["launchStatus"] == "PENDING"
    (job,) = [
        job for job in stack.control.state()["jobs"] if job["initiatedBy"] == "START_DRILL" and not job.get("tags")
    ]
    assert waits_of(seen) == [f"{ANOTHER_JOB} ({job['jobID']})", None]
    clock.forward(61)
    stack.wait(started, lambda seen: len(seen["waves"][0]["jobIds"]) == 2)
    clock.forward(61)

    assert stack.ended(started)["status"] == "COMPLETED"


def test_a_conflict_at_the_call_itself_is_waited_out(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers([server(1)])
    stack.control.fault("StartRecovery", error="ConflictException", count=1)
    started = stack.start(ONE)
    stack.wait(started, lambda _: stack.control.calls("StartRecovery"))
    clock.forward(3)

    assert stack.ended(started)["status"] == "COMPLETED"
    assert len(stack.control.calls("StartRecovery")) == 2


def test_a_server_that_stays_in_conflict_holds_up_no_other_and_says_why(stack: Stack, clock: JumpingClock) -> None:
    """StartRecovery takes all or nothing, and its model knows only ConflictException for a snapshot that is gone."""
    document = plan(wave("only", 1, 2, 3, 4))
    stack.put_servers(servers_of(document))
    started = stack.start(document, snapshots={server(1): "pit-00000000000000000"})

    seen = stack.wait(
        started, lambda now: [s["launchStatus"] for s in now["waves"][0]["servers"]].count("LAUNCHED") == 3
    )

    waiting = seen["waves"][0]["servers"][0]
    assert (waiting["launchStatus"], seen["status"]) == ("PENDING", "IN_PROGRESS")
    assert "pit-00000000000000000" in waiting["error"]
    sizes = [len(call["parameters"]["sourceServers"]) for call in stack.control.calls("StartRecovery")]
    assert sizes[:2] == [4, 3], "DRS names the one in conflict"
    assert set(sizes[2:]) <= {1}, "on a slow machine the one in conflict has been tried again by now, alone"
    clock.forward(3600)
    failed = stack.ended(started)["waves"][0]
    assert failed["status"] == "FAILED"
    assert failed["servers"][0]["error"].startswith("Not started before the wave timed out: DRS refused: Conflict")
    assert stack.launched_servers() == [server(number) for number in (2, 3, 4)]


def test_a_server_that_was_in_conflict_for_a_while_is_started_and_no_longer_says_so(
    stack: Stack, clock: JumpingClock
) -> None:
    document = plan(wave("only", 1, 2))
    stack.put_servers(servers_of(document))
    stack.control.fault("StartRecovery", error="ConflictException", count=2)
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][0]["servers"][1]["launchStatus"] == "LAUNCHED")
    clock.forward(5)

    execution = stack.ended(started)

    assert execution["status"] == "COMPLETED"
    assert [each["error"] for each in execution["waves"][0]["servers"]] == [None, None]
    assert stack.launched_servers() == [server(2), server(1)]
