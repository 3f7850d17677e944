"""Entity tags: versions of plans, and executions as they are shown."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from wavebreak.problems import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERSION: Final = re.compile(r'(?:W/)?"([0-9]{1,9})"|([0-9]{1,9})')
_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')
_SECONDS: Final = "durationSeconds"


def version_of(if_match: str | None) -> int | None:
    """Read the version that an If-Match header names, quoted or not; InvalidRequest for anything else."""
    if if_match is None or if_match.strip() == "":
        return None
    found = _VERSION.fullmatch(if_match.strip())
    if found is None:
        raise InvalidRequest.of("/If-Match", "must be the version of a plan")
    return int(found[1] or found[2])


def execution_tag(shown: Mapping[str, Any]) -> str:
    """Return the weak entity tag of an execution as it is shown whole.

    Not everything that is shown changes the version (`lastSeenAt`, `actions`), so the tag is made of all of it.
    Durations that only pass are left out: a reader counts them on from `startedAt`.
    """
    waves = [_without_seconds(wave) for wave in shown["waves"]]
    text = json.dumps({**_without_seconds(shown), "waves": waves}, separators=(",", ":"))
    return f'W/"{shown["version"]}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"'


def _without_seconds(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != _SECONDS}


def is_unchanged(tag: str, if_none_match: str | None) -> bool:
    """Return whether an If-None-Match header names a tag, by weak comparison (RFC 9110, 13.1.2)."""
    given = (if_none_match or "").strip()
    return given == "*" or tag.removeprefix("W/") in _TAG.findall(given)
