"""Which servers selectors give a start, now or as they were (contract 3; A10, N19)."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support.execution_builders import server_id

from wavebreak.domain.executions.notices import NoticeCode
from wavebreak.domain.executions.selected_servers import (
    Resolution,
    Seen,
    choose,
    choose_or_fall_back,
    faults,
    filled,
    matching,
    notices,
)
from wavebreak.domain.plans.rules import MAX_SERVERS_IN_PLAN, MAX_SERVERS_IN_WAVE
from wavebreak.site import Site

OWN = Site("123456789012", "us-east-1")
AT = "2026-11-21T12:00:00.000Z"


def wave(name: str, *numbers: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "servers": [{"sourceServerId": server_id(number)} for number in numbers], **more}


def chosen(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "selector": {"tags": {"tier": name}}, **more}


def ids(*numbers: int) -> list[str]:
    return [server_id(number) for number in numbers]


PLAN = [wave("db", 1), chosen("app"), chosen("web")]
EARLIER = Resolution({1: ids(2, 3), 2: ids(4)}, AT)


def test_a_server_matches_that_carries_every_tag_whatever_else_it_carries() -> None:
    tagged = {"s-2": {"tier": "app", "stage": "prod"}, "s-1": {"tier": "app", "stage": "prod", "x": ""}, "s-3": {}}
    assert matching(tagged, {"tier": "app", "stage": "prod"}) == ["s-1", "s-2"]
    assert matching(tagged, {"tier": "web"}) == []


def test_a_drill_takes_what_is_seen_now_or_is_told_what_is_wrong() -> None:
    seen = Seen({1: ids(2), 2: ids(5)}, {})
    choice = choose(PLAN, seen, OWN)
    assert (choice.servers, choice.stale, list(choice.faults), choice.unknown) == (seen.servers, {}, [], None)
    wrong = choose(PLAN, Seen({1: [], 2: ids(1, 5)}, {}), OWN)
    assert [(fault["pointer"], fault["message"]) for fault in wrong.faults] == [
        ("/waves/1/selector", "matches no source server"),
        ("/waves/2/selector", f"matches servers of wave 'db': {server_id(1)}"),
    ]
    silent = choose(PLAN, Seen({1: ids(2)}, {2: "DRS hangs"}), OWN)
    assert silent.unknown == {2: "DRS hangs"}


def test_a10_a_recovery_takes_what_a_silent_place_told_before_and_what_the_others_tell_now() -> None:
    choice = choose_or_fall_back(PLAN, Seen({1: ids(9)}, {2: "DRS of us-west-2 hangs"}), EARLIER, OWN)
    assert (choice.servers, choice.stale) == ({1: ids(9), 2: ids(4)}, {2: "DRS of us-west-2 hangs"})
    assert (list(choice.faults), choice.unknown) == ([], None)
    (notice,) = notices(choice, EARLIER)
    assert (notice.code, notice.wave) == (NoticeCode.SELECTOR_STALE, 3)
    assert notice.message == f"Takes the 1 server(s) that its selector matched at {AT}: DRS of us-west-2 hangs"


def test_a_recovery_takes_what_was_before_where_now_there_is_nothing_too_many_or_anothers() -> None:
    many = [server_id(number) for number in range(100, 101 + MAX_SERVERS_IN_WAVE)]
    for now, why in (
        ([], "now it matches no source server"),
        (many, f"now it matches {len(many)} source servers, more than {MAX_SERVERS_IN_WAVE}"),
        (ids(1, 2), f"now it matches servers of wave 'db': {server_id(1)}"),
    ):
        choice = choose_or_fall_back(PLAN, Seen({1: now, 2: ids(5)}, {}), EARLIER, OWN)
        assert (choice.servers, choice.stale, list(choice.faults)) == ({1: ids(2, 3), 2: ids(5)}, {1: why}, [])


def test_what_was_before_of_one_wave_and_is_anothers_now_stays_where_it_was() -> None:
    choice = choose_or_fall_back(PLAN, Seen({1: [], 2: ids(3, 4)}, {}), EARLIER, OWN)
    assert choice.servers == EARLIER.servers
    assert choice.stale == {
        1: "now it matches no source server",
        2: f"now it matches servers of wave 'app': {server_id(3)}",
    }


def test_a_plan_that_has_become_too_large_is_taken_as_it_was() -> None:
    waves = [chosen(f"w{number}") for number in range(9)]
    grown = {index: [f"s-{index}-{number}" for number in range(MAX_SERVERS_IN_WAVE)] for index in range(9)}
    assert sum(map(len, grown.values())) > MAX_SERVERS_IN_PLAN
    earlier = Resolution({index: names[:2] for index, names in grown.items()}, AT)
    choice = choose_or_fall_back(waves, Seen(grown, {}), earlier, OWN)
    assert (choice.servers, len(choice.stale), list(choice.faults)) == (earlier.servers, 9, [])


def test_one_that_was_never_resolved_is_told_what_is_wrong_now() -> None:
    assert choose_or_fall_back(PLAN, Seen({1: [], 2: ids(5)}, {}), None, OWN).faults
    assert choose_or_fall_back(PLAN, Seen({1: ids(2)}, {2: "hangs"}), None, OWN).unknown == {2: "hangs"}
    fine = choose_or_fall_back(PLAN, Seen({1: ids(2), 2: ids(5)}, {}), None, OWN)
    assert (fine.servers, fine.stale, notices(fine, None)) == ({1: ids(2), 2: ids(5)}, {}, ())


def test_the_same_server_in_another_place_is_another_server() -> None:
    away = [wave("db", 1), chosen("app", region="us-west-2")]
    assert faults(filled(away, {1: ids(1)}), {1: ids(1)}, OWN) == []
    here = [wave("db", 1), chosen("app", region="us-east-1")]
    assert faults(filled(here, {1: ids(1)}), {1: ids(1)}, OWN)


NUMBERS = st.lists(st.integers(1, 6), max_size=4, unique=True).map(sorted)


@given(st.lists(NUMBERS, min_size=2, max_size=4), st.data())
def test_a_recovery_with_a_sound_earlier_resolution_is_never_refused_for_its_selectors(
    now: list[list[int]], data: st.DataObject
) -> None:
    """Whatever the tags say and whoever is silent: what it takes is sound, and stale only where it has to be."""
    waves = [wave("db", 7), *(chosen(f"w{index}") for index in range(len(now)))]
    dealt = data.draw(st.permutations(range(10, 10 + len(now))))
    earlier = Resolution({index: ids(dealt[index - 1]) for index in range(1, 1 + len(now))}, AT)
    silent = data.draw(st.sets(st.integers(1, len(now))))
    seen = Seen(
        {index: ids(*numbers) for index, numbers in enumerate(now, 1) if index not in silent},
        dict.fromkeys(silent, "silent"),
    )
    choice = choose_or_fall_back(waves, seen, earlier, OWN)
    assert not choice.faults
    assert choice.unknown is None
    assert faults(filled(waves, choice.servers), choice.servers, OWN) == []
    assert set(choice.servers) == set(range(1, 1 + len(now)))
    for index, servers in choice.servers.items():
        assert servers == (earlier if index in choice.stale else seen).servers[index]
    if not silent and not faults(filled(waves, seen.servers), seen.servers, OWN):
        assert not choice.stale
