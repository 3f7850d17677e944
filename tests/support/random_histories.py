"""What can happen to one execution in its small world, each happening by itself, and what must hold whatever happened.

The search with Hypothesis and the seeded walks tell their histories in these words.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final

from tests.support.execution_builders import OPERATOR, TIMING, execution, says
from tests.support.execution_checks import who_cancels
from tests.support.fake_drs_world import World
from tests.support.real_launcher import TROUBLES, RealLauncher

from wavebreak.domain.executions import steering
from wavebreak.domain.executions.ending import termination
from wavebreak.domain.executions.engine import Directive, may_launch, servers_to_launch, waves_awaiting_decision
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Cancel, CancelThen, Execution
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.waves import Wave
from wavebreak.domain.executions.steering import NotAllowedError
from wavebreak.domain.executions.views.executions import execution_view
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus

Step = Callable[[Execution], Execution]

_ROUND: Final = timedelta(seconds=31)
_ROUNDS: Final = 8
"""Enough for an intent whose function died to be looked into, and three for the search."""

SECONDS: Final = (1, 30, 80, 200)
DRS_ANSWERS: Final = (True, True, True, False)
STARTS: Final = ("intend", "call", "record", "record", "record", "refuse", "lie", "whole", "whole", "whole")
FATES: Final = ("calls", "calls", "is refused", "dies", "is lied to")
OUTCOMES: Final = (LaunchStatus.IN_PROGRESS, LaunchStatus.LAUNCHED, LaunchStatus.FAILED)
WAVE_CALLS: Final = ("approve", "reject", "retry", "skip")
DECISIONS: Final = ("retry", "retry", "skip")
COMMAND_ENDS: Final = ("COMPLETE_SUCCESS", "COMPLETE_SUCCESS", "PARTIAL_SUCCESS", "COMPLETE_FAILURE", None)
COMMAND_FATES: Final = {
    "intend": "is held up",
    "call": "is made",
    "record": "is made",
    "whole": "is made",
    "refuse": "dies",
    "lie": "dies",
}
"""What becomes of a function that runs a wave's command, by what becomes of one that starts a wave."""

_COUNTED: Final = (("completedWaves", "COMPLETED"), ("failedWaves", "FAILED"), ("cancelledWaves", "CANCELLED"))


