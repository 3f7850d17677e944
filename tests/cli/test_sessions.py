"""Recorded sessions of operators, replayed at 80x24 and 140x40: what each screen shows, key by key.

The recordings are asciinema's (`asciinema play tests/cli/sessions/drill-80x24.cast`). They are written anew with
WAVEBREAK_WRITE_SNAPSHOTS=1 when what the command prints has changed on purpose.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from rich.live import Live
from tests.cli.fake_api import DRILL, RECOVERY, FakeApi, Json, execution, server, wave
from tests.cli.recorded_session import ADDRESS, Session
from tests.cli.screen import Screen
from tools.local_stack.first_minutes import example_servers, next_commands, next_lines, places

from wavebreak_cli.client.request import READ_SECONDS
from wavebreak_cli.views import live_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Clock

SESSIONS = Path(__file__).parent / "sessions"
ROOT = Path(__file__).parents[2]
WHOLE = ("$ ", "three-tier.yaml:", "  simulator")
"""What the terminal breaks, not the command: a line typed, faults as editors read them, a line of `make up`."""
SIZES = [(80, 24), (140, 40)]
PLAN = """\
planId: three-tier
name: 3TierRecoveryPlan
waves:
  - name: database
    servers: [{sourceServerId: s-00000000000000001}, {sourceServerId: s-00000000000000002}]
  - name: application
    requiresApproval: true
    onFailure: ASK
    servers: [{sourceServerId: s-00000000000000003}, {sourceServerId: s-00000000000000004}]
  - name: web
    servers: [{sourceServerId: s-00000000000000005}]
