"""The functions' code, the template and the state machines as data, for the tests that hold rules over all of them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from tools.template import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = ROOT / "lambda" / "wavebreak"
SOURCES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
DEFINITIONS = sorted((ROOT / "statemachine").glob("*.asl.json"))


def method_calls() -> Iterator[tuple[Path, str, str, ast.Call]]:
    """Every call of a method in the functions' code: the file, what it is called on, the method, the call."""
    for path, tree in SOURCES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield path.relative_to(PACKAGE), ast.unparse(node.func.value), node.func.attr, node


def states_of(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every state of a machine, those inside Maps too."""
    for state in machine["States"].values():
        yield state
        if "ItemProcessor" in state:
            yield from states_of(state["ItemProcessor"])
