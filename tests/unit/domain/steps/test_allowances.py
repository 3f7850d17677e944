"""Contract 12: what the template's parameters name may be run, anything else names the permission that is missing."""

from __future__ import annotations

import botocore.session
import pytest

from wavebreak.domain.steps.allowances import Allowances
from wavebreak.domain.steps.automation_states import FAILURES, STOPPING, SUCCESSES, AutomationView
from wavebreak.domain.steps.step_checks import PlannedStep, Runbook, planned_steps, runbook_faults
from wavebreak.site import Site

MACHINE = "arn:aws-us-gov:states:us-gov-west-1:123456789012:stateMachine:wavebreak-step"
HOME = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function"
SSM = "arn:aws-us-gov:ssm:us-gov-west-1"
ROLE = "arn:aws-us-gov:iam::123456789012:role"


def allowing(*, functions: str = "", runbooks: str = "", roles: str = "") -> Allowances:
    return Allowances.of(MACHINE, functions.split(), runbooks.split(), roles.split())


@pytest.mark.parametrize(
    ("named", "asked", "allowed"),
    [
        (f"{HOME}:move", "move", True),
        (f"{HOME}:move", f"{HOME}:move", True),
        (f"{HOME}:move", "move-2", False),
        (f"{HOME}:move", "move:live", False),
        (f"{HOME}:move:live", "move:live", True),
        (f"{HOME}:move*", "move:live", True),
        (f"{HOME}:mov?", "move", True),
        (f"{HOME}:mov?", "moo-ve", False),
        (f"{HOME}:m.ve", "move", False),
        ("", "move", False),
    ],
)
def test_a_function_may_be_invoked_if_the_list_names_it_as_iam_reads_it(named: str, asked: str, allowed: bool) -> None:
    missing = allowing(functions=named).missing_for_function(asked)
    assert (missing is None) == allowed
    if missing:
        assert missing.startswith(f"lambda:InvokeFunction on {HOME}:")
        assert missing.endswith("name it in the stack's parameter FunctionArns")


@pytest.mark.parametrize(
    ("named", "asked", "region", "allowed"),
    [
        (f"{SSM}:123456789012:document/Move", "Move", None, True),
        (f"{SSM}:123456789012:document/Move", "Move:3", None, True),
        (f"{SSM}:123456789012:document/Move", f"{SSM}:123456789012:document/Move", None, True),
        (f"{SSM}:123456789012:document/Move", f"{SSM}:123456789012:automation-definition/Move:3", None, True),
        (f"{SSM}:123456789012:automation-definition/Move:*", "Move", None, True),
        (f"{SSM}:123456789012:document/Move", "Move", "us-gov-east-1", False),
        ("arn:aws-us-gov:ssm:*:123456789012:document/Move", "Move", "us-gov-east-1", True),
        (f"{SSM}::document/AWS-StartRdsInstance", "AWS-StartRdsInstance", None, True),
        (f"{SSM}::document/Move", "Move", None, False),
        (f"{SSM}:123456789012:document/Move", "Other", None, False),
        ("", "Move", None, False),
    ],
)
def test_a_runbook_may_be_started_if_the_list_names_it(
    named: str, asked: str, region: str | None, allowed: bool
) -> None:
    missing = allowing(runbooks=named).missing_for_runbook(asked, {}, Site(None, region))
    assert (missing is None) == allowed
    if missing:
        assert missing.startswith("ssm:StartAutomationExecution on arn:aws-us-gov:ssm:")
        assert missing.endswith("name it in the stack's parameter AutomationArns")


def test_another_account_decides_for_itself() -> None:
    assert allowing().missing_for_runbook("Move", {}, Site("210987654321", None)) is None
    assert allowing().missing_for_runbook("Move", {}, Site("123456789012", None)) is not None


def test_a_role_is_named_as_well_unless_it_is_known_only_later() -> None:
    may = allowing(runbooks=f"{SSM}:123456789012:document/Move", roles=f"{ROLE}/runbooks")

    def missing(role: str) -> str | None:
        return may.missing_for_runbook("Move", {"AutomationAssumeRole": (role,)}, Site())

    assert missing(f"{ROLE}/runbooks") is None
    assert missing("{{ssm:role}}") is None
    assert (missing(f"{ROLE}/Admin") or "").startswith(f"iam:PassRole on {ROLE}/Admin is not permitted")
    assert (missing(f"{ROLE}/Admin") or "").endswith("AutomationRoleArns")


def test_every_word_of_ssm_is_an_end_or_means_to_look_again() -> None:
    model = botocore.session.get_session().get_service_model("ssm")
    words = set(model.shape_for("AutomationExecutionStatus").enum)  # type: ignore[attr-defined]  # of string shapes
    goes_on = {
        "Pending",
        "InProgress",
        "Waiting",
        "PendingApproval",
        "Approved",
        "Scheduled",
        "RunbookInProgress",
        "PendingChangeCalendarOverride",
        "ChangeCalendarOverrideApproved",
        STOPPING,
    }
    assert words == SUCCESSES | FAILURES | goes_on
    for word in goes_on | {"Some New Word"}:
        assert AutomationView(word).outcome() is None
    for word in SUCCESSES | FAILURES:
        outcome = AutomationView(word, {"a": ("b",)}, "why").outcome()
        assert outcome is not None
        assert (outcome.succeeded, outcome.output) == (word in SUCCESSES, {"a": ["b"]})
        assert outcome.error == (None if word in SUCCESSES else f"the automation ended as {word}: why")


STEP = PlannedStep("web", Site(), "after", 1, "Move", None, required=True, parameters={"Zone": ("a",)})


@pytest.mark.parametrize(
    ("found", "faults"),
    [
        (Runbook("Automation", ("Zone",), ("Zone",)), []),
        (Runbook("Automation", ("Zone", "Mode"), ("Zone",)), []),
        (Runbook("Automation", (), ()), ["the runbook takes no parameter Zone; it takes none"]),
        (Runbook("Automation", ("Zone", "Mode"), ("Mode",)), ["the runbook needs the parameter Mode"]),
        (Runbook("Command", ("Zone",), ()), ["document 'Move' is of the type Command, not Automation"]),
        (None, ["there is no document 'Move' in the stack's own Region"]),
    ],
)
def test_what_keeps_a_runbook_from_being_started(found: Runbook | None, faults: list[str]) -> None:
    assert list(runbook_faults(STEP, found)) == faults


def test_commands_are_none_of_these_steps() -> None:
    wave = {
        "name": "web",
        "before": [{"command": "status"}, {"function": "tell"}],
        "after": [{"automation": "Move", "parameters": {"Zone": ["a"]}, "required": True}],
    }
    subjects = [step.subject for step in planned_steps([(wave, Site()), ({"name": "empty"}, Site())])]
    assert subjects == ["web: before 2, function tell", "web: after 1, automation Move"]
