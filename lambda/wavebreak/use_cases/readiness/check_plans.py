"""Plans checked automatically: each within every interval, at a moment of its own, by one call at a time.

What is due stands in an index. Plans are taken up in groups, so that one call of DRS is for the servers of many. A
plan is left for later while a RECOVERY holds it or launches in one of its sites: requests there are the RECOVERY's.
"""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

from wavebreak.aws.parallel_reads import Asking
from wavebreak.domain.plans.readiness import MOST_MISSES, needs_notice, next_check
from wavebreak.domain.readiness.checks import judge
from wavebreak.domain.readiness.coverage import first_missed, servers_covered, still_standing
from wavebreak.domain.readiness.outcome import standing_of
from wavebreak.domain.readiness.prints import prints_of
from wavebreak.observability.metrics import Metric
from wavebreak.resilience.despite_faults import each_despite_faults
from wavebreak.store.upkeep.readiness import Kept
from wavebreak.use_cases.readiness.notify_change import notify_change
from wavebreak.use_cases.readiness.recoveries import Recoveries
from wavebreak.use_cases.readiness.survey import survey_plans
from wavebreak.use_cases.steps.check_steps import check_steps
from wavebreak.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from wavebreak.domain.drs import Trouble
    from wavebreak.domain.plans.model import StoredPlan
    from wavebreak.domain.plans.readiness import Failing, Standing
    from wavebreak.domain.readiness.facts import Facts
    from wavebreak.domain.readiness.verdicts import Check
    from wavebreak.ports.capabilities import (
        HasAllowances,
        HasChannels,
        HasFunctions,
        HasMeter,
        HasReadinessInterval,
        HasRunbooks,
        HasTiming,
    )
    from wavebreak.site import Site
    from wavebreak.store.upkeep.readiness import Due
    from wavebreak.use_cases.readiness.survey import Ports as SurveyPorts

    class Ports(
        SurveyPorts,
        HasAllowances,
        HasChannels,
        HasFunctions,
        HasMeter,
        HasReadinessInterval,
        HasRunbooks,
        HasTiming,
        Protocol,
    ):
        """What checking the plans that are due needs."""


logger = logging.getLogger(__name__)

WORK: Final = timedelta(seconds=35)
"""How long a run begins new groups: a group takes 75 s at most, and the function may run for two minutes."""
MOST_A_RUN: Final = 500
_READ_AT_ONCE: Final = 100
A_GROUP: Final = 25
"""Plans that are checked together, if they have few servers."""
SERVERS_A_GROUP: Final = 80
"""Servers that are checked together, unless one plan has more. Where a call takes 300 ms, so many can be read in time:
two questions each, two at once, within three quarters of the limit."""
_OF_A_SELECTOR: Final = 20
"""Servers that a selector counts for, before it is known what it matches."""
_AT_ONCE: Final = 2
"""Questions that a site gets at once; requests of people get eight. No caller waits for these."""
MOST_SERVERS: Final = 500
"""Servers of a plan that are asked for one by one: as many as all jobs of a Region hold."""
_LATER_SECONDS: Final = 300
"""When a plan is read again that a RECOVERY kept from it, or a service that did not answer; scaled."""
_SOON_SECONDS: Final = 60
"""When a change that a channel did not take is sent again; scaled."""


class Counts(Struct):
    """What a run did."""

    checked: int = 0
    notified: int = 0
    postponed: int = 0
    not_ready: int = 0

    def counts(self) -> dict[str, int]:
        """Return the counts by name."""
        return {
            "checked": self.checked,
            "notified": self.notified,
            "postponed": self.postponed,
            "notReady": self.not_ready,
        }


class _Run(Value):
    """A run: its id, where the stack is, and what it has done."""

    app: Ports
    own: Site
    owner: str
    counts: Counts
    recoveries: Recoveries

    @property
    def interval(self) -> timedelta:
        """How often each plan is checked."""
        return self.app.timing.scaled(60 * self.app.readiness_minutes)

    def in_seconds(self, seconds: float) -> datetime:
        """Return a moment from now on, under the time scale."""
        return self.app.now() + self.app.timing.scaled(seconds)


