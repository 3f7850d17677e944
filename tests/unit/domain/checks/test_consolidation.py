"""Requirements S4: failed executions are active and contribute nothing; no order shows; no input is changed."""

import copy
import json
import math
from collections.abc import Iterator
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavebreak.consolidation import ProcessorType, Reducer, consolidate, misfits
from wavebreak.domain.checks.check_executions import count_results

TYPES = list(ProcessorType)
NUMERIC = [Reducer.MEAN, Reducer.SUM, Reducer.MIN, Reducer.MAX]
TRUTH = [Reducer.ALL, Reducer.ANY]
BEYOND = [
    pytest.param(10**400, id="beyond a double"),
    pytest.param(-(10**5000), id="more digits than are written"),
    pytest.param(Decimal("sNaN"), id="a NaN that signals"),
    pytest.param(Decimal("1e400"), id="a decimal beyond a double"),
]


def processor(kind: str = "DOCUMENT", **factors: tuple[str, str]) -> dict[str, Any]:
    """A check whose factors are named by keyword: key and reducer of each."""
    specs = {name: {"of": key, "reducer": reducer} for name, (key, reducer) in factors.items()}
    return {"name": "smoke", "type": kind, "factors": specs}


def ran(number: int, *, at: str | None = None, **factors: Any) -> dict[str, Any]:
    """A completed execution with these values by key."""
    moment = at or f"2026-11-21T12:00:{number:02}.000Z"
    return {"executionId": f"c-{number}", "status": "completed", "completedAt": moment, "output": {"factors": factors}}


def failed(number: int) -> dict[str, Any]:
    moment = f"2026-11-21T12:00:{number:02}.000Z"
    return {"executionId": f"c-{number}", "status": "failed", "completedAt": moment, "output": None}


def values(reducer: str, *given: Any) -> dict[str, Any]:
    """The factors of executions that gave these values, with one reducer."""
    return consolidate(
        processor(f_x=("x", reducer)), [ran(position, x=value) for position, value in enumerate(given, start=1)]
    )["factors"]


REVENUE = processor("DOCUMENT", f_revenue_monthly_avg=("revenue", "mean"), f_months_analyzed=("revenue", "count"))
LICENCES = processor(
    "DOCUMENT", f_verified_licenses_count=("verified", "sum"), f_total_licenses_processed=("verified", "count")
)


@pytest.mark.parametrize("kind", TYPES)
def test_s4_revenue_is_the_mean_of_the_months_that_succeeded(kind: str) -> None:
    found = consolidate({**REVENUE, "type": kind}, [ran(1, revenue=10_000), failed(2), ran(3, revenue=12_000)])
    assert found == {
        "factors": {"f_revenue_monthly_avg": 11_000, "f_months_analyzed": 2},
        "active": 3,
        "succeeded": 2,
        "failed": 1,
        "failedIds": ["c-2"],
    }


def test_s4_7_a_credit_check_whose_executions_all_failed_has_no_factors_and_is_no_error() -> None:
    found = consolidate(processor("APPLICATION", f_score=("score", "latest")), [failed(1), failed(2)])
    assert found == {"factors": {}, "active": 2, "succeeded": 0, "failed": 2, "failedIds": ["c-1", "c-2"]}


def test_s4_licences_count_only_what_succeeded() -> None:
    found = consolidate(LICENCES, [ran(1, verified=True), failed(2), ran(3, verified=True)])
    assert found["factors"] == {"f_verified_licenses_count": 2, "f_total_licenses_processed": 2}


@pytest.mark.parametrize("status", ["pending", "running", "cancelled", "superseded", "disabled", "", None])
def test_s4_1_only_completed_and_failed_ones_are_active(status: str | None) -> None:
    other = {**ran(1, revenue=99), "status": status}
    found = consolidate(REVENUE, [other, ran(2, revenue=10)])
    assert (found["active"], found["factors"]["f_months_analyzed"]) == (1, 1)


def test_s4_1_a_status_is_read_in_any_letter_case() -> None:
    found = consolidate(REVENUE, [{**ran(1, revenue=10), "status": "COMPLETED"}, {**failed(2), "status": "Failed"}])
    assert (found["succeeded"], found["failed"]) == (1, 1)


