"""A machine hands over to a successor before its history grows large: here after five rounds, else a thousand."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.e2e.trail import paths, verified_trail
from tools.local_stack.product import Product, chain, launch_jobs

LIMIT = 5
A_WAVE = 3
"""Rounds that a wave counts for which is started: its task writes events too."""
HANDOVER = timedelta(seconds=2)
"""A run that has started its successor has nothing left to do but to end."""


def runs_of(product: Product, execution_id: str) -> list[dict[str, Any]]:
    """Describe the recovery machine's runs of an execution, in the order in which they were started."""
    arn = product.description["stateMachineArns"]["recovery"]
    pages = product.aws("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=arn)
    runs = [run for page in pages for run in page["executions"] if run["name"].startswith(execution_id)]
    return sorted(runs, key=lambda run: run["startDate"])


def states_of(product: Product, run: dict[str, Any]) -> list[tuple[str, datetime]]:
    """Name the states that a run entered, each with its moment."""
    pages = product.aws("stepfunctions").get_paginator("get_execution_history")
    events = [event for page in pages.paginate(executionArn=run["executionArn"]) for event in page["events"]]
    return [
        (event["stateEnteredEventDetails"]["name"], event["timestamp"])
        for event in events
        if "stateEnteredEventDetails" in event
    ]


def test_an_execution_runs_through_several_successors_and_ends_right(special_product: Product) -> None:
    product = special_product
    groups = [product.servers(2, launchSeconds=250) for _ in range(3)]
    execution_id = product.run(*chain(*groups))

    after = product.ended(execution_id, within=90)

    assert (after["status"], after["completedWaves"]) == ("COMPLETED", 3)
    everything = [name for names in groups for name in names]
    assert [len(jobs) for jobs in launch_jobs(product, everything)] == [1] * len(everything)
    reported = paths(verified_trail(product, execution_id))
    assert reported["execution"] == [None, "PENDING", "IN_PROGRESS", "COMPLETED"]

    product.seen(execution_id, lambda _: all(run["status"] != "RUNNING" for run in runs_of(product, execution_id)))
    runs = runs_of(product, execution_id)
    assert len(runs) >= 3
    successors = [f"{execution_id}-r{number}" for number in range(2, len(runs) + 1)]
    assert [run["name"] for run in runs] == [execution_id, *successors]
    assert {run["status"] for run in runs} == {"SUCCEEDED"}

    histories = [states_of(product, run) for run in runs]
    for history in histories[:-1]:
        names = [name for name, _ in history]
        assert names[-2:] == ["Renew", "StandDown"]
        assert names.count("Observe") + A_WAVE * names.count("StartWaves") >= LIMIT, "one wave is started at a time"
    assert histories[-1][-1][0] == "Done"
    for (earlier, before), (later, following) in pairwise(zip(runs, histories, strict=True)):
        reads_made = [at for name, at in before if name == "Observe"]
        assert max(reads_made) < following[0][1], "two runs drove the execution at a time"
        assert earlier["stopDate"] - later["startDate"] < HANDOVER
