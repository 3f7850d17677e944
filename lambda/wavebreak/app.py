"""The composition root: stores and adapters put together once for each execution environment.

Tests make an `App` of their own from other clients and another clock.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING

from wavebreak.aws import clients
from wavebreak.aws.circuits import CircuitsOfJobs, read_together
from wavebreak.aws.dead_letter_queue import FailedEvents
from wavebreak.aws.evidence_bucket import EvidenceBucket
from wavebreak.aws.scheduler import Schedules, ScheduleTarget
from wavebreak.aws.service_quotas import AppliedQuotas, RunningVcpus
from wavebreak.aws.step_functions import Workflow
from wavebreak.domain.executions.machine_runs import Machine
from wavebreak.observability.error_tracker import ErrorTracker
from wavebreak.observability.execution_metrics import Measured
from wavebreak.observability.metrics import Meter
from wavebreak.settings import MissingSettingError, settings
from wavebreak.store.checks import CheckStore
from wavebreak.store.commands import CommandStore
from wavebreak.store.errors import ErrorStore
from wavebreak.store.evidence import EvidenceStore
from wavebreak.store.executions import ExecutionStore
from wavebreak.store.locks import LockStore
from wavebreak.store.outbox import OutboxStore
from wavebreak.store.plans import PlanStore
from wavebreak.store.schedules import ScheduleStore
from wavebreak.store.steps import StepStore
from wavebreak.store.table import Table
from wavebreak.store.templates import TemplateStore
from wavebreak.store.upkeep.readiness import ReadinessStore
from wavebreak.store.wake_tokens import WakeStore
from wavebreak.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Callable

    from wavebreak.aws.automation import Automation
    from wavebreak.aws.channels import Channels
    from wavebreak.aws.cloudwatch_logs import CommandOutput
    from wavebreak.aws.drs import Drs
    from wavebreak.aws.ec2.instances import Ec2
    from wavebreak.aws.ec2.landing_places import LandingPlaces
    from wavebreak.aws.ec2.launch_templates import LaunchTemplates
    from wavebreak.aws.functions import Functions
    from wavebreak.aws.reads_by_id import ReadsById
    from wavebreak.aws.runbooks import Runbooks
    from wavebreak.aws.ssm import Ssm
    from wavebreak.domain.drs import Quotas
    from wavebreak.domain.steps.allowances import Allowances
    from wavebreak.site import Site
    from wavebreak.timing import Timing


class App(Value):
    """Everything a handler works with."""

    executions: ExecutionStore
    plans: PlanStore
    locks: LockStore
    errors: ErrorTracker
    meter: Meter
    wakes: WakeStore
    workflow: Workflow
    drs_at: Callable[[Site], Drs]
    brief_drs_at: Callable[[Site], Drs]
    """DRS for requests with a waiting caller: it gives up after seconds."""
    quotas_at: Callable[[Site], Quotas]
    timing: Timing
    renew_after_rounds: int
    commands: CommandStore
    ssm_at: Callable[[Site], Ssm]
    output_at: Callable[[Site], CommandOutput]
    other_accounts: bool
    """Whether this stack can assume a role in other accounts."""
    outbox: OutboxStore
    channels: Callable[[], Channels]
    """The channels of notifications; raise MissingSettingError in a function that has none."""
    failed_events: FailedEvents
    now: Callable[[], datetime]
    ec2_at: Callable[[Site], Ec2]
    evidence: EvidenceStore
    bucket: EvidenceBucket
    checks: CheckStore
    schedules: ScheduleStore
    scheduler: Schedules
    steps: StepStore
    automation_at: Callable[[Site], Automation]
    runbooks_at: Callable[[Site], Runbooks]
    allowances: Callable[[], Allowances]
    """What steps may run; raise MissingSettingError in a function without that setting."""
    functions: Callable[[], Functions]
    templates_at: Callable[[Site], LaunchTemplates]
    """EC2's launch templates of a site, to be changed."""
    templates: TemplateStore
    readiness: ReadinessStore
    places_at: Callable[[Site], LandingPlaces]
    """EC2 of a site for readers: where instances would land."""
    vcpus_at: Callable[[Site], int | None]
    readiness_minutes: float = 30
    """How often each plan is checked by itself; not scaled yet."""
    agent_patience_seconds: int = 600
    """How long a plan's command waits for the agent of an instance that was just launched; scaled."""
    post_launch_actions: bool = False
    """Whether a launch is over with the post-launch actions of DRS only."""
    silences: dict[Site, float] = field(default_factory=dict)
    """Sites that did not answer lately, for as long as this environment lives: they are waited for less."""
    call_patience_seconds: int = 120
    """How long a command that an operator sends waits for an agent that does not answer; scaled."""

    def recorded(self) -> ErrorStore:
        """Return the recorded errors; raise MissingSettingError in a stack that keeps none."""
        if self.errors.store is None:
            raise MissingSettingError("ERRORS_TABLE_NAME is not set")
        return self.errors.store


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def app() -> App:
    """Return this function's app. Another one stands in for it in every module where `composed` is replaced."""
    return composed()


