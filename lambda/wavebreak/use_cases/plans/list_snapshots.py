"""The recovery points of a plan's servers, as DRS shows them: what a run may go back to (contract 4)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.parallel_reads import Asking, Question
from wavebreak.domain.drs import DESCRIBE_SNAPSHOTS, Trouble
from wavebreak.domain.executions.creation import site_of
from wavebreak.problems import InvalidRequest
from wavebreak.timing import iso
from wavebreak.use_cases.name_servers import names_at
from wavebreak.use_cases.resolve_selectors import resolve
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from wavebreak.domain.drs import RecoveryPoint
    from wavebreak.site import Site
    from wavebreak.use_cases.resolve_selectors import Ports as ResolveSelectorsPorts

    class Ports(ResolveSelectorsPorts, Protocol):
        """What listing recovery points needs."""


MOST_SERVERS: Final = 25
"""Servers of one answer: DRS reports the points of one server at a time."""
_MOST_POINTS: Final = 500
"""Points of a server that are listed, the newest; DRS keeps some hundred at its longest retention."""


class _Place(Value):
    """A server of the plan, and where it is."""

    wave: str
    server: str
    site: Site


def list_snapshots(
    app: Ports, plan_id: str, own: Site, before: datetime | None, limit: int, token: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """List servers of a stored plan in its order, each with its points not later than `before`, the newest first.

    Return at most `limit` servers, 25 in any case, and the token of the next page. If DRS does not report a server's
    points, its `error` says why. Raise NotFound, InvalidRequest for a token of another list, and what resolving
    selectors raises.
    """
    stored, asking = app.plans.get(plan_id), Asking()
    document, _ = resolve(app, stored, own, asking, falls_back=True)
    places = [
        _Place(wave["name"], server["sourceServerId"], site_of(wave, own))
        for wave in document["waves"]
        for server in wave.get("servers") or ()
    ]
    start = _start(token, stored.version, len(places))
    end = start + min(limit, MOST_SERVERS)
    chosen = places[start:end]
    names = _names(app, asking, chosen)
    answers = _ask(app, asking, chosen, before)
    items = [_item(place, names, answer) for place, answer in zip(chosen, answers, strict=True)]
    return items, f"{stored.version}.{end}" if end < len(places) else None


def _start(token: str | None, version: int, count: int) -> int:
    """Read where a page begins: a token is of one version of the plan."""
    if token is None:
        return 0
    of, _, at = token.partition(".")
    if of != str(version) or not (at.isascii() and at.isdigit() and len(at) < len(str(count)) + 1):
        raise InvalidRequest.of("/nextToken", "is not a token of this list, or the plan has changed since")
    return int(at)


def _names(app: Ports, asking: Asking, places: Sequence[_Place]) -> dict[tuple[Site, str], str | None]:
    by_site: dict[Site, list[str]] = {}
    for place in places:
        by_site.setdefault(place.site, []).append(place.server)
    return names_at(app, by_site, asking, to_the_end=True)


def _ask(app: Ports, asking: Asking, places: Sequence[_Place], before: datetime | None) -> list[Any]:
    """Ask for the points of each server; return them, or the Trouble that stood in the way, in the servers' order."""
    questions: dict[int, Question] = {}
    answers: list[Any] = [None] * len(places)
    for index, place in enumerate(places):
        try:
            call = partial(app.brief_drs_at(place.site).recovery_points, place.server, before)
            questions[index] = Question(DESCRIBE_SNAPSHOTS, call, place.site)
        except UnsupportedSiteError as error:
            answers[index] = Trouble(DESCRIBE_SNAPSHOTS, str(error))
    for index, answer in zip(questions, asking.all(list(questions.values())), strict=True):
        answers[index] = answer
    return answers


def _item(
    place: _Place, names: Mapping[tuple[Site, str], str | None], answer: list[RecoveryPoint] | Trouble
) -> dict[str, Any]:
    points = [] if isinstance(answer, Trouble) else answer
    return {
        "sourceServerId": place.server,
        "name": names.get((place.site, place.server)),
        "waveName": place.wave,
        "snapshots": [{"snapshotId": point.snapshot_id, "at": iso(point.at)} for point in points[:_MOST_POINTS]],
        "more": len(points) > _MOST_POINTS,
        "error": answer.reason if isinstance(answer, Trouble) else None,
    }
