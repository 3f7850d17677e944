"""The JSON schema of a plan document, for editors: made from the model that validates plans.

`python -m wavebreak_cli.plan_schema` writes it to docs/plan.schema.json, and its fields as tables into docs/plans.md; a
test holds both files against the model.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ADDRESS: Final = "https://json-schema.org/draft/2020-12/schema"
DOCS: Final = Path(__file__).parents[2] / "docs"
TARGET: Final = DOCS / "plan.schema.json"
REFERENCE: Final = DOCS / "plans.md"
_BEGIN: Final = "<!-- fields: written by python -m wavebreak_cli.plan_schema -->\n"
_END: Final = "<!-- end of fields -->\n"
_LIMITS: Final = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "minProperties": "at least {}",
    "maxProperties": "at most {}",
    "pattern": "`{}`",
}


@cache
def schema() -> dict[str, Any]:
    """Make the schema."""
    from wavebreak.domain.plans.document import PlanDocument  # noqa: PLC0415 - pydantic is slow to load

    made = PlanDocument.model_json_schema(by_alias=True)
    return {"$schema": ADDRESS, "title": "Wavebreak recovery plan", **{k: v for k, v in made.items() if k != "title"}}


def text() -> str:
    """Write the schema as it is published."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def reference(page: str) -> str:
    """Return a page with the tables of all fields between its two marks."""
    before, _, rest = page.partition(_BEGIN)
    return f"{before}{_BEGIN}{''.join(_tables())}{_END}{rest.partition(_END)[2]}"


def _tables() -> Iterator[str]:
    parts = {"Plan": schema(), **schema()["$defs"]}
    for name, part in parts.items():
        if "properties" in part:
            yield f"\n### {name}\n\n{' '.join(part.get('description', '').split())}\n\n"
            yield "| field | what | limits | default |\n|---|---|---|---|\n"
            required = part.get("required", [])
            yield from (_row(field, schema, field in required) for field, schema in part["properties"].items())
    yield "\n"


def _row(field: str, schema: Mapping[str, Any], required: bool) -> str:
    default = "**required**" if required else _default(schema)
    example = f" For example `{json.dumps(schema['examples'][0])}`." if schema.get("examples") else ""
    what = (schema.get("description") or "") + example
    cells = (f"`{field}`", what, ", ".join(dict.fromkeys(_limits(schema))), default)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _default(schema: Mapping[str, Any]) -> str:
    value = schema.get("default")
    return "" if value is None else f"`{json.dumps(value)}`"


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    """Say what a field may hold: the parts of the schema that limit it, a part of its own by its name."""
    for option in schema.get("anyOf", []):
        if option.get("type") != "null":
            yield from _limits(option)
    if "$ref" in schema:
        yield from _of_part(str(schema["$ref"]).rpartition("/")[2])
    if "enum" in schema:
        yield " ".join(f"`{value}`" for value in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        items = " ".join(dict.fromkeys(_limits(schema.get("items", {}))))
        yield f"list of {items}" if items else "list"
    elif kind == "object":
        yield "object"
    elif kind in {"integer", "boolean"}:
        yield {"integer": "whole number", "boolean": "true or false"}[kind]
    yield from (words.format(schema[name]) for name, words in _LIMITS.items() if name in schema)


def _of_part(name: str) -> Iterator[str]:
    part = schema()["$defs"][name]
    if "enum" in part:
        yield " ".join(f"`{value}`" for value in part["enum"])
    else:
        yield f"[{name}](#{name.lower()})"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    REFERENCE.write_text(reference(REFERENCE.read_text(encoding="utf-8")), encoding="utf-8")
