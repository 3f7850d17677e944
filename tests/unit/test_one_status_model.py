"""One list of terminal statuses and one place that decides how an execution ended, in everything that is shipped."""

import ast
from collections.abc import Iterator

import pytest
from tools.template import ROOT

from wavebreak.execution_utils import REOPENABLE_STATUSES, TERMINAL_STATUSES

MODEL = "lambda/wavebreak/execution_utils.py"
FILES = {
    str(path.relative_to(ROOT)): path
    for folder in ("lambda", "cli", "tools", "simulator")
    for path in sorted((ROOT / folder).rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}
TERMINAL = frozenset(status.value for status in TERMINAL_STATUSES)


def word(node: ast.AST) -> str | None:
    """The terminal status that an expression names: its text in any case, or the member of a status enumeration."""
    match node:
        case ast.Constant(value=str(text)) if text.strip().upper() in TERMINAL:
            return text.strip().upper()
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if name in TERMINAL:
            return name if owner in {"ExecutionStatus", "WaveStatus", "_E", "_W"} else None
        case ast.MatchValue(value=value):
            return word(value)
    return None


def members(node: ast.AST) -> list[ast.AST]:
    """What stands side by side: members of a collection, patterns of a case, words of a text, sides of an `or`."""
    match node:
        case ast.Set(elts=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.MatchOr(patterns=parts):
            return list(parts)
        case ast.BoolOp(values=parts):
            return [side for part in parts if isinstance(part, ast.Compare) for side in part.comparators]
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="split")):
            return [ast.Constant(part) for part in text.split()]
    return []


def lists_of_terminal_statuses(tree: ast.AST) -> Iterator[set[str]]:
    """Every spot in which two or more terminal statuses stand side by side."""
    for node in ast.walk(tree):
        named = {found for part in members(node) if (found := word(part))}
        if len(named) > 1:
            yield named


def enclosing(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Every node below a function or a class on the module's first level, with that one's name."""
    for top in tree.body:
        for node in ast.walk(top):
            yield getattr(top, "name", ""), node


def test_the_search_finds_what_it_is_for() -> None:
    for text in (
        'x in {"COMPLETED", "failed"}',
        'x in ("COMPLETED", "FAILED", "CANCELLED")',
        "x = frozenset([ExecutionStatus.COMPLETED, ExecutionStatus.CANCELLED])",
        'x == "COMPLETED" or x == "FAILED"',
        '"COMPLETED FAILED CANCELLED".split()',
        "match x:\n    case ExecutionStatus.COMPLETED | ExecutionStatus.FAILED:\n        pass",
    ):
        assert list(lists_of_terminal_statuses(ast.parse(text))), text
    assert not list(lists_of_terminal_statuses(ast.parse('x in {LaunchStatus.FAILED, "TERMINATED", "COMPLETED"}')))
    assert len(list(lists_of_terminal_statuses(TREES[MODEL]))) > 1


@pytest.mark.parametrize("name", [name for name in FILES if name != MODEL])
def test_nothing_but_the_status_model_lists_terminal_statuses(name: str) -> None:
    assert list(lists_of_terminal_statuses(TREES[name])) == []


def test_what_may_be_reopened_is_what_the_table_of_transitions_lets_go_on() -> None:
    assert {"FAILED", "PARTIAL_SUCCESS"} == REOPENABLE_STATUSES


def test_one_place_decides_the_final_status() -> None:
    callers = [
        (name, inside)
        for name, tree in TREES.items()
        for inside, node in enclosing(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "final_status"
    ]
    assert callers == [("lambda/wavebreak/domain/executions/engine.py", "finalise")]


def test_nothing_sets_a_terminal_status_by_itself() -> None:
    """No `status=ExecutionStatus.FAILED` anywhere: a terminal status is what the one place decided."""
    set_by_hand = [
        (name, node.lineno)
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword)
        and node.arg == "status"
        and ast.unparse(node.value).startswith("ExecutionStatus.")
        and word(node.value)
    ]
    assert set_by_hand == []


def test_the_state_machines_know_no_terminal_status() -> None:
    for path in sorted((ROOT / "statemachine").glob("*.asl.json")):
        text = path.read_text(encoding="utf-8")
        assert [status for status in sorted(TERMINAL) if f"'{status}'" in text or f'"{status}"' in text] == [], (
            path.name
        )
