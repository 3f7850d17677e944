"""Circuit breakers: when they open, what they answer meanwhile, how they recover, and what they leave alone."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import pytest
from aws_lambda_powertools.utilities.circuit_breaker import base, persistence
from botocore.exceptions import ClientError, EndpointConnectionError

from wavebreak.problems import CircuitOpen, Unavailable
from wavebreak.resilience import circuit_breaker, retries
from wavebreak.resilience.breaker_states import LocalStates, SharedStates
from wavebreak.resilience.circuit_breaker import RULES, Circuit, Rule, circuit_name
from wavebreak.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.circuit_clock import Clock

DOWN = EndpointConnectionError(endpoint_url="https://drs")
REFUSED = ClientError({"Error": {"Code": "ValidationException", "Message": "no"}}, "DescribeJobs")


class Service:
    """Counts its calls, and answers as it is told."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None

    def __call__(self) -> str:
        self.calls += 1
        if self.error is not None:
            raise self.error
        return "answer"


def fail(circuit: Circuit, service: Service, times: int, error: Exception = DOWN) -> None:
    service.error = error
    for _ in range(times):
        with pytest.raises(type(error)) as raised:
            circuit.call(service)
        assert raised.value is error
    service.error = None


@pytest.fixture
def service() -> Service:
    return Service()


def test_s3_8_drs_and_dynamodb_open_after_five_for_thirty_seconds_the_others_after_three_for_sixty() -> None:
    assert {name: (rule.failures, rule.seconds) for name, rule in RULES.items()} == {
        "drs": (5, 30),
        "drs-read": (5, 30),
        "dynamodb": (5, 30),
        "ec2": (3, 60),
        "ec2-read": (3, 60),
        "lambda-read": (3, 60),
        "ssm": (3, 60),
        "ssm-read": (3, 60),
        "sts": (3, 60),
        "sts-read": (3, 60),
        "sns": (3, 60),
        "sesv2": (3, 60),
        "events": (3, 60),
        "sqs": (3, 60),
    }
    assert {name for name, rule in RULES.items() if rule.critical} == {"drs", "dynamodb"}
    assert {name for name, rule in RULES.items() if not rule.shared} == {"dynamodb"}


@pytest.mark.parametrize(("scale", "seconds"), [(1, 30), (0.1, 3), (0.01, 1), (0.05, 2)])
def test_windows_keep_to_the_time_scale(scale: float, seconds: int) -> None:
    assert RULES["drs"].window(scale) == seconds


def test_one_circuit_for_each_dependency_account_and_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert circuit_name("drs") == circuit_name("drs", Site()) == "drs/us-east-1"
    assert circuit_name("drs", Site(None, "eu-west-1")) == "drs/eu-west-1"
    assert circuit_name("ssm", Site("123456789012", None)) == "ssm/123456789012/us-east-1"


@pytest.mark.parametrize("dependency", ["drs", "sns"])
def test_s3_8_it_opens_at_the_last_failure_of_its_rule_and_not_before(
    clock: Clock, service: Service, dependency: str
) -> None:
    rule = RULES[dependency]
    circuit = Circuit(f"{dependency}/x", rule, LocalStates())
    fail(circuit, service, rule.failures - 1)
    assert circuit.call(service) == "answer"
    fail(circuit, service, rule.failures)
    with pytest.raises(CircuitOpen):
        circuit.call(service)
    clock.at += rule.seconds - 1
    with pytest.raises(CircuitOpen):
        circuit.call(service)
    clock.at += 1
    assert circuit.call(service) == "answer"


def test_s3_9_an_open_circuit_answers_at_once_without_the_call_and_says_when_to_come_again(
    circuit: Circuit, service: Service, clock: Clock
) -> None:
    fail(circuit, service, 5)
    clock.at += 10
    begin = time.perf_counter()
    for _ in range(100):
        with pytest.raises(CircuitOpen) as raised:
            circuit.call(service)
    assert (time.perf_counter() - begin) / 100 < 0.001
    assert service.calls == 5
    assert isinstance(raised.value, Unavailable)
    assert raised.value.headers == {"Retry-After": "20"}
    assert raised.value.detail == "drs/us-east-1 failed 5 times in a row and is left alone for now"


