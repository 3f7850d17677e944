"""Times that a request gives: RFC 3339 with an offset, and nothing that pydantic would also take for one."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Annotated, Final

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from wavebreak.domain.plans.pydantic_errors import FINISHED
from wavebreak.json_pointers import quoted
from wavebreak.timing import parse_iso

_EARLIEST_YEAR: Final = 1970
"""DRS takes no time of a year that has fewer than four digits."""


def moment(value: object) -> datetime:
    """Read a time; a validator for pydantic models."""
    with suppress(ValueError, OverflowError):
        if isinstance(value, str) and (read := parse_iso(value)).year >= _EARLIEST_YEAR:
            return read
    message = f"must be a time with its offset, such as 2026-11-21T12:00:00Z, not {quoted(value)}"
    raise PydanticCustomError(FINISHED, "{message}", {"message": message})


Moment = Annotated[datetime, BeforeValidator(moment)]
