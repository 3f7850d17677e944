"""How commands go: sent, delivered to the machines, given up and cancelled."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from drs_simulator.ssm.invocations import Command, Details, Invocation

if TYPE_CHECKING:
    from datetime import datetime

    from drs_simulator.ec2.model import Instance
    from drs_simulator.ssm.documents import Document
    from drs_simulator.ssm.systems_manager import SystemsManager


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
    """Cancel an invocation: at once if no agent runs it, else when its processes have ended."""
    if invocation.details is Details.IN_PROGRESS and not invocation.lost:
        invocation.details = Details.CANCELLING
        ssm.world.agents.stop(invocation)
    elif invocation.details in (Details.PENDING, Details.IN_PROGRESS):
        invocation.end(Details.CANCELLED)


def _give_up(waiting: Details, invocation: Invocation, _at: datetime) -> None:
    """End what has not been delivered, or not been reported, in its time."""
    if invocation.details is waiting and (waiting is Details.PENDING or invocation.lost):
        invocation.end(Details.DELIVERY_TIMED_OUT)
