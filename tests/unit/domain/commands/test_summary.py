"""Exit code, status and summary of a run, to the character, and that they always agree."""

import tracemalloc
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.command_results import FAILURES, failed, results, succeeded

from wavebreak.domain.commands.results import ExecutionResult
from wavebreak.domain.commands.summary import (
    CommandRunStatus,
    ResultTracker,
    RunStatus,
    determine_exit_code,
    generate_summary,
    run_status,
    shortfall,
    summary_text,
)

MIXED = [
    succeeded("backend/auth-service"),
    failed("backend/user-service", "Cannot connect to Qdrant service"),
    succeeded("frontend/web-app"),
]
MIXED_SUMMARY = """
============================================================
EXECUTION SUMMARY
============================================================
Total repositories: 3
Succeeded: 2
Failed: 1

Failed repositories:
  • backend/user-service

Status: PARTIAL SUCCESS
============================================================"""
ALL_SUMMARY = """
============================================================
EXECUTION SUMMARY
============================================================
Total repositories: 2
Succeeded: 2
Failed: 0

Status: COMPLETE SUCCESS
============================================================"""
NONE_SUMMARY = """
============================================================
EXECUTION SUMMARY
============================================================
Total repositories: 0
Succeeded: 0
Failed: 0

Status: COMPLETE FAILURE
============================================================"""


def test_s0_2_statuses_and_their_exit_codes() -> None:
    assert {status.name: status.exit_code for status in RunStatus} == {
        "COMPLETE_SUCCESS": 0,
        "COMPLETE_FAILURE": 1,
        "PARTIAL_SUCCESS": 2,
    }
    assert [int(status) for status in RunStatus] == [0, 1, 2]


def test_s0_2_a_run_that_goes_on_has_no_exit_code() -> None:
    codes = {status.value: status.exit_code for status in CommandRunStatus}
    assert codes == {
        "IN_PROGRESS": None,
        "CANCELLING": None,
        "COMPLETE_SUCCESS": 0,
        "COMPLETE_FAILURE": 1,
        "PARTIAL_SUCCESS": 2,
    }
    assert [status for status in CommandRunStatus if not status.is_terminal] == ["IN_PROGRESS", "CANCELLING"]
    for status in RunStatus:
        assert CommandRunStatus.ended(status).exit_code == status


@pytest.mark.parametrize("outcomes", [pattern for size in range(6) for pattern in product([True, False], repeat=size)])
def test_s0_8_all_succeeded_0_none_1_mixed_2_no_targets_1(outcomes: tuple[bool, ...]) -> None:
    run = [succeeded(str(number)) if good else failed(str(number)) for number, good in enumerate(outcomes)]
    expected = 1 if not any(outcomes) else 0 if all(outcomes) else 2
    assert determine_exit_code(run) == expected
    assert type(determine_exit_code(run)) is int
    assert determine_exit_code(iter(run)) == expected


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: str(failure.failure_kind))
def test_s0_3_and_s0_6_a_failure_of_any_kind_is_counted_and_listed(failure: ExecutionResult) -> None:
    run = [succeeded("a"), failure, succeeded("c")]
    assert determine_exit_code(run) == 2
    assert "Succeeded: 2\nFailed: 1\n\nFailed repositories:\n  • t\n" in generate_summary(run)


def test_s0_10_the_summary_of_a_mixed_run() -> None:
    assert generate_summary(MIXED) == MIXED_SUMMARY


def test_s0_10_nothing_failed_lists_nothing() -> None:
    assert generate_summary([succeeded("a"), succeeded("b")]) == ALL_SUMMARY


def test_s0_10_no_targets() -> None:
    assert generate_summary([]) == NONE_SUMMARY


def test_s0_10_failed_targets_are_listed_in_the_order_given() -> None:
    text = generate_summary([failed("z"), succeeded("m"), failed("a"), failed("k")])
    assert "Failed repositories:\n  • z\n  • a\n  • k\n\nStatus: PARTIAL SUCCESS\n" in text
    assert "Status: COMPLETE FAILURE\n" in generate_summary([failed("a")])