@pytest.mark.parametrize("reducer", Reducer)
def test_s4_2_a_failed_one_contributes_nothing_even_if_it_has_an_output(reducer: str) -> None:
    spoilt = {**ran(9, x=-1_000_000), "status": "failed"}
    plan = processor(f_x=("x", reducer))
    assert consolidate(plan, [ran(1, x=1), spoilt])["factors"] == consolidate(plan, [ran(1, x=1)])["factors"]


def test_s4_2_the_newest_execution_that_failed_hides_no_older_success() -> None:
    assert values("latest", "old") == {"f_x": "old"}
    found = consolidate(processor(f_x=("x", "latest")), [ran(1, x="old"), failed(2)])
    assert found["factors"] == {"f_x": "old"}


@pytest.mark.parametrize("kind", TYPES)
def test_s4_3_no_executions_give_no_factors(kind: str) -> None:
    empty = {"factors": {}, "active": 0, "succeeded": 0, "failed": 0, "failedIds": []}
    assert consolidate({**REVENUE, "type": kind}, []) == empty


@pytest.mark.parametrize("kind", TYPES)
def test_s4_4_to_6_factors_are_those_of_the_successes(kind: str) -> None:
    alone = consolidate({**REVENUE, "type": kind}, [ran(1, revenue=1), ran(2, revenue=3)])
    beside = consolidate({**REVENUE, "type": kind}, [failed(7), ran(1, revenue=1), failed(8), ran(2, revenue=3)])
    assert alone["factors"] == beside["factors"] == {"f_revenue_monthly_avg": 2, "f_months_analyzed": 2}


@pytest.mark.parametrize("output", [None, {}, {"factors": None}, {"factors": {}}, {"factors": [1]}, "text", [], 7])
def test_s4_8_an_empty_or_odd_output_of_a_completed_one_is_tolerated(output: Any) -> None:
    odd = {**ran(1), "output": output}
    found = consolidate(REVENUE, [odd, ran(2, revenue=10)])
    assert (found["succeeded"], found["factors"]) == (2, {"f_revenue_monthly_avg": 10, "f_months_analyzed": 1})
    assert consolidate(REVENUE, [odd])["factors"] == {}


def test_s4_8_an_execution_without_an_output_field_is_tolerated() -> None:
    assert consolidate(REVENUE, [{"executionId": "c-1", "status": "completed"}])["succeeded"] == 1


def test_s4_9_failed_ones_stay_visible_by_their_ids() -> None:
    found = consolidate(REVENUE, [failed(3), ran(2, revenue=1), failed(1)])
    assert (found["active"], found["succeeded"], found["failed"]) == (3, 1, 2)
    assert found["failedIds"] == ["c-1", "c-3"]


def test_s4_10_failure_rate_and_completeness_are_measured() -> None:
    mixed = count_results(REVENUE, [ran(1, revenue=1), failed(2), failed(3), failed(4)])
    assert (mixed.failure_rate, mixed.completeness) == (0.75, 1.0)
    half = processor(f_a=("a", "sum"), f_b=("b", "sum"))
    assert count_results(half, [ran(1, a=1)]).completeness == 0.5
    none = count_results(REVENUE, [])
    assert (none.failure_rate, none.completeness, count_results(processor(), []).completeness) == (
        None,
        0.0,
        None,
    )


def test_s4_12_results_without_failures_are_what_they_always_were() -> None:
    found = consolidate(REVENUE, [ran(1, revenue=10_000), ran(2, revenue=12_000), ran(3, revenue=14_000)])
    assert found["factors"] == {"f_revenue_monthly_avg": 12_000, "f_months_analyzed": 3}


