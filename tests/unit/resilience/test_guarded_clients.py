"""Clients of services whose every call goes through a circuit, and the neutral read before faults open it."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from wavebreak.problems import CircuitOpen, OutOfTime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.circuit_clock import Clock

    from wavebreak.resilience.circuit_breaker import Circuit

DOWN = EndpointConnectionError(endpoint_url="https://drs")
REFUSED = ClientError({"Error": {"Code": "ValidationException", "Message": "no"}}, "DescribeJobs")
FAULT = ClientError(
    {"Error": {"Code": "InternalServerException"}, "ResponseMetadata": {"HTTPStatusCode": 500}},  # type: ignore[typeddict-item]  # what is read of it
    "StartRecovery",
)


class Meta:
    method_to_api_mapping = {"describe_jobs": "DescribeJobs"}  # noqa: RUF012  as botocore has it


class Pages:
    """A paginator that calls its client for each page, as botocore's does."""

    def __init__(self, client: Client) -> None:
        self.method = client.describe_jobs

    def paginate(self, **_: Any) -> Iterator[Any]:
        for number in range(5):
            yield self.method(number=number)


class Client:
    meta = Meta()

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.error: Exception | None = None

    def describe_jobs(self, number: int = 0) -> int:
        self.asked.append(number)
        if self.error:
            raise self.error
        return number

    def get_paginator(self, name: str) -> Pages:
        assert name == "describe_jobs"
        return Pages(self)

    def close(self) -> str:
        return "closed"


def guard(circuit: Circuit) -> Client:
    return circuit.guard(Client(), operation="drs_call", pages="drs_read")


def test_every_call_of_a_guarded_client_goes_through_its_circuit(circuit: Circuit) -> None:
    client = guard(circuit)
    assert client.describe_jobs(number=3) == 3
    client.error = DOWN
    for _ in range(5):
        with pytest.raises(EndpointConnectionError):
            client.describe_jobs()
    with pytest.raises(CircuitOpen):
        client.describe_jobs()
    with pytest.raises(CircuitOpen):
        list(client.get_paginator("describe_jobs").paginate())
    assert (len(client.asked), client.close()) == (6, "closed")


def test_s3_1_no_page_is_begun_past_the_deadline_but_the_first(
    circuit: Circuit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = guard(circuit)
    assert list(client.get_paginator("describe_jobs").paginate()) == [0, 1, 2, 3, 4]
    monkeypatch.setenv("TIMEOUT_DRS_READ", "0.03")
    client.asked.clear()
    pages = iter(client.get_paginator("describe_jobs").paginate())
    assert [next(pages), next(pages)] == [0, 1]
    time.sleep(0.04)
    with pytest.raises(OutOfTime, match=r"describe_jobs of drs/us-east-1 did not end within 0\.03 s"):
        next(pages)
    assert client.asked == [0, 1]
    assert client.describe_jobs(number=9) == 9
    assert caplog.records[0].__dict__["expired"] == {
        "operation": "drs_read",
        "limitSeconds": 0.03,
        "circuit": "drs/us-east-1",
        "call": "describe_jobs",
    }


def test_s3_2_a_call_that_ran_into_its_limit_is_logged(circuit: Circuit, caplog: pytest.LogCaptureFixture) -> None:
    client = guard(circuit)
    client.error = ReadTimeoutError(endpoint_url="https://drs")
    with pytest.raises(ReadTimeoutError):
        client.describe_jobs()
    assert caplog.records[0].__dict__["expired"] == {
        "operation": "drs_call",
        "limitSeconds": 10,
        "call": "describe_jobs",
        "circuit": "drs/us-east-1",
    }


class NeutralClient(Client):
    """A client whose calls fail for whom they name; `neutral` is what a read that names nobody ends with."""

    def __init__(self, neutral: Exception | None) -> None:
        super().__init__()
        self.neutral = neutral
        self.neutral_reads = 0

    def describe_jobs(self, number: int = 0, **parameters: int) -> int:
        if parameters:
            self.neutral_reads += 1
            if self.neutral:
                raise self.neutral
            return 0
        return super().describe_jobs(number)


def guarded_neutral(circuit: Circuit, neutral: Exception | None) -> NeutralClient:
    client = NeutralClient(neutral)
    return circuit.guard(
        client, operation="drs_call", pages="drs_read", neutral=partial(client.describe_jobs, maxResults=1)
    )


def fail_often(client: Client, error: Exception, times: int) -> None:
    client.error = error
    for _ in range(times):
        with pytest.raises(type(error)) as raised:
            client.describe_jobs(number=1)
        assert raised.value is error


def test_faults_that_a_service_answers_with_do_not_open_it_while_it_answers_what_names_nobody(circuit: Circuit) -> None:
    client = guarded_neutral(circuit, None)
    fail_often(client, FAULT, 24)
    assert client.neutral_reads == 4, "once before it would open: after four faults that count"
    client.error = None
    assert client.describe_jobs(number=7) == 7


@pytest.mark.parametrize("neutral", [FAULT, DOWN, REFUSED], ids=["fault", "silence", "refusal"])
def test_s3_8_faults_open_it_where_the_service_does_not_answer_what_names_nobody_either(
    circuit: Circuit, neutral: Exception
) -> None:
    client = guarded_neutral(circuit, neutral)
    fail_often(client, FAULT, 5)
    if neutral is REFUSED:
        fail_often(client, FAULT, 5)
        return
    with pytest.raises(CircuitOpen):
        client.describe_jobs(number=1)


def test_s3_8_who_may_not_read_what_names_nobody_does_not_know_that_the_service_is_well(circuit: Circuit) -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeJobs")
    fail_often(guarded_neutral(circuit, denied), FAULT, 5)
    with pytest.raises(CircuitOpen):
        circuit.call(str)


def test_s3_8_silence_opens_it_without_another_call(circuit: Circuit) -> None:
    client = guarded_neutral(circuit, None)
    fail_often(client, DOWN, 5)
    with pytest.raises(CircuitOpen):
        client.describe_jobs(number=1)
    assert client.neutral_reads == 0


def test_s3_10_a_fault_for_one_closes_it_again_where_the_service_answers_what_names_nobody(
    circuit: Circuit, clock: Clock
) -> None:
    client = guarded_neutral(circuit, None)
    fail_often(client, DOWN, 5)
    clock.at += 30
    fail_often(client, FAULT, 1)
    client.error = None
    assert client.describe_jobs(number=7) == 7


def test_clients_of_one_circuit_ask_what_each_of_their_functions_may_read(circuit: Circuit) -> None:
    """Commands and automations share the circuit of SSM, and no function has the rights of both."""
    denied = ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeJobs")
    client, other = guarded_neutral(circuit, None), guarded_neutral(circuit, denied)
    fail_often(client, FAULT, 24)
    assert (client.neutral_reads, other.neutral_reads) == (4, 0)
