"""Answers of many targets as one list."""

import json
import tracemalloc
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.command_results import failed, succeeded

from wavebreak.domain.commands.query_merge import DEFAULT_LIMIT, MergedRow, QueryAnswer, QueryMerger, parse_answer
from wavebreak.domain.commands.results import ExecutionResult


def line(score: Any, text: Any = "x") -> str:
    return json.dumps({"score": score, "text": text})


def answering(target: str, *scores: float) -> ExecutionResult:
    return succeeded(
        target, "".join(line(score, f"{target}-{position}") + "\n" for position, score in enumerate(scores))
    )


def merged(results: Iterable[ExecutionResult], limit: int = DEFAULT_LIMIT) -> list[MergedRow]:
    """The rows of results that come in the order of the targets."""
    merger = QueryMerger(limit)
    for number, result in enumerate(results, start=1):
        merger.add(number, result)
    return merger.merged()


def texts(rows: list[MergedRow]) -> list[str]:
    return [row["text"] for row in rows]


def test_s1_14_rows_are_merged_by_score() -> None:
    assert merged([answering("a", 0.5, 0.9), answering("b", 0.7)]) == [
        {"target": "a", "score": 0.9, "text": "a-1"},
        {"target": "b", "score": 0.7, "text": "b-0"},
        {"target": "a", "score": 0.5, "text": "a-0"},
    ]


def test_s1_14_equal_scores_keep_the_order_of_targets_and_then_of_lines() -> None:
    run = [answering("z", 0.5, 0.5), answering("a", 0.5, 0.5)]
    assert texts(merged(run)) == ["z-0", "z-1", "a-0", "a-1"]


def test_s1_14_one_limit_is_over_all_targets_after_the_merge() -> None:
    run = [answering(str(number), *[number / 100 + position / 1000 for position in range(10)]) for number in range(20)]
    assert DEFAULT_LIMIT == 10
    assert texts(merged(run)) == [f"19-{position}" for position in range(9, -1, -1)]
    assert len(merged(run, 0)) == 200
    assert texts(merged(run, 1)) == ["19-9"]
    assert texts(merged(run, 3)) == ["19-9", "19-8", "19-7"]
    with pytest.raises(ValueError, match="-1 rows"):
        merged(run, -1)


@pytest.mark.parametrize(
    "bad",
    [
        "no json",
        "[]",
        "5",
        "null",
        '"{}"',
        "{}",
        '{"score": 1}',
        '{"text": "x"}',
        line("0.9"),
        '{"score": true, "text": "x"}',
        line(None),
        line([1]),
        line(float("nan")),
        line(float("inf")),
        line(float("-inf")),
        '{"score": 1e999, "text": "x"}',
        '{"score": 1' + "0" * 400 + ', "text": "x"}',
        '{"score": 1' + "0" * 5000 + ', "text": "x"}',
        line(0.5, None),
        line(0.5, 5),
        line(0.5, ["x"]),
        '{"score": 0.5, "text": "x"} {"score": 0.4, "text": "y"}',
        '{"score": 0.5, "text": "x"',
        '{"a":' * 100_000,
        '{"a":' + "[" * 100_000 + "]" * 100_000 + "}",
        "{\x00}",
    ],
    ids=lambda text: text[:30],
)
def test_s1_14_a_line_that_is_no_row_is_skipped_and_counted(bad: str) -> None:
    answer = parse_answer(f"{line(0.1, 'a')}\n{bad}\n{line(0.2, 'b')}\n")
    assert answer.rows == ((0.1, "a"), (0.2, "b"))
    assert answer.skipped == 1


def test_s1_14_blank_lines_line_ends_and_further_members_do_no_harm() -> None:
    answer = parse_answer('\n  \r\n{"score": 1, "text": "\u2028", "file": "a.py"}\r\n  {"text": "y", "score": -2}')
    assert answer == QueryAnswer(((1.0, "\u2028"), (-2.0, "y")), 0)
    assert parse_answer("") == QueryAnswer((), 0)


def test_s1_12_half_a_surrogate_in_an_answer_is_replaced() -> None:
    assert parse_answer('{"score": 1, "text": "a\\ud800b"}').rows == ((1.0, "a\ufffdb"),)


