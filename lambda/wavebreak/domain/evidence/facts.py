"""What a report is made of, put together from what is stored of an execution. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.ending.model import EndingOutcome
from wavebreak.domain.executions.views import execution_view

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from wavebreak.domain.commands.runs import CommandRun
    from wavebreak.domain.executions.model import Execution, Server


def facts_of(
    execution: Execution,
    document: Mapping[str, Any] | None,
    runs: Mapping[str, CommandRun],
    now: datetime,
    checks: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Give an execution as `report` takes it (`inputs.ExecutionInput`).

    `document` is its frozen plan, `runs` are the runs of its waves' commands by their ids, `checks` its active check
    executions.
    """
    shown = execution_view(execution, now)
    waves = [
        {
            **view,
            "servers": [
                {**each, **_of_server(server)} for each, server in zip(view["servers"], wave.servers, strict=True)
            ],
            "steps": [_step(each, runs) for each in view["steps"]],
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


def _step(command: Mapping[str, Any], runs: Mapping[str, CommandRun]) -> dict[str, Any]:
    """Show the command of a wave as a step (contract 12); what it printed in all is its output."""
    run = runs.get(command["commandId"] or "")
    run_view = run.view() if run else {}
    return {
        "kind": "command",
        "name": command["command"],
        "required": command["required"],
        "phase": command["phase"],
        "status": command["status"],
        "startedAt": run_view.get("startedAt"),
        "endedAt": run_view.get("endedAt"),
        "error": command["error"],
        "output": run_view.get("summary"),
        "commandId": command["commandId"],
    }
