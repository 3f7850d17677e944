"""Checks of a plan through the deployed product: real processes on the simulator's instances (seed 004, case 1)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.local_stack.product import wave

if TYPE_CHECKING:
    from tools.local_stack.product import Product

STATEMENT = {
    "name": "bank-statement",
    "type": "DOCUMENT",
    "command": "status",
    "factors": {
        "f_revenue_monthly_avg": {"of": "revenue", "reducer": "mean"},
        "f_months_analyzed": {"of": "revenue", "reducer": "count"},
    },
}


def test_s4_4_a_check_over_three_servers_of_which_one_fails(product: Product) -> None:
    servers = product.servers(3)
    for server, revenue in ((servers[0], 10_000), (servers[2], 12_000)):
        answer = {"stdout": json.dumps({"factors": {"revenue": revenue}})}
        product.control.instance(server, commands={"status": answer})
    product.control.instance(servers[1], commands={"status": {"exitCode": 7, "stderr": "no statement"}})

    execution_id = product.run(wave("all", servers, checks=[STATEMENT]))
    execution = product.ended(execution_id, within=120)

    assert execution["status"] == "COMPLETED"
    factors = execution["factors"]
    assert (factors["f_revenue_monthly_avg"], factors["f_months_analyzed"]) == (11_000, 2)
    assert factors["launch"]["launched"] == 3
    (check,) = execution["checks"]
    assert (check["active"], check["succeeded"], check["failed"]) == (3, 2, 1)
    made = product.api.get(f"/executions/{execution_id}/checks")["items"]
    assert [(one["sourceServerId"], one["status"]) for one in made] == [
        (servers[0], "completed"),
        (servers[1], "failed"),
        (servers[2], "completed"),
    ]
    assert "no statement" in made[1]["reason"]
