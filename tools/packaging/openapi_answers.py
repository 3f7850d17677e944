"""What the API answers, for the OpenAPI document: statuses and media types.

No function loads this: the document is generated from the handlers, and what they answer is added here.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from tools.packaging.openapi_schemas import LINE
from tools.packaging.openapi_shapes import named

from wavebreak.problems import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping


def _json(status: int, description: str, schema: dict[str, Any]) -> dict[int, Any]:
    return {status: {"description": description, "content": {"application/json": {"schema": schema}}}}


def _page(description: str, item: dict[str, Any]) -> dict[int, Any]:
    schema = {
        "type": "object",
        "required": ["items", "nextToken"],
        "properties": {
            "items": {"type": "array", "items": item},
            "nextToken": {"type": ["string", "null"]},
        },
    }
    return _json(200, description, schema)


def problems(*statuses: int) -> dict[int, Any]:
    """Describe the refusals of a call."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {CONTENT_TYPE: {"schema": named("Problem")}},
        }
        for status in (*statuses, 500, 503)
    }


PLAN: Final = _json(200, "The plan as stored.", named("StoredPlan"))
PLAN_CREATED: Final = _json(201, "The plan is new.", named("StoredPlan"))
PLAN_IMPORTED: Final = _json(201, "The plan that the native one became.", named("StoredPlan"))
READINESS: Final = _json(200, "Every check; the plan is ready when none is FAIL.", named("Readiness"))
READINESS_LIST: Final = _page("What the scheduled checks found, newest first.", named("CheckedReadiness"))
PLAN_CHANGES: Final = _json(200, "What would change; nothing is stored.", named("PlanChanges"))
PLAN_DELETED: Final[dict[int, Any]] = {204: {"description": "The plan is gone."}}
PLAN_LIST: Final = _page("Plans, by id.", named("StoredPlan"))
EXECUTION: Final = _json(200, "The execution.", named("Execution"))
NOT_MODIFIED: Final[dict[int, Any]] = {
    304: {"description": "Nothing has changed since this If-None-Match was its ETag."}
}
WAVE: Final = _json(200, "The wave, and what its steps answered.", named("ExecutionWave"))
ACCEPTED: Final = _json(202, "Accepted; the execution as it stands.", named("Execution"))
EXECUTION_LIST: Final = _page("Executions, newest first, without their waves.", named("ExecutionSummary"))
EVENT_LIST: Final = _page("Events, oldest first.", named("Event"))
COMMAND_RUN: Final = _json(200, "The command run.", named("CommandRun"))
COMMAND_ACCEPTED: Final = _json(202, "Accepted; the command run as it stands.", named("CommandRun"))
RESULT_LIST: Final = _page("Results, in the order of the targets.", named("CommandResult"))
LINE_LIST: Final = _page("Lines, each with its target.", LINE)
ERROR_LIST: Final = _page("Errors, newest first.", named("Error"))
ERROR_SUMMARY: Final = _json(200, "Errors, counted.", named("ErrorSummary"))
HEALTH: Final = _json(200, "No critical circuit is open.", named("Health")) | _json(
    503, "A critical circuit is open.", named("Health")
)
REPORT: Final[dict[int, Any]] = {
    200: {
        "description": "The report, as it was asked for.",
        "content": {
            "application/json": {"schema": named("Report")},
            "text/html; charset=utf-8": {"schema": {"type": "string"}},
        },
    },
    303: {
        "description": "The report has more than 5 MB: it is at this address for a while, which needs no signature.",
        "headers": {"Location": {"schema": {"type": "string", "format": "uri"}, "required": True}},
        "content": {"application/json": {"schema": named("ReportAddress")}},
    },
}
SNAPSHOT_LIST: Final = _page("Servers in the plan's order, each with its recovery points.", named("ServerSnapshots"))
CHECK_LIST: Final = _page("Check executions, in the order of waves and checks.", named("CheckExecution"))
PROGRESS: Final = _json(200, "The phases, as DRS last told them.", named("Progress"))
STEERED: Final = ACCEPTED | problems(400, 404, 409)


ANSWERS: Final[Mapping[tuple[str, str], dict[int, Any]]] = {
    ("POST", "/plans/import"): PLAN_IMPORTED | problems(400, 404, 409),
    ("POST", "/plans/diff"): PLAN_CHANGES | problems(400, 413),
    ("POST", "/plans/{planId}/validate"): READINESS | problems(400, 404),
    ("GET", "/plans/{planId}/readiness"): READINESS_LIST | problems(400, 404),
    ("PUT", "/plans/{planId}"): PLAN | PLAN_CREATED | problems(400, 404, 412, 413),
    ("GET", "/plans/{planId}"): PLAN | problems(404),
    ("GET", "/plans/{planId}/snapshots"): SNAPSHOT_LIST | problems(400, 404),
    ("GET", "/plans"): PLAN_LIST | problems(400),
    ("DELETE", "/plans/{planId}"): PLAN_DELETED | problems(404, 409),
    ("POST", "/drills"): ACCEPTED | problems(400, 404, 409),
    ("POST", "/recoveries"): ACCEPTED | problems(400, 404, 409),
    ("POST", "/executions/{executionId}/cancel"): ACCEPTED | problems(400, 404, 409),
    ("GET", "/executions/{executionId}"): EXECUTION | NOT_MODIFIED | problems(404),
    ("GET", "/executions"): EXECUTION_LIST | problems(400),
    ("GET", "/executions/{executionId}/events"): EVENT_LIST | problems(400, 404),
    ("GET", "/executions/{executionId}/checks"): CHECK_LIST | problems(400, 404),
    ("GET", "/executions/{executionId}/waves/{waveNumber}"): WAVE | problems(404),
    ("GET", "/executions/{executionId}/report"): REPORT | problems(400, 404),
    ("PUT", "/executions/{executionId}/verdict"): EXECUTION | problems(400, 404, 409),
    ("GET", "/executions/{executionId}/progress"): PROGRESS | problems(404),
    ("POST", "/executions/{executionId}/terminate"): ACCEPTED | problems(400, 404, 409),
    ("POST", "/executions/{executionId}/waves/{waveNumber}/approve"): STEERED,
    ("POST", "/executions/{executionId}/waves/{waveNumber}/reject"): STEERED,
    ("POST", "/executions/{executionId}/waves/{waveNumber}/retry"): STEERED,
    ("POST", "/executions/{executionId}/waves/{waveNumber}/skip"): STEERED,
    ("POST", "/executions/{executionId}/pause"): STEERED,
    ("POST", "/executions/{executionId}/resume"): STEERED,
    ("POST", "/executions/{executionId}/lease"): STEERED,
    ("GET", "/commands/{commandId}/results"): RESULT_LIST | problems(400, 404),
    ("GET", "/commands/{commandId}/lines"): LINE_LIST | problems(400, 404),
    ("POST", "/commands"): COMMAND_ACCEPTED | problems(400, 404, 409),
    ("GET", "/commands/{commandId}"): COMMAND_RUN | problems(404),
    ("POST", "/commands/{commandId}/cancel"): COMMAND_ACCEPTED | problems(400, 404, 409),
    ("GET", "/errors"): ERROR_LIST | problems(400),
    ("GET", "/errors/summary"): ERROR_SUMMARY | problems(400),
    ("GET", "/health"): HEALTH,
}
"""What each route answers."""
