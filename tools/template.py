"""The SAM template and the state machine definitions as data, for tools and tests.

Functions come with the template's globals applied, definitions with their substitutions: a definition becomes JSON only
then, because a number such as the poll interval stands in it unquoted.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml  # type: ignore[import-untyped]  # the package ships no types

ROOT: Final = Path(__file__).resolve().parent.parent
TEMPLATE: Final = ROOT / "template.yaml"

FUNCTION: Final = "AWS::Serverless::Function"
STATE_MACHINE: Final = "AWS::Serverless::StateMachine"
API: Final = "AWS::Serverless::Api"

PLACEHOLDER: Final = re.compile(r"\$\{([A-Za-z0-9_]+)\}")

Json: TypeAlias = dict[str, Any]


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # the package ships no types
    """YAML with CloudFormation's short forms, read as their long ones: `!Ref x` is `{"Ref": "x"}`."""


def _long_form(loader: Any, suffix: str, node: Any) -> Json:
    value: Any
    match node:
        case yaml.ScalarNode():
            value = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case _:
            value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


def load(path: Path = TEMPLATE) -> Json:
    """Read a template; short forms such as `!Sub` become their long forms."""
    document: Json = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506  derived from the safe loader
    return document


def resources(template: Json, kind: str) -> dict[str, Json]:
    """Return the properties of every resource of a kind, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def functions(template: Json) -> dict[str, Json]:
    """Return the properties of every function by logical id, the globals applied and both environments merged."""
    shared = template.get("Globals", {}).get("Function", {})
    merged = {}
    for name, own in resources(template, FUNCTION).items():
        variables = {**_variables(shared), **_variables(own)}
        merged[name] = {**shared, **own, "Environment": {"Variables": variables}}
    return merged


def _variables(properties: Json) -> Json:
    variables: Json = properties.get("Environment", {}).get("Variables", {})
    return variables


def gateway_responses(template: Json) -> list[Json]:
    """Return every gateway response of the API as the arguments of API Gateway's PutGatewayResponse."""
    (api,) = resources(template, API).values()
    return [
        {
            "responseType": kind,
            "statusCode": str(response["StatusCode"]),
            "responseParameters": {
                f"gatewayresponse.header.{name}": value
                for name, value in response["ResponseParameters"]["Headers"].items()
            },
            "responseTemplates": response["ResponseTemplates"],
        }
        for kind, response in api["GatewayResponses"].items()
    ]


def placeholders(text: str) -> set[str]:
    """Name what DefinitionSubstitutions must fill in a definition's text."""
    return set(PLACEHOLDER.findall(text))


def substituted(text: str, substitutions: dict[str, Any]) -> Json:
    """Fill a definition's text, as DefinitionSubstitutions does, and parse it; raise KeyError for one not given."""
    filled = PLACEHOLDER.sub(lambda found: str(substitutions[found.group(1)]), text)
    definition: Json = json.loads(filled)
    return definition


def definition(path: Path, substitutions: dict[str, Any] | None = None) -> Json:
    """Read a state machine definition; what is not given is filled with a number, or with its own name."""
    text = path.read_text(encoding="utf-8")
    samples = {name: 1 if name.endswith("Seconds") else name for name in placeholders(text)}
    return substituted(text, {**samples, **(substitutions or {})})
