"""A whole run in virtual time, whose launches last as long as real ones do: twenty-four minutes a wave (T15)."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import pytest
from tests.support.execution_builders import OPERATOR
from tests.support.lone_apps import LoneApps, lone_apps
from tests.support.plans import all_terminated, plan, servers_of, wave

from wavebreak.domain.drs import Quotas
from wavebreak.domain.executions.ending.termination import TerminationDirective
from wavebreak.domain.executions.engine import Directive
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.executions.model.starts import StartRequest
from wavebreak.domain.executions.views.executions import execution_view
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus
from wavebreak.site import Site
from wavebreak.use_cases import observe_recovery, operate_execution, settle_execution
from wavebreak.use_cases.evidence.show_progress import show_progress
from wavebreak.use_cases.launch_wave import start_wave
from wavebreak.use_cases.start_execution import start_execution
from wavebreak.use_cases.termination import observe_termination, terminate_instances

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wavebreak.app import App

LAUNCH_SECONDS: Final = 1431
"""What a launch took that a public project recorded."""
POLL_SECONDS: Final = 30
BRIEF_SECONDS: Final = 5
LATE_SECONDS: Final = 10
"""How late a look may be."""
PHASES: Final = ["SNAPSHOT", "CONVERSION", "LAUNCH"]
DOCUMENT: Final = plan(wave("db", 1, 2), wave("app", 3, 4, waitBeforeSeconds=60), wave("web", 5, dependsOn=["db"]))


@pytest.fixture
def apps() -> Iterator[LoneApps]:
    with lone_apps() as made:
        for name in servers_of(DOCUMENT):
            made.control.put_source_server(name, launchSeconds=LAUNCH_SECONDS)
        yield made


class Run:
    """An execution, its rounds, and what a watcher was told of its servers' phases."""

    def __init__(self, apps: LoneApps) -> None:
        self.apps = apps
        self.app: App = apps.app(apps.drs(), Quotas())
        self.app.plans.put(DOCUMENT["planId"], json.dumps(DOCUMENT), apps.clock.now(), expected=None)
        begun = start_execution(self.app, DOCUMENT["planId"], Mode.DRILL, Site(), StartRequest(OPERATOR))
        self.id = begun.execution_id
        self.rounds = 0
        self.phases: dict[str, list[str]] = defaultdict(list)

    def to_its_end(self) -> None:
        """Have its machine do round after round, and somebody watch."""
        while not self.app.executions.load(self.id).execution.is_terminal:
            snapshot = self.app.executions.load(self.id)
            seen = observe_recovery.observe(self.app, self.id, snapshot.token.run, 1)
            self.rounds += 1
            assert self.rounds < 1000, "it does not end"
            for number in seen.waves:
                start_wave(self.app, self.id, number)
            if seen.directive == Directive.FINISH:
                settle_execution.finish(self.app, self.id)
            if seen.directive == Directive.SLEEP:
                self.apps.clock.advance(BRIEF_SECONDS if seen.brief else POLL_SECONDS)
                self._watch()

    def _watch(self) -> None:
        for each in show_progress(self.app, self.id)["servers"]:
            told = self.phases[each["sourceServerId"]]
            if each["phase"] is not None and each["phase"] not in told[-1:]:
                told.append(each["phase"])

    def until_terminated(self) -> None:
        """Ask for the termination, and have its machine do round after round."""
        operate_execution.terminate(self.app, self.id, Attribution(OPERATOR, self.apps.clock.now()), None)
        for _ in range(200):
            snapshot = self.app.executions.load(self.id)
            if snapshot.execution.termination.status is not TerminationStatus.IN_PROGRESS:
                return
            seen = observe_termination.observe(self.app, self.id, snapshot.termination_token.run)
            if seen.directive == TerminationDirective.TERMINATE:
                terminate_instances.terminate(self.app, self.id)
            elif seen.directive == TerminationDirective.SLEEP:
                self.apps.clock.advance(POLL_SECONDS)
        raise AssertionError("the termination does not end")


def test_a_run_with_launches_of_twenty_four_minutes_keeps_its_deadlines_shows_its_phases_and_leaves_nothing(
    apps: LoneApps,
) -> None:
    run = Run(apps)

    run.to_its_end()

    execution = run.app.executions.load(run.id).execution
    assert execution.status is ExecutionStatus.COMPLETED, execution
    slack = 2 * (POLL_SECONDS + 2 * LATE_SECONDS)
    db, app, web = execution.waves
    for each, waited in ((db, 0), (app, 60), (web, 0)):
        assert each.started_at is not None
        assert each.ended_at is not None
        took = (each.ended_at - each.started_at).total_seconds() - waited
        assert LAUNCH_SECONDS <= took <= LAUNCH_SECONDS + slack, (each.name, took)
    assert app.started_at == web.started_at == db.ended_at, "a hand-over waits for no further poll"
    assert [each.attempt for each in execution.waves] == [1, 1, 1]
    assert len(apps.control.calls("StartRecovery")) == 3
    names = servers_of(DOCUMENT)
    assert {name: [each for each in run.phases[name] if each in PHASES] for name in names} == dict.fromkeys(
        names, PHASES
    )

    run.until_terminated()

    execution = run.app.executions.load(run.id).execution
    assert execution_view(execution, apps.clock.now())["termination"] == all_terminated(5)
    state = apps.control.state()
    assert state["recoveryInstances"] == []
    assert {each["State"]["Name"] for each in state["ec2Instances"]} <= {"terminated"}
