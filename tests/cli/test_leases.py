"""Leases of drills on the command line (contract 9 and 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.cli.fake_api import DRILL

if TYPE_CHECKING:
    from tests.cli.conftest import Terminal
    from tests.cli.fake_api import FakeApi


def test_9_extend_asks_for_minutes_and_says_until_when(api: FakeApi, wavebreak: Terminal) -> None:
    path = f"/executions/{DRILL}/lease"
    api.answers["POST", path] = (202, {"lease": {"minutes": 600, "expiresAt": "2026-11-21T22:00:00.000Z"}})
    wavebreak.width = 200
    outcome = wavebreak("extend", DRILL, "600", "--reason", "auditors")
    assert outcome.exit_code == 0
    assert "2026-11-21 22:00:00" in outcome.out
    assert api.requests[-1].body == {"minutes": 600, "reason": "auditors"}
    api.answers["POST", path] = (202, {"lease": {"minutes": 600, "expiresAt": None}})
    assert "600 minute(s) after its end" in wavebreak("extend", DRILL, "600").out


def test_9_a_drill_takes_minutes_at_its_start_and_a_recovery_none(api: FakeApi, wavebreak: Terminal) -> None:
    api.answers["POST", "/drills"] = (202, {"executionId": DRILL})
    assert wavebreak("run", "three-tier", "--mode", "drill", "--terminate-after", "240").exit_code == 0
    assert api.requests[-1].body == {"planId": "three-tier", "terminateAfterMinutes": 240}
    recovery = ("run", "three-tier", "--mode", "recovery", "--confirm", "three-tier")
    refused = wavebreak(*recovery, "--terminate-after", "240")
    assert (refused.exit_code, len(api.requests)) == (3, 1)
    assert "is for a drill" in refused.err


@pytest.mark.parametrize("named", ["latest", "drill", DRILL[:-1]])
def test_f16_extend_takes_an_execution_by_its_beginning_or_as_the_latest(
    api: FakeApi, wavebreak: Terminal, named: str
) -> None:
    api.listed["/executions"] = [{"executionId": DRILL}]
    api.answers["POST", f"/executions/{DRILL}/lease"] = (202, {"lease": {"minutes": 60, "expiresAt": None}})
    outcome = wavebreak("extend", named, "60")
    assert outcome.exit_code == 0
    assert f"({DRILL})" in outcome.err
    assert f"the instances of {DRILL} stay" in outcome.out


@pytest.mark.parametrize(
    ("expires", "asked", "shown"),
    [
        ("2026-11-21T22:00:00.000Z", "NOT_REQUESTED", "Lease: until 2026-11-21 22:00:00"),
        (None, "NOT_REQUESTED", "Lease: 240 minute(s) from its end on"),
        ("2026-11-21T22:00:00.000Z", "IN_PROGRESS", None),
    ],
)
def test_9_the_card_shows_how_long_instances_stay(
    api: FakeApi, wavebreak: Terminal, expires: str | None, asked: str, shown: str | None
) -> None:
    lease = {"minutes": 240, "expiresAt": expires}
    document = {"executionId": DRILL, "mode": "DRILL", "status": "COMPLETED", "waves": [], "lease": lease}
    api.answers["GET", f"/executions/{DRILL}"] = (200, document | {"termination": {"status": asked}})
    out = wavebreak("show", DRILL).out
    assert (shown in out) if shown else ("Lease" not in out)


def test_9_a_plan_shows_its_lease_and_its_schedule_and_what_is_in_the_way(api: FakeApi, wavebreak: Terminal) -> None:
    schedule = {"expression": "cron(0 6 ? * SUN *)", "timezone": "Europe/Berlin"}
    content = {"planId": "p", "name": "P", "waves": [], "drill": {"terminateAfterMinutes": 240, "schedule": schedule}}
    stored = {"plan": content, "version": 1, "updatedAt": "2026-11-21T22:00:00.000Z"}
    api.answers["GET", "/plans/p"] = (200, stored | {"schedule": {"state": "ACTIVE", "error": None}})
    shown = wavebreak("plan", "show", "p").out
    assert "instances stay 240 minute(s)" in shown
    assert "cron(0 6 ? * SUN *) in Europe/Berlin" in shown
    assert "not kept yet" not in shown
    api.answers["GET", "/plans/p"] = (200, stored | {"schedule": {"state": "PENDING", "error": "Throttled: wait"}})
    assert "not kept yet: Throttled: wait" in wavebreak("plan", "show", "p").out
