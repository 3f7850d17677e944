"""Lists that are shown again as they change: on a terminal in place, elsewhere anew with every change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from rich.console import Group
from rich.live import Live

from wavebreak_cli.errors import EXIT_INTERRUPTED, CommandFailed, Finished, Unavailable
from wavebreak_cli.follow_loop import GIVE_UP_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from rich.console import RenderableType

    from wavebreak_cli.session import Shell

T = TypeVar("T")
_POLL_SECONDS: Final = 3.0


def repeat(shell: Shell, read: Callable[[], T], picture: Callable[[T], RenderableType]) -> NoReturn:
    """Read and show something until Ctrl-C; what is old because the API does not answer says since when."""
    out, last, seen_at = shell.around.out, None, shell.around.now()
    live = Live(console=out, auto_refresh=False, transient=False) if out.is_interactive else None
    try:
        if live:
            live.start()
        while True:
            found, told = _read(shell, read, seen_at)
            if found is not None:
                seen_at = shell.around.now()
                if live:
                    live.update(picture(found), refresh=True)
                elif found != last:
                    out.print(picture(found))
                last = found
            elif live and last is not None:
                live.update(Group(picture(last), shell.look.text(told, "dark_orange")), refresh=True)
            shell.around.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        raise Finished(EXIT_INTERRUPTED) from None
    finally:
        if live:
            live.stop()


def _read(shell: Shell, read: Callable[[], T], seen_at: datetime) -> tuple[T | None, str]:
    try:
        return read(), ""
    except CommandFailed as failure:
        if not isinstance(failure, Unavailable) or (shell.around.now() - seen_at).total_seconds() > GIVE_UP_SECONDS:
            raise
        return None, f"as of {seen_at:%H:%M:%SZ}, no answer: {failure}"
