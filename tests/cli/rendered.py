"""Executions as a terminal of some size shows them."""

import io
from datetime import UTC, datetime
from typing import cast

from rich.console import Console, RenderableType
from tests.cli.fake_api import execution, server, wave

from wavebreak_cli.client.answers import Execution
from wavebreak_cli.views import execution_card, live_execution
from wavebreak_cli.views.terminal import Screen

NOW = datetime(2026, 11, 21, 12, 0, 50, tzinfo=UTC)


def show(content: RenderableType, width: int, *, colour: bool = False) -> str:
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=width,
        force_terminal=colour,
        color_system="256" if colour else None,
        markup=False,
        highlight=False,
        emoji=False,
        _environ={},
    )
    console.print(content)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def three_waves(status: str, **more: object) -> Execution:
    database = wave(
        1, "database", "COMPLETED", [server(1), server(2, "FAILED", impact="OPTIONAL", error="no capacity")]
    )
    last = "CANCELLED" if status in {"PARTIAL_SUCCESS", "CANCELLED"} else "NOT_STARTED"
    first = [wave(1, "database", "CANCELLED", [server(1, "PENDING")])] if status == "CANCELLED" else [database]
    web = [server(3, "PENDING")]
    waves = [*first, wave(2, "application", last, web), wave(3, "web", last, web)]
    return cast("Execution", execution(status, waves, **more))


def card(execution: Execution, width: int = 80, *, bar: bool = False) -> str:
    return show(execution_card.card(Screen(width), execution, NOW, bar=bar), width)


def live(execution: Execution, width: int, *, height: int = 40, trouble: str | None = None) -> str:
    return show(live_execution.live(Screen(width), execution, NOW, height=height, trouble=trouble), width)
