"""The approvals of a plan, as its execution starts with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.model.approvals import ApprovalWait
from wavebreak.domain.plans.model import DEFAULT_APPROVAL_MINUTES, ApprovalThen
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.timing import Timing

_SECONDS: Final = 60


def with_approvals(execution: Execution, document: Mapping[str, Any], timing: Timing) -> Execution:
    """Return an execution of a plan document with the approvals of its waves."""
    waits = (approval_of(written, timing) for written in document["waves"])
    return execution.with_waves(
        replace(wave, approval_wait=wait) for wave, wait in zip(execution.waves, waits, strict=True)
    )


def approval_of(written: Mapping[str, Any], timing: Timing) -> ApprovalWait | None:
    """Read the approval settings of a wave; `requiresApproval: true` is short for all defaults."""
    asked = written.get("approval")
    if asked is None:
        asked = {} if written.get("requiresApproval") else None
    if asked is None:
        return None
    minutes = int(asked.get("timeoutMinutes", DEFAULT_APPROVAL_MINUTES))
    return ApprovalWait(
        minutes=minutes,
        lasts=timing.scaled(minutes * _SECONDS),
        then=ApprovalThen(asked.get("then", ApprovalThen.REMIND)),
        not_by_requester=asked.get("notBy") is not None,
    )
