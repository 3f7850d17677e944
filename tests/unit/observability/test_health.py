"""What `GET /health` says of circuits as they are recorded."""

from __future__ import annotations

import pytest
from aws_lambda_powertools.utilities.circuit_breaker import CircuitState
from aws_lambda_powertools.utilities.circuit_breaker.persistence import CircuitStateRecord

from wavebreak.observability.health import health_view

NOW = 1_800_000_000
POLL_SECONDS = 30
CLOSED = {"state": "closed", "failure_count": 0}
OWN = {"drs/us-east-1": CLOSED, "dynamodb/us-east-1": CLOSED}


@pytest.fixture(autouse=True)
def _own_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")


def record(name: str, state: str, opened_ago: int = 0, expires_in: int = 1000) -> CircuitStateRecord:
    failures = 5 if state == "OPEN" else 0
    return CircuitStateRecord(name, CircuitState(state), failures, NOW - opened_ago, expiry_timestamp=NOW + expires_in)


def view(*records: CircuitStateRecord, scale: float = 1) -> dict[str, object]:
    return health_view(records, NOW, scale, POLL_SECONDS)


def test_s3_11_without_any_record_the_circuits_of_the_own_region_are_closed() -> None:
    assert view() == {"status": "healthy", "circuit_breakers": OWN, "critical_circuits_open": []}


@pytest.mark.parametrize("name", ["drs/us-east-1", "drs/123456789012/eu-west-1", "dynamodb/us-east-1"])
def test_s3_11_an_open_circuit_of_drs_or_dynamodb_is_critical(name: str) -> None:
    answer = view(record(name, "OPEN", 29), record("sns/us-east-1", "CLOSED"))
    assert (answer["status"], answer["critical_circuits_open"]) == ("degraded", [name])
    breakers = OWN | {name: {"state": "open", "failure_count": 5}, "sns/us-east-1": CLOSED}
    assert answer["circuit_breakers"] == breakers


@pytest.mark.parametrize("name", ["ssm/us-east-1", "sts/123456789012/us-east-1", "sns/us-east-1", "sesv2/us-east-1"])
def test_s3_11_any_other_open_circuit_is_no_reason_to_be_down(name: str) -> None:
    answer = view(record(name, "OPEN"))
    assert (answer["status"], answer["critical_circuits_open"]) == ("degraded", [])


def test_a_half_open_circuit_is_told_and_not_critical() -> None:
    answer = view(record("drs/us-east-1", "HALF_OPEN"))
    assert answer["circuit_breakers"] == OWN | {"drs/us-east-1": {"state": "half_open", "failure_count": 0}}
    assert (answer["status"], answer["critical_circuits_open"]) == ("degraded", [])


@pytest.mark.parametrize(
    ("scale", "ago", "state"), [(1, 59, "open"), (1, 60, "half_open"), (0.1, 32, "open"), (0.1, 33, "half_open")]
)
def test_a_circuit_that_nobody_tried_since_is_open_for_its_window_and_a_poll_interval(
    scale: float, ago: int, state: str
) -> None:
    answer = view(record("drs/us-east-1", "OPEN", ago), scale=scale)
    assert answer["circuit_breakers"] == OWN | {"drs/us-east-1": {"state": state, "failure_count": 5}}


def test_what_has_expired_or_is_no_dependency_of_ours_is_left_out() -> None:
    assert view(record("drs/us-east-1", "OPEN", expires_in=0), record("other/us-east-1", "OPEN")) == view()
