"""Results of a check's command become check executions, and those of one name its factors (contract 7, S4)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavebreak.domain.checks.check_executions import (
    LONGEST_REASON,
    count_results,
    failed_unprepared,
    fitting,
    of_all,
    of_servers,
    processors,
)
from wavebreak.domain.commands.results import ExecutionResult
from wavebreak.domain.executions.model.findings import CheckCounts

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FACTS: dict[str, Any] = {
    "executionId": None,
    "name": "lag",
    "type": "DOCUMENT",
    "waveNumber": 2,
    "sourceServerId": None,
    "command": "status",
    "commandId": "cmd-1",
}
SPECS = {
    "f_max": {"of": "lag", "reducer": "max"},
    "f_mean": {"of": "lag", "reducer": "mean"},
    "f_seen": {"of": "lag", "reducer": "count"},
    "f_ok": {"of": "ok", "reducer": "all"},
}


def processor(kind: str) -> dict[str, Any]:
    return {"name": "lag", "type": kind, "factors": SPECS}


def printed(target: str, **factors: Any) -> ExecutionResult:
    return ExecutionResult.completed(target, 0, json.dumps({"factors": factors})).timed(NOW, 2.0)


def results(*given_: ExecutionResult) -> list[tuple[int, ExecutionResult]]:
    return list(enumerate(given_, start=1))


MIXED = results(
    printed("s-1", lag=3, ok=True),
    ExecutionResult.completed("s-2", 7, stderr="down"),
    ExecutionResult.timed_out("s-3", 300),
    ExecutionResult.unreachable("s-4"),
    ExecutionResult.completed("s-5", 0, "hello"),
    ExecutionResult.cancelled("s-6"),
    printed("s-7", lag=5, ok=False),
)


def test_s4_9_a_document_has_one_execution_for_each_server_and_each_failure_its_reason() -> None:
    made = list(of_servers(processor("DOCUMENT"), FACTS, MIXED, NOW))
    assert [(one["sourceServerId"], one["status"], one["executionId"]) for one in made] == [
        (f"s-{number}", "completed" if number in {1, 7} else "failed", f"cmd-1-{number}") for number in range(1, 8)
    ]
    reasons = [one["reason"] for one in made]
    assert (reasons[0], reasons[6]) == (None, None)
    reported = (
        "down",
        "Command timed out after 300 seconds",
        "Cannot access repository s-4",
        "printed no JSON",
        "ancelled",
    )
    assert all(words in str(reason) for words, reason in zip(reported, reasons[1:6], strict=True))
    assert [one["output"] is None for one in made] == [one["status"] == "failed" for one in made]
    assert made[0]["completedAt"] == "2026-11-21T12:00:02.000Z"
    assert all(one["completedAt"] for one in made)


def test_s4_4_a_document_is_consolidated_over_the_servers_that_answered() -> None:
    reported = count_results(processor("DOCUMENT"), of_servers(processor("DOCUMENT"), FACTS, MIXED, NOW))
    assert reported.factors == {"f_max": 5, "f_mean": 4, "f_seen": 2, "f_ok": False}
    assert (reported.active, reported.succeeded, reported.failed, reported.declared) == (7, 2, 5, 4)
    assert reported.failed_ids == tuple(f"cmd-1-{number}" for number in range(2, 7))


@pytest.mark.parametrize("kind", ["STIPULATION", "APPLICATION"])
def test_s4_5_s4_6_evidence_that_is_taken_together_is_whole_or_has_failed(kind: str) -> None:
    failed = of_all(processor(kind), FACTS, MIXED, NOW)
    assert failed is not None
    assert (failed["status"], failed["output"], failed["executionId"]) == ("failed", None, "cmd-1")
    assert failed["reason"].startswith("5 of 7 server(s) gave no factors: s-2: ")
    assert failed["reason"].endswith(" and 2 more")
    assert len(failed["reason"]) <= LONGEST_REASON
    whole = of_all(processor(kind), FACTS, [MIXED[0], MIXED[6]], NOW)
    assert whole is not None
    assert whole["status"] == "completed"
    assert whole["output"] == {"factors": {"lag": 5, "lag (mean)": 4, "lag (count)": 2, "ok": False}}
    reported = count_results(processor(kind), [whole, {**failed, "executionId": "cmd-2"}])
    assert reported.factors == {"f_max": 5, "f_mean": 4, "f_seen": 1, "f_ok": False}
    assert (reported.active, reported.succeeded, reported.failed_ids) == (2, 1, ("cmd-2",))


def test_a_command_that_ran_nowhere_makes_no_check_execution() -> None:
    assert of_all(processor("STIPULATION"), FACTS, [], NOW) is None
    assert list(of_servers(processor("DOCUMENT"), FACTS, [], NOW)) == []


def test_s4_3_s4_7_nothing_and_failures_alone_come_to_no_factor() -> None:
    one = processor("DOCUMENT")
    assert count_results(one, []) == CheckCounts("lag", declared=4)
    reported = count_results(one, failed_unprepared(FACTS, ["s-1", "s-2"], "could not be made ready", NOW))
    assert (reported.factors, reported.active, reported.failed) == ({}, 2, 2)


def test_s4_1_what_is_superseded_does_not_count() -> None:
    made = list(of_servers(processor("DOCUMENT"), FACTS, MIXED, NOW))
    reported = count_results(processor("DOCUMENT"), [{**one, "status": "superseded"} for one in made[:6]] + made[6:])
    assert (reported.active, reported.factors["f_max"], reported.failed_ids) == (1, 5, ())


def test_a_value_that_another_reading_of_the_plan_cannot_reduce_is_told() -> None:
    odd = {**FACTS, "executionId": "cmd-1-1", "status": "completed", "output": {"factors": {"lag": "long"}}}
    reported = count_results(processor("DOCUMENT"), [odd])
    assert reported.factors == {"f_seen": 1}
    assert reported.note == "f_max: max needs a number, not a text (cmd-1-1)"


def test_checks_of_one_name_are_one_processor() -> None:
    check = {"name": "lag", "type": "STIPULATION", "factors": {"f_max": SPECS["f_max"]}}
    waves: list[dict[str, Any]] = [{"checks": [check]}, {}, {"checks": [check, {**check, "name": "other"}]}]
    found = processors(waves)
    assert list(found) == ["lag", "other"]
    assert found["lag"] == {"name": "lag", "type": "STIPULATION", "factors": {"f_max": SPECS["f_max"]}}


def test_factors_that_are_larger_than_is_kept_are_left_out_and_told() -> None:
    large = CheckCounts("large", 1, 1, factors={"f_x": "x" * 600})
    small = CheckCounts("small", 1, 1, factors={"f_y": 1})
    kept = fitting([small, large, small, large], room=700)
    assert [bool(each.factors) for each in kept] == [True, True, True, False]
    assert kept[3].note == "The factors of the checks are larger than is kept"
    assert kept[3].active == 1


@given(st.permutations(MIXED), st.sampled_from(["DOCUMENT", "STIPULATION", "APPLICATION"]))
def test_s4_12_the_order_of_the_results_shows_in_no_factor(order: list[tuple[int, ExecutionResult]], kind: str) -> None:
    one = processor(kind)
    if kind == "DOCUMENT":
        assert count_results(one, of_servers(one, FACTS, order, NOW)) == count_results(
            one, of_servers(one, FACTS, MIXED, NOW)
        )
    else:
        good = [each for each in order if each[1].target in {"s-1", "s-7"}]
        whole = of_all(one, FACTS, good, NOW)
        assert whole is not None
        assert count_results(one, [whole]).factors == {"f_max": 5, "f_mean": 4, "f_seen": 1, "f_ok": False}
