"""Launch events, put on an EventBridge that is a stub."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from tests.simulator.clients import START, server_id, signed
from tests.simulator.event_bridge import EventBridgeStub

from drs_simulator.client import SimulatorControl
from drs_simulator.drs.model import LaunchResult
from drs_simulator.emulator.event_bridge import EventForwarder
from drs_simulator.http.server import SimulatorServer
from drs_simulator.manners import STRICT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drs_simulator.clockwork.clock import ManualClock


@pytest.fixture
def forwarder(bus: EventBridgeStub) -> Iterator[EventForwarder]:
    forwarder = EventForwarder(bus.url)
    yield forwarder
    forwarder.close()


@pytest.fixture
def simulator(clock: ManualClock, forwarder: EventForwarder) -> Iterator[SimulatorServer]:
    with SimulatorServer(clock=clock, listener=forwarder, manners=STRICT) as server:
        yield server


def recover(simulator: SimulatorServer, *servers: str, drill: bool = True) -> str:
    document = {"sourceServers": [{"sourceServerID": server} for server in servers], "isDrill": drill}
    return str(signed(simulator, "StartRecovery", document).json()["job"]["jobID"])


def result(number: int, account: str = "000000000000", region: str = "us-east-1") -> LaunchResult:
    arn = f"arn:aws:drs:{region}:{account}:source-server/{server_id(number)}"
    return LaunchResult(account, region, arn, "drsjob-00000000000000000", is_drill=True, launched=True, at=START)


def test_each_server_of_a_job_has_one_launch_event(
    simulator: SimulatorServer, control: SimulatorControl, clock: ManualClock, bus: EventBridgeStub
) -> None:
    control.put_source_server(server_id(1), launchSeconds=5)
    control.put_source_server(server_id(2), launchSeconds=10, launchResult="FAILED")
    control.put_source_server(server_id(3), recoverable=False)
    job_id = recover(simulator, server_id(1), server_id(2), server_id(3))
    clock.advance(60)
    entries = bus.entries(3)
    reported = [(entry["Resources"], json.loads(entry["Detail"])) for entry in entries]
    arn = "arn:aws:drs:us-east-1:000000000000:source-server/"
    common = {"job-id": job_id, "is-drill": "TRUE"}
    assert reported == [
        ([arn + server_id(3)], {"state": "RECOVERY_LAUNCH_FAILED", **common}),
        ([arn + server_id(1)], {"state": "RECOVERY_LAUNCH_SUCCEEDED", **common}),
        ([arn + server_id(2)], {"state": "RECOVERY_LAUNCH_FAILED", **common}),
    ]
    envelope = {(entry["Source"], entry["DetailType"], entry["EventBusName"]) for entry in entries}
    assert envelope == {("wavebreak.drs-simulator", "DRS Source Server Launch Result", "default")}
    assert entries[1]["Time"] == START.timestamp() + 5


def test_a_recovery_is_told_from_a_drill(
    simulator: SimulatorServer, control: SimulatorControl, clock: ManualClock, bus: EventBridgeStub
) -> None:
    control.put_source_server(server_id(1))
    recover(simulator, server_id(1), drill=False)
    clock.advance(60)
    [entry] = bus.entries(1)
    assert json.loads(entry["Detail"])["is-drill"] == "FALSE"


def test_events_go_in_batches_of_at_most_ten(forwarder: EventForwarder, bus: EventBridgeStub) -> None:
    for number in range(25):
        forwarder(result(number))
    resources = [entry["Resources"][0][-19:] for entry in bus.entries(25)]
    assert resources == [server_id(number) for number in range(25)]
    assert max(map(len, bus.batches)) <= 10
    assert len(bus.batches) < 25


def test_events_of_other_accounts_and_regions_are_not_forwarded(
    forwarder: EventForwarder, bus: EventBridgeStub
) -> None:
    forwarder(result(1, account="222222222222"))
    forwarder(result(2, region="eu-west-1"))
    forwarder(result(3))
    [entry] = bus.entries(1)
    assert entry["Resources"][0].endswith(server_id(3))


def test_events_can_be_switched_off_and_a_reset_switches_them_on(
    simulator: SimulatorServer, control: SimulatorControl, clock: ManualClock, bus: EventBridgeStub
) -> None:
    control.events(enabled=False)
    control.put_source_server(server_id(1))
    recover(simulator, server_id(1))
    clock.advance(60)
    control.reset()
    control.put_source_server(server_id(2))
    recover(simulator, server_id(2))
    clock.advance(60)
    [entry] = bus.entries(1)
    assert entry["Resources"][0].endswith(server_id(2))


@pytest.mark.parametrize("broken", ["status", "refuses"])
def test_events_that_cannot_be_put_are_logged_and_dropped(
    forwarder: EventForwarder, bus: EventBridgeStub, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    bus.status, bus.refuses = (400, False) if broken == "status" else (200, True)
    forwarder(result(1))
    bus.entries(1)
    bus.status, bus.refuses = 200, False
    forwarder(result(2))
    bus.entries(2)
    assert "1 launch events" in caplog.text


def test_a_forwarder_whose_endpoint_is_away_closes_quickly() -> None:
    with EventBridgeStub() as stub:
        away = stub.url
    forwarder = EventForwarder(away)
    for number in range(2000):
        forwarder(result(number))
    begun = time.monotonic()
    forwarder.close()
    assert time.monotonic() - begun < 4


def test_an_event_comes_when_the_launch_ends_though_nobody_asks(bus: EventBridgeStub) -> None:
    forwarder = EventForwarder(bus.url, source="test.source", bus="other")
    with SimulatorServer(listener=forwarder, manners=STRICT) as server:
        SimulatorControl(server.url).put_source_server(server_id(1), launchSeconds=1)
        begun = time.monotonic()
        recover(server, server_id(1))
        [entry] = bus.entries(1)
        assert 0.9 < time.monotonic() - begun < 3
    forwarder.close()
    assert (entry["Source"], entry["EventBusName"]) == ("test.source", "other")
