"""What a report is made of, put together from what is stored of an execution. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.model.terminations import EndingOutcome
from wavebreak.domain.executions.views.executions import execution_view

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.servers import Server


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
        {
            **view,
            "servers": [
                {**each, **_of_server(server)} for each, server in zip(view["servers"], wave.servers, strict=True)
            ],
        }
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


def _of_server(server: Server) -> dict[str, Any]:
    outcome = server.ending.outcome if server.ending else None
    return {
        "postLaunchActions": server.has_actions,
        "terminated": outcome is EndingOutcome.TERMINATED,
        "replaced": outcome is EndingOutcome.REPLACED,
    }
