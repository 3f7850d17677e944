"""The record of the calls that each function makes: written by the integration tests, read by those of the rights."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from tools.rights.calls import Request
from tools.template import ROOT

RECORD: Final = ROOT / "tests" / "infra" / "calls_by_function.json"


@dataclass
class Made:
    """The calls of a function as botocore names them, and what they ask IAM for."""

    calls: set[str] = field(default_factory=set)
    asks: set[Request] = field(default_factory=set)

    def document(self) -> dict[str, Any]:
        """Write it as JSON, in order."""
        return {"calls": sorted(self.calls), "asks": [text(request) for request in sorted(self.asks)]}

    @classmethod
    def of(cls, document: dict[str, Any]) -> Made:
        """Read it from JSON."""
        return cls(set(document["calls"]), {request(line) for line in document["asks"]})


def text(asked: Request) -> str:
    """Write a request in a line: action, resource and what its context holds."""
    return " ".join([asked.action, asked.resource, *(f"{key}={','.join(values)}" for key, values in asked.context)])


def request(line: str) -> Request:
    """Read a request from its line."""
    action, resource, *context = line.split(" ")
    pairs = (part.partition("=") for part in context)
    return Request(action, resource, tuple((key, tuple(values.split(","))) for key, _, values in pairs))


def loads(written: str) -> dict[str, Made]:
    """Read what several functions made."""
    return {name: Made.of(document) for name, document in json.loads(written).items()}


def read() -> dict[str, Made]:
    """Read the record."""
    return loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}


def write(made: dict[str, Made]) -> None:
    """Write the record again."""
    document = {name: made[name].document() for name in sorted(made)}
    RECORD.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
