"""Drills in networks of their own beside recoveries of the same servers, on the real stores and use cases.

Calls stand side by side and may die at each of their writes and at each call of DRS or EC2, before it is made or after.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, Self
from unittest.mock import patch

from tests.support.execution_builders import NOW, server_id
from tests.support.fake_app import IdleWakes, KeptErrors
from tests.support.lock_app import LockApp
from tests.support.lock_world import LockWorld
from tests.support.manners import lens
from tests.support.network_endings import EndingDrs, EndingEc2
from tests.support.network_services import HOME, Ec2, original

from wavebreak.domain.drs import Quotas
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.ending.termination import TerminationDirective
from wavebreak.domain.executions.engine import Directive, decide
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.launch_templates.changing import interfaces_of
from wavebreak.execution_utils import TerminationStatus
from wavebreak.problems import Unavailable
from wavebreak.resilience import retries, threads
from wavebreak.store.executions import VersionConflictError
from wavebreak.use_cases import settle_execution
from wavebreak.use_cases.launch_wave import start_wave
from wavebreak.use_cases.networks import follow_launches, sweep_templates
from wavebreak.use_cases.preemption.cancel_drills import cancel_drills
from wavebreak.use_cases.termination import observe_termination
from wavebreak.use_cases.termination.terminate_instances import terminate
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from tests.support.memory_table import MemoryTable

    from drs_simulator.manners import Manners
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.ports.ec2 import TemplateChanges
    from wavebreak.site import Site

DRILL_SUBNET: Final = "subnet-0123456789abcdef0"
DRILL_GROUP: Final = "sg-0123456789abcdef0"
NETWORK: Final = {"subnetIds": [DRILL_SUBNET], "securityGroupIds": [DRILL_GROUP]}
PLANS: Final[dict[str, tuple[int, ...]]] = {"a": (1, 2), "b": (2, 3), "c": (1, 2, 3)}


class _Inline:
    """A pool of threads in which each call is made at once, by whoever asks for it: it stands and dies with that."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Do the work."""
        done = work(*arguments)
        return SimpleNamespace(result=lambda: done)


@contextmanager
def in_one_thread() -> Iterator[None]:
    """Have what is asked a few at a time be asked one by one, and nothing wait in earnest."""
    with patch.object(threads, "ThreadPoolExecutor", _Inline), patch.object(retries, "sleep", lambda _: None):
        yield


class NetworkApp(LockApp):
    """What launches and sweeps, too."""

    def __init__(self, now: Callable[[], datetime], table: MemoryTable, drs: EndingDrs, ec2: TemplateChanges) -> None:
        super().__init__(now, table, drs)
        self._launching, self._ec2 = drs, ec2
        self.errors = self.kept = KeptErrors()
        self.wakes = IdleWakes(table)

    def drs_at(self, _site: Site, /) -> EndingDrs:
        """Give the one DRS."""
        return self._launching

    def ec2_at(self, _site: Site, /) -> EndingEc2:
        """Give the one EC2, as far as instances go."""
        return EndingEc2(self._launching)

    def templates_at(self, _site: Site, /) -> TemplateChanges:
        """Give the launch templates."""
        return self._ec2

    def quotas_at(self, _site: Site, /) -> Quotas:
        """Give the quotas that an account has by default."""
        return Quotas()


