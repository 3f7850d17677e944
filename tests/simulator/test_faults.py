"""Failures on demand, and the journal that tells what the simulator was really asked."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Thread
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from tests.simulator.clients import Drs, MakeClient, server_id, signed
from tests.support.eventually import eventually

from drs_simulator.client import ControlError, SimulatorControl
from drs_simulator.http.server import SimulatorServer
from drs_simulator.manners import STRICT

Servers = tuple[str, str, str]


def failure(drs: Drs, server: str) -> tuple[int, str, Any]:
    with pytest.raises(ClientError) as caught:
        drs.start(server)
    response: Any = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ThrottlingException", 429),
        ("ConflictException", 409),
        ("InternalServerException", 500),
        ("UninitializedAccountException", 400),
        ("AccessDeniedException", 403),
        ("ServiceQuotaExceededException", 402),
        ("ExpiredTokenException", 400),
    ],
)
def test_a_fault_answers_with_the_exception_and_its_status(
    drs: Drs, control: SimulatorControl, three_servers: Servers, code: str, status: int
) -> None:
    control.fault("StartRecovery", error=code)
    assert failure(drs, three_servers[0])[:2] == (status, code)
    assert control.state()["jobs"] == []


def test_a_throttled_caller_is_told_how_long_to_wait(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    control.fault("StartRecovery", error="ThrottlingException")
    _, _, response = failure(drs, three_servers[0])
    assert response["retryAfterSeconds"] == "1"
    assert response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"


def test_a_fault_strikes_as_often_as_it_says(drs: Drs, control: SimulatorControl, three_servers: Servers) -> None:
    control.fault("StartRecovery", error="ThrottlingException", count=2)
    control.fault("StartRecovery", error="InternalServerException")
    codes = [failure(drs, three_servers[0])[1] for _ in range(3)]
    assert codes == ["ThrottlingException", "ThrottlingException", "InternalServerException"]
    assert drs.start(three_servers[0])


def test_a_fault_leaves_other_operations_alone(drs: Drs, control: SimulatorControl, three_servers: Servers) -> None:
    control.fault("DescribeJobs", httpStatus=503)
    assert drs.start(three_servers[0])
    with pytest.raises(ClientError) as caught:
        drs.client.describe_jobs()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert caught.value.response["Error"]["Code"] == "503"


def test_a_fault_after_the_call_hides_that_it_was_performed(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    control.fault("StartRecovery", error="InternalServerException", when="after")
    assert failure(drs, three_servers[0])[0] == 500
    assert len(control.state()["jobs"]) == 1


def test_a_refusal_can_be_lost_on_its_way_too(drs: Drs, control: SimulatorControl) -> None:
    control.fault("StartRecovery", httpStatus=502, when="after")
    assert failure(drs, server_id(9))[0] == 502
    assert control.state()["jobs"] == []


@pytest.mark.parametrize(("when", "jobs"), [("before", 0), ("after", 1)])
def test_a_dropped_connection_gives_no_answer(
    drs: Drs, control: SimulatorControl, three_servers: Servers, when: str, jobs: int
) -> None:
    control.fault("StartRecovery", dropConnection=True, when=when)
    with pytest.raises(ConnectionClosedError):
        drs.start(three_servers[0])
    assert len(control.state()["jobs"]) == jobs
    assert drs.client.describe_jobs()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_delayed_answer_comes_late(drs: Drs, control: SimulatorControl, three_servers: Servers) -> None:
    control.fault("StartRecovery", delaySeconds=0.3)
    begun = time.monotonic()
    drs.start(three_servers[0])
    assert time.monotonic() - begun >= 0.3


def test_a_call_whose_answer_is_too_late_was_performed_all_the_same(
    control: SimulatorControl, make_client: MakeClient, three_servers: Servers
) -> None:
    control.fault("StartRecovery", delaySeconds=30, when="after")
    impatient = make_client(read_timeout=0.2)
    with pytest.raises(ReadTimeoutError):
        impatient.start_recovery(sourceServers=[{"sourceServerID": three_servers[0]}])
    assert len(control.state()["jobs"]) == 1


def test_a_delay_holds_nobody_else_up(drs: Drs, control: SimulatorControl, three_servers: Servers) -> None:
    control.fault("StartRecovery", delaySeconds=1)
    delayed = Thread(target=drs.start, args=(three_servers[0],))
    delayed.start()
    wait_for_call(control, "StartRecovery")
    drs.client.describe_jobs()
    assert delayed.is_alive()
    delayed.join()


def test_closing_the_simulator_waits_for_no_delayed_answer() -> None:
    with SimulatorServer(manners=STRICT) as server:
        control = SimulatorControl(server.url)
        control.fault("DescribeJobs", delaySeconds=600)
        waiting = Thread(target=post_and_forget, args=(server,))
        waiting.start()
        wait_for_call(control, "DescribeJobs")
        begun = time.monotonic()
    waiting.join()
    assert time.monotonic() - begun < 5


def wait_for_call(control: SimulatorControl, operation: str) -> None:
    eventually(lambda: control.calls(operation), complaint=f"no {operation} came", seconds=5, pause=0.01)


def post_and_forget(server: SimulatorServer) -> None:
    with suppress(httpx.TransportError):
        signed(server, "DescribeJobs", {})


def test_a_fault_may_strike_every_other_call(drs: Drs, control: SimulatorControl) -> None:
    control.fault("DescribeJobs", error="ThrottlingException", count=2, every=2)
    for _ in range(6):
        with suppress(ClientError):
            drs.client.describe_jobs()
    errors = [call["error"] for call in control.calls("DescribeJobs")]
    assert errors == [None, "ThrottlingException", None, "ThrottlingException", None, None]


def test_faults_are_cleared(drs: Drs, control: SimulatorControl, three_servers: Servers) -> None:
    control.fault("StartRecovery", error="ThrottlingException", count=9)
    control.clear_faults()
    assert drs.start(three_servers[0])


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        ({}, ""),
        ({"error": "ThrottlingException", "httpStatus": 503}, ""),
        ({"dropConnection": False}, ""),
        ({"error": "Throttling Exception"}, "/error"),
        ({"httpStatus": 200}, "/httpStatus"),
        ({"delaySeconds": 0}, "/delaySeconds"),
        ({"error": "ThrottlingException", "count": 0}, "/count"),
        ({"error": "ThrottlingException", "every": 0}, "/every"),
        ({"error": "ThrottlingException", "when": "later"}, "/when"),
        ({"error": "ThrottlingException", "color": "red"}, "/color"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(simulator: SimulatorServer, settings: Any, pointer: str) -> None:
    answer = httpx.post(
        f"{simulator.url}/_simulator/faults", json={"operation": "StartRecovery", **settings}, trust_env=False
    )
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_fault_of_an_unknown_operation_is_refused(control: SimulatorControl) -> None:
    with pytest.raises(ControlError, match="StartRecoveries is no operation"):
        control.fault("StartRecoveries", error="ThrottlingException")


def test_the_journal_has_every_call_with_its_parameters_and_error(
    drs: Drs, control: SimulatorControl, make_client: MakeClient, three_servers: Servers
) -> None:
    drs.start(three_servers[0], tags={"wave": "1"})
    failure(drs, server_id(9))
    control.fault("DescribeJobs", httpStatus=503)
    control.fault("DescribeSourceServers", dropConnection=True)
    with pytest.raises(ClientError):
        drs.client.describe_jobs()
    with pytest.raises(ConnectionClosedError):
        drs.client.describe_source_servers(maxResults=3)
    make_client(key="222222222222", region="eu-west-1").describe_jobs()
    calls = control.calls()
    assert [(call["operation"], call["error"]) for call in calls] == [
        ("StartRecovery", None),
        ("StartRecovery", "ConflictException"),
        ("DescribeJobs", "Http503"),
        ("DescribeSourceServers", "ConnectionDroppedError"),
        ("DescribeJobs", None),
    ]
    assert calls[0] == {
        "operation": "StartRecovery",
        "parameters": {
            "sourceServers": [{"sourceServerID": three_servers[0]}],
            "isDrill": True,
            "tags": {"wave": "1"},
        },
        "error": None,
        "at": "2026-03-01T12:00:00.000Z",
        "account": "000000000000",
        "region": "us-east-1",
    }
    assert calls[3]["parameters"] == {"maxResults": 3}
    assert (calls[4]["account"], calls[4]["region"]) == ("222222222222", "eu-west-1")
    assert len(control.calls("StartRecovery")) == 2


# Faults of one subject: contract 11.


def test_a_fault_of_one_server_strikes_the_calls_that_name_it(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    bad, good, other = three_servers
    control.fault("StartRecovery", error="AccessDeniedException", subject=bad, count=100)
    assert drs.start(good)
    with pytest.raises(ClientError, match=f"AccessDeniedException.*{bad}"):
        drs.start(other, bad)
    assert drs.start(other)
    assert [call["error"] for call in control.calls("StartRecovery")] == [None, "AccessDeniedException", None]


def test_a_fault_of_a_server_strikes_the_calls_that_name_its_instance(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    drs.recover(*three_servers)
    instances = {each["sourceServerID"]: each["recoveryInstanceID"] for each in drs.instances()}
    control.fault("TerminateRecoveryInstances", httpStatus=503, subject=three_servers[0], count=2)
    control.fault("TerminateRecoveryInstances", error="InternalServerException", subject=instances[three_servers[1]])

    def terminate(*servers: str) -> int:
        try:
            answer = drs.client.terminate_recovery_instances(
                recoveryInstanceIDs=[instances[server] for server in servers]
            )
        except ClientError as error:
            answer = error.response
        return int(answer["ResponseMetadata"]["HTTPStatusCode"])

    assert terminate(*three_servers) == 503
    assert terminate(three_servers[1]) == 500
    assert terminate(three_servers[0], three_servers[2]) == 503
    assert terminate(*three_servers) == 200


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_fault_of_a_subject_may_lose_the_answer(
    drs: Drs, control: SimulatorControl, three_servers: Servers, when: str
) -> None:
    control.fault("StartRecovery", dropConnection=True, subject=three_servers[0], when=when)
    with pytest.raises(ConnectionClosedError):
        drs.start(three_servers[0])
    assert len(control.state()["jobs"]) == (when == "after")


def test_a_fault_is_of_one_account_or_region(
    make_client: MakeClient, control: SimulatorControl, three_servers: Servers
) -> None:
    assert three_servers
    control.fault("DescribeJobs", error="ThrottlingException", account="111122223333", count=9)
    control.fault("DescribeJobs", error="InternalServerException", region="eu-west-1", count=9)
    assert make_client().describe_jobs()["items"] == []
    codes = []
    other, elsewhere = make_client(key="111122223333"), make_client(region="eu-west-1")
    for client in (other, elsewhere, make_client(key="444455556666", region="eu-west-1")):
        with pytest.raises(ClientError) as caught:
            client.describe_jobs()
        codes.append(caught.value.response["Error"]["Code"])
    assert codes == ["ThrottlingException", "InternalServerException", "InternalServerException"]


def test_an_error_says_what_it_is_told_to(drs: Drs, control: SimulatorControl, three_servers: Servers) -> None:
    control.fault("StartRecovery", error="ValidationException", message="Tags: too many")
    with pytest.raises(ClientError, match="Tags: too many"):
        drs.start(three_servers[0])
    with pytest.raises(ControlError, match="only an error has a message"):
        control.fault("StartRecovery", httpStatus=500, message="no")
    for settings in ({"account": "mine"}, {"region": "Mars"}, {"subject": ""}):
        with pytest.raises(ControlError, match=f"/{next(iter(settings))}"):
            control.fault("StartRecovery", httpStatus=500, **settings)


def test_an_ssm_call_that_names_an_instance_is_a_subjects_too(
    drs: Drs, control: SimulatorControl, three_servers: Servers, make_client: MakeClient
) -> None:
    drs.recover(*three_servers[:2])
    instances = {each["sourceServerID"]: each["ec2InstanceID"] for each in drs.instances()}
    control.fault("CancelCommand", error="InternalServerError", subject=three_servers[0])
    ssm = make_client("ssm")
    command = "01234567-0123-4123-8123-0123456789ab"
    codes = []
    for server in (three_servers[1], three_servers[0]):
        with pytest.raises(ClientError) as caught:
            ssm.cancel_command(CommandId=command, InstanceIds=[instances[server]])
        codes.append(caught.value.response["Error"]["Code"])
    assert codes == ["InvalidCommandId", "InternalServerError"]
