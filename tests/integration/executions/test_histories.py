"""Three hundred random histories on DynamoDB's conditions and a DRS with faults, each told by its seed alone.

`WAVEBREAK_HISTORY` names one seed, to live through that history alone.
"""

from __future__ import annotations

import os
import random
from random import Random
from typing import TYPE_CHECKING, Final

import pytest
from tests.support.execution_builders import execution
from tests.support.fateful_drs import Fate, FatefulDrs
from tests.support.lone_apps import lone_apps
from tests.support.random_plans import plan
from tests.support.single_tasks import Life, fresh

from wavebreak.aws.reads_by_id import ReadsById
from wavebreak.domain.drs import Quotas
from wavebreak.execution_utils import ExecutionStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HISTORIES: Final = 300
A_TEST: Final = 30
SHORTEST: Final = 4
LONGEST: Final = 12


@pytest.fixture
def lives() -> Iterator[Callable[[int], Life]]:
    """Make lives on one table and one DRS, emptied for each."""
    with lone_apps() as apps:

        def life(seed: int) -> Life:
            apps.emptied()
            dice = Random(seed)  # noqa: S311  a seed tells a history again
            drs = FatefulDrs(apps.often, apps.once, ReadsById(lambda: apps.clock.now().timestamp()))
            drs.fate = Fate(dice)
            random.seed(seed)  # a search probes ids that it draws
            app = apps.app(drs, Quotas(servers_a_job=dice.choice((1, 2, 100))))
            begun = fresh(execution(*plan(dice, commands=False), status=ExecutionStatus.PENDING), seed, apps.clock)
            made = Life(app, apps.clock, apps.control, dice, begun.execution_id, drs.fate)
            made.begin(begun)
            return made

        yield life


def _seeds() -> list[range]:
    alone = os.environ.get("WAVEBREAK_HISTORY")
    if alone is not None:
        return [range(int(alone), int(alone) + 1)]
    return [range(first, first + A_TEST) for first in range(0, HISTORIES, A_TEST)]


@pytest.mark.parametrize("seeds", _seeds(), ids=lambda seeds: f"from-{seeds.start}")
def test_every_history_holds_at_every_step_and_comes_to_its_end(lives: Callable[[int], Life], seeds: range) -> None:
    for seed in seeds:
        try:
            life = lives(seed)
            for _ in range(life.dice.randint(SHORTEST, LONGEST)):
                life.happens()
            life.comes_to_its_end()
        except Exception as error:
            error.add_note(f"seed {seed}: WAVEBREAK_HISTORY={seed} pytest -k histories tests/integration")
            raise
