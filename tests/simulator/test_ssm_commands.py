"""SendCommand and what follows: statuses, refusals, lists, cancels, deliveries that fail."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tests.simulator.clients import START, MakeClient
from tests.simulator.run_command import SHELL, RunCommand, code_of
from tests.support.eventually import eventually

from drs_simulator.client import ControlError

if TYPE_CHECKING:
    from tests.simulator.clients import Drs

    from drs_simulator.clockwork.clock import ManualClock

NOBODY = "i-00000000000000000"
NO_COMMAND = "00000000-0000-4000-8000-000000000000"


def test_a_command_is_answered_as_it_was_asked(fleet: RunCommand) -> None:
    command = fleet.client.send_command(
        InstanceIds=fleet.instances[:2],
        DocumentName=SHELL,
        Parameters={"Script": ["true"]},
        Comment="a wave",
        TimeoutSeconds=30,
        OutputS3BucketName="ignored",
        CloudWatchOutputConfig={"CloudWatchOutputEnabled": True},
    )["Command"]
    assert command["InstanceIds"] == fleet.instances[:2]
    assert (command["Status"], command["StatusDetails"], command["TargetCount"]) == ("Pending", "Pending", 2)
    assert (command["DocumentName"], command["DocumentVersion"], command["Comment"]) == (SHELL, "1", "a wave")
    assert command["Parameters"] == {"Script": ["true"]}
    assert command["ExpiresAfter"] - command["RequestedDateTime"] == timedelta(seconds=30)
    assert command["CloudWatchOutputConfig"]["CloudWatchLogGroupName"] == f"/aws/ssm/{SHELL}"


def test_an_invocation_is_pending_then_in_progress_then_over(fleet: RunCommand) -> None:
    release = fleet.root() / "release"
    fleet.control.instance(fleet.first, reachable=False)
    command_id = fleet.send(f"while [ ! -e '{release}' ]; do sleep 0.02; done")
    waiting = fleet.invocation(command_id)
    assert (waiting["StatusDetails"], waiting["ResponseCode"]) == ("Pending", -1)
    assert waiting["ExecutionStartDateTime"] == waiting["ExecutionElapsedTime"] == waiting["ExecutionEndDateTime"] == ""
    fleet.control.instance(fleet.first, reachable=True)
    running = fleet.invocation(command_id)
    assert (running["Status"], running["StatusDetails"], running["ResponseCode"]) == ("InProgress", "InProgress", -1)
    assert running["ExecutionStartDateTime"] != running["ExecutionEndDateTime"] == ""
    release.touch()
    ended = fleet.wait(command_id)
    assert (ended["Status"], ended["StatusDetails"], ended["ResponseCode"]) == ("Success", "Success", 0)


def test_a_new_invocation_is_not_found_at_first(fleet: RunCommand) -> None:
    fleet.control.missing_lookups(2)
    command_id = fleet.send("true")
    assert [code_of(lambda: fleet.invocation(command_id)) for _ in range(2)] == ["InvocationDoesNotExist"] * 2
    assert fleet.invocation(command_id)["CommandId"] == command_id


def test_by_default_and_after_a_reset_one_lookup_misses(fleet: RunCommand, drs: Drs) -> None:
    fleet.control.reset()
    fleet.control.put_source_server("s-11111111111111111")
    drs.recover("s-11111111111111111")
    [instance] = [each["ec2InstanceID"] for each in drs.instances()]
    command_id = fleet.send("true", instance)
    assert code_of(lambda: fleet.invocation(command_id, instance)) == "InvocationDoesNotExist"
    assert fleet.invocation(command_id, instance)["InstanceId"] == instance
    with pytest.raises(ControlError, match="/missingLookups"):
        fleet.control.missing_lookups(-1)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"InstanceIds": [NOBODY]}, "InvalidInstanceId"),
        ({"DocumentName": "No-Such"}, "InvalidDocument"),
        ({"DocumentVersion": "2"}, "InvalidDocumentVersion"),
        ({"DocumentVersion": "1" * 5000}, "InvalidDocumentVersion"),
        ({"Parameters": {}}, "InvalidParameters"),
        ({"Parameters": {"Script": ["true"], "Color": ["red"]}}, "InvalidParameters"),
        ({"Parameters": {"Script": ["true", "false"]}}, "InvalidParameters"),
        ({"Parameters": {"Script": ["true"], "Seconds": ["5\n"]}}, "InvalidParameters"),
        ({"Parameters": {"Script": ["true"], "Seconds": ["0"]}}, "InvalidParameters"),
        ({"Parameters": {"Script": ["true"], "Seconds": ["172801"]}}, "InvalidParameters"),
        ({"TimeoutSeconds": 2_592_001}, "ValidationException"),
        ({"Comment": "x" * 101}, "ValidationException"),
        ({"InstanceIds": []}, "ValidationException"),
        ({"InstanceIds": [f"i-{number:017d}" for number in range(51)]}, "ValidationException"),
        ({"InstanceIds": ["i-short"]}, "ValidationException"),
        ({"InstanceIds": [], "Targets": [{"Key": "tag:a", "Values": ["b"]}]}, "NotImplemented"),
        ({"MaxErrors": "1"}, "NotImplemented"),
    ],
    ids=str,
)
def test_what_cannot_be_sent_is_refused_and_nothing_runs(fleet: RunCommand, changed: dict[str, Any], code: str) -> None:
    assert fleet.refusal(**changed) == code
    assert fleet.control.state()["commandInvocations"] == []
    assert fleet.control.calls("SendCommand")[-1]["error"] == code


def test_an_instance_is_not_sent_to_twice(fleet: RunCommand) -> None:
    assert fleet.refusal(InstanceIds=[fleet.first, fleet.first]) == "DuplicateInstanceId"


def test_one_instance_that_takes_no_commands_spoils_the_call(fleet: RunCommand, drs: Drs, clock: ManualClock) -> None:
    assert fleet.refusal(InstanceIds=[fleet.first, NOBODY]) == "InvalidInstanceId"
    drs.client.terminate_recovery_instances(recoveryInstanceIDs=[fleet.first])
    clock.advance(1)
    assert drs.instances(recoveryInstanceIDs=[fleet.first])[0]["ec2InstanceState"] == "SHUTTING-DOWN"
    assert fleet.refusal() == "InvalidInstanceId"
    clock.advance(60)
    assert fleet.refusal() == "InvalidInstanceId"


def test_an_instance_that_cannot_be_reached_in_time_is_a_delivery_timeout(
    fleet: RunCommand, clock: ManualClock
) -> None:
    fleet.control.instance(fleet.first, reachable=False)
    command_id = fleet.send("touch ran", TimeoutSeconds=60)
    clock.advance(59)
    assert fleet.invocation(command_id)["StatusDetails"] == "Pending"
    clock.advance(1)
    answer = fleet.invocation(command_id)
    assert (answer["Status"], answer["StatusDetails"], answer["ResponseCode"]) == ("TimedOut", "DeliveryTimedOut", -1)
    fleet.control.instance(fleet.first, reachable=True)
    assert fleet.invocation(command_id)["StatusDetails"] == "DeliveryTimedOut"
    assert not (fleet.root() / "ran").exists()


def test_an_instance_that_nothing_can_be_delivered_to_is_undeliverable(fleet: RunCommand) -> None:
    fleet.control.instance(fleet.first, undeliverable=True)
    answer = fleet.run("true")
    assert (answer["Status"], answer["StatusDetails"], answer["ResponseCode"]) == ("Failed", "Undeliverable", -1)


def test_a_command_that_waits_is_cancelled_at_once(fleet: RunCommand) -> None:
    fleet.control.instance(fleet.first, reachable=False)
    command_id = fleet.send("touch ran")
    fleet.client.cancel_command(CommandId=command_id)
    fleet.control.instance(fleet.first, reachable=True)
    answer = fleet.invocation(command_id)
    assert (answer["StatusDetails"], answer["ResponseCode"]) == ("Cancelled", -1)
    assert not (fleet.root() / "ran").exists()


def test_a_cancel_names_instances_and_leaves_what_has_ended(fleet: RunCommand) -> None:
    first, second, third = fleet.instances
    fleet.control.instance(third, undeliverable=True)
    command_id = fleet.send("sleep 60", *fleet.instances)
    fleet.client.cancel_command(CommandId=command_id, InstanceIds=[first, third])
    assert fleet.wait(command_id, first)["StatusDetails"] == "Cancelled"
    assert fleet.invocation(command_id, second)["StatusDetails"] == "InProgress"
    assert fleet.invocation(command_id, third)["StatusDetails"] == "Undeliverable"
    fleet.client.cancel_command(CommandId=command_id)
    assert fleet.wait(command_id, second)["StatusDetails"] == "Cancelled"


def test_what_is_no_command_or_not_of_it_is_refused(fleet: RunCommand) -> None:
    client, command_id = fleet.client, fleet.send("true")
    assert code_of(lambda: client.cancel_command(CommandId=NO_COMMAND)) == "InvalidCommandId"
    assert code_of(lambda: client.list_command_invocations(CommandId=NO_COMMAND)) == "InvalidCommandId"
    assert code_of(lambda: fleet.invocation("x" * 36)) == "InvalidCommandId"
    assert code_of(lambda: fleet.invocation(NO_COMMAND)) == "InvocationDoesNotExist"
    assert code_of(lambda: fleet.invocation(command_id, NOBODY)) == "InvocationDoesNotExist"
    stranger = {"CommandId": command_id, "InstanceIds": [fleet.instances[1]]}
    assert code_of(lambda: client.cancel_command(**stranger)) == "InvalidInstanceId"
    twice = {"CommandId": command_id, "InstanceIds": [fleet.first] * 2}
    assert code_of(lambda: client.cancel_command(**twice)) == "DuplicateInstanceId"
    wrong = {"CommandId": command_id, "InstanceId": fleet.first, "PluginName": "other"}
    assert code_of(lambda: client.get_command_invocation(**wrong)) == "InvalidPluginName"


def test_invocations_are_listed_latest_first_in_pages(fleet: RunCommand) -> None:
    sent = [fleet.send("echo out; echo err >&2", Comment=f"number {number}") for number in range(5)]
    for command_id in sent:
        fleet.wait(command_id)
    pages = fleet.client.get_paginator("list_command_invocations").paginate(
        InstanceId=fleet.first, Details=True, PaginationConfig={"PageSize": 2}
    )
    parts = [page["CommandInvocations"] for page in pages]
    assert [len(part) for part in parts] == [2, 2, 1]
    listed = [each for part in parts for each in part]
    assert [each["CommandId"] for each in listed] == sent[::-1]
    assert [each["Comment"] for each in listed] == [f"number {number}" for number in (4, 3, 2, 1, 0)]
    [plugin] = listed[0]["CommandPlugins"]
    assert (plugin["Name"], plugin["Status"], plugin["ResponseCode"]) == ("shell", "Success", 0)
    assert plugin["Output"] == "out\n\n----------ERROR-------\nerr\n"
    assert code_of(lambda: fleet.client.list_command_invocations(NextToken="x")) == "InvalidNextToken"
    assert code_of(lambda: fleet.client.list_command_invocations(MaxResults=51)) == "ValidationException"


def test_lists_are_filtered(fleet: RunCommand, clock: ManualClock) -> None:
    early = fleet.send("true")
    fleet.wait(early)
    clock.advance(100)
    late = fleet.send("sleep 60", seconds=1)
    between = (START + timedelta(seconds=120)).isoformat()

    def listed(*filters: tuple[str, str], **more: Any) -> list[str]:
        asked = [{"key": key, "value": value} for key, value in filters]
        answer = fleet.client.list_command_invocations(**({"Filters": asked} if asked else {}), **more)
        return [each["CommandId"] for each in answer["CommandInvocations"]]

    assert listed(("InvokedAfter", between)) == [late]
    assert listed(("InvokedBefore", between)) == [early]
    assert listed(("Status", "Success")) == listed(CommandId=early) == [early]
    assert listed(("DocumentName", "Other-Document")) == listed(InstanceId=fleet.instances[1]) == []
    fleet.wait(late)
    assert listed(("Status", "TimedOut")) == listed(("Status", "ExecutionTimedOut")) == [late]
    assert listed(("InvokedAfter", between), ("Status", "Success")) == []
    assert code_of(lambda: listed(("ExecutionStage", "Complete"))) == "InvalidFilterKey"
    assert code_of(lambda: listed(("InvokedAfter", "soon"))) == "ValidationException"


def test_commands_are_listed_with_what_became_of_them(fleet: RunCommand) -> None:
    fleet.control.instance(fleet.instances[1], undeliverable=True)
    fine = fleet.send("true")
    mixed = fleet.send("exit 1", *fleet.instances)
    hung = fleet.send("sleep 60")
    for command_id, instance in ((fine, fleet.first), (mixed, fleet.first), (mixed, fleet.instances[2])):
        fleet.wait(command_id, instance)
    listed = {each["CommandId"]: each for each in fleet.client.list_commands()["Commands"]}
    assert list(listed) == [hung, mixed, fine]
    assert [each["StatusDetails"] for each in listed.values()] == ["InProgress", "Failed", "Success"]
    assert [listed[mixed][name] for name in ("TargetCount", "CompletedCount", "ErrorCount")] == [3, 3, 2]

    def ids(key: str, value: str) -> list[str]:
        answer = fleet.client.list_commands(Filters=[{"key": key, "value": value}])
        return [each["CommandId"] for each in answer["Commands"]]

    assert ids("ExecutionStage", "Executing") == ids("Status", "InProgress") == [hung]
    assert ids("ExecutionStage", "Complete") == [mixed, fine]
    fleet.client.cancel_command(CommandId=hung)
    eventually(lambda: ids("Status", "Cancelled"), lambda found: found == [hung], "not cancelled")


def test_managed_instances_are_the_running_ones_that_drs_has_launched(
    fleet: RunCommand, drs: Drs, clock: ManualClock
) -> None:
    first, second, third = fleet.instances
    fleet.control.instance(second, reachable=False)
    drs.client.terminate_recovery_instances(recoveryInstanceIDs=[third])
    clock.advance(60)

    def described(**asked: Any) -> dict[str, str]:
        answer = fleet.client.describe_instance_information(**asked)
        return {each["InstanceId"]: each["PingStatus"] for each in answer["InstanceInformationList"]}

    assert described() == {first: "Online", second: "ConnectionLost"}
    assert described(Filters=[{"Key": "PingStatus", "Values": ["Online"]}]) == {first: "Online"}
    assert described(Filters=[{"Key": "InstanceIds", "Values": [second, third]}]) == {second: "ConnectionLost"}
    old = {"key": "InstanceIds", "valueSet": [first]}
    assert described(InstanceInformationFilterList=[old]) == {first: "Online"}
    assert code_of(lambda: described(Filters=[{"Key": "Color", "Values": ["x"]}])) == "InvalidFilterKey"
    wrong = [{"Key": "PingStatus", "Values": ["Lost"]}]
    assert code_of(lambda: described(Filters=wrong)) == "InvalidInstanceInformationFilterValue"


def test_accounts_and_regions_are_kept_apart_but_share_documents(fleet: RunCommand, make_client: MakeClient) -> None:
    command_id = fleet.send("true")
    for other in (make_client("ssm", key="222222222222"), make_client("ssm", region="eu-west-1")):
        elsewhere = RunCommand(other, fleet.control, fleet.simulator, fleet.instances)
        assert elsewhere.refusal() == "InvalidInstanceId"
        assert code_of(partial(other.cancel_command, CommandId=command_id)) == "InvalidCommandId"
        assert other.list_command_invocations()["CommandInvocations"] == []


def test_a_throttled_call_does_nothing_and_a_lost_answer_has_had_its_effect(fleet: RunCommand) -> None:
    fleet.control.fault("SendCommand", error="ThrottlingException", count=2)
    assert [fleet.refusal() for _ in range(2)] == ["ThrottlingException"] * 2
    assert fleet.control.state()["commandInvocations"] == []
    fleet.control.fault("SendCommand", error="InternalServerError", when="after")
    assert fleet.refusal(Comment="found by this") == "InternalServerError"
    [lost] = fleet.client.list_command_invocations()["CommandInvocations"]
    assert lost["Comment"] == "found by this"
    calls = fleet.control.calls("SendCommand")
    assert [call["error"] for call in calls] == ["ThrottlingException"] * 2 + ["InternalServerError"]
