"""How long anything may take: the one table of limits, and deadlines that keep to them. Pure.

Each limit can be changed by an environment variable, `TIMEOUT_` and its name in capitals, in seconds. Where a limit
binds: a client's own (`client_config.config`), reads of several pages (`guarded_client`), a round over several sites
and what an answer of the API may ask of DRS (`parallel_reads`), its pages (`store.table`), a command (`catalogue`).
Requirements S3-1 and S3-2.
"""

from __future__ import annotations

import logging
import math
import os
import time
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from wavebreak.settings import positive_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

logger = logging.getLogger(__name__)

UNKNOWN_SECONDS: Final = 30.0
"""The limit of an operation that the table does not name."""

LIMITS: Final[Mapping[str, float]] = MappingProxyType(
    {
        # One attempt of a call, by the service that is called.
        "connect": 2,
        "drs_call": 10,
        "drs_brief_call": 4,  # while a caller waits for the API
        "ec2_call": 4,
        "dynamodb_call": 4,
        "stepfunctions_call": 5,
        "quota_call": 3,
        "sts_call": 5,
        "ssm_call": 4,
        "logs_call": 5,
        "notify_call": 5,
        "s3_call": 5,
        "scheduler_call": 4,
        "lambda_call": 4,
        "state_read": 1,  # breakers and Idempotency-Keys
        "state_write": 2,
        # Work of several calls: past its limit nothing more of it is begun.
        "drs_read": 30,
        "ssm_read": 30,
        "dynamodb_query": 10,
        "dynamodb_transaction": 30,
        "observation_round": 60,
        "put_back": 10,  # launch templates, of one read of a drill
        "templates_sweep": 20,  # launch templates, of one sweep
        "launch_round": 25,  # calls of StartRecovery for one wave: the rest is for the next round
        "termination_calls": 25,  # terminate calls of one invocation, in each site
        "asking": 8,  # questions to DRS while a caller waits for the API
        "readiness_round": 40,  # questions of the checks that are made regularly
        "history_indexed": 5,
        "history_filtered": 3,
        "history_combined": 10,
        # A command on one target.
        "command_parallel": 300,
        "command_sequential": 600,
    }
)
"""Seconds, by operation."""

_end: ContextVar[float] = ContextVar("end", default=math.inf)


def limit(operation: str) -> float:
    """Return the seconds that an operation may take; MissingSettingError names one that is not a positive number."""
    default = LIMITS.get(operation, UNKNOWN_SECONDS)
    return positive_number(os.environ, f"TIMEOUT_{operation.upper()}", str(default))


def remaining() -> float:
    """Return the seconds that are left of what is being done now; infinite outside of an invocation."""
    return _end.get() - time.monotonic()


@contextmanager
def ending_in(seconds: float) -> Iterator[None]:
    """Set the deadline of the block, unless an earlier one is set already."""
    token = _end.set(min(_end.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _end.reset(token)


@contextmanager
def invocation(context: Any) -> Iterator[None]:
    """Set the deadline of the block to the end of the Lambda invocation; `context` is Lambda's."""
    left = getattr(context, "get_remaining_time_in_millis", None)
    with ending_in(math.inf if left is None else left() / 1000):
        yield


class Deadline:
    """The moment after which an operation begins nothing more; its expiry is logged once, with what it was about."""

    def __init__(
        self, operation: str, *, reserve: float = 0.0, clock: Callable[[], float] = time.monotonic, **context: Any
    ) -> None:
        """Begin to count.

        `reserve` is the time that the last thing begun may need: it is left of what this is a part of.
        """
        self.operation = operation
        self.seconds = max(0.0, min(limit(operation), remaining() - reserve))
        self._context = context
        self._clock = clock
        self._until = clock() + self.seconds
        self._reported = False

    @property
    def left(self) -> float:
        """Seconds that are left, 0 when it is over."""
        return max(0.0, self._until - self._clock())

    @property
    def over(self) -> bool:
        """Whether nothing more may be begun."""
        if self._clock() < self._until:
            return False
        if not self._reported:
            self._reported = True
            log_expiry(self.operation, self.seconds, **self._context)
        return True


def log_expiry(operation: str, seconds: float, **context: Any) -> None:
    """Log that an operation ran into its limit (requirement S3-2)."""
    fields = {"operation": operation, "limitSeconds": seconds, **context}
    logger.warning("%s ran into its limit of %g s", operation, seconds, extra={"expired": fields})
