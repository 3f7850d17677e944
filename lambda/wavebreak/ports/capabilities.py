"""What the app has, one member a Protocol; a use case names in its `Ports` those that it needs.

Members of a site are functions, for an adapter is made when it is first asked for. Stores are the classes themselves
(docs/decisions/0012-use-cases-take-ports.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.drs import Quotas
    from wavebreak.domain.steps.allowances import Allowances
    from wavebreak.ports.drs import DrsLaunches, DrsReads, DrsTerminations
    from wavebreak.ports.ec2 import InstanceStates, LandingPlaces, TemplateChanges
    from wavebreak.ports.machines import Machines
    from wavebreak.ports.recording import Errors, Measurements
    from wavebreak.ports.services import Channels, EvidenceBucket, FailedEvents, Functions, Scheduler
    from wavebreak.ports.ssm import Automations, CommandOutput, Runbooks, SsmAgents, SsmCommands
    from wavebreak.site import Site
    from wavebreak.store.checks import CheckStore
    from wavebreak.store.commands import CommandStore
    from wavebreak.store.evidence import EvidenceStore
    from wavebreak.store.executions import ExecutionStore
    from wavebreak.store.locks import LockStore
    from wavebreak.store.outbox import OutboxStore
    from wavebreak.store.plans import PlanStore
    from wavebreak.store.schedules import ScheduleStore
    from wavebreak.store.steps import StepStore
    from wavebreak.store.templates import TemplateStore
    from wavebreak.store.upkeep.readiness import ReadinessStore
    from wavebreak.store.wake_tokens import WakeStore
    from wavebreak.timing import Timing


class HasExecutions(Protocol):
    """The executions."""

    @property
    def executions(self) -> ExecutionStore: ...


class HasPlans(Protocol):
    """The stored plans."""

    @property
    def plans(self) -> PlanStore: ...


class HasLocks(Protocol):
    """The locks of plans and servers."""

    @property
    def locks(self) -> LockStore: ...


class HasCommands(Protocol):
    """The command runs."""

    @property
    def commands(self) -> CommandStore: ...


class HasSteps(Protocol):
    """The runs of steps."""

    @property
    def steps(self) -> StepStore: ...


class HasChecks(Protocol):
    """The check executions."""

    @property
    def checks(self) -> CheckStore: ...


class HasEvidence(Protocol):
    """What reports are made from."""

    @property
    def evidence(self) -> EvidenceStore: ...


class HasOutbox(Protocol):
    """The events that are still to be delivered."""

    @property
    def outbox(self) -> OutboxStore: ...


class HasSchedules(Protocol):
    """The schedules of drills."""

    @property
    def schedules(self) -> ScheduleStore: ...


class HasTemplates(Protocol):
    """The launch templates that drills have changed."""

    @property
    def templates(self) -> TemplateStore: ...


class HasReadiness(Protocol):
    """What checks of plans found."""

    @property
    def readiness(self) -> ReadinessStore: ...


class HasWakes(Protocol):
    """The marks and tokens by which machines sleep and wake."""

    @property
    def wakes(self) -> WakeStore: ...


class HasErrors(Protocol):
    """Where errors are recorded."""

    @property
    def errors(self) -> Errors: ...


class HasMeter(Protocol):
    """Where measurements are noted."""

    @property
    def meter(self) -> Measurements: ...


class HasWorkflow(Protocol):
    """The state machines."""

    @property
    def workflow(self) -> Machines: ...


class HasScheduler(Protocol):
    """The service that starts drills at their times."""

    @property
    def scheduler(self) -> Scheduler: ...


class HasBucket(Protocol):
    """Where reports are kept."""

    @property
    def bucket(self) -> EvidenceBucket: ...


class HasFailedEvents(Protocol):
    """The queue of events that no function could take in."""

    @property
    def failed_events(self) -> FailedEvents: ...


class HasChannels(Protocol):
    """The channels of notifications; a function that has none raises MissingSettingError."""

    def channels(self) -> Channels: ...


class HasFunctions(Protocol):
    """The Lambda functions of the account."""

    def functions(self) -> Functions: ...


class HasDrsReads(Protocol):
    """DRS of a site, as checks of plans read it."""

    def drs_at(self, site: Site, /) -> DrsReads: ...


class HasDrsLaunches(Protocol):
    """DRS of a site, to launch."""

    def drs_at(self, site: Site, /) -> DrsLaunches: ...


class HasDrsTerminations(Protocol):
    """DRS of a site, to end instances."""

    def drs_at(self, site: Site, /) -> DrsTerminations: ...


class HasBriefDrs(Protocol):
    """DRS of a site for requests with a waiting caller."""

    def brief_drs_at(self, site: Site, /) -> DrsReads: ...


class HasQuotas(Protocol):
    """The quotas of DRS in a site."""

    def quotas_at(self, site: Site, /) -> Quotas: ...


class HasVcpus(Protocol):
    """How many vCPUs may run in a site; None where it is unknown."""

    def vcpus_at(self, site: Site, /) -> int | None: ...


class HasEc2(Protocol):
    """EC2 of a site, to be asked whether instances run."""

    def ec2_at(self, site: Site, /) -> InstanceStates: ...


class HasPlaces(Protocol):
    """EC2 of a site, to be asked where instances would land."""

    def places_at(self, site: Site, /) -> LandingPlaces: ...


class HasTemplateChanges(Protocol):
    """EC2's launch templates of a site, to be changed."""

    def templates_at(self, site: Site, /) -> TemplateChanges: ...


class HasSsmAgents(Protocol):
    """The agents of a site."""

    def ssm_at(self, site: Site, /) -> SsmAgents: ...


class HasSsmCommands(Protocol):
    """SSM of a site, to send commands."""

    def ssm_at(self, site: Site, /) -> SsmCommands: ...


class HasOutput(Protocol):
    """What the commands of a site print."""

    def output_at(self, site: Site, /) -> CommandOutput: ...


class HasRunbooks(Protocol):
    """The runbooks of a site, asked through the circuit of readers."""

    def runbooks_at(self, site: Site, /) -> Runbooks: ...


class HasAutomations(Protocol):
    """SSM of a site, to run runbooks."""

    def automation_at(self, site: Site, /) -> Automations: ...


class HasClock(Protocol):
    """The present moment."""

    def now(self) -> datetime: ...


class HasTiming(Protocol):
    """How long things may take."""

    @property
    def timing(self) -> Timing: ...


class HasAllowances(Protocol):
    """What steps may run; MissingSettingError in a function without that setting."""

    def allowances(self) -> Allowances: ...


class HasRenewal(Protocol):
    """After how many rounds a machine hands over to its next run."""

    @property
    def renew_after_rounds(self) -> int: ...


class HasSilences(Protocol):
    """The sites that did not answer lately."""

    @property
    def silences(self) -> dict[Site, float]: ...


class HasPostLaunchActions(Protocol):
    """Whether a launch is over with the post-launch actions of DRS only."""

    @property
    def post_launch_actions(self) -> bool: ...


class HasOtherAccounts(Protocol):
    """Whether this stack can assume a role in other accounts."""

    @property
    def other_accounts(self) -> bool: ...


class HasReadinessInterval(Protocol):
    """How often each plan is checked by itself."""

    @property
    def readiness_minutes(self) -> float: ...


class HasAgentPatience(Protocol):
    """How long a plan's command waits for the agent of an instance that was just launched."""

    @property
    def agent_patience_seconds(self) -> int: ...


class HasCallPatience(Protocol):
    """How long a command that an operator sends waits for an agent."""

    @property
    def call_patience_seconds(self) -> int: ...
