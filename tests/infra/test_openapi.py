"""docs/openapi.json: complete, resolvable, and true to the template and to the contract's codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]  # the package ships no types
import pytest
from tools.packaging.openapi import document
from tools.packaging.openapi_answers import ANSWERS
from tools.template import functions

from wavebreak.problems import CODES, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.template import Json

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document()


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def inside(value: Any) -> Iterator[dict[str, Any]]:
    """Every object within a document."""
    if isinstance(value, dict):
        yield value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from inside(member)


def kinds(problem: type[Problem]) -> Iterator[type[Problem]]:
    yield problem
    for kind in problem.__subclasses__():
        yield from kinds(kind)


def test_the_file_is_what_the_handlers_say(described: dict[str, Any]) -> None:
    assert json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")) == described


def test_every_route_of_the_template_is_described_and_no_other(described: dict[str, Any], template: Json) -> None:
    events = [event for function in functions(template).values() for event in function.get("Events", {}).values()]
    routes = {
        (event["Properties"]["Method"], event["Properties"]["Path"]) for event in events if event["Type"] == "Api"
    }
    assert {(method, path) for method, path, _ in operations(described)} == routes == ANSWERS.keys()


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    references = {found["$ref"] for found in inside(described) if isinstance(found.get("$ref"), str)}
    assert references
    known = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert references <= known


def test_every_schema_is_one_and_its_examples_and_defaults_are_of_it(described: dict[str, Any]) -> None:
    seen = 0
    for schema in inside([described["paths"], described["components"]["schemas"]]):
        if not schema.keys() & {"type", "anyOf", "$ref", "enum"} or isinstance(schema.get("type"), dict):
            continue
        jsonschema.Draft202012Validator.check_schema(schema)
        examples = schema.get("examples")
        values = [
            *(examples if isinstance(examples, list) else []),
            *([schema["default"]] if "default" in schema else []),
        ]
        for value in values:
            seen += 1
            jsonschema.Draft202012Validator(schema | {"components": described["components"]}).validate(value)
    assert seen


def test_every_call_is_signed_named_and_told_in_a_sentence(described: dict[str, Any]) -> None:
    (scheme,) = described["components"]["securitySchemes"].values()
    assert scheme["x-amazon-apigateway-authtype"] == "awsSigv4"
    assert described["security"]
    names = [operation["operationId"] for _, _, operation in operations(described)]
    assert len(names) == len(set(names))
    for _, _, operation in operations(described):
        assert operation["summary"].endswith("."), operation["operationId"]


def test_every_call_tells_the_refusals_that_any_call_may_meet(described: dict[str, Any]) -> None:
    for method, path, operation in operations(described):
        answers = operation["responses"]
        expected = {"403", "429", "500", "503", "504"} | ({"400", "413"} if method in {"PUT", "POST"} else set())
        assert expected <= answers.keys(), (method, path)
        for status, answer in answers.items():
            if status >= "400" and path != "/health":
                assert set(answer["content"]) == {"application/problem+json"}, (method, path, status)
            if status == "204":
                assert "content" not in answer


def test_a_body_is_required_where_an_empty_object_would_not_do(described: dict[str, Any]) -> None:
    required = {
        path for _, path, operation in operations(described) if operation.get("requestBody", {}).get("required")
    }
    said = {"/executions/{executionId}/verdict", "/executions/{executionId}/lease"}
    plans = {"/plans/{planId}", "/plans/import", "/plans/diff"}
    assert required == {"/drills", "/recoveries", "/commands"} | plans | said


def test_the_codes_are_those_of_the_error_tree_and_the_gateways_own(described: dict[str, Any]) -> None:
    code = described["components"]["schemas"]["Problem"]["properties"]["code"]
    assert code["enum"] == list(CODES)
    assert set(CODES) == {kind.code for kind in kinds(Problem)} | {"FORBIDDEN", "THROTTLED", "TIMEOUT"}
