"""Launch templates put back: by the drill's loop, by the sweep, and before any other launch of their servers.

A call that puts a change back takes it first, and then checks whether the drill still needs it. A drill intends its
call of StartRecovery first, and then checks whether a call took the change. So one of the two sees the other.
"""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.few_at_once import each_of
from wavebreak.domain.drs import Trouble
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.networking.foreign_changes import with_foreign_change
from wavebreak.domain.executions.networking.needs import is_needed
from wavebreak.domain.launch_templates.changes import Stage
from wavebreak.problems import NotFound, Unavailable
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.resilience.client_config import BRIEF_ATTEMPTS, series_seconds
from wavebreak.timeouts import Deadline
from wavebreak.use_cases.networks.restore_version import restore
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.launch_templates.changes import TemplateChange
    from wavebreak.domain.launch_templates.model import TemplateVersion
    from wavebreak.ports.capabilities import (
        HasClock,
        HasErrors,
        HasExecutions,
        HasTemplateChanges,
        HasTemplates,
        HasTiming,
    )
    from wavebreak.ports.ec2 import TemplateChanges

    class Ports(HasClock, HasErrors, HasExecutions, HasTemplateChanges, HasTemplates, HasTiming, Protocol):
        """What putting launch templates back needs."""


logger = logging.getLogger(__name__)

_PUT_BACK: Final = "ModifyLaunchTemplate"
_CHUNK: Final = 20
"""Templates that are taken at a time: what a round has no time for is left for others to take."""
_NEEDED: Final = "Waits until {} has launched it: its launch template is changed for that drill"
_TAKEN: Final = "Its launch template is being put back by another call"
_NO_TIME: Final = "Waits for its launch template to be put back"
_REFUSED: Final = "Its launch template is still changed by {}: {}"


class Owners:
    """The drills that templates are changed for, each read when it is first asked for."""

    def __init__(self, app: Ports) -> None:
        """Begin with none."""
        self._app = app
        self._known: dict[str, Execution | None] = {}

    def need(self, change: TemplateChange, *, idle: bool = False) -> bool:
        """Return whether the drill of a change needs it; `idle` says that DRS was seen to have no job of the server."""
        drill = self._drill(change.execution_id)
        if drill is None:
            return False
        return is_needed(drill, change.wave, change.source_server_id, self._app.now(), self._app.timing, idle=idle)

    def _drill(self, execution_id: str) -> Execution | None:
        if execution_id not in self._known:
            try:
                self._known[execution_id] = self._app.executions.load(execution_id).execution
            except NotFound:
                self._known[execution_id] = None
        return self._known[execution_id]


def deadline(operation: str, **context: Any) -> Deadline:
    """Return the deadline for putting templates back; the last call of EC2 may pass it."""
    return Deadline(operation, reserve=series_seconds("ec2_call", BRIEF_ATTEMPTS), **context)


def before_launch(
    app: Ports, changes: Sequence[TemplateChange], launcher: str, over: Callable[[], bool]
) -> dict[str, str]:
    """Put back what blocks an execution's launch of servers; return, by server, why one has to wait.

    DRS was seen to have no job of these servers, and the execution, `launcher`, has none in flight. A change of which
    no version was ever the default is taken, so that its drill cannot go on with it, and is cleaned up by the sweep.
    """
    if not changes:
        return {}
    harmless = [each for each in changes if each.version is None]
    others = [each for each in changes if each.version is not None]
    taken = {each.token for each in app.templates.take(harmless, uuid.uuid4().hex, app.now())}
    lost = [each for each in harmless if each.token not in taken and each.stage is not Stage.PUTTING_BACK]
    waiting = dict.fromkeys((each.source_server_id for each in lost), _TAKEN)
    return waiting | put_back(app, others, launcher=launcher, over=over)


def put_back(
    app: Ports, changes: Sequence[TemplateChange], *, launcher: str = "", over: Callable[[], bool] = lambda: False
) -> dict[str, str]:
    """Put templates back unless their drills need them; return, by server, why one is still changed.

    `launcher` is the execution that is about to launch the servers, of which DRS shows no job; it needs no change of
    its own that it puts back.

    A fault of EC2 is not raised: it is stored with the change, and reported.
    """
    waiting: dict[str, str] = {}
    for site in dict.fromkeys(each.site for each in changes):
        here = [each for each in changes if each.site == site]
        listing = _Listing(app, here)
        for start in range(0, len(here), _CHUNK):
            if over():
                waiting |= dict.fromkeys((each.source_server_id for each in here[start:]), _NO_TIME)
                break
            waiting |= _chunk(app, here[start : start + _CHUNK], launcher, listing)
    return waiting


