"""What is wrong with an option or argument, in our words and by the name under which it was typed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPTIONS: Final[Mapping[str, str]] = {
    "/confirm": "--confirm",
    "/hours": "--hours",
    "/limit": "--limit",
    "/minutes": "MINUTES",
    "/notes": "--notes",
    "/reason": "--reason",
    "/since": "--since",
    "/terminateAfterMinutes": "--terminate-after",
    "/then": "--then",
    "/timeoutSeconds": "--timeout",
}
"""What is typed for a field of a request; of what is not here, the pointer itself says where it is."""
_NOT_ONE_OF: Final = re.compile(r"(?:Value error, )?'(.*)' is not (?:one of )?('.*')\.?", re.DOTALL)


class InOurWords(TyperGroup):
    """Commands whose options and arguments are refused in our words, not in those of the library."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; what is wrong with its words is reported in ours."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as refused:
            refused.message = _worded(refused)
            raise


def _worded(refused: typer.BadParameter) -> str:
    """Say what was expected and what was given instead."""
    found: Mapping[str, Any] = next(iter(_faults_of(refused.__cause__)), {})
    given, limits = found.get("input"), found.get("ctx") or {}
    match found.get("type"):
        case "int_parsing" | "int_from_float" | "int_type":
            return f"must be a whole number, not {given!r}"
        case "int_parsing_size":
            return f"{given!r} is too large a number"
        case "greater_than_equal":
            return f"must be at least {limits['ge']}, not {given}"
        case "less_than_equal":
            return f"must be at most {limits['le']}, not {given}"
    choice = _NOT_ONE_OF.fullmatch(refused.message)
    if choice:
        known = [word.strip("'") for word in choice[2].split(", ")]
        return f"must be {' or '.join(filter(None, (', '.join(known[:-1]), known[-1])))}, not {choice[1]!r}"
    return refused.message.removeprefix("Value error, ")


def _faults_of(cause: BaseException | None) -> list[Mapping[str, Any]]:
    """List what pydantic, which typer reads values with, found wrong."""
    from pydantic import ValidationError  # noqa: PLC0415 - typer loads it only where a value is read with it

    return [dict(fault) for fault in cause.errors(include_url=False)] if isinstance(cause, ValidationError) else []


def as_typed(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Name the typed options in a refusal of the API, not the fields of the request."""
    errors = [error for error in problem.get("errors") or [] if isinstance(error, dict)]
    options = {str(error["pointer"]): _OPTIONS[str(error["pointer"])] for error in errors if _is_option(error)}
    if problem.get("file") or not options:
        return dict(problem)
    detail = str(problem.get("detail") or "")
    for pointer, option in options.items():
        detail = detail.replace(f"{pointer}: ", f"{option}: ")
    named = [{**error, "pointer": options.get(str(error.get("pointer")), error.get("pointer"))} for error in errors]
    return {**problem, "detail": detail, "errors": named}


def _is_option(error: Mapping[str, Any]) -> bool:
    return str(error.get("pointer")) in _OPTIONS
