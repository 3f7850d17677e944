"""Servers chosen by their tags: resolved when an execution starts, and frozen with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.creation import place_of
from wavebreak.domain.plans.rules import MAX_SERVERS_IN_PLAN, MAX_SERVERS_IN_WAVE
from wavebreak.problems import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wavebreak.app import App
    from wavebreak.site import Place

Faults = list[dict[str, str]]
_SHOWN: Final = 3


def resolve(app: App, document: dict[str, Any], own: Place) -> dict[str, Any]:
    """Give the plan document with the servers of each selector beside it; the selector stays, to tell why.

    Raises InvalidRequest for a selector that matches nothing, too many, or a server of another wave.
    """
    waves: list[dict[str, Any]] = document["waves"]
    if not any(wave.get("selector") for wave in waves):
        return document
    choosing = {index: place_of(wave, own) for index, wave in enumerate(waves) if wave.get("selector")}
    tagged = {place: app.brief_drs_at(place).tags_by_server() for place in dict.fromkeys(choosing.values())}
    found = {index: _matching(tagged[place], waves[index]["selector"]["tags"]) for index, place in choosing.items()}
    chosen = [
        {**wave, "servers": [{"sourceServerId": server} for server in found[index]]} if index in found else wave
        for index, wave in enumerate(waves)
    ]
    errors = faults(chosen, found, own)
    if errors:
        raise InvalidRequest.listing(errors)
    return {**document, "waves": chosen}


def _matching(tagged: Mapping[str, Mapping[str, str]], wanted: Mapping[str, str]) -> list[str]:
    """Give the ids of the servers that carry every wanted tag, sorted."""
    return sorted(server for server, tags in tagged.items() if wanted.items() <= tags.items())


def faults(waves: Sequence[Mapping[str, Any]], found: Mapping[int, Sequence[str]], own: Place) -> Faults:
    """List what is wrong with what selectors found, by the pointer of the selector. Pure.

    `waves` are the plan's, servers filled in; `found` holds the servers of each wave (from 0) that has a selector.
    """
    errors: Faults = []
    for index, servers in found.items():
        pointer = f"/waves/{index}/selector"
        if not servers:
            errors.append({"pointer": pointer, "message": "matches no source server"})
        elif len(servers) > MAX_SERVERS_IN_WAVE:
            message = f"matches {len(servers)} source servers, more than {MAX_SERVERS_IN_WAVE}"
            errors.append({"pointer": pointer, "message": message})
        errors += [{"pointer": pointer, "message": message} for message in _taken(waves, index, own)]
    total = sum(len(wave["servers"]) for wave in waves)
    if total > MAX_SERVERS_IN_PLAN:
        errors.append({"pointer": "/waves", "message": f"has {total} servers, more than {MAX_SERVERS_IN_PLAN}"})
    return errors


def _taken(waves: Sequence[Mapping[str, Any]], index: int, own: Place) -> list[str]:
    """Tell which of a wave's servers other waves in the same place have too, a line for each of those waves."""
    mine = {server["sourceServerId"] for server in waves[index]["servers"]}
    place = place_of(waves[index], own)
    told = []
    for other, wave in enumerate(waves):
        if other == index or place_of(wave, own) != place:
            continue
        shared = sorted(mine & {server["sourceServerId"] for server in wave["servers"]})
        if shared:
            named = ", ".join(shared[:_SHOWN]) + (" …" if len(shared) > _SHOWN else "")
            told.append(f"matches servers of wave {wave['name']!r}: {named}")
    return told
