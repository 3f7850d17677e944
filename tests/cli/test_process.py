"""The command as a process: its streams are closed, full or gone, and it is ended from outside."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.cli.fake_api import DRILL, FakeApi, execution
from tests.support.eventually import eventually

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "wavebreak_cli")


def _environment(**more: str) -> dict[str, str]:
    """Give what the command runs in; its output is buffered, as where Python is not told otherwise."""
    given = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**given, "PYTHONPATH": f"{ROOT / 'cli'}:{ROOT / 'lambda'}", **more}


def _shell(line: str, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a line of the shell in which `"$@"` is the command."""
    return subprocess.run(  # noqa: S603 - our own program
        ["/bin/bash", "-c", line, "-", *PROGRAM, *arguments],
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


ANSWERS = [["executions", "--json"], ["watch", DRILL], ["--version"]]


@pytest.fixture(autouse=True)
def _an_execution(api: FakeApi) -> None:
    api.readings[DRILL] = [execution("PARTIAL_SUCCESS", [])]
    api.listed["/executions"] = [execution("PARTIAL_SUCCESS", [])]


@pytest.mark.parametrize("arguments", ANSWERS, ids=" ".join)
def test_a_reader_that_went_away_is_141_and_no_noise(arguments: list[str]) -> None:
    done = _shell('{ "$@"; echo "code $?" >&2; } | true', arguments)
    assert done.stderr == "code 141\n"


@pytest.mark.parametrize("arguments", ANSWERS, ids=" ".join)
def test_a_full_disk_is_told_and_never_reads_as_an_outcome(arguments: list[str]) -> None:
    done = _shell('"$@" > /dev/full', arguments)
    assert done.returncode == 4
    assert done.stderr == "error: output cannot be written: No space left on device\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_closed_streams_never_read_as_an_outcome(closed: str) -> None:
    assert _shell(f'"$@" {closed}', ["watch", DRILL]).returncode == 2


def test_sigterm_is_143(api: FakeApi) -> None:
    api.readings[DRILL] = [execution("IN_PROGRESS", [])]
    with subprocess.Popen([*PROGRAM, "watch", DRILL], env=_environment(), stdout=subprocess.PIPE) as process:  # noqa: S603 - our own program
        eventually(lambda: api.requests, lambda requests: len(requests) >= 2, "it does not poll", seconds=20)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 143


def test_plans_on_standard_input_that_are_no_utf_8_are_refused() -> None:
    done = _shell(r"""printf 'name: \xff' | "$@" """, ["plan", "validate", "-"])
    assert done.returncode == 3
    assert "standard input:1: this is not UTF-8" in done.stderr
    assert "Traceback" not in done.stderr


def test_plans_on_standard_input_are_utf_8_wherever_they_are_read() -> None:
    plan = "planId: a\nname: Plän\nwaves: [{name: w, servers: [{sourceServerId: s-11111111111111111}]}]"
    done = _shell(f"""printf '{plan}' | PYTHONIOENCODING=latin-1 "$@" """, ["plan", "validate", "-", "--json"])
    assert done.returncode == 0