"""
NAMES = ("db-1", "db-2", "app-1", "app-2", "web-1")


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def session(
    request: pytest.FixtureRequest,
    api: FakeApi,
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Session:
    """Sit down at a terminal of each size; its live views draw when they are told to, not by themselves."""
    made = Session(api, clock, tmp_path, request.param)
    by_hand = functools.partial(Live, auto_refresh=False)

    def live(**settings: Any) -> Live:
        made.lives.append(by_hand(**{**settings, "console": made.console}))
        return made.lives[-1]

    sent = httpx.Client.send

    def send(client: httpx.Client, asked: httpx.Request, **settings: Any) -> httpx.Response:
        made.hold(asked)
        return sent(client, asked, **settings)

    monkeypatch.setenv("PATH", str(tmp_path))  # `wavebreak` is found nowhere, as in a fresh checkout
    monkeypatch.setattr(httpx.Client, "send", send)
    monkeypatch.setattr(live_view, "Live", live)
    monkeypatch.chdir(tmp_path)
    return made


def waves(*statuses: str, launched: tuple[int, ...] = (), failed: tuple[int, ...] = ()) -> list[Json]:
    """Make the three waves: their statuses, and which of their servers (1 to 5) launched or failed."""
    members = {1: (1, 2), 2: (3, 4), 3: (5,)}
    made = []
    for number, (name, status) in enumerate(zip(("database", "application", "web"), statuses, strict=True), start=1):
        idle = "IN_PROGRESS" if status == "IN_PROGRESS" else "PENDING"
        words = {n: "LAUNCHED" if n in launched else "FAILED" if n in failed else idle for n in members[number]}
        servers = [
            server(n, word, name=NAMES[n - 1], error="no capacity" if word == "FAILED" else None)
            for n, word in words.items()
        ]
        error = "1 CRITICAL server did not launch" if status == "FAILED" else None
        made.append(wave(number, name, status, servers, error=error))
    return made


FIRST = waves("IN_PROGRESS", "NOT_STARTED", "NOT_STARTED")
ASKS = waves("COMPLETED", "AWAITING_APPROVAL", "NOT_STARTED", launched=(1, 2))
ASKS[1]["approval"] = {
    **dict.fromkeys(("by", "at", "reason", "notBy")),
    "askedAt": "2026-11-21T12:03:06.000Z",
    "dueAt": "2026-11-21T13:03:06.000Z",
    "then": "REMIND",
}
RTO = {"recovery_time": {"objectiveSeconds": 3600, "achievedSeconds": None, "met": None}}
FAILS = waves("COMPLETED", "FAILED", "NOT_STARTED", launched=(1, 2, 3), failed=(4,))
AGAIN = waves("COMPLETED", "IN_PROGRESS", "NOT_STARTED", launched=(1, 2, 3))
LAST = waves("COMPLETED", "COMPLETED", "IN_PROGRESS", launched=(1, 2, 3, 4))
DONE = waves("COMPLETED", "COMPLETED", "COMPLETED", launched=(1, 2, 3, 4, 5))


def first_minutes(session: Session) -> None:
    """Bring the local stack up and do what it and the README say; then write a plan of one's own and store it."""
    api = session.api
    own = {"apiUrl": api.url, "endpointUrl": "http://127.0.0.1:4566", "simulatorUrl": "http://127.0.0.1:4567"}
    output = places(own, Path("/srv/wavebreak/.local/stack.json"), 2026, len(list(example_servers())))
    session.recorder.write("\n".join(("$ make up", "The local stack is up (21.4 s).", *output, *next_lines())) + "\n\n")
    shutil.copytree(ROOT / "examples", session.directory / "examples")
    typed = re.search(r"^make up\n.*?^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert typed
    lines = [line for line in typed[0].splitlines() if line.startswith("wavebreak ")]
    assert lines == [f"wavebreak {line.partition(' ')[2]}" for line in next_commands()[: len(lines)]]
    api.answers["PUT", "/plans/three-tier"] = (201, {"plan": {}, "version": 1})
    api.answers["POST", "/drills"] = (202, execution("PENDING", []))
    running = [execution("IN_PROGRESS", found) for found in (FIRST, AGAIN, LAST)]
    api.readings[DRILL] = [*running, execution("COMPLETED", DONE)]
    assert [session.run(line) for line in lines] == [0, 0]
    session.sees("✓ COMPLETED", f"  wavebreak terminate {DRILL}")
    api.listed["/plans"] = []
    assert session.run("wavebreak plan list") == 0
    session.sees("no plans: make one with wavebreak plan apply FILE")
    assert session.run("wavebreak plan new shop") == 0
    assert session.run("wavebreak plan validate shop.yaml") == 0
    (session.directory / "three-tier.yaml").write_text(PLAN.replace("onFailure: ASK", "onFailure: AKS"))
    assert session.run("wavebreak plan validate three-tier.yaml") == 3
    session.sees("three-tier.yaml:8: /waves/1/onFailure: must be STOP, CONTINUE or ASK, not", "did you mean ASK?")
    (session.directory / "three-tier.yaml").write_text(PLAN)
    assert session.run("wavebreak plan apply three-tier.yaml") == 0
    session.sees("✓ three-tier stored as version 1")
    assert session.run("wavebreak run three-tier --mode drill") == 0
    session.sees("✓ started DRILL", f"  wavebreak watch {DRILL}")


def drill(session: Session) -> None:
    """Follow a drill; at a second terminal its wave is approved, and tried again when it fails and asks."""
    api, second = session.api, session.another()
    api.listed["/executions"] = [{"executionId": DRILL}]
    for verb in ("approve", "retry"):
        api.answers["POST", f"/executions/{DRILL}/waves/2/{verb}"] = (202, execution("IN_PROGRESS", AGAIN))

    def approve() -> None:
        session.sees("WAITING FOR YOU: approve or reject wave 2 application (since 12:03:06Z", "RTO 1h 0m: 56m left")
        session.sees(f"  wavebreak approve {DRILL} 2")
        assert second.run("wavebreak approve latest application") == 0
        second.sees(f"({DRILL})", "✓ approve accepted")

    def retry() -> None:
        session.sees("WAITING FOR YOU: retry, skip or cancel: wave 2", "app-2 s-0")
        assert second.run(f"wavebreak retry {DRILL} 2") == 0
        second.sees("✓ retry accepted, now IN PROGRESS")

    asks = execution("IN_PROGRESS", ASKS, factors=RTO)
    failed = execution("PAUSED", FAILS, pausedBy=["FAILURE"])
    api.readings[DRILL] = [
        execution("IN_PROGRESS", FIRST, factors=RTO),
        asks,
        session.meanwhile(approve, asks),
        asks,  # what approve reads to know the wave by its name
        execution("IN_PROGRESS", AGAIN),
        failed,
        session.meanwhile(retry, failed),
        execution("IN_PROGRESS", AGAIN),
        execution("IN_PROGRESS", LAST),
        execution("COMPLETED", DONE),
    ]
    assert session.run("wavebreak watch latest") == 0
    session.sees("✓ COMPLETED", f"wavebreak terminate {DRILL}")
    steered = [request.path for request in api.requests if request.method == "POST"]
    assert steered == [f"/executions/{DRILL}/waves/2/{verb}" for verb in ("approve", "retry")]


def cancel(session: Session) -> None:
    """Cancel a drill with its instances, and see how the termination goes."""
    api = session.api
    said = {"actor": "ana", "at": "2026-11-21T12:03:05Z", "reason": "mistaken", "then": "TERMINATE"}
    cancelling = execution("CANCELLING", FIRST, cancel=said)
    api.answers["POST", f"/executions/{DRILL}/cancel"] = (202, cancelling)
    assert session.run(f"wavebreak cancel {DRILL} --then terminate --reason mistaken") == 0
    session.sees("✓ cancel accepted, now CANCELLING")
    api.readings[DRILL] = [cancelling]
    assert session.run(f"wavebreak show {DRILL}") == 0
    session.sees("Cancelled by: ana at 2026-11-21 12:03:05Z, then its instances are terminated")
    ended = waves("CANCELLED", "CANCELLED", "CANCELLED", launched=(1, 2))
    steps: list[Json] = [{"status": "IN_PROGRESS", "terminated": n, "remaining": []} for n in (0, 1)]
    over = {"status": "COMPLETED", "terminated": 2, "remaining": [], "unknown": []}
    api.answers["POST", f"/executions/{DRILL}/terminate"] = (202, execution("CANCELLED", ended, termination=steps[0]))
    api.readings[DRILL] = [execution("CANCELLED", ended, termination=step) for step in (*steps, over)]
    assert session.run(f"wavebreak terminate {DRILL} --watch") == 0
    session.sees("Termination: COMPLETED (2 terminated)")


def recovery(session: Session) -> None:
    """Start a recovery while the servers of an earlier one run: say no once, then go on."""
    api = session.api
    live = execution("COMPLETED", DONE, executionId=RECOVERY, mode="RECOVERY", instancesLeft=5)
    api.listed["/executions"] = [{"executionId": RECOVERY, "instancesLeft": 5}]
    api.readings[RECOVERY] = [live]
    named = {f"s-{number:017}": name for number, name in enumerate(NAMES, start=1)}
    plan = {
        "planId": "three-tier",
        "name": "3TierRecoveryPlan",
        "waves": [{"name": "all", "servers": [{"sourceServerId": one} for one in named]}],
    }
    api.answers["GET", "/plans/three-tier"] = (200, {"plan": plan, "version": 4})
    api.answers["POST", "/plans/three-tier/validate"] = (200, {"ready": True, "checks": [], "names": named})
    session.typed = ["y", "three-tier"]
    assert session.run("wavebreak run three-tier --mode recovery") == 3
    session.sees(" RECOVERY  three-tier", "THEY WILL BE ENDED", "'y' is not three-tier, nothing was started")
    assert not [request for request in api.requests if request.path == "/recoveries"]
    newer = RECOVERY.replace("aa", "bb")
    began = execution("PENDING", FIRST, executionId=newer, mode="RECOVERY")
    api.answers["POST", "/recoveries"] = (202, began)
    api.readings[newer] = [began, {**began, **execution("COMPLETED", DONE, executionId=newer, mode="RECOVERY")}]
    assert session.run("wavebreak run three-tier --mode recovery --watch") == 0
    session.sees(f"  wavebreak show {newer} --servers")
    assert "--confirm" not in "\n".join(session.screen.rows)
    order = [row for row in session.screen.shown if row.startswith("  wavebreak")]
    assert "terminate" in order[-1], "the end of recovered servers is the last suggestion"


def frozen(session: Session) -> None:
    """Watch while the API freezes for a minute: the picture says since when it is old, and goes on by itself."""
    running = execution("IN_PROGRESS", FIRST)

    def freezes() -> None:
        session.frozen_until = session.clock.at + timedelta(seconds=60)

    def back() -> None:
        assert "no answer" not in "\n".join(session.screen.shown), "one answer, and nothing is old"

    done = execution("COMPLETED", DONE)
    session.api.readings[DRILL] = [running, session.meanwhile(freezes, running), running, session.meanwhile(back, done)]
    assert session.run(f"wavebreak watch {DRILL}") == 0
    session.sees("✓ COMPLETED")
    assert READ_SECONDS == 8
    assert 4 <= len(session.pictures) <= 7, "each reading is waited for 8 seconds, as the command is configured"
    for picture in session.pictures:
        assert "no answer for " in picture
    assert "no answer for 8s" in session.pictures[0]
    stood = {tuple(row for row in picture.splitlines() if "no answer" not in row) for picture in session.pictures}
    assert len(stood) == 1, "no clock moves while what is shown is old"
    assert "⟳ IN PROGRESS  3m 05s" in "\n".join(*stood)


@pytest.mark.parametrize(
    "play", [first_minutes, drill, cancel, recovery, frozen], ids=lambda play: play.__name__.replace("_", "-")
)
def test_a_session_shows_what_was_recorded_and_fits_the_terminal(
    session: Session, play: Callable[[Session], None]
) -> None:
    play(session)
    assert session.broken == []
    name = play.__name__.replace("_", "-")
    for terminal, suffix in ((session, ""), *((other, "-second-terminal") for other in session.others)):
        assert [row for row in terminal.screen.too_wide if not row.startswith(WHOLE)] == []
        _as_recorded(terminal, f"{name}{suffix}")


def _as_recorded(session: Session, name: str) -> None:
    """Fail unless a terminal showed what was recorded, and shows it again when the recording is replayed."""
    width, height = session.size
    file = SESSIONS / f"{name}-{width}x{height}.cast"
    if os.environ.get("WAVEBREAK_WRITE_SNAPSHOTS"):
        SESSIONS.mkdir(exist_ok=True)
        file.write_text(session.recording(), encoding="utf-8")
    assert session.recording() == file.read_text(encoding="utf-8")
    replayed = Screen(width, height)
    for line in file.read_text(encoding="utf-8").splitlines()[1:]:
        replayed.write(json.loads(line)[2].replace("\r\n", "\n"))
    address = session.api.url
    assert replayed.shown == [row.replace(address, ADDRESS) for row in session.screen.shown]
