"""The statuses of a check execution (contract 7)."""

from enum import StrEnum


class CheckOutcomeStatus(StrEnum):
    """What became of a check execution (contract 7); one of a wave that is retried is superseded."""

    COMPLETED = "completed"
    FAILED = "failed"
    SUPERSEDED = "superseded"
