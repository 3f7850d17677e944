"""Terminating what an execution launched."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from tests.support.plans import all_terminated, plan, server, servers_of, three_tier, wave

from wavebreak.aws.drs import Drs
from wavebreak.aws.ec2 import Ec2
from wavebreak.aws.unrepeated import OutcomeUnknown, Refusal
from wavebreak.site import Place
from wavebreak.store import keys
from wavebreak.timing import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

    from wavebreak.domain.drs import Instance
    from wavebreak.domain.executions.observation import JobView

ONE_WAVE = plan(wave("only", 1, 2))


def named(entries: list[dict[str, Any]]) -> list[str]:
    """Name the instances that a termination left."""
    return sorted(entry["recoveryInstanceId"] for entry in entries)


def instances_of(execution: dict[str, Any]) -> list[str]:
    """Name what an execution launched."""
    return sorted(entry["recoveryInstanceId"] for wave in execution["waves"] for entry in wave["servers"])


def reasons(execution: dict[str, Any]) -> dict[str, str]:
    """Why each instance is left, by its server."""
    termination = execution["termination"]
    return {entry["sourceServerId"]: entry["reason"] for entry in (*termination["remaining"], *termination["unknown"])}


def ended_while_time_passes(stack: Stack, clock: JumpingClock, execution_id: str, seconds: float = 1) -> dict[str, Any]:
    """Wait for the end of a termination, time passing with each look: a minute of the product's is three seconds."""
    for _ in range(400):
        execution = stack.get(execution_id)
        if execution["termination"]["status"] in {"COMPLETED", "INCOMPLETE"}:
            return execution
        time.sleep(0.1)
        clock.forward(seconds)
    raise AssertionError(execution)


