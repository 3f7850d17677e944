"""The adapters on a simulator of DRS, EC2 and SSM, whose clock a test moves."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import boto3
from botocore.config import Config
from tests.support.manners import manners
from tests.support.stored_executions import AT

from drs_simulator.client import SimulatorControl
from drs_simulator.clockwork.clock import ManualClock
from drs_simulator.clockwork.timing import Timing
from drs_simulator.http.server import SimulatorServer
from drs_simulator.ssm.settings import RunCommand
from wavebreak.resilience import retries

if TYPE_CHECKING:
    from collections.abc import Iterator

LATE_SECONDS = 11
"""After it everything shows that was done."""
UNHURRIED = Timing(launch_seconds=60, terminate_seconds=30)
"""Every job, a termination too, still runs when all looks show that it has begun."""


@dataclass(frozen=True)
class Simulated:
    """A simulator that runs."""

    url: str
    clock: ManualClock
    control: SimulatorControl

    @contextmanager
    def client(self, service: str) -> Iterator[Any]:
        """Give a client that calls once."""
        create: Any = boto3.client
        client = create(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
        )
        yield client
        client.close()


@contextmanager
def simulated() -> Iterator[Simulated]:
    """Run a simulator; what waits between tries has its clock go on."""
    clock = ManualClock(AT)
    with (
        TemporaryDirectory() as instances,
        SimulatorServer(
            clock=clock, timing=UNHURRIED, run_command=RunCommand(Path(instances)), manners=manners()
        ) as running,
        patch.object(retries, "sleep", clock.advance),
    ):
        yield Simulated(running.url, clock, SimulatorControl(running.url))