def check_due_plans(app: Ports, own: Site) -> Counts:
    """Check the plans that are due for as long as there is time, and count those that are not ready.

    One group of plans that cannot be checked keeps no other from it; the last fault is raised in the end.
    """
    run = _Run(app, own, secrets.token_hex(8), Counts(), Recoveries(app, own))
    until = app.now() + WORK
    if not app.readiness.knows_all():
        _take_up_earlier(app)
    groups = [partial(_check_group, run, plan_ids) for plan_ids in _groups(app)]
    try:
        _each(run, groups, lambda: app.now() > until)
    finally:
        run.counts.not_ready = app.readiness.not_ready(app.now())
        app.meter.add(Metric.PLANS_NOT_READY, run.counts.not_ready)
    return run.counts


def _take_up_earlier(app: Ports) -> None:
    """Make the plans due, once, that an earlier release stored: they are listed by their index, a page at a time."""
    token: str | None = None
    while True:
        plans, token = app.plans.page(limit=100, token=token)
        app.readiness.take_up(plans, app.now(), last=token is None)
        if token is None:
            return


def _groups(app: Ports) -> Iterator[list[str]]:
    """Cut the plans that are due into groups, by their servers."""
    due = islice(app.readiness.due(app.now()), MOST_A_RUN)
    group: list[str] = []
    held = 0
    while plan_ids := list(islice(due, _READ_AT_ONCE)):
        plans = app.plans.get_many(plan_ids)
        for plan_id in plan_ids:
            size = _size(plans.get(plan_id))
            if group and (held + size > SERVERS_A_GROUP or len(group) == A_GROUP):
                yield group
                group, held = [], 0
            group.append(plan_id)
            held += size
    if group:
        yield group


def _size(plan: StoredPlan | None) -> int:
    """Return about how many servers a plan has."""
    waves = () if plan is None else plan.document["waves"]
    return sum(len(wave["servers"]) if wave.get("servers") else _OF_A_SELECTOR for wave in waves)


def _check_group(run: _Run, plan_ids: Sequence[str]) -> None:
    """Check the plans of a group that are free now, all together."""
    app = run.app
    claimed = app.readiness.claim(plan_ids, run.owner, app.now())
    plans = app.plans.get_many([due.plan_id for due in claimed])
    due_plans: list[tuple[Due, StoredPlan]] = []
    for due in claimed:
        plan = plans.get(due.plan_id)
        if plan is None:
            app.readiness.release(due)
        elif run.recoveries.need(plan):
            _postpone(run, due, missed=False)
        else:
            due_plans.append((due, plan))
    _survey(run, due_plans)


def _survey(run: _Run, group: Sequence[tuple[Due, StoredPlan]]) -> None:
    """Check plans together; where that fails, each alone, so that one does not spoil the others."""
    if not group:
        return
    known = run.app.readiness.known([due.plan_id for due, _ in group])
    begin = {plan_id: kept.missed for plan_id, kept in known.items() if kept.missed is not None}
    asking = Asking(limit="readiness_round", at_once=_AT_ONCE, gives_way=run.recoveries.launch_in)
    try:
        surveys = survey_plans(run.app, [plan for _, plan in group], run.own, asking, MOST_SERVERS, begin)
    except Exception:
        if len(group) == 1:
            raise
        logger.exception("a group of plans could not be looked at together")
        _each(run, [partial(_survey, run, [one]) for one in group])
        return
    surveyed = zip(group, surveys, strict=True)
    steps = partial(
        check_steps, run.app, own=run.own, asking=Asking(at_once=_AT_ONCE, gives_way=run.recoveries.launch_in)
    )
    _each(
        run, [partial(_keep, run, due, plan, known.get(due.plan_id), facts, steps) for (due, plan), facts in surveyed]
    )


