"""The modules of the repository, and what each of them imports."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import wavebreak

PACKAGE = Path(wavebreak.__file__).parent
REPOSITORY = PACKAGE.parent.parent


def modules_under(root: Path, folder: str = ".") -> dict[str, Path]:
    """Every module in a folder of a source root, by its dotted name."""
    parts = {path: path.relative_to(root).with_suffix("").parts for path in sorted((root / folder).rglob("*.py"))}
    return {".".join(names[:-1] if names[-1] == "__init__" else names): path for path, names in parts.items()}


MODULES = modules_under(PACKAGE.parent)
CLI_MODULES = modules_under(REPOSITORY / "cli")
SIMULATOR_MODULES = modules_under(REPOSITORY / "simulator")
TOOLS_MODULES = modules_under(REPOSITORY, "tools")
OURS = MODULES | CLI_MODULES | SIMULATOR_MODULES | TOOLS_MODULES


@cache
def tree_of(module: str) -> ast.Module:
    """Parse a module."""
    return ast.parse(OURS[module].read_text(encoding="utf-8"))


def run_time_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs; an `if TYPE_CHECKING` block does not."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from run_time_nodes(child)


def imported_in(nodes: Iterable[ast.AST], module: str) -> set[str]:
    """What these nodes import: modules, and of `from x import y` the module x, or x.y where that is one of ours."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & OURS.keys()
    return found


@cache
def imports_of(module: str) -> frozenset[str]:
    """Everything a module imports when it runs, with the packages that an import of ours runs on the way."""
    found = imported_in(run_time_nodes(tree_of(module)), module)
    parents = {".".join(name.split(".")[:depth]) for name in found for depth in range(1, name.count(".") + 1)}
    return frozenset(found | parents)


@cache
def known_to(module: str) -> frozenset[str]:
    """The modules of ours that a module imports, for its types too; packages do not count."""
    packages = {name for name, path in OURS.items() if path.name == "__init__.py"}
    return frozenset((imported_in(ast.walk(tree_of(module)), module) & OURS.keys()) - packages - {module})
