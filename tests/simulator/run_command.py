"""What the simulator's tests send commands with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from botocore.exceptions import ClientError
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from drs_simulator.client import SimulatorControl
    from drs_simulator.http.server import SimulatorServer

Seen = TypeVar("Seen")
SHELL = "Test-Shell"
SHELL_DOCUMENT: dict[str, Any] = {
    "schemaVersion": "2.2",
    "parameters": {
        "Script": {"type": "String"},
        "Seconds": {"type": "String", "default": "20", "allowedPattern": "[0-9]+"},
    },
    "mainSteps": [
        {
            "action": "aws:runShellScript",
            "name": "shell",
            "inputs": {"runCommand": ["{{ Script }}"], "timeoutSeconds": "{{ Seconds }}"},
        }
    ],
}
RUNNING = ("Pending", "InProgress", "Cancelling")


class RunCommand:
    """An SSM client with the few steps that most tests share."""

    def __init__(
        self, client: Any, control: SimulatorControl, simulator: SimulatorServer, instances: list[str]
    ) -> None:
        self.client = client
        self.control = control
        self.simulator = simulator
        self.instances = instances
        control.missing_lookups(0)

    @property
    def first(self) -> str:
        return self.instances[0]

    def root(self, instance: str | None = None) -> Path:
        return Path(self.control.instance(instance or self.first)["directory"])

    def send(self, script: str, *instances: str, seconds: int = 20, **more: Any) -> str:
        answer = self.client.send_command(
            InstanceIds=list(instances or [self.first]),
            DocumentName=SHELL,
            Parameters={"Script": [script], "Seconds": [str(seconds)]},
            **more,
        )
        return str(answer["Command"]["CommandId"])

    def invocation(self, command_id: str, instance: str | None = None) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get_command_invocation(
            CommandId=command_id, InstanceId=instance or self.first
        )
        return answer

    def wait(self, command_id: str, instance: str | None = None) -> dict[str, Any]:
        return eventually(
            lambda: self.invocation(command_id, instance),
            lambda answer: answer["Status"] not in RUNNING,
            "still running",
        )

    def run(self, script: str, *, seconds: int = 20, **more: Any) -> dict[str, Any]:
        return self.wait(self.send(script, seconds=seconds, **more))

    def refusal(self, **parameters: Any) -> str:
        """Send what is to be refused, and return the error's code."""
        asked = {"InstanceIds": [self.first], "DocumentName": SHELL, "Parameters": {"Script": ["true"]}, **parameters}
        return code_of(lambda: self.client.send_command(**asked))


def code_of(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def gone(pids: list[int]) -> bool:
    """Tell whether no process table entry is left of any of ``pids``, not even a zombie."""
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)
