"""Control calls as they come in: read strictly, and refused with a pointer to what is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ValidationError

from drs_simulator.credentials import DEFAULT_ACCOUNT, DEFAULT_REGION

if TYPE_CHECKING:
    from drs_simulator.wire.messages import Request

Input = TypeVar("Input", bound=BaseModel)


class ControlError(Exception):
    """A control call makes no sense; ``errors`` are ``{pointer, message}`` pairs."""

    def __init__(self, status: int, message: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.errors = errors or []


@dataclass(frozen=True)
class ControlRequest:
    """A control call: ``name`` is the last part of its path, ``body`` its JSON; where it is meant, in the query."""

    name: str
    body: bytes
    account: str
    region: str

    def read(self, kind: type[Input]) -> Input:
        """Read the body strictly; raise ControlError with a JSON pointer for every problem."""
        try:
            return kind.model_validate_json(self.body or b"{}", strict=True)
        except ValidationError as error:
            problems = [
                {"pointer": _pointer(problem["loc"]), "message": problem["msg"]}
                for problem in error.errors(include_url=False, include_context=False)
            ]
            text = "; ".join(f"{problem['pointer'] or '/'}: {problem['message']}" for problem in problems)
            raise ControlError(400, text, problems) from error

    def must_be_named(self, pattern: str, what: str) -> None:
        """Refuse a name that is none of ``what``."""
        if not re.fullmatch(pattern, self.name):
            raise ControlError(400, f"{self.name!r} is no {what}: it must match {pattern}")


def control_request(request: Request, name: str, *, placed: bool) -> ControlRequest:
    """Read the query of a call; ``placed`` ones are about one account in one Region, the others take no values."""
    query = parse_qs(urlsplit(request.target).query, keep_blank_values=True)
    _check_query(query, frozenset({"account", "region"}) if placed else frozenset())
    account = query.get("account", [DEFAULT_ACCOUNT])[0]
    if not re.fullmatch(r"\d{12}", account):
        raise ControlError(400, f"{account} is no account: 12 digits")
    region = query.get("region", [DEFAULT_REGION])[0]
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,62}", region):
        raise ControlError(400, f"{region!r} is no Region")
    return ControlRequest(name, request.body, account, region)


def _check_query(query: dict[str, list[str]], known: frozenset[str]) -> None:
    """Refuse what would be ignored: a misspelt name, or a value that a call does not take or takes only once."""
    unknown = query.keys() - known
    if unknown:
        raise ControlError(400, f"unknown query value: {', '.join(sorted(unknown))}")
    repeated = [name for name, values in query.items() if len(values) > 1]
    if repeated:
        raise ControlError(400, f"query value given twice: {', '.join(sorted(repeated))}")


def _pointer(location: tuple[int | str, ...]) -> str:
    """Write a place in a document as a JSON pointer (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)