@cache
def composed() -> App:
    """Return this function's app, composed from its settings at the first call."""
    chosen = settings()
    table = Table(clients.dynamodb(), chosen.table_name)
    wakes = WakeStore(table)
    meter = Meter(chosen.stack_name, utc_now)
    arns = {
        Machine.RECOVERY: chosen.recovery_machine_arn,
        Machine.TERMINATION: chosen.termination_machine_arn,
    }
    executions = ExecutionStore(table, on_saved=Measured(meter), beside=CircuitsOfJobs())
    of_drs = _reads_by_id()
    return App(
        executions=executions,
        commands=CommandStore(table, executions),
        ssm_at=partial(_ssm_at, _reads_by_id()),
        output_at=_output_at,
        plans=PlanStore(table),
        locks=LockStore(table),
        errors=ErrorTracker(_error_store(chosen.errors_table_name), meter, utc_now),
        meter=meter,
        wakes=wakes,
        workflow=Workflow(clients.stepfunctions(), wakes, arns, chosen.command_machine_arn, chosen.step_machine_arn),
        drs_at=partial(_drs_at, of_drs),
        brief_drs_at=partial(_brief_drs_at, of_drs),
        quotas_at=AppliedQuotas(clients.service_quotas, utc_now).at,
        timing=chosen.timing,
        renew_after_rounds=chosen.renew_after_rounds,
        other_accounts=bool(chosen.target_external_id),
        outbox=OutboxStore(table),
        channels=_channels,
        failed_events=FailedEvents(clients.channel_client, chosen.failed_events_queue_url),
        now=utc_now,
        post_launch_actions=chosen.post_launch_actions,
        ec2_at=partial(_ec2_at, _reads_by_id()),
        evidence=EvidenceStore(table),
        bucket=EvidenceBucket(clients.s3, chosen.evidence_bucket),
        checks=CheckStore(table),
        schedules=ScheduleStore(table),
        scheduler=Schedules(clients.scheduler, _schedule_target()),
        steps=StepStore(table),
        automation_at=_automation_at,
        runbooks_at=_runbooks_at,
        allowances=_allowances,
        functions=_functions,
        templates_at=_templates_at,
        templates=TemplateStore(table),
        readiness=ReadinessStore(table),
        places_at=_places_at,
        vcpus_at=RunningVcpus(clients.service_quotas, utc_now).at,
        readiness_minutes=chosen.readiness_minutes,
    )


def _error_store(table_name: str | None) -> ErrorStore | None:
    if table_name is None:
        return None
    return ErrorStore(Table(clients.dynamodb(), table_name), Table(clients.brief_dynamodb(), table_name))


def _schedule_target() -> ScheduleTarget | None:
    chosen = settings()
    if not chosen.schedule_group or not chosen.schedule_function_arn or not chosen.schedule_role_arn:
        return None
    return ScheduleTarget(chosen.schedule_group, chosen.schedule_function_arn, chosen.schedule_role_arn)


