"""Where each server that launches is, since when, and how long that usually takes (contract 4, `progress`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypedDict

from wavebreak.domain.evidence.job_log import Phase, spans_view
from wavebreak.domain.evidence.launch_logs import LaunchLogs
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.timing import iso, whole_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.evidence.inputs import JobLogs
    from wavebreak.domain.evidence.job_log import PhaseSpan, PhaseTimes

_OVER: Final = frozenset({LaunchStatus.LAUNCHED, LaunchStatus.FAILED, LaunchStatus.TERMINATED})


class ServerPhase(TypedDict):
    """The phase of a server; null when it is in none: not started, launched or failed, or not known yet.

    `phases` are all that it came to, in every launch of it, the earliest first.
    """

    waveNumber: int
    sourceServerId: str
    phase: str | None
    since: str | None
    usualSeconds: int | None
    phases: list[PhaseTimes]


def phases(
    execution: Mapping[str, Any], job_logs: JobLogs, usual: Mapping[str, Mapping[str, int]] | None = None
) -> list[ServerPhase]:
    """Return the phase of every server of an execution as the API shows it, in the order of the plan.

    Between two phases a server is still in the one that it came to last. `usual` has the seconds of each phase, by
    server, of an earlier run (`phase_seconds` of it); without them `usualSeconds` is null.
    """
    logs = LaunchLogs.of(execution, job_logs)
    return [
        _of_server(wave["waveNumber"], server, logs, (usual or {}).get(server["sourceServerId"], {}))
        for wave in execution.get("waves") or ()
        for server in wave.get("servers") or ()
    ]


def phase_seconds(execution: Mapping[str, Any], job_logs: JobLogs) -> dict[str, dict[str, int]]:
    """Measure how long each phase of each server took in a run, by the last time that it came to an end.

    Servers and phases of which that is not known are left out.
    """
    logs = LaunchLogs.of(execution, job_logs)
    measured: dict[str, dict[str, int]] = {}
    for wave in execution.get("waves") or ():
        for server in wave.get("servers") or ():
            took = {
                span.phase.value: seconds
                for span in logs.spans(wave["waveNumber"], server)
                if (seconds := whole_seconds(span.started_at, span.ended_at)) is not None
            }
            if took and server.get("launchStatus") == LaunchStatus.LAUNCHED:
                measured[server["sourceServerId"]] = took
    return measured


def _of_server(wave: int, server: Mapping[str, Any], logs: LaunchLogs, usual: Mapping[str, int]) -> ServerPhase:
    span = _current(wave, server, logs)
    return {
        "waveNumber": wave,
        "sourceServerId": server["sourceServerId"],
        "phase": span.phase.value if span else None,
        "since": iso(span.started_at) if span and span.started_at else None,
        "usualSeconds": usual.get(span.phase.value) if span else None,
        "phases": spans_view(logs.spans(wave, server)),
    }


def _current(wave: int, server: Mapping[str, Any], logs: LaunchLogs) -> PhaseSpan | None:
    """Return the phase that a server came to last, unless its launch is over and no actions follow it."""
    jobs = logs.of_server(wave, server["sourceServerId"])
    if not jobs or jobs[-1].ended_at is not None:
        return None
    spans = logs.spans(wave, server)
    last = spans[-1] if spans else None
    if last is None or last.phase is Phase.POST_LAUNCH:
        return last
    launched = jobs[-1].servers[server["sourceServerId"]].launched_at is not None
    over = server.get("launchStatus") in _OVER and not server.get("postLaunchActions")
    return None if over or launched else last
