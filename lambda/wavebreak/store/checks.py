"""Check executions in the table: one item each, beside their execution, idempotent to write.

They sort before the items that a round reads. The attempt of the check in its wave decides whether one is superseded,
so that a retry supersedes all of them in its own write.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.checks.statuses import CheckOutcomeStatus
from wavebreak.store import keys
from wavebreak.store.answer_sizes import room_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wavebreak.store.table import Item, Table

_AT_A_TIME: Final = 100
"""Items that are held before they are written: a check may be over thousands of servers. Each has 12 KB at most."""


class CheckStore:
    """The check executions of executions."""

    def __init__(self, table: Table) -> None:
        """Keep the table."""
        self.table = table

    def put(self, execution_id: str, turn: tuple[int, int, int], made: Iterable[Mapping[str, Any]]) -> None:
        """Write the check executions of one run of a check; the same ones again change nothing.

        `turn` is the wave that lists the check, its position there, and the run.
        """
        records = (_record(execution_id, turn, number, each) for number, each in enumerate(made, start=1))
        while batch := list(islice(records, _AT_A_TIME)):
            self.table.put_many(batch)

    def all(self, execution_id: str, runs: Mapping[tuple[int, int], int]) -> list[Item]:
        """Read every check execution of an execution, in one query, those of an earlier run as superseded."""
        end = f"{keys.CHECK_PREFIX}~"
        items = self.table.query(keys.execution(execution_id), sk_from=keys.CHECK_PREFIX, sk_to=end)
        return [_shown(item, runs) for item in items]

    def page(
        self, execution_id: str, runs: Mapping[tuple[int, int], int], *, limit: int, token: str | None
    ) -> tuple[list[Item], str | None]:
        """List check executions, in the order of waves, checks, runs and targets."""
        query = {
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
            "ExpressionAttributeValues": {
                ":pk": {"S": keys.execution(execution_id)},
                ":prefix": {"S": keys.CHECK_PREFIX},
            },
            "ConsistentRead": True,
        }
        fits = room_for(lambda item: _shown(item, runs))
        items, rest = self.table.page(query, limit=limit, token=token, fits=fits)
        return [_shown(item, runs) for item in items], rest


def _record(execution_id: str, turn: tuple[int, int, int], number: int, made: Mapping[str, Any]) -> Item:
    # As text: the table has no floating point numbers, and no query reads a part of it.
    text = json.dumps(made, separators=(",", ":"), ensure_ascii=False)
    wave, position, run = turn
    found = {"pk": keys.execution(execution_id), "sk": keys.check(wave, position, run, number)}
    return {**found, "wave": wave, "position": position, "run": run, "check": text}


def _shown(item: Mapping[str, Any], runs: Mapping[tuple[int, int], int]) -> Item:
    shown: Item = json.loads(item["check"])
    counting = runs.get((int(item["wave"]), int(item["position"])))
    if counting is None or int(item["run"]) < counting:
        shown["status"] = CheckOutcomeStatus.SUPERSEDED.value
    return shown