def test_s1_12_a_target_cannot_forge_a_line_of_the_summary() -> None:
    text = generate_summary([failed("a\nStatus: COMPLETE SUCCESS\x1b[2J")])
    assert "  • a\\nStatus: COMPLETE SUCCESS\\x1b[2J\n" in text


@pytest.mark.parametrize(("total", "good"), [(0, 1), (2, 3), (2, -1), (-1, -1)])
def test_impossible_counts_are_refused(total: int, good: int) -> None:
    with pytest.raises(ValueError, match="cannot have succeeded"):
        run_status(total, good)


def test_more_failures_than_targets_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot have succeeded"):
        summary_text(1, ["a", "b"])


def test_s0_9_the_tracker_counts() -> None:
    tracker = ResultTracker()
    assert tracker.summary() == {
        "total": 0,
        "succeeded": 0,
        "failed": 0,
        "success_rate": 0.0,
        "has_failures": False,
        "has_successes": False,
    }
    for number, result in enumerate(MIXED):
        tracker.add(number, result)
    assert tracker.summary() == {
        "total": 3,
        "succeeded": 2,
        "failed": 1,
        "success_rate": 2 / 3,
        "has_failures": True,
        "has_successes": True,
    }
    assert tracker.failed_targets == ["backend/user-service"]


def test_s0_9_only_successes_and_only_failures() -> None:
    good, bad = ResultTracker(), ResultTracker()
    good.add(1, succeeded("a"))
    bad.add(1, failed("a"))
    assert (good.has_successes, good.has_failures, good.summary()["success_rate"]) == (True, False, 1.0)
    assert (bad.has_successes, bad.has_failures, bad.summary()["success_rate"]) == (False, True, 0.0)


def test_s0_3_a_second_result_of_a_target_is_refused() -> None:
    tracker = ResultTracker()
    tracker.add(1, succeeded("a"))
    with pytest.raises(ValueError, match=r"target 1 \(a\) has a result already"):
        tracker.add(1, failed("a"))
    assert tracker.summary()["total"] == 1


@given(st.lists(results(), max_size=12), st.randoms())
def test_s0_12_text_status_and_exit_code_always_agree_in_any_order_of_arrival(
    run: list[ExecutionResult], rng: Random
) -> None:
    numbered = list(enumerate(run))
    rng.shuffle(numbered)
    tracker = ResultTracker()
    for number, result in numbered:
        tracker.add(number, result)
    code = determine_exit_code(run)
    assert tracker.text() == generate_summary(run)
    assert tracker.status == code
    assert tracker.text().splitlines()[-2] == f"Status: {RunStatus(code).name.replace('_', ' ')}"
    assert tracker.failed_targets == [result.target for result in run if not result.success]
    assert (code == 0) is (bool(run) and not tracker.has_failures)
    assert (code == 2) is (tracker.has_failures and tracker.has_successes)
    assert tracker.text() == summary_text(len(run), tracker.failed_targets)


def test_s0_15_megabytes_of_output_are_counted_in_bounded_memory() -> None:
    tracker = ResultTracker()
    output = ("y" * 10_240, "z" * 10_240)
    tracemalloc.start()
    try:
        for number in range(3_000):
            tracker.add(number, failed(f"s-{number}", output[0] + str(number), stdout=output[1] + str(number)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(tracker.failed_targets) == 3_000
    assert peak < 2_000_000


@pytest.mark.parametrize(
    ("succeeded", "critical", "failed", "words"),
    [
        (3, 2, [], None),
        (2, 2, ["s-1"], "did not succeed on 1 critical server(s): s-1"),
        (0, 2, ["s-1", "s-2"], "did not succeed on 2 critical server(s): s-1, s-2"),
        (9, 5, ["a", "b", "c", "d", "e"], "did not succeed on 5 critical server(s): a, b, c and 2 more"),
        (1, 0, [], None),
        (0, 0, [], "did not succeed on any server"),
    ],
)
def test_a14_what_a_required_command_fails_its_wave_by(
    succeeded: int, critical: int, failed: list[str], words: str | None
) -> None:
    assert shortfall(succeeded, critical, failed) == words
