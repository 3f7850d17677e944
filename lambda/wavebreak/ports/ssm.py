"""Systems Manager of one account and Region, as use cases ask it; `aws/ssm.py` and `aws/automation.py` say more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from wavebreak.domain.commands.output_page import OutputPage
    from wavebreak.domain.steps.automation_states import AutomationView
    from wavebreak.domain.steps.runs import StepRun
    from wavebreak.domain.steps.step_checks import Runbook


class SsmAgents(Protocol):
    """The agents of instances: whether they answer, and to have them stop."""

    def online(self, instance_ids: Sequence[str], /) -> frozenset[str]: ...
    def cancel(self, command_id: str, instance_ids: Iterable[str], /) -> None: ...


class SsmCommands(SsmAgents, Protocol):
    """Sending commands and reading their results."""

    def sign_in(self) -> object: ...
    def send(self, command: str, instance_id: str, parameters: Mapping[str, str], comment: str, /) -> str: ...
    def find(self, instance_id: str, comment: str, since: datetime, /) -> str | None: ...
    def invocation(self, command_id: str, instance_id: str, /) -> Mapping[str, Any] | None: ...


class CommandOutput(Protocol):
    """What commands print, as it arrives."""

    def read(self, stream: str, token: str | None, limit: int, /) -> OutputPage: ...


class Runbooks(Protocol):
    """Which runbooks there are."""

    def runbook(self, name: str, /) -> Runbook | None: ...


class Automations(Protocol):
    """Runs of runbooks."""

    def start(self, run: StepRun, /) -> str: ...
    def find(self, step_id: str, /) -> str | None: ...
    def status(self, automation_execution_id: str, /) -> AutomationView | None: ...
    def stop(self, automation_execution_id: str, /) -> None: ...
