"""When the report of an execution is written, and under which name (contract 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.audit_trail import VERDICT
from wavebreak.execution_utils import TerminationStatus, is_terminal, normalize_execution_status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TERMINATION_OVER = frozenset({TerminationStatus.COMPLETED, TerminationStatus.INCOMPLETE})


def is_owed(changes: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether a report is due after these changes: an execution or its termination ended, or was judged."""
    return any(_calls_for_one(change) for change in changes)


def _calls_for_one(change: Mapping[str, Any]) -> bool:
    subject = change.get("subject")
    if subject is None:
        return "waveNumber" not in change and is_terminal(normalize_execution_status(change["to"]))
    return subject == VERDICT or (subject == "termination" and change["to"] in _TERMINATION_OVER)


def name_of(plan_id: str, execution_id: str, sequence: int, form: str) -> str:
    """Name a report in the evidence bucket; `sequence` is that of the last event it reports, `form` json or html."""
    return f"{plan_id}/{execution_id}/{sequence}.{form}"
