"""Every call of AWS that a function makes, and what it asks IAM for: the record that the roles are held against.

`tests/infra/calls_by_function.json` is that record, by the names of the functions. A call that it lacks fails the test
that made it, and a run of all integration tests names those that it holds and no test made: they are to be taken out,
unless they depend on the moment. `make calls` writes it anew. Calls of the circuits' table are left out: whether a
circuit is asked depends on the moment; and those of STS, which is asked once for many calls. Both rights follow from
the calls behind them (`tools.rights.needs`).
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.client import BaseClient
from tools.rights.calls import Request, requests
from tools.rights.record import RECORD, Made, read, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.terminal import TerminalReporter

WRITES = "WAVEBREAK_RECORD_CALLS"
"""Set, the record is written anew instead of looked at."""

_CIRCUITS = {f"dynamodb:{verb}Item" for verb in ("Get", "Put", "Update")}
_CALL = BaseClient._make_api_call  # type: ignore[attr-defined]  # the stubs leave out what is private
_running: ContextVar[str | None] = ContextVar("running", default=None)


@dataclass
class Ledger:
    """What has been called in this process, and in those whose ledgers it was given."""

    made: dict[str, Made] = field(default_factory=dict)

    def add(self, function: str, call: str, asked: Iterator[Request]) -> None:
        """Note a call of a function."""
        found = [one for one in asked if not _follows(one)]
        if found:
            noted = self.made.setdefault(function, Made())
            noted.calls.add(call)
            noted.asks.update(found)

    def take(self, other: dict[str, Made]) -> None:
        """Add what was called elsewhere."""
        for function, made in other.items():
            noted = self.made.setdefault(function, Made())
            noted.calls |= made.calls
            noted.asks |= made.asks

    def unrecorded(self) -> list[str]:
        """Name what the record lacks."""
        return sorted(_lines(self.made) - _lines(read()))

    def unmade(self) -> list[str]:
        """Name what the record holds and nobody called."""
        return sorted(_lines(read()) - _lines(self.made))


def _follows(asked: Request) -> bool:
    """Tell whether a right follows from the calls behind it."""
    of_a_circuit = asked.action in _CIRCUITS and asked.resource.endswith("-BreakerTable")
    return of_a_circuit or asked.action == "sts:AssumeRole"


LEDGER = Ledger()


@contextmanager
def running(function: str) -> Iterator[None]:
    """Have the calls of this context counted as a function's."""
    token = _running.set(function)
    try:
        yield
    finally:
        _running.reset(token)


def call(client: BaseClient, operation: str, params: dict[str, Any]) -> Any:
    """Stand in for `BaseClient._make_api_call`."""
    function = _running.get()
    if function is not None:
        service = client.meta.service_model.service_name
        LEDGER.add(function, f"{service}:{operation}", requests(service, operation, params))
    # What a service in this process does with the call is not the function's doing.
    token = _running.set(None)
    try:
        return _CALL(client, operation, params)
    finally:
        _running.reset(token)


def is_recording() -> bool:
    """Tell whether the record is to be written anew."""
    return bool(os.environ.get(WRITES))


def check_recorded_calls() -> None:
    """Fail for a call that the record lacks."""
    unknown = [] if is_recording() else LEDGER.unrecorded()
    assert not unknown, f"{RECORD.name} lacks calls (make calls): {unknown}"


def tell(reporter: TerminalReporter, lines: list[str]) -> None:
    """Name the calls of the record that no test made."""
    reporter.section(f"{RECORD.name} holds calls that no test made (make calls)", yellow=True)
    for line in lines:
        reporter.line(line)


def _lines(made: dict[str, Made]) -> set[str]:
    asked = {f"{function}: {text(request)}" for function, each in made.items() for request in each.asks}
    return asked | {f"{function}: {call}" for function, each in made.items() for call in each.calls}


def dumped() -> str:
    """Write the ledger down for another process."""
    return json.dumps({name: made.document() for name, made in LEDGER.made.items()})
