"""One path for every error: a line and a metric always, the record if it can be stored, and never an error more."""

import json
import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
from aws_lambda_powertools.utilities.circuit_breaker.exceptions import CircuitBreakerOpenError
from botocore.exceptions import ClientError, ConnectTimeoutError
from tests.support.execution_builders import NOW

from wavebreak.domain.errors.record import ErrorRecord, Severity
from wavebreak.error_category import Category
from wavebreak.observability.error_tracker import ErrorTracker, begin, service_of
from wavebreak.observability.metrics import Meter
from wavebreak.problems import Unavailable

if TYPE_CHECKING:
    from wavebreak.store.errors import ErrorStore


class Shelf:
    """A store in memory, which fails as it is told to."""

    def __init__(self) -> None:
        self.records: list[ErrorRecord] = []
        self.fault: Exception | None = None

    def create_error(self, record: ErrorRecord) -> None:
        if self.fault is not None:
            raise self.fault
        self.records.append(record)


class Setting:
    def __init__(self) -> None:
        self.shelf = Shelf()
        self.lines: list[dict[str, Any]] = []
        meter = Meter("shop", self.now, write=lambda line: self.lines.append(json.loads(line)))
        self.tracker = ErrorTracker(cast("ErrorStore", self.shelf), meter, self.now)

    def now(self) -> datetime:
        return NOW


@pytest.fixture
def setting() -> Setting:
    begin("shop-StartWaveFunction-1A2B3C", "drill-1", {"requestId": "r-1"})
    return Setting()


def test_s3_14_an_error_is_logged_counted_and_stored(setting: Setting, caplog: pytest.LogCaptureFixture) -> None:
    identifier = setting.tracker.record_error(RuntimeError("password=abc"), wave=3)

    (record,) = setting.shelf.records
    assert (record.error_id, record.at, record.severity, record.category) == (identifier, NOW, "ERROR", "INTERNAL")
    assert (record.service, record.error_type, record.message) == ("StartWave", "RuntimeError", "password=*****")
    assert (record.execution_id, record.context) == ("drill-1", {"requestId": "r-1", "wave": 3})
    (line,) = caplog.records
    assert line.levelname == "ERROR"
    assert vars(line)["error"]["errorId"] == identifier
    assert "abc" not in line.getMessage()
    (metric,) = setting.lines
    assert (metric["Errors"], metric["severity"], metric["service"], metric["stack"]) == (
        *(1, "ERROR", "StartWave", "shop"),
    )


@pytest.mark.parametrize(
    "fault",
    [
        ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "PutItem"),
        ConnectTimeoutError(endpoint_url="https://dynamodb"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_s3_14_a_failure_to_store_fails_nobody(
    setting: Setting, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    setting.shelf.fault = fault
    identifier = setting.tracker.record_error(RuntimeError("x"))
    assert [line.levelname for line in caplog.records] == ["ERROR", "WARNING"]
    assert identifier in caplog.records[1].getMessage()
    assert len(setting.lines) == 1


def test_an_error_on_its_way_out_is_recorded_once(setting: Setting) -> None:
    error = RuntimeError("x")
    assert setting.tracker.record_error(error) == setting.tracker.record_error(error)
    assert len(setting.shelf.records) == len(setting.lines) == 1


def test_what_is_known_better_than_the_class_counts(setting: Setting) -> None:
    setting.tracker.record_error(RuntimeError("x"), Severity.CRITICAL, execution_id="drill-2")
    setting.tracker.record_error(Unavailable("y"))
    assert [(record.severity, record.execution_id) for record in setting.shelf.records] == [
        (Severity.CRITICAL, "drill-2"),
        (Severity.WARNING, "drill-1"),
    ]


def test_what_failed_elsewhere_is_recorded_by_what_is_told_of_it(setting: Setting) -> None:
    reported = ("States.Timeout", "token=abc")
    setting.tracker.record_failure(Severity.ERROR, Category.TIMEOUT, reported, service="RecoveryMachine")
    (record,) = setting.shelf.records
    assert (record.service, record.error_type, record.message) == ("RecoveryMachine", "States.Timeout", "token=*****")
    assert record.stack_trace is None


def test_calls_held_back_by_an_open_circuit_are_counted(setting: Setting) -> None:
    setting.tracker.record_error(CircuitBreakerOpenError("drs"))
    assert [line.get("CircuitRefusals") for line in setting.lines] == [None, 1]


def test_without_a_table_errors_are_still_logged_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    lines: list[str] = []
    with caplog.at_level(logging.INFO):
        ErrorTracker(None, Meter("s", lambda: NOW, lines.append), lambda: NOW).record_error(RuntimeError("x"))
    assert len(lines) == len(caplog.records) == 1


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("wavebreak-PlansFunction-1A2B3C4D", "Plans"),
        ("my-stack-name-RecordTerminationFailureFunction-XYZ", "RecordTerminationFailure"),
        ("SweepFunction", "Sweep"),
        ("something-else", "something-else"),
        ("", "unknown"),
    ],
)
def test_the_service_is_the_functions_own_name(name: str, service: str) -> None:
    assert service_of(name) == service
