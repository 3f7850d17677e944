"""Circuits shared between real processes through their table, as functions share them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from tests.support.blueprint import REGION, Blueprint
from tests.support.dynamodb_server import dynamodb_server
from tests.support.eventually import eventually
from tools.template import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUICK = "0.04"
"""The time scale at which a circuit of DRS stays open for two seconds."""
WINDOW_SECONDS = 2


class Caller:
    """A process of `caller.py`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def tell(self, reported: str) -> None:
        """Have it call; the answer is read later."""
        assert self.process.stdin is not None
        self.process.stdin.write(reported + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        """Wait for the answer; empty when the process is gone."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def __call__(self, reported: str) -> str:
        """Have it call, and give the answer."""
        self.tell(reported)
        return self.answer()


@pytest.fixture
def callers() -> Iterator[Callable[[str], Caller]]:
    """Start processes with a time scale; all share the breakers' table of the template."""
    tables = {table["TableName"]: table for table in Blueprint({}).tables()}
    name = "wavebreak-BreakerTable"
    with ExitStack() as running:
        address = running.enter_context(dynamodb_server(tables[name]))

        def start(scale: str) -> Caller:
            environment = {
                "PATH": os.defpath,
                "PYTHONPATH": str(ROOT / "lambda"),
                "AWS_REGION": REGION,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_ENDPOINT_URL_DYNAMODB": address,
                "TABLE_NAME": "unused",
                "BREAKER_TABLE_NAME": name,
                "TIME_SCALE": scale,
            }
            command = [sys.executable, str(ROOT / "tests" / "support" / "circuit_caller.py")]
            process = running.enter_context(
                subprocess.Popen(  # noqa: S603  our own program
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
                )
            )
            return Caller(process)

        yield start


def waited_for(wanted: str, ask: Callable[[], str], seconds: float) -> float:
    """Ask until the answer is as wanted and tell how long that took; fails when it takes longer than allowed."""
    begin = time.monotonic()
    eventually(ask, wanted.__eq__, f"not {wanted} within {seconds} s", seconds=seconds, pause=0.1)
    return time.monotonic() - begin


def test_s3_7_an_open_circuit_is_seen_by_every_other_process_within_five_seconds(
    callers: Callable[[str], Caller],
) -> None:
    first, second = callers("1"), callers("1")
    assert [first("ok"), second("ok")] == ["called", "called"]
    assert [first("fail") for _ in range(6)] == ["failed"] * 5 + ["open"]
    third = callers("1")
    assert third("ok") == "open", "a process that has just started asks before it calls"
    assert waited_for("open", lambda: second("ok"), 5.5) <= 5.5


def test_s3_10_half_open_admits_one_probe_of_any_number_of_processes_and_its_success_closes_for_all(
    callers: Callable[[str], Caller],
) -> None:
    some = [callers(QUICK) for _ in range(4)]
    assert [some[0]("fail") for _ in range(5)] == ["failed"] * 5
    assert [caller("ok") for caller in some] == ["open"] * 4
    time.sleep(WINDOW_SECONDS + 0.2)
    for caller in some:
        caller.tell("slow")
    assert sorted(caller.answer() for caller in some) == ["called", "open", "open", "open"]
    for caller in some:
        waited_for("called", lambda caller=caller: caller("ok"), 5)  # type: ignore[misc]  # mypy infers no default


def test_s3_10_a_probe_that_dies_is_taken_over_by_one_other(callers: Callable[[str], Caller]) -> None:
    dying, *others = [callers(QUICK) for _ in range(3)]
    assert [dying("fail") for _ in range(5)] == ["failed"] * 5
    time.sleep(WINDOW_SECONDS + 0.2)
    assert dying("die") == ""
    assert dying.process.wait(5) == 9
    assert [caller("ok") for caller in others] == ["open", "open"]
    time.sleep(WINDOW_SECONDS + 0.2)
    for caller in others:
        caller.tell("slow")
    assert sorted(caller.answer() for caller in others) == ["called", "open"]
