"""Commands and their invocations: one of each command for each machine, and how they go."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime

    from drs_simulator.ec2.model import Instance
    from drs_simulator.ssm.documents import Document
    from drs_simulator.ssm.systems_manager import SystemsManager

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
    found, ``lost`` tells that its machine went away while it ran: nobody will report how it ends.
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


def send(ssm: SystemsManager, document: Document, instances: list[Instance], asked: dict[str, Any]) -> Command:
    """Make a command for ``instances`` and put its steps on the agenda; ``asked`` has the other fields of Command."""
    world = ssm.world
    now = world.clock.now()
    command = Command(world.ids.command(), len(ssm.commands), document, requested_at=now, **asked)
    ssm.commands[command.command_id] = command
    delivered_by = now + world.timing.delivery(command.timeout_seconds)
    for instance in instances:
        ssm.invocation_count += 1
        invocation = Invocation(ssm.invocation_count, command, instance, world.missing_lookups)
        command.invocations[invocation.instance_id] = invocation
        world.agenda.add(now, partial(deliver, ssm, invocation))
        world.agenda.add(delivered_by, partial(_give_up, Details.PENDING, invocation))
        expired = delivered_by + timedelta(seconds=command.run_seconds)
        world.agenda.add(expired, partial(_give_up, Details.IN_PROGRESS, invocation))
    return command


def deliver(ssm: SystemsManager, invocation: Invocation, at: datetime) -> None:
    """Hand an invocation to the agent of its machine, if that can be reached now."""
    machine = ssm.machine(invocation.instance)
    if invocation.details is not Details.PENDING or not ssm.is_managed(invocation.instance):
        return
    if machine.undeliverable:
        invocation.end(Details.UNDELIVERABLE)
    elif machine.reachable:
        invocation.details, invocation.started_at = Details.IN_PROGRESS, at
        ssm.world.agents.start(ssm, invocation)


def deliver_waiting(ssm: SystemsManager, instance: Instance) -> None:
    """Hand over what has waited for a machine that may be reached now."""
    for command in ssm.commands.values():
        invocation = command.invocations.get(instance.instance_id)
        if invocation:
            deliver(ssm, invocation, ssm.world.clock.now())


def cancel(ssm: SystemsManager, invocation: Invocation) -> None:
    """Cancel an invocation: at once if nobody runs it, else when its processes have ended."""
    if invocation.details is Details.IN_PROGRESS and not invocation.lost:
        invocation.details = Details.CANCELLING
        ssm.world.agents.stop(invocation)
    elif invocation.details in (Details.PENDING, Details.IN_PROGRESS):
        invocation.end(Details.CANCELLED)


def _give_up(waiting: Details, invocation: Invocation, _at: datetime) -> None:
    """End what has not been delivered, or not been reported, in its time."""
    if invocation.details is waiting and (waiting is Details.PENDING or invocation.lost):
        invocation.end(Details.DELIVERY_TIMED_OUT)
