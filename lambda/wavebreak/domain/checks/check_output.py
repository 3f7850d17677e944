"""What the command of a check printed, read as factors; anything else is a failed check execution.

A check prints one JSON object with a member `factors`, an object of values by key. Further members are ignored, as of
query rows. Which keys become factors of the plan (`f_...`), its own `factors` say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.checks.reducers import misfit
from wavebreak.domain.checks.statuses import CheckOutcomeStatus
from wavebreak.domain.commands.result_text import error_text
from wavebreak.domain.commands.safe_output import decoded
from wavebreak.domain.plans.model import Reducer
from wavebreak.strict_json import NotJsonError, encodable, read_strictly
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.commands.results import ExecutionResult

MAX_KEY: Final = 256
"""Characters of a key; as many as `of` of a plan's factor may have."""
LARGEST: Final = 10**30
"""The largest number that becomes a factor: sums of a plan's 4,000 servers still fit the table's numbers."""
_QUOTED: Final = 60


class NoFactorsError(Exception):
    """An output that holds no factors; the message is the reason of the failed check execution."""


class CheckOutcome(Value):
    """How a check execution ended: `completed` with its factors by key, or `failed` with the reason."""

    status: CheckOutcomeStatus
    factors: dict[str, Any] | None = None
    reason: str | None = None

    @property
    def output(self) -> dict[str, Any] | None:
        """The output as a check execution stores it: `{factors}`, or null."""
        return None if self.factors is None else {"factors": self.factors}


def outcome_of(processor: Mapping[str, Any], result: ExecutionResult) -> CheckOutcome:
    """Judge what became of a check's command on its target (contract 7): factors, or a failure with its reason.

    A command that failed, timed out, could not be reached or was cancelled is a failed check in the result's own words.
    """
    if not result.success:
        return CheckOutcome(CheckOutcomeStatus.FAILED, reason=decoded(error_text(result)))
    if result.truncated:
        return CheckOutcome(
            CheckOutcomeStatus.FAILED, reason="printed more than is kept, so its factors cannot be read"
        )
    try:
        return CheckOutcome(CheckOutcomeStatus.COMPLETED, read_factors(processor, result.stdout))
    except NoFactorsError as error:
        return CheckOutcome(CheckOutcomeStatus.FAILED, reason=str(error))


def read_factors(processor: Mapping[str, Any], stdout: str) -> dict[str, Any]:
    """Read `{"factors": {key: value}}`; raise NoFactorsError for anything else, or a value its reducer cannot take.

    A null is a value that is not known, and is kept as one.
    """
    text = decoded(stdout).strip().removeprefix("\ufeff")
    if not text:
        raise NoFactorsError('printed nothing; a check prints {"factors": {...}}')
    try:
        document = encodable(read_strictly(text))
    except NotJsonError as error:
        raise NoFactorsError(f"printed no JSON: {error}") from error
    factors = document.get("factors") if isinstance(document, dict) else None
    if not isinstance(factors, dict):
        raise NoFactorsError('printed JSON without an object "factors"')
    for key, value in factors.items():
        _judge(key, value)
    for spec in (processor.get("factors") or {}).values():
        value = factors.get(spec["of"])
        wrong = None if value is None else misfit(Reducer(spec["reducer"]), value)
        if wrong:
            raise NoFactorsError(f"factor {spec['of']!r}: {wrong}")
    return factors


def _judge(key: str, value: Any) -> None:
    if not key or len(key) > MAX_KEY:
        raise NoFactorsError(f"printed a factor whose name {key[:_QUOTED]!r} does not have 1 to {MAX_KEY} characters")
    if isinstance(value, (int, float)) and not abs(value) <= LARGEST:
        raise NoFactorsError(f"factor {key[:_QUOTED]!r}: the number is larger than a factor may be")
