"""One execution on the real store and the simulated DRS, driven without machines: each task by itself, at any moment.

Whatever a task does between reading and writing, somebody else may come between; a task may die at a call of DRS.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError
from tests.support.execution_builders import OPERATOR
from tests.support.execution_checks import check_state, check_trail
from tests.support.fake_drs_world import World
from tests.support.preempting_recovery import PreemptingRecovery
from tests.support.process_death import Killed
from tests.support.real_launcher import TROUBLES

from wavebreak.aws.step_functions import Workflow
from wavebreak.domain.executions.ending.termination import TerminationDirective
from wavebreak.domain.executions.engine import Directive, may_launch, servers_to_launch, waves_awaiting_decision
from wavebreak.domain.executions.launching.launch_tags import job_tags
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import CancelThen, Execution
from wavebreak.domain.executions.model.jobs import JobKind
from wavebreak.domain.executions.steering import NotAllowedError
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus
from wavebreak.problems import Problem
from wavebreak.site import Site
from wavebreak.store import keys
from wavebreak.store.locks import server_keys
from wavebreak.use_cases import observe_recovery, operate_execution, settle_execution
from wavebreak.use_cases.launch_wave import start_wave
from wavebreak.use_cases.termination import observe_termination, terminate_instances
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from tests.support.fateful_drs import Fate

    from drs_simulator.client import SimulatorControl
    from drs_simulator.clockwork.clock import ManualClock
    from wavebreak.app import App
    from wavebreak.domain.executions.machine_runs import Machine

POLL_SECONDS: Final = 80
LAST_ACTS: Final = 4
"""Rounds of the end in which others still come between."""
_CALLED: Final = ("StartRecovery", "StartRecovery", "StartRecovery", "TerminateRecoveryInstances", "DescribeJobs")
_READ: Final = ("DescribeSourceServers", "DescribeRecoveryInstances")
_FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"error": "ThrottlingException"},
    {"error": "ConflictException"},
    {"httpStatus": 500},
    {"httpStatus": 500, "when": "after"},
    {"dropConnection": True},
    {"dropConnection": True, "when": "after"},
    {"error": "ThrottlingException", "when": "after"},
)
_UNREAD: Final = (("AccessDeniedException", 403), ("ValidationException", 400), ("InternalServerException", 500))
_ROUND_SECONDS: Final = 31
_ROUNDS: Final = 8
"""Enough for an intent whose function died to be looked into, and three for the search."""
_STEERED: Final = ("pause", "resume", "approve", "approve", "reject", "retry", "skip", "cancel", "terminate")


class NoMachines(Workflow):
    """Counts runs as ever, and starts none."""

    def start(self, machine: Machine, execution_id: str, run: int) -> None:
        """Leave it to the test."""


@dataclass
class Life:
    """One execution from its start to the end of all that it brought about."""

    app: App
    clock: ManualClock
    control: SimulatorControl
    dice: Random
    execution_id: str
    fate: Fate
    before: Execution = field(init=False)
    recovery: PreemptingRecovery | None = None
    late: set[str] = field(default_factory=set)
    """Jobs that turned up when their waves were held to be over."""

    def begin(self, execution: Execution) -> None:
        """Write the execution as a start does."""
        self.control.reset()
        for name in _servers_of(execution):
            self.control.put_source_server(name)
        now = self.clock.now()
        held = self.app.locks.take(execution, "start", now)
        self.before = self.app.executions.create(execution, "{}", Attribution(OPERATOR, now), {}, held)
        self.fate.life = self
        self.fate.taken = self._is_held_by_the_recovery

    def load(self) -> Execution:
        """Read the execution."""
        return self.app.executions.load(self.execution_id).execution

    def happens(self) -> None:
        """Let one thing happen, whichever, and hold what must be true after it."""
        happenings = (
            (6, self.a_round),
            (3, self.time_passes),
            (3, self.an_operator_acts),
            (2, self.a_fault_waits),
            (2, self.a_server_changes),
            (2, self.a_server_is_in_trouble),
            (2, self.a_server_is_not_told_of),
            (1, self.a_late_start),
            (1, self.a_recovery_comes),
        )
        weights, choices = zip(*happenings, strict=True)
        self.dice.choices(choices, weights)[0]()
        self.holds()

    def holds(self) -> None:
        """Hold what must be true at any moment of the stored state, and of what it followed."""
        after = self.load()
        known = {job.job_id for job in self.before.launch_jobs()}
        cancelled = {wave.number for wave in self.before.waves if wave.status is WaveStatus.CANCELLED}
        self.late |= {
            job.job_id
            for job in after.launch_jobs()
            if job.job_id and job.job_id not in known and job.wave in cancelled
        }
        check_state(after, self.late)
        World.check_cancel_is_final(self.before, after)
        self.before = after
        if self.recovery:
            self.recovery.holds()

    def time_passes(self) -> None:
        """Have nothing happen for a while; now and then for longer than a wave may take."""
        self.clock.advance(self.dice.choice((1, 15, 15, 40, 100, 200)))

    def a_fault_waits(self) -> None:
        """Have DRS answer its next calls with a fault."""
        operation = self.dice.choice(_CALLED + _READ)
        self.control.fault(operation, **self.dice.choice(_FAULTS), count=self.dice.choice((1, 1, 3)))

    def a_server_changes(self) -> None:
        """Have a server's next launch fail or last."""
        name = self.dice.choice(_servers_of(self.before))
        result = self.dice.choice(("LAUNCHED", "FAILED"))
        self.control.put_source_server(name, launchResult=result, launchSeconds=self.dice.choice((5, 20, 150)))

    def a_server_is_in_trouble(self) -> None:
        """Have StartRecovery be refused for a server, in some way, or no longer for any."""
        if self.dice.random() < 0.4:
            self.fate.trouble.clear()
            return
        name = self.dice.choice(_servers_of(self.before))
        self.fate.trouble[name] = self.dice.choice(TROUBLES)
        self.fate.once_in_trouble.add(name)

    def a_server_is_not_told_of(self) -> None:
        """Have DRS refuse every read that names a server, in some way, or no longer any."""
        if self.dice.random() < 0.4:
            self.fate.unread.clear()
            return
        name = self.dice.choice(_servers_of(self.before))
        code, status = self.dice.choice(_UNREAD)
        error: Any = {"Error": {"Code": code, "Message": name}, "ResponseMetadata": {"HTTPStatusCode": status}}
        self.fate.unread[name] = ClientError(error, "Describe")
        self.fate.once_in_trouble.add(name)

    def a_recovery_comes(self) -> None:
        """Have somebody recover some of the servers for real: the drill gives way."""
        if self.recovery is None:
            names = _servers_of(self.before)
            first = self.dice.randrange(len(names))
            self.recovery = PreemptingRecovery.start(self.app, names[first : first + self.dice.randint(1, 4)])

    def _is_held_by_the_recovery(self, server: str) -> bool:
        partition = keys.server(Site(), server)
        holder = self.app.locks.server_holders([partition], self.clock.now()).get(partition)
        return self.recovery is not None and holder == self.recovery.execution_id

    def a_late_start(self) -> None:
        """Start a wave that nobody named: a directive that is doubled or comes too late."""
        self._task(lambda: start_wave(self.app, self.execution_id, self.dice.randint(1, len(self.before.waves))))

    def a_round(self) -> str:
        """Do one round of the machine that runs, and one of the recovery's; tells the drill's directive."""
        if self.recovery:
            self._task(self.recovery.a_round)
            self.holds()
        app, identifier = self.app, self.execution_id
        snapshot = app.executions.load(identifier)
        if snapshot.execution.termination.status is TerminationStatus.IN_PROGRESS:
            return self._clean_up_round(snapshot.termination_token.run)
        seen = observe_recovery.observe(app, identifier, snapshot.token.run, 1)
        if seen.directive == Directive.FINISH:
            self.holds()
            self._task(lambda: settle_execution.finish(app, identifier))
        for number in seen.waves:
            self._task(lambda number=number: start_wave(app, identifier, number))
        return seen.directive

    def _clean_up_round(self, run: int) -> str:
        seen = observe_termination.observe(self.app, self.execution_id, run)
        if seen.directive == TerminationDirective.TERMINATE:
            self._task(lambda: terminate_instances.terminate(self.app, self.execution_id))
        return seen.directive

    @staticmethod
    def _task(task: Any) -> None:
        """Run a task of a machine, which may die; the next round finds what it left."""
        try:
            task()
        except Killed:
            return

    def somebody_acts(self) -> None:
        """Have an operator ask for anything, or, seldom, somebody start a RECOVERY."""
        if self.dice.random() < 0.05:
            self.a_recovery_comes()
        else:
            self.an_operator_acts()

    def an_operator_acts(self) -> None:
        """Have an operator ask for anything."""
        self.asked(self.dice.choice(_STEERED), self.dice.randint(1, len(self.before.waves)))

    def asked(self, call: str, number: int) -> None:
        """Do what an operator asks for, if the state allows it and DRS answers."""
        app, identifier, act = self.app, self.execution_id, Attribution(OPERATOR, self.clock.now())
        try:
            if call == "cancel":
                operate_execution.cancel(app, identifier, act, self.dice.choice(tuple(CancelThen)))
            elif call == "terminate":
                operate_execution.terminate(app, identifier, act, None)
            elif call in {"pause", "resume"}:
                getattr(operate_execution, call)(app, identifier, act)
            else:
                getattr(operate_execution, call)(app, identifier, str(number), act)
        except (NotAllowedError, Problem, ClientError):
            return

    def nobody_healthy_waits(self) -> None:
        """Hold that no healthy server waits while there is room: whatever happened, a few more rounds start it."""
        self.control.clear_faults()
        self.fate.life = None
        for _ in range(_ROUNDS):
            if not self._waiting():
                break
            self.a_round()
            self.holds()
            self.clock.advance(_ROUND_SECONDS)
        assert not self._waiting(), f"{self._waiting()} wait, and nothing is in their way"
        self.fate.life = self

    def _waiting(self) -> set[str]:
        """Name the servers that were never in trouble, may be started, and are not."""
        now, timing = self.clock.now(), self.app.timing
        running = [self.before, *([self.recovery.load()] if self.recovery else [])]
        waiting = {
            server.source_server_id
            for execution in running
            for wave in execution.waves
            if may_launch(execution, wave, now, timing)
            for server in servers_to_launch(execution, wave)
            if execution is not self.before or not self._is_held_by_the_recovery(server.source_server_id)
        }
        return waiting - self.fate.once_in_trouble

    def comes_to_its_end(self) -> None:
        """Once faults cease and people answer, the execution ends, and with it everything that it brought about."""
        self.nobody_healthy_waits()
        self.fate.trouble.clear()
        self.fate.unread.clear()
        for name in _servers_of(self.before):
            self.control.put_source_server(name, launchResult="LAUNCHED", launchSeconds=5)
        cleans_up = self.dice.random() < 0.3
        for count in range(80):
            if count == LAST_ACTS:
                self.fate.life = None
            if not self.before.holds_locks and not (self.recovery and self.recovery.load().holds_locks):
                if not cleans_up:
                    break
                cleans_up = False
                self.asked("terminate", 0)
            if self.a_round() == Directive.SLEEP or not self.before.holds_locks:
                self._people_answer()
                self.clock.advance(POLL_SECONDS)
            self.holds()
        else:
            raise AssertionError(f"the execution does not come to an end: {self.before} {self.recovery}")
        self._ended_well()

    def _people_answer(self) -> None:
        current = self.before
        for wave in current.waves:
            if wave.status is WaveStatus.AWAITING_APPROVAL:
                self.asked("approve", wave.number)
        for wave in waves_awaiting_decision(current):
            self.asked("skip", wave.number)
        if current.status is ExecutionStatus.PAUSED:
            self.asked("resume", 0)

    def _ended_well(self) -> None:
        current = self.before
        World.check_ending(current)
        events, _ = self.app.executions.events(self.execution_id, limit=1000, token=None)
        check_trail(events, current)
        table = self.app.executions.table
        assert table.get(keys.plan(current.plan_id), keys.LOCK) is None
        assert not table.get_many([(pk, keys.LOCK) for pk in server_keys(current)])
        ended = [current]
        if self.recovery:
            self.recovery.ended_well(self.control, self.fate.once_in_trouble)
            ended.append(self.recovery.load())
        self._drs_agrees(ended)

    def _drs_agrees(self, ended: Sequence[Execution]) -> None:
        """Hold that DRS did what is recorded and nothing else."""
        state = self.control.state()
        launches = {job["jobID"]: job for job in state["jobs"] if job["type"] == JobKind.LAUNCH}
        recorded = {job.job_id for execution in ended for job in execution.launch_jobs() if job.job_id}
        assert launches.keys() == recorded
        for execution in ended:
            self._launched_once(execution, launches)
        alive = {instance["recoveryInstanceID"] for instance in state["recoveryInstances"]}
        known, *recovered = (
            {server.recovery_instance_id for wave in execution.waves for server in wave.servers} for execution in ended
        )
        assert alive <= known.union(*recovered), "an instance is unknown"
        assert not (alive.difference(*recovered) and self.before.instances_terminated)

    @staticmethod
    def _launched_once(execution: Execution, launches: Mapping[str, Any]) -> None:
        """Hold that DRS launched no server twice for one execution while it ran, and was told whose each job is."""
        recorded = {job.job_id: job for job in execution.launch_jobs() if job.job_id}
        running: set[str] = set()
        for job_id, job in sorted(recorded.items(), key=lambda entry: launches[str(entry[0])]["creationDateTime"]):
            shown = launches[str(job_id)]
            members = {each["sourceServerID"]: each["launchStatus"] for each in shown["participatingServers"]}
            assert members.keys() == set(job.subjects)
            assert job_tags(execution.execution_id, job).items() <= shown["tags"].items()
            assert not running & members.keys(), "a server that runs was launched again"
            running |= {name for name, status in members.items() if status == "LAUNCHED"}


def _servers_of(execution: Execution) -> list[str]:
    return [server.source_server_id for wave in execution.waves for server in wave.servers]


def fresh(execution: Execution, number: int, clock: ManualClock) -> Execution:
    """Give an execution under an id and a plan of its own, started now."""
    identifier = f"drill-{number:026d}"
    return replace(execution, execution_id=identifier, plan_id=f"plan-{number}", started_at=clock.now())
