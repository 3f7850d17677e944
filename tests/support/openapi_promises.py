"""What docs/openapi.json promises of an answer."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]  # the package ships no types
from tools.packaging.openapi import document

if TYPE_CHECKING:
    from tests.support.blueprint import Route
    from tests.support.gateway import Answer

_LONGEST = 200_000
"""Characters of an answer that is compared: larger ones repeat themselves, and tests read them again and again."""


def check(route: Route, answer: Answer) -> None:
    """Fail unless the description knows this answer of a call: its status, media type and every field."""
    described = _described()["paths"][route.path][route.method.lower()]["responses"]
    assert str(answer.status) in described, f"{route.method} {route.path} answers {answer.status}: {answer.body}"
    media = described[str(answer.status)].get("content", {})
    if not answer.body:
        assert not media, answer
        return
    kind = answer.headers["Content-Type"]
    assert kind in media, f"{route.method} {route.path} answers {answer.status} as {kind}"
    if "json" in kind and len(answer.body) <= _LONGEST:
        _validator(json.dumps(media[kind]["schema"])).validate(answer.json)


@cache
def _described() -> dict[str, Any]:
    return document()


@cache
def _validator(schema: str) -> Any:
    return jsonschema.Draft202012Validator(json.loads(schema) | {"components": _described()["components"]})
