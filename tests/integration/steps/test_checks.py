"""Contract 12, 13: validate tells of a step that may not be run, is not there, or is given what it does not take."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from tests.support.blueprint import ACCOUNT, REGION
from tests.support.plans import plan, server
from tests.support.plans import wave as servers_of
from tests.support.steps import FUNCTION, ROLE, RUNBOOK

from wavebreak.use_cases.readiness import check_plans, recoveries
from wavebreak.use_cases.steps.check_steps import check_steps

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack
    from tests.support.steps import Steps

FINE = "it is there, and may be run"


def wave(*after: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return {"name": "database", "after": list(after), **settings}


@pytest.fixture
def function(stack: Stack) -> None:
    """A function that is really there, as far as Lambda tells."""
    del stack
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("a.py", "")
    trust = '{"Version": "2012-10-17", "Statement": []}'
    role = boto3.client("iam", region_name=REGION).create_role(RoleName="r", AssumeRolePolicyDocument=trust)
    boto3.client("lambda", region_name=REGION).create_function(
        FunctionName=FUNCTION, Role=role["Role"]["Arn"], Code={"ZipFile": code.getvalue()}, Runtime="python3.11"
    )


@pytest.mark.usefixtures("function")
def test_what_is_there_and_may_be_run_passes(stack: Stack, steps: Steps) -> None:
    settings = {"Zone": {"type": "String"}, "AutomationAssumeRole": {"default": ""}}
    stack.control.put_automation(RUNBOOK, parameters=settings)
    automation = {"automation": RUNBOOK, "parameters": {"Zone": ["a"], "AutomationAssumeRole": [ROLE]}}

    assert steps.checked(wave(automation, {"command": "status"}, {"function": FUNCTION, "required": True})) == [
        (f"database: after 1, automation {RUNBOOK}", "PASS", FINE),
        (f"database: after 3, function {FUNCTION}", "PASS", FINE),
    ]
    assert steps.checked(wave({"command": "status"})) == []


@pytest.mark.parametrize(("required", "status"), [(True, "FAIL"), (False, "WARN")])
def test_a_missing_permission_is_named_and_nobody_is_asked(
    stack: Stack, steps: Steps, required: bool, status: str
) -> None:
    more = {"required": required}
    found = steps.checked(
        wave(
            {"automation": "Other", **more},
            {"function": "other", **more},
            {"automation": RUNBOOK, "parameters": {"AutomationAssumeRole": [f"{ROLE}-x"]}, **more},
        )
    )
    assert [each[1] for each in found] == [status] * 3
    assert "ssm:StartAutomationExecution on arn:aws:ssm:us-east-1:123456789012:document/Other" in found[0][2]
    assert "lambda:InvokeFunction on arn:aws:lambda:us-east-1:123456789012:function:other" in found[1][2]
    assert f"iam:PassRole on {ROLE}-x" in found[2][2]
    assert not stack.control.calls("DescribeDocument")


def test_what_is_not_there_fails(stack: Stack, steps: Steps) -> None:
    stack.control.put_automation(RUNBOOK, regions=["eu-west-1"])
    needed = {"automation": RUNBOOK, "required": True}

    here = steps.checked(wave(needed, {"function": FUNCTION, "required": True}))
    assert [each[1] for each in here] == ["FAIL", "FAIL"]
    assert here[0][2] == f"there is no document '{RUNBOOK}' in the stack's own Region"
    assert here[1][2] == f"there is no function {FUNCTION} in the stack's own account and Region"
    assert steps.checked(wave(needed, region="eu-west-1"))[0][1:] == ("PASS", FINE)


def test_parameters_that_the_runbook_does_not_take_and_those_that_it_lacks_are_named(
    stack: Stack, steps: Steps
) -> None:
    stack.control.put_automation(RUNBOOK, parameters={"Zone": {}, "Mode": {}, "Speed": {"default": "1"}})
    step = {"automation": RUNBOOK, "required": True, "parameters": {"Zone": ["a"], "Colour": ["red"]}}

    found = steps.checked(wave(step))
    assert [each[1:] for each in found] == [
        ("FAIL", "the runbook takes no parameter Colour; it takes Mode, Speed, Zone"),
        ("FAIL", "the runbook needs the parameter Mode"),
    ] or [each[1:] for each in found] == [
        ("FAIL", "the runbook takes no parameter Colour; it takes Zone, Mode, Speed"),
        ("FAIL", "the runbook needs the parameter Mode"),
    ]


def test_a_command_document_is_no_runbook(stack: Stack, steps: Steps) -> None:
    content = {
        "schemaVersion": "2.2",
        "description": "x",
        "mainSteps": [{"action": "aws:runShellScript", "name": "shell", "inputs": {"runCommand": ["true"]}}],
    }
    stack.control.put_document(RUNBOOK, content)
    found = steps.checked(wave({"automation": RUNBOOK, "required": True}))
    assert found[0][1:] == ("FAIL", f"document '{RUNBOOK}' is of the type Command, not Automation")


def test_what_could_not_be_looked_at_is_told(stack: Stack, steps: Steps) -> None:
    stack.control.put_automation(RUNBOOK)
    stack.control.fault("DescribeDocument", error="AccessDeniedException", message="no", count=1)
    found = steps.checked(wave({"automation": RUNBOOK, "required": True}))
    assert found[0][1:] == ("FAIL", "it could not be looked at: DescribeDocument: AccessDeniedException: no")


def test_13_what_fails_for_who_looks_at_runbooks_opens_no_circuit_that_commands_use(stack: Stack, steps: Steps) -> None:
    stack.control.put_automation(RUNBOOK)
    stack.control.fault("DescribeDocument", httpStatus=500, count=100)
    for _ in range(4):
        assert steps.checked(wave({"automation": RUNBOOK, "required": True}))[0][1] == "FAIL"
    circuits = stack.api("GET", "/health").json["circuit_breakers"]
    assert circuits["ssm-read/us-east-1"]["state"] == "open"
    assert circuits.get("ssm/us-east-1", {"state": "closed"})["state"] == "closed"


def test_validate_tells_of_steps_beside_servers_and_is_ready_once_they_are(stack: Stack, steps: Steps) -> None:
    del steps  # it names what may be run
    stack.put_servers([server(1)])
    stack.put_plan(plan({**servers_of("database", 1), "after": [{"automation": RUNBOOK, "required": True}]}))

    def validated() -> dict[str, Any]:
        answer = stack.api("POST", "/plans/three-tier/validate", {})
        assert answer.status == 200, answer
        return dict(answer.json)

    before = validated()
    found = [each for each in before["checks"] if each["check"] == "steps"]
    assert (before["ready"], [(each["subject"], each["status"]) for each in found]) == (
        False,
        [(f"database: after 1, automation {RUNBOOK}", "FAIL")],
    )
    stack.control.put_automation(RUNBOOK)
    after = validated()
    assert [each["status"] for each in after["checks"] if each["check"] == "steps"] == ["PASS"]


def test_a_runbook_of_many_waves_is_asked_for_once(stack: Stack, steps: Steps) -> None:
    stack.control.put_automation(RUNBOOK)
    step = {"automation": RUNBOOK}
    assert len(steps.checked(wave(step, step), {**wave(step), "name": "web"})) == 3
    assert len(stack.control.calls("DescribeDocument")) == 1


def test_an_account_that_cannot_be_reached_is_told(steps: Steps) -> None:
    found = steps.checked(wave({"automation": RUNBOOK, "required": True}, accountId="210987654321"))
    assert found[0][1] == "FAIL"
    assert "no TargetExternalId" in found[0][2]


@pytest.mark.usefixtures("function", "steps")
def test_13_the_regular_check_of_a_plan_looks_at_its_steps_too(stack: Stack) -> None:
    after = [{"automation": RUNBOOK, "required": True}, {"function": FUNCTION, "required": True}]
    stack.put_servers([server(1)])
    stack.put_plan(plan(servers_of("database", 1, after=after), plan_id="stepping"))

    stack.invoke("ReadinessFunction", {"account": ACCOUNT, "region": REGION})

    shown = stack.api("GET", "/plans/stepping").json["readiness"]
    assert shown["ready"] is False
    assert [each["subject"] for each in shown["failing"]] == [f"database: after 1, automation {RUNBOOK}"]


def test_13_runbooks_are_not_looked_at_where_a_recovery_has_begun_to_launch(
    stack: Stack, steps: Steps, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    del steps  # it names what may be run
    stack.control.put_automation(RUNBOOK)
    monkeypatch.setattr(recoveries, "RECHECK_SECONDS", 0.0)
    stack.put_servers([server(number) for number in range(1, 4)], launchSeconds=600)
    stepped = plan({**servers_of("mine", 3), "after": [{"automation": RUNBOOK}]}, plan_id="other")
    stack.put_plan(stepped)

    def checked() -> dict[str, int]:
        counts: dict[str, int] = stack.invoke("ReadinessFunction", {"account": ACCOUNT, "region": REGION})
        return counts

    real = check_steps
    started: list[str] = []

    def beginning(*args: Any, **options: Any) -> Any:
        if not started:
            started.append(stack.start(plan(servers_of("only", 1, 2), plan_id="one"), "recoveries"))
            stack.wait(started[0], lambda execution: execution["waves"][0]["jobId"])
        return real(*args, **options)

    monkeypatch.setattr(check_plans, "check_steps", beginning)
    assert checked() == {"checked": 0, "notified": 0, "postponed": 1, "notReady": 0}
    assert not stack.control.calls("DescribeDocument")
    [due] = [item for item in stack.items_of("READINESS#DUE") if item["pk"]["S"].endswith("other")]
    assert due["misses"]["N"] == "0", "what is left to a recovery was not missed"
    clock.forward(601)
    stack.ended(started[0])
    clock.forward(61)
    assert checked()["checked"] == 2