def test_s1_14_failed_targets_are_listed_beside_and_their_half_answers_left_out() -> None:
    merger = QueryMerger()
    merger.add(3, failed("c", stdout=line(0.99)))
    merger.add(1, answering("a", 0.5))
    merger.add(2, ExecutionResult.timed_out("b", 300, line(0.98)))
    assert texts(merger.merged()) == ["a-0"]
    assert merger.failed_targets == ["b", "c"]


def test_s1_14_skipped_lines_are_counted_over_all_targets() -> None:
    merger = QueryMerger()
    merger.add(1, succeeded("a", "no\nno\n" + line(1)))
    merger.add(2, succeeded("b", "no"))
    assert merger.skipped == 3


@given(
    st.lists(st.lists(st.sampled_from([0.0, -0.0, 0.1, 0.5, 0.9, 1.0]), max_size=6), max_size=6),
    st.integers(0, 12),
    st.randoms(),
)
def test_s1_4_the_order_of_arrival_changes_nothing(answers: list[list[float]], limit: int, rng: Random) -> None:
    run = list(enumerate(answering(f"t{number}", *scores) for number, scores in enumerate(answers)))
    everything = [
        (-score, number, position) for number, scores in enumerate(answers) for position, score in enumerate(scores)
    ]
    expected = [f"t{number}-{position}" for _, number, position in sorted(everything)][: limit or None]
    rng.shuffle(run)
    merger = QueryMerger(limit)
    for number, result in run:
        merger.add(number, result)
    assert texts(merger.merged()) == expected


def test_s0_15_thousands_of_answers_are_merged_in_bounded_memory() -> None:
    merger = QueryMerger(10)
    tracemalloc.start()
    try:
        for number in range(1_000):
            merger.add(number, succeeded(f"s-{number}", "\n".join(line(number + n / 10, "x" * 1000) for n in range(9))))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [row["score"] for row in merger.merged()][:2] == [999.8, 999.7]
    assert peak < 500_000


def size_of(rows: list[MergedRow]) -> int:
    return sum(len(json.dumps(row, ensure_ascii=False).encode()) + 1 for row in rows)


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.9]), st.text("aé\n", max_size=30)), max_size=6), max_size=6
    ),
    st.integers(0, 12),
    st.integers(60, 900),
    st.randoms(),
)
def test_a18_what_finds_no_room_is_the_worst_whatever_order_answers_come_in(
    answers: list[list[tuple[float, str]]], limit: int, room: int, rng: Random
) -> None:
    whole = QueryMerger(limit)
    for number, rows in enumerate(answers):
        whole.add_answer(number, f"t{number}", QueryAnswer(tuple(rows)))
    everything = whole.merged()
    fits = next((count for count in range(len(everything), -1, -1) if size_of(everything[:count]) <= room), 0)
    merger = QueryMerger(limit, room)
    order = list(enumerate(answers))
    rng.shuffle(order)
    for number, rows in order:
        merger.add_answer(number, f"t{number}", QueryAnswer(tuple(rows)))
    assert merger.merged() == everything[:fits]
    assert merger.left_out == len(everything) - fits


def test_a18_all_rows_of_thousands_of_targets_are_merged_in_bounded_memory() -> None:
    """Rows of five characters, 24,000 characters of them a target: without a bound 400 targets take 188 MB."""
    merger = QueryMerger(0, 200 * 1024)
    tracemalloc.start()
    try:
        for number in range(400):
            rows = tuple((float(at % 97), "x") for at in range(4_000))
            merger.add_answer(number, f"s-{number:017d}", QueryAnswer(rows))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    rows_kept = merger.merged()
    assert 2_000 < len(rows_kept) < 4_000
    assert {row["score"] for row in rows_kept} == {96.0}
    assert merger.left_out == 400 * 4_000 - len(rows_kept)
    assert peak < 4_000_000


def test_t20_targets_whose_answers_were_cut_are_counted() -> None:
    merger = QueryMerger()
    merger.add_answer(1, "a", QueryAnswer(((0.5, "x"),), 2, cut=True))
    merger.add_answer(2, "b", QueryAnswer(((0.9, "y"),), 1))
    assert (merger.cut, merger.skipped, merger.left_out) == (1, 3, 0)
