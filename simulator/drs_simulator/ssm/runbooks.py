"""The runbooks of SSM Automation, as they are said to be, and what is kept of their executions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, StringConstraints

from drs_simulator.clockwork.timeline import Timeline
from drs_simulator.settings import Settings
from drs_simulator.ssm.documents import name_in

if TYPE_CHECKING:
    from datetime import datetime

_Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.]{1,50}$")]
_Value = Annotated[str, StringConstraints(min_length=1, max_length=512)]
_Region = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
_Account = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
Result = Annotated[str, StringConstraints(pattern=r"^(Success|Failed|TimedOut|Cancelled|Rejected|Exited)$")]
"""How an automation ends, in the words of AutomationExecutionStatus."""

IN_PROGRESS: Final = "InProgress"
CANCELLING: Final = "Cancelling"
CANCELLED: Final = "Cancelled"


class ParameterSettings(Settings):
    """A parameter of a runbook; one without a default has to be given."""

    type: Literal["String", "StringList", "Boolean", "Integer"] = "String"
    default: str | None = None


class AutomationSettings(Settings):
    """How the executions of a runbook go: after so many seconds (unscaled) they end with a result and its outputs.

    The runbook is there in the ``accounts`` and ``regions`` named, or in all. With ``parameters`` it takes those and no
    others; without, any.
    """

    seconds: float = Field(default=5.0, ge=0, le=172_800)
    result: Result = "Success"
    failure_message: str | None = Field(default=None, min_length=1, max_length=1024)
    outputs: dict[_Key, Annotated[list[_Value], Field(max_length=50)]] = Field(default_factory=dict)
    parameters: dict[_Key, ParameterSettings] | None = None
    accounts: Annotated[list[_Account], Field(min_length=1)] | None = None
    regions: Annotated[list[_Region], Field(min_length=1)] | None = None

    def is_in(self, account: str, region: str) -> bool:
        """Return whether an account has the runbook in a Region."""
        return (self.accounts is None or account in self.accounts) and (self.regions is None or region in self.regions)


@dataclass
class Runbooks:
    """The runbooks by name, of every account and Region."""

    _known: dict[str, AutomationSettings] = field(default_factory=dict)

    def put(self, name: str, settings: AutomationSettings) -> bool:
        """Add a runbook; returns whether its name is new."""
        is_new = name not in self._known
        self._known[name] = settings
        return is_new

    def find(self, name: str, account: str, region: str) -> AutomationSettings | None:
        """Return the runbook of a name or ARN, if the account has it in the Region."""
        found = self._known.get(name_in(name))
        return found if found and found.is_in(account, region) else None

    def clear(self) -> None:
        """Forget every runbook."""
        self._known.clear()


@dataclass
class AutomationExecution:
    """An execution of a runbook. ``status`` is one of the words of the SSM model."""

    execution_id: str
    number: int
    document_name: str
    document_version: str
    runbook: AutomationSettings
    parameters: dict[str, list[str]]
    tags: dict[str, str]
    started_at: datetime
    executed_by: str
    subject: str
    status: Timeline[str] = field(default_factory=lambda: Timeline(IN_PROGRESS))
    ended_at: datetime | None = None

    def end(self, status: str, at: datetime) -> None:
        """End it, unless it has ended or is being cancelled to another end."""
        if self.ended_at is None and (self.status.now == IN_PROGRESS or status == CANCELLED):
            self.status.set(status, at)
            self.ended_at = at
