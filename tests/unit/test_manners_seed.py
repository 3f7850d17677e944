"""The seed of a run of the tests: the same in each, unless it is named or drawn."""

import pytest
from tests.support.manners import DRAWN, SEED, choose_seed


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
