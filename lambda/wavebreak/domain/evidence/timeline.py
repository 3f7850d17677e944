"""The timeline of an execution as SVG: its waves, and in each its servers with their phases.

It takes the full width of where it stands, with text of the same size at any width: positions are in percent, heights
in pixels. A long one is several pictures, so that each fits a page. Its colours are those of `page_style.TIMELINE`;
what it shows is in the tables too, and in words for a screen reader.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from wavebreak.domain.evidence.elements import Html, el, joined, shortened
from wavebreak.domain.evidence.time_axis import Axis, since
from wavebreak.domain.evidence.wording import between, lasting, launched, numbered, server_style, wave_style
from wavebreak.timing import known_time
from wavebreak.values import field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

PANEL_HEIGHT: Final = 420
"""Pixels that a picture of several waves has at most: one fits below the summary of a printed page."""
TALLEST: Final = 860
"""Pixels that a picture of one wave has at most: it fits a printed page."""
_AXIS_HEIGHT, _WAVE_HEIGHT, _GAP = 38, 34, 12
_NAMED_HEIGHT: Final = 25
_NAMED_AT_MOST: Final = 24
"""Servers of an execution whose timeline has a line of text for each; more of them are drawn as thin bars."""
_THIN: Final = ((200, 6.0), (500, 4.0), (1200, 3.0))
_THINNEST: Final = 2.0
_CELLS: Final = 38
_END: Final = 3
_FAILED_END: Final = 12
"""Pixels that the end of a failed server is wide: among hundreds of thin lines it is seen on paper too."""
_OBJECTIVE_IN_SIGHT: Final = 1.6
"""An objective later than this many times the run would squeeze the run itself."""


class _Panel(Struct):
    """One picture while it is drawn: what is in it, how tall it is by now, and what it says in words."""

    parts: list[Html] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    height: float = _AXIS_HEIGHT


def timeline(report: Mapping[str, Any]) -> list[Html]:
    """Draw the timeline of a report, final or not, as one or more `svg` elements; nothing when no time is known."""
    axis = _axis(report)
    waves = [wave for wave in report["waves"] if _begun(wave) or wave["approvals"]]
    if axis is None or not waves:
        return []
    total = sum(len(wave["servers"]) for wave in waves)
    panels = [_Panel()]
    for wave in waves:
        row = _row_height(total, len(wave["servers"]))
        block = _WAVE_HEIGHT + row * len(wave["servers"]) + _GAP
        if panels[-1].words and panels[-1].height + block > PANEL_HEIGHT:
            panels.append(_Panel())
        _draw_wave(panels[-1], wave, axis, row)
    objective = report["objectives"]["rto"]["objectiveSeconds"]
    return [
        _picture(panel, axis, objective, f"{position} of {len(panels)}") for position, panel in enumerate(panels, 1)
    ]


def legend() -> Html:
    """Return what the bars mean."""
    marks = (
        *(("p1", "Snapshot"), ("p2", "Conversion"), ("p3", "Launch"), ("p4", "Post-launch")),
        *(("ok", "launched"), ("bad", "failed"), ("ask", "waits for approval")),
    )
    return el("ul", *(el("li", el("i", class_=f"key {name}"), word) for name, word in marks), class_="legend")


def _axis(report: Mapping[str, Any]) -> Axis | None:
    """Span the time from the request to the last thing that is known, and to the objective if that is near."""
    start = known_time(report["startedAt"])
    if start is None:
        return None
    ends = [report["endedAt"] or report["madeAt"], *(wave["endedAt"] for wave in report["waves"])]
    if not report["final"]:
        servers = (server for wave in report["waves"] for server in wave["servers"])
        ends += [
            time for server in servers for phase in server["phases"] for time in (phase["startedAt"], phase["endedAt"])
        ]
    last = max((end for end in map(known_time, ends) if end is not None), default=start)
    seconds = max(1.0, (last - start).total_seconds())
    objective = report["objectives"]["rto"]["objectiveSeconds"] or 0
    return Axis(start, max(seconds, objective * 1.02) if objective <= seconds * _OBJECTIVE_IN_SIGHT else seconds)


def _row_height(total: int, servers: int) -> float:
    """Choose the height of a server's line: with a name where there is room for it, else as thin as it takes."""
    if total <= _NAMED_AT_MOST:
        return _NAMED_HEIGHT
    thin = next((height for most, height in _THIN if total <= most), _THINNEST)
    return min(thin, (TALLEST - _AXIS_HEIGHT - _WAVE_HEIGHT - _GAP) / max(1, servers))


def _picture(panel: _Panel, axis: Axis, objective: float | None, part: str) -> Html:
    height = round(panel.height)
    label = f"Timeline, part {part}. {'. '.join(panel.words)}."
    grid = joined(*(_tick(x, words, height) for x, words in axis.ticks), _objective(axis, objective, height))
    return el("svg", grid, *panel.parts, class_="tl", role="img", aria_label=label, width="100%", height=height)


def _tick(x: float, words: str, height: int) -> Html:
    anchor = "start" if x < 4 else "end" if x > 94 else "middle"  # noqa: PLR2004  percent at which a word would be cut off
    line = el("line", x1=f"{x}%", x2=f"{x}%", y1=18, y2=height, class_="grid")
    return joined(line, el("text", words, x=f"{x}%", y=12, text_anchor=anchor, class_="tick"))


