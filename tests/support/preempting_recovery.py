"""A RECOVERY that takes servers over from the drill of a history, on the same store and DRS, without machines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError
from tests.support.execution_builders import OPERATOR
from tests.support.execution_checks import check_state, check_trail
from tests.support.fake_drs_world import World

from wavebreak.domain.executions.engine import Directive
from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.starts import StartRequest
from wavebreak.problems import Problem
from wavebreak.site import Site
from wavebreak.use_cases import observe_recovery, settle_execution
from wavebreak.use_cases.launch_wave import start_wave
from wavebreak.use_cases.start_execution import start_execution

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from drs_simulator.client import SimulatorControl
    from wavebreak.app import App
    from wavebreak.domain.executions.model.executions import Execution

PLAN_ID: Final = "needed"


@dataclass
class PreemptingRecovery:
    """The RECOVERY, from the start that was accepted to its end."""

    app: App
    execution_id: str

    @classmethod
    def start(cls, app: App, servers: Sequence[str]) -> PreemptingRecovery | None:
        """Start a RECOVERY of some servers; None where that is refused, or DRS does not answer."""
        listed = [{"sourceServerId": name} for name in servers]
        document = {"planId": PLAN_ID, "name": PLAN_ID, "waves": [{"name": "needed", "servers": listed}]}
        app.plans.put(PLAN_ID, json.dumps(document), app.now(), expected=None)
        try:
            born = start_execution(app, PLAN_ID, Mode.RECOVERY, Site(), StartRequest(OPERATOR))
        except (Problem, ClientError):
            return None
        return cls(app, born.execution_id)

    def load(self) -> Execution:
        """Read it."""
        return self.app.executions.load(self.execution_id).execution

    def a_round(self) -> str:
        """Do one round of its machine; tells the directive."""
        snapshot = self.app.executions.load(self.execution_id)
        if not snapshot.execution.holds_locks:
            return Directive.SLEEP
        seen = observe_recovery.observe(self.app, self.execution_id, snapshot.token.run, 1)
        if seen.directive == Directive.FINISH:
            settle_execution.finish(self.app, self.execution_id)
        for number in seen.waves:
            start_wave(self.app, self.execution_id, number)
        return seen.directive

    def holds(self) -> None:
        """Hold what must be true of it at any moment."""
        check_state(self.load())

    def ended_well(self, control: SimulatorControl, in_trouble: Collection[str]) -> None:
        """Hold that every server was started, but for some in trouble, and that no drill ended one of its instances."""
        current = self.load()
        World.check_ending(current)
        events, _ = self.app.executions.events(self.execution_id, limit=1000, token=None)
        check_trail(events, current)
        running = {each["recoveryInstanceID"] for each in control.state()["recoveryInstances"] if not each["isDrill"]}
        called = {name for job in current.launch_jobs() if job.job_id for name in job.subjects}
        for server in current.waves[0].servers:
            assert server.source_server_id in {*called, *in_trouble}, f"it was never started: {server}"
            if server.launch_status is LaunchStatus.LAUNCHED:
                assert server.recovery_instance_id in running, f"something ended it: {server}"