@pytest.mark.parametrize(
    ("reducer", "given", "expected"),
    [
        ("mean", (1, 2), 1.5),
        ("mean", (10_000, 12_000), 11_000),
        ("sum", (1, 2, 3.5), 6.5),
        ("sum", (0.1,) * 10, 1.0),
        ("min", (3, 1.5, 2), 1.5),
        ("max", (3, 1.5, 2), 3),
        ("count", ("a", None, 3), 3),
        ("latest", (1, "two", [3]), [3]),
        ("all", (True, True), True),
        ("all", (True, False), False),
        ("any", (False, True), True),
        ("any", (0, 0.0), False),
        ("mean", (True, False), 0.5),
        ("sum", (True, True, 2), 4),
        ("max", (Decimal("1.5"), 1), 1.5),
    ],
)
def test_7_what_each_reducer_gives(reducer: str, given: tuple[Any, ...], expected: Any) -> None:
    found = values(reducer, *given)["f_x"]
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("reducer", Reducer)
def test_7_a_key_that_nobody_gave_is_an_absent_factor(reducer: str) -> None:
    found = consolidate(processor(f_x=("x", reducer)), [ran(1, other=1), ran(2)])
    assert found["factors"] == {}
    assert found["succeeded"] == 2


@pytest.mark.parametrize("reducer", sorted(set(Reducer) - {Reducer.COUNT}))
def test_7_who_does_not_have_the_key_or_does_not_know_its_value_is_passed_over(reducer: str) -> None:
    plan = processor(f_x=("x", reducer))
    whole = consolidate(plan, [ran(1, x=1)])["factors"]
    assert consolidate(plan, [ran(1, x=1), ran(2, y=5), ran(3, x=None)])["factors"] == whole
    assert consolidate(plan, [ran(3, x=None)])["factors"] == {}


def test_7_latest_goes_by_the_moment_of_completion_not_by_place_or_spelling() -> None:
    early = ran(1, at="2026-11-21T12:00:00.500Z", x="early")
    late = ran(2, at="2026-11-21T13:00:01+01:00", x="late")
    undated = {**ran(3, x="undated"), "completedAt": None}
    for order in permutations([early, late, undated]):
        assert consolidate(processor(f_x=("x", "latest")), order)["factors"] == {"f_x": "late"}


@pytest.mark.parametrize("value", ["12", [1], {"a": 1}, math.nan, math.inf, Decimal("NaN"), -math.inf, *BEYOND])
@pytest.mark.parametrize("reducer", NUMERIC)
def test_7_what_is_no_number_is_left_out_of_numbers_and_told(reducer: str, value: Any) -> None:
    plan, executions = processor(f_x=("x", reducer)), [ran(1, x=4), ran(2, x=value)]
    assert consolidate(plan, executions)["factors"] == {"f_x": 4}
    (reported,) = misfits(plan, executions)
    assert (reported["executionId"], reported["factor"], reported["key"]) == ("c-2", "f_x", "x")
    assert reported["reason"].startswith(f"{reducer} needs a ")
    assert consolidate(plan, [ran(2, x=value)])["factors"] == {}


@pytest.mark.parametrize("reducer", list(Reducer))
@pytest.mark.parametrize("value", BEYOND)
def test_7_no_reducer_breaks_on_a_number_that_few_can_hold(reducer: Reducer, value: Any) -> None:
    executions = [ran(1, x=1), ran(2, at=ran(1)["completedAt"], x=value)]
    found = consolidate(processor(f_x=("x", reducer)), executions)["factors"]["f_x"]
    if reducer is Reducer.LATEST:
        assert found is value or found == value
    else:
        assert found == {Reducer.COUNT: 2, Reducer.ALL: True, Reducer.ANY: True}.get(reducer, 1)


@pytest.mark.parametrize("reducer", TRUTH)
def test_7_a_text_is_no_truth(reducer: str) -> None:
    """`"false"` is a text that is not empty: a green fact must not come out of it."""
    plan = processor(f_x=("x", reducer))
    assert consolidate(plan, [ran(1, x="false")])["factors"] == {}
    assert misfits(plan, [ran(1, x="false"), failed(2)])[0]["reason"] == f"{reducer} needs a boolean, not a text"


def test_7_what_fits_is_told_of_by_nobody() -> None:
    plan = processor(f_n=("n", "count"), f_l=("l", "latest"), f_s=("s", "sum"))
    assert misfits(plan, [ran(1, n="a", l="b", s=None), ran(2, s=True)]) == []


