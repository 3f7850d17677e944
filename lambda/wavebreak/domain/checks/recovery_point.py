"""Recovery point: how old the data of the launched servers was at the request, by its objective (contract 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from wavebreak.domain.checks.recovery_time import objective_seconds
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.timing import known_time, whole_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Rpo(TypedDict):
    """The largest age in seconds by the objective, of which server, and how many are not known (contract 8)."""

    objectiveSeconds: int | None
    achievedSeconds: int | None
    met: bool | None
    worstServer: str | None
    unknown: int


class WavePoint(TypedDict):
    """The recovery points of the servers of one wave."""

    waveNumber: int
    achievedSeconds: int | None
    worstServer: str | None
    unknown: int


class RecoveryPoint(Rpo):
    """The built-in factor `recovery_point`: in all and per wave."""

    waves: list[WavePoint]


def recovery_point(execution: Mapping[str, Any]) -> RecoveryPoint:
    """Measure an execution as the API shows it, and each of its waves."""
    points: list[WavePoint] = []
    for wave in execution.get("waves") or ():
        alone = rpo({**execution, "waves": [wave]})
        points.append(
            {
                "waveNumber": wave["waveNumber"],
                "achievedSeconds": alone["achievedSeconds"],
                "worstServer": alone["worstServer"],
                "unknown": alone["unknown"],
            }
        )
    return {**rpo(execution), "waves": points}


def rpo(execution: Mapping[str, Any]) -> Rpo:
    """Measure an execution as the API shows it; a server's recovery point is its `snapshotAt`.

    With a point that is not known the largest age is not known either, and nor is the worst server, unless a known one
    misses the objective: then that is enough to say so.
    """
    objective = objective_seconds(execution, "rpoMinutes")
    ages = list(_ages(execution))
    known = [(age, server) for server, age in ages if age is not None]
    unknown = len(ages) - len(known)
    worst, server = max(known, key=lambda item: item[0], default=(None, None))
    missed = worst is not None and objective is not None and worst > objective
    whole = worst is not None and not unknown
    return {
        "objectiveSeconds": objective,
        "achievedSeconds": worst if whole else None,
        "met": False if missed else True if whole and objective is not None else None,
        "worstServer": server if whole or missed else None,
        "unknown": unknown,
    }


def launched_servers(execution: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Return every server that is LAUNCHED."""
    for wave in execution.get("waves") or ():
        for server in wave.get("servers") or ():
            if server.get("launchStatus") == LaunchStatus.LAUNCHED:
                yield server


def _ages(execution: Mapping[str, Any]) -> Iterator[tuple[str, int | None]]:
    """Return each launched server with the seconds from its recovery point to the request, at least 0."""
    asked = known_time(execution.get("startedAt"))
    for server in launched_servers(execution):
        yield server["sourceServerId"], whole_seconds(known_time(server.get("snapshotAt")), asked)
