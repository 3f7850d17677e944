"""The seal of a report: its hash, the one way in which it is written, and the check of both without a network.

The hash shows that a report is whole, not that it is the one that was written: a new hash can be made for a
changed report. That, the versions and the lock of the evidence bucket prove (contract 8).
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.audit_chain import verify
from wavebreak.strict_json import NotJsonError, encodable, misspelt, read_strictly
from wavebreak.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HASH: Final = "reportHash"
_SHOWN: Final = 64
"""Characters of an odd string or number that a fault quotes."""


class Verification(Value):
    """What a check of a report came to: every fault that was found, the hash that its content has, and its events."""

    faults: tuple[str, ...]
    events: int = 0
    report_hash: str | None = None

    @property
    def intact(self) -> bool:
        """Whether chain and hash fit the content."""
        return not self.faults


def report_hash(report: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over the JSON of all other fields: keys sorted, no spaces, UTF-8 unescaped (contract 5 and 8)."""
    rest = {name: value for name, value in report.items() if name != HASH}
    return hashlib.sha256(_canonical(rest).encode()).hexdigest()


def sealed(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report with its hash, as plain JSON that shares nothing with what it was made of.

    Text that cannot be written as UTF-8 becomes U+FFFD first. Raise ValueError or TypeError for what JSON cannot hold.
    """
    rest = json.loads(json.dumps({name: value for name, value in report.items() if name != HASH}, allow_nan=False))
    try:
        return {**rest, HASH: report_hash(rest)}
    except UnicodeEncodeError:
        clean = encodable(rest)
        return {**clean, HASH: report_hash(clean)}


def as_json(report: Mapping[str, Any]) -> str:
    """Write a report as it is stored: one line, its fields in their order, UTF-8 unescaped, a newline at the end."""
    return json.dumps(report, separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n"


def verify_text(text: str) -> Verification:
    """Check a report as it was stored; a text that is none is a fault like any other."""
    try:
        report = read_strictly(text)
    except NotJsonError as error:
        return Verification((f"this is no report: {error}",))
    if not isinstance(report, dict) or HASH not in report:
        return Verification((f"this is no report: it has no {HASH}",))
    found, odd = verify_report(report), misspelt(text)
    if odd is None:
        return found
    return replace(found, faults=(*found.faults, f"{odd[:_SHOWN]} is not spelt as a report is written"))


def verify_report(report: Mapping[str, Any]) -> Verification:
    """Compute chain and hash of a report again and compare them with what it says of itself."""
    trail = report.get("trail")
    events = trail if isinstance(trail, list) and all(isinstance(event, dict) for event in trail) else None
    faults = ["trail is no list of events"] if events is None else [*_faults_of_chain(report, events)]
    faults += _faults_of_plan(report.get("plan"), events or ())
    try:
        actual = report_hash(report)
    except UnicodeEncodeError:
        return Verification((*faults, "it holds text that cannot be hashed"), len(events or ()))
    if actual != report.get(HASH):
        faults.append(f"{HASH} is {report.get(HASH)}, but the content has {actual}")
    return Verification(tuple(faults), len(events or ()), actual)


def chain_of(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return whether a trail is intact, its last event's hash and its length: `{intact, head, length}`."""
    head = events[-1].get("hash") if events else None
    return {"intact": verify(events).intact, "head": head, "length": len(events)}


def _faults_of_chain(report: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    found = verify(events)
    if not found.intact:
        yield f"event {found.broken_at}: {found.why}"
    owner = report.get("executionId")
    for position, event in enumerate(events, start=1):
        if event.get("executionId") != owner:
            yield f"event {position}: it is of execution {event.get('executionId')}, the report of {owner}"
            break
    stated, actual = report.get("chain"), chain_of(events)
    for name, value in actual.items():
        said = stated.get(name) if isinstance(stated, dict) else None
        if said != value or isinstance(said, bool) is not isinstance(value, bool):
            yield f"chain.{name} says {json.dumps(said)}, the trail has {json.dumps(value)}"


def _faults_of_plan(plan: object, events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Compare the plan's hash with its document, and with what the first event says was asked for."""
    if not isinstance(plan, dict) or plan.get("planHash") is None:
        return
    said = plan["planHash"]
    if plan.get("document") is not None:
        with suppress(UnicodeEncodeError):  # reported for the whole report
            actual = hashlib.sha256(_canonical(plan["document"]).encode()).hexdigest()
            if actual != said:
                yield f"plan.planHash is {said}, but the document has {actual}"
    data = events[0].get("data") if events else None
    asked = data.get("planHash", said) if isinstance(data, dict) else said
    if asked != said:
        yield f"plan.planHash is {said}, but event 1 says {asked}"


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
