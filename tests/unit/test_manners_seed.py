"""The seed of a run of the tests: the same in each, unless it is named or drawn."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.manners import DRAWN, SEED, choose_seed

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(("environment", "chosen"), [({}, "1"), ({SEED: ""}, "1"), ({SEED: "7"}, "7")])
def test_a_run_repeats_another_unless_it_is_told_a_seed(environment: dict[str, str], chosen: str) -> None:
    choose_seed(environment)
    assert environment == {SEED: chosen}


def test_a_seed_is_drawn_when_it_is_asked_for() -> None:
    drawn = [{SEED: DRAWN} for _ in range(3)]
    for environment in drawn:
        choose_seed(environment)
    assert len({environment[SEED] for environment in drawn}) == 3
    assert all(environment[SEED].isdecimal() for environment in drawn)


TESTS = Path(__file__).parents[1]
STRICT = {
    "integration/executions/test_waking.py": "what is measured is how soon an event wakes, and a lost one wakes nobody",
    "e2e/test_latency.py": "what is measured is how soon the product acts on what it was told",
    "e2e/test_hung_region.py": "likewise: how much later while another Region hangs",
    "support/manners.py": "small worlds in which rounds and calls are counted; random histories are late",
}
"""Tests of the product in which services promise more than they must, each with the reason."""


def of_the_product() -> Iterator[tuple[str, str]]:
    """Give the tests in which the product meets simulated services, and what helps them."""
    for folder in ("browser", "e2e", "integration", "support"):
        for path in sorted((TESTS / folder).rglob("*.py")):
            yield path.relative_to(TESTS).as_posix(), path.read_text(encoding="utf-8")


def test_services_promise_no_more_than_they_must_but_where_a_reason_stands() -> None:
    strict = {name for name, text in of_the_product() if re.search(r"put_manners\([^)]*strict=True|\bSTRICT\b", text)}
    assert strict == STRICT.keys()


def test_every_local_stack_of_the_tests_of_the_product_has_the_seed_of_the_run() -> None:
    made = [call for _, text in of_the_product() for call in re.findall(r"= LocalStack\(.*\)$", text, re.MULTILINE)]
    assert len(made) == 4
    assert all("seed=seed()" in call for call in made)
