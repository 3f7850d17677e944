"""The lines of commands as they are written, and CloudWatch Logs, which is a stub here."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from tests.simulator.clients import START, serving
from tests.simulator.logs_stub import LogsStub
from tests.simulator.run_command import SHELL, RunCommand
from tests.support.eventually import eventually

from drs_simulator.emulator.cloudwatch_logs import LogForwarder
from drs_simulator.http.server import SimulatorServer
from drs_simulator.manners import STRICT
from drs_simulator.ssm.agents import OutputLines
from drs_simulator.ssm.settings import RunCommand as HowToRun

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drs_simulator.clockwork.clock import ManualClock

WANTED: dict[str, Any] = {
    "CloudWatchOutputConfig": {"CloudWatchOutputEnabled": True, "CloudWatchLogGroupName": "lines"}
}


@pytest.fixture
def reported() -> list[OutputLines]:
    return []


@pytest.fixture
def simulator(clock: ManualClock, reported: list[OutputLines]) -> Iterator[SimulatorServer]:
    seeded = Random(7)  # noqa: S311 - identifiers, no secrets
    run_command = HowToRun(listener=reported.append)
    with SimulatorServer(clock=clock, randomness=seeded, run_command=run_command, manners=STRICT) as server:
        yield server


@pytest.fixture
def logs() -> Iterator[LogsStub]:
    with LogsStub() as stub, serving(stub):
        yield stub


@pytest.fixture
def forwarder(logs: LogsStub) -> Iterator[LogForwarder]:
    forwarder = LogForwarder(logs.url)
    yield forwarder
    forwarder.close()


def output(*lines: str, stream: str = "c/i/s/stdout", account: str = "000000000000") -> OutputLines:
    return OutputLines(account, "us-east-1", "lines", stream, START, lines)


def lines_of(reported: list[OutputLines], name: str) -> list[str]:
    return [line for each in reported if each.log_stream.endswith(f"/{name}") for line in each.lines]


def test_lines_are_told_as_they_are_written(fleet: RunCommand, reported: list[OutputLines]) -> None:
    command_id = fleet.send("echo one; echo two; printf thr; sleep 60", **WANTED)
    eventually(lambda: lines_of(reported, "stdout"), lambda lines: lines == ["one", "two"], "lines do not come")
    assert fleet.invocation(command_id)["StandardOutputContent"] == ""
    fleet.client.cancel_command(CommandId=command_id)
    fleet.wait(command_id)
    assert lines_of(reported, "stdout") == ["one", "two", "thr"]
    assert {each.log_group for each in reported} == {"lines"}
    assert {each.log_stream for each in reported} == {f"{command_id}/{fleet.first}/shell/stdout"}


def test_both_streams_are_told_and_a_line_that_never_ends_comes_in_pieces(
    fleet: RunCommand, reported: list[OutputLines]
) -> None:
    fleet.run("printf 'a\\n\\nb\\377'; head -c 100000 /dev/zero | tr '\\0' x >&2", **WANTED)
    assert lines_of(reported, "stdout") == ["a", "", "b�"]
    pieces = lines_of(reported, "stderr")
    assert "".join(pieces) == "x" * 100_000
    assert len(pieces) > 1
    assert max(map(len, pieces)) <= 65_536


def test_nothing_is_told_of_a_command_that_did_not_ask_for_it(fleet: RunCommand, reported: list[OutputLines]) -> None:
    fleet.run("echo out")
    fleet.run("echo out", CloudWatchOutputConfig={"CloudWatchOutputEnabled": False})
    assert reported == []
    fleet.run("echo out", CloudWatchOutputConfig={"CloudWatchOutputEnabled": True})
    assert {each.log_group for each in reported} == {f"/aws/ssm/{SHELL}"}


def test_a_stream_is_made_with_its_first_lines(forwarder: LogForwarder, logs: LogsStub) -> None:
    forwarder(output("one", "two"))
    eventually(lambda: logs.streams, lambda streams: streams == {("lines", "c/i/s/stdout"): ["one", "two"]}, "no lines")
    forwarder(output("three", ""))
    forwarder(output("err", stream="c/i/s/stderr"))
    both = {("lines", "c/i/s/stdout"): ["one", "two", "three", " "], ("lines", "c/i/s/stderr"): ["err"]}
    eventually(lambda: logs.streams, lambda streams: streams == both, "no lines")
    assert (logs.calls["CreateLogGroup"], logs.calls["CreateLogStream"]) == (2, 2)


def test_lines_go_together_within_the_limits_of_a_call(forwarder: LogForwarder, logs: LogsStub) -> None:
    for _ in range(50):
        forwarder(output(*["x" * 30_000] * 4, "ü" * 1_000))
    forwarder(output(*["short"] * 11_000))
    eventually(lambda: sum(map(len, logs.batches)), lambda count: count == 11_250, "lines are missing")
    sizes = [sum(len(event["message"].encode()) + 26 for event in batch) for batch in logs.batches]
    assert max(sizes) <= 1_048_576
    assert max(map(len, logs.batches)) <= 10_000
    assert len(logs.batches) < 20
    assert {event["timestamp"] for batch in logs.batches for event in batch} == {int(START.timestamp() * 1000)}


def test_lines_of_another_account_are_signed_for_it(
    forwarder: LogForwarder, logs: LogsStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "own")
    forwarder(output("one"))
    forwarder(output("one", account="222222222222"))
    both = {"own/us-east-1", "222222222222/us-east-1"}
    eventually(lambda: logs.credentials, lambda seen: seen == both, "not signed so")


def test_a_forwarder_blocks_nobody_and_drops_what_is_too_much(logs: LogsStub, caplog: pytest.LogCaptureFixture) -> None:
    forwarder = LogForwarder(logs.url)
    begun = time.monotonic()
    for _ in range(40):
        forwarder(output("x" * 1_000_000))
    assert time.monotonic() - begun < 0.3
    forwarder.close()
    assert sum(map(len, logs.batches)) == 16
    assert "24 lines dropped" in caplog.text


def test_lines_that_cannot_be_put_are_dropped_and_closing_does_not_wait(caplog: pytest.LogCaptureFixture) -> None:
    with LogsStub() as stub, serving(stub):
        stub.failing = True
        forwarder = LogForwarder(stub.url)
        forwarder(output("lost"))
        eventually(lambda: caplog.text, lambda text: "1 lines of c/i/s/stdout dropped" in text, "not told")
        stub.failing = False
        forwarder(output("found"))
        eventually(lambda: stub.streams, lambda streams: streams == {("lines", "c/i/s/stdout"): ["found"]}, "lost")
    for number in range(100):
        forwarder(output("late", stream=str(number)))
    begun = time.monotonic()
    forwarder.close()
    assert time.monotonic() - begun < 5
