"""Contract 12: an automation runs once for each step, to its end, and is stopped by a cancel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.steps import ROLE, RUNBOOK

from wavebreak.domain.steps.runs import StepKind, StepStatus, StopReason
from wavebreak.domain.steps.step_ids import tag_key
from wavebreak.site import Site
from wavebreak.use_cases.steps import watch_automation

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack
    from tests.support.steps import Steps

LOST: list[dict[str, Any]] = [{"httpStatus": 500}, {"dropConnection": True}, {"error": "InternalServerError"}]


def test_an_automation_runs_to_its_end_and_its_outputs_are_kept(stack: Stack, steps: Steps) -> None:
    outputs = {"move.Record": ["a", "b"]}
    stack.control.put_automation(RUNBOOK, seconds=0.3, outputs=outputs)
    given = {"InstanceIds": ("i-1", "i-2"), "Mode": ("DRILL",), "AutomationAssumeRole": (ROLE,)}

    run = steps.ended(steps.automation(parameters=given))

    assert (run.status, run.error) == (StepStatus.SUCCEEDED, None)
    assert json.loads(run.output or "") == outputs
    (started,) = steps.started()
    assert run.automation_execution_id == started["AutomationExecutionId"]
    assert started["Parameters"] == {name: list(values) for name, values in given.items()}
    (call,) = stack.control.calls("StartAutomationExecution")
    assert call["parameters"]["ClientToken"] == run.step_id
    assert call["parameters"]["Tags"] == [{"Key": tag_key(run.step_id), "Value": run.execution_id}]
    assert steps.machine_rests(run) == {f"step-{run.step_id}": "SUCCEEDED"}


@pytest.mark.parametrize("result", ["Failed", "TimedOut", "Cancelled", "Rejected", "Exited"])
def test_an_automation_that_fails_fails_its_step_in_the_words_of_ssm(stack: Stack, steps: Steps, result: str) -> None:
    stack.control.put_automation(RUNBOOK, seconds=0, result=result, failureMessage="Step moves nothing")

    run = steps.ended(steps.automation())

    assert (run.status, run.error) == (StepStatus.FAILED, f"the automation ended as {result}: Step moves nothing")


def test_a_step_that_is_begun_again_runs_once(stack: Stack, steps: Steps) -> None:
    stack.control.put_automation(RUNBOOK, seconds=0.3)
    run = steps.automation()
    assert steps.begin(run).step_id == run.step_id
    steps.ended(run)

    assert steps.begin(run).status is StepStatus.SUCCEEDED
    assert len(steps.started()) == 1
    assert list(steps.machine_rests(run)) == [f"step-{run.step_id}"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", LOST, ids=["500", "dropped", "modelled"])
def test_a_lost_answer_of_the_start_never_starts_twice(
    stack: Stack, steps: Steps, fault: dict[str, Any], when: str
) -> None:
    stack.control.put_automation(RUNBOOK, seconds=0.3)
    stack.control.fault("StartAutomationExecution", **fault, when=when, count=1)

    run = steps.ended(steps.automation())

    assert run.status is StepStatus.SUCCEEDED
    assert len(steps.started()) == 1
    reads_made = stack.control.calls("DescribeAutomationExecutions")
    assert reads_made[0]["parameters"]["Filters"] == [{"Key": "TagKey", "Values": [tag_key(run.step_id)]}]
    calls = stack.control.calls("StartAutomationExecution")
    assert len(calls) == (2 if when == "before" else 1)
    assert len({call["parameters"]["ClientToken"] for call in calls}) == 1


def test_what_is_held_back_or_too_much_is_started_later(stack: Stack, steps: Steps) -> None:
    stack.control.put_automation(RUNBOOK, seconds=0)
    for error in ("ThrottlingException", "AutomationExecutionLimitExceededException"):
        stack.control.fault("StartAutomationExecution", error=error, count=1)

    run = steps.ended(steps.automation())

    assert run.status is StepStatus.SUCCEEDED
    assert len(steps.started()) == 1
    assert not stack.control.calls("DescribeAutomationExecutions"), "what was refused need not be looked for"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("AccessDeniedException", "AccessDeniedException"),
        ("InvalidAutomationExecutionParametersException", "InvalidAutomationExecutionParametersException"),
    ],
)
def test_a_refusal_fails_the_step_at_once(stack: Stack, steps: Steps, error: str, words: str) -> None:
    stack.control.put_automation(RUNBOOK)
    stack.control.fault("StartAutomationExecution", error=error, count=1)

    run = steps.ended(steps.automation())

    assert run.status is StepStatus.FAILED
    assert words in (run.error or "")
    assert RUNBOOK in (run.error or "")
    assert not steps.started()


def test_a_runbook_that_is_not_there_fails_the_step_in_the_words_of_ssm(steps: Steps) -> None:
    run = steps.ended(steps.automation())
    assert run.status is StepStatus.FAILED
    assert "AutomationDefinitionNotFoundException" in (run.error or "")


def test_a_runbook_that_the_template_does_not_name_is_never_started(stack: Stack, steps: Steps) -> None:
    stack.control.put_automation("Other")

    run = steps.ended(steps.automation(name="Other"))

    assert run.status is StepStatus.FAILED
    assert "ssm:StartAutomationExecution on arn:aws:ssm:us-east-1:123456789012:document/Other" in (run.error or "")
    assert "AutomationArns" in (run.error or "")
    assert not stack.control.calls("StartAutomationExecution")


def test_a_role_that_the_template_does_not_name_is_never_given(stack: Stack, steps: Steps) -> None:
    stack.control.put_automation(RUNBOOK)

    run = steps.ended(steps.automation(parameters={"AutomationAssumeRole": ("arn:aws:iam::123456789012:role/Admin",)}))

    assert run.status is StepStatus.FAILED
    assert "iam:PassRole on arn:aws:iam::123456789012:role/Admin" in (run.error or "")
    assert "AutomationRoleArns" in (run.error or "")
    assert not stack.control.calls("StartAutomationExecution")


def test_a_version_and_an_arn_are_told_as_ssm_wants_them(stack: Stack, steps: Steps) -> None:
    stack.control.put_automation(RUNBOOK, seconds=0)
    arn = f"arn:aws:ssm:us-east-1:123456789012:automation-definition/{RUNBOOK}:1"

    assert steps.ended(steps.automation(name=arn)).status is StepStatus.SUCCEEDED
    assert steps.ended(steps.automation(name=f"{RUNBOOK}:1")).status is StepStatus.SUCCEEDED
    lacking = steps.ended(steps.automation(name=f"{RUNBOOK}:7"))
    assert "AutomationDefinitionVersionNotFoundException" in (lacking.error or "")
    given = [call["parameters"] for call in stack.control.calls("StartAutomationExecution")]
    assert [(one["DocumentName"], one["DocumentVersion"]) for one in given] == [
        (f"arn:aws:ssm:us-east-1:123456789012:document/{RUNBOOK}", "1"),
        (RUNBOOK, "1"),
        (RUNBOOK, "7"),
    ]


def test_a_cancel_stops_the_automation_and_the_step_is_cancelled(stack: Stack, steps: Steps) -> None:
    stack.control.put_automation(RUNBOOK, seconds=600)
    run = steps.automation()
    steps.seen(run, lambda found: found.automation_execution_id)

    steps.stop(run)
    ended = steps.ended(run, passing=2)

    assert (ended.status, ended.stop) == (StepStatus.CANCELLED, StopReason.CANCEL)
    assert "the automation ended as Cancelled" in (ended.error or "")
    assert [one["AutomationExecutionStatus"] for one in steps.started()] == ["Cancelled"]


def test_a_timeout_stops_the_automation_and_the_step_has_failed(stack: Stack, steps: Steps) -> None:
    stack.control.put_automation(RUNBOOK, seconds=600)
    run = steps.automation()
    steps.seen(run, lambda found: found.automation_execution_id)

    steps.stop(run, StopReason.STEP_TIMEOUT)
    assert steps.stop(run).stop is StopReason.STEP_TIMEOUT, "the first word counts"
    ended = steps.ended(run, passing=2)

    assert ended.status is StepStatus.FAILED
    assert len(stack.control.calls("StopAutomationExecution")) >= 1


def test_an_automation_that_ended_before_the_cancel_arrived_is_cancelled_and_its_outputs_are_kept(
    stack: Stack, steps: Steps, clock: JumpingClock
) -> None:
    stack.control.put_automation(RUNBOOK, seconds=30, outputs={"a": ["b"]})
    run = steps.automation()
    steps.seen(run, lambda found: found.automation_execution_id)
    stack.control.fault("GetAutomationExecution", error="InternalServerError", count=20)
    steps.stop(run)
    clock.forward(60)
    stack.control.clear_faults()

    ended = steps.ended(run)

    assert (ended.status, ended.output) == (StepStatus.CANCELLED, '{"a": ["b"]}')


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_cancel_during_an_unknown_outcome_loses_no_automation(stack: Stack, steps: Steps, when: str) -> None:
    stack.control.put_automation(RUNBOOK, seconds=600)
    stack.control.fault("StartAutomationExecution", dropConnection=True, when=when, count=1)
    stack.control.fault("DescribeAutomationExecutions", error="InternalServerError", count=6)
    run = steps.automation()
    steps.seen(run, lambda found: found.intended_at)
    steps.stop(run)

    ended = steps.ended(run, passing=1)

    assert ended.status is StepStatus.CANCELLED
    assert [one["AutomationExecutionStatus"] for one in steps.started()] == (["Cancelled"] if when == "after" else [])


def test_a_step_that_was_stopped_before_it_was_begun_is_never_begun(stack: Stack, steps: Steps) -> None:
    stack.control.put_automation(RUNBOOK)
    run = steps.run(StepKind.AUTOMATION)
    stopped = steps.stop(run, unbegun=run)

    assert stopped.status is StepStatus.CANCELLED
    assert steps.begin(run).status is StepStatus.CANCELLED
    assert not stack.runs("step")


def test_faults_of_every_look_are_waited_out(stack: Stack, steps: Steps) -> None:
    stack.control.put_automation(RUNBOOK, seconds=0.2)
    stack.control.fault("GetAutomationExecution", httpStatus=500, count=9)

    assert steps.ended(steps.automation()).status is StepStatus.SUCCEEDED


def test_an_automation_that_may_not_be_stopped_is_told_and_waited_for_no_longer(stack: Stack, steps: Steps) -> None:
    stack.control.put_automation(RUNBOOK, seconds=600)
    run = steps.automation()
    steps.seen(run, lambda found: found.automation_execution_id)
    stack.control.fault("StopAutomationExecution", error="AccessDeniedException", count=5)
    steps.stop(run)

    ended = steps.ended(run)

    assert ended.status is StepStatus.CANCELLED
    assert f"{ended.automation_execution_id} may still run: AccessDeniedException" in (ended.error or "")


def test_an_automation_runs_in_the_region_of_its_wave(stack: Stack, steps: Steps) -> None:
    stack.control.put_automation(RUNBOOK, seconds=0, regions=["eu-west-1"])

    assert steps.ended(steps.automation(site=Site(None, "eu-west-1"))).status is StepStatus.SUCCEEDED
    (call,) = stack.control.calls("StartAutomationExecution")
    assert call["region"] == "eu-west-1"
    assert steps.ended(steps.automation()).status is StepStatus.FAILED


def test_before_a_history_is_full_the_next_run_of_the_machine_takes_over(
    stack: Stack, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_automation, "MOST_ROUNDS", 2)
    stack.control.put_automation(RUNBOOK, seconds=600)
    run = steps.automation()
    steps.seen(run, lambda found: found.machine_run == 3)
    monkeypatch.setattr(watch_automation, "MOST_ROUNDS", 100)
    stack.clock.forward(600)

    ended = steps.ended(run)

    assert (ended.status, ended.deaths) == (StepStatus.SUCCEEDED, 0)
    assert len(steps.started()) == 1
    machines = steps.machine_rests(run)
    assert len(machines) == ended.machine_run >= 3
    assert set(machines.values()) == {"SUCCEEDED"}