class _Listing:
    """The default versions of a site's templates, read once a round: EC2 lists all templates of the account."""

    def __init__(self, app: Ports, changes: Sequence[TemplateChange]) -> None:
        """Keep the changes of one site that the round may come to."""
        self._app = app
        self._changes = changes
        self._read: tuple[TemplateChanges, dict[str, TemplateVersion]] | None = None

    def read(self) -> tuple[TemplateChanges, dict[str, TemplateVersion]]:
        """Return the templates of the site and their default versions as they were when first asked for."""
        if self._read is None:
            templates = self._app.templates_at(self._changes[0].site)
            self._read = templates, templates.defaults({each.template_id for each in self._changes})
        return self._read


def _chunk(app: Ports, changes: Sequence[TemplateChange], launcher: str, listing: _Listing) -> dict[str, str]:
    waiting = _needed(app, changes, launcher)
    free = [each for each in changes if each.source_server_id not in waiting]
    stages = {each.token: each.stage for each in free}
    taken = app.templates.take(free, uuid.uuid4().hex, app.now())
    waiting |= _not_taken(app, free, taken)
    # Read anew: the drill may have intended a call since.
    needed = _needed(app, taken, launcher)
    for change in taken:
        if change.source_server_id in needed:
            app.templates.give_back(change, stages[change.token])
    waiting |= needed
    due = [each for each in taken if each.source_server_id not in waiting]
    return waiting | _restored(app, due, listing)


def _needed(app: Ports, changes: Sequence[TemplateChange], launcher: str) -> dict[str, str]:
    """Return which changes their drills need, as they are stored by now."""
    owners = Owners(app)
    return {
        each.source_server_id: _NEEDED.format(each.execution_id)
        for each in changes
        if each.execution_id != launcher and owners.need(each, idle=bool(launcher))
    }


def _not_taken(app: Ports, free: Sequence[TemplateChange], taken: Sequence[TemplateChange]) -> dict[str, str]:
    """Return which changes others have; one that is gone by now was put back."""
    tokens = {each.token for each in taken}
    lost = [each for each in free if each.token not in tokens]
    if not lost:
        return {}
    present = app.templates.of(lost[0].site, [each.source_server_id for each in lost])
    return dict.fromkeys(present, _TAKEN)


def _restored(app: Ports, due: Sequence[TemplateChange], listing: _Listing) -> dict[str, str]:
    """Put templates of one site back in EC2, and delete the changes of those that are back."""
    if not due:
        return {}
    try:
        templates, defaults = listing.read()
    except (*FAULTS, UnsupportedSiteError) as error:
        return _failed(app, due, str(error), error)
    by_server = {each.source_server_id: each for each in due}

    def keep(change: TemplateChange) -> None:
        app.templates.keep(change)
        by_server[change.source_server_id] = change

    answers = each_of(_PUT_BACK, list(by_server), lambda name: _one(app, templates, by_server[name], defaults, keep))
    waiting: dict[str, str] = {}
    for name, answer in answers.items():
        if isinstance(answer, Trouble):
            waiting |= _failed(app, [by_server[name]], answer.reason)
    return waiting


def _one(
    app: Ports,
    templates: TemplateChanges,
    change: TemplateChange,
    defaults: Mapping[str, TemplateVersion],
    keep: Callable[[TemplateChange], None],
) -> None:
    """Put one template back, report what others did to it meanwhile, and only then delete the change."""
    warning = restore(templates, change, defaults.get(change.template_id), app.now(), keep)
    if warning:
        _warn(app, change, warning)
    app.templates.done(change)


def _failed(
    app: Ports, changes: Iterable[TemplateChange], reason: str, error: Exception | None = None
) -> dict[str, str]:
    waiting: dict[str, str] = {}
    for change in changes:
        waiting[change.source_server_id] = _REFUSED.format(change.execution_id, reason)
        app.templates.failed(change, reason, app.now())
    first = next(iter(waiting), "")
    trouble = error or Unavailable(waiting.get(first, reason))
    app.errors.record_error(trouble, Severity.WARNING, servers=len(waiting), server=first)
    return waiting


def _warn(app: Ports, change: TemplateChange, words: str) -> None:
    """Record that another caller changed a template while a drill had it changed, as a warning of the drill, too."""
    logger.warning("%s of %s: %s", change.template_id, change.source_server_id, words)
    app.errors.record_error(
        ForeignChangeError(f"{change.template_id} of {change.source_server_id}: {words}"),
        Severity.WARNING,
        execution_id=change.execution_id,
        wave=change.wave,
    )

    def warned(drill: Execution) -> Execution:
        return with_foreign_change(drill, change.wave, change.source_server_id, change.template_id, words)

    try:
        app.executions.change(change.execution_id, warned, Attribution(ENGINE_ACTOR, app.now()))
    except NotFound:
        logger.info("the drill %s is gone: nobody reads its warnings", change.execution_id)


class ForeignChangeError(Unavailable):
    """Another caller made a version of a launch template the default while a drill had it changed."""


def seen_idle(change: TemplateChange, now: datetime) -> TemplateChange:
    """Return a change of which it was just seen that its drill does not need it any more."""
    return change if change.idle_since is not None else replace(change, idle_since=now)
