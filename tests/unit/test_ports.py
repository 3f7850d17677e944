"""A use case is handed what its `Ports` name: all that it needs of the app, and nothing else."""

import ast
from functools import cache

import pytest
from tests.support.modules import MODULES, imports_of, known_to, run_time_nodes, tree_of

USE_CASES = sorted(
    name for name, path in MODULES.items() if name.startswith("wavebreak.use_cases.") and path.name != "__init__.py"
)


@cache
def capabilities() -> dict[str, frozenset[str]]:
    """The Protocols of the app's members, by the member that each has."""
    found: dict[str, frozenset[str]] = {}
    for each in tree_of("wavebreak.ports.capabilities").body:
        if isinstance(each, ast.ClassDef):
            [member] = [item.name for item in each.body if isinstance(item, ast.FunctionDef)]
            found[member] = found.get(member, frozenset()) | {each.name}
    return found


@cache
def named_in_ports(module: str) -> frozenset[str]:
    """The Protocols that the `Ports` of a use case are made of, with those of the use case that they begin with."""
    classes = [each for each in ast.walk(tree_of(module)) if isinstance(each, ast.ClassDef) and each.name == "Ports"]
    bases = {ast.unparse(base) for each in classes for base in each.bases} - {"Protocol"}
    others = {
        alias.asname: each.module
        for each in ast.walk(tree_of(module))
        if isinstance(each, ast.ImportFrom) and each.module
        for alias in each.names
        if alias.name == "Ports" and alias.asname in bases
    }
    assert len(others) <= 1, "there is an order for one such base, and not for every two"
    return frozenset(bases - others.keys()).union(*map(named_in_ports, others.values()))


def ports_of(module: str) -> frozenset[str]:
    """The members that a use case has of its `Ports`."""
    return frozenset(member for member, names in capabilities().items() if names & named_in_ports(module))


def used_of_the_app(module: str) -> frozenset[str]:
    """The members that a use case uses itself, of whatever it calls its app."""
    return frozenset(
        each.attr
        for each in run_time_nodes(tree_of(module))
        if isinstance(each, ast.Attribute) and ast.unparse(each.value).rpartition(".")[2].lstrip("_") == "app"
    )


def takers_of_the_app(module: str) -> set[str]:
    """The functions and classes of a use case that are given an app, or keep one."""
    return {
        each.name
        for each in tree_of(module).body
        if isinstance(each, (ast.FunctionDef, ast.ClassDef))
        and any(getattr(item, "arg", getattr(item, "id", None)) == "app" for item in ast.walk(each) if _declares(item))
    }


def _declares(item: ast.AST) -> bool:
    return isinstance(item, ast.arg) or (isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store))


def given_the_app_by(module: str) -> set[str]:
    """The use cases whose functions or classes a use case uses that are given an app."""
    nodes = list(run_time_nodes(tree_of(module)))
    imported = {
        alias.asname or alias.name: (each.module or "", alias.name)
        for each in nodes
        if isinstance(each, ast.ImportFrom)
        for alias in each.names
    }
    found = set()
    for each in nodes:
        if isinstance(each, ast.Name) and each.id in imported:
            found.add(imported[each.id])
        elif isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id in imported:
            found.add((".".join(imported[each.value.id]), each.attr))
    return {owner for owner, name in found if owner in USE_CASES and name in takers_of_the_app(owner)}


@pytest.mark.parametrize("module", USE_CASES)
def test_a_use_case_is_given_its_ports(module: str) -> None:
    """Who it is that has them, its caller says: the app is not known to it, nor an adapter's class by way of a type."""
    assert "wavebreak.app" not in known_to(module)
    annotations = [
        ast.unparse(each.annotation)
        for each in ast.walk(tree_of(module))
        if isinstance(each, ast.arg) and each.arg == "app" and each.annotation is not None
    ]
    assert set(annotations) <= {"Ports"}
    for_types = {name for name in known_to(module) - imports_of(module) if name.startswith("wavebreak.aws.")}
    assert for_types <= {"wavebreak.aws.parallel_reads"}


@pytest.mark.parametrize("module", [name for name in USE_CASES if ports_of(name)])
def test_ports_are_what_a_use_case_needs_and_no_more(module: str) -> None:
    """It uses each member itself, or hands the app to a use case that does."""
    needed = used_of_the_app(module).union(*map(ports_of, given_the_app_by(module)))
    assert ports_of(module) == needed


def test_every_port_is_needed_by_a_use_case() -> None:
    named = {base for module in USE_CASES for base in named_in_ports(module)}
    assert named == {name for names in capabilities().values() for name in names}


def test_the_rules_above_speak_of_use_cases_that_exist() -> None:
    assert {"executions", "now"} <= ports_of("wavebreak.use_cases.start_execution")
    assert "wavebreak.use_cases.preemption.take_locks" in given_the_app_by("wavebreak.use_cases.start_execution")
