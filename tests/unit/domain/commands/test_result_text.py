"""Results as people see them: marks, errors with hint and time, progress, watch lines, combined output."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from tests.support.command_results import FAILURES, failed, results, succeeded

from wavebreak.domain.commands import hints
from wavebreak.domain.commands.hints import hint_for
from wavebreak.domain.commands.result_text import combined_output, progress_text, result_text
from wavebreak.domain.commands.results import ExecutionResult, FailureKind

NOON = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def test_s0_11_a_success_is_shown_with_its_output() -> None:
    result = succeeded("backend/auth-service", "Score: 0.92 | src/auth/jwt.py:45\n")
    assert result_text(result) == "✓ backend/auth-service\n  Score: 0.92 | src/auth/jwt.py:45"
    assert result_text(succeeded("quiet", "")) == "✓ quiet"
    assert result_text(succeeded("t", "a\n\n\tb\n")) == "✓ t\n  a\n\n  \tb"


def test_s0_11_and_s1_14_a_failure_is_shown_with_error_hint_time_and_duration() -> None:
    result = failed("backend/user-service", "Cannot connect to Qdrant service\n").timed(NOON, 1.25)
    assert result_text(result) == (
        "✗ backend/user-service\n"
        "  Error: Cannot connect to Qdrant service\n"
        f"  Hint: {hints.CONNECT_HINT}\n"
        "  Started 2026-11-21T12:00:00.000Z, took 1.2s"
    )


@pytest.mark.parametrize(
    ("started", "seconds", "last"),
    [
        (NOON, None, "  Started 2026-11-21T12:00:00.000Z"),
        (None, 300.4, "  Took 300s"),
        (None, None, "  Error: odd"),
    ],
)
def test_s1_14_times_are_shown_as_far_as_they_are_known(
    started: datetime | None, seconds: float | None, last: str
) -> None:
    assert result_text(failed("t", "odd").timed(started, seconds)).split("\n")[-1] == last


def test_s1_7_partial_output_of_a_failure_is_shown_before_its_error() -> None:
    lines = result_text(ExecutionResult.timed_out("t", 300, "half\n")).split("\n")
    assert lines[:3] == ["✗ t", "  half", "  Error: Command timed out after 300 seconds"]


def test_s0_11_an_error_without_words_tells_the_exit_code_and_one_of_many_lines_all_of_them() -> None:
    assert result_text(failed("t", "", 3)) == "✗ t\n  Error: exit code 3"
    assert result_text(failed("t", "a\n  b\r\n", 3)) == "✗ t\n  Error: a\n    b"


def test_s1_12_hostile_targets_and_output_are_shown_escaped() -> None:
    shown = result_text(failed("t\x1b[2J\n✓ u", "\x1b]0;x\x07\rok", stdout="\u202eabc"))
    assert shown == "✗ t\\x1b[2J\\n✓ u\n  \\u202eabc\n  Error: \\x1b]0;x\\x07\\rok"


@given(results())
def test_s0_11_every_result_is_marked_as_what_it_is(result: ExecutionResult) -> None:
    first, *rest = result_text(result).split("\n")
    assert first.startswith("✓ " if result.success else "✗ ")
    assert any(line.startswith("  Error: ") for line in rest) or result.success
    assert all(line.startswith("  ") or not line for line in rest)


def test_s1_14_progress_of_a_sequential_run() -> None:
    assert [progress_text(number, 3, name) for number, name in enumerate("abc", start=1)] == [
        *("[1/3] a", "[2/3] b", "[3/3] c"),
    ]
    assert progress_text(1, 1, "a\nb") == "[1/1] a\\nb"


def test_s1_6_combined_output_joins_in_order_and_names_only_what_failed() -> None:
    run = [
        ExecutionResult.completed("a", 0, "from a\n", "a warning"),
        failed("b", "no such file\n", stdout="half of b\n"),
        succeeded("c", "from c"),
        ExecutionResult.unreachable("d"),
        succeeded("e", ""),
        failed("f", "", 9),
    ]
    assert combined_output(run) == (
        "from a\n"
        "half of b\n"
        "ERROR in b: no such file\n"
        "from c\n"
        "ERROR in d: Cannot access repository d\n"
        "ERROR in f: exit code 9"
    )
    assert combined_output([]) == ""


@pytest.mark.parametrize(
    ("stderr", "hint"),
    [
        ("Cannot connect to Qdrant service", hints.CONNECT_HINT),
        ("could not connect to server: Connection refused", hints.CONNECT_HINT),
        ("curl: (7) Failed to connect to db port 5432", hints.CONNECT_HINT),
        ("ssh: connect to host x: Connection timed out", hints.CONNECT_HINT),
        ("Could not resolve host: db", hints.CONNECT_HINT),
        ("connect: No route to host", hints.CONNECT_HINT),
        ("bash: /etc/app: Permission denied", hints.PERMISSION_HINT),
        ("Access is denied.", hints.PERMISSION_HINT),
        ("permission denied: config.yaml", hints.PERMISSION_HINT),
        ("bind: Address already in use", hints.PORT_HINT),
        ("Port 8080 is already in use", hints.PORT_HINT),
        ("Error: listen EADDRINUSE: address already in use :::80", hints.PORT_HINT),
        ("invalid configuration: no database", hints.CONFIGURATION_HINT),
        ("cannot read /etc/app.yaml", hints.CONFIGURATION_HINT),
        ("read timed out", hints.SLOW_SERVICE_HINT),
        ("context deadline exceeded", hints.SLOW_SERVICE_HINT),
        ("line 3: jq: command not found", hints.NOT_FOUND_HINT),
        ("segmentation fault", None),
        ("", None),
    ],
)
def test_s1_14_hints_from_what_a_script_says(stderr: str, hint: str | None) -> None:
    assert hint_for(failed("t", stderr)) == hint


@pytest.mark.parametrize(("code", "hint"), [(126, hints.NOT_EXECUTABLE_HINT), (127, hints.NOT_FOUND_HINT)])
def test_s1_14_hints_from_the_exit_code_go_first(code: int, hint: str) -> None:
    assert hint_for(failed("t", "permission denied", code)) == hint


def test_s1_14_hints_from_the_kind_of_failure_go_before_all() -> None:
    expected = {
        FailureKind.EXIT: None,
        FailureKind.TIMEOUT: hints.TIMEOUT_HINT,
        FailureKind.UNREACHABLE: hints.UNREACHABLE_HINT,
        FailureKind.CANCELLED: hints.CANCELLED_HINT,
        FailureKind.EXCEPTION: hints.EXCEPTION_HINT,
        FailureKind.CIRCUIT_OPEN: hints.CIRCUIT_OPEN_HINT,
    }
    assert {result.failure_kind: hint_for(result) for result in FAILURES} == expected


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("UnsupportedPlatformType: the target is Windows", hints.PLATFORM_HINT),
        ("InvalidPlatform", hints.PLATFORM_HINT),
        ("Invalid Platform", hints.PLATFORM_HINT),
        ("InvalidDocument: wavebreak-status", hints.DOCUMENT_HINT),
        ("InvalidDocumentVersion: 7", hints.DOCUMENT_HINT),
        ("InvalidParameters: RunSeconds", hints.PARAMETERS_HINT),
        ("AccessDeniedException: not authorized to perform: ssm:SendCommand", hints.RIGHTS_HINT),
        ("AccessDenied", hints.RIGHTS_HINT),
        ("Access Denied", hints.RIGHTS_HINT),
        ("MaxDocumentSizeExceeded: too large", hints.REFUSED_HINT),
    ],
)
def test_t17_a_refusal_of_ssm_has_a_hint_of_its_own(reason: str, hint: str) -> None:
    result = ExecutionResult.refused("t", reason)
    assert result.stderr == f"Unexpected error: SSM refused the command: {reason}"
    assert hint_for(result) == hint


def test_t17_a_role_that_may_not_be_assumed_is_a_missing_right_and_anything_else_is_looked_up() -> None:
    assume = "An error occurred (AccessDenied) when calling the AssumeRole operation: not authorized"
    assert hint_for(ExecutionResult.unexpected("t", assume)) == hints.RIGHTS_HINT
    for words in ("no reason at all", "States.Timeout: ", "the machine left this target without a result"):
        assert hint_for(ExecutionResult.unexpected("t", words)) == hints.EXCEPTION_HINT
    assert "stack trace" not in hints.EXCEPTION_HINT, "there is none of what died elsewhere"


def test_a_success_needs_no_hint() -> None:
    assert hint_for(ExecutionResult.completed("t", 0, stderr="permission denied")) is None


def test_s1_12_megabytes_of_stderr_do_not_hold_up_a_hint() -> None:
    assert hint_for(failed("t", "port " * 1_000_000 + "Connection refused")) == hints.CONNECT_HINT
