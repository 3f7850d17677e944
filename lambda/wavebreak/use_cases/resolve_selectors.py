"""Servers chosen by their tags: resolved when an execution starts, and frozen with it.

What all selectors of a version of a plan resolved to, at a start or a look whether the plan is ready, is kept: a
recovery falls back on it while DRS does not tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.aws.clients import UnsupportedPlace
from wavebreak.aws.parallel_reads import Asking, Question
from wavebreak.domain.drs import Trouble
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.creation import place_of
from wavebreak.domain.executions.selected_servers import (
    Choice,
    Seen,
    choose,
    choose_or_fall_back,
    filled,
    matching,
    notices,
)
from wavebreak.problems import InvalidRequest, Unavailable
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.store.table import WriteRejected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wavebreak.app import App
    from wavebreak.domain.executions.notices import Notice
    from wavebreak.domain.plans.model import StoredPlan
    from wavebreak.site import Place

DESCRIBE_SERVERS: Final = "DescribeSourceServers"


def resolve(
    app: App, plan: StoredPlan, own: Place, asking: Asking | None = None, *, falls_back: bool = False
) -> tuple[dict[str, Any], tuple[Notice, ...]]:
    """Give the plan document with the servers of each selector beside it, and what is to be warned of.

    Raises InvalidRequest for a selector that matches nothing, too many, or a server of another wave, and Unavailable
    naming the wave whose place does not tell; with `falls_back` only where no earlier resolution helps.
    """
    waves: list[dict[str, Any]] = plan.document["waves"]
    if not any(wave.get("selector") for wave in waves):
        return plan.document, ()
    seen = _look(app, waves, own, asking or Asking())
    choice = choose(waves, seen, own)
    earlier = None
    if not choice.faults and not choice.unknown:
        _remember(app, plan, choice)
    elif falls_back:
        earlier = app.plans.resolved(plan)
        choice = choose_or_fall_back(waves, seen, earlier, own)
    _refuse(waves, choice)
    return {**plan.document, "waves": filled(waves, choice.servers)}, notices(choice, earlier)


def _look(app: App, waves: Sequence[Mapping[str, Any]], own: Place, asking: Asking) -> Seen:
    """Ask every place once for its servers' tags, all side by side and for as long as `asking` has."""
    choosing = {index: place_of(wave, own) for index, wave in enumerate(waves) if wave.get("selector")}
    answers: dict[Any, Any] = {}
    questions = []
    for place in dict.fromkeys(choosing.values()):
        try:
            questions.append(Question(DESCRIBE_SERVERS, app.brief_drs_at(place).tags_by_server, place))
        except UnsupportedPlace as error:
            answers[place] = Trouble(DESCRIBE_SERVERS, str(error))
    told = asking.all(questions, to_the_end=False)
    answers |= {question.place: answer for question, answer in zip(questions, told, strict=True)}
    troubles = {
        index: f"DRS of {_named(place, own)} does not tell its source servers ({answers[place].reason})"
        for index, place in choosing.items()
        if isinstance(answers[place], Trouble)
    }
    servers = {
        index: matching(answers[place], waves[index]["selector"]["tags"])
        for index, place in choosing.items()
        if index not in troubles
    }
    return Seen(servers, troubles)


def _named(place: Place, own: Place) -> str:
    region = place.region or own.region or "the stack's Region"
    return region if place.account_id is None else f"{region} of account {place.account_id}"


def _refuse(waves: Sequence[Mapping[str, Any]], choice: Choice) -> None:
    if choice.unknown:
        told = "; ".join(f"wave {waves[index]['name']!r}: {why}" for index, why in sorted(choice.unknown.items()))
        raise Unavailable(f"The servers that selectors match are not known: {told}")
    if choice.faults:
        raise InvalidRequest.listing([dict(fault) for fault in choice.faults])


def _remember(app: App, plan: StoredPlan, choice: Choice) -> None:
    """Keep what the selectors resolved to; the request goes on if that fails."""
    try:
        app.plans.remember_resolved(plan, choice.servers, app.now())
    except (WriteRejected, *FAULTS) as error:
        app.errors.record_error(error, Severity.WARNING, plan=plan.document["planId"])
