"""What real DRS jobs do not report: instances are found all the same, and in time for those who need them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.plans import plan, server, servers_of, wave

from wavebreak.aws import parallel_reads
from wavebreak.aws.drs import Drs
from wavebreak.domain.evidence.kept_log import all_unpacked
from wavebreak.domain.executions.observing.launches import JobLog
from wavebreak.store.executions import ExecutionStore, VersionConflictError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.commands import Commands
    from tests.support.stack import Stack

    from wavebreak.domain.drs import Instance
    from wavebreak.domain.executions.model.executions import Execution

TWO_WAVES = plan(wave("database", 1, 2), wave("web", 3))


@pytest.fixture
def silent_jobs(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """Have jobs name no instance, as real ones seldom do."""
    original = Drs._pages

    def pages(drs: Drs, operation: str, **parameters: Any) -> Any:
        for item in original(drs, operation, **parameters):
            members = item.get("participatingServers", ())
            left = [{key: each[key] for key in each if key != "recoveryInstanceID"} for each in members]
            yield {**item, "participatingServers": left} if "participatingServers" in item else item

    monkeypatch.setattr(Drs, "_pages", pages)
    return stack


def hide_instances(monkeypatch: pytest.MonkeyPatch, instance_reads: int) -> list[int]:
    """Have the first looks for instances show none, and no log name one."""
    original = Drs.every_instance
    counted: list[int] = []

    def shown(drs: Drs, ids: Sequence[str]) -> list[Instance]:
        counted.append(len(ids))
        return original(drs, ids) if len(counted) > instance_reads else []

    monkeypatch.setattr(Drs, "every_instance", shown)
    monkeypatch.setattr(Drs, "job_log", lambda _drs, _job_id: JobLog())
    return counted


def instances_of(execution: dict[str, Any]) -> list[str | None]:
    return [each["recoveryInstanceId"] for wave in execution["waves"] for each in wave["servers"]]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a round wait for DRS however busy this machine is: what it tells too late is asked for again."""
    for name in ("_ALL_SILENT_SECONDS", "_BEHIND_THE_FIRST_SECONDS", "_KNOWN_SILENT_SECONDS"):
        monkeypatch.setattr(parallel_reads, name, 20.0)


@pytest.mark.usefixtures("patient")
def test_instances_that_no_job_names_are_learnt_with_one_call_for_each_job(silent_jobs: Stack) -> None:
    stack = silent_jobs
    stack.control.put_manners(delaySeconds=0)  # what shows late is asked for again
    stack.put_servers(servers_of(TWO_WAVES))

    started = stack.start(TWO_WAVES, "recoveries")
    asked_by_the_start = len(stack.control.calls("DescribeRecoveryInstances"))
    execution = stack.ended(started)

    running = {
        each["sourceServerID"]: each["recoveryInstanceID"] for each in stack.control.state()["recoveryInstances"]
    }
    assert instances_of(execution) == [running[server(number)] for number in (1, 2, 3)]
    assert all(each["snapshotAt"] for wave in execution["waves"] for each in wave["servers"])
    # One call for each job that ended, or one for both where they end within one round.
    assert len(stack.control.calls("DescribeRecoveryInstances")) - asked_by_the_start in {1, 2}
    assert len(stack.control.calls("DescribeJobLogItems")) == 2


@pytest.mark.usefixtures("patient")
def test_a_round_that_lost_a_race_has_not_forgotten_what_it_learnt(
    silent_jobs: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = silent_jobs
    stack.control.put_manners(delaySeconds=0)
    save = ExecutionStore.save
    lost: set[tuple[int, int, int]] = set()

    def losing_once(
        store: ExecutionStore, before: Execution, after: Execution, *reported: Any, **more: Any
    ) -> Execution:
        """Lose the race in which a look for the instances of a job is written down, and win the next."""
        read = {job.key for job in after.launch_jobs() if job.instance_reads} - lost
        if read:
            lost.update(read)
            raise VersionConflictError
        return save(store, before, after, *reported, **more)

    monkeypatch.setattr(ExecutionStore, "save", losing_once)
    stack.put_servers(servers_of(TWO_WAVES))
    started = stack.start(TWO_WAVES, "recoveries")
    asked_by_the_start = len(stack.control.calls("DescribeRecoveryInstances"))
    execution = stack.ended(started)

    assert len(lost) == 2
    assert None not in instances_of(execution)
    assert len(stack.control.calls("DescribeRecoveryInstances")) - asked_by_the_start == 2


def test_instances_that_are_shown_late_are_looked_for_until_they_are(
    silent_jobs: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = silent_jobs
    instance_reads = hide_instances(monkeypatch, 3)
    stack.put_servers(servers_of(TWO_WAVES))

    execution = stack.ended(stack.start(TWO_WAVES, "recoveries"))

    assert execution["status"] == "COMPLETED"
    assert None not in instances_of(execution)
    assert len(instance_reads) > 3


def test_an_execution_whose_instances_are_never_shown_ends_all_the_same(
    silent_jobs: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = silent_jobs
    hide_instances(monkeypatch, 1000)
    stack.put_servers(servers_of(TWO_WAVES))
    begun = time.monotonic()

    execution = stack.ended(stack.start(TWO_WAVES, "recoveries"))

    assert execution["status"] == "COMPLETED"
    assert instances_of(execution) == [None, None, None]
    assert time.monotonic() - begun < 20


def test_a_waves_command_reaches_instances_that_are_shown_late(
    silent_jobs: Stack, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = silent_jobs
    hide_instances(monkeypatch, 2)
    after = [{"command": "status", "required": True}]
    document = plan(wave("database", 1, 2, after=after), wave("web", 3, before=after))
    stack.put_servers(servers_of(document))

    execution = stack.ended(stack.start(document, "recoveries"))

    assert execution["status"] == "COMPLETED"
    assert [each["status"] for wave in execution["waves"] for each in wave["steps"]] == ["SUCCEEDED"] * 2
    assert commands is not None


def test_b2_with_post_launch_actions_a_wave_is_over_when_its_job_is(stack: Stack) -> None:
    stack.blueprint.overrides["POST_LAUNCH_ACTIONS"] = "true"
    stack.renew_apps()
    stack.put_servers(servers_of(TWO_WAVES))
    stack.put_servers([server(2)], launchSeconds=2)
    started = stack.start(TWO_WAVES, "recoveries")

    execution = stack.ended(started)

    ends = {job["jobID"]: job["endDateTime"] for job in stack.control.state()["jobs"] if job["type"] == "LAUNCH"}
    assert execution["status"] == "COMPLETED"
    assert execution["waves"][1]["startedAt"] >= ends[execution["waves"][0]["jobId"]]


@pytest.mark.parametrize("seed", [2, 7])
def test_why_servers_failed_is_learnt_from_a_log_that_shows_late(stack: Stack, seed: int) -> None:
    """The job is seen to have ended while its log does not show its last items yet."""
    stack.control.put_manners(seed=seed, delaySeconds=80)
    stack.put_servers([server(1), server(2)], launchResult="FAILED", rawError="InsufficientInstanceCapacity: none left")

    execution = stack.ended(stack.start(plan(wave("database", 1, 2)), "recoveries"))

    reported = [each["error"] for each in execution["waves"][0]["servers"]]
    assert reported == ["LAUNCH_FAILED: InsufficientInstanceCapacity: none left"] * 2
    (log,) = all_unpacked(stack.app().evidence.logs(execution["executionId"])).values()
    events = [item["event"] for item in log]
    assert (events.count("LAUNCH_FAILED"), events.count("JOB_END")) == (2, 1)
