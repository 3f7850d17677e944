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

from drs_simulator.client import ControlFailed, SimulatorControl
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
    deadline = time.monotonic() + 5
    while not control.calls(operation):
        assert time.monotonic() < deadline, f"no {operation} came"
        time.sleep(0.01)


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
    with pytest.raises(ControlFailed, match="StartRecoveries is no operation"):
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
        ("DescribeSourceServers", "ConnectionDropped"),
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
