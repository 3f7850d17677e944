"""A boto3 client behind a circuit: every call of it goes through, and a read of several pages keeps to its deadline.

The client stays what it is, with its own types, paginators and exceptions; only its methods that call the service are
wrapped.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from botocore.exceptions import BotoCoreError

from wavebreak.problems import OutOfTime
from wavebreak.resilience.aws_errors import is_expiry
from wavebreak.resilience.client_config import series_seconds
from wavebreak.timeouts import Deadline, limit, log_expiry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Neutral = Callable[[], object]
    """A read that names no subject."""

C = TypeVar("C")
T = TypeVar("T")

_next_page: ContextVar[Deadline | None] = ContextVar("next_page", default=None)
"""The deadline of the read whose next page is being asked for; none for single calls and for first pages."""


class Circuit(Protocol):
    """What calls go through (`circuit_breaker.Circuit`)."""

    name: str

    def call(self, work: Callable[[], T], neutral: Neutral | None = None) -> T:
        """Do the work, or raise CircuitOpen without doing it."""


def guard_client(
    client: C, circuit: Circuit, *, operation: str, pages: str, attempts: int, neutral: Neutral | None = None
) -> C:
    """Route all calls of a boto3 client through a circuit, and return the client.

    `operation` names the limit of one attempt (`timeouts`), of which a call makes up to `attempts`; `pages` that of a
    read of several pages, past which no further page is begun: OutOfTime. `neutral` is what this client's function may
    read; clients of one circuit may have different ones.
    """
    wrapped: Any = client
    for name in wrapped.meta.method_to_api_mapping:
        setattr(wrapped, name, partial(_guarded, circuit, neutral, operation, name, getattr(wrapped, name)))
    begin = partial(Deadline, pages, reserve=series_seconds(operation, attempts), circuit=circuit.name)
    wrapped.get_paginator = partial(_paginator, begin, wrapped.get_paginator)
    return client


def _guarded(
    circuit: Circuit,
    neutral: Neutral | None,
    operation: str,
    name: str,
    call: Callable[..., Any],
    **parameters: Any,
) -> Any:
    deadline = _next_page.get()
    if deadline is not None and deadline.over:
        raise OutOfTime(f"{name} of {circuit.name} did not end within {deadline.seconds:g} s")
    try:
        return circuit.call(lambda: call(**parameters), neutral)
    except BotoCoreError as error:
        if is_expiry(error):
            log_expiry(operation, limit(operation), call=name, circuit=circuit.name)
        raise


def _paginator(begin: Callable[..., Deadline], get_paginator: Callable[[str], Any], name: str) -> _Paginator:
    return _Paginator(get_paginator(name), partial(begin, call=name))


class _Paginator:
    """A read of several pages: none is begun past its deadline, but for the first."""

    def __init__(self, paginator: Any, begin: Callable[[], Deadline]) -> None:
        self._paginator = paginator
        self._begin = begin

    def paginate(self, **parameters: Any) -> Iterator[Any]:
        """Yield the pages one by one."""
        deadline = self._begin()
        pages = iter(self._paginator.paginate(**parameters))
        page = next(pages, None)
        while page is not None:
            yield page
            token = _next_page.set(deadline)
            try:
                page = next(pages, None)
            finally:
                _next_page.reset(token)
