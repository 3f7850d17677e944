"""Verdicts and counts of calls written down, and read back. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.findings.model import CallCounts, Verdict, VerdictWord
from wavebreak.timing import parse_iso

if TYPE_CHECKING:
    from collections.abc import Mapping


def calls_record(calls: CallCounts | None) -> dict[str, Any] | None:
    """Write down how many calls were made; None of an execution from before they were counted."""
    return {"made": calls.made, "refused": calls.refused} if calls else None


def read_calls(record: Mapping[str, Any] | None) -> CallCounts | None:
    """Read how many calls were made."""
    return CallCounts(int(record["made"]), int(record["refused"])) if record else None


def read_verdict(record: Mapping[str, Any] | None) -> Verdict | None:
    """Read a verdict, as the overview writes it."""
    if not record:
        return None
    return Verdict(VerdictWord(record["verdict"]), record["by"], parse_iso(record["at"]), record.get("notes"))
