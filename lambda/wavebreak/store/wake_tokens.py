"""Wake tokens: how a sleeping state machine is woken, and how it is kept from sleeping through a wake.

The machine sleeps by writing its task token under the condition that the mark is the one its last look read. A wake
counts the mark up and claims the token in one write, so that a wake before, during or after that write is never lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.store import keys
from wavebreak.timing import iso, parse_iso
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wavebreak.store.table import Item, Table


class Token(Value):
    """A machine's mark, which of its runs is the present one, and when it was last known to be alive."""

    mark: int = 0
    run: int = 1
    heartbeat_at: datetime | None = None
    last_seen_at: datetime | None = None
    """When DRS last reported all that was in flight; None where nothing was, or before the first sleep."""


def new_token(execution_id: str, sort_key: str) -> Item:
    """Return the item of a machine that has not started."""
    return {"pk": keys.execution(execution_id), "sk": sort_key, "mark": 0, "run": 1}


def read_token(item: Mapping[str, Any] | None) -> Token:
    """Read a TOKEN item; a missing one is that of a machine that was never started."""
    if item is None:
        return Token(run=0)
    heartbeat, seen = (parse_iso(at) if (at := item.get(name)) else None for name in ("heartbeatAt", "lastSeenAt"))
    return Token(int(item.get("mark", 0)), int(item.get("run", 1)), heartbeat, seen)


class WakeStore:
    """The TOKEN items of executions."""

    def __init__(self, table: Table) -> None:
        """Keep the table."""
        self.table = table

    def claim(self, execution_id: str, sort_key: str) -> str | None:
        """Count the mark up and take the task token away in one write; return the token if the machine slept."""
        answer = self._update(execution_id, sort_key, "ADD mark :one REMOVE #token", {":one": 1}, old=True)
        return answer.get("token") if answer else None

    def mark_of(self, execution_id: str, sort_key: str) -> int:
        """Return the present mark: one that was counted up since it was read means something new to see."""
        return read_token(self.table.get(keys.execution(execution_id), sort_key)).mark

    def leave_directive(self, execution_id: str, sort_key: str, now: datetime) -> None:
        """Count the mark up so that the machine does not sleep but acts, and tell that it is alive."""
        self._update(
            execution_id,
            sort_key,
            "ADD mark :one SET heartbeatAt = :now REMOVE #token",
            {":one": 1, ":now": iso(now)},
        )

    def next_run(self, execution_id: str, sort_key: str, known_run: int, now: datetime) -> bool:
        """Make the next run the present one, unless another already did; its heartbeat starts now."""
        condition = "#run = :known" if known_run else "attribute_not_exists(#run)"
        values: dict[str, Any] = {":next": known_run + 1, ":one": 1, ":now": iso(now)}
        if known_run:
            values[":known"] = known_run
        answer = self._update(
            execution_id,
            sort_key,
            "SET #run = :next, heartbeatAt = :now ADD mark :one REMOVE #token",
            values,
            condition=condition,
        )
        return answer is not None

    def _update(
        self,
        execution_id: str,
        sort_key: str,
        expression: str,
        values: Mapping[str, Any],
        *,
        condition: str = "attribute_exists(pk)",
        old: bool = False,
    ) -> Item | None:
        """Update a TOKEN item; None when its condition does not hold."""
        text = f"{expression} {condition}"
        names = {name: name[1:] for name in ("#token", "#run") if name in text}
        return self.table.update_if(
            (keys.execution(execution_id), sort_key),
            expression,
            values,
            condition=condition,
            names=names,
            returned="ALL_OLD" if old else "NONE",
        )
