"""Every order of things: polls, crashes, lost answers, deadlines and operators, searched with Hypothesis.

`WAVEBREAK_INTERLEAVINGS` sets how many histories are tried (300 unless set).
"""

import os
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.unit.executions import OPERATOR, execution, server
from tests.unit.world import World

from wavebreak import steering
from wavebreak.engine import open_asks
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus
from wavebreak.model import Cancel, CancelThen, Execution, Impact, LaunchStatus, OnFailure, Wave
from wavebreak.steering import Refused
from wavebreak.views import execution_view

HISTORIES = int(os.environ.get("WAVEBREAK_INTERLEAVINGS", "300"))
Step = Callable[[Execution], Execution]


@st.composite
def plans(draw: st.DrawFn) -> tuple[Wave, ...]:
    """Up to four waves of up to three servers, with any dependencies on earlier ones."""
    waves = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        first = 10 * number
        servers = tuple(
            server(first + offset, impact=draw(st.sampled_from(Impact))) for offset in range(draw(st.integers(1, 3)))
        )
        waves.append(
            Wave(
                number=number,
                name=f"wave-{number}",
                servers=servers,
                depends_on=tuple(sorted(draw(st.sets(st.integers(1, number - 1))))) if number > 1 else (),
                requires_approval=draw(st.sampled_from([False, False, True])),
                wait_before_seconds=draw(st.sampled_from([0, 0, 45])),
                timeout_minutes=draw(st.sampled_from([2, 60])),
                on_failure=draw(st.sampled_from(OnFailure)),
            )
        )
    return tuple(waves)


class Interleavings(RuleBasedStateMachine):
    """One execution, and everything that can happen to it in any order."""

    world: World

    @initialize(waves=plans())
    def start(self, waves: tuple[Wave, ...]) -> None:
        self.world = World(execution(*waves, status=ExecutionStatus.PENDING))
        self.size = len(waves)

    @rule(seconds=st.sampled_from([1, 30, 80, 200]))
    def time_passes(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)

    @rule(drs_answers=st.sampled_from([True, True, True, False]))
    def observe(self, drs_answers: bool) -> None:
        self.world.observe(drs_answers=drs_answers)

    @rule(limit=st.integers(1, 3), then=st.sampled_from(["intend", "call", "record", "record", "record", "refuse"]))
    def start_waves(self, limit: int, then: str) -> None:
        """Do a round and start what it names, up to where each function crashes or is held up."""
        for number in self.world.observe().waves:
            self.world.resolve(number)
            job = self.world.intend(number, limit)
            if job is None or then == "intend":
                continue
            if then == "refuse":
                self.world.refuse(job)
                continue
            self.world.call(job)
            if then == "record":
                self.world.record(*self.world.answers.pop())

    @rule(number=st.integers(1, 4), limit=st.integers(1, 3))
    def start_a_wave_that_nobody_named(self, number: int, limit: int) -> None:
        """A doubled directive, or one that comes too late, does no harm."""
        if number <= self.size:
            self.world.resolve(number)
            self.world.intend(number, limit)

    @rule(fate=st.sampled_from(["calls", "calls", "is refused", "dies"]))
    def a_held_up_function_goes_on(self, fate: str) -> None:
        if not self.world.calls:
            return
        job = self.world.calls[0]
        if fate == "dies":
            self.world.calls.remove(job)
        else:
            (self.world.refuse if fate == "is refused" else self.world.call)(job)

    @rule(lost=st.booleans())
    def an_answer_arrives_or_is_lost(self, lost: bool) -> None:
        if self.world.answers:
            job, job_id = self.world.answers.pop(0)
            if not lost:
                self.world.record(job, job_id)

    @rule(outcomes=st.lists(st.sampled_from([*LaunchStatus][1:4]), min_size=3, max_size=3), ends=st.booleans())
    def drs_works(self, outcomes: list[LaunchStatus], ends: bool) -> None:
        """Get on with every running job, server by server, and perhaps end it whatever they came to."""
        for job in self.world.jobs.values():
            for name, status in zip(job.servers, outcomes, strict=False):
                self.world.settle_server(job.job_id, name, status)
            job.completed |= ends

    @rule(then=st.sampled_from(CancelThen), really=st.integers(0, 2))
    def cancel(self, then: CancelThen, really: int) -> None:
        """An operator cancels, seldom enough for other things to happen before."""
        if really == 0 and self._tried(lambda current: steering.cancel(current, self._asked(then))):
            assert self.world.execution.cancel is not None
            assert not self.world.execution.count(WaveStatus.NOT_STARTED)
            assert not self.world.execution.count(WaveStatus.AWAITING_APPROVAL)

    def _asked(self, then: CancelThen) -> Cancel:
        return Cancel(self.world.now, OPERATOR, None, then)

    @rule()
    def pause(self) -> None:
        if self._tried(steering.pause):
            assert self.world.execution.status is ExecutionStatus.PAUSED

    @rule()
    def resume(self) -> None:
        if self._tried(steering.resume):
            assert not open_asks(self.world.execution)

    @rule(number=st.integers(1, 4), call=st.sampled_from(["approve", "reject", "retry", "skip"]))
    def steer_any_wave(self, number: int, call: str) -> None:
        if number <= self.size:
            self._steer(number, call)

    @rule(call=st.sampled_from(["retry", "retry", "skip"]))
    def decide_about_a_failure(self, call: str) -> None:
        for wave in self.world.execution.waves:
            if wave.status is WaveStatus.FAILED:
                self._steer(wave.number, call)
                return

    def _steer(self, number: int, call: str) -> None:
        now = self.world.now
        steps: dict[str, Step] = {
            "approve": partial(steering.approve, number=number, now=now),
            "reject": partial(steering.reject, number=number, now=now, reason=None),
            "retry": partial(steering.retry, number=number, now=now),
            "skip": partial(steering.skip, number=number, now=now),
        }
        self._tried(steps[call], reopens=call in {"retry", "skip"})

    def _tried(self, step: Step, *, reopens: bool = False) -> bool:
        """Do what an operator asks for; tells whether the state allowed it."""
        try:
            after = step(self.world.execution)
        except Refused:
            return False
        self.world.save(after, OPERATOR, reopens=reopens)
        return True

    @invariant()
    def everything_holds(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.check()
        shown: dict[str, Any] = execution_view(self.world.execution, self.world.now)
        assert shown["totalWaves"] == len(shown["waves"]) == self.size
        counted = [wave["status"] for wave in shown["waves"]]
        for field, status in (
            ("completedWaves", "COMPLETED"),
            ("failedWaves", "FAILED"),
            ("cancelledWaves", "CANCELLED"),
        ):
            assert shown[field] == counted.count(status)

    def teardown(self) -> None:
        """Whatever happened, the world comes to rest: ended or waiting for people, and again after a retry of all."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.run_out()
        for wave in world.execution.waves:
            if world.execution.wave(wave.number).status is WaveStatus.FAILED:
                self._steer(wave.number, "retry")
        world.run_out()
        world.check()
        if world.execution.termination.status is TerminationStatus.IN_PROGRESS:
            world.clean_up()
            assert world.execution.instances_terminated
        if world.execution.cancel is not None:
            assert world.execution.is_terminal
        world.check_trail()


Interleavings.TestCase.settings = settings(
    max_examples=HISTORIES,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestInterleavings = Interleavings.TestCase
