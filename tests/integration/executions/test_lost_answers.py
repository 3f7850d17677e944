"""DRS answers with faults, late or not at all: nothing is launched twice, and every run comes to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.plans import all_terminated, plan, server, servers_of, three_tier, wave
from tests.support.stack import TaskTimedOut

from wavebreak.aws import clients
from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.drs import Drs
from wavebreak.timing import Timing

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

    from wavebreak.site import Site

TWO_WAVES = plan(wave("database", 1, 2), wave("web", 3))
LOST: list[dict[str, Any]] = [{"httpStatus": 500}, {"dropConnection": True}]


@pytest.mark.parametrize("fault", LOST, ids=["500", "connection dropped"])
def test_a_lost_answer_of_start_recovery_launches_nothing_twice(stack: Stack, fault: dict[str, Any]) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    stack.control.fault("StartRecovery", **fault, when="after", count=1)

    execution = stack.ended(stack.start(TWO_WAVES))

    assert execution["status"] == "COMPLETED"
    assert len(stack.control.calls("StartRecovery")) == 2
    assert sorted(stack.launched_servers()) == sorted(servers_of(TWO_WAVES))
    assert [len(each["jobIds"]) for each in execution["waves"]] == [1, 1]


def test_a_call_that_never_arrived_is_made_again_once_it_had_time_to_show_up(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    stack.control.fault("StartRecovery", dropConnection=True, when="before", count=1)
    started = stack.start(TWO_WAVES)
    stack.wait(started, lambda _: len(stack.control.calls("DescribeJobs")) > 1)
    assert len(stack.control.calls("StartRecovery")) == 1
    clock.forward(5)

    assert stack.ended(started)["status"] == "COMPLETED"
    assert stack.launched_servers() == servers_of(TWO_WAVES)


def test_an_outcome_that_could_not_be_looked_up_either_is_settled_later(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers(servers_of(TWO_WAVES), launchSeconds=100)
    stack.control.fault("StartRecovery", httpStatus=500, when="after", count=1)
    original = Drs.find_launches

    def broken(drs: Drs, execution_id: str, jobs: Any) -> dict[tuple[int, int, int], str]:
        monkeypatch.setattr(Drs, "find_launches", original)
        stack.control.fault("DescribeJobs", httpStatus=503, count=3)
        return original(drs, execution_id, jobs)

    monkeypatch.setattr(Drs, "find_launches", broken)
    started = stack.start(TWO_WAVES)
    stack.wait(started, lambda _: len(_errors(stack, "DescribeJobs")) == 3)

    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    clock.forward(101)
    stack.wait(started, lambda seen: seen["waves"][1]["jobId"])
    clock.forward(101)
    assert stack.ended(started)["status"] == "COMPLETED"
    assert stack.launched_servers() == servers_of(TWO_WAVES)


def _errors(stack: Stack, operation: str) -> list[str]:
    return [call["error"] for call in stack.control.calls(operation) if call["error"]]


@pytest.mark.parametrize("fault", LOST, ids=["500", "connection dropped"])
def test_a_lost_answer_of_terminate_is_found_again(stack: Stack, fault: dict[str, Any]) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    started = stack.start(TWO_WAVES)
    stack.ended(started)
    stack.control.fault("TerminateRecoveryInstances", **fault, when="after", count=1)

    stack.api("POST", f"/executions/{started}/terminate", {})

    assert stack.cleaned_up(started)["termination"] == all_terminated(3)
    assert len([job for job in stack.control.state()["jobs"] if job["type"] == "TERMINATE"]) == 1


def test_a_lost_terminate_whose_job_ends_before_it_is_looked_for_is_not_made_again(stack: Stack) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    started = stack.start(TWO_WAVES)
    stack.ended(started)
    stack.control.fault("TerminateRecoveryInstances", dropConnection=True, when="after", count=1)

    def slow_down(_event: dict[str, Any]) -> None:
        if stack.control.calls("TerminateRecoveryInstances"):
            stack.control.fault("DescribeJobs", delaySeconds=0.4, count=1)

    stack.before["TerminateInstancesFunction"] = slow_down
    stack.api("POST", f"/executions/{started}/terminate", {})

    assert stack.cleaned_up(started)["termination"]["status"] == "COMPLETED"
    assert len(stack.control.calls("TerminateRecoveryInstances")) == 1


@pytest.mark.parametrize("error", [{"error": "ThrottlingException"}, {"httpStatus": 500}], ids=["throttled", "500"])
def test_a_recovery_outlives_faults_of_every_read(stack: Stack, clock: JumpingClock, error: dict[str, Any]) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    for operation in ("DescribeJobs", "DescribeSourceServers"):
        stack.control.fault(operation, **error, count=4)
    started = stack.start(TWO_WAVES)
    stack.wait(started, lambda _: len(stack.control.calls("DescribeJobs")) >= 3)
    clock.forward(5)
    stack.wait(started, lambda _: len(stack.control.calls("DescribeSourceServers")) >= 3)
    clock.forward(5)

    assert stack.ended(started)["status"] == "COMPLETED"
    assert stack.launched_servers() == servers_of(TWO_WAVES)

    for operation in ("DescribeJobs", "DescribeRecoveryInstances"):
        stack.control.fault(operation, **error, count=4)
    stack.api("POST", f"/executions/{started}/terminate", {})
    assert stack.cleaned_up(started)["termination"]["status"] == "COMPLETED"
    assert stack.control.state()["recoveryInstances"] == []


def test_a_throttled_start_recovery_is_made_again(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    stack.control.fault("StartRecovery", error="ThrottlingException", count=2)
    started = stack.start(TWO_WAVES)
    stack.wait(started, lambda _: len(_errors(stack, "StartRecovery")) == 1)
    clock.forward(3)
    stack.wait(started, lambda _: len(_errors(stack, "StartRecovery")) == 2)
    clock.forward(3)

    assert stack.ended(started)["status"] == "COMPLETED"
    assert stack.launched_servers() == servers_of(TWO_WAVES)


def test_a_function_killed_between_start_recovery_and_its_record_launches_nothing_twice(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, clock: JumpingClock
) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    _kill_once(monkeypatch, "start_recovery", TaskTimedOut)
    started = stack.start(TWO_WAVES)
    stack.wait(started, lambda _: stack.control.calls("StartRecovery"))
    clock.forward(Timing().start_lease.total_seconds())

    execution = stack.ended(started)

    assert execution["status"] == "COMPLETED"
    assert stack.launched_servers() == servers_of(TWO_WAVES)
    assert len(stack.control.calls("StartRecovery")) == 2


def test_a_function_killed_between_terminate_and_its_record_terminates_nothing_twice(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    started = stack.start(TWO_WAVES)
    stack.ended(started)
    _kill_once(monkeypatch, "terminate", TaskTimedOut)

    stack.api("POST", f"/executions/{started}/terminate", {})

    assert stack.cleaned_up(started)["termination"]["status"] == "COMPLETED"
    assert len([job for job in stack.control.state()["jobs"] if job["type"] == "TERMINATE"]) == 1


def _kill_once(monkeypatch: pytest.MonkeyPatch, name: str, error: type[Exception]) -> None:
    """Have a method of the DRS adapter do its work and then end its caller, once."""
    original = getattr(Drs, name)

    def dying(drs: Drs, *arguments: Any, **options: Any) -> Any:
        original(drs, *arguments, **options)
        monkeypatch.setattr(Drs, name, original)
        raise error("killed")

    monkeypatch.setattr(Drs, name, dying)


def test_an_optional_server_that_drs_does_not_know_never_fails_its_wave(stack: Stack) -> None:
    document = three_tier()
    document["waves"][0]["servers"].append({"sourceServerId": server(9), "impact": "OPTIONAL"})
    stack.put_servers(servers_of(three_tier()))

    execution = stack.ended(stack.start(document))

    assert execution["status"] == "COMPLETED"
    absent = execution["waves"][0]["servers"][2]
    assert (absent["launchStatus"], absent["error"]) == ("FAILED", "DRS knows no source server of this id")
    assert stack.launched_servers() == servers_of(three_tier())


def test_a_critical_server_that_drs_does_not_know_fails_its_wave(stack: Stack) -> None:
    stack.put_servers([server(1), server(3)])

    execution = stack.ended(stack.start(TWO_WAVES))

    assert execution["status"] == "FAILED"
    assert [each["launchStatus"] for each in execution["waves"][0]["servers"]] == ["LAUNCHED", "FAILED"]
    assert stack.launched_servers() == [server(1)]


def test_a_server_that_is_not_recoverable_fails_with_the_reason_of_the_job_log(stack: Stack) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    stack.put_servers([server(2)], recoverable=False)

    execution = stack.ended(stack.start(TWO_WAVES))

    failed = execution["waves"][0]["servers"][1]
    assert (execution["status"], failed["launchStatus"], failed["error"]) == ("FAILED", "FAILED", "SERVER_SKIPPED")


def test_a_validation_error_of_one_server_is_narrowed_down(stack: Stack) -> None:
    document = plan(wave("only", 1, 2, 3, 4))
    stack.put_servers(servers_of(document))
    stack.control.fault("StartRecovery", error="ValidationException", count=2)

    execution = stack.ended(stack.start(document))

    assert execution["status"] == "COMPLETED"
    assert sorted(stack.launched_servers()) == servers_of(document)
    sizes = [len(call["parameters"]["sourceServers"]) for call in stack.control.calls("StartRecovery")]
    assert sizes == [4, 2, 2, 1, 1]


@pytest.mark.parametrize("error", ["AccessDeniedException", "UninitializedAccountException"])
def test_a_missing_permission_or_set_up_fails_the_wave_at_once_and_says_so(stack: Stack, error: str) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    stack.control.fault("DescribeJobs", error=error, count=1)

    execution = stack.ended(stack.start(TWO_WAVES))

    assert [each["status"] for each in execution["waves"]] == ["FAILED", "NOT_STARTED"]
    assert all(error in entry["error"] for entry in execution["waves"][0]["servers"])
    assert stack.control.calls("StartRecovery") == []


def test_an_account_that_can_no_longer_be_reached_fails_its_wave_at_once_and_says_so(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan(wave("here", 1), wave("there", 2, region="us-west-2"))
    stack.put_servers([server(1)], launchSeconds=60)
    stack.put_servers([server(2)], region="us-west-2")
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    original = clients.drs

    def gone(site: Site, **how: bool) -> Any:
        if site.region == "us-west-2":
            raise UnsupportedSiteError("account 1: this stack has no TargetExternalId to assume a role with")
        return original(site, **how)

    monkeypatch.setattr(clients, "drs", gone)
    clock.forward(61)
    execution = stack.ended(started)

    assert [each["status"] for each in execution["waves"]] == ["COMPLETED", "FAILED"]
    failed = execution["waves"][1]["servers"][0]
    assert (failed["launchStatus"], failed["error"]) == (
        "FAILED",
        "Cannot reach DRS: account 1: this stack has no TargetExternalId to assume a role with",
    )
    assert execution["lastFailure"] is None


def test_a_job_that_was_started_by_a_call_that_said_it_was_refused_is_adopted(stack: Stack) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    stack.control.fault("StartRecovery", error="ThrottlingException", when="after", count=1)

    execution = stack.ended(stack.start(TWO_WAVES))

    assert execution["status"] == "COMPLETED"
    assert len(stack.control.calls("StartRecovery")) == 2
    assert sorted(stack.launched_servers()) == sorted(servers_of(TWO_WAVES))
    assert [len(each["jobIds"]) for each in execution["waves"]] == [1, 1]
