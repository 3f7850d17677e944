"""What SSM says of a target: every word of its documentation, in both spellings, and words that nobody knows."""

from datetime import UTC, datetime
from typing import Any

import pytest

from wavebreak.domain.commands.results import ExecutionResult, FailureKind
from wavebreak.domain.commands.safe_output import shortened_result
from wavebreak.domain.commands.ssm_invocations import read_invocation

STARTED = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)


def answer(details: object, code: int | None = 0, **more: Any) -> dict[str, Any]:
    """An answer of GetCommandInvocation; its Status says Success throughout, which must not be believed."""
    whole = {
        "CommandId": "0f6bd4d8-0000-4000-8000-000000000000",
        "InstanceId": "i-1",
        "Status": "Success",
        "StatusDetails": details,
        "ResponseCode": code,
        "StandardOutputContent": "out",
        "StandardErrorContent": "err",
        "ExecutionStartDateTime": "2026-11-21T12:00:00.250Z",
        "ExecutionElapsedTime": "PT1.5S",
        "ExecutionEndDateTime": "2026-11-21T12:00:00.250Z",
    } | more
    return {key: value for key, value in whole.items() if value is not None}


def result_of(details: object, code: int | None = 0, **more: Any) -> ExecutionResult:
    reading = read_invocation("t", answer(details, code, **more), 300)
    assert reading.result is not None
    return reading.result


@pytest.mark.parametrize(
    "details", ["Pending", "InProgress", "In Progress", "Delayed", "Cancelling", "pending", "IN_PROGRESS"]
)
@pytest.mark.parametrize("code", [-1, 0, 1])
def test_a_command_that_is_under_way_is_still_running(details: str, code: int) -> None:
    reading = read_invocation("t", answer(details, code), 300)
    assert (reading.result, reading.warning, reading.is_running) == (None, None, True)


@pytest.mark.parametrize(
    "details", ["Rescheduled", "", "Successful", "Success!", "Succeeded", "SuccessAndReboot", None, 5, ["Success"]]
)
def test_a_word_that_is_not_known_is_never_a_success(details: object) -> None:
    reading = read_invocation("t", answer(details), 300)
    assert reading.is_running
    assert reading.warning is not None
    assert "which is not known" in reading.warning


def test_a_warning_repeats_no_control_characters() -> None:
    warning = read_invocation("t\x1b[2J", answer("\x1b[2J" + "x" * 10_000), 300).warning
    assert warning is not None
    assert warning.isprintable()
    assert len(warning) < 300


def test_success_has_its_output_and_times() -> None:
    assert result_of("Success") == ExecutionResult.completed("t", 0, "out", "err").timed(STARTED, 1.5)


@pytest.mark.parametrize("code", [1, 3, 126, 127, 137, 255])
def test_s0_1_a_script_that_failed_keeps_its_exit_code(code: int) -> None:
    assert result_of("Failed", code) == ExecutionResult.completed("t", code, "out", "err").timed(STARTED, 1.5)


def test_s0_1_success_with_another_exit_code_is_none() -> None:
    result = result_of("Success", 3)
    assert (result.success, result.exit_code, result.failure_kind) == (False, 3, FailureKind.EXIT)


@pytest.mark.parametrize(
    ("details", "code"), [("Success", -1), ("Success", None), ("Failed", 0), ("Failed", None), ("Failed", -1)]
)
def test_s0_5_an_end_that_contradicts_itself_is_a_failure_of_its_own(details: str, code: int | None) -> None:
    result = result_of(details, code, StandardErrorContent="")
    assert (result.success, result.exit_code, result.failure_kind) == (False, -1, FailureKind.EXCEPTION)
    assert result.stderr.startswith(f"Unexpected error: SSM says {details} with")


def test_s0_5_what_the_agent_says_of_a_script_that_never_ran_is_told() -> None:
    assert result_of("Failed", -1, StandardErrorContent="no space left").stderr == "Unexpected error: no space left"


@pytest.mark.parametrize(
    ("stderr", "left"),
    [
        ("boom\nfailed to run commands: exit status 3", "boom"),
        ("failed to run commands: exit status 3", ""),
        ("boom\nfailed to run commands: exit status 3\n", "boom"),
        ("failed to run commands: exit status 3\nboom", "failed to run commands: exit status 3\nboom"),
        ("it failed to run commands: exit status 3", "it failed to run commands: exit status 3"),
    ],
)
def test_the_agents_own_last_line_is_no_output_of_the_script(stderr: str, left: str) -> None:
    assert result_of("Failed", 3, StandardErrorContent=stderr).stderr == left