def test_s3_10_one_success_closes_it_and_one_failure_opens_it_again(
    circuit: Circuit, service: Service, clock: Clock
) -> None:
    fail(circuit, service, 5)
    clock.at += 30
    fail(circuit, service, 1)
    clock.at += 29
    with pytest.raises(CircuitOpen):
        circuit.call(service)
    clock.at += 1
    assert circuit.call(service) == "answer"
    fail(circuit, service, 4)
    assert circuit.call(service) == "answer"


@pytest.mark.parametrize(
    "code",
    ["ValidationException", "AccessDeniedException", "ConflictException", "ServiceQuotaExceededException"],
)
def test_s3_22_what_a_service_that_is_well_refuses_never_opens_it(
    circuit: Circuit, service: Service, code: str
) -> None:
    refusal = ClientError({"Error": {"Code": code, "Message": "no"}}, "StartRecovery")
    fail(circuit, service, 20, refusal)
    fail(circuit, service, 4)
    fail(circuit, service, 1, refusal)
    fail(circuit, service, 4)
    assert circuit.call(service) == "answer"


def test_s3_22_a_refusal_shows_that_the_service_is_back(circuit: Circuit, service: Service, clock: Clock) -> None:
    fail(circuit, service, 5)
    clock.at += 30
    fail(circuit, service, 1, REFUSED)
    fail(circuit, service, 4)
    assert circuit.call(service) == "answer"


def test_s3_22_another_open_circuit_on_the_way_counts_neither_way(circuit: Circuit, service: Service) -> None:
    fail(circuit, service, 4)
    fail(circuit, service, 9, CircuitOpen("sts is left alone"))
    fail(circuit, service, 1)
    with pytest.raises(CircuitOpen, match="drs"):
        circuit.call(service)


def test_s3_22_an_exhausted_series_is_one_failure_and_an_open_circuit_is_not_retried(
    circuit: Circuit, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(retries, "sleep", slept.append)
    service.error = DOWN
    for _ in range(5):
        with pytest.raises(EndpointConnectionError):
            circuit.call(lambda: retries.call("database", service))
    assert service.calls == 15
    assert len(slept) == 10
    with pytest.raises(CircuitOpen):
        retries.call("database", lambda: circuit.call(service))
    assert (service.calls, len(slept)) == (15, 10)


def test_s3_2_transitions_are_logged_by_name(
    circuit: Circuit, service: Service, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "wavebreak"):
        fail(circuit, service, 5)
        clock.at += 30
        circuit.call(service)
    reported = [record.__dict__["circuit"] for record in caplog.records if "circuit" in record.__dict__]
    assert [(each["from"], each["to"]) for each in reported] == [
        ("CLOSED", "OPEN"),
        ("OPEN", "HALF_OPEN"),
        ("HALF_OPEN", "CLOSED"),
    ]
    assert {each["name"] for each in reported} == {"drs/us-east-1"}


class BrokenTable:
    """A DynamoDB client of a table that does not answer."""

    def __init__(self) -> None:
        self.calls = 0
        self.meta: Any = None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**_: Any) -> Any:
            self.calls += 1
            raise EndpointConnectionError(endpoint_url=f"https://dynamodb/{name}")

        return call


def test_a_table_that_is_away_takes_nothing_down(clock: Clock, service: Service) -> None:
    table = BrokenTable()
    circuit = Circuit("drs/us-east-1", RULES["drs"], SharedStates(table, "breakers"))
    assert [circuit.call(service) for _ in range(50)] == ["answer"] * 50
    assert table.calls == 1, "it is asked again only once what was read is too old"
    fail(circuit, service, 5)
    with pytest.raises(CircuitOpen):
        circuit.call(service)
    clock.at += 5
    assert circuit.call(service) == "answer", "who cannot be told of the others calls"


