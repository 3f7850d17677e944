"""How long a function and a file may be, so that each is read in one go."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import wavebreak

REPOSITORY = Path(wavebreak.__file__).parent.parent.parent
ROOTS = ("lambda", "cli", "simulator", "tools", "examples", "tests")
LINES_OF_A_FUNCTION = 60
LINES_OF_A_FILE = 400


def files(root: str) -> Iterator[tuple[str, str]]:
    for path in sorted((REPOSITORY / root).rglob("*.py")):
        yield path.relative_to(REPOSITORY).as_posix(), path.read_text(encoding="utf-8")


@pytest.mark.parametrize("root", ROOTS)
def test_a_function_has_sixty_lines_at_most(root: str) -> None:
    lengths = {
        f"{name}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for name, text in files(root)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert lengths
    assert {name: length for name, length in lengths.items() if length > LINES_OF_A_FUNCTION} == {}


@pytest.mark.parametrize("root", ROOTS)
def test_a_file_has_four_hundred_lines_at_most(root: str) -> None:
    lengths = {name: len(text.splitlines()) for name, text in files(root)}
    assert lengths
    assert {name: length for name, length in lengths.items() if length > LINES_OF_A_FILE} == {}
