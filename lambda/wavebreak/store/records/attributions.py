"""Words of people, read back from items. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.timing import parse_iso

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_attribution(record: Mapping[str, Any] | None) -> Attribution | None:
    """Read back the person, time and reason of a request; None where there is none."""
    return Attribution(record["actor"], parse_iso(record["at"]), record.get("reason")) if record else None
