import re
from pathlib import Path
from typing import Any

import pytest
from tools.template import ROOT, STATE_MACHINE, functions, load, resources


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    return load()


@pytest.fixture(scope="session")
def template_text() -> str:
    return (ROOT / "template.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def all_functions(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return functions(template)


@pytest.fixture(scope="session")
def machines(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return resources(template, STATE_MACHINE)


@pytest.fixture(scope="session")
def statements(template: dict[str, Any]) -> list[dict[str, Any]]:
    """Every statement of every policy that the template gives to a role, those under a condition too."""
    found: list[dict[str, Any]] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "Effect" in node and "Principal" not in node:
                found.append(node)
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(template["Resources"])
    return found


@pytest.fixture(scope="session")
def pins() -> dict[Path, dict[str, str]]:
    """Name and version of every package in the requirement files."""
    files = [*sorted((ROOT / "requirements").glob("*.txt")), ROOT / "lambda" / "requirements.txt"]
    pattern = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)$", re.MULTILINE)
    return {
        file: {
            name.lower().replace("_", "-").replace(".", "-"): version
            for name, version in pattern.findall(file.read_text(encoding="utf-8"))
        }
        for file in files
    }
