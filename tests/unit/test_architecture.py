"""Imports run one way: handlers, then adapters and pure modules; pure modules reach no AWS library and no adapter."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import wavebreak

PACKAGE = Path(wavebreak.__file__).parent
AWS = {"boto3", "botocore", "aws_lambda_powertools"}
HANDLER_LINES = 60
KNOWN_PURE = {
    f"wavebreak.{name}"
    for name in [
        *(
            "execution_utils",
            "model",
            "timing",
            "engine",
            "wave_commands",
            "steering",
            "termination",
            "trail",
            "views",
            "freezing",
        ),
        *("store.records", "store.keys", "etag", "problems", "plan", "plan_rules", "graph", "settings", "validation"),
        *("fanout", "catalogue", "outcomes", "tallies", "output_text", "pacing", "arguments", "invocations", "hints"),
        *("query_merge", "result_lines", "result_documents", "bodies"),
    ]
}


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def run_time_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs; an `if TYPE_CHECKING` block does not."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from run_time_nodes(child)


@cache
def imports_of(module: str) -> frozenset[str]:
    """Everything a module imports, with the packages that an import of ours runs on the way."""
    found: set[str] = set()
    for node in run_time_nodes(tree_of(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
    parents = {".".join(name.split(".")[:depth]) for name in found for depth in range(1, name.count(".") + 1)}
    return frozenset(found | parents)


def reached_from(module: str) -> set[str]:
    """A module, and everything it imports directly or on the way."""
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += imports_of(name) if name in MODULES else ()
    return reached


def declares_itself_pure(module: str) -> bool:
    text = ast.get_docstring(tree_of(module)) or ""
    return any(sentence.strip().startswith("Pure") for sentence in text.replace("\n", " ").split(". "))


PURE = sorted(KNOWN_PURE | {name for name in MODULES if declares_itself_pure(name)})
ADAPTERS = {name for name in MODULES if {item.split(".")[0] for item in imports_of(name)} & AWS}
HANDLERS = sorted(name for name in MODULES if name.startswith("wavebreak.handlers."))


def test_the_rules_below_speak_of_modules_that_exist() -> None:
    assert MODULES.keys() >= KNOWN_PURE
    assert {"wavebreak.unrepeated", "wavebreak.clients", "wavebreak.workflow", "wavebreak.store.table"} <= ADAPTERS
    assert "botocore" in reached_from("wavebreak.starting")
    assert HANDLERS


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_reaches_no_aws_library_and_no_adapter(module: str) -> None:
    reached = reached_from(module)
    assert not {name.split(".")[0] for name in reached} & AWS
    assert not reached & ADAPTERS


def test_importing_every_pure_module_loads_no_aws_library() -> None:
    program = f"import sys; {'; '.join(f'import {name}' for name in PURE)}; print(*sorted({AWS!r} & set(sys.modules)))"
    done = subprocess.run(  # noqa: S603  runs this interpreter on the line above
        [sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == ""


def test_the_status_model_imports_nothing_else_of_the_project() -> None:
    assert not {name for name in imports_of("wavebreak.execution_utils") if name.startswith("wavebreak")}


@pytest.mark.parametrize("module", [name for name in MODULES if name not in HANDLERS])
def test_nothing_but_handlers_imports_a_handler(module: str) -> None:
    assert not {name for name in imports_of(module) if name.startswith("wavebreak.handlers.")}


@pytest.mark.parametrize("module", HANDLERS)
def test_a_handler_leaves_aws_to_the_adapters(module: str) -> None:
    assert not {name.split(".")[0] for name in imports_of(module)} & {"boto3", "botocore"}


@pytest.mark.parametrize("module", HANDLERS)
def test_a_handler_is_a_doorway(module: str) -> None:
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= HANDLER_LINES
