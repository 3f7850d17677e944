"""Failures on demand: what the next calls of an operation shall suffer, before or after they are performed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from drs_simulator.errors import ConnectionDroppedError, HttpError, InjectedError
from drs_simulator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from drs_simulator.credentials import Caller

_MESSAGE = "A fault was injected into this call"
# DRS tells a throttled caller how long to wait; its model has it as text, in the Retry-After header.
_MEMBERS: dict[str, dict[str, Any]] = {"ThrottlingException": {"retryAfterSeconds": "1"}}


class When(StrEnum):
    """Whether a call that fails has had its effect."""

    BEFORE = "before"
    AFTER = "after"


class Fault(Settings):
    """What the next ``count`` calls of ``operation`` suffer, or every n-th of its next calls; one of the four kinds.

    ``error`` is an exception's name, ``http_status`` an answer without a modelled error, ``delay_seconds`` (real
    seconds, never scaled) lets the call succeed late, ``drop_connection`` closes the connection without an answer.
    With a ``subject``, an ``account`` or a ``region`` only calls that name it, or come from there, are meant.
    """

    operation: str
    error: str | None = Field(default=None, pattern=r"^[A-Za-z][A-Za-z0-9.]{0,127}$")
    message: str | None = Field(default=None, min_length=1, max_length=65_536)
    http_status: int | None = Field(default=None, ge=400, le=599)
    delay_seconds: float | None = Field(default=None, gt=0, le=900)
    drop_connection: bool = False
    count: int = Field(default=1, ge=1)
    every: int = Field(default=1, ge=1)
    when: When = When.BEFORE
    subject: str | None = Field(default=None, min_length=1, max_length=256)
    account: Annotated[str, Field(pattern=r"^[0-9]{12}$")] | None = None
    region: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")] | None = None

    @model_validator(mode="after")
    def _exactly_one_kind(self) -> Fault:
        kinds = [self.error, self.http_status, self.delay_seconds, self.drop_connection or None]
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("give exactly one of error, httpStatus, delaySeconds, dropConnection")
        if self.message is not None and self.error is None:
            raise ValueError("only an error has a message")
        return self

    def concerns(self, operation: str, caller: Caller, named: set[str]) -> bool:
        """Return whether a call is meant, by its operation, where it comes from and what it names."""
        return (
            self.operation == operation
            and self.account in (None, caller.account)
            and self.region in (None, caller.region)
            and (self.subject is None or self.subject in named)
        )

    def strike(self, sleep: Callable[[float], object]) -> None:
        """Do what the fault does: raise InjectedError, HttpError or ConnectionDroppedError, or sleep and return."""
        message = self.message or (f"{_MESSAGE}: {self.subject}" if self.subject else _MESSAGE)
        if self.drop_connection:
            raise ConnectionDroppedError
        if self.delay_seconds is not None:
            sleep(self.delay_seconds)
        elif self.error is not None:
            raise InjectedError(self.error, message, **_MEMBERS.get(self.error, {}))
        elif self.http_status is not None:
            raise HttpError(self.http_status, message)


@dataclass(slots=True)
class _Waiting:
    """A fault and how often it will still strike; the calls until then that it lets pass."""

    fault: Fault
    left: int
    passing: int


class Faults:
    """The faults that wait for their calls, struck in the order they were given."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._lock = Lock()

    def add(self, fault: Fault) -> None:
        """Make the next calls of the fault's operation fail."""
        with self._lock:
            self._waiting.append(_Waiting(fault, fault.count, fault.every - 1))

    def take(self, operation: str, caller: Caller, named: set[str]) -> Fault | None:
        """Return the fault that a call shall suffer, and count it; ``named`` is what the call names."""
        with self._lock:
            meant = (one for one in self._waiting if one.fault.concerns(operation, caller, named))
            waiting = next(meant, None)
            if waiting is None:
                return None
            if waiting.passing:
                waiting.passing -= 1
                return None
            waiting.passing, waiting.left = waiting.fault.every - 1, waiting.left - 1
            if not waiting.left:
                self._waiting.remove(waiting)
            return waiting.fault

    @property
    def any(self) -> bool:
        """Return whether a fault waits for its call."""
        return bool(self._waiting)

    def clear(self) -> None:
        """Forget every fault."""
        with self._lock:
            self._waiting.clear()
