"""IAM's answer to a request, from the statements of a role: as much of its rules as our policies use. Pure.

What a policy says in a way that is not known here is an error, never an answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tools.rights.calls import Request

Condition = tuple[str, str, tuple[str, ...]]
"""Operator, key, values."""

_FOR_ANY: Final = "ForAnyValue:"
_FOR_ALL: Final = "ForAllValues:"
_LIKE: Final = frozenset({"StringLike", "ArnLike", "ArnEquals"})


class UnknownStatementError(Exception):
    """A statement uses something that is not evaluated here; the message says what."""


@dataclass(frozen=True, order=True)
class Right:
    """One action on one resource, as one statement of a policy has it."""

    policy: str
    statement: str
    action: str
    resource: str
    conditions: tuple[Condition, ...] = ()
    denies: bool = False

    def covers(self, request: Request) -> bool:
        """Return whether the statement is about a request."""
        if not _like(self.action.lower())(request.action.lower()) or not _like(self.resource)(request.resource):
            return False
        context = dict(request.context)
        return all(_holds(operator, values, context.get(key)) for operator, key, values in self.conditions)


def allowed(rights: Iterable[Right], request: Request) -> bool:
    """Return whether a role with these rights may do what is asked: some right covers it, and no denial does."""
    covering = [right for right in rights if right.covers(request)]
    return bool(covering) and not any(right.denies for right in covering)


def rights_of(policy: str, document: Mapping[str, Any]) -> list[Right]:
    """Split the statements of a policy document, references filled in, into rights. Raise UnknownStatementError."""
    return [
        Right(policy, statement.get("Sid", str(number)), action, resource, conditions, _denies(statement))
        for number, statement in enumerate(_listed(document["Statement"]))
        for conditions in [_conditions(statement)]
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    ]


def _denies(statement: Mapping[str, Any]) -> bool:
    unknown = statement.keys() - {"Sid", "Effect", "Action", "Resource", "Condition"}
    if unknown or statement["Effect"] not in {"Allow", "Deny"}:
        raise UnknownStatementError(f"{statement.get('Sid')}: {sorted(unknown)}")
    return bool(statement["Effect"] == "Deny")


def _conditions(statement: Mapping[str, Any]) -> tuple[Condition, ...]:
    return tuple(
        (operator, key, tuple(str(value).lower() if operator == "Bool" else str(value) for value in _listed(values)))
        for operator, pairs in statement.get("Condition", {}).items()
        for key, values in pairs.items()
    )


def _holds(operator: str, values: tuple[str, ...], given: tuple[str, ...] | None) -> bool:
    name = operator.removeprefix(_FOR_ANY).removeprefix(_FOR_ALL)
    if operator == "Null":
        return (given is None) is (values == ("true",))
    if given is None:
        return operator.startswith(_FOR_ALL)
    met = [_meets(name, values, one) for one in given]
    return all(met) if operator.startswith(_FOR_ALL) else any(met)


def _meets(operator: str, values: tuple[str, ...], given: str) -> bool:
    if operator in _LIKE:
        return any(_like(value)(given) for value in values)
    if operator == "StringEquals":
        return given in values
    if operator == "Bool":
        return given.lower() in values
    raise UnknownStatementError(f"condition {operator}")


@cache
def _like(pattern: str) -> Any:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL).fullmatch


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
