"""The phase that each server is in while it launches, in words. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from wavebreak.timing import known_time
from wavebreak_cli.client.answers import named

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wavebreak_cli.client.answers import Execution

_MINUTE: Final = 60
SILENT_AFTER: Final = 90
"""Seconds after which it is reported that DRS has not been heard of: three polls, whose usual interval is 30."""
_HOUR: Final = 3600
_SERVER_ID: Final = re.compile(r"\bs-[0-9a-zA-Z]{17}\b")


def with_phases(execution: Execution, progress: Mapping[str, Any]) -> Execution:
    """Return an execution whose servers have what `progress` reports about them: `phase`, `since`, `usualSeconds`."""
    phases = {
        (each.get("waveNumber"), each.get("sourceServerId")): {
            name: each.get(name) for name in ("phase", "since", "usualSeconds")
        }
        for each in progress.get("servers") or []
        if each.get("phase")
    }
    waves: Any = [
        {
            **wave,
            "servers": [
                {**server, **phases.get((wave.get("waveNumber"), server.get("sourceServerId")), {})}
                for server in wave.get("servers") or []
            ],
        }
        for wave in execution.get("waves") or []
    ]
    return {**execution, "waves": waves}


def phase_of(server: Mapping[str, Any], now: datetime) -> str | None:
    """Return the phase of a server, the time in it, and its usual duration; None in no phase."""
    phase, begun, usual = server.get("phase"), known_time(server.get("since")), server.get("usualSeconds")
    if not phase:
        return None
    spent = f" {roughly((now - begun).total_seconds())}" if begun else ""
    return f"{phase}{spent}{f' of about {roughly(usual)}' if usual else ''}"


def silence(execution: Execution, now: datetime) -> str | None:
    """Return since when DRS has told nothing of the launches that are shown as running; None while it tells."""
    seen = known_time(execution.get("lastSeenAt"))
    if seen is None or (now - seen).total_seconds() < SILENT_AFTER:
        return None
    return f"DRS last answered at {seen:%H:%M:%SZ}, {roughly((now - seen).total_seconds())} ago: what runs may be older"


def server_label(server: Mapping[str, Any]) -> str:
    """Name a server as people do and as DRS does: `db-1 s-11111111111111111`, by its id alone without a name."""
    return " ".join(str(word) for word in (server.get("name"), server.get("sourceServerId")) if word)


def with_names(text: str, names: Mapping[str, str]) -> str:
    """Return a text in which each source server has its name before its id."""
    return _SERVER_ID.sub(lambda found: named(found[0], names), text)


def roughly(seconds: float) -> str:
    """Write a duration in its largest unit that tells something: `38s`, `6m`, `1h 20m`."""
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m"
    return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE}m"
