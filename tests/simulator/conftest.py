"""A simulator in a thread, a clock that the test moves, and unchanged boto3 clients."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from tests.simulator.clients import START, Drs, MakeClient, server_id, serving
from tests.simulator.event_bridge import EventBridgeStub
from tests.simulator.mannered import SERVERS, Fresh
from tests.simulator.run_command import SHELL, SHELL_DOCUMENT, RunCommand

from drs_simulator.client import SimulatorControl
from drs_simulator.clockwork.clock import ManualClock
from drs_simulator.http.server import SimulatorServer
from drs_simulator.manners import STRICT, Manners

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from drs_simulator.drs.model import LaunchResult


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def manners() -> Manners:
    """Strict ones, since most tests are about the world behind them; a module may have others."""
    return STRICT


@pytest.fixture
def reported() -> list[LaunchResult]:
    """The launch events, as they come."""
    return []


@pytest.fixture
def simulator(clock: ManualClock, manners: Manners, reported: list[LaunchResult]) -> Iterator[SimulatorServer]:
    seeded = Random(7)  # noqa: S311 - identifiers, no secrets
    with SimulatorServer(clock=clock, randomness=seeded, listener=reported.append, manners=manners) as server:
        yield server


@pytest.fixture
def control(simulator: SimulatorServer) -> SimulatorControl:
    return SimulatorControl(simulator.url)


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    """One session for all tests: it keeps the service model that every client would load again."""
    return boto3.Session()


@pytest.fixture
def make_client(session: boto3.Session, simulator: SimulatorServer) -> Iterator[MakeClient]:
    clients: list[Any] = []
    create: Any = session.client

    def make(service: str = "drs", *, key: str = "test", region: str = "us-east-1", read_timeout: float = 10) -> Any:
        config = Config(retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=read_timeout)
        client = create(
            service,
            endpoint_url=simulator.url,
            region_name=region,
            aws_access_key_id=key,
            aws_secret_access_key="test",
            config=config,
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def ec2(make_client: MakeClient) -> Any:
    return make_client("ec2")


@pytest.fixture
def drs(make_client: MakeClient, clock: ManualClock) -> Drs:
    return Drs(make_client(), clock)


@pytest.fixture
def fleet(
    simulator: SimulatorServer,
    control: SimulatorControl,
    make_client: MakeClient,
    drs: Drs,
    three_servers: tuple[str, str, str],
) -> RunCommand:
    """Three launched instances and a document that runs what it is given."""
    drs.recover(*three_servers)
    control.put_document(SHELL, SHELL_DOCUMENT)
    by_server = {each["sourceServerID"]: each["ec2InstanceID"] for each in drs.instances()}
    return RunCommand(make_client("ssm"), control, simulator, [by_server[server] for server in three_servers])


@pytest.fixture
def three_servers(control: SimulatorControl) -> tuple[str, str, str]:
    first, second, third = server_id(1), server_id(2), server_id(3)
    for server in (first, second, third):
        control.put_source_server(server)
    return first, second, third


@pytest.fixture
def fill(simulator: SimulatorServer) -> Callable[[int], list[str]]:
    """Add many servers at once, past the control API, which takes them one by one."""

    def add(count: int) -> list[str]:
        servers = [server_id(number) for number in range(count)]
        fleet = simulator.simulation.region("000000000000", "us-east-1").fleet
        for server in servers:
            fleet.add_server(server)
        return servers

    return add


@pytest.fixture
def bus() -> Iterator[EventBridgeStub]:
    with EventBridgeStub() as stub, serving(stub):
        yield stub


@pytest.fixture
def fresh(control: SimulatorControl) -> Fresh:
    def begin(seed: int, **manners: Any) -> None:
        control.reset()
        control.put_manners(seed=seed, **manners)
        for server in SERVERS:
            control.put_source_server(server, tags={"Name": server})

    return begin
