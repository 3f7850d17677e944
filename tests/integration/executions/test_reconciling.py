"""A machine that was never started, died, or has run for long: the execution goes on all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from tests.support.blueprint import machine_arn
from tests.support.eventually import eventually
from tests.support.plans import plan, server, servers_of, wave
from tests.support.stack import TaskTimedOut

from wavebreak.aws.step_functions import Workflow
from wavebreak.domain.executions.machine_runs import Machine

if TYPE_CHECKING:
    import pytest
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

TWO_WAVES = plan(wave("database", 1), wave("web", 2))


def _sweep(stack: Stack) -> int:
    return int(stack.invoke("SweepFunction", {})["restarted"])


def _ended_event(stack: Stack, name: str) -> bool:
    event = {"source": "aws.states", "detail": {"name": name, "status": "FAILED"}}
    return bool(stack.invoke("StateMachineStatusFunction", event)["restarted"])


def _renewed_after_five_rounds(stack: Stack) -> str:
    """Start a run that hands over after five rounds and launches its first server for a minute."""
    stack.blueprint.overrides["RENEW_AFTER_ROUNDS"] = "5"
    stack.renew_apps()
    stack.put_servers(servers_of(TWO_WAVES))
    stack.put_servers([server(1)], launchSeconds=60)
    return stack.start(TWO_WAVES)


def _names(stack: Stack, machine: str = "recovery") -> list[str]:
    return sorted(run["name"] for run in stack.runs(machine))


def _status(stack: Stack, name: str, machine: str = "recovery") -> str:
    return next(str(run["status"]) for run in stack.runs(machine) if run["name"] == name)


def _stop(stack: Stack, name: str, machine: str = "recovery") -> None:
    arn = machine_arn(machine).replace(":stateMachine:", ":execution:") + f":{name}"
    stack.sfn.stop_execution(executionArn=arn)
    eventually(lambda: _status(stack, name, machine), lambda status: status != "RUNNING", seconds=5)


def _fail_start_once(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Workflow.start

    def failing(*_: Any) -> None:
        monkeypatch.setattr(Workflow, "start", original)
        raise ClientError({"Error": {"Code": "ServiceUnavailable", "Message": "no"}}, "StartExecution")

    monkeypatch.setattr(Workflow, "start", failing)


def test_the_sweep_starts_an_execution_whose_machine_was_never_started(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    _fail_start_once(monkeypatch)
    started = stack.start(TWO_WAVES)
    assert (_names(stack), stack.get(started)["status"]) == ([], "PENDING")
    assert _sweep(stack) == 0
    clock.forward(8)

    assert _sweep(stack) == 1

    assert stack.ended(started)["status"] == "COMPLETED"
    assert _names(stack) == [f"{started}-r2"]
    assert _sweep(stack) == 0


def test_the_sweep_starts_a_termination_whose_machine_was_never_started(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    started = stack.start(TWO_WAVES)
    stack.ended(started)
    _fail_start_once(monkeypatch)
    stack.api("POST", f"/executions/{started}/terminate", {})
    assert stack.get(started)["termination"]["status"] == "IN_PROGRESS"
    clock.forward(200)

    assert _sweep(stack) == 1

    assert stack.cleaned_up(started)["termination"]["status"] in {"COMPLETED", "INCOMPLETE"}


def test_the_sweep_restarts_an_execution_whose_machine_was_stopped(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(TWO_WAVES), launchSeconds=60)
    started = stack.start(TWO_WAVES)
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    _stop(stack, started)
    clock.forward(70)
    assert _sweep(stack) == 0
    clock.forward(80)

    assert _sweep(stack) == 1

    stack.wait(started, lambda seen: seen["waves"][1]["jobId"])
    clock.forward(61)
    assert stack.ended(started)["status"] == "COMPLETED"
    assert _names(stack) == [started, f"{started}-r2"]
    assert stack.launched_servers() == servers_of(TWO_WAVES)


def test_a_machine_that_ended_wrongly_is_followed_by_the_next_run_at_once(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(TWO_WAVES), launchSeconds=60)
    started = stack.start(TWO_WAVES)
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    _stop(stack, started)

    assert _ended_event(stack, started)
    assert not _ended_event(stack, started)

    clock.forward(61)
    stack.wait(started, lambda seen: seen["waves"][1]["jobId"])
    clock.forward(61)
    assert stack.ended(started)["status"] == "COMPLETED"
    assert _names(stack) == [started, f"{started}-r2"]
    assert not _ended_event(stack, f"{started}-r2")
    assert not _ended_event(stack, "drill-00000000000000000000000000")


def test_a_termination_whose_machine_ended_wrongly_is_followed_by_the_next_run(
    stack: Stack, clock: JumpingClock
) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    started = stack.start(TWO_WAVES)
    stack.ended(started)
    stack.control.fault("TerminateRecoveryInstances", error="ThrottlingException", count=1)
    stack.api("POST", f"/executions/{started}/terminate", {})
    stack.wait(started, lambda _: stack.control.calls("TerminateRecoveryInstances"))
    _stop(stack, f"{started}-t1", "termination")

    assert _ended_event(stack, f"{started}-t1")

    clock.forward(5)
    assert stack.cleaned_up(started)["termination"]["status"] == "COMPLETED"
    assert _names(stack, "termination") == [f"{started}-t1", f"{started}-t2"]


def test_an_uncaught_error_is_recorded_and_the_execution_taken_up_again(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(TWO_WAVES))
    stack.before["ObserveFunction"] = _raise_once(stack)
    started = stack.start(TWO_WAVES)
    execution = stack.wait(started, lambda seen: seen["lastFailure"])

    assert execution["status"] == "IN_PROGRESS"
    assert execution["lastFailure"]["error"] == "RuntimeError"
    assert "left" in execution["lastFailure"]["cause"]
    assert _ended_event(stack, started)
    clock.forward(10)
    assert stack.ended(started)["status"] == "COMPLETED"
    assert stack.launched_servers() == servers_of(TWO_WAVES)


def _raise_once(stack: Stack) -> Any:
    """Have the second look fail."""
    reads: list[int] = []

    def failing(_event: dict[str, Any]) -> None:
        reads.append(1)
        if len(reads) == 2:
            del stack.before["ObserveFunction"]
            raise RuntimeError('no "disk" left')

    return failing


def test_a_long_run_hands_over_to_successors(stack: Stack, clock: JumpingClock) -> None:
    started = _renewed_after_five_rounds(stack)
    stack.wait(started, lambda _: len(_names(stack)) >= 3)
    clock.forward(61)

    assert stack.ended(started)["status"] == "COMPLETED"
    assert _names(stack)[:3] == [started, f"{started}-r2", f"{started}-r3"]
    stack.wait(started, lambda _: {run["status"] for run in stack.runs("recovery")} == {"SUCCEEDED"})
    assert stack.launched_servers() == servers_of(TWO_WAVES)


def test_a_successor_is_started_though_the_answer_that_told_of_it_was_lost(stack: Stack, clock: JumpingClock) -> None:
    lost: list[Any] = []

    def lose_the_first(answer: dict[str, Any]) -> None:
        if answer["directive"] == "RENEW" and not lost:
            lost.append(answer)
            raise TaskTimedOut

    stack.after["ObserveFunction"] = lose_the_first
    started = _renewed_after_five_rounds(stack)
    stack.wait(started, lambda _: len(_names(stack)) >= 2)
    clock.forward(61)

    assert stack.ended(started)["status"] == "COMPLETED"
    assert lost
    assert _names(stack)[:2] == [started, f"{started}-r2"]
    assert stack.launched_servers() == servers_of(TWO_WAVES)


def test_waves_that_are_started_count_as_rounds_since_they_lengthen_the_history(
    stack: Stack, clock: JumpingClock
) -> None:
    """Ten waves that wait for room under a quota would fill a history long before a thousand looks."""
    three = plan(*(wave(f"w{number}", number, dependsOn=[]) for number in (1, 2, 3)))
    stack.put_servers(servers_of(three), launchSeconds=60)
    rounds: list[int] = []
    stack.before["ObserveFunction"] = lambda event: rounds.append(event["rounds"])
    started = stack.start(three)
    stack.wait(started, lambda _: len(rounds) > 2)

    assert rounds[:3] == [0, 10, 11], "a look is a round, and a wave that is started three"
    stack.wait(started, lambda seen: all(each["jobId"] for each in seen["waves"]))
    clock.forward(61)
    assert stack.ended(started)["status"] == "COMPLETED"


def test_a_failure_that_could_not_be_recorded_is_told_by_the_end_of_the_run(stack: Stack) -> None:
    def last(_event: dict[str, Any]) -> None:
        stack.before.clear()
        raise RuntimeError('no "disk" left')

    stack.put_servers(servers_of(TWO_WAVES))
    stack.before["ObserveFunction"] = _raise_once(stack)
    stack.before["RecordFailureFunction"] = last
    started = stack.start(TWO_WAVES)
    stack.wait(started, lambda _: _status(stack, started) == "FAILED")
    (run,) = stack.runs("recovery")
    ended = stack.sfn.describe_execution(executionArn=run["executionArn"])
    assert ended["error"] == "Wavebreak.FailureNotRecorded"
    assert ended["cause"].startswith("RuntimeError: ")

    detail = {"name": started, "status": "FAILED", "error": ended["error"], "cause": ended["cause"]}
    assert stack.invoke("StateMachineStatusFunction", {"source": "aws.states", "detail": detail})["restarted"]
    found = stack.api("GET", "/errors", query={"category": "WORKFLOW"}).json["items"]
    (reported,) = [error for error in found if error["errorType"] == "Wavebreak.FailureNotRecorded"]
    assert (reported["severity"], reported["service"], reported["executionId"]) == ("ERROR", "RecoveryMachine", started)
    assert "disk" in reported["message"]
    assert stack.ended(started)["status"] == "COMPLETED"


def test_two_runs_of_a_machine_do_not_work_side_by_side(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(TWO_WAVES), launchSeconds=60)
    started = stack.start(TWO_WAVES)
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    app = stack.app("SweepFunction")

    assert app.workflow.start_next(Machine.RECOVERY, started, 1, clock.now())
    assert not app.workflow.start_next(Machine.RECOVERY, started, 1, clock.now())

    stack.wait(started, lambda _: _status(stack, started) == "SUCCEEDED")
    assert _status(stack, f"{started}-r2") == "RUNNING"
    clock.forward(61)
    stack.wait(started, lambda seen: seen["waves"][1]["jobId"])
    clock.forward(61)
    assert stack.ended(started)["status"] == "COMPLETED"
    assert stack.launched_servers() == servers_of(TWO_WAVES)
