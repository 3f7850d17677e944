"""The record of calls names none that its function can no longer make: the rights held against it would be too many.

A run of all integration tests names what nobody made; this holds, without a run, that code which a function reaches
still names each operation.
"""

import ast
from collections import defaultdict
from functools import cache

import botocore
import pytest
from tests.support.modules import MODULES, imported_in, tree_of
from tools.rights import record
from tools.template import functions, load

RECORD = record.read()
HANDLERS = {name: str(function["Handler"]) for name, function in functions(load()).items()}

MADE_ELSEWHERE: dict[str, str] = {}
"""Recorded calls that code of others makes for a function, with whose it is; so far ours names them all."""


class Reach:
    """What may run of a function's code, by names: a definition may, once something that may run names it."""

    def __init__(self, handler: str) -> None:
        module, _, name = handler.rpartition(".")
        self.words: set[str] = {name}
        """Every attribute, name and text of what may run: an operation of botocore is called by one of these."""
        self._modules: set[str] = set()
        self._waiting: dict[str, list[ast.AST]] = defaultdict(list)
        self._load(module)

    def _load(self, module: str) -> None:
        """Take in a module: what it does when it is imported, and definitions that are named by now."""
        if module not in MODULES or module in self._modules:
            return
        self._modules.add(module)
        self._take(tree_of(module))

    def _take(self, node: ast.AST) -> None:
        """Take in what runs of some code; a definition in it waits until it is named."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.FunctionDef) and not child.name.startswith("__"):
                self._meet(child)
                continue
            self._read(child)
            self._take(child)

    def _meet(self, definition: ast.FunctionDef) -> None:
        for decorator in definition.decorator_list:
            self._read(decorator)
            self._take(decorator)
        if definition.name in self.words or any(map(_registers, definition.decorator_list)):
            self._take(definition)
        else:
            self._waiting[definition.name].append(definition)

    def _read(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in sorted(imported_in([node], "")):
                self._load(name)
        for word in _words(node):
            if word not in self.words:
                self.words.add(word)
                for definition in self._waiting.pop(word, ()):
                    self._take(definition)


def _registers(decorator: ast.expr) -> bool:
    """Tell whether a decorator hands a definition over to somebody who calls it, as that of a route does."""
    return isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute)


def _words(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.alias) and node.asname is not None:
        return [node.name]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


@cache
def reach_of(function: str) -> Reach:
    """Follow a function's code from its handler."""
    return Reach(HANDLERS[function])


def stale(function: str, calls: set[str]) -> set[str]:
    """Name the calls that no code names which a function reaches."""
    return {call for call in calls if botocore.xform_name(call.partition(":")[2]) not in reach_of(function).words}


@pytest.mark.parametrize("function", sorted(RECORD))
def test_every_recorded_call_is_still_made_by_code_that_its_function_reaches(function: str) -> None:
    assert stale(function, RECORD[function].calls) == {
        call for call in MADE_ELSEWHERE if call in RECORD[function].calls
    }


def test_a_call_that_is_made_by_none_or_by_other_functions_alone_is_noticed() -> None:
    assert stale("AlarmNewsFunction", {"drs:StartRecovery", "sns:Publish"}) == {"drs:StartRecovery"}
    assert stale("StartWaveFunction", {"drs:StartRecovery", "drs:CreateRecoveryPlan"}) == {"drs:CreateRecoveryPlan"}


def test_every_function_is_looked_at() -> None:
    assert RECORD.keys() == HANDLERS.keys()
