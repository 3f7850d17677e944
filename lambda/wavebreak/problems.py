"""The error tree, and its one mapping to problem+json (RFC 9457).

Problem
├── InvalidRequest         400 VALIDATION_FAILED        names every fault by JSON pointer
├── ConfirmationRequired   400 CONFIRMATION_REQUIRED
├── UnsupportedCommand     400 UNSUPPORTED_COMMAND      lists the supported ones
├── NotFound               404 NOT_FOUND
├── PlanBusy               409 PLAN_BUSY                names the execution
├── ServerBusy             409 SERVER_BUSY              names server and execution
├── InvalidState           409 INVALID_STATE            says why
├── IdempotencyConflict    409 IDEMPOTENCY_CONFLICT
├── PreconditionFailed     412 PRECONDITION_FAILED
├── PayloadTooLarge        413 PAYLOAD_TOO_LARGE
├── QuotaExceeded          429 QUOTA_EXCEEDED
├── Unavailable            503 UNAVAILABLE              with Retry-After
│   ├── CircuitOpen                                     a service failed too often and is not called for now
│   └── OutOfTime                                       a limit was reached before all was read or done
└── Internal               500 INTERNAL                 a correlation id and nothing else

These are named by what the caller gets, as the codes are, and not `…Error`: a problem is the answer's document, and
most of them are no failure of ours. Every other exception of the project ends in Error.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final

from wavebreak.error_category import Category

CONTENT_TYPE: Final = "application/problem+json"
_MAX_LISTED_BYTES: Final = 2_500_000
"""Of faults in one answer: a function's may have six megabytes, in which every quote and backslash counts twice."""


class Problem(Exception):  # noqa: N818  the field's word (RFC 9457)
    """A refusal or failure that is reported to the caller."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL"
    title: ClassVar[str] = "Internal error"
    category: ClassVar[Category] = Category.INTERNAL

    def __init__(self, detail: str, **members: Any) -> None:
        """Keep what went wrong, for people, and further members of the problem document."""
        super().__init__(detail)
        self.detail = detail
        self.members = members

    @property
    def headers(self) -> dict[str, str]:
        """Headers that belong to this answer."""
        return {}

    def document(self) -> dict[str, Any]:
        """Return the problem document."""
        return {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **self.members,
        }


class InvalidRequest(Problem):
    """The request is not of the contract's form; `errors` names every fault by JSON pointer."""

    status, code, title = 400, "VALIDATION_FAILED", "The request is not valid"

    @classmethod
    def of(cls, pointer: str, message: str) -> InvalidRequest:
        """Make the problem of one fault."""
        return cls.listing([{"pointer": pointer, "message": message}])

    @classmethod
    def listing(cls, errors: list[dict[str, str]]) -> InvalidRequest:
        """Make the problem of several faults, each `{pointer, message}`; a last one counts those that find no room."""
        first = errors[0] if errors else {"pointer": "", "message": "is not valid"}
        where = first["pointer"] or "the document"
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return cls(f"{where}: {first['message']}{more}", errors=_that_fit(errors))


def _that_fit(errors: list[dict[str, str]]) -> list[dict[str, str]]:
    size = 0
    for count, error in enumerate(errors):
        size += len(json.dumps(error))
        if size > _MAX_LISTED_BYTES:
            rest = {"pointer": "", "message": f"has {len(errors) - count} more faults than an answer can list"}
            return [*errors[:count], rest]
    return errors


class ConfirmationRequired(Problem):
    """What cannot be undone was asked for without its confirmation."""

    status, code, title = 400, "CONFIRMATION_REQUIRED", "Confirmation required"


class UnsupportedCommand(Problem):
    """A command that is not in the catalogue; `supported` lists those that are."""

    status, code, title = 400, "UNSUPPORTED_COMMAND", "There is no such command"


class NotFound(Problem):
    """There is no such thing."""

    status, code, title = 404, "NOT_FOUND", "Not found"


class PlanBusy(Problem):
    """An execution of this plan is active."""

    status, code, title = 409, "PLAN_BUSY", "The plan is busy"


class ServerBusy(Problem):
    """Another execution holds a server."""

    status, code, title = 409, "SERVER_BUSY", "A server is busy"


class InvalidState(Problem):
    """The present state does not allow the call."""

    status, code, title = 409, "INVALID_STATE", "Not possible in this state"


class IdempotencyConflict(Problem):
    """An Idempotency-Key was used for another body, or its first request still runs."""

    status, code, title = 409, "IDEMPOTENCY_CONFLICT", "The Idempotency-Key is taken"


class PreconditionFailed(Problem):
    """The resource has changed since it was read."""

    status, code, title = 412, "PRECONDITION_FAILED", "Changed since it was read"


class PayloadTooLarge(Problem):
    """The body is larger than anything this API takes."""

    status, code, title = 413, "PAYLOAD_TOO_LARGE", "The request is too large"


class QuotaExceeded(Problem):
    """A quota of the account does not allow this."""

    status, code, title = 429, "QUOTA_EXCEEDED", "A quota is exhausted"


class Unavailable(Problem):
    """A service this depends on does not answer; asking again later may help."""

    status, code, title = 503, "UNAVAILABLE", "Temporarily unavailable"
    category = Category.DEPENDENCY

    def __init__(self, detail: str, *, retry_after_seconds: int = 5, **members: Any) -> None:
        """Keep the detail and when to ask again."""
        super().__init__(detail, **members)
        self.retry_after_seconds = retry_after_seconds

    @property
    def headers(self) -> dict[str, str]:
        """Return when to ask again."""
        return {"Retry-After": str(self.retry_after_seconds)}


class CircuitOpen(Unavailable):
    """A service failed several times in a row: it is not called before its pause is over (requirement S3-9)."""

    category = Category.CIRCUIT_OPEN


class OutOfTime(Unavailable):
    """An operation of several calls reached its time limit: no further call was begun."""


class Internal(Problem):
    """A fault of ours: the caller gets a correlation id, the recorded error of this id has the rest."""

    def __init__(self, correlation_id: str) -> None:
        """Keep the id of the recorded error."""
        super().__init__("An internal error occurred", correlationId=correlation_id)


CODES: Final = (
    *(kind.code for kind in (InvalidRequest, ConfirmationRequired, UnsupportedCommand, NotFound, PlanBusy, ServerBusy)),
    *(kind.code for kind in (InvalidState, IdempotencyConflict, PreconditionFailed, PayloadTooLarge, QuotaExceeded)),
    *(Unavailable.code, Internal.code, "FORBIDDEN", "THROTTLED", "TIMEOUT"),
)
"""Every code there is; the last three are API Gateway's own answers."""
