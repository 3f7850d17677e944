"""Step Functions: starting an execution's machines and waking them.

A machine's input is the execution id and nothing else; its name tells which run of it this is: the execution's id,
then `-r2`, `-r3` for renewals and retries, `-t1`, `-t2` for terminations.
"""

from __future__ import annotations

import json
import logging
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


def execution_id_of(name: str) -> str:
    """Read the execution's id from the name of a machine's run."""
    return "-".join(name.split("-")[:2])


class Workflow:
    """The state machines of this stack."""

    def __init__(self, client: SFNClient, wakes: WakeStore, arns: dict[Machine, str | None]) -> None:
        """Take the client, the wake tokens and the machines' ARNs."""
        self.client = client
        self.wakes = wakes
        self.arns = arns

    def start(self, machine: Machine, execution_id: str, run: int) -> None:
        """Start a run of a machine; one that was started already is left alone. Service faults pass through."""
        try:
            self.client.start_execution(
                stateMachineArn=self._arn(machine),
                name=machine.run_name(execution_id, run),
                input=json.dumps({"executionId": execution_id}),
            )
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
        name = machine.run_name(execution_id, run)
        arn = self._arn(machine).replace(":stateMachine:", ":execution:") + f":{name}"
        try:
            return self.client.describe_execution(executionArn=arn)["status"] == "RUNNING"
        except ClientError as error:
            if error.response["Error"]["Code"] in {"ExecutionDoesNotExist", "InvalidArn"}:
                return False
            raise

    def _arn(self, machine: Machine) -> str:
        arn = self.arns[machine]
        if arn is None:
            raise LookupError(f"this function does not know the ARN of the {machine.name} machine")
        return arn
