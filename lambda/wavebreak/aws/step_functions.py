"""Step Functions: starting an execution's machines and waking them.

A machine's input is the execution id and nothing else; its name says which run of it this is (`machine_runs`).
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from wavebreak.domain.executions.machine_runs import Machine, command_run_name
from wavebreak.domain.steps.step_ids import machine_run_name
from wavebreak.store import keys

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_stepfunctions.client import SFNClient

    from wavebreak.store.wake_tokens import WakeStore

logger = logging.getLogger(__name__)

_STALE_TOKEN: Final = frozenset({"TaskDoesNotExist", "TaskTimedOut", "InvalidToken"})
"""Normal answers to a wake: the machine is awake already."""


class Workflow:
    """The state machines of this stack."""

    def __init__(
        self,
        client: SFNClient,
        wakes: WakeStore,
        arns: dict[Machine, str | None],
        command_arn: str | None = None,
        step_arn: str | None = None,
    ) -> None:
        """Keep the client, the wake tokens and the machines' ARNs."""
        self.command_arn = command_arn
        self.step_arn = step_arn
        self.client = client
        self.wakes = wakes
        self.arns = arns

    def start(self, machine: Machine, execution_id: str, run: int) -> None:
        """Start a run of a machine; one that was started already is left alone. Service faults pass through."""
        self._start(self._arn(machine), machine.run_name(execution_id, run), {"executionId": execution_id})

    def start_command(self, command_id: str, run: int) -> None:
        """Start a run of the machine of a command run; one that was started already is left alone."""
        self._start(self._command_arn(), command_run_name(command_id, run), {"commandId": command_id})

    def start_step(self, step_id: str, run: int) -> None:
        """Start a run of the machine of a step; one that was started already is left alone."""
        self._start(self._step_arn(), machine_run_name(step_id, run), {"stepId": step_id})

    def is_step_running(self, step_id: str, run: int) -> bool:
        """Return whether a run of the machine of a step is running; one that does not exist is not."""
        return self._is_running(self._step_arn(), machine_run_name(step_id, run))

    def _start(self, arn: str, name: str, content: dict[str, str]) -> None:
        try:
            self.client.start_execution(stateMachineArn=arn, name=name, input=json.dumps(content))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise

    def start_next(self, machine: Machine, execution_id: str, known_run: int, now: datetime) -> bool:
        """Start the run after the known one; a second caller at the same moment starts nothing and gets False."""
        if not self.wakes.next_run(execution_id, keys.wake_token(machine), known_run, now):
            return False
        self.start(machine, execution_id, known_run + 1)
        return True

    def wake(self, machine: Machine, execution_id: str) -> bool:
        """Wake a machine for its next round; return whether it was asleep. A machine that is awake polls by itself."""
        token = self.wakes.claim(execution_id, keys.wake_token(machine))
        if token is None:
            return False
        try:
            self.client.send_task_success(taskToken=token, output="{}")
        except ClientError as error:
            if error.response["Error"]["Code"] not in _STALE_TOKEN:
                raise
            return False
        return True

    def is_running(self, machine: Machine, execution_id: str, run: int) -> bool:
        """Return whether a run of a machine is running; one that does not exist is not."""
        return self._is_running(self._arn(machine), machine.run_name(execution_id, run))

    def is_command_running(self, command_id: str, run: int) -> bool:
        """Return whether a run of the machine of a command run is running; one that does not exist is not."""
        return self._is_running(self._command_arn(), command_run_name(command_id, run))

    def _is_running(self, machine_arn: str, name: str) -> bool:
        arn = machine_arn.replace(":stateMachine:", ":execution:") + f":{name}"
        try:
            return self.client.describe_execution(executionArn=arn)["status"] == "RUNNING"
        except ClientError as error:
            if error.response["Error"]["Code"] in {"ExecutionDoesNotExist", "InvalidArn"}:
                return False
            raise

    def _command_arn(self) -> str:
        if self.command_arn is None:
            raise LookupError("this function does not know the ARN of the command machine")
        return self.command_arn

    def _step_arn(self) -> str:
        if self.step_arn is None:
            raise LookupError("this function does not know the ARN of the step machine")
        return self.step_arn

    def _arn(self, machine: Machine) -> str:
        arn = self.arns[machine]
        if arn is None:
            raise LookupError(f"this function does not know the ARN of the {machine.name} machine")
        return arn
