"""A plan of 300 servers is validated within the time that somebody waits (contract 13)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.unit.use_cases.test_many_plans import ONE_BY_ONE, OWN, World, _canonical

from wavebreak.aws.parallel_reads import Asking
from wavebreak.domain.readiness.checks import judge
from wavebreak.use_cases.readiness import survey

if TYPE_CHECKING:
    from wavebreak.domain.readiness.verdicts import Check

AT_ONCE = 8


@pytest.fixture
def world() -> World:
    made = World()
    servers = [{"sourceServerId": f"s-{number:017d}"} for number in range(300)]
    document = {"planId": "large", "name": "Plan", "waves": [{"name": "only", "servers": servers}]}
    made.app.plans.put("large", _canonical(document), made.now, None)
    return made


def checked(world: World, seconds: float, monkeypatch: pytest.MonkeyPatch) -> list[Check]:
    """Validate the plan where a call takes so long, eight at a time."""
    monkeypatch.setattr(survey, "Asking", partial(Asking, lambda: world.now.timestamp(), at_once=1))  # noqa: PLW0108  the clock goes on
    world.services.took = lambda name: world._pass(seconds / AT_ONCE if name in ONE_BY_ONE else seconds)
    return judge(survey.survey(world.app, world.app.plans.get("large"), OWN))


def test_13_all_300_servers_are_told_where_they_land_while_somebody_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = world.now
    checks = checked(world, 0.07, monkeypatch)
    assert len([each for each in checks if each.name == "landing"]) == 300
    assert (world.now - begun).total_seconds() < 8


def test_13_what_there_is_no_time_for_is_left_out_and_the_answer_comes_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = world.now
    landings = [each for each in checked(world, 0.15, monkeypatch) if each.name == "landing"]
    assert 130 <= len(landings) < 300
    assert (world.now - begun).total_seconds() < 9
