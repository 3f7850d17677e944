"""The result of one target: its parts, what may not go together, and the fixed words of each failure."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.command_results import FAILURES, results

from wavebreak.domain.commands.result_documents import result_document, result_of
from wavebreak.domain.commands.results import ExecutionResult, FailureKind

NOON = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)


def test_s0_1_parts_are_given_in_this_order() -> None:
    result = ExecutionResult("repo1", False, "out", "err", 7, FailureKind.EXIT)  # noqa: FBT003  the contract's order
    assert (result.target, result.success, result.stdout, result.stderr, result.exit_code) == (
        *("repo1", False, "out", "err", 7),
    )
    assert (result.failure_kind, result.started_at, result.duration_seconds, result.truncated) == (
        *(FailureKind.EXIT, None, None, False),
    )


def allowed(success: bool, exit_code: int, kind: FailureKind | None) -> bool:
    if success:
        return exit_code == 0 and kind is None
    return exit_code != 0 and (kind in (None, FailureKind.EXIT) or exit_code == -1)


@pytest.mark.parametrize(
    ("success", "exit_code", "kind"), list(product([True, False], [-1, 0, 1, 2, 137, 255], [None, *FailureKind]))
)
def test_s0_1_success_means_exit_code_0(success: bool, exit_code: int, kind: FailureKind | None) -> None:
    if allowed(success, exit_code, kind):
        assert ExecutionResult("t", success, "", "", exit_code, kind).success is (exit_code == 0)
    else:
        with pytest.raises(ValueError, match=r"^t: "):
            ExecutionResult("t", success, "", "", exit_code, kind)


def test_a_result_without_a_target_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the target"):
        ExecutionResult.completed("", 0)


@pytest.mark.parametrize(
    ("started", "seconds"),
    [(NOON.replace(tzinfo=None), 1.0), (NOON, -0.1), (NOON, float("nan"))],
)
def test_times_that_tell_nothing_are_refused(started: datetime, seconds: float) -> None:
    with pytest.raises(ValueError, match=r"^t: "):
        ExecutionResult.completed("t", 0).timed(started, seconds)


@pytest.mark.parametrize("exit_code", [0, 1, 2, 126, 127, 137, 255])
def test_a_command_that_ended_keeps_its_exit_code_and_output(exit_code: int) -> None:
    result = ExecutionResult.completed("t", exit_code, "out", "err")
    assert (result.stdout, result.stderr, result.exit_code) == ("out", "err", exit_code)
    assert result.success is (exit_code == 0)
    assert result.failure_kind is (None if exit_code == 0 else FailureKind.EXIT)


def test_s0_6_a_timeout_says_so_in_fixed_words_and_keeps_partial_output() -> None:
    result = ExecutionResult.timed_out("t", 300, "half a li")
    assert result.stderr == "Command timed out after 300 seconds"
    assert (result.success, result.exit_code, result.failure_kind) == (False, -1, FailureKind.TIMEOUT)
    assert result.stdout == "half a li"


def test_s1_7_the_limit_that_was_set_is_the_one_told() -> None:
    assert ExecutionResult.timed_out("t", 600).stderr == "Command timed out after 600 seconds"


def test_s1_8_a_target_that_cannot_be_reached() -> None:
    result = ExecutionResult.unreachable("backend/user-service")
    assert result.stderr == "Cannot access repository backend/user-service"
    assert (result.success, result.stdout, result.exit_code) == (False, "", -1)
    assert result.failure_kind is FailureKind.UNREACHABLE


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no such thing"), "no such thing"),
        (OSError(5, "I/O error"), "[Errno 5] I/O error"),
        (KeyError("x"), "'x'"),
        (RuntimeError(), "RuntimeError"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        ("words", "words"),
    ],
)
def test_s0_5_and_s0_7_any_fault_becomes_a_result(error: BaseException | str, message: str) -> None:
    result = ExecutionResult.unexpected("t", error)
    assert result.stderr == f"Unexpected error: {message}"
    assert (result.success, result.stdout, result.exit_code) == (False, "", -1)
    assert result.failure_kind is FailureKind.EXCEPTION


def test_s0_3_every_kind_of_failure_has_its_way_of_being_made() -> None:
    assert [result.failure_kind for result in FAILURES] == list(FailureKind)
    assert not any(result.success for result in FAILURES)
    assert [result.exit_code for result in FAILURES] == [3, -1, -1, -1, -1, -1]


def test_a_cancelled_target_and_one_behind_an_open_circuit_say_so() -> None:
    assert ExecutionResult.cancelled("t", "part").stderr == "Command was cancelled"
    assert ExecutionResult.cancelled("t", "part").stdout == "part"
    assert ExecutionResult.circuit_open("t", "ssm").stderr == "Unexpected error: the circuit of ssm is open"


def test_a_result_on_the_wire() -> None:
    result = ExecutionResult.timed_out("s-1", 300, "part").timed(NOON, 300.9)
    assert result_document(result) == {
        "target": "s-1",
        "success": False,
        "exitCode": -1,
        "failureKind": "timeout",
        "stdout": "part",
        "stderr": "Command timed out after 300 seconds",
        "startedAt": "2026-11-21T12:00:00.250Z",
        "durationSeconds": 300,
        "truncated": False,
    }


@given(
    results(),
    st.none() | st.datetimes(timezones=st.just(timezone(timedelta(hours=2))), min_value=datetime(2000, 1, 1)),  # noqa: DTZ001  hypothesis wants it naive
    st.none() | st.integers(0, 10_000),
)
def test_what_is_written_on_the_wire_is_read_again(
    result: ExecutionResult, started: datetime | None, seconds: int | None
) -> None:
    if started is not None:
        started = started.replace(microsecond=started.microsecond // 1000 * 1000)
    timed = result.timed(started, seconds)
    assert result_of(result_document(timed)) == timed


def test_dynamodbs_numbers_are_read() -> None:
    document: dict[str, Any] = dict(result_document(ExecutionResult.completed("t", 3).timed(NOON, 2)))
    read = result_of(document | {"exitCode": Decimal(3), "durationSeconds": Decimal(2)})
    assert (type(read.exit_code), read.exit_code, read.duration_seconds) == (int, 3, 2)


@pytest.mark.parametrize("change", [{"failureKind": "mood"}, {"success": True}, {"startedAt": "noon"}])
def test_a_document_that_is_no_result_is_refused(change: dict[str, Any]) -> None:
    document: dict[str, Any] = dict(result_document(ExecutionResult.completed("t", 3).timed(NOON, 2)))
    with pytest.raises(ValueError, match=r".+"):
        result_of(document | change)


def test_contract_6_a_watch_that_reaches_its_limit_or_is_stopped_has_succeeded() -> None:
    for ended in (ExecutionResult.timed_out("t", 300, "seen"), ExecutionResult.cancelled("t", "seen")):
        watched = ended.timed(NOON, 300).of_watch()
        assert (watched.success, watched.exit_code, watched.failure_kind, watched.stderr) == (True, 0, None, "")
        assert (watched.stdout, watched.started_at, watched.duration_seconds) == ("seen", NOON, 300)
    for failure in FAILURES:
        if failure.failure_kind not in {FailureKind.TIMEOUT, FailureKind.CANCELLED}:
            assert failure.of_watch() == failure, "anything else is what it is"
    assert ExecutionResult.completed("t", 0).of_watch() == ExecutionResult.completed("t", 0)
