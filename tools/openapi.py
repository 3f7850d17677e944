"""The API described: `docs/openapi.json`, generated from the handlers themselves.

`python -m tools.openapi` writes the file; with `--check` it fails when the file differs from what the code says.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from wavebreak import __version__
from wavebreak.responses import SCHEMAS

TARGET: Final = Path(__file__).resolve().parent.parent / "docs" / "openapi.json"
MODULES: Final = (
    "plans",
    "plan_checks",
    "executions",
    "history",
    "waves",
    "cancellation",
    "termination",
    "commands",
    "operations",
    "command_output",
    "errors",
)


def document() -> dict[str, Any]:
    """Generate the OpenAPI document of all API functions together."""
    app = APIGatewayRestResolver(enable_validation=True)
    for name in MODULES:
        app.include_router(importlib.import_module(f"wavebreak.handlers.{name}").router)
    text = app.get_openapi_json_schema(
        title="Wavebreak",
        version=__version__,
        description="Recovers servers with AWS Elastic Disaster Recovery, wave by wave. Requests are signed (AWS_IAM).",
    )
    generated: dict[str, Any] = json.loads(text)
    for path in generated["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    schemas = generated["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas |= SCHEMAS
    return generated


def main(arguments: list[str]) -> int:
    """Write the document, or check the one that is there."""
    text = json.dumps(document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if "--check" not in arguments:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text:
        return 0
    print("docs/openapi.json is not what the handlers say: run `make openapi`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
