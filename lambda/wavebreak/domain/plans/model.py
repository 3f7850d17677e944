"""The enumerations of a plan, and a plan as it is stored."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from wavebreak.values import Value

DEFAULT_RTO_MINUTES: Final = 60
DEFAULT_RPO_MINUTES: Final = 15
"""What a plan that says nothing is measured against (contract 3)."""
SHORTEST_LEASE_MINUTES: Final = 15
LONGEST_LEASE_MINUTES: Final = 10_080
"""Of a drill's instances, from its end on (contract 13)."""
DEFAULT_APPROVAL_MINUTES: Final = 60
"""For how long an approval is waited for before people are reminded (contract 12)."""


class StoredPlan(Value):
    """A plan document as stored, with its version and times (RFC 3339)."""

    document: dict[str, Any]
    version: int
    created_at: str
    updated_at: str
    is_new: bool = False
    """Whether no plan of this id was there before it was stored just now."""


class Impact(StrEnum):
    """Whether a server's failure fails its wave."""

    CRITICAL = "CRITICAL"
    OPTIONAL = "OPTIONAL"


class OnFailure(StrEnum):
    """What happens when a wave fails."""

    STOP = "STOP"
    CONTINUE = "CONTINUE"
    ASK = "ASK"


class InDrill(StrEnum):
    """Whether a step runs in drills."""

    RUN = "RUN"
    SKIP = "SKIP"


class ProcessorType(StrEnum):
    """What a check covers: each server, each wave, or the whole execution."""

    DOCUMENT = "DOCUMENT"
    STIPULATION = "STIPULATION"
    APPLICATION = "APPLICATION"


class Reducer(StrEnum):
    """How the values of the executions of a check become one factor."""

    MEAN = "mean"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    COUNT = "count"
    LATEST = "latest"
    ALL = "all"
    ANY = "any"


class ApprovalThen(StrEnum):
    """What happens when nobody approves a wave in time; a wave of a RECOVERY is never rejected for that."""

    REMIND = "REMIND"
    REJECT = "REJECT"


class ApprovalNotBy(StrEnum):
    """Who may not approve a wave."""

    REQUESTER = "REQUESTER"
