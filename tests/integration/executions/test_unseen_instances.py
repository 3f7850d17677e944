"""Terminations of instances that DRS does not show, or does not name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.plans import all_terminated, plan, server, servers_of, wave
from tests.support.stack import ended_while_time_passes

from wavebreak.aws.drs import Drs
from wavebreak.aws.ec2.instances import Ec2
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

    from wavebreak.domain.drs import Instance
from tests.support.terminated_drills import ONE_WAVE, instances_of, named, reasons, waited_for

NAMELESS: dict[str, Any] = {
    "staleReads": 0,
    "delaySeconds": 0,
    "ordered": True,
    "events": {"lost": 0, "doubled": 0, "late": 0},
    "omit": {"ParticipatingServer.recoveryInstanceID": 1},
}
"""Manners that leave out the instances of jobs, and nothing else."""


def hide(monkeypatch: pytest.MonkeyPatch, reads: int, state: str | None) -> list[str]:
    """Have the first looks at instances show none of them, or in a state that is none; gives each look's Region."""
    original, seen = Drs.every_instance, list[str]()

    def stale(drs: Drs, source_server_ids: Sequence[str]) -> list[Instance]:
        seen.append(drs.client.meta.region_name)
        shown = original(drs, source_server_ids)
        if len(seen) > reads:
            return shown
        return [replace(each, state=state) for each in shown] if state else []

    monkeypatch.setattr(Drs, "every_instance", stale)
    return seen


def listening_to_ec2(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Give what EC2 is asked about."""
    original = Ec2.states
    asked: list[Sequence[str]] = []

    def states(ec2: Ec2, instance_ids: Sequence[str]) -> dict[str, str]:
        asked.append(instance_ids)
        return original(ec2, instance_ids)

    monkeypatch.setattr(Ec2, "states", states)
    return asked


@pytest.mark.parametrize("state", [None, "NOT_FOUND"])
def test_a3_first_looks_that_show_nothing_do_not_end_a_termination(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch, state: str | None
) -> None:
    document = plan(wave("only", 1, 2), wave("next", 3))
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    stack.ended(started)
    reads = hide(monkeypatch, 3, state)

    stack.api("POST", f"/executions/{started}/terminate", {})
    stack.wait(started, lambda _: len(reads) > 3)

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
    stack.control.forget_record(lost)
    asked = listening_to_ec2(monkeypatch)

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
                "reason": "DRS no longer shows it, and EC2 has it running: end it in EC2 if it is not needed",
            }
        ],
    }
    assert (execution["instancesTerminated"], execution["instancesLeft"]) == (False, 1)
    stack.control.instance(lost, state="TERMINATED")
    assert stack.api("POST", f"/executions/{started}/terminate", {}).status == 202
    assert ended_while_time_passes(stack, clock, started)["termination"] == all_terminated(2)


@pytest.mark.parametrize("fault", [{"httpStatus": 503}, {"error": "RequestLimitExceeded"}, {"dropConnection": True}])
def test_t10_while_ec2_does_not_answer_nothing_is_called_terminated(
    stack: Stack, clock: JumpingClock, fault: dict[str, Any]
) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    for instance in instances_of(stack.ended(started)):
        # Somebody disconnected them from DRS and ended them.
        stack.control.forget_record(instance)
        stack.control.instance(instance, state="TERMINATED")
    stack.control.fault("DescribeInstances", **fault, count=1000)
    stack.api("POST", f"/executions/{started}/terminate", {})
    why = {"DRS no longer shows it, and EC2 does not answer"}

    def asked_repeatedly(execution: dict[str, Any]) -> bool:
        return set(reasons(execution).values()) == why and len(stack.control.calls("DescribeInstances")) > 2

    seen = waited_for(stack, clock, started, asked_repeatedly)["termination"]
    assert (seen["status"], seen["terminated"]) == ("IN_PROGRESS", 0)
    stack.control.clear_faults()
    assert ended_while_time_passes(stack, clock, started)["termination"] == all_terminated(2)


def test_t10_what_ec2_may_not_tell_us_is_unknown_in_its_words(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    for instance in instances_of(stack.ended(started)):
        stack.control.forget_record(instance)
    stack.control.fault("DescribeInstances", error="UnauthorizedOperation", message="no", count=1000)
    stack.api("POST", f"/executions/{started}/terminate", {})
    execution = ended_while_time_passes(stack, clock, started)
    assert execution["termination"]["status"] == "INCOMPLETE"
    assert set(reasons(execution).values()) == {
        "DRS no longer shows it, and EC2 does not report what became of it: UnauthorizedOperation: no"
    }


def test_an_instance_that_no_job_named_is_learnt_and_terminated(stack: Stack, clock: JumpingClock) -> None:
    """As real jobs mostly are: participating servers have their launchStatus, and no recoveryInstanceID."""
    stack.control.put_manners(**NAMELESS)
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    stack.ended(started)

    stack.api("POST", f"/executions/{started}/terminate", {})

    execution = ended_while_time_passes(stack, clock, started)
    assert execution["termination"] == all_terminated(2)
    assert all(entry["recoveryInstanceId"] for entry in execution["waves"][0]["servers"])
    assert stack.control.state()["recoveryInstances"] == []


def test_an_instance_that_only_the_log_of_its_job_names_is_asked_for_in_ec2(stack: Stack, clock: JumpingClock) -> None:
    stack.control.put_manners(**NAMELESS)
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    stack.ended(started)
    launched = {each["recoveryInstanceID"] for each in stack.control.state()["recoveryInstances"]}
    for instance in launched:
        stack.control.forget_record(instance)
    stack.api("POST", f"/executions/{started}/terminate", {})
    execution = ended_while_time_passes(stack, clock, started)
    assert set(named(execution["termination"]["unknown"])) == launched
    assert {text.partition(":")[0] for text in reasons(execution).values()} == {
        "DRS no longer shows it, and EC2 has it running"
    }
