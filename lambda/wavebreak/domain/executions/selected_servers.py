"""Which servers a start takes for the waves that choose theirs by tags: what the tags say now, or what they said.

A drill takes what DRS reports now, or is refused. A recovery whose selector cannot be resolved now, or not to anything
that may be started, takes what it last resolved to for the same version of the plan, and says so (contract 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.creation import site_of
from wavebreak.domain.executions.notices import Notice, NoticeCode
from wavebreak.domain.plans.rules import MAX_SERVERS_IN_PLAN, MAX_SERVERS_IN_WAVE
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wavebreak.site import Site

Faults = list[dict[str, str]]
_SHOWN: Final = 3


class Resolution(Value):
    """What the selectors of a version of a plan last resolved to: the servers of waves, by their index from 0."""

    servers: Mapping[int, Sequence[str]]
    at: str
    """When, RFC 3339."""


class Seen(Value):
    """What one read of the tags showed: the servers of waves by their index, and why those of others are not known."""

    servers: Mapping[int, Sequence[str]]
    troubles: Mapping[int, str]


class Choice(Value):
    """The servers to take by the index of the wave, and why some of them are those of an earlier look.

    With `faults` nothing can be started; `unknown` are the waves whose servers are not known, each with the reason.
    """

    servers: Mapping[int, Sequence[str]]
    stale: Mapping[int, str]
    faults: Sequence[Mapping[str, str]] = ()
    unknown: Mapping[int, str] | None = None


def matching(tagged: Mapping[str, Mapping[str, str]], wanted: Mapping[str, str]) -> list[str]:
    """Return the ids of the servers that carry every wanted tag, sorted."""
    return sorted(server for server, tags in tagged.items() if wanted.items() <= tags.items())


def choose(waves: Sequence[Mapping[str, Any]], seen: Seen, own: Site) -> Choice:
    """Return the servers seen now, or why they cannot be started."""
    return Choice(seen.servers, {}, faults(filled(waves, seen.servers), seen.servers, own), dict(seen.troubles) or None)


def choose_or_fall_back(
    waves: Sequence[Mapping[str, Any]], seen: Seen, earlier: Resolution | None, own: Site
) -> Choice:
    """Return the servers seen now; for a wave where those cannot be started, the servers seen before.

    The earlier servers of one wave may conflict with those of another one now; then that gets its earlier ones, too.
    """
    if earlier is None:
        return choose(waves, seen, own)
    stale = dict(seen.troubles)
    while True:
        taken = {**seen.servers, **{index: earlier.servers[index] for index in stale}}
        found = faults(filled(waves, taken), taken, own)
        new = {index: message for index, message in _by_wave(found, taken).items() if index not in stale}
        if not new:
            return Choice(taken, stale, found)
        stale |= new


def _by_wave(found: Faults, taken: Mapping[int, Sequence[str]]) -> dict[int, str]:
    """Return what is wrong with each wave's servers; a fault of the plan counts for all waves."""
    reasons: dict[int, str] = {}
    for fault in found:
        pointer = fault["pointer"].split("/")
        indices = [int(pointer[2])] if len(pointer) > 2 else list(taken)  # noqa: PLR2004  /waves/3/selector
        reasons |= {index: f"now it {fault['message']}" for index in indices if index not in reasons}
    return reasons


def filled(waves: Sequence[Mapping[str, Any]], servers: Mapping[int, Sequence[str]]) -> list[dict[str, Any]]:
    """Fill in the servers of waves; the selector stays beside them, to tell why."""
    return [
        {**wave, "servers": [{"sourceServerId": server} for server in servers[index]]}
        if index in servers
        else dict(wave)
        for index, wave in enumerate(waves)
    ]


def faults(waves: Sequence[Mapping[str, Any]], found: Mapping[int, Sequence[str]], own: Site) -> Faults:
    """List what is wrong with what selectors found, by the pointer of the selector.

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
    total = sum(len(wave.get("servers") or ()) for wave in waves)
    if total > MAX_SERVERS_IN_PLAN:
        errors.append({"pointer": "/waves", "message": f"has {total} servers, more than {MAX_SERVERS_IN_PLAN}"})
    return errors


def _taken(waves: Sequence[Mapping[str, Any]], index: int, own: Site) -> list[str]:
    """Return which of a wave's servers other waves in the same site have too, a line for each of those waves."""
    mine = {server["sourceServerId"] for server in waves[index]["servers"]}
    site = site_of(waves[index], own)
    reasons = []
    for other, wave in enumerate(waves):
        if other == index or site_of(wave, own) != site:
            continue
        shared = sorted(mine & {server["sourceServerId"] for server in wave.get("servers") or ()})
        if shared:
            named = ", ".join(shared[:_SHOWN]) + (" …" if len(shared) > _SHOWN else "")
            reasons.append(f"matches servers of wave {wave['name']!r}: {named}")
    return reasons


def notices(choice: Choice, earlier: Resolution | None) -> tuple[Notice, ...]:
    """Warn of each wave that takes the servers of an earlier look."""
    if earlier is None:
        return ()
    return tuple(
        Notice(
            NoticeCode.SELECTOR_STALE,
            f"Takes the {len(choice.servers[index])} server(s) that its selector matched at {earlier.at}: {why}",
            index + 1,
        )
        for index, why in sorted(choice.stale.items())
    )
