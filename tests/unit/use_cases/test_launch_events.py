"""Launch events: whatever an event looks like, it keeps no other of its batch from being counted (T28)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from wavebreak.use_cases.reconcile_executions import servers_launched

ARN = "arn:aws:drs:us-east-1:123456789012:source-server/s-0123456789abcdef0"
WELL: dict[str, Any] = {"detail": {"job-id": "drsjob-1"}, "resources": [ARN]}


@pytest.mark.parametrize(
    "odd",
    [
        {"detail": [{"job-id": "drsjob-1"}], "resources": [ARN]},
        {"detail": "drsjob-1", "resources": [ARN]},
        {"detail": None, "resources": None},
        {"detail": {"job-id": "drsjob-2"}, "resources": {"arn": ARN}},
        {"detail": {"job-id": "drsjob-2"}, "resources": 5},
        {"detail": {"job-id": None}, "resources": [None, 7, {}]},
        {},
    ],
)
def test_t28_an_event_that_cannot_be_read_keeps_no_other_of_its_batch_from_being_counted(odd: dict[str, Any]) -> None:
    counted: list[tuple[str, set[str]]] = []

    def count_down(found: tuple[str, str], launched: set[str]) -> bool:
        counted.append((found[1], launched))
        return False

    store = SimpleNamespace(
        job_item=lambda job_id: ("EXEC#drill-1", job_id) if job_id == "drsjob-1" else None, count_down=count_down
    )
    app: Any = SimpleNamespace(executions=store, workflow=SimpleNamespace(wake=lambda *_: 1))
    assert servers_launched(app, [odd, WELL]) == 1
    assert counted == [("drsjob-1", {"s-0123456789abcdef0"})]
