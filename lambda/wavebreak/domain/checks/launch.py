"""Launches: how many servers of a run, and of each of its waves, were launched (contract 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from wavebreak.domain.executions.model.servers import LaunchStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Launched(TypedDict):
    """Servers, how many of them are launched or failed, and the launched part of all of them; null of none."""

    servers: int
    launched: int
    failed: int
    successRate: float | None


class WaveLaunched(Launched):
    """The same of one wave."""

    waveNumber: int


class Launch(Launched):
    """The built-in factor `launch`."""

    waves: list[WaveLaunched]


def launch(execution: Mapping[str, Any]) -> Launch:
    """Count the servers of an execution as the API shows it; one that was never started counts, as not launched."""
    waves = [(wave["waveNumber"], list(wave.get("servers") or ())) for wave in execution.get("waves") or ()]
    every = [server for _, servers in waves for server in servers]
    return {**_count(every), "waves": [{**_count(servers), "waveNumber": number} for number, servers in waves]}


def _count(servers: Sequence[Mapping[str, Any]]) -> Launched:
    states = [server.get("launchStatus") for server in servers]
    launched = states.count(LaunchStatus.LAUNCHED)
    failed = states.count(LaunchStatus.FAILED) + states.count(LaunchStatus.TERMINATED)
    rate = round(launched / len(states), 4) if states else None
    return {"servers": len(states), "launched": launched, "failed": failed, "successRate": rate}
