"""The SSM documents of `infra/command-documents.yaml`, as CloudFormation makes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.request import ProxyHandler, Request, build_opener

from tools.template import PLACEHOLDER, ROOT, Json, load, resources

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS: Final = ROOT / "infra" / "command-documents.yaml"
DOCUMENT: Final = "AWS::SSM::Document"
_ANSWER_SECONDS: Final = 10


def documents(path: Path = DOCUMENTS, **parameters: str) -> dict[str, Json]:
    """Return the content of every document by its name; parameters that are not given have their defaults."""
    template = load(path)
    values = {name: parameters.get(name, declared["Default"]) for name, declared in template["Parameters"].items()}
    found = [_resolved(properties, values) for properties in resources(template, DOCUMENT).values()]
    return {properties["Name"]: properties["Content"] for properties in found}


def put_documents(simulator_url: str) -> None:
    """Create the documents in the simulator, as a deployment does on AWS; existing ones are left alone."""
    opener = build_opener(ProxyHandler({}))
    for name, content in documents().items():
        request = Request(  # noqa: S310  the local stack's own address
            f"{simulator_url}/_simulator/documents/{name}", data=json.dumps(content).encode(), method="PUT"
        )
        opener.open(request, timeout=_ANSWER_SECONDS).close()


def _resolved(node: Any, values: dict[str, str]) -> Any:
    match node:
        case {"Ref": name, **rest} if not rest:
            return values[name]
        case {"Fn::Sub": str(text), **rest} if not rest:
            return PLACEHOLDER.sub(lambda found: values[found[1]], text)
        case dict():
            return {key: _resolved(value, values) for key, value in node.items()}
        case list():
            return [_resolved(value, values) for value in node]
    return node
