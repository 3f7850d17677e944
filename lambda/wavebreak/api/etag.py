"""Versions as entity tags."""

from __future__ import annotations

import re
from typing import Final

from wavebreak.problems import InvalidRequest

_VERSION: Final = re.compile(r'(?:W/)?"([0-9]{1,9})"|([0-9]{1,9})')


def version_of(if_match: str | None) -> int | None:
    """Read the version that an If-Match header names, quoted or not; InvalidRequest for anything else."""
    if if_match is None or if_match.strip() == "":
        return None
    found = _VERSION.fullmatch(if_match.strip())
    if found is None:
        raise InvalidRequest.of("/If-Match", "must be the version of a plan")
    return int(found[1] or found[2])
