"""The real store and adapters without machines, and a DRS and an EC2 whose clock a test moves; nothing is scaled."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import boto3
from botocore.config import Config
from moto.dynamodb.models import dynamodb_backends
from tests.support.blueprint import ACCOUNT, REGION, Blueprint
from tests.support.emulation import emulated_aws
from tests.support.manners import manners
from tests.support.single_tasks import NoMachines
from tests.support.stored_executions import AT

from drs_simulator.client import SimulatorControl
from drs_simulator.clockwork.clock import ManualClock
from drs_simulator.http.server import SimulatorServer
from wavebreak.app import App
from wavebreak.aws import clients
from wavebreak.aws.automation import Automation
from wavebreak.aws.cloudwatch_logs import CommandOutput
from wavebreak.aws.dead_letter_queue import FailedEvents
from wavebreak.aws.drs import Drs
from wavebreak.aws.ec2.instances import Ec2
from wavebreak.aws.ec2.landing_places import LandingPlaces
from wavebreak.aws.ec2.launch_templates import LaunchTemplates
from wavebreak.aws.evidence_bucket import EvidenceBucket
from wavebreak.aws.functions import Functions
from wavebreak.aws.runbooks import Runbooks
from wavebreak.aws.scheduler import Schedules
from wavebreak.aws.ssm import Ssm
from wavebreak.domain.steps.allowances import Allowances
from wavebreak.observability.error_tracker import ErrorTracker
from wavebreak.observability.metrics import Meter
from wavebreak.resilience import retries
from wavebreak.store.checks import CheckStore
from wavebreak.store.commands import CommandStore
from wavebreak.store.evidence import EvidenceStore
from wavebreak.store.executions import ExecutionStore
from wavebreak.store.latest_states import LatestStates, Snapshot
from wavebreak.store.locks import LockStore
from wavebreak.store.outbox import OutboxStore
from wavebreak.store.plans import PlanStore
from wavebreak.store.schedules import ScheduleStore
from wavebreak.store.steps import StepStore
from wavebreak.store.table import Table
from wavebreak.store.templates import TemplateStore
from wavebreak.store.upkeep.readiness import ReadinessStore
from wavebreak.store.wake_tokens import WakeStore
from wavebreak.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_drs.client import DrsClient

    from wavebreak.aws.channels import Channels
    from wavebreak.domain.drs import Quotas


@dataclass
class LoneApps:
    """Apps on one table, one simulated DRS and its EC2."""

    table: Table
    clock: ManualClock
    control: SimulatorControl
    often: DrsClient
    """Repeats failed reads."""
    once: DrsClient
    ec2: Any
    sfn: Any

    def drs(self) -> Drs:
        """Give DRS as it is."""
        return Drs(self.often, self.once)

    def emptied(self) -> None:
        """Empty the table."""
        dynamodb_backends[ACCOUNT][REGION].tables[self.table.name].items.clear()

    def app(self, drs: Drs, quotas: Quotas) -> App:
        """Put an app together whose machines are the test's own."""
        return _app(self, drs, quotas)


@contextmanager
def lone_apps() -> Iterator[LoneApps]:
    """Make a table, and DRS and EC2 beside it."""
    clock = ManualClock(AT)
    with (
        emulated_aws(lambda _function, _event: {}, {}, []),
        patch.object(retries, "sleep", lambda _seconds: None),
        SimulatorServer(clock=clock, randomness=Random(0), manners=manners()) as simulator,  # noqa: S311  a seed tells ids
    ):
        (described,) = (table for table in Blueprint({}).tables() if table["TableName"].endswith("-Table"))
        dynamodb = boto3.client("dynamodb", region_name=REGION)
        dynamodb.create_table(**described)
        yield LoneApps(
            Table(dynamodb, described["TableName"]),
            clock,
            SimulatorControl(simulator.url),
            _drs(simulator.url, attempts=2),
            _drs(simulator.url, attempts=1),
            boto3.client("ec2", region_name=REGION, endpoint_url=simulator.url, config=_attempts(2)),
            boto3.client("stepfunctions", region_name=REGION),
        )


class Compared(LatestStates):
    """The last states that were read, each compared with what is there."""

    def load(self, execution_id: str) -> Snapshot:
        """Read an execution both ways."""
        snapshot = super().load(execution_id)
        assert snapshot == self._load(execution_id)
        return snapshot


def _app(apps: LoneApps, drs: Drs, quotas: Quotas) -> App:
    """Put an app together whose machines are the test's own."""
    table, clock = apps.table, apps.clock
    wakes, executions = WakeStore(table), ExecutionStore(table, pause=lambda _attempt: None)
    executions.latest = Compared(table, executions.load)
    meter = Meter("histories", clock.now, write=lambda _line: None)
    return App(
        executions=executions,
        commands=CommandStore(table, executions),
        ssm_at=lambda site: Ssm(clients.ssm(site), clients.ssm(site, once=True), "wavebreak", "commands", lambda: None),
        failed_events=FailedEvents(clients.channel_client, None),
        output_at=lambda site: CommandOutput(clients.logs(site), "commands"),
        plans=PlanStore(table),
        locks=LockStore(table),
        errors=ErrorTracker(None, meter, clock.now),
        meter=meter,
        wakes=wakes,
        workflow=NoMachines(apps.sfn, wakes, {}),
        drs_at=lambda _site: drs,
        brief_drs_at=lambda _site: drs,
        quotas_at=lambda _site: quotas,
        timing=Timing(),
        renew_after_rounds=1000,
        templates=TemplateStore(table),
        templates_at=lambda site: LaunchTemplates(clients.ec2_changing(site)),
        other_accounts=False,
        outbox=OutboxStore(table),
        evidence=EvidenceStore(table),
        checks=CheckStore(table),
        bucket=EvidenceBucket(clients.s3, None),
        schedules=ScheduleStore(table),
        scheduler=Schedules(clients.scheduler, None),
        steps=StepStore(table),
        automation_at=lambda site: Automation(clients.ssm(site), clients.ssm(site, once=True)),
        runbooks_at=lambda site: Runbooks(clients.ssm_reading(site)),
        allowances=lambda: Allowances("aws", REGION, ACCOUNT),
        functions=lambda: Functions(clients.functions()),
        readiness=ReadinessStore(table),
        places_at=lambda site: LandingPlaces(clients.ec2_reading(site)),
        vcpus_at=lambda _site: None,
        channels=_no_channels,
        now=clock.now,
        ec2_at=lambda _site: Ec2(apps.ec2),
    )


def _no_channels() -> Channels:
    raise AssertionError("no history tells its events")


def _drs(url: str, attempts: int) -> DrsClient:
    return boto3.client("drs", region_name=REGION, endpoint_url=url, config=_attempts(attempts))


def _attempts(most: int) -> Config:
    return Config(retries={"mode": "standard", "total_max_attempts": most})
