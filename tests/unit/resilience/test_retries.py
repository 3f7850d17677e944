"""Retries: the pauses of the presets, what is worth repeating, and the original error after exactly N calls."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

import wavebreak
from wavebreak.problems import CircuitOpen, OutOfTime
from wavebreak.resilience import retries
from wavebreak.resilience.aws_errors import is_dependency_fault, is_transient
from wavebreak.resilience.retries import DEFAULT, PRESETS, Preset, preset
from wavebreak.timeouts import invocation

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = Path(wavebreak.__file__).parent


def refusal(code: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Call")  # type: ignore[typeddict-item]  # the rest of the metadata plays no part


THROTTLED = refusal("ThrottlingException", 429)
TRANSIENT = [
    THROTTLED,
    refusal("Throttling"),
    refusal("TooManyRequestsException", 429),
    refusal("ProvisionedThroughputExceededException"),
    refusal("RequestLimitExceeded"),
    refusal("InternalServerException", 500),
    refusal("ServiceUnavailable", 503),
    EndpointConnectionError(endpoint_url="https://drs"),
    ConnectTimeoutError(endpoint_url="https://drs"),
    ReadTimeoutError(endpoint_url="https://drs"),
]
LASTING = [
    refusal("ValidationException"),
    refusal("AccessDeniedException", 403),
    refusal("ConflictException", 409),
    refusal("ResourceNotFoundException", 404),
    refusal("ServiceQuotaExceededException", 402),
    refusal("ConditionalCheckFailedException"),
    ParamValidationError(report="no"),
    NoCredentialsError(),
    CircuitOpen("open"),
    OutOfTime("over"),
]


class Work:
    """Fails with the errors it is given, then succeeds; counts its calls."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds: list[float] = []
    monkeypatch.setattr(retries, "sleep", seconds.append)
    monkeypatch.setattr(retries, "spread", lambda: 0.0)
    return seconds


def test_s3_18_the_presets_are_those_of_the_requirements() -> None:
    expected = {"cache": (3, 0.5, 5), "database": (3, 1, 10), "drs": (2, 2, 10)}
    expected |= {"templates": (5, 0.5, 4)}  # contract 13, changes of launch templates
    assert {name: (p.attempts, p.base_seconds, p.cap_seconds) for name, p in PRESETS.items()} == expected
    assert preset("nobody knows this") is DEFAULT == Preset(3, 1, 30)


def test_s3_18_every_preset_has_a_user() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py") if path.name != "retries.py")
    assert [name for name in PRESETS if f'"{name}"' not in code] == []


@pytest.mark.parametrize(
    ("name", "pauses"),
    [
        ("default", [1, 2, 4, 8, 16, 30, 30]),
        ("database", [1, 2, 4, 8, 10, 10]),
        ("cache", [0.5, 1, 2, 4, 5, 5]),
        ("drs", [2, 4, 8, 10, 10]),
    ],
)
def test_s3_18_pauses_double_up_to_the_cap(name: str, pauses: list[float]) -> None:
    assert [preset(name).pause(attempt, 0) for attempt in range(len(pauses))] == pauses


@pytest.mark.parametrize("name", ["default", "database", "cache", "drs"])
@pytest.mark.parametrize("attempt", range(12))
def test_s3_18_jitter_is_a_quarter_and_never_above_the_cap(name: str, attempt: int) -> None:
    chosen = preset(name)
    middle = chosen.base_seconds * 2**attempt
    assert chosen.pause(attempt, -1) == min(chosen.cap_seconds, 0.75 * middle)
    assert chosen.pause(attempt, 1) == min(chosen.cap_seconds, 1.25 * middle)
    assert all(chosen.pause(attempt, step / 10) <= chosen.cap_seconds for step in range(-10, 11))


def test_s3_18_jitter_spreads_over_the_whole_quarter() -> None:
    drawn = [retries.spread() for _ in range(200)]
    assert -1 <= min(drawn) < -0.5
    assert 0.5 < max(drawn) <= 1


@pytest.mark.parametrize("error", TRANSIENT, ids=str)
def test_s3_19_transient_errors_are_tried_again(error: Exception, slept: list[float]) -> None:
    work = Work(error)
    assert retries.call("database", work) == "done"
    assert (work.calls, slept) == (2, [1])


@pytest.mark.parametrize("error", LASTING, ids=lambda error: str(error) or type(error).__name__)
def test_s3_19_others_are_raised_after_one_call(error: Exception, slept: list[float]) -> None:
    work = Work(error)
    with pytest.raises(type(error)) as raised:
        retries.call("database", work)
    assert (raised.value, work.calls, slept) == (error, 1, [])


@pytest.mark.parametrize(("name", "calls"), [("cache", 3), ("database", 3), ("drs", 2), ("default", 3)])
def test_s3_20_the_last_error_itself_is_raised_after_exactly_n_calls(name: str, calls: int, slept: list[float]) -> None:
    errors = [refusal("ThrottlingException") for _ in range(9)]
    work = Work(*errors)
    with pytest.raises(ClientError) as raised:
        retries.call(name, work)
    assert raised.value is errors[calls - 1]
    assert (work.calls, len(slept)) == (calls, calls - 1)


def test_s3_20_an_error_that_turns_lasting_ends_the_series(slept: list[float]) -> None:
    work = Work(THROTTLED, LASTING[0])
    with pytest.raises(ClientError, match="ValidationException"):
        retries.call("database", work)
    assert (work.calls, slept) == (2, [1])


def test_a_fault_of_ours_is_raised_as_it_is(slept: list[float]) -> None:
    work = Work(KeyError("x"))
    with pytest.raises(KeyError):
        retries.call("database", work)
    assert (work.calls, slept) == (1, [])


def test_s3_21_success_costs_nothing_more() -> None:
    program = (
        "import sys; from wavebreak.resilience import retries; retries.sleep = None; "
        "assert retries.call('database', lambda: 7) == 7; print('tenacity' in sys.modules)"
    )
    done = subprocess.run(  # noqa: S603  runs this interpreter on the line above
        [sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(("left", "calls"), [(500, 1), (1500, 2), (60_000, 3)])
def test_s3_18_no_pause_outlasts_the_invocation(left: int, calls: int, slept: list[float]) -> None:
    work = Work(*[THROTTLED] * 9)
    with invocation(SimpleNamespace(get_remaining_time_in_millis=lambda: left)), pytest.raises(ClientError):
        retries.call("database", work)
    assert work.calls == calls
    assert all(pause * 1000 < left for pause in slept)


@pytest.mark.parametrize("error", TRANSIENT, ids=str)
def test_s3_22_what_is_transient_is_a_fault_of_the_dependency(error: Exception) -> None:
    assert is_dependency_fault(error)


@pytest.mark.parametrize(
    "code", ["TransactionCanceledException", "TransactionConflictException", "TransactionInProgressException"]
)
def test_s3_22_contention_is_tried_again_and_is_no_fault_of_the_dependency(code: str) -> None:
    assert is_transient(refusal(code))
    assert not is_dependency_fault(refusal(code))


def test_s3_22_lasting_errors_are_no_fault_of_the_dependency() -> None:
    judge: Callable[[Any], bool] = is_dependency_fault
    assert not [error for error in LASTING if judge(error)]
