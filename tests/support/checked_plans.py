"""Plans with checks, and what their executions came to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.commands import Commands
    from tests.support.stack import Stack


Json = dict[str, Any]


STATEMENT: Json = {
    "name": "bank-statement",
    "type": "DOCUMENT",
    "command": "status",
    "factors": {
        "f_revenue_monthly_avg": {"of": "revenue", "reducer": "mean"},
        "f_months_analyzed": {"of": "revenue", "reducer": "count"},
    },
}


CREDIT: Json = {
    "name": "credit-check",
    "type": "APPLICATION",
    "command": "query",
    "factors": {"f_credit_score": {"of": "score", "reducer": "latest"}},
}


def prints(commands: Commands, number: int, command: str = "status", **factors: Any) -> None:
    commands.answers(number, command, stdout=json.dumps({"factors": factors}))


def own(execution: Json) -> Json:
    return {name: value for name, value in execution["factors"].items() if name.startswith("f_")}


def executions_of(stack: Stack, started: str) -> list[Json]:
    answer = stack.api("GET", f"/executions/{started}/checks", query={"limit": "1000"})
    assert answer.status == 200, answer
    items: list[Json] = answer.json["items"]
    return items
