"""Three hundred random histories on DynamoDB's conditions and a DRS with faults, each told by its seed alone.

`WAVEBREAK_HISTORY` names one seed, to live through that history alone.
"""

from __future__ import annotations

import os
import random
from random import Random
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import boto3
import pytest
from botocore.config import Config
from moto.dynamodb.models import dynamodb_backends
from tests.support.blueprint import ACCOUNT, REGION, Blueprint
from tests.support.emulation import emulated_aws
from tests.support.execution_builders import execution
from tests.support.fateful_drs import Fate, FatefulDrs
from tests.support.manners import manners
from tests.support.random_plans import plan
from tests.support.single_tasks import Life, NoMachines, fresh
from tests.support.stored_executions import AT

from drs_simulator.client import SimulatorControl
from drs_simulator.clockwork.clock import ManualClock
from drs_simulator.http.server import SimulatorServer
from wavebreak.app import App
from wavebreak.aws import clients
from wavebreak.aws.automation import Automation
from wavebreak.aws.cloudwatch_logs import CommandOutput
from wavebreak.aws.dead_letter_queue import FailedEvents
from wavebreak.aws.ec2.instances import Ec2
from wavebreak.aws.ec2.landing_places import LandingPlaces
from wavebreak.aws.ec2.launch_templates import LaunchTemplates
from wavebreak.aws.evidence_bucket import EvidenceBucket
from wavebreak.aws.functions import Functions
from wavebreak.aws.reads_by_id import ReadsById
from wavebreak.aws.runbooks import Runbooks
from wavebreak.aws.scheduler import Schedules
from wavebreak.aws.ssm import Ssm
from wavebreak.domain.drs import Quotas
from wavebreak.domain.steps.allowances import Allowances
from wavebreak.execution_utils import ExecutionStatus
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
    from collections.abc import Callable, Iterator

    from mypy_boto3_drs.client import DrsClient

    from wavebreak.aws.channels import Channels

HISTORIES: Final = 300
A_TEST: Final = 30
SHORTEST: Final = 4
LONGEST: Final = 12


@pytest.fixture
def lives() -> Iterator[Callable[[int], Life]]:
    """Make lives on one table and one DRS, emptied for each."""
    clock = ManualClock(AT)
    with (
        emulated_aws(lambda _function, _event: {}, {}, []),
        patch.object(retries, "sleep", lambda _seconds: None),
        SimulatorServer(clock=clock, randomness=Random(0), manners=manners()) as simulator,  # noqa: S311  a seed tells ids
    ):
        (described,) = (table for table in Blueprint({}).tables() if table["TableName"].endswith("-Table"))
        dynamodb = boto3.client("dynamodb", region_name=REGION)
        dynamodb.create_table(**described)
        table = Table(dynamodb, described["TableName"])
        often, once = _drs(simulator.url, attempts=2), _drs(simulator.url, attempts=1)
        control = SimulatorControl(simulator.url)
        sfn = boto3.client("stepfunctions", region_name=REGION)

        def life(seed: int) -> Life:
            dynamodb_backends[ACCOUNT][REGION].tables[table.name].items.clear()
            dice = Random(seed)  # noqa: S311  a seed tells a history again
            drs = FatefulDrs(often, once, ReadsById(lambda: clock.now().timestamp()))
            drs.fate = Fate(dice)
            random.seed(seed)  # a search probes ids that it draws
            quotas = Quotas(servers_a_job=dice.choice((1, 2, 100)))
            app = _app(table, drs, quotas, sfn, clock)
            begun = fresh(execution(*plan(dice, commands=False), status=ExecutionStatus.PENDING), seed, clock)
            made = Life(app, clock, control, dice, begun.execution_id, drs.fate)
            made.begin(begun)
            return made

        yield life


class Compared(LatestStates):
    """The last states that were read, each compared with what is there."""

    def load(self, execution_id: str) -> Snapshot:
        """Read an execution both ways."""
        snapshot = super().load(execution_id)
        assert snapshot == self._load(execution_id)
        return snapshot


def _app(table: Table, drs: FatefulDrs, quotas: Quotas, sfn: Any, clock: ManualClock) -> App:
    """Put an app together whose machines are the test's own."""
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
        workflow=NoMachines(sfn, wakes, {}),
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
        ec2_at=lambda site: Ec2(clients.ec2(site)),
    )


def _no_channels() -> Channels:
    raise AssertionError("no history tells its events")


def _drs(url: str, attempts: int) -> DrsClient:
    config = Config(retries={"mode": "standard", "total_max_attempts": attempts})
    return boto3.client("drs", region_name=REGION, endpoint_url=url, config=config)


def _seeds() -> list[range]:
    alone = os.environ.get("WAVEBREAK_HISTORY")
    if alone is not None:
        return [range(int(alone), int(alone) + 1)]
    return [range(first, first + A_TEST) for first in range(0, HISTORIES, A_TEST)]


@pytest.mark.parametrize("seeds", _seeds(), ids=lambda seeds: f"from-{seeds.start}")
def test_every_history_holds_at_every_step_and_comes_to_its_end(lives: Callable[[int], Life], seeds: range) -> None:
    for seed in seeds:
        try:
            life = lives(seed)
            for _ in range(life.dice.randint(SHORTEST, LONGEST)):
                life.happens()
            life.comes_to_its_end()
        except Exception as error:
            error.add_note(f"seed {seed}: WAVEBREAK_HISTORY={seed} pytest -k histories tests/integration")
            raise
