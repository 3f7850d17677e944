"""Contract 11: what DRS and EC2 make of an instance after its launch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.simulator.launches import READY, events, only_instance, raw_error
from tests.simulator.run_command import SHELL, SHELL_DOCUMENT, code_of

from drs_simulator.client import ControlError, SimulatorControl

if TYPE_CHECKING:
    from tests.simulator.clients import Drs, MakeClient

    from drs_simulator.clockwork.clock import ManualClock

Servers = tuple[str, str, str]


def test_a_disposition_of_stopped_leaves_a_stopped_instance(
    drs: Drs, control: SimulatorControl, three_servers: Servers, make_client: MakeClient
) -> None:
    control.put_source_server(three_servers[0], launchConfiguration={"launchDisposition": "STOPPED"})
    job = drs.recover(three_servers[0])
    assert drs.launch_statuses(job["jobID"]) == {three_servers[0]: "LAUNCHED"}
    assert drs.instances()[0]["ec2InstanceState"] == "STOPPED"
    assert make_client("ssm").describe_instance_information()["InstanceInformationList"] == []


def test_a_launch_into_an_instance_takes_it_even_in_a_drill(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    control.put_existing_instance(READY, state="STOPPED", name="production")
    control.put_source_server(
        three_servers[0], launchConfiguration={"launchIntoInstanceProperties": {"launchIntoEC2InstanceID": READY}}
    )
    drs.recover(three_servers[0])
    assert only_instance(control)["recoveryInstanceID"] == READY
    assert [each["InstanceId"] for each in control.state()["ec2Instances"]] == [READY]
    # It runs, and what runs is not launched into.
    assert code_of(lambda: drs.start(three_servers[0])) == "ConflictException"
    control.instance(READY, state="STOPPED")
    job = drs.recover(three_servers[0])
    assert "CLEANUP_START" not in events(drs, job["jobID"])
    assert only_instance(control)["jobID"] == job["jobID"]
    assert control.state()["ec2Instances"][0]["State"]["Name"] == "running"


def test_an_instance_to_launch_into_that_is_gone_fails_the_launch(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    control.put_source_server(
        three_servers[0], launchConfiguration={"launchIntoInstanceProperties": {"launchIntoEC2InstanceID": READY}}
    )
    assert [each["State"]["Name"] for each in control.state()["ec2Instances"]] == ["stopped"]
    control.instance(READY, state="TERMINATED")
    assert raw_error(drs, drs.recover(three_servers[0])["jobID"]).startswith("InvalidInstanceID.NotFound: ")


def test_an_instance_that_drs_refuses_to_terminate_refuses_the_batch_until_it_may_be(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    control.instance(three_servers[1], terminable=False)
    drs.recover(*three_servers)
    by_server = {each["sourceServerID"]: each["recoveryInstanceID"] for each in control.state()["recoveryInstances"]}
    identifiers = list(by_server.values())

    def terminate() -> Any:
        return drs.client.terminate_recovery_instances(recoveryInstanceIDs=identifiers)

    assert code_of(terminate) == "ConflictException"
    assert len(control.state()["recoveryInstances"]) == 3
    assert control.instance(by_server[three_servers[1]], terminable=True)["terminable"] is True
    assert terminate()["job"]["type"] == "TERMINATE"


def test_an_instance_that_is_protected_in_ec2_outlives_its_termination(
    drs: Drs, control: SimulatorControl, three_servers: Servers, clock: ManualClock
) -> None:
    drs.recover(*three_servers[:2])
    by_server = {each["sourceServerID"]: each["recoveryInstanceID"] for each in control.state()["recoveryInstances"]}
    control.instance(by_server[three_servers[0]], protected=True)
    job_id = drs.client.terminate_recovery_instances(recoveryInstanceIDs=list(by_server.values()))["job"]["jobID"]
    clock.advance(20)
    assert drs.launch_statuses(job_id) == {three_servers[0]: "FAILED", three_servers[1]: "TERMINATED"}
    assert "disableApiTermination" in events(drs, job_id)["CLEANUP_FAIL"]["eventData"]["rawError"]
    assert only_instance(control)["ec2InstanceState"] == "RUNNING"


@pytest.mark.parametrize(
    ("state", "refused"),
    [
        ("FAILBACK_NOT_STARTED", False),
        ("FAILBACK_IN_PROGRESS", True),
        ("FAILBACK_READY_FOR_LAUNCH", True),
        ("FAILBACK_COMPLETED", False),
        (None, False),
    ],
)
def test_an_instance_in_failback_is_left_alone(
    drs: Drs, control: SimulatorControl, three_servers: Servers, state: str | None, refused: bool
) -> None:
    drs.recover(three_servers[0])
    instance = only_instance(control)["recoveryInstanceID"]
    assert control.instance(instance, failbackState=state)["failbackState"] == state
    [seen] = drs.instances()
    assert seen.get("failback") == (None if state is None else {"state": state})

    def terminate() -> Any:
        return drs.client.terminate_recovery_instances(recoveryInstanceIDs=[instance])

    if refused:
        assert code_of(terminate) == "ConflictException"
        assert code_of(lambda: drs.start(three_servers[0])) == "ConflictException"
    else:
        assert terminate()["job"]["type"] == "TERMINATE"


def test_drs_forgets_an_instance_that_runs_on(
    drs: Drs, control: SimulatorControl, three_servers: Servers, ec2: Any, make_client: MakeClient
) -> None:
    drs.recover(three_servers[0])
    instance = only_instance(control)["recoveryInstanceID"]
    control.forget_record(instance)
    assert drs.instances() == []
    assert "recoveryInstanceId" not in drs.client.describe_source_servers()["items"][0]
    [reservation] = ec2.describe_instances(InstanceIds=[instance])["Reservations"]
    assert reservation["Instances"][0]["State"]["Name"] == "running"
    listed = make_client("ssm").describe_instance_information()["InstanceInformationList"]
    assert [each["InstanceId"] for each in listed] == [instance]
    assert (
        code_of(lambda: drs.client.terminate_recovery_instances(recoveryInstanceIDs=[instance])) == "ConflictException"
    )
    # A new launch leaves it alone, too: DRS knows nothing of it.
    drs.recover(three_servers[0])
    assert len([each for each in control.state()["ec2Instances"] if each["State"]["Name"] == "running"]) == 2
    with pytest.raises(ControlError, match="404"):
        control.forget_record(instance)


@pytest.mark.parametrize("state", ["PENDING", "STOPPING", "STOPPED", "SHUTTING-DOWN", "TERMINATED", "NOT_FOUND"])
def test_ec2_comes_to_a_state_without_drs(
    drs: Drs, control: SimulatorControl, three_servers: Servers, state: str, make_client: MakeClient, ec2: Any
) -> None:
    drs.recover(three_servers[0])
    instance = only_instance(control)["recoveryInstanceID"]
    control.instance(instance, state=state)
    assert drs.instances()[0]["ec2InstanceState"] == state
    assert make_client("ssm").describe_instance_information()["InstanceInformationList"] == []
    if state == "NOT_FOUND":
        assert code_of(lambda: ec2.describe_instances(InstanceIds=[instance])) == "InvalidInstanceID.NotFound"
    if state != "TERMINATED":
        control.instance(instance, state="RUNNING")
        assert drs.instances()[0]["ec2InstanceState"] == "RUNNING"
    assert drs.client.terminate_recovery_instances(recoveryInstanceIDs=[instance])["job"]
    drs._clock.advance(20)
    assert drs.instances() == []


def test_a_windows_instance_takes_no_shell_document(
    drs: Drs, control: SimulatorControl, three_servers: Servers, make_client: MakeClient
) -> None:

    control.put_document(SHELL, SHELL_DOCUMENT)
    assert control.instance(three_servers[0], platform="Windows")["platform"] == "Windows"
    drs.recover(three_servers[0])
    ssm, instance = make_client("ssm"), only_instance(control)["recoveryInstanceID"]
    asked = {"InstanceIds": [instance], "DocumentName": SHELL, "Parameters": {"Script": ["true"]}}
    assert code_of(lambda: ssm.send_command(**asked)) == "UnsupportedPlatformType"
    filters = [{"Key": "PlatformTypes", "Values": ["Windows"]}]
    [listed] = ssm.describe_instance_information(Filters=filters)["InstanceInformationList"]
    assert listed["PlatformType"] == "Windows"
    [server] = [
        each for each in drs.client.describe_source_servers()["items"] if each["sourceServerID"] == three_servers[0]
    ]
    assert "Windows" in server["sourceProperties"]["os"]["fullString"]
