"""What a shell completes, asked as a shell asks."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.fake_api import DRILL, RECOVERY, FakeApi, execution, wave

ROOT = Path(__file__).parents[2]
WAVES = [wave(1, "database", "COMPLETED", []), wave(2, "app tier", "NOT_STARTED", []), wave(3, "7", "NOT_STARTED", [])]


def completed(line: str) -> list[str]:
    """Press Tab behind a line in bash."""
    asked = {
        "_WAVEBREAK_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
        "PYTHONPATH": f"{ROOT / 'cli'}:{ROOT / 'lambda'}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "wavebreak_cli"], env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture
def known(api: FakeApi) -> FakeApi:
    """Know a drill and a recovery."""
    api.listed["/executions"] = [{"executionId": RECOVERY}, {"executionId": DRILL}]
    api.readings[DRILL] = [execution("PAUSED", WAVES)]
    api.readings[RECOVERY] = [execution("PAUSED", WAVES[:1], executionId=RECOVERY)]
    return api


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("wavebreak show ", ["latest", RECOVERY, DRILL]),
        ("wavebreak show la", ["latest"]),
        ("wavebreak report ", ["verify", "latest", RECOVERY, DRILL]),
        ("wavebreak report rec", [RECOVERY]),
        (f"wavebreak approve {DRILL} ", ["database", "2", "3"]),
        (f"wavebreak retry {DRILL[:8]} d", ["database"]),
        ("wavebreak skip latest ", ["database"]),
        ("wavebreak approve nothing ", []),
        ("wavebreak command ", ["query", "watch", "fix-config", "status", "start", "stop", "uninstall"]),
        ("wavebreak command st", ["status", "start", "stop"]),
        ("wavebreak errors --execution dr", [DRILL]),
    ],
)
@pytest.mark.usefixtures("known")
def test_f16_what_is_typed_is_completed(line: str, words: list[str]) -> None:
    assert sorted(completed(line)) == sorted(words)


def test_f16_a_frozen_api_keeps_nobody_waiting_who_presses_tab(known: FakeApi) -> None:
    known.delay = 20
    begin = time.monotonic()
    assert completed("wavebreak show ") == ["latest"]
    assert time.monotonic() - begin < 8, "one second of patience beside the start of the program"
    assert [request.path for request in known.requests] == ["/executions"]
