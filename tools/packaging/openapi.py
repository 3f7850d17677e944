"""The API described: `docs/openapi.json`, generated from the handlers themselves and the answers of each route.

`python -m tools.packaging.openapi` writes the file; with `--check` it fails when the file differs from what the code
says.
"""

from __future__ import annotations

import importlib
import json
import sys
import tomllib
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from tools.packaging.openapi_answers import ANSWERS, problems
from tools.packaging.openapi_schemas import SCHEMAS
from tools.template import ROOT

TARGET: Final = ROOT / "docs" / "openapi.json"
MODULES: Final = (
    "plans",
    "plan_checks",
    "executions",
    "history",
    "checks",
    "waves",
    "wave_steering",
    "steering",
    "leases",
    "evidence",
    "snapshots",
    "cancellation",
    "termination",
    "commands",
    "health",
    "command_output",
    "errors",
)
FRAMEWORKS_OWN: Final = ("HTTPValidationError", "ResponseValidationError", "ValidationError")
"""Schemas of answers that Powertools would give and this API never does."""
GATEWAY_STATUSES: Final = (403, 429, 504)
BODY_STATUSES: Final = (400, 413)
SIGNED: Final = "sigv4"
SIGNATURE: Final = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    "description": "AWS Signature Version 4, for the service execute-api.",
    "x-amazon-apigateway-authtype": "awsSigv4",
}


def document() -> dict[str, Any]:
    """Generate the OpenAPI document of all API functions together."""
    app = APIGatewayRestResolver(enable_validation=True)
    for name in MODULES:
        app.include_router(importlib.import_module(f"wavebreak.handlers.{name}").router)
    text = app.get_openapi_json_schema(
        title="Wavebreak",
        version=tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"],
        description="Recovers servers with AWS Elastic Disaster Recovery, wave by wave. Requests are signed (AWS_IAM).",
    )
    generated: dict[str, Any] = json.loads(text)
    components = generated["components"]
    for name in FRAMEWORKS_OWN:
        components["schemas"].pop(name, None)
    components["schemas"] |= SCHEMAS
    components["securitySchemes"] = {SIGNED: SIGNATURE}
    generated["security"] = [{SIGNED: []}]
    summaries = _summaries(app)
    for path, operations in generated["paths"].items():
        for method, operation in operations.items():
            operation["responses"] = {str(status): answer for status, answer in ANSWERS[method.upper(), path].items()}
            _complete(operation, components["schemas"])
            operation["operationId"], operation["summary"] = summaries[method.upper(), path]
    return generated


def _summaries(app: APIGatewayRestResolver) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the name and the sentence of each route's handler."""
    routes = app._static_routes + app._dynamic_routes  # noqa: SLF001  nothing public lists them
    return {
        (route.method, route.openapi_path): (route.func.__name__, " ".join((route.func.__doc__ or "").split()))
        for route in routes
    }


def _complete(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Add what no handler of the call says: answers of the gateway and of the admission, and what may be left out."""
    answers = operation["responses"]
    statuses: tuple[int, ...] = GATEWAY_STATUSES
    if body := operation.get("requestBody"):
        statuses += BODY_STATUSES
        (content,) = body["content"].values()
        schema = schemas[content["schema"]["$ref"].rpartition("/")[2]]
        # An empty body counts as an empty object.
        body["required"] = bool(schema.get("required")) or "$ref" in schema
    answers |= {str(status): answer for status, answer in problems(*statuses).items() if str(status) not in answers}


def main(arguments: list[str]) -> int:
    """Write the document, or check the one that is there."""
    text = json.dumps(document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if "--check" not in arguments:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text:
        return 0
    print("docs/openapi.json is not what the handlers say: run `python -m tools.packaging.openapi`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
