"""What is kept of a command: what was asked, and one invocation for each machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from drs_simulator.ec2.model import Instance
    from drs_simulator.ssm.documents import Document

NO_CODE: Final = -1
# The exit code that the agent reports for a script that it has killed.
KILLED: Final = 137


class Details(StrEnum):
    """The detailed statuses of an invocation, as the API words them (the reference writes them with spaces)."""

    PENDING = "Pending"
    IN_PROGRESS = "InProgress"
    SUCCESS = "Success"
    FAILED = "Failed"
    EXECUTION_TIMED_OUT = "ExecutionTimedOut"
    DELIVERY_TIMED_OUT = "DeliveryTimedOut"
    CANCELLING = "Cancelling"
    CANCELLED = "Cancelled"
    UNDELIVERABLE = "Undeliverable"

    @property
    def status(self) -> str:
        """Return the plain status that stands for it."""
        return {
            Details.EXECUTION_TIMED_OUT: "TimedOut",
            Details.DELIVERY_TIMED_OUT: "TimedOut",
            Details.UNDELIVERABLE: "Failed",
        }.get(self, self.value)

    @property
    def is_final(self) -> bool:
        """Return whether nothing changes any more."""
        return self not in (Details.PENDING, Details.IN_PROGRESS, Details.CANCELLING)


@dataclass
class Invocation:
    """A command on one machine.

    ``number`` counts the invocations of the account and Region. ``missing_lookups`` is how often it still cannot be
    found, ``lost`` says that its machine went away while it ran: its end is never reported.
    """

    number: int
    command: Command
    instance: Instance
    missing_lookups: int
    details: Details = Details.PENDING
    code: int = NO_CODE
    stdout: str = ""
    stderr: str = ""
    started_at: datetime | None = None
    seconds: float | None = None
    lost: bool = False

    @property
    def instance_id(self) -> str:
        """Return the id of the EC2 instance."""
        return self.instance.instance_id

    def end(self, details: Details, *, code: int = NO_CODE, seconds: float | None = None) -> None:
        """End it; one that has started has run for ``seconds``."""
        self.details, self.code, self.seconds = details, code, seconds


@dataclass
class Command:
    """What SendCommand was asked; ``values`` are the document's parameters, ``parameters`` those that were given."""

    command_id: str
    number: int
    document: Document
    values: dict[str, str]
    parameters: dict[str, list[str]]
    comment: str
    timeout_seconds: int
    requested_at: datetime
    log_group: str | None
    invocations: dict[str, Invocation] = field(default_factory=dict)

    @property
    def run_seconds(self) -> int:
        """Return how long it may run on a machine."""
        return self.document.run_seconds(self.values)
