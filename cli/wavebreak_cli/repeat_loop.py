"""Reads a list again and again and shows it as it changes: in place on a terminal, elsewhere anew with every change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, NoReturn, TypeVar

from rich.console import Group
from rich.live import Live

from wavebreak_cli.errors import EXIT_INTERRUPTED, CommandError, Finished
from wavebreak_cli.follow_loop import GIVE_UP_SECONDS, may_pass

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from rich.console import RenderableType

    from wavebreak_cli.session import Shell

T = TypeVar("T")
_POLL_SECONDS: Final = 3.0


def repeat(shell: Shell, read: Callable[[], T], picture: Callable[[T], RenderableType]) -> NoReturn:
    """Read and show something until Ctrl-C; what is old because the API does not answer says since when."""
    shown = _Shown(shell, picture, Live(console=shell.around.out, auto_refresh=False, transient=False))
    lost_since = shell.around.now()
    try:
        shown.begin()
        while True:
            try:
                shown.show(read())
                lost_since = shell.around.now()
            except CommandError as failure:
                if not may_pass(failure) or (shell.around.now() - lost_since).total_seconds() > GIVE_UP_SECONDS:
                    raise
                shown.trouble(str(failure))
            shell.around.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        raise Finished(EXIT_INTERRUPTED) from None
    finally:
        shown.end()


@dataclass
class _Shown(Generic[T]):
    """What is on the screen: drawn in place on a terminal, else printed anew with every change."""

    shell: Shell
    picture: Callable[[T], RenderableType]
    live: Live
    last: T | None = None
    seen_at: datetime | None = None
    lost: bool = False

    def begin(self) -> None:
        """Take the terminal."""
        if self.shell.around.out.is_interactive:
            self.live.start()

    def end(self) -> None:
        """Give the terminal back, the last picture on it."""
        self.live.stop()

    def show(self, found: T) -> None:
        """Show a reading."""
        if self.live.is_started:
            self.live.update(self.picture(found), refresh=True)
        elif found != self.last:
            self.shell.around.out.print(self.picture(found))
        self.last, self.seen_at, self.lost = found, self.shell.around.now(), False

    def trouble(self, why: str) -> None:
        """Say that there is no answer, and since when what is shown is old: beneath the picture, else once."""
        since = f"as of {self.seen_at:%H:%M:%SZ}, " if self.seen_at else ""
        told = f"{since}no answer, retrying: {why}"
        if self.live.is_started:
            above = [] if self.last is None else [self.picture(self.last)]
            self.live.update(Group(*above, self.shell.look.text(told, "dark_orange")), refresh=True)
        elif not self.lost:
            self.shell.note(told)
        self.lost = True
