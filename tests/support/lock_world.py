"""Plans that want the same servers, on the real stores and use cases: calls side by side that may die at any write.

Machines are left out: that a wave fails, an execution ends and a termination is done are calls like the others, made by
the functions that do so. DRS has no instances, and answers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from tests.support.execution_builders import NOW, server_id
from tests.support.lock_app import LockApp, SilentDrs
from tests.support.memory_table import MemoryTable
from tests.support.side_by_side import Stage

from wavebreak.domain.executions import steering
from wavebreak.domain.executions.locking import lock_rules, preemption
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import CancelThen, Execution, Mode
from wavebreak.domain.executions.model.jobs import Job, JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.starts import StartRequest
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus
from wavebreak.identifiers import RequestKey, is_drill
from wavebreak.problems import PlanBusy, Problem, ServerBusy
from wavebreak.site import Site
from wavebreak.store import keys
from wavebreak.store.executions import VersionConflictError
from wavebreak.store.locks import read_lock, server_keys, standing_of
from wavebreak.use_cases import operate_execution, settle_execution
from wavebreak.use_cases.preemption.cancel_drills import cancel_drills
from wavebreak.use_cases.preemption.give_way import servers_left_to_recoveries
from wavebreak.use_cases.start_execution import start_execution
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.side_by_side import Call


PLANS: Final[dict[str, tuple[int, ...]]] = {"a": (1, 2), "b": (2, 3), "c": (3,), "d": (1, 4), "e": (1, 2, 3)}
"""Plans by the numbers of their servers, one wave each."""
LIFE: Final = timedelta(seconds=29)
"""How long a call lives: a function of the API is ended then."""
SECONDS: Final = (1, 10, 20, 45, 61)
OPERATOR: Final = "operator"


@dataclass
class LockWorld:
    """Everything that takes locks."""

    now: datetime = NOW
    stage: Stage = field(default_factory=Stage)
    outcomes: list[tuple[str, Any]] = field(default_factory=list)
    """Calls that have ended, and what came of each."""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    requests: dict[str, RequestKey] = field(default_factory=dict)
    """What calls are known by, by their names."""
    made: dict[RequestKey, str] = field(default_factory=dict)
    """What each request made."""

    def __post_init__(self) -> None:
        self.table = MemoryTable(self.stage.meanwhile)
        self.drs = SilentDrs()
        self.app = LockApp(lambda: self.now, self.table, self.drs)
        for name, numbers in PLANS.items():
            servers = [{"sourceServerId": server_id(number)} for number in numbers]
            document = {"planId": name, "name": name, "waves": [{"name": "only", "servers": servers}]}
            self.app.plans.put(name, json.dumps(document), NOW, expected=None)

    # ------------------------------------------------------------------ calls

    def call(self, what: str, work: Callable[[], Any]) -> str:
        """Begin a call."""
        name = f"{next(self.numbers)} {what}"
        self.stage.begin(name, work, self.now)
        return name

    def start(self, plan: str, mode: Mode, *, preempt: bool = True, key: str | None = None) -> str:
        """Begin a start; one with a key is a try of the request that plan, mode and key name."""
        request = RequestKey.of(key, OPERATOR, "POST", mode, {"planId": plan}) if key else None
        asked = StartRequest(OPERATOR, preempt=preempt)
        how = " preempting" if preempt and mode is Mode.RECOVERY else ""
        name = self.call(
            f"start {plan} {mode}{how}", lambda: start_execution(self.app, plan, mode, Site(), asked, request)
        )
        if request is not None:
            self.requests[name] = request
        return name

    def act(self) -> Attribution:
        """Give an operator's act of now."""
        return Attribution(OPERATOR, self.now)

    def retry(self, execution_id: str) -> str:
        """Begin a retry of the one wave."""
        return self._on_wave(operate_execution.retry, execution_id)

    def skip(self, execution_id: str) -> str:
        """Begin a skip of the one wave."""
        return self._on_wave(operate_execution.skip, execution_id)

    def _on_wave(self, carry_out: Callable[..., Execution], execution_id: str) -> str:
        act = self.act()
        return self.call(f"{carry_out.__name__} {execution_id}", lambda: carry_out(self.app, execution_id, "1", act))

    def terminate(self, execution_id: str) -> str:
        """Begin to ask for a termination."""
        act = self.act()
        return self.call(
            f"terminate {execution_id}", lambda: operate_execution.terminate(self.app, execution_id, act, execution_id)
        )

    def cancel(self, execution_id: str, then: CancelThen = CancelThen.KEEP) -> str:
        """Begin a cancel."""
        act = self.act()
        return self.call(
            f"cancel {execution_id}", lambda: operate_execution.cancel(self.app, execution_id, act, then, execution_id)
        )

    def fail(self, execution_id: str, *, in_flight: bool = False, servers: int = 1) -> str:
        """Begin what a machine does when the wave's job has failed: the wave has. Or, `in_flight`, what it does before.

        The job holds so many of the wave's servers; without one there is no job.
        """
        act = Attribution("wavebreak", self.now)

        def work() -> Execution:
            change = self.app.executions.change
            begun: Execution = change(
                execution_id, lambda current: _begun(current, self.now, servers, ended=not in_flight), act
            )
            if in_flight:
                return begun
            failed: Execution = change(execution_id, lambda current: _failed(current, self.now), act)
            return failed

        return self.call(f"fail {execution_id}", work)

    def observe(self, execution_id: str) -> str:
        """Begin what a machine does at each look of a RECOVERY: see to the drills that it preempted."""

        def work() -> None:
            recovery = self.app.executions.load(execution_id).execution
            if not recovery.is_terminal:
                cancel_drills(self.app, recovery)

        return self.call(f"look {execution_id}", work)

    def finish(self, execution_id: str) -> str:
        """Begin what a machine does when nothing is in flight and nothing can start."""
        return self.call(f"finish {execution_id}", lambda: settle_execution.finish(self.app, execution_id) is not None)

    def clean_up(self, execution_id: str) -> str:
        """Begin what a machine does when a termination cannot be done: it ends, INCOMPLETE."""
        return self.call(f"clean up {execution_id}", lambda: self._clean_up(execution_id))

    def _clean_up(self, execution_id: str) -> None:
        after = self.app.executions.change(
            execution_id, lambda current: _cleaned_up(current, self.now), Attribution("wavebreak", self.now)
        )
        if not after.holds_locks:
            self.app.locks.release_servers(after)

    # ------------------------------------------------------------------ what a test drives

    def step(self, name: str) -> None:
        """Let a call do one thing."""
        call = self.stage.step(name)
        if call.over:
            self._ended(call)

    def _ended(self, call: Call) -> None:
        self.outcomes.append((call.name, call.outcome))
        allowed = (Problem, steering.NotAllowedError, VersionConflictError)
        if isinstance(call.outcome, Exception) and not isinstance(call.outcome, allowed):
            raise call.outcome
        if isinstance(call.outcome, Execution) and call.name in self.requests:
            first = self.made.setdefault(self.requests[call.name], call.outcome.execution_id)
            assert first == call.outcome.execution_id, "the same request made two executions"
        preempts = call.name.endswith("preempting")
        if preempts and isinstance(call.outcome, (PlanBusy, ServerBusy)):
            holder = call.outcome.members["executionId"]
            assert not is_drill(holder), f"a drill, {holder}, stood in the way of a recovery"

    def run(self, name: str) -> Any:
        """Let a call come to its end; gives what came of it."""
        call = self.stage.run(name)
        self._ended(call)
        return call.outcome

    def pass_time(self, seconds: float) -> None:
        """Have time pass; calls that are too old by then are dead."""
        self.now += timedelta(seconds=seconds)
        for call in list(self.stage.calls.values()):
            if self.now - call.begun > LIFE:
                self.stage.kill(call.name)

    def executions(self) -> list[Execution]:
        """Read every execution that exists, behind the calls' backs."""
        names = [item["executionId"] for (_, sk), item in self.table.items.items() if sk == keys.META]
        return [self.app.executions.load(name).execution for name in names if name.startswith(("drill", "recovery"))]

    def come_to_rest(self) -> None:
        """Let every call end, and every execution."""
        while self.stage.calls:
            self.run(next(iter(self.stage.calls)))
            self.check()
        for _ in range(2):
            for execution in self.executions():
                if execution.mode is Mode.RECOVERY and not execution.is_terminal:
                    self.run(self.observe(execution.execution_id))
            self.pass_time(61)
        self.drills_gave_way()
        for execution in self.executions():
            if not execution.is_terminal:
                self.run(self.fail(execution.execution_id))
                self.run(self.finish(execution.execution_id))
        for execution in self.executions():
            if execution.holds_locks:
                self.run(self.clean_up(execution.execution_id))
        self.check()

    # ------------------------------------------------------------------ what must be true

    def lock_of(self, partition: str) -> lock_rules.Lock | None:
        """Read a lock."""
        item = self.table.items.get((partition, keys.LOCK))
        return read_lock(item) if item else None

    def holder_of(self, partition: str) -> str | None:
        """Tell who rightly holds a server."""
        lock = self.lock_of(partition)
        if lock is None:
            return None
        metas = {pk: item for (pk, sk), item in self.table.items.items() if sk == keys.META}
        standings = {meta["executionId"]: standing_of(meta) for meta in metas.values()}
        claim = lock_rules.holder(lock, standings, self.now)
        return claim.execution_id if claim else None

    def check(self) -> None:
        """Hold that every execution that needs its locks has them, but a drill those that a RECOVERY took or had."""
        executions = self.executions()
        known = {execution.execution_id: execution for execution in executions}
        for execution in executions:
            if execution.holds_locks:
                self._check_servers(execution, known)
                self._check_plan(execution, known)
            taken = execution.preemption
            if taken is not None and not execution.is_terminal:
                self._check_preempted(taken, known)

    def _check_servers(self, execution: Execution, known: dict[str, Execution]) -> None:
        me = execution.execution_id
        left = self.app.locks.left.get((me, execution.lock_call), set())
        for partition in server_keys(execution):
            if partition in left:
                continue
            lock = self.lock_of(partition)
            if lock is not None and (lock.claim.execution_id, lock.claim.call) == (me, execution.lock_call):
                continue
            assert execution.mode is Mode.DRILL, f"{partition} of {me} is not locked by it: {lock}"
            holder = self.holder_of(partition)
            if holder == me:
                continue
            self._gave_way(execution, holder, known)
        mine = self.app.locks.held_of(execution, server_keys(execution), self.now)
        assert mine == {key for key in server_keys(execution) if self.holder_of(key) == me}

    def _check_plan(self, execution: Execution, known: dict[str, Execution]) -> None:
        me = execution.execution_id
        plan = self.table.items.get((keys.plan(execution.plan_id), keys.LOCK))
        if plan is not None and plan["executionId"] == me:
            return
        assert execution.mode is Mode.DRILL, f"the plan of {me} is not locked by it: {plan}"
        self._gave_way(execution, plan["executionId"] if plan else None, known)

    @staticmethod
    def _gave_way(drill: Execution, holder: str | None, known: dict[str, Execution]) -> None:
        """Hold that a drill which lost a lock is preempted: by a RECOVERY that says so, or is about to be written."""
        me = drill.execution_id
        says_so = any(each.preemption and me in each.preemption.drills for each in known.values())
        on_its_way = holder and not is_drill(holder) and (holder not in known or not known[holder].holds_locks)
        assert says_so or on_its_way, f"{me} lost a lock to {holder}, which does not say so"

    def _check_preempted(self, taken: Any, known: dict[str, Execution]) -> None:
        """Hold that no drill is forgotten: whoever still runs uncancelled is to be seen to."""
        for name in taken.drills:
            drill = known.get(name)
            if drill is not None and not drill.is_terminal and drill.cancel is None:
                assert name in taken.unsettled, f"{name} was preempted and is seen to by nobody"

    def drills_gave_way(self) -> None:
        """Hold that no drill that a running RECOVERY preempted goes on, nor starts anything that it does not hold."""
        for recovery in self.executions():
            if recovery.is_terminal or recovery.preemption is None:
                continue
            assert recovery.preemption.unsettled == ()
            for name in recovery.preemption.drills:
                found = [each for each in self.executions() if each.execution_id == name]
                assert all(drill.cancel or drill.is_terminal for drill in found)
                assert not any(preemption.sites_to_start(drill) for drill in found)

    def may_start(self, execution: Execution) -> set[str]:
        """Tell which servers a drill would start now."""
        (wave,) = execution.waves
        names = [server.source_server_id for server in wave.servers]
        return set(names) - set(servers_left_to_recoveries(self.app, execution, wave, names))

    def everything_is_free(self) -> None:
        """Hold that a minute after everything has ended, every plan can be started."""
        self.pass_time(61)
        for name in PLANS:
            born = self.run(self.start(name, Mode.DRILL))
            assert isinstance(born, Execution), born
            self.check()
            self.run(self.cancel(born.execution_id))
        self.pass_time(61)
        assert not [key for key in self.table.items if key[0].startswith("SERVER#") and self.holder_of(key[0])]