def _reads_by_id() -> Callable[[Site], ReadsById]:
    """Return a function that keeps one record of refused ids for each site, while this environment lives."""

    @cache
    def at(_site: Site) -> ReadsById:
        from wavebreak.aws.reads_by_id import ReadsById  # noqa: PLC0415  adapters alone need it

        return ReadsById()

    return at


def _drs_at(reads: Callable[[Site], ReadsById], site: Site) -> Drs:
    from wavebreak.aws.drs import Drs  # noqa: PLC0415  an adapter is imported by functions that use it

    return Drs(clients.drs(site), clients.drs(site, once=True), reads(site))


def _brief_drs_at(reads: Callable[[Site], ReadsById], site: Site) -> Drs:
    from wavebreak.aws.drs import Drs  # noqa: PLC0415  lazy: cold start

    return Drs(clients.drs(site, brief=True), clients.drs(site, once=True), reads(site))


def _ec2_at(reads: Callable[[Site], ReadsById], site: Site) -> Ec2:
    from wavebreak.aws.ec2.instances import Ec2  # noqa: PLC0415  lazy: cold start

    return Ec2(clients.ec2(site), reads(site))


def _templates_at(site: Site) -> LaunchTemplates:
    from wavebreak.aws.ec2.launch_templates import LaunchTemplates  # noqa: PLC0415  lazy: cold start

    return LaunchTemplates(clients.ec2_changing(site))


def _places_at(site: Site) -> LandingPlaces:
    from wavebreak.aws.ec2.landing_places import LandingPlaces  # noqa: PLC0415  lazy: cold start

    return LandingPlaces(clients.ec2_reading(site))


def _ssm_at(reads: Callable[[Site], ReadsById], site: Site) -> Ssm:
    from wavebreak.aws.ssm import Ssm  # noqa: PLC0415  lazy: cold start

    chosen = settings()
    return Ssm(
        clients.ssm(site),
        clients.ssm(site, once=True),
        chosen.document_prefix,
        chosen.command_log_group,
        partial(clients.sign_in, site),
        reads(site),
    )


def _automation_at(site: Site) -> Automation:
    from wavebreak.aws.automation import Automation  # noqa: PLC0415  lazy: cold start

    return Automation(clients.automation(site), clients.automation(site, once=True))


def _runbooks_at(site: Site) -> Runbooks:
    from wavebreak.aws.runbooks import Runbooks  # noqa: PLC0415  likewise

    return Runbooks(clients.ssm_reading(site))


def _functions() -> Functions:
    from wavebreak.aws.functions import Functions  # noqa: PLC0415  lazy: cold start

    return Functions(clients.functions())


def _allowances() -> Allowances:
    from wavebreak.domain.steps.allowances import Allowances  # noqa: PLC0415  lazy: cold start

    chosen = settings()
    if chosen.step_machine_arn is None:
        raise MissingSettingError("STEP_STATE_MACHINE_ARN is not set")
    named = (chosen.function_arns or (), chosen.automation_arns or (), chosen.automation_role_arns or ())
    return Allowances.of(chosen.step_machine_arn, *named)


def _output_at(site: Site) -> CommandOutput:
    from wavebreak.aws.cloudwatch_logs import CommandOutput  # noqa: PLC0415  lazy: cold start

    return CommandOutput(clients.logs(site), settings().command_log_group)


@cache
def _channels() -> Channels:
    from wavebreak.aws.channels import Channels  # noqa: PLC0415  lazy: cold start
    from wavebreak.domain.notifications.message import Kind  # noqa: PLC0415  lazy: cold start

    chosen = settings().notices
    if chosen is None:
        raise MissingSettingError("NOTIFICATION_TOPIC_ARN is not set")
    unknown = set(chosen.kinds) - set(Kind)
    if unknown:
        raise MissingSettingError(f"NOTIFY_STATUSES knows no {', '.join(sorted(unknown))}")
    return Channels(chosen, clients.channel_client, read_together)
