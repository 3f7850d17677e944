"""Plans for the tests."""

from __future__ import annotations

from typing import Any


def server(number: int) -> str:
    """Give the id of a source server."""
    return f"s-{number:017d}"


def wave(name: str, *numbers: int, **settings: Any) -> dict[str, Any]:
    """Give a wave that recovers servers by their numbers."""
    return {"name": name, "servers": [{"sourceServerId": server(number)} for number in numbers], **settings}


def plan(*waves: dict[str, Any], plan_id: str = "three-tier") -> dict[str, Any]:
    """Give a plan of waves."""
    return {"planId": plan_id, "name": f"Plan {plan_id}", "waves": list(waves)}


def three_tier() -> dict[str, Any]:
    """Give a plan of three waves in a line: servers 1 and 2, 3, 4."""
    return plan(wave("database", 1, 2), wave("application", 3), wave("web", 4))


def servers_of(document: dict[str, Any]) -> list[str]:
    """Give every source server of a plan."""
    return [entry["sourceServerId"] for each in document["waves"] for entry in each["servers"]]


def all_terminated(count: int) -> dict[str, Any]:
    """Give how the API shows a termination that ended this many instances and left none."""
    return {"status": "COMPLETED", "terminated": count, "remaining": [], "unknown": []}
