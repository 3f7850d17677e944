"""How botocore speaks to a service: the limits of one attempt, and how many attempts a call is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.timeouts import limit

if TYPE_CHECKING:
    from botocore.config import Config

ATTEMPTS: Final = 3
BRIEF_ATTEMPTS: Final = 2
"""For calls with a waiting caller."""


def config(operation: str, *, attempts: int = ATTEMPTS, **more: Any) -> Config:
    """Return a client's settings; `operation` names the limit of one attempt (`timeouts`), `more` goes to botocore."""
    from botocore.config import Config  # noqa: PLC0415  boto3 loads it sooner, and from nearer to the top of the stack

    return Config(
        connect_timeout=limit("connect"),
        read_timeout=limit(operation),
        retries={"mode": "standard", "total_max_attempts": attempts},
        user_agent_extra="wavebreak",
        **more,
    )


def series_seconds(operation: str, attempts: int = ATTEMPTS) -> float:
    """Return the longest that a call takes with all attempts and botocore's pauses of up to 1, 2, 4 ... s."""
    pauses = sum(2.0**number for number in range(attempts - 1))
    return attempts * (limit("connect") + limit(operation)) + pauses
