"""What a check's command printed: factors, or a failed check execution with its reason (contract 7)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavebreak.consolidation import NoFactorsError, consolidate, outcome_of, read_factors
from wavebreak.domain.commands.results import ExecutionResult

CHECK = {
    "name": "smoke",
    "type": "DOCUMENT",
    "factors": {"f_latency": {"of": "latency_ms", "reducer": "max"}, "f_up": {"of": "up", "reducer": "all"}},
}


def printed(stdout: str, *, truncated: bool = False) -> ExecutionResult:
    return ExecutionResult("s-1", success=True, stdout=stdout, stderr="", exit_code=0, truncated=truncated)


def reason(stdout: str) -> str:
    outcome = outcome_of(CHECK, printed(stdout))
    assert (outcome.status, outcome.output) == ("failed", None)
    return str(outcome.reason)


@pytest.mark.parametrize(
    "stdout",
    [
        '{"factors": {"latency_ms": 12.5, "up": true}}',
        '\n  {"factors": {"latency_ms": 12.5, "up": true}, "note": "ignored"}\n',
        '\ufeff{"factors":{"up":true,"latency_ms":12.5}}',
    ],
)
def test_7_factors_are_read_by_key(stdout: str) -> None:
    outcome = outcome_of(CHECK, printed(stdout))
    assert (outcome.status, outcome.reason) == ("completed", None)
    assert outcome.output == {"factors": {"latency_ms": 12.5, "up": True}}


def test_7_what_is_read_can_be_consolidated() -> None:
    outcomes = [outcome_of(CHECK, printed(f'{{"factors": {{"latency_ms": {value}}}}}')) for value in (3, 9)]
    executions = [
        {"executionId": f"c-{position}", "status": outcome.status, "completedAt": None, "output": outcome.output}
        for position, outcome in enumerate(outcomes)
    ]
    assert consolidate(CHECK, executions)["factors"] == {"f_latency": 9}


def test_7_text_that_no_utf_8_can_hold_is_replaced() -> None:
    outcome = outcome_of(CHECK, printed('{"factors": {"note \\ud800": ["\\udfff", {"k": "\\ud83d\\ude00"}]}}'))
    assert outcome.output == {"factors": {"note \ufffd": ["\ufffd", {"k": "😀"}]}}


def test_7_an_object_without_factors_in_it_is_a_success_that_gives_none() -> None:
    assert outcome_of(CHECK, printed('{"factors": {}}')).output == {"factors": {}}
    assert outcome_of(CHECK, printed('{"factors": {"latency_ms": null}}')).status == "completed"


@pytest.mark.parametrize(
    ("stdout", "why"),
    [
        ("", "printed nothing"),
        ("  \n", "printed nothing"),
        ("all good", "printed no JSON: Expecting value at line 1 column 1"),
        ('starting\n{"factors": {}}', "printed no JSON"),
        ('{"factors": {}}\n{"factors": {}}', "printed no JSON: Extra data at line 2 column 1"),
        ('{"factors": {"a": 1, "a": 2}}', 'printed no JSON: "a" is given more than once'),
        ('{"factors": {"a": NaN}}', "printed no JSON: NaN is no JSON value"),
        ('{"factors": ' + "[" * 100_000, "printed no JSON"),
        ('{"factors": {"a": ' + "9" * 5000 + "}}", "printed no JSON: a number is too long"),
        ("[1]", 'printed JSON without an object "factors"'),
        ("{}", 'printed JSON without an object "factors"'),
        ('{"factors": [1]}', 'printed JSON without an object "factors"'),
        ('{"factors": null}', 'printed JSON without an object "factors"'),
        ('{"factors": {"": 1}}', "printed a factor whose name '' does not have 1 to 256 characters"),
        ('{"factors": {"%s": 1}}' % ("k" * 257), "printed a factor whose name"),
        ('{"factors": {"other": 1e31}}', "factor 'other': the number is larger than a factor may be"),
        ('{"factors": {"other": 1e999}}', "factor 'other': the number is larger than a factor may be"),
        ('{"factors": {"latency_ms": "fast"}}', "factor 'latency_ms': max needs a number, not a text"),
        ('{"factors": {"up": "true"}}', "factor 'up': all needs a boolean, not a text"),
    ],
)
def test_7_anything_else_is_a_failed_check_with_its_reason(stdout: str, why: str) -> None:
    assert reason(stdout).startswith(why)


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (ExecutionResult.completed("s-1", 3, '{"factors": {}}', "no database\n"), "no database"),
        (ExecutionResult.completed("s-1", 3), "exit code 3"),
        (ExecutionResult.timed_out("s-1", 300), "Command timed out after 300 seconds"),
        (ExecutionResult.unreachable("s-1"), "Cannot access repository s-1"),
        (ExecutionResult.cancelled("s-1"), "Command was cancelled"),
        (ExecutionResult.circuit_open("s-1", "ssm"), "Unexpected error: the circuit of ssm is open"),
        (ExecutionResult.unexpected("s-1", ValueError("\ud800")), "Unexpected error: \ufffd"),
    ],
)
def test_7_a_command_that_did_not_succeed_is_a_failed_check_in_its_own_words(result: ExecutionResult, why: str) -> None:
    outcome = outcome_of(CHECK, result)
    assert (outcome.status, outcome.output, outcome.reason) == ("failed", None, why)


def test_7_an_output_that_was_cut_is_not_read() -> None:
    outcome = outcome_of(CHECK, printed('{"factors": {"latency_ms": 1}}', truncated=True))
    assert (outcome.status, outcome.reason) == ("failed", "printed more than is kept, so its factors cannot be read")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.text() | st.builds(json.dumps, JSON) | st.builds(lambda found: json.dumps({"factors": found}), JSON))
def test_whatever_is_printed_is_read_or_refused(stdout: str) -> None:
    try:
        found: Any = read_factors(CHECK, stdout)
    except NoFactorsError:
        return
    assert isinstance(found, dict)
    json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
