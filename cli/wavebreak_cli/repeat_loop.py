"""Read a list repeatedly and show it as it changes: in place on a terminal, elsewhere once more with every change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, NoReturn, TypeVar

import typer
from rich.console import Group

from wavebreak_cli.client.request import ATTEMPTS
from wavebreak_cli.errors import EXIT_INTERRUPTED, Finished
from wavebreak_cli.follow_loop import Quiet, follow
from wavebreak_cli.views.live_view import MovingView
from wavebreak_cli.views.terminal import Screen

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from rich.console import Console, RenderableType

    from wavebreak_cli.session import Shell

T = TypeVar("T")
_POLL_SECONDS: Final = 3.0

WatchFlag = Annotated[bool, typer.Option("--watch", "-w", help="Show it again as it changes, until Ctrl-C.")]


def show_list(
    shell: Shell, read: Callable[[int], list[T]], picture: Callable[[list[T], datetime], RenderableType], *, watch: bool
) -> None:
    """Show a list once, or again as it changes; JSON is printed once. `read` takes how often it may ask."""
    show_again(shell, read, picture, lambda found: {"items": found, "nextToken": None}, watch=watch)


def show_again(
    shell: Shell,
    read: Callable[[int], T],
    picture: Callable[[T, datetime], RenderableType],
    document: Callable[[T], Any],
    *,
    watch: bool,
) -> T:
    """Show an answer once, or again as it changes, and return it; its `document` is printed once as JSON."""
    if watch and not shell.json:
        repeat(shell, lambda: read(1), picture)
    found = read(ATTEMPTS)
    shell.print_result(document(found), lambda: picture(found, shell.around.now()))
    return found


def repeat(shell: Shell, read: Callable[[], T], picture: Callable[[T, datetime], RenderableType]) -> NoReturn:
    """Read and show something until Ctrl-C; what is old because the API does not answer says since when.

    `read` asks once: it is this loop that asks again.
    """
    shell.is_followed = True
    around = shell.around
    view = LiveList(around.out, around.now, picture) if around.out.is_interactive else PlainList(shell, picture)
    try:
        follow(read, lambda _: False, view, shell.time, fastest=_POLL_SECONDS, slowest=_POLL_SECONDS)
    except KeyboardInterrupt:
        raise Finished(EXIT_INTERRUPTED) from None
    raise AssertionError("a list that is shown again has no end")


class LiveList(MovingView, Generic[T]):
    """A list drawn in place: while no answer comes, its clocks stand still, and it says since when it is old."""

    def __init__(
        self, console: Console, now: Callable[[], datetime], picture: Callable[[T, datetime], RenderableType]
    ) -> None:
        """Take where to draw, the clock, and how a reading is drawn."""
        self._picture = picture
        self._found: T | None = None
        super().__init__(console, now)

    def show(self, found: T) -> None:
        """Show a reading."""
        self._found = found
        self._read()

    def finish(self, found: T) -> None:
        """Leave the last reading on the screen."""
        self.console.print(self._picture(found, self.now()))

    def _render(self) -> RenderableType:
        now = self.now()
        lost, screen = self._lost(now), Screen.of(self.console)
        if self._found is None:
            return screen.text(lost or "reading …", "bright_black")
        drawn = self._picture(self._found, self._shown_at(now))
        return Group(drawn, screen.text(lost, "dark_orange")) if lost else drawn


@dataclass
class PlainList(Quiet, Generic[T]):
    """A list printed again with every change; each outage is reported once, on standard error."""

    shell: Shell
    picture: Callable[[T, datetime], RenderableType]
    last: T | None = None
    seen_at: datetime | None = None
    lost: bool = False

    def show(self, found: T) -> None:
        """Print a reading that differs from the one before."""
        now = self.shell.around.now()
        if found != self.last:
            self.shell.around.out.print(self.picture(found, now))
        self.last, self.seen_at, self.lost = found, now, False

    def trouble(self, why: str, lost_at: datetime) -> None:
        """Say once that there is no answer, and since when what was printed is old."""
        if not self.lost:
            as_of = f"as of {self.seen_at.astimezone(UTC):%H:%M:%SZ}, " if self.seen_at else ""
            self.shell.note(f"{as_of}no answer since {lost_at.astimezone(UTC):%H:%M:%SZ}, retrying: {why}")
        self.lost = True

    def finish(self, found: T) -> None:
        """Print nothing: the last reading stands there."""
