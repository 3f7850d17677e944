"""Servers chosen by their tags: resolved when an execution starts, and frozen with it.

What all selectors of a version of a plan resolved to, at a start or a check of the plan's readiness, is kept: a
recovery falls back on it while DRS does not report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.parallel_reads import Asking, Question
from wavebreak.domain.drs import DESCRIBE_SERVERS, Trouble
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.creation import site_of
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
from wavebreak.store.table import WriteRejectedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wavebreak.domain.executions.notices import Notice
    from wavebreak.domain.plans.model import StoredPlan
    from wavebreak.ports.capabilities import HasBriefDrs, HasClock, HasErrors, HasPlans
    from wavebreak.site import Site

    class Ports(HasBriefDrs, HasClock, HasErrors, HasPlans, Protocol):
        """What resolving selectors needs."""


def resolve(
    app: Ports,
    plan: StoredPlan,
    own: Site,
    asking: Asking | None = None,
    *,
    falls_back: bool = False,
    known_tags: dict[Site, Any] | None = None,
) -> tuple[dict[str, Any], tuple[Notice, ...]]:
    """Return the plan document with the servers of each selector beside it, and what is to be warned of.

    Raise InvalidRequest for a selector that matches nothing, too many, or a server of another wave. Raise Unavailable
    naming the wave whose site does not answer; with `falls_back` only where no earlier resolution helps.
    `known_tags` holds the answers of the sites that were asked before, and takes the new ones: each site is asked once
    for all plans.
    """
    waves: list[dict[str, Any]] = plan.document["waves"]
    if not any(wave.get("selector") for wave in waves):
        return plan.document, ()
    seen = _read_tags(app, waves, own, asking or Asking(), {} if known_tags is None else known_tags)
    choice = choose(waves, seen, own)
    earlier = None
    if not choice.faults and not choice.unknown:
        _remember(app, plan, choice)
    elif falls_back:
        earlier = app.plans.resolved(plan)
        choice = choose_or_fall_back(waves, seen, earlier, own)
    _refuse(waves, choice)
    return {**plan.document, "waves": filled(waves, choice.servers)}, notices(choice, earlier)


def _read_tags(
    app: Ports, waves: Sequence[Mapping[str, Any]], own: Site, asking: Asking, answers: dict[Site, Any]
) -> Seen:
    """Ask every site that has not answered yet for its servers' tags, side by side, for as long as `asking` has."""
    choosing = {index: site_of(wave, own) for index, wave in enumerate(waves) if wave.get("selector")}
    questions, places = [], []
    for site in dict.fromkeys(each for each in choosing.values() if each not in answers):
        try:
            questions.append(Question(DESCRIBE_SERVERS, app.brief_drs_at(site).tags_by_server, site))
            places.append(site)
        except UnsupportedSiteError as error:
            answers[site] = Trouble(DESCRIBE_SERVERS, str(error))
    replies = asking.all(questions, to_the_end=False)
    answers |= dict(zip(places, replies, strict=True))
    troubles = {
        index: f"DRS of {_named(site, own)} does not report its source servers ({answers[site].reason})"
        for index, site in choosing.items()
        if isinstance(answers[site], Trouble)
    }
    servers = {
        index: matching(answers[site], waves[index]["selector"]["tags"])
        for index, site in choosing.items()
        if index not in troubles
    }
    return Seen(servers, troubles)


def _named(site: Site, own: Site) -> str:
    region = site.region or own.region or "the stack's Region"
    return region if site.account_id is None else f"{region} of account {site.account_id}"


def _refuse(waves: Sequence[Mapping[str, Any]], choice: Choice) -> None:
    if choice.unknown:
        reasons = "; ".join(f"wave {waves[index]['name']!r}: {why}" for index, why in sorted(choice.unknown.items()))
        raise Unavailable(f"The servers that selectors match are not known: {reasons}")
    if choice.faults:
        raise InvalidRequest.listing([dict(fault) for fault in choice.faults])


def _remember(app: Ports, plan: StoredPlan, choice: Choice) -> None:
    """Keep what the selectors resolved to; the request goes on if that fails."""
    try:
        app.plans.remember_resolved(plan, choice.servers, app.now())
    except (WriteRejectedError, *FAULTS) as error:
        app.errors.record_error(error, Severity.WARNING, plan=plan.document["planId"])
