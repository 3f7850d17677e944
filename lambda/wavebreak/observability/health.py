"""Whether the product and what it depends on are well: `GET /health` (requirement S3-11).

A circuit that opened and has not been tried since reads as open while it may still block calls: for its
window and the longest poll interval after it. Later it is half open: the next call tries it.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.utilities.circuit_breaker import CircuitState
from aws_lambda_powertools.utilities.circuit_breaker.persistence import CircuitStateRecord

from wavebreak.aws.circuits import guarded, shared_states
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.resilience.circuit_breaker import RULES, circuit_name
from wavebreak.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterable


logger = logging.getLogger(__name__)

CLOSED: Final = "closed"
OPEN: Final = "open"
HALF_OPEN: Final = "half_open"
ALWAYS_REPORTED: Final = ("drs", "dynamodb")
"""Dependencies whose circuits are reported even when they never opened: those of the stack's own Region."""


def health() -> dict[str, Any]:
    """Read the circuits, all in one Query, and return the answer.

    DynamoDB's own circuit is known in each execution environment alone: here it is open when this environment's is, or
    when the circuits cannot be read.
    """
    chosen, now = settings(), int(time.time())
    own = guarded("dynamodb")
    known = own.states.get_state(own.name)
    try:
        records = shared_states().recorded()
    except FAULTS as error:
        logger.warning("circuits cannot be read: %s", error)
        records = []
        known = CircuitStateRecord(own.name, CircuitState.OPEN, failure_count=known.failure_count, opened_at=now)
    return health_view([known, *records], now, chosen.time_scale, chosen.poll_seconds)


def health_view(records: Iterable[CircuitStateRecord], now: int, scale: float, poll_seconds: int) -> dict[str, Any]:
    """Return the answer for circuits as they are recorded; `now` in seconds since the epoch. Pure."""
    breakers = {circuit_name(dependency): _closed() for dependency in ALWAYS_REPORTED}
    for record in records:
        dependency = record.name.partition("/")[0]
        if dependency in RULES and not _forgotten(record, now):
            patience = RULES[dependency].window(scale) + poll_seconds
            state = _state(record, now, patience)
            breakers[record.name] = {"state": state, "failure_count": record.failure_count}
    critical = sorted(
        name
        for name, breaker in breakers.items()
        if breaker["state"] == OPEN and RULES[name.partition("/")[0]].critical
    )
    well = all(breaker["state"] == CLOSED for breaker in breakers.values())
    return {
        "status": "healthy" if well else "degraded",
        "circuit_breakers": dict(sorted(breakers.items())),
        "critical_circuits_open": critical,
    }


def _closed() -> dict[str, Any]:
    return {"state": CLOSED, "failure_count": 0}


def _forgotten(record: CircuitStateRecord, now: int) -> bool:
    """Return whether DynamoDB only has not come to deleting a record."""
    return record.expiry_timestamp is not None and int(record.expiry_timestamp) <= now


def _state(record: CircuitStateRecord, now: int, patience: int) -> str:
    state = str(record.state).lower()
    if record.state is CircuitState.OPEN and now >= (record.opened_at or 0) + patience:
        return HALF_OPEN
    return state
