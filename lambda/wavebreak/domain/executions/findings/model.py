"""What people said of an execution, and the calls that leave nothing behind by which they could be counted later."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class VerdictWord(StrEnum):
    """What people judge an execution to have been."""

    PASSED = "PASSED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement: whose, when, and what they noted."""

    verdict: VerdictWord
    by: str
    at: datetime
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class CallCounts:
    """StartRecovery calls that were made, and how many of them DRS refused.

    A call is counted with its intent, before it is made, so that no answer that is lost takes one away.
    """

    made: int = 0
    refused: int = 0

    def one_more(self) -> CallCounts:
        """Count a call that is about to be made."""
        return replace(self, made=self.made + 1)

    def one_less(self) -> CallCounts:
        """Take back one that was never made."""
        return replace(self, made=max(0, self.made - 1))

    def refusal(self) -> CallCounts:
        """Count a refusal of a call."""
        return replace(self, refused=self.refused + 1)