@dataclass
class NetworkWorld(LockWorld):
    """Drills with networks, recoveries, and others who change templates."""

    app: NetworkApp = field(init=False)
    manners: Manners | None = None
    """How looks at DRS are."""
    ec2_fails: str = ""
    """Empty, `before` or `after`."""
    drs_fails: str = ""
    """Empty, `refuses` or `is silent`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.ec2, self.drs_here = Ec2(self), EndingDrs(self, lens(lambda: self.now, self.manners))
        self.app = NetworkApp(lambda: self.now, self.table, self.drs_here, self.ec2)
        for name, numbers in PLANS.items():
            servers = [{"sourceServerId": server_id(number)} for number in numbers]
            document = {
                "planId": name,
                "name": name,
                "waves": [{"name": "only", "servers": servers, "timeoutMinutes": 20}],
                "drill": {"networks": [NETWORK]},
            }
            stored = self.app.plans.get(name)
            self.app.plans.put(name, json.dumps(document), NOW, expected=stored.version)

    # ------------------------------------------------------------------ calls

    def observe(self, execution_id: str) -> str:
        """Begin a round of a machine; what it hands over is a call of its own."""
        return self.call(f"observe {execution_id}", lambda: self._observe(execution_id))

    def begin_launch(self, execution_id: str) -> None:
        """Do rounds, and what they hand over, until DRS has started a job."""
        while not self.drs_here.started:
            self.run(self.observe(execution_id))
            self.run(next(iter(self.stage.calls)))

    def _observe(self, execution_id: str) -> None:
        before = cancel_drills(self.app, self.app.executions.load(execution_id).execution)
        if before.is_terminal:
            return
        intended = [job for job in before.launch_jobs() if job.state is JobState.INTENDED]
        found = self.drs_here.find_launches(execution_id, intended) if intended else {}
        seen = replace(self.drs_here.described(), found=found)
        decision = decide(before, seen, self.now, self.app.timing)
        after = self.app.executions.save(before, decision.execution, Attribution(ENGINE_ACTOR, self.now))
        for number in decision.waves if decision.directive is Directive.START else ():
            self.launch(execution_id, number)
        if decision.directive in {Directive.SLEEP, Directive.FINISH}:
            follow_launches.follow(self.app, after)
        if decision.directive is Directive.FINISH:
            settle_execution.finish(self.app, execution_id)

    def launch(self, execution_id: str, number: int) -> str:
        """Begin a StartWave."""
        return self.call(f"launch {execution_id}", lambda: start_wave(self.app, execution_id, number))

    def end(self, execution_id: str) -> str:
        """Begin a round of a termination's machine."""
        return self.call(f"end {execution_id}", lambda: self._end(execution_id))

    def _end(self, execution_id: str) -> None:
        seen = observe_termination.observe(self.app, execution_id, run=1)
        if seen.directive == TerminationDirective.TERMINATE:
            terminate(self.app, execution_id)

    def ending(self) -> list[Execution]:
        """Return the executions whose termination runs."""
        return [each for each in self.executions() if each.termination.status is TerminationStatus.IN_PROGRESS]

    def sweep(self) -> str:
        """Begin a sweep of launch templates."""
        return self.call("sweep", lambda: sweep_templates.sweep(self.app))

    def somebody_chooses(self, number: int, *, own_subnet: bool) -> None:
        """Have somebody make a version from the default one, and choose it, as soon as that can be seen."""
        self.ec2.wanted.append((f"lt-{number}", own_subnet))
        self.ec2.others_choose()

    # ------------------------------------------------------------------ what must be true

    def check_landings(self) -> None:
        """Hold that no RECOVERY launches into the drill's network, and no drill outside of it by our doing."""
        for landing in self.drs_here.landings:
            if not landing.drill:
                assert DRILL_SUBNET not in landing.subnets, f"a RECOVERY of {landing.server} in the drill's network"
            elif not landing.others_chose:
                assert landing.subnets == {DRILL_SUBNET}, f"a drill of {landing.server} landed in {landing.subnets}"

    def come_to_rest(self) -> None:
        """Let every call end, every execution, and then the sweep."""
        self.ec2_fails = self.drs_fails = ""
        for _ in range(80):
            while self.stage.calls:
                self.run(next(iter(self.stage.calls)))
            self.ec2.others_choose()
            running = [each for each in self.executions() if not each.is_terminal]
            for execution in running:
                self.run(self.observe(execution.execution_id))
            for started in [each for each in self.drs_here.started if each.phase < 3]:
                self.drs_here.go_on(started)
            ending = self.ending()
            for execution in ending:
                self.run(self.end(execution.execution_id))
            self.check_landings()
            self.pass_time(25)
            launched = all(each.phase > 2 for each in self.drs_here.started)
            if not running and not ending and not self.stage.calls and launched:
                break
        else:
            raise AssertionError([(each.status, each.termination) for each in self.executions()])
        self.instances_are_ended()
        self.pass_time(120)
        self.run(self.sweep())
        self.templates_are_as_they_should()

    def instances_are_ended(self) -> None:
        """Hold that a termination which says so has left no instance."""
        living = {each.job_id for each in self.drs_here.living().values()}
        for execution in self.executions():
            if execution.termination.status is TerminationStatus.COMPLETED:
                jobs = {job.job_id for job in execution.launch_jobs()}
                assert not jobs & living, f"{execution.execution_id} left instances"

    def templates_are_as_they_should(self) -> None:
        """Hold that nothing of the drill is left, and nothing that somebody chose is lost."""
        assert not [key for key in self.table.items if key[1] == "TEMPLATE"], self.app.kept.seen[-3:]
        for name, template in self.ec2.templates.items():
            data, _ = template.versions[template.default]
            [interface] = interfaces_of(data)
            number = int(name[3:])
            if not template.chosen:
                assert (template.default, set(template.versions)) == (1, {1}), f"{name}: {template}"
            ours = {each for each, (_, words) in template.versions.items() if words}
            left = ours - template.replaced - {template.default}
            assert not left, f"{name}: versions of ours are left: {template}"
            assert data.get("UserData", "0") == str(template.chosen), f"somebody's choice is lost: {template}"
            before = original(number)["NetworkInterfaces"][0]
            subnet = interface["SubnetId"]
            assert subnet == (template.own_subnet or subnet)
            assert subnet == HOME or subnet.startswith("subnet-own-")
            assert subnet != DRILL_SUBNET
            assert interface["Groups"] == before["Groups"]

    def _ended(self, call: Any) -> None:
        if isinstance(call.outcome, (VersionConflictError, Unavailable)):
            call.outcome = None
        super()._ended(call)
