"""What is known of the end of a recovery instance, written down beside its server, and the holds of a termination.

A hundred servers share an item, so names are short and what is not known is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.errors.masking import masked_reason
from wavebreak.domain.executions.batch_search import Suspicion
from wavebreak.domain.executions.model.terminations import EndingOutcome, Hold, InstanceEnding
from wavebreak.site import Site
from wavebreak.timing import iso, parse_iso

if TYPE_CHECKING:
    from collections.abc import Mapping

Entry = dict[str, Any]


def ending_entry(ending: InstanceEnding) -> Entry:
    """Write an ending down, as an object of JSON."""
    entry = {
        "outcome": ending.outcome and ending.outcome.value,
        "reason": ending.reason and masked_reason(ending.reason),
        "missing": ending.missing_since and iso(ending.missing_since),
        "told": ending.reported_terminated,
        "into": ending.launched_into,
        "after": ending.not_before and iso(ending.not_before),
        "refusals": ending.refusals or None,
        "suspicion": ending.suspicion and suspicion_entry(ending.suspicion),
        "hand": ending.by_hand or None,
        "known": ending.notified or None,
    }
    return {name: value for name, value in entry.items() if value is not None}


def read_ending(entry: Mapping[str, Any]) -> InstanceEnding:
    """Read an ending back."""
    outcome, missing, after = entry.get("outcome"), entry.get("missing"), entry.get("after")
    suspicion = entry.get("suspicion")
    return InstanceEnding(
        outcome=EndingOutcome(outcome) if outcome else None,
        reason=entry.get("reason"),
        missing_since=parse_iso(missing) if missing else None,
        reported_terminated=entry.get("told"),
        launched_into=entry.get("into"),
        not_before=parse_iso(after) if after else None,
        refusals=int(entry.get("refusals", 0)),
        suspicion=read_suspicion(suspicion) if suspicion else None,
        by_hand=bool(entry.get("hand")),
        notified=bool(entry.get("known")),
    )


def suspicion_entry(suspicion: Suspicion) -> Entry:
    """Write a suspicion down, as an object of JSON."""
    entry = {"words": masked_reason(suspicion.words), "until": iso(suspicion.not_before), "times": suspicion.times}
    return entry | ({"call": suspicion.call} if suspicion.call is not None else {})


def read_suspicion(entry: Mapping[str, Any]) -> Suspicion:
    """Read a suspicion back."""
    return Suspicion(entry["words"], parse_iso(entry["until"]), int(entry["times"]), entry.get("call"))


def read_hold(record: Mapping[str, Any]) -> Hold:
    """Read a hold of a site back from an overview."""
    return Hold(
        until=parse_iso(record["until"]),
        words=record["words"],
        site=Site(record.get("accountId"), record.get("region")),
        refusals=int(record.get("refusals", 0)),
        silent=bool(record.get("silent")),
    )
