"""Times as people give them on the command line."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from wavebreak_cli.errors import ConfigError
from wavebreak_cli.views.terminal import moment

_AGO: Final = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment_of(text: str, now: datetime) -> datetime:
    """Read a time, or an age such as `2d` or `12h`; raise ConfigError for anything else."""
    ago = _AGO.fullmatch(text)
    with suppress(OverflowError):  # before the year 1, or after 9999
        at = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}) if ago else moment(text)
        if at is not None:
            return at.astimezone(UTC)
    raise ConfigError.because(f"{text!r} is no time: 2d, 12h, 30m, or 2026-11-21T12:00:00Z")


def past_moment_of(text: str, now: datetime) -> datetime:
    """Read a time that may not lie ahead: a mistyped year would mean the newest recovery points."""
    at = moment_of(text, now)
    if at > now:
        raise ConfigError.because(f"{text!r} lies ahead of the present time, {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    return at