@pytest.mark.parametrize(
    ("broken", "reported"),
    [
        ({**REVENUE, "type": "OTHER"}, "check 'smoke' has the type 'OTHER', not one of DOCUMENT, STIPULATION"),
        ({**REVENUE, "type": ["DOCUMENT"]}, "has the type"),
        (processor(f_x=("x", "median")), "factor 'f_x' has the reducer 'median', not one of mean, sum"),
    ],
)
def test_7_a_processor_that_cannot_be_is_refused_by_name(broken: dict[str, Any], reported: str) -> None:
    with pytest.raises(ValueError, match="not one of") as caught:
        consolidate(broken, [ran(1, x=1)])
    assert reported in str(caught.value)


def test_7_neither_argument_is_changed_and_nothing_is_shared_with_the_result() -> None:
    plan, executions = processor(f_x=("x", "latest")), [ran(1, x={"deep": [1]}), failed(2)]
    before = copy.deepcopy((plan, executions))
    consolidate(plan, executions)["factors"]["f_x"]["deep"].append(2)
    assert (plan, executions) == before


def test_7_a_sum_beyond_all_numbers_is_absent_and_no_crash() -> None:
    assert values("sum", 1.7e308, 1.7e308) == {}
    assert values("mean", 1.7e308, 1.7e308) == {"f_x": 1.7e308}


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=3),
    st.lists(st.integers(0, 3), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(0, 3), max_size=2),
)
FACTORS = st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3)
OUTPUTS = st.one_of(st.none(), st.just({}), st.builds(lambda found: {"factors": found}, FACTORS))
TIMES = st.sampled_from(
    [None, "", "soon", "2026-11-21T12:00:00Z", "2026-11-21T12:00:00.001Z", "2026-11-21T12:00:00+01:00"]
)


@st.composite
def check_executions(draw: st.DrawFn) -> list[dict[str, Any]]:
    states = ["completed", "failed", "cancelled", "superseded"]
    return [
        {
            "executionId": f"c-{number}",
            "status": draw(st.sampled_from(states)),
            "completedAt": draw(TIMES),
            "output": draw(OUTPUTS),
        }
        for number in range(draw(st.integers(0, 6)))
    ]


EVERY_REDUCER = {
    **processor(),
    "factors": {f"f_{key}_{reducer}": {"of": key, "reducer": reducer} for key in "xyz" for reducer in Reducer},
}


@given(check_executions(), st.randoms(use_true_random=False))
def test_no_order_of_the_executions_shows(executions: list[dict[str, Any]], random: Any) -> None:
    shuffled = list(executions)
    random.shuffle(shuffled)
    found = consolidate(EVERY_REDUCER, executions)
    assert json.dumps(consolidate(EVERY_REDUCER, shuffled)) == json.dumps(found)


@given(check_executions(), check_executions())
def test_failed_ones_change_counts_and_nothing_else(
    executions: list[dict[str, Any]], more: list[dict[str, Any]]
) -> None:
    broken = [
        {**execution, "executionId": f"b-{position}", "status": "failed"} for position, execution in enumerate(more)
    ]
    without, beside = consolidate(EVERY_REDUCER, executions), consolidate(EVERY_REDUCER, [*broken, *executions])
    assert repr(beside["factors"]) == repr(without["factors"])
    assert beside["failed"] == without["failed"] + len(broken)
    assert beside["active"] == beside["succeeded"] + beside["failed"]


@given(check_executions())
def test_whatever_was_printed_factors_are_never_null_and_never_too_many(executions: list[dict[str, Any]]) -> None:
    before = copy.deepcopy(executions)
    found = consolidate(EVERY_REDUCER, executions)
    assert repr(executions) == repr(before)
    assert all(value is not None for value in found["factors"].values())
    assert found["factors"].keys() <= EVERY_REDUCER["factors"].keys()
    assert not found["factors"] or found["succeeded"]
    assert all(math.isfinite(value) for value in numbers(found["factors"]))


def numbers(factors: dict[str, Any]) -> Iterator[float]:
    for name, value in factors.items():
        if name.rpartition("_")[2] in NUMERIC and isinstance(value, (int, float)):
            yield value
