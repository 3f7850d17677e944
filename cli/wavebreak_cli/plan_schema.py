"""The JSON schema of a plan document, for editors: made of the model that judges plans, so that the two cannot differ.

`python -m wavebreak_cli.plan_schema` writes it to docs/plan.schema.json; a test holds the file against the model.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

ADDRESS: Final = "https://json-schema.org/draft/2020-12/schema"
TARGET: Final = Path(__file__).parents[2] / "docs" / "plan.schema.json"


@cache
def schema() -> dict[str, Any]:
    """Make the schema."""
    from wavebreak.domain.plans.document import PlanDocument  # noqa: PLC0415 - pydantic is slow to load

    made = PlanDocument.model_json_schema(by_alias=True)
    return {"$schema": ADDRESS, "title": "Wavebreak recovery plan", **{k: v for k, v in made.items() if k != "title"}}


def text() -> str:
    """Write the schema as it is published."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
