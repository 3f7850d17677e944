"""Ids: what a plan's may be, those that sort by time, and what a request is known by. Pure but for the randomness.

Ids that sort by time are a word that says what it is and a ULID in lower case.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from datetime import UTC, datetime
from typing import Any, Final

from wavebreak.values import Value

PLAN_ID_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,62}$"
"""What every plan's id matches."""
NATIVE_PLAN_ARN_PATTERN: Final = (
    r"^arn:aws(-[a-z0-9]+)*:drs:[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}:[0-9]{12}:recovery-plan/[a-zA-Z0-9_/.-]+$"
)
"""What names a native plan: the service model's own pattern with the resource type of the Service Authorization
Reference, and Regions as a plan of ours writes them."""
COMMAND_ID: Final = "cmd-"
"""What the id of every command run begins with."""
_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"


def ulid(now: datetime, randomness: int | None = None) -> str:
    """Make a ULID in lower case: 26 characters, the moment first, then 80 random bits."""
    value = (int(now.timestamp() * 1000) << 80) | (secrets.randbits(80) if randomness is None else randomness)
    return "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


def moment_of(identifier: str) -> datetime:
    """Read the moment, to the millisecond, at which a ULID was made."""
    milliseconds = 0
    for character in identifier[:10]:
        milliseconds = milliseconds * 32 + _CROCKFORD.index(character)
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def new_execution_id(mode: str, now: datetime, randomness: int | None = None) -> str:
    """Make the id of an execution: it begins with the mode, so that policies can name it."""
    return f"{mode.lower()}-{ulid(now, randomness)}"


def is_drill(execution_id: str) -> bool:
    """Return whether an execution is a drill, by its id."""
    return execution_id.startswith("drill-")


def new_command_id(now: datetime, randomness: int | None = None) -> str:
    """Make the id of a command run that an operator starts."""
    return COMMAND_ID + ulid(now, randomness)


def new_call_id() -> str:
    """Make the id of a call that takes locks: they are known by it as its own."""
    return secrets.token_hex(8)


class RequestKey(Value):
    """What a request with an Idempotency-Key is known by when it comes again: SHA-256, in hex."""

    digest: str
    """Of caller, method, path and key."""
    body: str
    """Of the body."""

    @classmethod
    def of(cls, key: str, caller: str, method: str, path: str, body: Any) -> RequestKey:
        """Make the key of a request; a session of the caller that an SDK named after the time is any session of it."""
        return cls(_sha256([_lasting(caller), method, path, key]), _sha256(body))

    @property
    def call(self) -> str:
        """The id of the calls that every try of this request makes: one knows the locks of another as its own."""
        return self.digest[:16]


_MOMENT: Final = re.compile(r"(?<=[/-])[0-9]{9,}$")
"""At the end of a session's name: what an SDK puts there when nobody names the session."""


def _lasting(caller: str) -> str:
    return _MOMENT.sub("", caller)


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
