"""A check of a plan made: its command forwarded like any other of a wave, its results kept as check executions.

The run says when it has ended; the check has ended when its executions are kept and consolidated. What can be done
twice may be: the same results make the same items. Whatever becomes of the command, the check ends: a command that
fails on a server, or could not even be made ready, is a failed check execution and never an error of the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.domain.checks.check_executions import (
    failed_unprepared,
    is_for_each_server,
    of_all,
    of_servers,
    processors,
)
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.checking.turns import UNPREPARED
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.steps import StepPhase
from wavebreak.domain.executions.stepping.wave_steps import asked_by, is_cut_short, run_id, targets, with_end
from wavebreak.problems import NotFound
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.store.executions import VersionConflictError
from wavebreak.use_cases.checks.consolidate_checks import consolidated
from wavebreak.use_cases.run_command import cancel_planned, start_planned
from wavebreak.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wavebreak.domain.commands.runs import CommandRun
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.steps import WaveStep
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.ports.capabilities import HasChecks, HasMeter
    from wavebreak.use_cases.run_command import Ports as RunCommandPorts

    class Ports(RunCommandPorts, HasChecks, HasMeter, Protocol):
        """What making a check needs."""


_LONGEST_FAULT: Final = 300
"""Characters of what kept a command from being made ready."""


def run_check(app: Ports, execution: Execution, wave: Wave, command: WaveStep) -> None:
    """Do what is due of a check whose start is written down: start its run, stop it, or keep what it found."""
    _Check(app, execution, wave, command).go_on()


class _Check(Value, dict=True):
    app: Ports
    execution: Execution
    wave: Wave
    command: WaveStep

    @property
    def _id(self) -> str:
        return run_id(self.execution.execution_id, self.wave.number, self.command)

    def go_on(self) -> None:
        run = self._run()
        if run is not None and run.status.is_terminal:
            self._keep(run)
        elif is_cut_short(self.execution, self.wave, self.command):
            cancel_planned(self.app, self._id, self.execution, self.command.name, self.wave.number)
        else:
            self._start()

    def _run(self) -> CommandRun | None:
        try:
            return self.app.commands.load(self._id)
        except NotFound:
            return None

    def _start(self) -> None:
        """Start the run; a command that cannot be made ready, now or later, is a failed check."""
        app, execution, wave, command = self.app, self.execution, self.wave, self.command
        try:
            asked = asked_by(app.executions.document(execution.execution_id), wave.number, command)
            start_planned(app, asked, self._id, execution, wave.number, targets(execution, wave, command.phase))
        except (*FAULTS, VersionConflictError):
            raise
        except Exception as error:  # noqa: BLE001  it would come again each time: the check fails, and the run goes on
            app.errors.record_error(error, Severity.WARNING, execution_id=execution.execution_id, check=command.check)
            self._give_up(f"its command could not be made ready: {error}"[:_LONGEST_FAULT])

    def _keep(self, run: CommandRun) -> None:
        """Keep the results of a run that has ended as check executions."""
        document = self.app.executions.document(self.execution.execution_id)
        processor = self._processor(document)
        facts, at = self._facts(processor), run.ended_at or self.app.now()
        results = self.app.commands.outcomes(run.command_id)
        if is_for_each_server(processor):
            self._end(document, of_servers(processor, facts, results, at), run.status.value)
            return
        one = of_all(processor, facts, results, at)
        self._end(document, [] if one is None else [one], run.status.value)

    def _give_up(self, reason: str) -> None:
        """Keep failed check executions of a command that never ran."""
        try:
            document = self.app.executions.document(self.execution.execution_id)
        except NotFound:
            document = {"waves": []}
        processor = self._processor(document)
        servers = [server.source_server_id for _, server in targets(self.execution, self.wave, self.command.phase)]
        over = servers if is_for_each_server(processor) else [None]
        made = failed_unprepared(self._facts(processor), over, reason, self.app.now())
        self._end(document, made, UNPREPARED, failure=reason)

    def _end(
        self, document: Mapping[str, Any], made: Iterable[Mapping[str, Any]], outcome: str, failure: str | None = None
    ) -> None:
        """Write the check executions; then, in one change, the end of the check and its consolidated result."""
        number, command = self.wave.number, self.command
        self.app.checks.put(self.execution.execution_id, (number, command.position, command.attempt), made)
        mine = (command.phase, command.position, command.attempt)

        def step(current: Execution) -> Execution:
            running = current.wave(number).running_step
            if running is None or (running.phase, running.position, running.attempt) != mine:
                return current  # another call has written it
            ended = replace(running, outcome=outcome, failure=failure)
            return consolidated(self.app, with_end(current, number, ended, self.app.now()), document)

        self.app.executions.change(self.execution.execution_id, step, Attribution(ENGINE_ACTOR, self.app.now()))

    def _processor(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the processor of the check; if the plan no longer holds it, at least its kind is known."""
        kind = "APPLICATION" if self.command.phase is StepPhase.CLOSING else "STIPULATION"
        unknown: dict[str, Any] = {"name": self.command.check, "type": kind, "factors": {}}
        return processors(document["waves"]).get(str(self.command.check), unknown)

    def _facts(self, processor: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that all check executions of a run share."""
        return {
            "executionId": None,
            "name": processor["name"],
            "type": processor["type"],
            "waveNumber": None if self.command.phase is StepPhase.CLOSING else self.wave.number,
            "sourceServerId": None,
            "command": self.command.name,
            "commandId": self._id,
        }
