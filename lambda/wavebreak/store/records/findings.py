"""Verdicts, counts of calls, objectives and results of checks, written and read back. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.model.findings import CallCounts, CheckCounts, Objectives, Verdict, VerdictWord
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


def objectives_record(objectives: Objectives | None) -> dict[str, int] | None:
    """Write down the objectives of the frozen plan."""
    return objectives.view() if objectives else None


def read_objectives(record: Mapping[str, Any] | None) -> Objectives | None:
    """Read the objectives of the frozen plan."""
    return Objectives.of(record) if record else None


def read_check_counts(text: str | None) -> tuple[CheckCounts, ...]:
    """Read what the checks came to, as the overview writes it."""
    return tuple(
        CheckCounts(
            name=entry["name"],
            active=entry["active"],
            succeeded=entry["succeeded"],
            failed=entry["failed"],
            failed_ids=tuple(entry["failedIds"]),
            factors=entry["factors"],
            declared=entry["declared"],
            note=entry.get("note"),
        )
        for entry in json.loads(text or "[]")
    )
