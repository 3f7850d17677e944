"""The answers that are errors.

``ApiError``: the service refuses a call, with a code of its model; it becomes an HTTP answer.
``HttpError``: a kind of it that has an HTTP status and no code.
``InjectedError``: a kind of it that a fault asks for, not the operation.
``ConnectionDroppedError``: a fault asks that no answer be sent at all.
``ModelMismatchError``: the simulator built an answer that its own service model forbids; a bug, never an answer.
"""

from __future__ import annotations

from typing import Any

# The model's longest texts in a ValidationException: the message, and the name and message of each field.
_LONGEST_MESSAGE, _LONGEST_FIELD_NAME, _LONGEST_FIELD_MESSAGE = 65_536, 256, 1024


class ApiError(Exception):
    """A call is refused with ``code``; ``members`` are the further fields of the modelled exception.

    ``status`` is the HTTP status for codes that the model does not know; a modelled one has its own.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = {name: value for name, value in members.items() if value is not None}


class HttpError(ApiError):
    """A bare HTTP status without an error code, as a gateway in between answers."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"Http{status}", message, status=status)


class InjectedError(ApiError):
    """A fault's error, which knows no service: it is sent with those of its members that the service's model has."""


class ConnectionDroppedError(Exception):
    """The connection is to be closed without an answer."""


class ModelMismatchError(Exception):
    """An answer does not fit the service model."""


def validation_message(problems: list[tuple[str, str]]) -> str:
    """Return ``(field, fault)`` pairs as AWS words them."""
    count = len(problems)
    noun = "error" if count == 1 else "errors"
    details = "; ".join(message for _, message in problems)
    return f"{count} validation {noun} detected: {details}"


def validation_error(problems: list[tuple[str, str]]) -> ApiError:
    """Build the ValidationException of DRS, which lists the ``(field, what is wrong)`` pairs too."""
    return ApiError(
        "ValidationException",
        validation_message(problems)[:_LONGEST_MESSAGE],
        reason="fieldValidationFailed",
        fieldList=[
            {"name": name[:_LONGEST_FIELD_NAME], "message": message[:_LONGEST_FIELD_MESSAGE]}
            for name, message in problems
        ],
    )


def conflict(message: str, resource_id: str, resource_type: str) -> ApiError:
    """Build the ConflictException (409) that names the resource in the way."""
    return ApiError("ConflictException", message, resourceId=resource_id, resourceType=resource_type)


def not_found(resource_id: str, resource_type: str) -> ApiError:
    """Build the ResourceNotFoundException (404) for a resource that this account and Region do not have."""
    return ApiError(
        "ResourceNotFoundException",
        f"{resource_type} {resource_id} not found",
        resourceId=resource_id,
        resourceType=resource_type,
    )
