"""What a report is made of, put together from what is stored of an execution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.model.terminations import EndingOutcome
from wavebreak.domain.executions.views.executions import execution_view

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.domain.executions.model.waves import Wave


def facts_of(
    execution: Execution,
    document: Mapping[str, Any] | None,
    outputs: Mapping[str, str | None],
    now: datetime,
    checks: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return an execution as `report` takes it (`inputs.ExecutionInput`).

    `document` is its frozen plan, `outputs` what its waves' steps answered by the ids of their runs (of a command its
    summary), `checks` its active check executions.
    """
    shown = execution_view(execution, now, outputs=outputs)
    waves = [
        {**view, "servers": _servers(view["servers"], wave, _started(execution, wave.number))}
        for view, wave in zip(shown["waves"], execution.waves, strict=True)
    ]
    calls = execution.calls
    return {
        **shown,
        "waves": waves,
        "checks": [dict(each) for each in checks],
        "plan": document,
        "planHash": execution.plan_hash,
        "calls": {"startRecoveryCalls": calls.made, "refusals": calls.refused} if calls else {},
    }


def _started(execution: Execution, wave: int) -> set[str]:
    """Return the servers of a wave that a DRS job was to launch, in any attempt."""
    return {name for job in execution.launch_jobs(wave) if job.job_id is not None for name in job.subjects}


def _servers(shown: Iterable[Mapping[str, Any]], wave: Wave, started: Container[str]) -> list[dict[str, Any]]:
    return [
        {**view, **_of_server(server), "started": server.source_server_id in started}
        for view, server in zip(shown, wave.servers, strict=True)
    ]


def _of_server(server: Server) -> dict[str, Any]:
    outcome = server.ending.outcome if server.ending else None
    return {
        "postLaunchActions": server.has_actions,
        "terminated": outcome is EndingOutcome.TERMINATED,
        "replaced": outcome is EndingOutcome.REPLACED,
    }
