"""What only tests call is no part of the product: every public function, class and method is referred to by it.

A name counts as referred to wherever it stands in the product outside its own definition, so a common name may hide one
that nothing uses; nothing that is used is reported.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

import wavebreak

REPOSITORY: Final = Path(wavebreak.__file__).parent.parent.parent
ROOTS: Final = ("lambda", "cli", "simulator")
WORDS_IN: Final = ("template.yaml", "pyproject.toml", "infra/*.yaml", "statemachine/*.json", "examples/**/*.yaml")
PLAIN: Final = {"property", "staticmethod", "classmethod", "dataclass", "cache", "contextmanager", "cached_property"}
"""Decorators that call nothing themselves; another one registers what it decorates: a route, a command, a validator."""
FACES: Final = {"lambda/wavebreak/consolidation.py", "lambda/wavebreak/evidence.py", "lambda/wavebreak/fanout.py"}
"""What others import: that a name stands here does not make it used."""
EXCUSED: Final[dict[str, str]] = {
    "determine_exit_code": "the contract has it in wavebreak.fanout",
    "generate_summary": "the contract has it in wavebreak.fanout",
    "is_parallel_command": "the contract has it in wavebreak.fanout",
    "ExecutionInput": "the form of what wavebreak.evidence.report takes",
    "JobLogItem": "the form of what wavebreak.evidence.report takes",
    "ManualClock": "who uses the simulator in a test of its own moves time with it",
    "get_errors_by_category": "requirement S3-13 names it; GET /errors filters by more than the category",
}
"""Names that only tests refer to, and why they are kept."""

Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def definitions(body: list[ast.stmt]) -> Iterator[Definition]:
    """Give the public functions and classes of a module, and the methods of its classes."""
    for node in body:
        if isinstance(node, Definition):
            if not node.name.startswith("_") and all(map(is_plain, node.decorator_list)):
                yield node
            if isinstance(node, ast.ClassDef) and not overrides(node):
                yield from definitions(node.body)


def is_plain(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(called).split(".")[-1] in PLAIN


def overrides(node: ast.ClassDef) -> bool:
    """Whether a class has a base that is no class of ours: what it overrides, that one calls."""
    return any(ast.unparse(base).split("[")[0] not in CLASSES for base in node.bases)


def references(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Give every name that a module refers to, with its line; those of annotations in quotes, too."""
    for node in ast.walk(tree):
        match node:
            case ast.alias(name=name, asname=str()):
                yield name, node.lineno
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                yield name, node.lineno
            case ast.Constant(value=str(text)):
                yield from ((word, node.lineno) for word in re.findall(r"\w+", text) if len(text) < LONGEST_ANNOTATION)
            case _:
                pass


LONGEST_ANNOTATION: Final = 80
"""Characters of a string that may be an annotation, or a name that something is looked up by; a sentence is longer."""

TREES: Final = {
    path.relative_to(REPOSITORY).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for root in (*ROOTS, "tools")
    for path in sorted((REPOSITORY / root).rglob("*.py"))
}
CLASSES: Final = {node.name for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
REFERENCES: Final[dict[str, list[tuple[str, int]]]] = {}
for _file, _tree in TREES.items():
    for _name, _line in references(_tree) if _file not in FACES else ():
        REFERENCES.setdefault(_name, []).append((_file, _line))
TEXTS: Final = " ".join(
    path.read_text(encoding="utf-8") for pattern in WORDS_IN for path in sorted(REPOSITORY.glob(pattern))
)


def unused() -> dict[str, str]:
    """The public names of the product that nothing in it refers to, with where they are defined."""
    found = {}
    for file in (name for name in TREES if name.split("/")[0] in ROOTS and name not in FACES):
        for node in definitions(TREES[file].body):
            first, last = node.lineno, node.end_lineno or node.lineno
            outside = [
                line for other, line in REFERENCES.get(node.name, ()) if other != file or not first <= line <= last
            ]
            if not outside and not re.search(rf"\b{node.name}\b", TEXTS):
                found[node.name] = f"{file}:{node.lineno}"
    return found


def test_the_product_refers_to_everything_public_in_it() -> None:
    assert len(TREES) > 400
    assert {name: place for name, place in unused().items() if name not in EXCUSED} == {}


def test_what_is_excused_is_still_there_and_still_unused() -> None:
    assert not EXCUSED.keys() - unused().keys()
