"""The log of a DRS job as it is kept with an execution: what a report is made of, small and within bounds.

DRS writes about ten items for a server. Should it write many more, those of a server that say the same are kept once
from each end; the words of failures are cut before anything else is.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.errors.masking import masked_text
from wavebreak.domain.executions.kept_words import LONGEST, kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_ITEMS: Final = 4_000
"""Items beyond which those are left out that say of a server what an earlier and a later one say."""
MOST_CHARACTERS: Final = 350_000
"""Of the 400 KB that an item of the table may have."""
_DATA: Final = ("sourceServerID", "targetInstanceID", "conversionServerID")


def packed(items: Sequence[Mapping[str, Any]]) -> str:
    """Write the items of a log as one text of at most 350,000 characters."""
    chosen = _within_bounds(items)
    for longest in (LONGEST, LONGEST // 4, 0):
        entries = [_entry(item, longest) for item in chosen]
        text = packed_text(entries)
        if len(text) <= MOST_CHARACTERS:
            break
    return text


def unpacked(text: str) -> list[dict[str, Any]]:
    """Read the items of a log, as DRS gave them but for what was not kept."""
    items: list[dict[str, Any]] = unpacked_text(text)
    return items


def packed_text(content: Any) -> str:
    """Write plain JSON as a short text."""
    return base64.b64encode(zlib.compress(json.dumps(content, separators=(",", ":")).encode(), 9)).decode()


def unpacked_text(text: str) -> Any:
    """Read what `packed_text` wrote."""
    return json.loads(zlib.decompress(base64.b64decode(text)))


def _within_bounds(items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    if len(items) <= MOST_ITEMS:
        return list(items)
    ordered = sorted(items, key=lambda item: str(item.get("logDateTime")))
    first = {_about(item): position for position, item in reversed(list(enumerate(ordered)))}
    last = {_about(item): position for position, item in enumerate(ordered)}
    return [ordered[position] for position in sorted({*first.values(), *last.values()})][:MOST_ITEMS]


def _about(item: Mapping[str, Any]) -> tuple[str, str]:
    return str(item.get("event")), str((item.get("eventData") or {}).get("sourceServerID"))


def _entry(item: Mapping[str, Any], longest: int) -> dict[str, Any]:
    data = item.get("eventData") or {}
    kept_data = {name: data[name] for name in _DATA if data.get(name)}
    if longest and data.get("rawError"):
        kept_data["rawError"] = kept(masked_text(str(data["rawError"])), longest=longest)
    taken = (data.get("conversionProperties") or {}).get("dataTimestamp")
    if taken:
        kept_data["conversionProperties"] = {"dataTimestamp": taken}
    entry = {"logDateTime": item.get("logDateTime"), "event": item.get("event")}
    return {**entry, "eventData": kept_data} if kept_data else entry


def all_unpacked(logs: Iterable[tuple[str, str]]) -> dict[str, list[dict[str, Any]]]:
    """Read logs by their jobs' ids."""
    return {job_id: unpacked(text) for job_id, text in logs}
