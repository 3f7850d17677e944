"""The tables of a report's page: their columns, and how one is built.

Where there is no room for columns, each row becomes a card whose lines carry the names of the columns; the roles stand
there so that a table stays one for a screen reader even then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wavebreak.domain.evidence.elements import Html, el

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    "waves": ("Wave", "Status", "Started", "Ended", "Duration", "Servers launched", "Attempts"),
    "servers": ("Server", "Status", "Instance", "Recovery point, age", "Phases and error"),
    "failures": ("Server", "Wave", "Error"),
    "attempts": ("Attempt", "Status", "Started", "Ended", "Error"),
    "approvals": ("Asked", "Decision", "By", "At", "Why"),
    "steps": ("Step", "Status", "Started", "Duration", "Output or error"),
    "idle": ("Wave", "Status", "Servers", "Why"),
    "unstarted": ("Server", "Wave", "Why"),
    "left": ("Wave", "Count", "Instances", "Why"),
    "factors": ("Factor", "Value"),
    "checks": ("Check", "Over", "Status", "Completed", "Reason"),
    "trail": ("No.", "Time (UTC)", "Event", "By", "What changed, and why"),
}


def table(kind: str, caption: str, rows: Iterable[Sequence[object]]) -> Html:
    """Build a table of a kind; `caption` says what is in it to a reader who does not see where it stands."""
    heads = (el("th", name, scope="col", role="columnheader") for name in COLUMNS[kind])
    body = (el("tr", *(el("td", cell, role="cell") for cell in row), role="row") for row in rows)
    return el(
        "table",
        el("caption", caption, class_="vh"),
        el("thead", el("tr", *heads, role="row"), role="rowgroup"),
        el("tbody", *body, role="rowgroup"),
        class_=f"t t-{kind}",
        role="table",
    )
