"""The template as the tests deploy it: its functions, routes, table and machines with every reference filled in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from tools import template

from wavebreak.settings import Settings

REGION = "us-east-1"
ACCOUNT = "123456789012"
STACK_NAME = "wavebreak"
_TABLE_SETTINGS = ("BillingMode", "KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes")
_PSEUDO = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::StackName": STACK_NAME,
    "AWS::NoValue": "",
}


@dataclass(frozen=True)
class Route:
    """A method and path of the API, and the function that answers it."""

    method: str
    path: str
    function: str

    def parameters(self, path: str) -> dict[str, str] | None:
        """Give the path parameters of a request; None when it is for another route."""
        found = re.fullmatch(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path)), path, re.DOTALL)
        return found.groupdict() if found else None


class Blueprint:
    """The template, with values for its parameters."""

    def __init__(self, parameters: dict[str, str]) -> None:
        self.template = _template()
        self.values = {**_PSEUDO, **parameters}
        self.functions = template.functions(self.template)
        self.overrides: dict[str, str] = {}
        self._topics = template.resources(self.template, "AWS::SNS::Topic")
        self._buckets = template.resources(self.template, "AWS::S3::Bucket")
        self._roles = template.resources(self.template, "AWS::IAM::Role")

    def resolve(self, value: Any) -> str:
        """Fill in a reference."""
        match value:
            case {"Ref": name}:
                return str(self.values[name]) if name in self.values else str(self._default(name))
            case {"Fn::Sub": str(text)}:
                return template.PLACEHOLDER.sub(lambda found: self.resolve({"Ref": found[1]}), _plain(text))
            case {"Fn::GetAtt": [str(name), "Arn"]} if name in self._roles or name in self.functions:
                role = f"arn:aws:iam::{ACCOUNT}:role/{STACK_NAME}-{name}"
                return role if name in self._roles else f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
            case {"Fn::Join": [str(separator), {"Ref": name}]}:
                return separator.join(self.resolve({"Ref": name}).split(","))
            case {"Fn::If": [_, _, otherwise]}:
                return self.resolve(otherwise)
            case str() | int() | float():
                return str(value)
            case _:
                raise LookupError(f"cannot fill in {value}")

    def _default(self, name: str) -> Any:
        """Give a parameter's default; a resource is called by its logical id, a topic by its ARN, a bucket in small."""
        if name in self._topics:
            return f"arn:aws:sns:{REGION}:{ACCOUNT}:{STACK_NAME}-{name}"
        if name in self._buckets:
            return f"{STACK_NAME}-{name}".lower()
        parameters = self.template["Parameters"]
        return parameters[name]["Default"] if name in parameters else f"{STACK_NAME}-{name}"

    def tables(self) -> list[dict[str, Any]]:
        """Give the arguments of CreateTable for every table."""
        return [
            {"TableName": self.resolve({"Ref": name})}
            | {setting: properties[setting] for setting in _TABLE_SETTINGS if setting in properties}
            for name, properties in template.resources(self.template, "AWS::DynamoDB::Table").items()
        ]

    def buckets(self) -> list[str]:
        """Give the names of the buckets."""
        return [self.resolve({"Ref": name}) for name in self._buckets]

    def machines(self) -> dict[str, str]:
        """Give the text of every state machine's definition by the machine's name."""
        found = {}
        for properties in template.resources(self.template, template.STATE_MACHINE).values():
            text = (template.ROOT / properties["DefinitionUri"]).read_text(encoding="utf-8")
            values = {name: self.resolve(value) for name, value in properties["DefinitionSubstitutions"].items()}
            found[self.resolve(properties["Name"])] = json.dumps(template.substituted(text, values))
        return found

    def handlers(self) -> dict[str, str]:
        """Give the handler of every function, `module.function`."""
        return {name: properties["Handler"] for name, properties in self.functions.items()}

    def settings(self, function: str) -> Settings:
        """Give what a function reads from the environment that the template gives it, and from `overrides`."""
        variables = self.functions[function]["Environment"]["Variables"]
        return Settings.read({name: self.resolve(value) for name, value in variables.items()} | self.overrides)

    def routes(self) -> list[Route]:
        """Give the routes of the API."""
        return [
            Route(event["Properties"]["Method"], event["Properties"]["Path"], name)
            for name, properties in self.functions.items()
            for event in properties.get("Events", {}).values()
            if event["Type"] == "Api"
        ]


@cache
def _template() -> template.Json:
    return template.load()


def _plain(text: str) -> str:
    """Write pseudo parameters without the colons that a placeholder of a definition cannot have."""
    for name, value in _PSEUDO.items():
        text = text.replace(f"${{{name}}}", value)
    return text


@cache
def machine_arn(name: str) -> str:
    """Give the ARN of a state machine of the stack."""
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{STACK_NAME}-{name}"
