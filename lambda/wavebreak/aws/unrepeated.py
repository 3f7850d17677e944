"""Calls that are never repeated, because the service takes no client token: what their outcomes mean.

Their errors are distinguished once, here: after a `CallRejectedError`, a modelled 4xx, nothing has happened; after
`OutcomeUnknownError` what the call would have made must be looked for before a second call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from wavebreak.aws_error_codes import PASSING, is_throttle
from wavebreak.domain.drs import JOBS_QUOTA, SERVER_QUOTAS
from wavebreak.domain.errors.masking import masked_text
from wavebreak.error_category import Category
from wavebreak.problems import CircuitOpen
from wavebreak.resilience.aws_errors import error_code

if TYPE_CHECKING:
    from collections.abc import Callable


_NOT_CALLED: Final = "CircuitOpen"
_CONFLICT: Final = "ConflictException"
_RETRYABLE: Final = frozenset({"ServiceQuotaExceededException", _CONFLICT, _NOT_CALLED})

T = TypeVar("T")


class CallRejectedError(Exception):
    """DRS refused a call and did nothing; `code` is its own word, `retryable` says whether waiting can help."""

    category: ClassVar[Category] = Category.DRS
    named_by_cause: ClassVar[bool] = True
    """SSM's answers are refusals too: what caused one says whose it is and by which code it is recorded."""

    def __init__(self, code: str, message: str, quota_code: str | None = None, status: int = 400) -> None:
        """Keep the service's code and message, the quota that would be exceeded, and the HTTP status.

        Secrets in the message are masked: it is reported to people.
        """
        self.code = code
        self.message = masked_text(message)
        super().__init__(f"{code}: {self.message}")
        self.quota_code = quota_code
        self.status = status

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later."""
        return self.throttled or self.passes or self.code in _RETRYABLE

    @property
    def not_called(self) -> bool:
        """Whether the service was not even asked, because its circuit is open."""
        return self.code == _NOT_CALLED

    @property
    def smaller_may_fit(self) -> bool:
        """Whether a quota on servers is what was exceeded: fewer of them may fit at once."""
        return self.quota_code in SERVER_QUOTAS

    @property
    def concerns_nobody(self) -> bool:
        """Whether DRS takes no call at all for now: held back, not asked, or no room for one more job."""
        return self.throttled or self.passes or self.not_called or self.quota_code == JOBS_QUOTA

    @property
    def throttled(self) -> bool:
        """Whether the service holds calls back: whose, it does not say."""
        return is_throttle(self.status, self.code)

    @property
    def passes(self) -> bool:
        """Whether no subject is at fault and it passes by itself: renewed credentials, a clock, a busy account."""
        return self.code in PASSING

    @property
    def may_be_request(self) -> bool:
        """Whether any subject may get the same refusal: a conflict, or a quota that is named, always concerns one."""
        return not self.is_conflict and self.quota_code is None

    @property
    def concerns_a_server(self) -> bool:
        """Whether one server of several may be what was refused."""
        return self.code in {"ValidationException", "ResourceNotFoundException"}

    @property
    def is_conflict(self) -> bool:
        """Whether something stands in the way that may go away: a job of the server's, or what is missing for it."""
        return self.code == _CONFLICT

    @property
    def may_concern_one(self) -> bool:
        """Whether the others of a batch may be taken without the one that is at fault."""
        return self.concerns_a_server or self.is_conflict


class OutcomeUnknownError(Exception):
    """A call was answered by a fault or not at all: it may or may not have happened."""

    category: ClassVar[Category] = Category.DRS
    named_by_cause: ClassVar[bool] = True

    def __init__(self, message: str = "") -> None:
        """Keep what is known of the fault; secrets in it are masked, because people read it."""
        super().__init__(masked_text(message))


def judged(call: Callable[[], T]) -> T:
    """Make a call that is never repeated, and tell a refusal from an unknown outcome; an open circuit made no call.

    A 4xx without a code of the service, for which botocore gives the bare HTTP status, may be anybody's on the way: it
    says nothing about what the service did.
    """
    try:
        return call()
    except CircuitOpen as error:
        raise CallRejectedError(_NOT_CALLED, error.detail, status=error.status) from error
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        code = error_code(error) or "Unknown"
        # A fault taken for a refusal launches twice; a refusal taken for a fault costs a read. All else is unknown.
        if 400 <= status < 500 and not code.isdigit():  # noqa: PLR2004  the HTTP class of refusals
            message = error.response.get("Error", {}).get("Message", "")
            quota = str(error.response.get("quotaCode") or "") or None
            raise CallRejectedError(code, message, quota, status) from error
        raise OutcomeUnknownError(f"{code} ({status})") from error
    except BotoCoreError as error:
        raise OutcomeUnknownError(str(error)) from error
