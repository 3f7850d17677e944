"""Changed launch templates, each beside the lock of its server: written before the change, gone when it is put back.

All of them stand in the index of due things, so that the sweep finds those that are left. A call that takes a change to
put it back keeps the drill from going on with it: every step of both is under a condition.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.views.overview import time_of
from wavebreak.domain.launch_templates.changes import Stage, TemplateChange
from wavebreak.problems import Unavailable
from wavebreak.site import Site
from wavebreak.store import keys
from wavebreak.store.table import TRANSACTION_LIMIT, ConditionFailedError, Table, Write
from wavebreak.timing import iso, parse_iso, time_or_none
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from wavebreak.store.table import Item

HELD: Final = timedelta(seconds=90)
"""How long a call that puts a template back keeps others from it: its calls of EC2 are over then."""
_FREE: Final = (
    "#token = :token AND (NOT #stage = :back OR heldUntil < :now)"
    " AND (attribute_not_exists(restoringSince) OR restoringSince = :since)"
    " AND (attribute_not_exists(cleaned) OR cleaned = :cleaned)"
)
"""No call has a change, and no call that had it made a step since it was read."""
_NAMES: Final = {"#token": "token", "#stage": "stage", "#holder": "holder"}


class TemplateStore:
    """The changes of launch templates that were not put back yet."""

    def __init__(self, table: Table) -> None:
        """Keep the table."""
        self.table = table

    def of(self, site: Site, source_server_ids: Iterable[str]) -> dict[str, TemplateChange]:
        """Read the changes of servers of a site, by server; one whose template is as it was is left out."""
        wanted = [(keys.server(site, each), keys.TEMPLATE) for each in source_server_ids]
        found = (_read(item) for item in self.table.get_many(wanted))
        return {change.source_server_id: change for change in found}

    def all(self, now: datetime) -> list[TemplateChange]:
        """Read every change that an index shows, as it is by now."""
        return [_read(item) for item in self.table.get_many([(pk, keys.TEMPLATE) for pk in self.listed(now)])]

    def listed(self, now: datetime) -> list[str]:
        """List the partitions of the servers whose templates are changed, as an index shows them."""
        return list(self.table.due(keys.TEMPLATES, now))

    def intend(self, changes: Sequence[TemplateChange]) -> list[TemplateChange]:
        """Write down changes that are about to be made; gives those written, where no other stood."""
        return self._each([(each, "attribute_not_exists(pk)", {}, ()) for each in changes])

    def made(self, changes: Sequence[TemplateChange]) -> list[TemplateChange]:
        """Record the versions that were made, before they become the default; return those that no call took."""
        changed = [replace(each, stage=Stage.CHANGED) for each in changes]
        return self._each([self._if(each, Stage.CHANGING) for each in changed])

    def ready(self, changes: Sequence[TemplateChange]) -> list[TemplateChange]:
        """Note that our versions are the defaults; return those that no call took meanwhile."""
        return self._each([self._if(replace(each, stage=Stage.READY), Stage.CHANGED) for each in changes])

    def take(self, changes: Sequence[TemplateChange], holder: str, now: datetime) -> list[TemplateChange]:
        """Take changes to put them back; return those that were taken, which no other call has."""
        taken = [replace(each, stage=Stage.PUTTING_BACK, holder=holder, held_until=now + HELD) for each in changes]
        return self._each([(each, _FREE, _as_read(each, now), ("#token", "#stage")) for each in taken])

    def give_back(self, change: TemplateChange, stage: Stage) -> None:
        """Leave a taken change to its drill, which still needs it."""
        needed = replace(change, stage=stage, holder=None, held_until=None, idle_since=None)
        self._each([self._held(change, needed)])

    def note(self, change: TemplateChange, known: TemplateChange) -> None:
        """Record what was seen of a change that no call has taken: since when it is idle, and the trouble with it."""
        self._each([self._if(change, known.stage)])

    def failed(self, change: TemplateChange, trouble: str, now: datetime) -> None:
        """Note what was in the way of putting a taken change back; the next one may take it at once."""
        idle = change.idle_since or now
        self._each([self._held(change, replace(change, held_until=now, trouble=trouble, idle_since=idle))])

    def keep(self, change: TemplateChange) -> None:
        """Write down a step of putting a taken change back, before it is made; Unavailable when another has it now."""
        if not self._each([self._held(change, change)]):
            raise Unavailable(f"The launch template of {change.source_server_id} is put back by another call")

    def done(self, change: TemplateChange) -> None:
        """Forget a change that is put back, or one that was never made."""
        key = {"pk": keys.server(change.site, change.source_server_id), "sk": keys.TEMPLATE}
        write = Write("template", "Delete", key, "#token = :token", {":token": change.token}, {"#token": "token"})
        try:
            self.table.transact([write])
        except ConditionFailedError:
            return

    def _if(self, change: TemplateChange, stage: Stage) -> _Put:
        values = {":token": change.token, ":stage": stage.value}
        return change, "#token = :token AND #stage = :stage", values, ("#token", "#stage")

    def _held(self, taken: TemplateChange, after: TemplateChange) -> _Put:
        values = {":token": taken.token, ":me": taken.holder}
        return after, "#token = :token AND #holder = :me", values, ("#token", "#holder")

    def _each(self, puts: Sequence[_Put]) -> list[TemplateChange]:
        """Write items as many at a time as a transaction takes; those whose conditions do not hold are left out."""
        written: list[TemplateChange] = []
        for start in range(0, len(puts), TRANSACTION_LIMIT):
            batch = list(puts[start : start + TRANSACTION_LIMIT])
            while batch:
                writes = [
                    Write(str(place), "Put", _record(change), condition, values, {name: _NAMES[name] for name in names})
                    for place, (change, condition, values, names) in enumerate(batch)
                ]
                try:
                    self.table.transact(writes)
                except ConditionFailedError as refused:
                    if not refused.failed:
                        raise Unavailable("Others write the same changes of launch templates") from refused
                    batch = [each for place, each in enumerate(batch) if str(place) not in refused.failed]
                    continue
                written += [change for change, *_ in batch]
                break
        return written


def _as_read(change: TemplateChange, now: datetime) -> dict[str, Any]:
    steps = {":since": time_of(change.restoring_since), ":cleaned": list(change.cleaned)}
    return {":token": change.token, ":back": Stage.PUTTING_BACK.value, ":now": iso(now), **steps}


_Put = tuple[TemplateChange, str, dict[str, Any], tuple[str, ...]]


def _record(change: TemplateChange) -> Item:
    return {
        "pk": keys.server(change.site, change.source_server_id),
        "sk": keys.TEMPLATE,
        "duePk": keys.TEMPLATES,
        "dueSk": iso(change.intended_at),
        "accountId": change.site.account_id,
        "region": change.site.region,
        "sourceServerId": change.source_server_id,
        "executionId": change.execution_id,
        "wave": change.wave,
        "attempt": change.attempt,
        "templateId": change.template_id,
        "original": change.original,
        "interfaces": json.dumps(list(change.interfaces), separators=(",", ":")),
        "subnetId": change.subnet_id,
        "securityGroupIds": list(change.group_ids),
        "token": change.token,
        "intendedAt": iso(change.intended_at),
        "stage": change.stage.value,
        "version": change.version,
        "holder": change.holder,
        "heldUntil": time_of(change.held_until),
        "idleSince": time_of(change.idle_since),
        "trouble": change.trouble,
        "restoringSince": time_of(change.restoring_since),
        "cleaned": list(change.cleaned),
    }


def _read(item: Item) -> TemplateChange:
    return TemplateChange(
        site=Site(item["accountId"], item["region"]),
        source_server_id=item["sourceServerId"],
        execution_id=item["executionId"],
        wave=item["wave"],
        attempt=item["attempt"],
        template_id=item["templateId"],
        original=item["original"],
        interfaces=tuple(json.loads(item["interfaces"])),
        subnet_id=item["subnetId"],
        group_ids=tuple(item["securityGroupIds"]),
        token=item["token"],
        intended_at=parse_iso(item["intendedAt"]),
        stage=Stage(item["stage"]),
        version=item["version"],
        holder=item["holder"],
        held_until=time_or_none(item["heldUntil"]),
        idle_since=time_or_none(item["idleSince"]),
        trouble=item["trouble"],
        restoring_since=time_or_none(item.get("restoringSince")),
        cleaned=tuple(int(each) for each in item.get("cleaned", ())),
    )
