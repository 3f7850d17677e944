"""Errors are told apart by what is wrong, not by where it was noticed; what is kept of them is bounded."""

import importlib
import json
import pkgutil

import pytest
from aws_lambda_powertools.utilities.circuit_breaker.exceptions import CircuitBreakerOpenError
from botocore.exceptions import ClientError, ConnectTimeoutError, NoCredentialsError, NoRegionError, ReadTimeoutError
from tests.support.execution_builders import NOW

import wavebreak
from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.unrepeated import CallRejectedError as DrsRefusal
from wavebreak.aws.unrepeated import OutcomeUnknownError
from wavebreak.domain.errors.record import (
    _BY_FAILURE,
    _BY_TYPE,
    CONTEXT_LENGTH,
    MESSAGE_LENGTH,
    TRACE_LENGTH,
    ErrorRecord,
    Severity,
    classify,
    classify_failure,
    error_view,
    kept_context,
    kept_message,
    kept_name,
    kept_trace,
    type_of,
)
from wavebreak.error_category import Category
from wavebreak.problems import CircuitOpen, NotFound, OutOfTime, Unavailable
from wavebreak.settings import MissingSettingError
from wavebreak.store.executions import VersionConflictError
from wavebreak.store.table import ConditionFailedError

S, C = Severity, Category


def service_fault(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


def caused(cause: Exception, effect: Exception | None = None) -> Exception:
    error = effect or Unavailable("later")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "severity", "category"),
    [
        (RuntimeError("x"), S.ERROR, C.INTERNAL),
        (KeyError("x"), S.ERROR, C.INTERNAL),
        (MissingSettingError("TABLE_NAME is not set"), S.CRITICAL, C.CONFIGURATION),
        (UnsupportedSiteError("account 1"), S.CRITICAL, C.CONFIGURATION),
        (NoCredentialsError(), S.CRITICAL, C.CONFIGURATION),
        (NoRegionError(), S.CRITICAL, C.CONFIGURATION),
        (MemoryError(), S.CRITICAL, C.CRASH),
        (TimeoutError(), S.ERROR, C.TIMEOUT),
        (service_fault("ThrottlingException", "Query"), S.ERROR, C.DATABASE),
        (service_fault("InternalServerError", "TransactWriteItems"), S.ERROR, C.DATABASE),
        (service_fault("ThrottlingException", "DescribeJobs"), S.ERROR, C.DRS),
        (service_fault("ServiceUnavailable", "StartExecution"), S.ERROR, C.WORKFLOW),
        (service_fault("Throttling", "AssumeRole"), S.ERROR, C.DEPENDENCY),
        (service_fault("AccessDeniedException", "StartRecovery"), S.ERROR, C.PERMISSION),
        (ConnectTimeoutError(endpoint_url="https://dynamodb.us-east-1.amazonaws.com/"), S.ERROR, C.DATABASE),
        (ReadTimeoutError(endpoint_url="https://drs.us-west-2.amazonaws.com/"), S.ERROR, C.DRS),
        (ReadTimeoutError(endpoint_url="https://sts.us-west-2.amazonaws.com/"), S.ERROR, C.DEPENDENCY),
        (ConditionFailedError({}), S.ERROR, C.DATABASE),
        (DrsRefusal("ConflictException", "busy"), S.ERROR, C.DRS),
        (OutcomeUnknownError("?"), S.ERROR, C.DRS),
        (caused(service_fault("ConflictException", "StartRecovery"), DrsRefusal("X", "y")), S.ERROR, C.DRS),
        (caused(service_fault("Throttling", "SendCommand"), OutcomeUnknownError("?")), S.ERROR, C.DEPENDENCY),
        (Unavailable("many at once"), S.WARNING, C.DEPENDENCY),
        (caused(service_fault("ThrottlingException", "Query")), S.WARNING, C.DATABASE),
        (caused(caused(service_fault("ThrottlingException", "DescribeJobs"))), S.WARNING, C.DRS),
        (CircuitBreakerOpenError("DRS"), S.WARNING, C.CIRCUIT_OPEN),
        (caused(CircuitBreakerOpenError("DRS")), S.WARNING, C.CIRCUIT_OPEN),
        (CircuitOpen("drs failed"), S.WARNING, C.CIRCUIT_OPEN),
        (OutOfTime("no time left"), S.WARNING, C.DEPENDENCY),
        (VersionConflictError(), S.ERROR, C.DATABASE),
        (NotFound("no such plan"), S.ERROR, C.INTERNAL),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_s3_12_an_exception_has_a_severity_and_a_category(
    error: Exception, severity: Severity, category: Category
) -> None:
    assert classify(error) == (severity, category)


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("States.Timeout", C.TIMEOUT),
        ("Sandbox.Timedout", C.TIMEOUT),
        ("Lambda.Unknown", C.CRASH),
        ("Runtime.ExitError", C.CRASH),
        ("Runtime.HandlerNotFound", C.CRASH),
        ("Lambda.TooManyRequestsException", C.DEPENDENCY),
        ("DynamoDb.ThrottlingException", C.DATABASE),
        ("States.Permissions", C.PERMISSION),
        ("Unavailable", C.DEPENDENCY),
        ("MissingSettingError", C.CONFIGURATION),
        ("States.QueryEvaluationError", C.WORKFLOW),
        ("RuntimeError", C.WORKFLOW),
    ],
)
def test_s3_12_a_failed_state_has_a_category(name: str, category: Category) -> None:
    assert classify_failure(name) is category