def waited_for(
    stack: Stack, clock: JumpingClock, execution_id: str, until: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Read an execution until it is as wanted, time passing with each look."""

    def seen(execution: dict[str, Any]) -> bool:
        clock.forward(0.5)
        return until(execution)

    return stack.wait(execution_id, seen)


def hide(monkeypatch: pytest.MonkeyPatch, looks: int, state: str | None) -> list[str]:
    """Have the first looks at instances show none of them, or in a state that is none; gives each look's Region."""
    original, seen = Drs.shown_instances, list[str]()

    def stale(drs: Drs, source_server_ids: Sequence[str]) -> list[Instance]:
        seen.append(drs.client.meta.region_name)
        shown = original(drs, source_server_ids)
        if len(seen) > looks:
            return shown
        return [replace(each, state=state) for each in shown] if state else []

    monkeypatch.setattr(Drs, "shown_instances", stale)
    return seen


def ec2_has(monkeypatch: pytest.MonkeyPatch, state: str | Exception) -> list[Sequence[str]]:
    """Have EC2 run, or not tell of, whatever it is asked about; gives what it was asked."""
    asked: list[Sequence[str]] = []

    def states(_ec2: Ec2, instance_ids: Sequence[str]) -> dict[str, str]:
        asked.append(instance_ids)
        if isinstance(state, Exception):
            raise state
        return dict.fromkeys(instance_ids, state)

    monkeypatch.setattr(Ec2, "states", states)
    return asked


def test_a_termination_ends_with_no_instance_left_and_frees_plan_and_servers(stack: Stack) -> None:
    stack.put_servers(servers_of(three_tier()))
    started = stack.start(three_tier())
    stack.ended(started)
    assert len(stack.control.state()["recoveryInstances"]) == 4

    answer = stack.api("POST", f"/executions/{started}/terminate", {"reason": "drill is over"})

    assert (answer.status, answer.json["termination"]["status"]) == (202, "IN_PROGRESS")
    cleaned = stack.cleaned_up(started)
    assert cleaned["termination"] == all_terminated(4)
    assert cleaned["instancesTerminated"]
    assert stack.control.state()["recoveryInstances"] == []
    kinds = [event["type"] for event in stack.events(started)]
    assert kinds[-2:] == ["TERMINATION_IN_PROGRESS", "TERMINATION_COMPLETED"]
    stack.wait(started, lambda _: not [item for item in stack.items() if item["sk"] == {"S": "LOCK"}])
    assert stack.ended(stack.start(three_tier()))["status"] == "COMPLETED"


def test_a_termination_asked_for_twice_runs_once(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    stack.ended(started)
    stack.control.fault("TerminateRecoveryInstances", error="ThrottlingException", count=1)

    first = stack.api("POST", f"/executions/{started}/terminate", {})
    second = stack.api("POST", f"/executions/{started}/terminate", {})

    assert (first.status, second.status) == (202, 202)
    busy = stack.api("POST", "/drills", {"planId": ONE_WAVE["planId"]})
    assert (busy.code, busy.json["executionId"]) == ("PLAN_BUSY", started)
    clock.forward(10)
    stack.cleaned_up(started)
    carried_out = [call for call in stack.control.calls("TerminateRecoveryInstances") if call["error"] is None]
    assert len(carried_out) == 1
    assert len(stack.runs("termination")) == 1
    third = stack.api("POST", f"/executions/{started}/terminate", {})
    assert (third.status, third.json["detail"]) == (409, "Instances already terminated")


def test_n42_a_termination_that_drs_refuses_is_incomplete_in_its_words_and_may_be_asked_for_again(
    stack: Stack, clock: JumpingClock
) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    stack.ended(started)
    stack.control.fault("TerminateRecoveryInstances", error="AccessDeniedException", count=1000)
    stack.api("POST", f"/executions/{started}/terminate", {})

    execution = ended_while_time_passes(stack, clock, started)

    assert (execution["termination"]["status"], execution["termination"]["terminated"]) == ("INCOMPLETE", 0)
    assert {entry["reason"].partition(":")[0] for entry in execution["termination"]["remaining"]} == {
        "AccessDeniedException"
    }
    assert named(execution["termination"]["remaining"]) == instances_of(execution)
    assert execution["terminationMetadata"]["canTerminate"]
    assert execution["instancesLeft"] == 2
    assert execution["leftSince"] == execution["endedAt"]
    assert len(stack.control.calls("TerminateRecoveryInstances")) <= 30, "ten a round, three rounds"
    stack.control.clear_faults()
    assert stack.api("POST", f"/executions/{started}/terminate", {}).status == 202
    cleaned = stack.wait(started, lambda seen: seen["termination"]["status"] == "COMPLETED")
    assert (cleaned["instancesLeft"], cleaned["leftSince"]) == (0, None)
    assert stack.control.state()["recoveryInstances"] == []
    assert [run["name"] for run in stack.runs("termination")].count(f"{started}-t2") == 1


def test_a_recovery_is_terminated_only_when_confirmed_by_its_id(stack: Stack) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE, "recoveries")
    assert started.startswith("recovery-")
    stack.ended(started)

    missing = stack.api("POST", f"/executions/{started}/terminate", {})
    wrong = stack.api("POST", f"/executions/{started}/terminate", {"confirm": "drill-x"})

    assert (missing.status, missing.code) == (400, "CONFIRMATION_REQUIRED")
    assert (wrong.status, wrong.code) == (400, "CONFIRMATION_REQUIRED")
    assert stack.control.calls("TerminateRecoveryInstances") == []
    assert stack.api("POST", f"/executions/{started}/terminate", {"confirm": started}).status == 202
    assert stack.cleaned_up(started)["termination"]["status"] == "COMPLETED"
    assert [job["initiatedBy"] for job in stack.control.state()["jobs"] if job["type"] == "LAUNCH"] == [
        "START_RECOVERY"
    ]


def test_other_peoples_instances_are_left_alone(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers([server(1), server(2), server(9)])
    drs = boto3.client("drs")
    drs.start_recovery(sourceServers=[{"sourceServerID": server(9)}], isDrill=True)
    started = stack.start(ONE_WAVE)
    stack.ended(started)
    drs.start_recovery(sourceServers=[{"sourceServerID": server(2)}], isDrill=True)
    stack.wait(started, lambda _: all(job["status"] == "COMPLETED" for job in stack.control.state()["jobs"]))

    stack.api("POST", f"/executions/{started}/terminate", {})

    # One is terminated; the other is gone when two looks a minute apart do not show it, and its server runs anew.
    assert ended_while_time_passes(stack, clock, started)["termination"] == all_terminated(2)
    left = sorted(instance["sourceServerID"] for instance in stack.control.state()["recoveryInstances"])
    assert left == [server(2), server(9)]


def test_one_instance_in_conflict_holds_up_no_other(stack: Stack, clock: JumpingClock) -> None:
    """TerminateRecoveryInstances takes all of a batch or nothing of it: somebody launches server 1 anew meanwhile."""
    document = plan(wave("only", 1, 2, 3, 4))
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    entries = stack.ended(started)["waves"][0]["servers"]
    stack.put_servers([server(1)], launchSeconds=1000)
    boto3.client("drs").start_recovery(sourceServers=[{"sourceServerID": server(1)}], isDrill=True)

    stack.api("POST", f"/executions/{started}/terminate", {})

    seen = stack.wait(started, lambda now: now["termination"]["terminated"] == 3)
    assert seen["termination"]["status"] == "IN_PROGRESS"
    assert named(seen["termination"]["remaining"]) == [entries[0]["recoveryInstanceId"]]
    assert ended_while_time_passes(stack, clock, started)["termination"] == all_terminated(4)
    assert [call["error"] for call in stack.control.calls("TerminateRecoveryInstances")].count(None) <= 2


def test_s3_1_a_region_that_does_not_answer_holds_up_no_other(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan(wave("here", 1), wave("there", 2, region="us-west-2"))
    stack.put_servers([server(1)])
    stack.control.put_source_server(server(2), region="us-west-2")
    started = stack.start(document)
    there = stack.ended(started)["waves"][1]["servers"][0]["recoveryInstanceId"]
    original = Drs.shown_instances

    def cut_off(drs: Drs, source_server_ids: Sequence[str]) -> list[Instance]:
        if drs.client.meta.region_name == "us-west-2":
            raise EndpointConnectionError(endpoint_url="https://drs.us-west-2")
        return original(drs, source_server_ids)

    monkeypatch.setattr(Drs, "shown_instances", cut_off)
    stack.api("POST", f"/executions/{started}/terminate", {})

    seen = stack.wait(started, lambda now: now["termination"]["terminated"] == 1)
    assert seen["termination"]["status"] == "IN_PROGRESS"
    assert seen["termination"]["remaining"] == [
        {"recoveryInstanceId": there, "sourceServerId": server(2), "reason": "DRS does not answer in us-west-2"}
    ]
    assert [one["recoveryInstanceID"] for one in stack.control.state()["recoveryInstances"]] == [there]
    monkeypatch.setattr(Drs, "shown_instances", original)
    clock.forward(10)
    assert stack.cleaned_up(started)["termination"] == all_terminated(2)


def test_a_region_that_refuses_holds_up_no_other(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    document = plan(wave("there", 1, region="us-west-2"), wave("here", 2))
    stack.control.put_source_server(server(1), region="us-west-2")
    stack.put_servers([server(2)])
    started = stack.start(document)
    stack.ended(started)
    original = Drs.terminate

    def throttled(drs: Drs, recovery_instance_ids: Sequence[str]) -> str:
        if drs.client.meta.region_name == "us-west-2":
            raise Refusal("ThrottlingException", "slower", status=429)
        return original(drs, recovery_instance_ids)

    monkeypatch.setattr(Drs, "terminate", throttled)
    stack.api("POST", f"/executions/{started}/terminate", {})

    stack.wait(started, lambda now: now["termination"]["terminated"] == 1)
    left = [one["sourceServerID"] for one in stack.control.state()["recoveryInstances"]]
    assert left == [server(1)]


# ---------------------------------------------------------------- what DRS and EC2 show, and what it proves


@pytest.mark.parametrize("state", [None, "NOT_FOUND"])
def test_a3_first_looks_that_show_nothing_do_not_end_a_termination(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch, state: str | None
) -> None:
    document = plan(wave("only", 1, 2), wave("next", 3))
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    stack.ended(started)
    looks = hide(monkeypatch, 3, state)

    stack.api("POST", f"/executions/{started}/terminate", {})
    stack.wait(started, lambda _: len(looks) > 3)

    assert ended_while_time_passes(stack, clock, started)["termination"] == all_terminated(3)
    assert stack.control.state()["recoveryInstances"] == []


def test_a3_what_stays_hidden_and_runs_in_ec2_is_named_and_found_by_the_next_termination(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    launched = instances_of(stack.ended(started))
    with monkeypatch.context() as hidden:
        hide(hidden, 10_000, None)
        ec2_has(hidden, "running")
        stack.api("POST", f"/executions/{started}/terminate", {})
        execution = ended_while_time_passes(stack, clock, started)
    assert (execution["termination"]["status"], named(execution["termination"]["unknown"])) == ("INCOMPLETE", launched)
    assert execution["termination"]["remaining"] == []
    assert stack.control.calls("TerminateRecoveryInstances") == []

    assert stack.api("POST", f"/executions/{started}/terminate", {}).status == 202
    stack.wait(started, lambda seen: seen["termination"]["status"] == "COMPLETED")
    assert stack.control.state()["recoveryInstances"] == []


def test_t10_what_was_disconnected_from_drs_is_unknown_until_ec2_has_ended_it(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    entries = {entry["sourceServerId"]: entry for entry in stack.ended(started)["waves"][0]["servers"]}
    lost = entries[server(2)]["recoveryInstanceId"]
    original = Drs.shown_instances

    def forgotten(drs: Drs, source_server_ids: Sequence[str]) -> list[Instance]:
        return [each for each in original(drs, source_server_ids) if each.recovery_instance_id != lost]

    monkeypatch.setattr(Drs, "shown_instances", forgotten)
    with monkeypatch.context() as running:
        asked = ec2_has(running, "running")
        stack.api("POST", f"/executions/{started}/terminate", {})
        execution = ended_while_time_passes(stack, clock, started)

    assert asked == [[lost]], "EC2 is asked for what DRS no longer shows, and for nothing else"
    assert execution["termination"] == {
        "status": "INCOMPLETE",
        "terminated": 1,
        "remaining": [],
        "unknown": [
            {
                "recoveryInstanceId": lost,
                "sourceServerId": server(2),
                "reason": "DRS no longer shows it, and EC2 has it running: end it in EC2 if nobody needs it",
            }
        ],
    }
    assert (execution["instancesTerminated"], execution["instancesLeft"]) == (False, 1)
    ec2_has(monkeypatch, "terminated")
    assert stack.api("POST", f"/executions/{started}/terminate", {}).status == 202
    assert ended_while_time_passes(stack, clock, started)["termination"] == all_terminated(2)


def test_t10_while_ec2_does_not_answer_nothing_is_called_terminated(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    stack.ended(started)
    hide(monkeypatch, 10_000, None)
    with monkeypatch.context() as away:
        asked = ec2_has(away, EndpointConnectionError(endpoint_url="https://ec2"))
        stack.api("POST", f"/executions/{started}/terminate", {})
        waited_for(stack, clock, started, lambda _: len(asked) > 2)
        seen = stack.get(started)["termination"]
    assert (seen["status"], seen["terminated"]) == ("IN_PROGRESS", 0)
    assert {entry["reason"] for entry in seen["remaining"]} == {"DRS no longer shows it, and EC2 does not answer"}
    # EC2, which moto plays here, does not know them: somebody ended them long ago.
    assert stack.cleaned_up(started)["termination"] == all_terminated(2)


def test_t10_what_ec2_may_not_tell_us_is_unknown_in_its_words(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    stack.ended(started)
    hide(monkeypatch, 10_000, None)
    error = {"Error": {"Code": "UnauthorizedOperation", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    ec2_has(monkeypatch, ClientError(error, "DescribeInstances"))  # type: ignore[arg-type]  # as botocore makes it
    stack.api("POST", f"/executions/{started}/terminate", {})
    execution = ended_while_time_passes(stack, clock, started)
    assert execution["termination"]["status"] == "INCOMPLETE"
    assert set(reasons(execution).values()) == {
        "DRS no longer shows it, and EC2 does not tell what became of it: UnauthorizedOperation: no"
    }


def test_an_instance_that_no_job_named_is_learnt_and_terminated(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As real jobs mostly are: participating servers have their launchStatus, and no recoveryInstanceID."""
    original = Drs.jobs

    def nameless(drs: Drs, job_ids: Sequence[str]) -> tuple[dict[str, JobView], frozenset[str]]:
        views, missing = original(drs, job_ids)
        return {
            job_id: replace(
                view, servers={name: replace(seen, recovery_instance_id=None) for name, seen in view.servers.items()}
            )
            for job_id, view in views.items()
        }, missing

    monkeypatch.setattr(Drs, "jobs", nameless)
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    stack.ended(started)

    stack.api("POST", f"/executions/{started}/terminate", {})

    execution = ended_while_time_passes(stack, clock, started)
    assert execution["termination"] == all_terminated(2)
    assert all(entry["recoveryInstanceId"] for entry in execution["waves"][0]["servers"])
    assert stack.control.state()["recoveryInstances"] == []


# ---------------------------------------------------------------- what is not for us to terminate


def test_t8_an_instance_in_failback_is_never_terminated(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    stack.ended(started)
    original = Drs.shown_instances

    def failing_back(drs: Drs, source_server_ids: Sequence[str]) -> list[Instance]:
        return [
            replace(each, failback="FAILBACK_COMPLETED") if each.source_server_id == server(1) else each
            for each in original(drs, source_server_ids)
        ]

    monkeypatch.setattr(Drs, "shown_instances", failing_back)
    stack.api("POST", f"/executions/{started}/terminate", {})
    execution = ended_while_time_passes(stack, clock, started)
    assert reasons(execution) == {server(1): "Its failback is FAILBACK_COMPLETED: end or disconnect it in DRS"}
    assert (execution["termination"]["status"], execution["termination"]["terminated"]) == ("INCOMPLETE", 1)
    assert [one["sourceServerID"] for one in stack.control.state()["recoveryInstances"]] == [server(1)]


def test_t7_what_was_launched_into_is_never_terminated_and_each_server_is_asked_once(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan(wave("only", 1, 2, 3))
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    stack.ended(started)
    asked: list[str] = []

    def launches_into(_drs: Drs, source_server_id: str) -> bool:
        asked.append(source_server_id)
        if source_server_id == server(2) and len(asked) <= 3:
            raise EndpointConnectionError(endpoint_url="https://drs")
        return source_server_id == server(1)

    monkeypatch.setattr(Drs, "launches_into", launches_into)
    stack.api("POST", f"/executions/{started}/terminate", {})
    seen = stack.wait(started, lambda now: now["termination"]["terminated"] == 1)
    assert reasons(seen)[server(2)] == "DRS does not tell whether it existed before (GetLaunchConfiguration)"
    execution = ended_while_time_passes(stack, clock, started)
    assert reasons(execution) == {
        server(1): "It existed before and was launched into (launchInto): end or disconnect it in DRS"
    }
    assert (execution["termination"]["status"], execution["termination"]["terminated"]) == ("INCOMPLETE", 2)
    assert sorted(asked) == [server(1), server(2), server(2), server(3)]
    (left,) = stack.control.state()["recoveryInstances"]
    assert left["sourceServerID"] == server(1)
    called = {
        name
        for call in stack.control.calls("TerminateRecoveryInstances")
        for name in call["parameters"]["recoveryInstanceIDs"]
    }
    assert left["recoveryInstanceID"] not in called


def test_what_a_recovery_holds_by_now_is_left_alone_and_named(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    stack.ended(started)
    recovery = stack.start(plan(wave("theirs", 9, requiresApproval=True), plan_id="theirs"), "recoveries")
    # As a recovery that preempts a drill takes over the lock of a server while the drill's termination runs.
    stack.control.fault("DescribeRecoveryInstances", delaySeconds=1, count=1)
    stack.api("POST", f"/executions/{started}/terminate", {})
    stack.app().locks.table.put_many([_lock(server(1), recovery, clock)])

    execution = ended_while_time_passes(stack, clock, started)

    assert reasons(execution) == {server(1): f"held by {recovery}"}
    assert (execution["termination"]["status"], execution["termination"]["terminated"]) == ("INCOMPLETE", 1)
    assert [one["sourceServerID"] for one in stack.control.state()["recoveryInstances"]] == [server(1)]
    (lock,) = [item for item in stack.items_of(keys.LOCK) if server(1) in item["pk"]["S"]]
    assert lock["executionId"]["S"] == recovery, "the end gives back its own locks and no other's"


def _lock(source_server_id: str, execution_id: str, clock: JumpingClock) -> dict[str, Any]:
    pk = keys.server(Place(), source_server_id)
    return {"pk": pk, "sk": keys.LOCK, "executionId": execution_id, "takenAt": iso(clock.now()), "version": 1}


# ---------------------------------------------------------------- one instance's trouble stays its own


def test_t2_two_of_twenty_in_conflict_hold_up_no_other(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan(wave("only", *range(1, 21)))
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    entries = stack.ended(started)["waves"][0]["servers"]
    bad = {entry["recoveryInstanceId"] for entry in entries if entry["sourceServerId"] in {server(1), server(2)}}
    original = Drs.terminate

    def conflicting(drs: Drs, recovery_instance_ids: Sequence[str]) -> str:
        if bad & set(recovery_instance_ids):
            raise Refusal("ConflictException", "not ready", status=409)
        return original(drs, recovery_instance_ids)

    monkeypatch.setattr(Drs, "terminate", conflicting)
    stack.api("POST", f"/executions/{started}/terminate", {})

    seen = stack.wait(started, lambda now: now["termination"]["terminated"] == 18)
    assert (seen["termination"]["status"], set(reasons(seen))) == ("IN_PROGRESS", {server(1), server(2)})
    assert set(reasons(seen).values()) == {"ConflictException: not ready"}
    execution = ended_while_time_passes(stack, clock, started, 8)
    assert (execution["termination"]["status"], execution["termination"]["terminated"]) == ("INCOMPLETE", 18)
    assert set(named(execution["termination"]["remaining"])) == bad


def test_n21_a_fault_of_drs_for_one_leaves_it_alone(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan(wave("only", *range(1, 21)))
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    entries = stack.ended(started)["waves"][0]["servers"]
    bad = next(entry["recoveryInstanceId"] for entry in entries if entry["sourceServerId"] == server(7))
    original, sizes = Drs.terminate, list[int]()

    def faulty(drs: Drs, recovery_instance_ids: Sequence[str]) -> str:
        sizes.append(len(recovery_instance_ids))
        if bad in recovery_instance_ids:
            raise OutcomeUnknown("InternalServerException (500)")
        return original(drs, recovery_instance_ids)

    monkeypatch.setattr(Drs, "terminate", faulty)
    stack.api("POST", f"/executions/{started}/terminate", {})
    waited_for(stack, clock, started, lambda now: now["termination"]["terminated"] == 19)
    assert len(sizes) <= 12
    execution = ended_while_time_passes(stack, clock, started, 8)
    assert reasons(execution) == {server(7): "InternalServerException (500)"}
    assert len(stack.control.state()["recoveryInstances"]) == 1