def _begun(execution: Execution, now: datetime, servers: int, *, ended: bool) -> Execution:
    """Have the one wave run, with a job."""
    wave = execution.wave(1)
    if execution.is_terminal or wave.status is not WaveStatus.NOT_STARTED:
        return execution
    subjects = tuple(server.source_server_id for server in wave.servers[:servers])
    state = JobState.ENDED if ended else JobState.STARTED
    job = Job(1, 1, 1, subjects, state, now, now, job_id="drsjob-1", ended_at=now if ended else None)
    status = ExecutionStatus.IN_PROGRESS if execution.status is ExecutionStatus.PENDING else execution.status
    running = replace(execution, status=status).with_waves(
        [replace(wave, status=WaveStatus.IN_PROGRESS, started_at=now)]
    )
    return running.with_job(job) if servers else running


def _failed(execution: Execution, now: datetime) -> Execution:
    wave = execution.wave(1)
    if execution.is_terminal or wave.status is not WaveStatus.IN_PROGRESS:
        return execution
    ended = wave.with_servers(lambda server: replace(server, launch_status=LaunchStatus.FAILED))
    return execution.with_waves([replace(ended, status=WaveStatus.FAILED, ended_at=now)])


def _cleaned_up(execution: Execution, now: datetime) -> Execution:
    if execution.termination.status is not TerminationStatus.IN_PROGRESS:
        return execution
    done = replace(execution.termination, status=TerminationStatus.INCOMPLETE, ended_at=now)
    return replace(execution, termination=done)