def test_a_table_that_is_away_is_asked_once_for_several_circuits(clock: Clock, service: Service) -> None:
    del clock
    table = BrokenTable()
    states = SharedStates(table, "breakers")
    names = ["sns/us-east-1", "sesv2/us-east-1", "events/us-east-1"]
    states.read_together(names)
    circuits = [Circuit(name, RULES[name.partition("/")[0]], states) for name in names]
    assert [circuit.call(service) for circuit in circuits] == ["answer"] * 3
    assert table.calls == 1


def test_circuits_whose_common_read_is_refused_are_read_one_by_one(clock: Clock, service: Service) -> None:
    del clock

    class BusyTable(BrokenTable):
        """Its records are just being written."""

        def __getattr__(self, name: str) -> Callable[..., Any]:
            def call(**_: Any) -> Any:
                self.calls += 1
                if name == "transact_get_items":
                    raise ClientError({"Error": {"Code": "TransactionCanceledException", "Message": "conflict"}}, name)
                return {}

            return call

    table = BusyTable()
    states = SharedStates(table, "breakers")
    states.read_together(["sns/us-east-1", "events/us-east-1"])
    assert Circuit("sns/us-east-1", RULES["sns"], states).call(service) == "answer"
    assert table.calls == 2


@pytest.fixture
def launching() -> Circuit:
    return Circuit("drs/us-east-1", RULES["drs"], LocalStates())


@pytest.fixture
def reading(launching: Circuit) -> Circuit:
    return Circuit("drs-read/us-east-1", RULES["drs-read"], LocalStates(), behind=launching)


def test_a11_whoever_only_reads_never_keeps_a_launch_from_being_called(
    clock: Clock, service: Service, launching: Circuit, reading: Circuit
) -> None:
    del clock
    fail(reading, service, 5)
    with pytest.raises(CircuitOpen, match="drs-read/us-east-1"):
        reading.call(service)
    service.error = None
    assert launching.call(service) == "answer"


def test_a11_who_only_reads_leaves_alone_what_launches_leave_alone_and_tries_it_for_nobody(
    clock: Clock, service: Service, launching: Circuit, reading: Circuit
) -> None:
    fail(launching, service, 5)
    made = service.calls
    with pytest.raises(CircuitOpen, match="drs/us-east-1") as refused:
        reading.call(service)
    assert (service.calls, refused.value.retry_after_seconds) == (made, 30)
    clock.at += 30
    assert reading.call(service) == "answer"
    assert launching.states.get_state(launching.name).state == "OPEN", "the probe is left to a launch"
    assert launching.call(service) == "answer"
    assert reading.call(service) == "answer"


def test_a_probe_that_never_came_back_is_taken_over(clock: Clock, service: Service) -> None:
    states = LocalStates()
    circuit = Circuit("drs/us-east-1", RULES["drs"], states)
    fail(circuit, service, 5)
    opened = states.get_state(circuit.name).opened_at
    clock.at += 30
    assert opened is not None
    assert states.try_acquire_half_open(circuit.name, "somebody who died", opened)
    assert not states.try_acquire_half_open(circuit.name, "another", opened)
    with pytest.raises(CircuitOpen):
        circuit.call(service)
    clock.at += 30
    assert circuit.call(service) == "answer"


def test_our_states_are_what_powertools_asks_for() -> None:
    layer = persistence.CircuitBreakerPersistenceLayer
    assert issubclass(LocalStates, layer)
    assert issubclass(SharedStates, layer)
    assert layer.__abstractmethods__ == {"_get_record", "_put_record", "_update_record"}
    assert base.CircuitBreakerHandler.__init__.__code__.co_argcount > 4
    assert circuit_breaker.SHARED_WITHIN_SECONDS == 5
    assert Circuit("x", Rule(1, 1), LocalStates()).window == 1