class RandomHistory:
    """One execution, and everything that can happen to it in any order."""

    world: World
    launcher: RealLauncher
    size: int
    _shown: Execution | None = None

    def begin(self, waves: tuple[Wave, ...], seed: int) -> None:
        """Start an execution of these waves; the seed is that of DRS's manners."""
        self.world = World(execution(*waves, status=ExecutionStatus.PENDING, usual_launch_seconds=600), seed)
        self.size = len(waves)
        self.launcher = RealLauncher(self.world)

    def time_passes(self, seconds: int) -> None:
        """Have nothing happen for a while."""
        self.world.now += timedelta(seconds=seconds)

    def observe(self, drs_answers: bool) -> None:
        """Do a round, in which DRS answers or does not."""
        self.world.observe(drs_answers=drs_answers)

    def start_waves(self, limit: int, then: str) -> None:
        """Do a round and start what it names, up to where each function crashes or is held up."""
        decision = self.world.observe()
        for number in decision.waves:
            if decision.directive is Directive.COMMAND:
                self.run_a_command(number, COMMAND_FATES[then])
                continue
            if then == "whole":
                self.launcher.start(number)
                continue
            self.world.resolve(number)
            job = self.world.intend(number, limit)
            if job is None or then == "intend":
                continue
            if then in {"refuse", "lie"}:
                (self.world.refuse if then == "refuse" else self.world.lie)(job)
                continue
            self.world.call(job)
            if then == "record":
                self.world.record(*self.world.answers.pop())

    def start_a_wave_that_nobody_named(self, number: int, limit: int) -> None:
        """Start a wave for a directive that is doubled or comes too late: it does no harm."""
        if number <= self.size:
            self.world.resolve(number)
            self.world.intend(number, limit)

    def start_a_whole_wave(self, number: int, dies: str | None) -> None:
        """Have the product's own launcher start a wave, to its end or until it is killed at a call."""
        if number <= self.size:
            self.launcher.start(number, dies)

    def a_server_is_in_trouble(self, position: int, trouble: int | None) -> None:
        """Have DRS refuse the launcher's calls that name a server, in some way, or no longer any."""
        if trouble is None:
            self.launcher.trouble.clear()
            return
        names = self._servers()
        name = names[position % len(names)]
        self.launcher.trouble[name] = TROUBLES[trouble]
        self.launcher.once_in_trouble.add(name)

    def a_recovery_takes_servers_over(self, first: int, count: int, site_is_needed: bool) -> None:
        """Have a recovery take locks of the drill over; it cancels the drill a little later."""
        if not self.world.execution.is_terminal:
            self.launcher.taken.update(self._servers()[first : first + count])
            self.launcher.site_is_needed = site_is_needed

    def the_recovery_cancels_it(self) -> None:
        """Have the recovery that took servers over cancel the drill, keeping what was launched."""
        if self.launcher.taken:
            asked = Cancel(Attribution(OPERATOR, self.world.now, "Preempted by recovery-1"), CancelThen.KEEP)
            self._tried(lambda current: steering.cancel(current, asked))

    def _servers(self) -> list[str]:
        return [server.source_server_id for wave in self.world.execution.waves for server in wave.servers]

    def nobody_healthy_waits(self) -> None:
        """Hold that no healthy server waits while there is room: whatever happened, a few more rounds start it."""
        self.world.calls.clear()
        self.world.answers.clear()
        for _ in range(_ROUNDS):
            self.world.now += _ROUND
            decision = self.world.observe()
            if decision.directive is Directive.START:
                for number in decision.waves:
                    self.launcher.start(number)
        kept = self.launcher.once_in_trouble | self.launcher.taken
        for wave in self.world.execution.waves:
            if not self.launcher.site_is_needed and may_launch(self.world.execution, wave, self.world.now, TIMING):
                left = {server.source_server_id for server in servers_to_launch(self.world.execution, wave)}
                assert left <= kept, f"{left - kept} wait, and nothing is in their way"

    def run_a_command(self, number: int, fate: str) -> None:
        """Start or cancel a wave's command, for a directive that may be doubled or come too late."""
        bound = self.world.intend_command(number) if number <= self.size else None
        if bound is None:
            return
        if fate == "is held up":
            self.world.runs.held.append(bound)
        elif fate != "dies":
            self.world.runs.carry_out(bound)

    def a_held_up_command_goes_on(self, fate: str) -> None:
        """Let the oldest function that is about to make a run do so, however late, or die before it."""
        if self.world.runs.held:
            bound = self.world.runs.held.pop(0)
            if fate != "dies":
                self.world.runs.carry_out(bound)

    def commands_end(self, outcomes: Sequence[str | None]) -> None:
        """Have running commands come to an end, in any outcome; None leaves one running."""
        for name, outcome in zip(self.world.runs.running(), outcomes, strict=False):
            if outcome is not None:
                self.world.runs.end(name, outcome)

    def cancel_a_command(self) -> None:
        """Have an operator cancel one command run and nothing else."""
        self.world.runs.cancel(self.world.runs.running()[:1])

    def a_held_up_function_goes_on(self, fate: str) -> None:
        """Let the oldest function that wrote an intent go on to its call, or die before it."""
        if not self.world.calls:
            return
        job = self.world.calls[0]
        if fate == "dies":
            self.world.calls.remove(job)
        else:
            fates = {"is refused": self.world.refuse, "is lied to": self.world.lie}
            fates.get(fate, self.world.call)(job)

    def an_answer_arrives_or_is_lost(self, lost: bool) -> None:
        """Record the oldest answer of DRS, or never."""
        if self.world.answers:
            job, job_id = self.world.answers.pop(0)
            if not lost:
                self.world.record(job, job_id)

    def drs_works(self, outcomes: Sequence[LaunchStatus], ends: bool) -> None:
        """Get on with every running job, server by server, and perhaps end it whatever they came to."""
        for job in self.world.jobs.values():
            for name, status in zip(job.servers, outcomes, strict=False):
                self.world.settle_server(job.job_id, name, status)
            if ends:
                self.world.end_job(job)

    def cancel(self, then: CancelThen, really: int, seen: int) -> None:
        """Have an operator cancel, seldom enough for other things to happen before.

        Of the commands that run, only `seen` are found at once: the index that tells them is late at times.
        """
        if really == 0 and self._tried(lambda current: steering.cancel(current, self._asked(then))):
            assert self.world.execution.cancel is not None
            assert not self.world.execution.count(WaveStatus.NOT_STARTED)
            assert not self.world.execution.count(WaveStatus.AWAITING_APPROVAL)
            self.world.runs.cancel(self.world.runs.running()[:seen])

    def _asked(self, then: CancelThen) -> Cancel:
        return Cancel(Attribution(who_cancels(then), self.world.now), then)

    def pause(self) -> None:
        """Have an operator pause."""
        if self._tried(lambda current: steering.pause(current, says(self.world.now))):
            assert self.world.execution.status is ExecutionStatus.PAUSED

    def resume(self) -> None:
        """Have an operator resume."""
        if self._tried(steering.resume):
            assert not waves_awaiting_decision(self.world.execution)

    def steer_any_wave(self, number: int, call: str) -> None:
        """Have an operator call for a wave, whatever its state."""
        if number <= self.size:
            self._steer(number, call)

    def decide_about_a_failure(self, call: str) -> None:
        """Have an operator retry or skip the first failed wave."""
        for wave in self.world.execution.waves:
            if wave.status is WaveStatus.FAILED:
                self._steer(wave.number, call)
                return

    def terminate(self) -> None:
        """Have an operator ask for the end of what was launched."""
        act = Attribution(OPERATOR, self.world.now)
        if self._tried(lambda current: termination.request(current, act)):
            assert self.world.execution.is_terminal
            assert self.world.execution.holds_locks

    def _steer(self, number: int, call: str) -> None:
        now = self.world.now
        steps: dict[str, Step] = {
            "approve": partial(steering.approve, number=number, act=Attribution(OPERATOR, now)),
            "reject": partial(steering.reject, number=number, now=now, reason=None),
            "retry": partial(steering.retry, number=number, now=now),
            "skip": partial(steering.skip, number=number, now=now),
        }
        self._tried(steps[call], reopens=call in {"retry", "skip"})

    def _tried(self, step: Step, *, reopens: bool = False) -> bool:
        """Do what an operator asks for; tells whether the state allowed it."""
        try:
            after = step(self.world.execution)
        except NotAllowedError:
            return False
        self.world.save(after, OPERATOR, reopens=reopens)
        return True

    def everything_holds(self) -> None:
        """Hold what must be true between any two happenings, of what is stored and of what is shown."""
        self.world.check()
        if self.world.execution is not self._shown:
            self._shown = self.world.execution
            self._what_is_shown_holds(execution_view(self._shown, self.world.now))

    def _what_is_shown_holds(self, shown: dict[str, Any]) -> None:
        assert shown["totalWaves"] == len(shown["waves"]) == self.size
        counted = [wave["status"] for wave in shown["waves"]]
        for field, status in _COUNTED:
            assert shown[field] == counted.count(status)

    def comes_to_rest(self) -> None:
        """Whatever happened, the world comes to rest: ended or waiting for people, and again after a retry of all."""
        world = self.world
        self.nobody_healthy_waits()
        self.the_recovery_cancels_it()
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

    def people_decide(self) -> None:
        """Have people answer all that a world at rest waits for: it ends for good."""
        world = self.world
        for _ in range(2 * self.size + 2):
            if world.execution.is_terminal:
                break
            for wave in world.execution.waves:
                if wave.status is WaveStatus.AWAITING_APPROVAL:
                    self._steer(wave.number, "approve")
            for wave in waves_awaiting_decision(world.execution):
                self._steer(wave.number, "skip")
            self.resume()
            world.run_out()
        assert world.execution.is_terminal
        self.everything_holds()
        world.check_trail()
