"""One round of a recovery: look at DRS, decide, write what changed, and tell the state machine what is next."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from wavebreak.domain.commands.summary import CommandRunStatus
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR, Act
from wavebreak.domain.executions.engine import Decision, Directive, decide
from wavebreak.domain.executions.model import JobState
from wavebreak.domain.executions.observation import CommandView
from wavebreak.domain.executions.wave_commands import run_id
from wavebreak.observability.metrics import Metric
from wavebreak.problems import Unavailable
from wavebreak.store import keys
from wavebreak.store.executions import Conflict, Snapshot
from wavebreak.use_cases.machine_round import NEVER, RENEW, STAND_DOWN, Round, look, places_of, turned_up
from wavebreak.use_cases.preemption.cancel_drills import cancel_drills

if TYPE_CHECKING:
    from wavebreak.app import App
    from wavebreak.domain.commands.runs import CommandRun
    from wavebreak.domain.executions.model import Execution

logger = logging.getLogger(__name__)

_ATTEMPTS: Final = 25


def observe(app: App, execution_id: str, run: int, rounds: int) -> Round:
    """Do one round. The mark is read in the same consistent read as the state, before DRS is asked."""
    for attempt in range(_ATTEMPTS):
        snapshot = app.executions.load(execution_id)
        if snapshot.token.run > run:
            return _followed(app, snapshot.token.run, run, rounds)
        execution = cancel_drills(app, snapshot.execution)
        now = app.now()
        places = places_of(app)
        seen = look(app, execution.launch_jobs(), places)
        open_intents = [job for job in execution.launch_jobs() if job.state is JobState.INTENDED]
        found = turned_up(app, execution_id, open_intents, places)
        observation = replace(seen, found=found, commands=running_commands(app, execution))
        decision = decide(execution, observation, now, app.timing)
        try:
            app.executions.save(execution, decision.execution, Act(ENGINE_ACTOR, now, None))
        except Conflict:
            app.executions.pause(attempt)
            continue
        app.meter.add(Metric.POLLS)
        return _directed(app, snapshot, decision, run, rounds)
    raise Unavailable(f"execution {execution_id} is being changed by many at once")


def _followed(app: App, present: int, run: int, rounds: int) -> Round:
    """Give way to a later run. The answer that told to start it may have been lost: starting it twice does no harm."""
    if present == run + 1 and rounds >= app.renew_after_rounds:
        return Round(RENEW, NEVER, present)
    return Round(STAND_DOWN, NEVER, run)


def _directed(app: App, snapshot: Snapshot, decision: Decision, run: int, rounds: int) -> Round:
    """Keep the machine from sleeping when there is something to do."""
    execution_id, mark = snapshot.execution.execution_id, snapshot.token.mark
    key = keys.TOKEN
    if decision.directive is not Directive.SLEEP:
        app.wakes.leave_directive(execution_id, key, app.now())
        return Round(decision.directive, mark, run, decision.waves)
    if rounds >= app.renew_after_rounds and app.wakes.next_run(execution_id, key, run, app.now()):
        return Round(RENEW, mark, run + 1)
    return Round(Directive.SLEEP, mark, run)


def running_commands(app: App, execution: Execution) -> dict[str, CommandView]:
    """Read how the command runs of the waves stand; nothing is read while none runs."""
    started = [
        run_id(execution.execution_id, wave.number, wave.running_command)
        for wave in execution.waves
        if wave.running_command is not None
    ]
    if not started:
        return {}
    runs = app.commands.load_many(started)
    return {name: _seen(runs.get(name)) for name in started}


def _seen(run: CommandRun | None) -> CommandView:
    if run is None:
        return CommandView(exists=False)
    if run.status.is_terminal:
        return CommandView(outcome=run.status.value, failure=run.shortfall)
    return CommandView(cancelling=run.status is CommandRunStatus.CANCELLING)
