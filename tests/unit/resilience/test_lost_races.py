"""Changes that are made again when another write came first."""

import pytest

from wavebreak.problems import Unavailable
from wavebreak.resilience.lost_races import TRIES, LostRaceError, retry_lost_races


class Losing:
    """A change that loses so many races before it is made."""

    def __init__(self, races: int) -> None:
        self.races = races
        self.tries = 0
        self.pauses: list[int] = []

    def __call__(self) -> str:
        self.tries += 1
        if self.tries <= self.races:
            raise LostRaceError
        return "made"


@pytest.mark.parametrize("races", [0, 1, TRIES - 1])
def test_a_change_is_made_again_until_it_wins(races: int) -> None:
    change = Losing(races)
    assert retry_lost_races("This", change, change.pauses.append) == "made"
    assert (change.tries, change.pauses) == (races + 1, list(range(races)))


def test_after_too_many_lost_races_the_caller_is_told_to_come_again() -> None:
    change = Losing(TRIES)
    with pytest.raises(Unavailable, match="This is being changed by many at once"):
        retry_lost_races("This", change, change.pauses.append)
    assert change.tries == TRIES


def test_no_race_is_run_again_when_the_time_is_over() -> None:
    change = Losing(1)
    with pytest.raises(Unavailable):
        retry_lost_races("This", change, change.pauses.append, lambda: True)
    assert (change.tries, change.pauses) == (1, [])


def test_what_is_no_lost_race_passes_through() -> None:
    def refused() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        retry_lost_races("This", refused)
