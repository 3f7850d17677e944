"""Whether plans are ready, on the command line (contract 9 and 13)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.cli.conftest import Terminal
    from tests.cli.fake_api import FakeApi

FAILED: dict[str, Any] = {
    "checkedAt": "2026-11-21T22:00:00.000Z",
    "ready": False,
    "failing": [{"check": "replication", "subject": "s-2", "message": "replication is stalled (STALLED)"}],
    "planVersion": 2,
}
WELL: dict[str, Any] = {"checkedAt": "2026-11-21T21:30:00.000Z", "ready": True, "failing": [], "planVersion": 1}
STORED: dict[str, Any] = {"plan": {"planId": "p", "name": "P", "waves": []}, "version": 2, "updatedAt": None}


def test_9_readiness_shows_what_the_checks_found_newest_first(api: FakeApi, wavebreak: Terminal) -> None:
    api.listed["/plans/p/readiness"] = [FAILED, WELL]
    wavebreak.width = 200
    lines = wavebreak("plan", "readiness", "p").out.splitlines()
    assert "2026-11-21 22:00:00" in lines[0]
    assert "version 2  ✗ not ready" in lines[0]
    assert lines[1].strip() == "replication s-2: replication is stalled (STALLED)"
    assert "version 1  ✓ ready" in lines[2]
    assert wavebreak("plan", "readiness", "p", "--limit", "1").out.count("version") == 1
    assert json.loads(wavebreak("plan", "readiness", "p", "--json").out) == {"items": [FAILED, WELL], "nextToken": None}
    api.listed["/plans/p/readiness"] = []
    assert "not checked yet" in wavebreak("plan", "readiness", "p").out


def test_9_plans_show_whether_they_are_ready(api: FakeApi, wavebreak: Terminal) -> None:
    wavebreak.width = 200
    for readiness, word in ((FAILED, "✗ not ready"), (WELL, "✓ ready"), (None, "not checked yet")):
        api.listed["/plans"] = [STORED | {"readiness": readiness}]
        api.answers["GET", "/plans/p"] = (200, STORED | {"readiness": readiness})
        assert word in wavebreak("plan", "list").out
        shown = wavebreak("plan", "show", "p").out
        assert (word in shown) is (readiness is not None)
        assert ("STALLED" in shown) is (readiness is FAILED)
