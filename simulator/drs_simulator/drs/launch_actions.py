"""Post-launch actions: what DRS has SSM do on an instance after it was launched, one after another.

What becomes of a launch whose action has failed is not established: here the server stays LAUNCHED, the further actions
run, and ``lastLaunchResult`` is FAILED if the action was not optional, as the model words it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from drs_simulator.clockwork.clock import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from drs_simulator.drs.fleet import Fleet
    from drs_simulator.drs.model import LaunchAction, Participant, SourceServer

_FIRST_ORDER = 2


def ordered(server: SourceServer) -> list[tuple[int, LaunchAction]]:
    """Return a server's actions with their orders, in which they run; one without an order comes where it is listed."""
    numbered = [(each.order or _FIRST_ORDER + number, each) for number, each in enumerate(server.actions)]
    return sorted(numbered, key=lambda entry: entry[0])


def action_view(server: SourceServer, order: int, action: LaunchAction) -> dict[str, Any]:
    """Return a LaunchAction of the DRS model."""
    return {
        "actionId": str(uuid5(NAMESPACE_URL, f"{server.subject}/{action.name}")),
        "actionCode": action.action_code,
        "actionVersion": action.action_version,
        "type": action.type,
        "name": action.name,
        "category": action.category,
        "order": order,
        "optional": action.optional,
        "active": action.active,
        "parameters": {},
    }


def has_failed(participant: Participant, moment: datetime) -> bool:
    """Return whether an action had failed by a moment that the launch needed."""
    status = participant.actions.at(moment) or {}
    return any(run["status"] == "FAILED" and not run["action"]["optional"] for run in status.get("runs", []))


class ActionRuns:
    """The runs of the actions of one server's launch; ``finished`` is reported when the last of them has ended."""

    def __init__(self, fleet: Fleet, participant: Participant, finished: Callable[[datetime], None]) -> None:
        self._agenda = fleet.world.agenda
        self._timing = fleet.world.timing
        self._participant = participant
        self._server = participant.server
        self._finished = finished
        # Fixed now, as the launch is.
        self._left = [entry for entry in ordered(participant.server) if entry[1].active]

    def start(self, at: datetime, found: datetime) -> None:
        """Run what there is to run from ``found`` on, when the agent is heard of; nothing is over at once."""
        if self._server.runs_actions and self._left:
            self._agenda.add(found, self._discover)
        else:
            self._finished(at)

    def _discover(self, at: datetime) -> None:
        self._participant.actions.set({"ssmAgentDiscoveryDatetime": timestamp(at), "runs": []}, at)
        self._next(at)

    def _next(self, at: datetime) -> None:
        if not self._left:
            self._finished(at)
            return
        order, action = self._left.pop(0)
        run = {
            "action": action_view(self._server, order, action),
            "runId": str(uuid5(NAMESPACE_URL, f"{self._server.subject}/{self._server.jobs}/{action.name}")),
            "status": "IN_PROGRESS",
        }
        self._write(run, at)
        self._agenda.add(at + self._timing.delay(action.seconds), partial(self._end, run, action))

    def _end(self, run: dict[str, Any], action: LaunchAction, at: datetime) -> None:
        reason = {"failureReason": action.failure_reason} if action.result == "FAILED" else {}
        self._write({**run, "status": action.result, **reason}, at)
        self._next(at)

    def _write(self, run: dict[str, Any], at: datetime) -> None:
        """Put a run in the place of what was known of it."""
        status = self._participant.actions.now or {}
        others = [each for each in status["runs"] if each["runId"] != run["runId"]]
        self._participant.actions.set({**status, "runs": [*others, run]}, at)
