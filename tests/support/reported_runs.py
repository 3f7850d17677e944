"""Runs that reports are made of."""

from typing import Any

from tests.support.evidence_runs import Trail, shown, to, wave_shown, wave_to

from wavebreak.evidence import report


def approvals(trail: Trail, status: str, **fields: Any) -> list[dict[str, Any]]:
    wave = wave_shown(1, status, **fields)
    made: list[dict[str, Any]] = report(shown("IN_PROGRESS", [wave]), trail.events, {})["waves"][0]["approvals"]
    return made


def asked() -> Trail:
    trail = Trail()
    trail.tell(0, to("IN_PROGRESS"), wave_to(1, "AWAITING_APPROVAL", "NOT_STARTED"))
    return trail
