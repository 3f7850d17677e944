"""Killed at any write, start, end, termination and deletion leave all of their change or nothing (S3-5, S3-6).

Plans are of 150 servers, so that locks and server items take more than one transaction.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.support.crash_points import each_death
from tests.support.execution_checks import check_trail
from tests.support.plans import plan, server
from tests.support.stored_executions import execution

from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import CancelThen, Execution
from wavebreak.domain.executions.model.jobs import Job, JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus
from wavebreak.store import keys
from wavebreak.store.locks import server_keys
from wavebreak.use_cases import operate_execution, settle_execution
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stack import Stack

    from wavebreak.app import App

SERVERS: Final = 150
EACH: Final = range(1, SERVERS + 1)


def trail_of(app: App, execution_id: str) -> list[dict[str, Any]]:
    return app.executions.events(execution_id, limit=1000, token=None)[0]


def holders(app: App, subject: Execution) -> dict[str, str]:
    """Tell who rightly holds the servers and the plan."""
    now = app.now()
    held = app.locks.server_holders(server_keys(subject), now)
    plan_holder = app.locks.plan_holder(subject.plan_id, now)
    return held | ({"plan": plan_holder} if plan_holder else {})


def all_held(subject: Execution) -> dict[str, str]:
    return dict.fromkeys([*server_keys(subject), "plan"], subject.execution_id)


def test_s3_5_a_start_killed_at_any_write_leaves_an_execution_that_runs_or_nothing(stack: Stack) -> None:
    document = plan(wave_of_all(requiresApproval=True), plan_id="big")
    stack.put_servers([server(number) for number in EACH])
    stack.put_plan(document)
    app = stack.app()
    outcomes = []
    for _death in each_death(lambda: stack.api("POST", "/drills", {"planId": "big"})):
        listed = stack.api("GET", "/executions", query={"limit": "1000"}).json["items"]
        unended = [item for item in listed if item["status"] != "CANCELLED"]
        outcomes.append(len(unended))
        if unended:
            (summary,) = unended
            born = app.executions.load(summary["executionId"]).execution
            assert [len(each.servers) for each in born.waves] == [SERVERS]
            assert [event["type"] for event in trail_of(app, born.execution_id)] == ["EXECUTION_STARTED"]
            stack.clock.forward(61)
            assert holders(app, born) == all_held(born)
            operate_execution.cancel(app, born.execution_id, Attribution("test", app.now()), CancelThen.KEEP)
        else:
            assert not [item for item in stack.items_of(keys.META) if item["status"]["S"] != "CANCELLED"]
            stack.clock.forward(61)
        assert stack.api("DELETE", "/plans/big").status == 204, "nothing holds the plan"
        stack.put_plan(document)
    assert outcomes[:2] == [0, 0]
    assert outcomes[-1] == 1
    assert outcomes == sorted(outcomes), "once it is there it stays there"


def wave_of_all(**settings: Any) -> dict[str, Any]:
    servers = [{"sourceServerId": server(number)} for number in EACH]
    return {"name": "all", "servers": servers, **settings}


@pytest.fixture
def make(stack: Stack) -> Callable[[ExecutionStatus], Execution]:
    """Write executions of 150 launched servers, each new one with servers of its own."""
    numbers = count(1)
    app = stack.app("FinaliseFunction")

    def made(status: ExecutionStatus) -> Execution:
        number, now = next(numbers), app.now()
        begun = replace(execution(number, (SERVERS,), plan_id=f"plan-{number}"), started_at=now)
        (wave,) = begun.waves
        held = app.locks.take(begun, "start", now)
        born = app.executions.create(begun, "{}", Attribution("test", now), {}, held)
        launched = replace(wave, status=WaveStatus.IN_PROGRESS, started_at=now).with_servers(
            lambda each: replace(each, launch_status=LaunchStatus.LAUNCHED, recovery_instance_id=f"i-{number:017d}")
        )
        job = Job(
            1,
            1,
            1,
            tuple(each.source_server_id for each in wave.servers),
            JobState.ENDED,
            now,
            now,
            job_id=f"drsjob-{number:017d}",
        )
        running = replace(born, status=ExecutionStatus.IN_PROGRESS).with_waves([launched]).with_job(job)
        running = app.executions.save(born, running, Attribution("test", now))
        over = running.with_waves([replace(launched, status=WaveStatus.COMPLETED, ended_at=now)])
        running = app.executions.save(running, over, Attribution("test", now))
        if status is ExecutionStatus.IN_PROGRESS:
            return running
        settle_execution.finish(app, running.execution_id)
        return app.executions.load(running.execution_id).execution

    return made


def test_s3_5_an_end_killed_at_any_write_is_written_whole_or_not_at_all(
    stack: Stack, make: Callable[[ExecutionStatus], Execution]
) -> None:
    app = stack.app("FinaliseFunction")
    subject = make(ExecutionStatus.IN_PROGRESS)

    def finish() -> None:
        assert settle_execution.finish(app, subject.execution_id)

    outcomes = []
    for _death in each_death(finish):
        found = app.executions.load(subject.execution_id).execution
        trail = trail_of(app, subject.execution_id)
        check_trail(trail, found)
        outcomes.append(found.status)
        if found.is_terminal:
            assert trail[-1]["type"] == "EXECUTION_COMPLETED"
            stack.clock.forward(61)
            assert holders(app, found) == {}, "a lock never outlives its execution"
            finish()
            assert not stack.app().executions.table.get_many([(pk, keys.LOCK) for pk in server_keys(found)])
            subject = make(ExecutionStatus.IN_PROGRESS)
        else:
            assert holders(app, found) == all_held(found)
    assert outcomes[0] is ExecutionStatus.IN_PROGRESS
    assert set(outcomes[1:]) == {ExecutionStatus.COMPLETED}
    assert len(outcomes) == 6, "the end itself, and the servers' locks in two batches, before and after each"


def test_s3_5_a_termination_killed_at_any_write_is_asked_for_whole_or_not_at_all(
    stack: Stack, make: Callable[[ExecutionStatus], Execution]
) -> None:
    app = stack.app("TerminationFunction")
    subject = make(ExecutionStatus.COMPLETED)

    def terminate() -> None:
        stack.api("POST", f"/executions/{subject.execution_id}/terminate", {})

    outcomes = []
    for _death in each_death(terminate):
        found = app.executions.load(subject.execution_id).execution
        trail = trail_of(app, subject.execution_id)
        check_trail(trail, found)
        outcomes.append(found.termination.status)
        stack.clock.forward(61)
        if found.termination.status is TerminationStatus.IN_PROGRESS:
            assert trail[-1]["type"] == "TERMINATION_IN_PROGRESS"
            assert holders(app, found) == all_held(found)
            stack.clock.forward(240)
            stack.invoke("SweepFunction", {})
            stack.cleaned_up(subject.execution_id)
            subject = make(ExecutionStatus.COMPLETED)
        else:
            assert trail[-1]["type"] == "EXECUTION_COMPLETED"
            assert holders(app, found) == {}
    first = outcomes.index(TerminationStatus.IN_PROGRESS)
    assert set(outcomes[:first]) == {TerminationStatus.NOT_REQUESTED}
    assert set(outcomes[first:]) <= {TerminationStatus.IN_PROGRESS, TerminationStatus.COMPLETED}
    assert first == 9, (
        "the servers' locks in two batches, each first refused for what a call that died had taken, and then the "
        "change, before and after each"
    )


def test_s3_6_a_plan_killed_while_it_is_deleted_is_there_or_gone(stack: Stack) -> None:
    document = plan(wave_of_all(), plan_id="gone")
    stack.put_plan(document)
    present = []
    for _death in each_death(lambda: stack.api("DELETE", "/plans/gone")):
        answer = stack.api("GET", "/plans/gone")
        present.append(answer.status)
        left = [item["sk"]["S"] for item in stack.items() if item["pk"] == {"S": "PLAN#gone"}]
        assert left == (["PLAN", "READINESS#DUE"] if answer.status == 200 else ["LAST_VERSION"])
        if answer.status == 404:
            stack.put_plan(document)
    assert present == [200, 404]
