"""Waves of plans drawn by dice: any shape, and any of what a plan may say of a wave."""

from random import Random
from typing import Final

from tests.unit.executions import server

from wavebreak.model import Impact, OnFailure, Wave

SHAPES: Final[dict[str, tuple[tuple[int, ...], ...]]] = {
    "line": ((), (1,), (2,), (3,)),
    "diamond": ((), (1,), (1,), (2, 3)),
    "independent": ((), (), (), ()),
    "two branches": ((), (), (1,), (2,)),
    "join": ((), (), (), (1, 2, 3)),
}
"""Waves that each wave depends on; a shorter plan has the first of them."""
IMPACTS: Final = tuple(Impact)
ON_FAILURE: Final = tuple(OnFailure)


def plan(dice: Random) -> tuple[Wave, ...]:
    """Give one to four waves of one to three servers in any shape, with any of what a plan may say of a wave."""
    shape = SHAPES[dice.choice(tuple(SHAPES))]
    return tuple(_wave(number, shape[number - 1], dice) for number in range(1, dice.randint(1, 4) + 1))


def _wave(number: int, depends_on: tuple[int, ...], dice: Random) -> Wave:
    members = range(10 * number, 10 * number + dice.randint(1, 3))
    return Wave(
        number=number,
        name=f"wave-{number}",
        servers=tuple(server(member, impact=dice.choice(IMPACTS)) for member in members),
        depends_on=depends_on,
        requires_approval=dice.random() < 0.2,
        wait_before_seconds=dice.choice((0, 0, 0, 45)),
        timeout_minutes=dice.choice((2, 60)),
        on_failure=dice.choice(ON_FAILURE),
    )