def _each(run: _Run, works: Sequence[Callable[[], None]], is_over: Callable[[], bool] = lambda: False) -> None:
    """Do one after the other, whatever becomes of those before; faults are recorded, and the last is raised."""

    def done(work: Callable[[], None]) -> int:
        work()
        return 1

    each_despite_faults(works, done, lambda error, _work: run.app.errors.record_error(error), is_over)


def _postpone(run: _Run, due: Due, *, missed: bool) -> None:
    run.app.readiness.postpone(due, run.in_seconds(_LATER_SECONDS), missed=missed)
    run.counts.postponed += 1


def _keep(
    run: _Run, due: Due, plan: StoredPlan, before: Kept | None, facts: Facts, steps: Callable[..., list[Check]]
) -> None:
    """Store what a check found, and report what changed; a check that saw too little stores nothing."""
    if run.recoveries.need(plan):
        _postpone(run, due, missed=False)
        return
    troubles: list[Trouble] = []
    of_steps = steps(plan.document, troubles=troubles)
    silent = _saw_too_little(facts) or not all(trouble.denied for trouble in troubles)
    if silent and due.misses < MOST_MISSES:
        # A recovery may have begun to launch meanwhile: what was left to it was not missed.
        _postpone(run, due, missed=not run.recoveries.need(plan))
        return
    _remember_drill(run, plan, facts)
    checks = [*judge(facts), *of_steps]
    standing = standing_of(checks, plan.version, facts.now, _unseen(before, plan, facts))
    missed = first_missed(facts, None if before is None else before.missed)
    kept = replace(_kept(plan, before, standing), servers_covered=servers_covered(facts), missed=missed)
    again, soon = next_check(due.plan_id, run.app.now(), run.interval), run.in_seconds(_SOON_SECONDS)
    due_notice = needs_notice(kept.notified, standing)
    if not run.app.readiness.found(due, plan, kept, soon if due_notice else again):
        return
    run.counts.checked += 1
    if due_notice:
        run.counts.notified += notify_change(run.app, plan, kept, again=again, soon=soon)


def _unseen(before: Kept | None, plan: StoredPlan, facts: Facts) -> list[Failing]:
    """Return what failed at the check before, at this very version of the plan, and was not seen this time."""
    standing = None if before is None else before.of(plan)
    if before is None or standing is None:
        return []
    return still_standing(standing.failing, facts, before.servers_covered)


def _remember_drill(run: _Run, plan: StoredPlan, facts: Facts) -> None:
    """Store the prints of the servers at the first check that sees them after a completed drill; later ones compare.

    That check is made as soon as the drill ends; servers that it did not see are added by the checks after it.
    """
    drill, known = facts.last_drill, facts.baseline
    if drill is None:
        return
    before = known.prints if known is not None and known.execution_id == drill.execution_id else {}
    seen = {name: print_ for site in facts.sites for name, print_ in prints_of(site).items()}
    if seen.keys() - before.keys():
        run.app.readiness.remember_baseline(plan, drill.execution_id, {**seen, **before})


def _saw_too_little(facts: Facts) -> bool:
    """Return whether a service did not answer, which may be over at the next read; a missing permission stays."""
    return facts.unsure or any(not trouble.denied for site in facts.sites for trouble in site.troubles)


def _kept(plan: StoredPlan, before: Kept | None, standing: Standing) -> Kept:
    """Combine the findings with what was reported before; of another plan of the same id nothing was."""
    since = None if standing.ready else standing.checked_at
    if before is None or before.created_at != plan.created_at:
        return Kept(standing, plan.created_at, standing.word if standing.ready else None, since)
    same = before.standing.word is standing.word
    # A change that some channel knows by now, and that is over before the others know it, was reported.
    notified = before.standing.word if before.served and not same else before.notified
    return replace(
        before,
        standing=standing,
        notified=notified or (standing.word if standing.ready else None),
        since=before.since if same and since else since,
        served=before.served if same else frozenset(),
        failures=before.failures if same else 0,
    )
