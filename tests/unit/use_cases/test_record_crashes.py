"""Lambda's own lines about functions that could record nothing, and lines that only quote them."""

import pytest

from wavebreak.error_category import Category
from wavebreak.use_cases.record_crashes import failures_in

REQUEST = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            f"2026-11-21T08:00:00.000Z {REQUEST} Task timed out after 28.03 seconds\n\n",
            (Category.TIMEOUT, "Sandbox.Timedout", "Task timed out after 28.03 seconds", REQUEST),
        ),
        (
            f"RequestId: {REQUEST} Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n",
            (Category.CRASH, "Runtime.ExitError", "Runtime exited with error: signal: killed", REQUEST),
        ),
        (
            f"RequestId: {REQUEST} Error: Runtime exited without providing a reason",
            (Category.CRASH, "Runtime.ExitError", "Runtime exited without providing a reason", REQUEST),
        ),
        (
            "[ERROR] Runtime.ImportModuleError: Unable to import module 'plans': No module named 'x'\n",
            (
                Category.CRASH,
                "Runtime.ImportModuleError",
                "Unable to import module 'plans': No module named 'x'",
                None,
            ),
        ),
    ],
    ids=["timeout", "killed", "silent exit", "import"],
)
def test_s3_14_a_function_that_could_record_nothing_is_told_of(line: str, expected: tuple[object, ...]) -> None:
    assert list(failures_in(line)) == [expected]


@pytest.mark.parametrize(
    "line",
    [
        '{"level":"ERROR","message":"States.Timeout: Task timed out after 60.00 seconds"}',
        '{"message":"RequestId: x Error: Runtime exited with error"}',
        f"REPORT RequestId: {REQUEST}\tDuration: 28000.00 ms\tStatus: timeout",
        f"START RequestId: {REQUEST} Version: $LATEST",
        "[ERROR] RuntimeError: recorded by the doorway\nTraceback (most recent call last):",
        "",
    ],
)
def test_a_line_that_only_quotes_one_tells_of_nothing(line: str) -> None:
    assert list(failures_in(line)) == []