def _objective(axis: Axis, objective: float | None, height: int) -> Html | None:
    if not objective or objective > axis.seconds:
        return None
    x = axis.x(axis.start + timedelta(seconds=objective))
    line = el("line", x1=f"{x}%", x2=f"{x}%", y1=18, y2=height, class_="goal")
    anchor, shift = ("end", -5) if x > 50 else ("start", 5)  # noqa: PLR2004  half of the width
    words = el(
        "text", f"objective {since(objective)}", x=f"{x}%", y=29, dx=shift, text_anchor=anchor, class_="goal-word"
    )
    return joined(line, words)


def _begun(wave: Mapping[str, Any]) -> bool:
    return bool(wave["startedAt"] or any(attempt.get("startedAt") for attempt in wave["attempts"]))


def _draw_wave(panel: _Panel, wave: Mapping[str, Any], axis: Axis, row: float) -> None:
    """Draw a wave: its name, what it waited for and its attempts on one line, and a line for each of its servers."""
    style, top = wave_style(wave["status"]), panel.height
    took = between(wave["startedAt"], wave["endedAt"])
    name = el("tspan", numbered(wave["waveNumber"], shortened(wave["name"], _CELLS)), class_="name")
    state = el("tspan", f"{style.icon} {style.label}", class_=f"ink-{style.color}", dx=8)
    time = el("tspan", lasting(took) if took is not None else "", dx=8)
    panel.parts.append(el("text", name, state, time, y=top + 12, class_="lane"))
    for begin, end, kind in _wave_bars(wave, axis):
        panel.parts.append(_bar(axis, begin, end, top + 18, 10, kind))
    top += _WAVE_HEIGHT
    for server in wave["servers"]:
        panel.parts.append(_server(wave, server, axis, top, row))
        top += row
    panel.height = top + _GAP
    panel.words.append(_in_words(wave, axis))


def _in_words(wave: Mapping[str, Any], axis: Axis) -> str:
    when = " to ".join(
        since((moment - axis.start).total_seconds())
        for moment in (known_time(wave["startedAt"]), known_time(wave["endedAt"]))
        if moment is not None
    )
    state = wave_style(wave["status"]).label
    servers = f"{launched(wave['servers'])} servers launched"
    return f"Wave {wave['waveNumber']}, {wave['name']}: {state}, {when or 'not started'}, {servers}"


def _wave_bars(wave: Mapping[str, Any], axis: Axis) -> Iterator[tuple[datetime, datetime, str]]:
    """Return the bars of a wave: dashed where it waited for an approval, and each attempt in the colour of its end."""
    until = known_time(wave["endedAt"]) or axis.start + timedelta(seconds=axis.seconds)
    for approval in wave["approvals"]:
        asked = known_time(approval.get("askedAt"))
        if asked is not None:
            yield asked, known_time(approval.get("at")) or until, "ask"
    attempts = wave["attempts"] or [wave]
    for attempt in attempts:
        begun = known_time(attempt.get("startedAt"))
        if begun is not None:
            last = attempt is attempts[-1]
            style = wave_style(wave["status"] if last else attempt.get("status"))
            yield begun, known_time(attempt.get("endedAt")) or until, f"fill-{style.color}"


def _server(wave: Mapping[str, Any], server: Mapping[str, Any], axis: Axis, top: float, row: float) -> Html:
    named = row == _NAMED_HEIGHT
    y, tall = (top + 14, 6.0) if named else (top, max(1.0, row * 0.8))
    style = server_style(server["launchStatus"])
    title = f"{server['name'] or server['sourceServerId']} {server['sourceServerId']}: {style.label}"
    bars = list(_server_bars(wave, server, axis))
    drawn = [_bar(axis, begin, end, y, tall, kind) for begin, end, kind in bars]
    if bars and style.color in {"green", "red"}:
        x = axis.x(max(end for _, end, _ in bars))
        kind = "ok" if style.color == "green" else "bad"
        wide = _END if kind == "ok" else _FAILED_END
        drawn.append(el("rect", x=f"{x}%", y=_px(y - 1), width=wide, height=_px(tall + 2), class_=kind))
    if not named:
        return el("g", el("title", title), *drawn)
    words = shortened(server["name"] or server["sourceServerId"], _CELLS)
    state = el("tspan", f"{style.icon} {style.label}", class_=f"ink-{style.color}", dx=8)
    return el("g", el("title", title), el("text", words, state, y=top + 10, class_="host"), *drawn)


def _server_bars(
    wave: Mapping[str, Any], server: Mapping[str, Any], axis: Axis
) -> Iterator[tuple[datetime, datetime, str]]:
    """Return a server's phases; or, if none is known though it was started, its wave's time as one faint bar."""
    phases: Sequence[Mapping[str, Any]] = server["phases"]
    until = known_time(wave["endedAt"]) or axis.start + timedelta(seconds=axis.seconds)
    begun = known_time(wave["startedAt"])
    if not phases and begun is not None and server["launchStatus"] not in {"PENDING", None}:
        yield begun, until, "faint"
    for position, phase in enumerate(phases):
        start, end = known_time(phase["startedAt"]), known_time(phase["endedAt"])
        if start is None:
            continue
        following = next((at for at in (known_time(one["startedAt"]) for one in phases[position + 1 :]) if at), None)
        kind = _PHASES.get(str(phase["phase"]), "faint")
        yield start, end or following or max(start, until), kind if end else f"{kind} open"


_PHASES: Final[Mapping[str, str]] = {"SNAPSHOT": "p1", "CONVERSION": "p2", "LAUNCH": "p3", "POST_LAUNCH": "p4"}


def _bar(axis: Axis, begin: datetime, end: datetime, y: float, tall: float, kind: str) -> Html:
    x, width = f"{axis.x(begin)}%", f"{axis.width(begin, end)}%"
    return el("rect", x=x, y=_px(y), width=width, height=_px(tall), class_=kind)


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
