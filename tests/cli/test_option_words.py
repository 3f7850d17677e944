"""Options and arguments that are refused: in our words, and by the names under which they were typed."""

import pytest
from tests.cli.conftest import Terminal
from tests.cli.fake_api import DRILL, FakeApi, execution, problem


@pytest.mark.parametrize(
    ("words", "output"),
    [
        (["errors", "--hours", "0"], "'--hours': must be at least 1, not 0"),
        (["errors", "--hours", "1.5"], "'--hours': must be a whole number, not '1.5'"),
        (["errors", "--severity", "x"], "must be debug, info, warning, error or critical, not 'x'"),
        (["extend", "latest", "abc"], "'MINUTES': must be a whole number, not 'abc'"),
        (["verdict", "latest", "maybe"], "'passed|failed': must be passed or failed, not 'maybe'"),
        (["command", "status", "--limit", "1001"], "'--limit': must be at most 1000, not 1001"),
        (["executions", "-n", "9" * 5000], "is too large a number"),
    ],
)
def test_b10_a_value_that_is_not_taken_is_refused_in_our_words(
    api: FakeApi, wavebreak: Terminal, words: list[str], output: str
) -> None:
    outcome = wavebreak(*words)
    assert outcome.exit_code == 3
    shown = " ".join(outcome.err.replace("│", " ").split())
    assert output in shown
    assert "Value error" not in shown
    assert "Input should" not in shown
    assert not api.requests


def test_f19_what_the_api_refuses_is_named_by_the_option_that_was_typed(api: FakeApi, wavebreak: Terminal) -> None:
    output = "must be 1 to 720, not 9999"
    errors = [{"pointer": "/hours", "message": output}]
    api.answers["GET", "/errors"] = (
        400,
        problem(400, "VALIDATION_FAILED", "Invalid", f"/hours: {output}", errors=errors),
    )
    outcome = wavebreak("errors", "--hours", "9999")
    assert outcome.exit_code == 3
    assert f"error: Invalid: --hours: {output}" in outcome.err
    assert "/hours" not in outcome.err
    assert '"pointer": "/hours"' in wavebreak("errors", "--hours", "9999", "--json").err, "programs read what was sent"


def test_f19_several_faults_are_each_named_by_what_was_typed(api: FakeApi, wavebreak: Terminal) -> None:
    api.readings[DRILL] = [execution("COMPLETED", [])]
    errors = [
        {"pointer": "/minutes", "message": "must be 15 to 10080, not 1"},
        {"pointer": "/reason", "message": "is too long"},
        {"pointer": "/other", "message": "is another"},
    ]
    api.answers["POST", f"/executions/{DRILL}/lease"] = (
        400,
        problem(400, "VALIDATION_FAILED", "Invalid", "3 problems", errors=errors),
    )
    output = wavebreak("extend", DRILL, "1", "--reason", "x").err
    assert "  MINUTES: must be 15 to 10080, not 1\n  --reason: is too long\n  /other: is another\n" in output
