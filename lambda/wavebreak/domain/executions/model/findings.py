"""What people said of an execution, the results of its checks, and the calls that cannot be counted later."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from wavebreak.domain.plans.model import DEFAULT_RPO_MINUTES, DEFAULT_RTO_MINUTES
from wavebreak.values import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class VerdictWord(StrEnum):
    """What people judge an execution to have been."""

    PASSED = "PASSED"
    FAILED = "FAILED"


class Verdict(Value):
    """A judgement: whose, when, and what they noted."""

    verdict: VerdictWord
    by: str
    at: datetime
    notes: str | None = None


class CallCounts(Value):
    """StartRecovery calls that were made, and how many of them DRS refused.

    A call is counted with its intent, before it is made, so that no answer that is lost takes one away.
    """

    made: int = 0
    refused: int = 0

    def with_call(self) -> CallCounts:
        """Count a call that is about to be made."""
        return replace(self, made=self.made + 1)

    def without_call(self) -> CallCounts:
        """Return the count without a call that was never made."""
        return replace(self, made=max(0, self.made - 1))

    def refusal(self) -> CallCounts:
        """Return the counts with one more refused call."""
        return replace(self, refused=self.refused + 1)


class Objectives(Value):
    """What the recovery is measured against, in minutes."""

    rto_minutes: int
    rpo_minutes: int

    @classmethod
    def of(cls, written: Mapping[str, Any] | None) -> Objectives:
        """Read the objectives of a plan document, with defaults for what it leaves out."""
        said = written or {}
        rto, rpo = said.get("rtoMinutes", DEFAULT_RTO_MINUTES), said.get("rpoMinutes", DEFAULT_RPO_MINUTES)
        return cls(int(rto), int(rpo))

    def view(self) -> dict[str, int]:
        """Write them as a plan document does."""
        return {"rtoMinutes": self.rto_minutes, "rpoMinutes": self.rpo_minutes}


class CheckCounts(Value):
    """What a check came to over all its active executions: its factors by name, and how many of them there are."""

    name: str
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    failed_ids: tuple[str, ...] = ()
    """The first of them; `failed` counts all."""
    factors: Mapping[str, Any] = field(default_factory=dict)
    declared: int = 0
    """How many factors the plan has for it."""
    note: str | None = None
    """What a factor is missing for, beside executions that failed."""

    @property
    def failure_rate(self) -> float | None:
        """Return which part of the active executions failed, from 0 to 1; None when there is none (S4-10)."""
        return self.failed / self.active if self.active else None

    @property
    def completeness(self) -> float | None:
        """Return the share of the declared factors that there are, from 0 to 1; None when none is declared (S4-10)."""
        return len(self.factors) / self.declared if self.declared else None
