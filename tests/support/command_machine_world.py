"""A command machine in a small world: the real tasks on a store in memory, an SSM with manners, and virtual time.

Tasks take their time at every read and write, so that anything may come between; a task may die there, and is then
tried again as Step Functions does it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from msgspec import Struct
from tests.support.execution_builders import NOW
from tests.support.fake_app import FakeApp
from tests.support.fake_command_store import FakeStore
from tests.support.process_death import Killed
from tests.support.unasked import UnaskedSsm
from tests.support.virtual_time import VirtualTime

from wavebreak.aws import agents
from wavebreak.aws.unrepeated import CallRejectedError, OutcomeUnknownError
from wavebreak.domain.commands.catalogue import CommandMode, command_mode
from wavebreak.domain.commands.runs import CommandRun, CommandTarget
from wavebreak.domain.commands.summary import CommandRunStatus
from wavebreak.problems import Unavailable
from wavebreak.timing import iso
from wavebreak.use_cases.command_machine import collect_results, forward_to_target, prepare_run, worker_rounds
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from random import Random

    from wavebreak.domain.commands.query_merge import QueryAnswer
    from wavebreak.site import Site


class Manners(Struct):
    """How an instance, and SSM for it, behave."""

    seconds: float = 1.0
    exit_code: int = 0
    agent_from: float = 0.0
    """The moment from which its agent answers; infinite for never."""
    flaps: int = 0
    """SendCommand is refused so often with InvalidInstanceId, though the agent answers."""
    undelivered: int = 0
    """So many commands do not arrive."""
    throttles: int = 0
    lost: int = 0
    """The answer of so many SendCommand is lost."""
    lost_arrives: bool = True
    """Whether a command whose answer was lost was carried out."""
    listed_after: float = 0.0
    """So long after it was sent a command is not listed yet."""
    refusal: str | None = None

    @property
    def is_healthy(self) -> bool:
        """Whether nothing at all stands in the way of a command."""
        return replace(self, seconds=1.0, exit_code=0) == Manners()


@dataclass
class Sent:
    """A command that SSM took: whether it arrived, and when it runs."""

    instance: str
    comment: str
    at: float
    arrives: bool
    seconds: float
    cancelled: float = math.inf

    @property
    def end(self) -> float:
        """When it ends."""
        return min(self.at + self.seconds, self.cancelled) if self.arrives else self.at


@dataclass
class World:
    """The store, SSM and the clock; `death` is the chance that a task dies at a read or write."""

    run: CommandRun
    manners: Sequence[Manners]
    dice: Random
    death: float = 0.0
    budget: int | None = None
    """Rounds after which a run of the machine hands over."""
    sites: Sequence[Site] | None = None
    silent: Mapping[Site, float] = field(default_factory=dict)
    """Sites whose SSM does not answer before a moment."""

    def __post_init__(self) -> None:
        self.time = VirtualTime(self.dice)
        self.targets: dict[int, CommandTarget] = {}
        self.results: dict[int, tuple[Mapping[str, Any], QueryAnswer]] = {}
        self.ended_at: dict[int, float] = {}
        self.turns = (0, 0)
        self.sent: list[Sent] = []
        self.calls = 0
        self.asked = 0
        self.machines = 0
        for number in range(1, self.run.total + 1):
            site = self.sites[number - 1] if self.sites else None
            extra = {"site": site} if site else {}
            self.targets[number] = CommandTarget(number, f"s-{number}", f"i-{number}", **extra)  # type: ignore[arg-type]  # site alone

    def now(self) -> datetime:
        """Give the present moment."""
        return NOW + timedelta(seconds=self.time.now)

    def app(self) -> CommandApp:
        """Give what the tasks see of the product."""
        return CommandApp(self)

    def step(self) -> None:
        """Take the time of a call, in which others go on, or die."""
        self.time.sleep(self.dice.uniform(0.001, 0.02))
        if self.death and self.dice.random() < self.death:
            raise Killed

    def drive(self, meanwhile: Callable[[], None] | None = None) -> CommandRun:
        """Run machine after machine until the run has ended; `meanwhile` runs beside the first."""
        with (
            patch.object(worker_rounds, "time", self.time),
            patch.object(forward_to_target, "time", self.time),
            patch.object(agents, "_ask_side_by_side", self._side_by_side),
            patch.object(prepare_run, "rounds_of_a_worker", self._budget),
        ):
            while not self.run.status.is_terminal:
                self.machines += 1
                assert self.machines < 200, "machine after machine"
                self._machine(meanwhile)
                meanwhile = None
        return self.run

    def _budget(self, _workers: int) -> int:
        return self.budget or 1_000

    def _machine(self, meanwhile: Callable[[], None] | None) -> None:
        app = self.app()
        plan = self._tried(lambda: prepare_run.prepare(app, self.run.command_id)).output()
        width = {CommandMode.PARALLEL: 10, CommandMode.SEQUENTIAL: 1}[command_mode(self.run.command)]
        assert len(plan["workers"]) <= width
        works = [self._worker(app, plan, worker) for worker in plan["workers"]]
        self.time.run([*works, *([meanwhile] if meanwhile else [])])
        self._tried(lambda: collect_results.finish(app, self.run.command_id, plan["run"]))

    def _worker(self, app: CommandApp, plan: dict[str, Any], worker: dict[str, int]) -> Callable[[], None]:
        turn = {"commandId": self.run.command_id, "run": plan["run"], "rounds": 0, "most": plan["most"], **worker}

        def work() -> None:
            current: dict[str, Any] = turn
            while not current.get("ended"):
                given = worker_rounds.WorkerRound.read(current)
                current = self._tried(lambda: worker_rounds.do_round(app, given).output())  # noqa: B023  called in this turn

        return work

    def _tried(self, task: Callable[[], Any]) -> Any:
        while True:
            try:
                return task()
            except Killed:
                self.time.sleep(self.dice.uniform(0.1, 2))

    def _side_by_side(self, adapters: Mapping[Site, FakeSsm], wanted: Any, seen: Any) -> None:
        self.time.sleep(3 if any(self.is_silent(site) for site in adapters) else 0.1)
        for site, ssm in adapters.items():
            if not self.is_silent(site):
                agents._ask(ssm, wanted[site], seen[site])

    def is_silent(self, site: Site) -> bool:
        """Tell whether SSM of a site does not answer now."""
        return self.time.now < self.silent.get(site, 0)

    def ran(self, number: int) -> list[Sent]:
        """Give the commands that a target carried out."""
        return [one for one in self.sent if one.instance == f"i-{number}" and one.arrives]

    def most_in_flight(self) -> int:
        """Give how many commands ran at a time at most."""
        arrived = [one for one in self.sent if one.arrives]
        return max((sum(one.at <= begun.at < one.end for one in arrived) for begun in arrived), default=0)


class CommandApp(FakeApp):
    """What forwards a command."""

    def __init__(self, world: World) -> None:
        super().__init__(world.now)
        self.commands = FakeStore(world)
        self._world = world

    def ssm_at(self, site: Site, /) -> FakeSsm:
        """Give SSM of a site."""
        return FakeSsm(self._world, site)


class FakeSsm(UnaskedSsm):
    """SSM of a site."""

    def __init__(self, world: World, site: Site) -> None:
        self.world = world
        self.site = site

    def _of(self, instance: str) -> Manners:
        return self.world.manners[int(instance.partition("-")[2]) - 1]

    def _hang(self, seconds: float, error: Exception) -> None:
        """Take the time of a call; where SSM is silent that is long, and there is no answer."""
        self.world.step()
        if self.world.is_silent(self.site):
            self.world.time.sleep(seconds)
            raise error

    def sign_in(self) -> None:
        """Have credentials."""
        self.world.step()

    def online(self, instances: Sequence[str], /) -> frozenset[str]:
        """Tell which agents answer."""
        self.world.asked += 1
        self._hang(21, Unavailable("no answer"))
        return frozenset(one for one in instances if self._of(one).agent_from <= self.world.time.now)

    def send(self, _command: str, instance: str, _parameters: Mapping[str, str], comment: str, /) -> str:
        """Take a command, or refuse it, or answer nothing."""
        self.world.calls += 1
        manners = self._of(instance)
        self._hang(6, OutcomeUnknownError("no answer"))
        for left in ("throttles", "flaps"):
            if getattr(manners, left):
                setattr(manners, left, getattr(manners, left) - 1)
                code, status = ("ThrottlingException", 429) if left == "throttles" else ("InvalidInstanceId", 400)
                raise CallRejectedError(code, "not now", status=status)
        if manners.refusal:
            raise CallRejectedError(manners.refusal, "never")
        if manners.agent_from > self.world.time.now:
            raise CallRejectedError("InvalidInstanceId", "not in a valid state")
        lost = manners.lost > 0
        taken = self._take(manners, instance, comment) if not lost or manners.lost_arrives else -1
        if lost:
            manners.lost -= 1
            raise OutcomeUnknownError("no answer")
        self.world.step()
        return str(taken)

    def _take(self, manners: Manners, instance: str, comment: str) -> int:
        arrives = not manners.undelivered
        manners.undelivered = max(0, manners.undelivered - 1)
        self.world.sent.append(Sent(instance, comment, self.world.time.now, arrives, manners.seconds))
        return len(self.world.sent) - 1

    def find(self, instance: str, comment: str, _since: datetime, /) -> str | None:
        """Find a command by its comment, once it is listed."""
        self._hang(21, Unavailable("no answer"))
        for number, one in enumerate(self.world.sent):
            if (one.instance, one.comment) == (instance, comment):
                listed = one.at + self._of(instance).listed_after <= self.world.time.now
                return str(number) if listed else None
        return None

    def invocation(self, command_id: str, instance: str, /) -> dict[str, Any] | None:
        """Tell how a command is."""
        self.world.step()
        one = self.world.sent[int(command_id)]
        assert one.instance == instance
        if not one.arrives:
            return {"StatusDetails": "Undeliverable", "ResponseCode": -1}
        if self.world.time.now < one.end:
            return {"StatusDetails": "InProgress", "ResponseCode": -1}
        began = {"ExecutionStartDateTime": iso(NOW + timedelta(seconds=one.at))}
        if one.cancelled <= one.at + one.seconds:
            return {"StatusDetails": "Cancelled", "ResponseCode": -1, **began}
        code = self._of(instance).exit_code
        return {"StatusDetails": "Failed" if code else "Success", "ResponseCode": code, **began}

    def cancel(self, command_id: str, _instances: Iterable[str], /) -> None:
        """Stop a command."""
        self.world.step()
        one = self.world.sent[int(command_id)]
        one.cancelled = min(one.cancelled, self.world.time.now)


def cancelled(run: CommandRun) -> CommandRun:
    """Give a run that was cancelled."""
    return run if run.status.is_terminal else replace(run, status=CommandRunStatus.CANCELLING)
