"""Step Functions: starting an execution's machines and waking them.

A machine's input is the execution id and nothing else; its name tells which run of it this is: the execution's id,
then `-r2`, `-r3` for renewals and retries, `-t1`, `-t2` for terminations.
"""

from __future__ import annotations

import json
import logging
import re
from enum import Enum
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from wavebreak.store import keys

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_stepfunctions.client import SFNClient

    from wavebreak.store.wakes import WakeStore

logger = logging.getLogger(__name__)

_STALE_TOKEN: Final = frozenset({"TaskDoesNotExist", "TaskTimedOut", "InvalidToken"})
"""Normal answers to a wake: the machine is awake already."""


_LATER_RUN: Final = re.compile(r"-r([0-9]+)$")


class Machine(Enum):
    """The two state machines of an execution: the item of their wake token, and the mark of their later runs."""

    RECOVERY = (keys.TOKEN, "r")
    TERMINATION = (keys.TERMINATION_TOKEN, "t")

    @property
    def token_key(self) -> str:
        """Sort key of the machine's wake token."""
        return self.value[0]

    def run_name(self, execution_id: str, run: int) -> str:
        """Name the run of a machine."""
        if self is Machine.RECOVERY and run <= 1:
            return execution_id
        return f"{execution_id}-{self.value[1]}{run}"

    def run_of(self, name: str) -> int:
        """Read the number of a run from its name."""
        _, mark, number = name.rpartition(f"-{self.value[1]}")
        return int(number) if mark and number.isdigit() else 1


def command_run_name(command_id: str, run: int) -> str:
    """Name a run of the machine of a command run: its id, then `-r2`, `-r3`."""
    return command_id if run <= 1 else f"{command_id}-r{run}"


def command_id_of(name: str) -> str:
    """Read the id of a command run from the name of a run of its machine."""
    return _LATER_RUN.sub("", name)


def command_run_of(name: str) -> int:
    """Read the number of a run of a command machine from its name."""
    found = _LATER_RUN.search(name)
    return int(found[1]) if found else 1


def machine_of(name: str) -> Machine:
    """Read from the name of a run whose machine it is."""
    execution_id = execution_id_of(name)
    return Machine.TERMINATION if "-t" in name[len(execution_id) :] else Machine.RECOVERY


def execution_id_of(name: str) -> str:
    """Read the execution's id from the name of a machine's run."""
    return "-".join(name.split("-")[:2])


class Workflow:
    """The state machines of this stack."""

    def __init__(
        self, client: SFNClient, wakes: WakeStore, arns: dict[Machine, str | None], command_arn: str | None = None
    ) -> None:
        """Take the client, the wake tokens and the machines' ARNs."""
        self.command_arn = command_arn
        self.client = client
        self.wakes = wakes
        self.arns = arns

    def start(self, machine: Machine, execution_id: str, run: int) -> None:
        """Start a run of a machine; one that was started already is left alone. Service faults pass through."""
        self._start(self._arn(machine), machine.run_name(execution_id, run), {"executionId": execution_id})

    def start_command(self, command_id: str, run: int) -> None:
        """Start a run of the machine of a command run; one that was started already is left alone."""
        self._start(self._command_arn(), command_run_name(command_id, run), {"commandId": command_id})

    def _start(self, arn: str, name: str, content: dict[str, str]) -> None:
        try:
            self.client.start_execution(stateMachineArn=arn, name=name, input=json.dumps(content))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise

    def start_next(self, machine: Machine, execution_id: str, known_run: int, now: datetime) -> bool:
        """Start the run after the known one; whoever else does so at this moment starts nothing and gets False."""
        if not self.wakes.next_run(execution_id, machine.token_key, known_run, now):
            return False
        self.start(machine, execution_id, known_run + 1)
        return True

    def wake(self, machine: Machine, execution_id: str) -> bool:
        """Have a machine look again at once; tells whether it was asleep. A machine that is awake looks by itself."""
        token = self.wakes.claim(execution_id, machine.token_key)
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
        """Tell whether a run of a machine is running; one that does not exist is not."""
        return self._is_running(self._arn(machine), machine.run_name(execution_id, run))

    def is_command_running(self, command_id: str, run: int) -> bool:
        """Tell whether a run of the machine of a command run is running; one that does not exist is not."""
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

    def _arn(self, machine: Machine) -> str:
        arn = self.arns[machine]
        if arn is None:
            raise LookupError(f"this function does not know the ARN of the {machine.name} machine")
        return arn