def exceptions_of_ours() -> set[type[Exception]]:
    """Every exception class of the product, found by importing all of its modules."""
    for module in pkgutil.walk_packages(wavebreak.__path__, "wavebreak."):
        importlib.import_module(module.name)
    found: set[type[Exception]] = set()
    waiting = Exception.__subclasses__()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("wavebreak."):
            found.add(kind)
    return found


def test_a_failed_task_is_classified_as_its_exception_would_be_here() -> None:
    carried = {kind.__name__: vars(kind)["category"] for kind in exceptions_of_ours() if "category" in vars(kind)}
    carried.pop("Problem")
    assert {"CircuitOpen", "MissingSettingError", "Unavailable"} <= carried.keys()
    assert {name: classify_failure(name) for name in carried} == carried
    ours = {name for name in _BY_FAILURE.keys() - _BY_TYPE.keys() if "." not in name}
    assert ours == carried.keys()


def test_names_of_others_are_those_of_their_classes() -> None:
    others = (CircuitBreakerOpenError, NoCredentialsError, NoRegionError, TimeoutError, MemoryError)
    assert {kind.__name__ for kind in others} == _BY_TYPE.keys()


def test_s3_12_the_severities_are_the_five() -> None:
    assert [severity.value for severity in Severity] == ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


def test_the_type_is_the_services_own_code_where_it_has_one() -> None:
    assert type_of(service_fault("ThrottlingException", "Query")) == "ThrottlingException"
    assert type_of(KeyError("x")) == "KeyError"
    assert type_of(caused(service_fault("Throttling", "SendCommand"), OutcomeUnknownError("?"))) == "Throttling"


def deep(levels: int) -> None:
    if levels == 0:
        raise ValueError("password=hunter2secret")
    deep(levels - 1)


def test_s3_12_a_stack_trace_keeps_head_and_tail_and_no_secret() -> None:
    with pytest.raises(ValueError, match="hunter2") as caught:
        deep(300)
    trace = kept_trace(caught.value)
    assert len(trace) <= TRACE_LENGTH
    assert trace.startswith("Traceback (most recent call last):")
    assert trace.endswith("ValueError: password=*****")


def test_s3_12_a_stack_trace_tells_the_causes_too() -> None:
    error = RuntimeError("outer")
    error.__cause__ = KeyError("inner")
    assert "KeyError: 'inner'" in kept_trace(error)


def test_s3_12_message_context_and_names_are_bounded_and_masked() -> None:
    assert len(kept_message("x " * 10**6)) == MESSAGE_LENGTH
    assert kept_message("token=abc") == "token=*****"
    assert len(kept_name("T " * 500)) == 100
    assert kept_name("") == "Unknown"
    context = kept_context({f"field{number}": "y " * 10**4 for number in range(50)} | {"nothing": None})
    assert len(json.dumps(context)) < CONTEXT_LENGTH * 1.2
    assert "field0" in context
    assert kept_context({"taskToken": "abc", "wave": 3, "gone": None}) == {"taskToken": "*****", "wave": 3}


def test_s3_12_the_api_shows_the_contracts_fields() -> None:
    record = ErrorRecord("err-1", NOW, S.ERROR, C.DRS, "Observe", "KeyError", "x", "trace", {"a": 1}, "drill-1")
    shown = error_view(record, "2026")
    fields = "errorId at severity category service errorType message stackTrace context executionId"
    assert list(shown) == fields.split()
    assert json.loads(json.dumps(shown))["severity"] == "ERROR"
