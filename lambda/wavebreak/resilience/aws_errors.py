"""What the errors of AWS mean, told by their codes: the one place that tells them apart.

A service that refuses what it was asked (validation, access, conflict, quota) is well. One that does not answer, fails
by itself or holds calls back is not: the same call may succeed later, and several such calls in a row open its circuit.
"""

from __future__ import annotations

from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  botocore's, and no builtin one
    ConnectTimeoutError,
    CredentialRetrievalError,
    HTTPClientError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from wavebreak.problems import Unavailable

FAULTS: Final = (BotoCoreError, ClientError, Unavailable)
"""Everything that a call of a service may end with; Unavailable is what an open circuit and a time that is over say."""

_SERVER_FAULT: Final = 500
_TOO_MANY: Final = 429
_NO_ANSWER: Final = (ConnectionError, HTTPClientError, ResponseStreamingError, CredentialRetrievalError)
_THROTTLES: Final = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    },
)
_CONTENDED: Final = frozenset(
    {"TransactionCanceledException", "TransactionConflictException", "TransactionInProgressException"}
)
"""Others write the same items: coming again helps, and nothing is wrong with DynamoDB."""
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_NOT_SET_UP: Final = "UninitializedAccountException"


def error_code(error: ClientError) -> str:
    """Give the service's own code of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_denied(error: ClientError) -> bool:
    """Tell whether a permission is missing: waiting does not help, somebody has to grant it."""
    return error_code(error) in _DENIED


def needs_somebody(error: BaseException) -> bool:
    """Tell whether waiting is in vain: a permission is missing, or DRS was never set up in this account and Region."""
    return isinstance(error, ClientError) and (is_denied(error) or error_code(error) == _NOT_SET_UP)


def is_expiry(error: BaseException) -> bool:
    """Tell whether a call ran into the limit of its client."""
    return isinstance(error, (ConnectTimeoutError, ReadTimeoutError))


def is_dependency_fault(error: BaseException) -> bool:
    """Tell whether an error shows that a service is not well: no answer, a fault of its own, or a throttle."""
    if not isinstance(error, ClientError):
        return isinstance(error, _NO_ANSWER)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= _SERVER_FAULT or status == _TOO_MANY or error_code(error) in _THROTTLES


def is_transient(error: BaseException) -> bool:
    """Tell whether a call may succeed when it is made again."""
    return is_dependency_fault(error) or (isinstance(error, ClientError) and error_code(error) in _CONTENDED)
