"""Calls side by side, each a thread that waits for its turn: a test decides who does the next thing, and who dies.

A call stands still whenever it comes by `meanwhile`, until it is let go on to the next such point.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.process_death import Killed

if TYPE_CHECKING:
    from collections.abc import Callable

_PATIENCE_SECONDS = 30


@dataclass
class Call:
    """One call on its way."""

    name: str
    begun: Any
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    stands: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    thread: threading.Thread | None = None
    at: str = "begin"
    """What it would do next."""
    dead: bool = False
    over: bool = False
    outcome: Any = None
    """What it gave, or the exception that it ended with."""


class Stage:
    """The calls that are under way."""

    def __init__(self) -> None:
        self.calls: dict[str, Call] = {}
        self._mine = threading.local()

    @property
    def current(self) -> str:
        """The name of the call that asks; empty for whoever is no call of this stage."""
        call = getattr(self._mine, "call", None)
        return call.name if call is not None else ""

    def begin(self, name: str, work: Callable[[], Any], begun: Any = None) -> Call:
        """Have a call come to the stage; it does nothing before its first turn."""
        call = Call(name, begun)

        def run() -> None:
            self._mine.call = call
            call.go.acquire()
            try:
                if not call.dead:
                    call.outcome = work()
            except Killed:
                pass
            except Exception as error:  # noqa: BLE001  the end of a call: the test looks at what it was
                call.outcome = error
            call.over = True
            call.stands.release()

        call.thread = threading.Thread(target=run, name=name, daemon=True)
        call.thread.start()
        self.calls[name] = call
        return call

    def meanwhile(self, operation: str) -> None:
        """Stand still before an operation; whoever is no call of this stage goes on."""
        call = getattr(self._mine, "call", None)
        if call is None:
            return
        if call.dead:
            raise Killed
        call.at = operation
        call.stands.release()
        call.go.acquire()
        if call.dead:
            raise Killed

    def step(self, name: str) -> Call:
        """Let a call go on until it stands still again, or is over."""
        call = self.calls[name]
        call.go.release()
        assert call.stands.acquire(timeout=_PATIENCE_SECONDS), f"{name} hangs"
        if call.over:
            del self.calls[name]
        return call

    def kill(self, name: str) -> None:
        """End a call where it stands."""
        self.calls[name].dead = True
        self.step(name)

    def run(self, name: str) -> Call:
        """Let a call go on to its end."""
        while not (call := self.step(name)).over:
            pass
        return call

    def clear(self) -> None:
        """End every call."""
        for name in list(self.calls):
            self.kill(name)
