"""SSM Automation through an unchanged boto3: runbooks go as the control API says."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from tests.simulator.run_command import SHELL, SHELL_DOCUMENT, code_of

from drs_simulator.client import ControlError, SimulatorControl

if TYPE_CHECKING:
    from tests.simulator.clients import MakeClient

    from drs_simulator.clockwork.clock import ManualClock

RUNBOOK = "Move-Traffic"


@pytest.fixture
def ssm(make_client: MakeClient) -> Any:
    return make_client("ssm")


def execution_of(ssm: Any, identifier: str) -> Any:
    return ssm.get_automation_execution(AutomationExecutionId=identifier)["AutomationExecution"]


def start(ssm: Any, **more: Any) -> str:
    return str(ssm.start_automation_execution(DocumentName=RUNBOOK, **more)["AutomationExecutionId"])


def test_an_execution_runs_its_time_and_tells_its_outputs(
    ssm: Any, control: SimulatorControl, clock: ManualClock
) -> None:
    outputs = {"step.Url": ["https://example.org"], "step.Ids": ["a", "b"]}
    control.put_automation(RUNBOOK, seconds=30, result="Success", outputs=outputs)
    identifier = start(ssm, Parameters={"InstanceIds": ["i-1", "i-2"]})
    begun = execution_of(ssm, identifier)
    assert (begun["AutomationExecutionStatus"], begun["DocumentName"]) == ("InProgress", RUNBOOK)
    assert begun["Parameters"] == {"InstanceIds": ["i-1", "i-2"]}
    assert "Outputs" not in begun
    clock.advance(29)
    assert execution_of(ssm, identifier)["AutomationExecutionStatus"] == "InProgress"
    clock.advance(1)
    ended = execution_of(ssm, identifier)
    assert (ended["AutomationExecutionStatus"], ended["Outputs"]) == ("Success", outputs)
    assert (ended["ExecutionEndTime"] - ended["ExecutionStartTime"]).total_seconds() == 30


@pytest.mark.parametrize("result", ["Failed", "TimedOut", "Cancelled"])
def test_an_execution_fails_with_a_message(
    ssm: Any, control: SimulatorControl, clock: ManualClock, result: str
) -> None:
    control.put_automation(
        RUNBOOK, seconds=1, result=result, failureMessage="Step fails: no route", outputs={"a": ["b"]}
    )
    identifier = start(ssm)
    clock.advance(1)
    ended = execution_of(ssm, identifier)
    assert (ended["AutomationExecutionStatus"], ended["FailureMessage"]) == (result, "Step fails: no route")
    assert "Outputs" not in ended


def test_the_same_call_with_the_same_token_starts_nothing_twice(ssm: Any, control: SimulatorControl) -> None:
    control.put_automation(RUNBOOK)
    token = str(uuid4())
    first = start(ssm, ClientToken=token, Parameters={"a": ["1"]})
    assert start(ssm, ClientToken=token.upper(), Parameters={"a": ["1"]}) == first
    code = code_of(lambda: start(ssm, ClientToken=token, Parameters={"a": ["2"]}))
    assert code == "IdempotentParameterMismatch"
    assert start(ssm, Parameters={"a": ["1"]}) != first
    assert len(control.state()["automationExecutions"]) == 2
    assert code_of(lambda: start(ssm, ClientToken="x" * 36)) == "ValidationException"


def test_an_execution_is_found_by_the_key_of_a_tag(ssm: Any, control: SimulatorControl, clock: ManualClock) -> None:
    control.put_automation(RUNBOOK, seconds=60)
    key = "wavebreak-0b9c"
    mine = start(ssm, Tags=[{"Key": key, "Value": "drill"}])
    start(ssm, Tags=[{"Key": "other", "Value": "drill"}])

    def found(*filters: tuple[str, str]) -> list[str]:
        given = [{"Key": name, "Values": [value]} for name, value in filters]
        listed = ssm.describe_automation_executions(Filters=given)["AutomationExecutionMetadataList"]
        return [each["AutomationExecutionId"] for each in listed]

    assert found(("TagKey", key)) == [mine]
    assert found(("TagKey", "nobody")) == []
    assert found(("TagKey", key), ("ExecutionStatus", "Success")) == []
    assert found(("ExecutionId", mine)) == [mine]
    assert len(found(("DocumentNamePrefix", "Move"))) == 2
    assert len(found(("StartTimeAfter", "2026-03-01T12:00:00Z"))) == 2
    assert found(("StartTimeBefore", "2026-03-01T11:00:00Z")) == []
    clock.advance(60)
    assert len(found(("ExecutionStatus", "Success"))) == 2
    assert code_of(lambda: found(("OpsItemId", "1"))) == "InvalidFilterKey"
    assert code_of(lambda: found(("StartTimeAfter", "soon"))) == "InvalidFilterValue"
    pages = ssm.get_paginator("describe_automation_executions").paginate(PaginationConfig={"PageSize": 1})
    assert [len(page["AutomationExecutionMetadataList"]) for page in pages] == [1, 1]


def test_a_stopped_execution_is_cancelled_a_moment_later(
    ssm: Any, control: SimulatorControl, clock: ManualClock
) -> None:
    control.put_automation(RUNBOOK, seconds=60)
    identifier = start(ssm)
    ssm.stop_automation_execution(AutomationExecutionId=identifier)
    assert execution_of(ssm, identifier)["AutomationExecutionStatus"] == "Cancelling"
    again = code_of(lambda: ssm.stop_automation_execution(AutomationExecutionId=identifier))
    assert again == "InvalidAutomationStatusUpdateException"
    clock.advance(2)
    assert execution_of(ssm, identifier)["AutomationExecutionStatus"] == "Cancelled"
    clock.advance(60)
    assert execution_of(ssm, identifier)["AutomationExecutionStatus"] == "Cancelled"


def test_an_execution_may_be_left_to_complete_its_step(ssm: Any, control: SimulatorControl, clock: ManualClock) -> None:
    control.put_automation(RUNBOOK, seconds=5)
    identifier = start(ssm)
    ssm.stop_automation_execution(AutomationExecutionId=identifier, Type="Complete")
    clock.advance(5)
    assert execution_of(ssm, identifier)["AutomationExecutionStatus"] == "Success"
    code = code_of(lambda: ssm.stop_automation_execution(AutomationExecutionId=identifier))
    assert code == "InvalidAutomationStatusUpdateException"


def test_a_runbook_takes_the_parameters_that_it_has(ssm: Any, control: SimulatorControl) -> None:
    parameters = {
        "AutomationAssumeRole": {"default": ""},
        "InstanceIds": {"type": "StringList"},
        "Zone": {"type": "String", "default": "a"},
    }
    control.put_automation(RUNBOOK, parameters=parameters)
    assert start(ssm, Parameters={"InstanceIds": ["i-1", "i-2"], "Zone": ["b"]})
    for given in ({}, {"InstanceIds": ["i-1"], "Colour": ["red"]}, {"InstanceIds": ["i-1"], "Zone": ["a", "b"]}):
        code = code_of(partial(start, ssm, **({"Parameters": given} if given else {})))
        assert code == "InvalidAutomationExecutionParametersException"
    described = ssm.describe_document(Name=RUNBOOK)["Document"]
    assert (described["DocumentType"], described["Status"]) == ("Automation", "Active")
    assert {each["Name"]: each["Type"] for each in described["Parameters"]} == {
        "AutomationAssumeRole": "String",
        "InstanceIds": "StringList",
        "Zone": "String",
    }


def test_a_runbook_is_there_in_its_accounts_and_regions_only(
    make_client: MakeClient, control: SimulatorControl
) -> None:
    control.put_automation(RUNBOOK, accounts=["111122223333"], regions=["eu-west-1"])
    there = make_client("ssm", key="111122223333", region="eu-west-1")
    assert start(there)
    for elsewhere in (make_client("ssm"), make_client("ssm", key="111122223333")):
        assert code_of(partial(start, elsewhere)) == "AutomationDefinitionNotFoundException"
        assert code_of(partial(elsewhere.describe_document, Name=RUNBOOK)) == "InvalidDocument"


def test_a_runbook_may_be_named_by_its_arn(ssm: Any, control: SimulatorControl) -> None:
    arn = f"arn:aws:ssm:us-east-1:000000000000:automation-definition/{RUNBOOK}:$DEFAULT"
    assert control.put_automation(arn)["name"] == RUNBOOK
    document = f"arn:aws:ssm:us-east-1:000000000000:document/{RUNBOOK}"
    identifier = ssm.start_automation_execution(DocumentName=document)["AutomationExecutionId"]
    assert execution_of(ssm, identifier)["DocumentName"] == RUNBOOK


def test_a_runbook_has_one_version_and_a_start_sets_five_tags_at_most(ssm: Any, control: SimulatorControl) -> None:
    control.put_automation(RUNBOOK)
    tags = [{"Key": f"key-{number}", "Value": ""} for number in range(6)]
    for version in ("1", "$DEFAULT", "$LATEST"):
        assert start(ssm, DocumentVersion=version, Tags=tags[:5])
    assert code_of(lambda: start(ssm, DocumentVersion="2")) == "AutomationDefinitionVersionNotFoundException"
    assert code_of(lambda: start(ssm, Tags=tags)) == "ValidationException"
    assert code_of(lambda: ssm.describe_document(Name=RUNBOOK, DocumentVersion="2")) == "InvalidDocumentVersion"


def test_documents_of_both_kinds_are_described(ssm: Any, control: SimulatorControl) -> None:
    control.put_document(SHELL, SHELL_DOCUMENT)
    control.put_automation("AWS-RestartEC2Instance")
    command = ssm.describe_document(Name=SHELL)["Document"]
    assert (command["DocumentType"], command["Owner"]) == ("Command", "000000000000")
    assert [each["Name"] for each in command["Parameters"]] == ["Script", "Seconds"]
    assert ssm.describe_document(Name="AWS-RestartEC2Instance")["Document"]["Owner"] == "Amazon"
    assert code_of(lambda: ssm.describe_document(Name="Nothing")) == "InvalidDocument"


def test_what_is_not_known_is_refused(ssm: Any, control: SimulatorControl) -> None:
    control.put_automation(RUNBOOK)
    unknown = str(uuid4())
    assert code_of(lambda: execution_of(ssm, unknown)) == "AutomationExecutionNotFoundException"
    stopped = code_of(lambda: ssm.stop_automation_execution(AutomationExecutionId=unknown))
    assert stopped == "AutomationExecutionNotFoundException"
    targets = {"TargetParameterName": "i", "Targets": [{"Key": "tag:a", "Values": ["b"]}]}
    assert code_of(lambda: start(ssm, **targets)) == "NotImplemented"


def test_a_reset_forgets_runbooks_and_executions(ssm: Any, control: SimulatorControl) -> None:
    control.put_automation(RUNBOOK)
    start(ssm)
    control.reset()
    assert control.state()["automationExecutions"] == []
    assert code_of(lambda: start(ssm)) == "AutomationDefinitionNotFoundException"


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        ({"seconds": -1}, "/seconds"),
        ({"result": "Great"}, "/result"),
        ({"outputs": {"a": [""]}}, "/outputs/a/0"),
        ({"accounts": ["mine"]}, "/accounts/0"),
        ({"regions": []}, "/regions"),
    ],
)
def test_a_runbook_that_makes_no_sense_is_refused(
    control: SimulatorControl, settings: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(ControlError, match=f"400: {pointer}"):
        control.put_automation(RUNBOOK, **settings)
