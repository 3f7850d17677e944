"""The simulator as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from tests.simulator.clients import server_id

from drs_simulator.__main__ import main
from drs_simulator.client import SimulatorControl

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3
    from tests.simulator.event_bridge import EventBridgeStub

COMMAND = [sys.executable, "-m", "drs_simulator", "--port", "0", "--time-scale", "0.05"]


@pytest.fixture
def process(bus: EventBridgeStub) -> Iterator[subprocess.Popen[str]]:
    command = [
        *COMMAND,
        "--events-endpoint",
        bus.url,
        "--event-bus",
        "other",
        "--sts-endpoint",
        bus.url,
        "--manners-seed",
        "5",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONWARNINGS": "error"}
    with subprocess.Popen(  # noqa: S603 - this interpreter, these arguments
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        yield running
        running.kill()


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.fullmatch(r"DRS simulator at (http://127\.0\.0\.1:\d+)\n", line)
    assert found, line
    return found[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_says_where_it_answers_and_stops_cleanly(
    process: subprocess.Popen[str], number: signal.Signals
) -> None:
    control = SimulatorControl(url_of(process))
    assert control.put_source_server(server_id(1))["sourceServerID"] == server_id(1)
    process.send_signal(number)
    output, errors = process.communicate(timeout=10)
    assert (process.returncode, output, errors) == (0, "", "")


def test_contract_11_the_process_promises_no_more_than_the_services_unless_told_otherwise(
    process: subprocess.Popen[str],
) -> None:
    manners = SimulatorControl(url_of(process)).manners()
    assert (manners["strict"], manners["seed"]) == (False, 5)
    assert manners["delaySeconds"] > 0
    strict = subprocess.Popen(  # noqa: S603 - this interpreter, these arguments
        [*COMMAND, "--manners", "strict"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with strict:
        assert SimulatorControl(url_of(strict)).manners()["strict"] is True
        strict.kill()


def test_the_process_launches_at_its_time_scale_and_tells_event_bridge(
    process: subprocess.Popen[str], bus: EventBridgeStub, session: boto3.Session
) -> None:
    url = url_of(process)
    control = SimulatorControl(url)
    control.put_manners(strict=True)
    control.put_source_server(server_id(1), launchSeconds=20)
    client = session.client(
        "drs",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    begun = time.monotonic()
    client.start_recovery(sourceServers=[{"sourceServerID": server_id(1)}])
    client.close()
    [entry] = bus.entries(1)
    assert 0.9 < time.monotonic() - begun < 4
    assert entry["EventBusName"] == "other"
    assert entry["Resources"][0].endswith(server_id(1))


def test_a_port_in_use_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 3
    captured = capsys.readouterr()
    assert captured.err == f"drs-simulator: port {port} of 127.0.0.1 is in use\n"
    assert captured.out == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--time-scale", "0"], "time scale"),
        (["--time-scale", "fast"], "fast"),
        (["--time-scale", "nan"], "nan"),
        (["--time-scale", "1e300"], "at most 1000"),
        (["--job-end-seconds", "1e300"], "0 to 86400"),
        (["--port", "many"], "many"),
        (["--port", "70000"], "70000"),
        (["--job-end-seconds", "-1"], "-1"),
        (["--instances-dir", "not-there"], "not-there is no directory"),
        (["--manners", "rude"], "rude"),
        (["--manners-seed", "-1"], "-1"),
        (["--colour"], "--colour"),
    ],
)
def test_a_wrong_argument_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert main(arguments) == 3
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", ["WAVEBREAK_TIME_SCALE", "WAVEBREAK_SIMULATOR_PORT"])
def test_port_and_time_scale_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv(name, "nonsense")
    assert main([]) == 3
    assert "nonsense" in capsys.readouterr().err