@pytest.mark.parametrize("details", ["ExecutionTimedOut", "Execution Timed Out"])
@pytest.mark.parametrize("code", [-1, 137])
def test_s0_6_an_execution_timeout(details: str, code: int) -> None:
    result = result_of(details, code)
    assert result == ExecutionResult.timed_out("t", 300, "out").timed(STARTED, 1.5)
    assert result.stderr == "Command timed out after 300 seconds"


def test_a_plain_timeout_is_told_apart_by_whether_the_command_had_arrived() -> None:
    assert result_of("TimedOut", 137).failure_kind is FailureKind.TIMEOUT
    assert result_of("TimedOut", -1).failure_kind is FailureKind.UNREACHABLE


@pytest.mark.parametrize(
    "details",
    ["DeliveryTimedOut", "Delivery Timed Out", "Undeliverable", "Terminated", "NoResponse", "No Response"],
)
def test_s1_8_a_command_that_did_not_get_there(details: str) -> None:
    reading = read_invocation("t", answer(details, -1, ExecutionStartDateTime="", ExecutionElapsedTime=""), 300)
    assert reading.result == ExecutionResult.unreachable("t")
    assert reading.warning == f"SSM says {details!r} of 't'"


@pytest.mark.parametrize(
    ("details", "again"),
    [
        ("Undeliverable", True),
        ("DeliveryTimedOut", True),
        ("TimedOut", True),
        ("Terminated", False),
        ("NoResponse", False),
        ("ExecutionTimedOut", False),
        ("Cancelled", False),
        ("AccessDenied", False),
    ],
)
def test_n15_what_ssm_did_not_deliver_may_be_sent_again_and_nothing_else(details: str, again: bool) -> None:
    never = {"ExecutionStartDateTime": "", "ExecutionElapsedTime": "", "ExecutionEndDateTime": ""}
    assert read_invocation("t", answer(details, -1, **never), 300).undelivered is again
    assert not read_invocation("t", answer(details, -1), 300).undelivered, "it began: it may have run"


def test_a_cancelled_command_keeps_what_it_printed() -> None:
    assert result_of("Cancelled", -1) == ExecutionResult.cancelled("t", "out").timed(STARTED, 1.5)


@pytest.mark.parametrize("details", ["InvalidPlatform", "Invalid Platform", "AccessDenied", "Access Denied"])
def test_s0_5_a_refusal_of_ssm(details: str) -> None:
    result = result_of(details, -1)
    assert result.failure_kind is FailureKind.EXCEPTION
    assert result.stderr == f"Unexpected error: SSM refused the command: {details}"


@pytest.mark.parametrize(
    ("elapsed", "seconds"),
    [
        ("PT0.056S", 0.056),
        ("PT1H0.271S", 3600.271),
        ("PT2M", 120),
        ("PT1H2M3S", 3723),
        ("P1DT1S", 86_401),
        ("PT0S", 0),
    ],
)
def test_durations_of_ssm_are_read(elapsed: str, seconds: float) -> None:
    assert result_of("Success", ExecutionElapsedTime=elapsed).duration_seconds == pytest.approx(seconds)


@pytest.mark.parametrize("elapsed", ["", None, "P", "PT", "1.5", "PT1X", "PT-1S", "P1Y", "PT" + "9" * 400 + "S"])
def test_without_a_duration_start_and_end_tell_it(elapsed: str | None) -> None:
    end = "2026-11-21T12:00:02.750Z"
    assert result_of("Success", ExecutionElapsedTime=elapsed, ExecutionEndDateTime=end).duration_seconds == 2.5


@pytest.mark.parametrize("when", ["", None, "yesterday", "2026-11-21T12:00:00", 5])
def test_times_that_are_none_are_left_out(when: object) -> None:
    result = result_of("Success", ExecutionElapsedTime="", ExecutionStartDateTime=when, ExecutionEndDateTime=when)
    assert (result.started_at, result.duration_seconds) == (None, None)


def test_an_end_before_the_start_is_no_duration_below_nothing() -> None:
    end = "2026-11-21T11:00:00.000Z"
    assert result_of("Success", ExecutionElapsedTime="", ExecutionEndDateTime=end).duration_seconds == 0


@pytest.mark.parametrize(("name", "most"), [("StandardOutputContent", 24_000), ("StandardErrorContent", 8_000)])
def test_s1_12_output_as_large_as_ssm_returns_may_have_had_more(name: str, most: int) -> None:
    assert not result_of("Failed", 3, **{name: "x" * (most - 1)}).truncated
    result = result_of("Failed", 3, **{name: "x" * most})
    assert result.truncated
    assert shortened_result(result).truncated


def test_s1_12_missing_and_odd_output_does_no_harm() -> None:
    result = result_of("Failed", 3, StandardOutputContent=None, StandardErrorContent="a\ud800")
    assert (result.stdout, result.stderr) == ("", "a\ufffd")
