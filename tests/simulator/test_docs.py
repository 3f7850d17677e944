"""docs/simulator.md tells of everything that there is to call."""

from __future__ import annotations

from inspect import getmembers, isfunction
from pathlib import Path

import pytest

from drs_simulator.client import SimulatorControl
from drs_simulator.http.control_api import ControlApi
from drs_simulator.http.service import SERVICES
from drs_simulator.simulation import Simulation

PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")
ROUTES = [
    (route.method, route.path.pattern.replace("()", "").replace("([^/]+)", "{}"))
    for route in ControlApi(Simulation(), frozenset())._routes
]


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_operation_is_told(service: str) -> None:
    assert [name for name in SERVICES[service].operations if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_control_call_is_told(method: str, path: str) -> None:
    words = path.split("/", maxsplit=1)[0]
    lines = [line for line in PAGE.splitlines() if line.startswith("| `") and words in line.split("|")[1]]
    assert any(f"`{method}" in line.split("|")[1] for line in lines), f"{method} {path}"


def test_every_control_call_has_a_method_of_the_client() -> None:
    methods = {name for name, _ in getmembers(SimulatorControl, isfunction) if not name.startswith("_")}
    assert len(methods) >= len(ROUTES)
    assert methods >= {
        "health",
        "reset",
        "calls",
        "state",
        "manners",
        "put_manners",
        "fault",
        "clear_faults",
        "put_source_server",
        "instance",
        "forget_record",
        "put_recovery_plan",
        "put_document",
        "put_automation",
        "missing_lookups",
        "quotas",
        "events",
        "put_subnet",
        "delete_subnet",
        "put_security_group",
        "delete_security_group",
        "put_instance_type",
        "put_existing_instance",
    }
