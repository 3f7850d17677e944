"""Bad days as `make chaos` plays them, those that take no longer than half a minute."""

import pytest
from tools.chaos.__main__ import CATALOGUE
from tools.chaos.outcomes import Day
from tools.local_stack.product import Product

QUICK = [day for day in CATALOGUE if day.name in {"drs-down", "drs-throttling"}]


@pytest.mark.parametrize("day", QUICK, ids=lambda day: day.name)
def test_a_bad_day_comes_to_what_is_expected(product: Product, day: Day) -> None:
    outcomes = list(day.play(product))
    assert outcomes
    assert not [outcome for outcome in outcomes if not outcome.right]
