"""What the errors of AWS mean, by their codes (`aws_error_codes`) or by what botocore says of the way.

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

from wavebreak.aws_error_codes import CONTENDED, DENIED, NOT_SET_UP, SERVER_FAULT, is_passing, is_service_fault
from wavebreak.problems import Unavailable

FAULTS: Final = (BotoCoreError, ClientError, Unavailable)
"""Everything that a call of a service may end with; Unavailable is what an open circuit and a time that is over say."""

_NO_ANSWER: Final = (ConnectionError, HTTPClientError, ResponseStreamingError, CredentialRetrievalError)


def error_code(error: ClientError) -> str:
    """Return the service's own code of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """Return the HTTP status of an error's answer; 0 where botocore has none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def words_of(error: ClientError) -> str:
    """Return the code and, if there is one, the message of the service."""
    code, message = error_code(error), error.response.get("Error", {}).get("Message")
    return f"{code}: {message}" if message else code


def reason_of(error: Exception) -> str:
    """Return why a call failed: the words of the service, or of the way to it."""
    return words_of(error) if isinstance(error, ClientError) else str(error)


def is_denied(error: ClientError) -> bool:
    """Return whether a permission is missing: waiting does not help, it has to be granted."""
    return error_code(error) in DENIED


def needs_somebody(error: BaseException) -> bool:
    """Return whether waiting is in vain: a permission is missing, or DRS is not set up in this account and Region."""
    return isinstance(error, ClientError) and (is_denied(error) or error_code(error) == NOT_SET_UP)


def is_expiry(error: BaseException) -> bool:
    """Return whether a call ran into the limit of its client."""
    return isinstance(error, (ConnectTimeoutError, ReadTimeoutError))


def is_dependency_fault(error: BaseException) -> bool:
    """Return whether an error shows that a service is not well: no answer, a fault of its own, or a throttle."""
    if not isinstance(error, ClientError):
        return isinstance(error, _NO_ANSWER)
    return is_service_fault(status_of(error), error_code(error))


def is_refusal(error: ClientError) -> bool:
    """Return whether a service is well and refused this very call: an answer of 400 to 499 that is no throttle."""
    return status_of(error) // 100 == 4 and not is_dependency_fault(error)  # noqa: PLR2004  the class of a client's errors


def is_answered_fault(error: BaseException) -> bool:
    """Return whether a service answered with a fault of its own: it may be due to a subject of the call."""
    return isinstance(error, ClientError) and status_of(error) >= SERVER_FAULT


def is_transient(error: BaseException) -> bool:
    """Return whether a call may succeed when it is made again."""
    return is_dependency_fault(error) or (isinstance(error, ClientError) and error_code(error) in CONTENDED)


def may_be_of_subjects(error: ClientError) -> bool:
    """Return whether an error answer may be due to a subject that the call names: a refusal, or a fault of the service.

    A throttle, credentials and the like concern no subject, nor does a service that is not set up.
    """
    return not is_passing(status_of(error), error_code(error)) and error_code(error) != NOT_SET_UP
