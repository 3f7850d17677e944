"""What error codes of AWS services mean, without any AWS library: the one place that lists them."""

from __future__ import annotations

from typing import Final

SERVER_FAULT: Final = 500
_TOO_MANY: Final = 429
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
PASSING: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestTimeout",
        "RequestTimeoutException",
        "RequestTimeTooSkewed",
        "TooManyUpdates",
        "UnrecognizedClientException",
    }
)
"""Refusals that pass automatically, with no subject at fault: renewed credentials, a clock, and a busy account."""
CONTENDED: Final = frozenset(
    {"TransactionCanceledException", "TransactionConflictException", "TransactionInProgressException"}
)
"""Others write the same items: coming again helps, and nothing is wrong with DynamoDB."""
DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
NOT_SET_UP: Final = "UninitializedAccountException"
NO_LAUNCH_TEMPLATE: Final = frozenset({"InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateId.NotFoundException"})
NO_TEMPLATE_VERSION: Final = "InvalidLaunchTemplateId.VersionNotFound"
"""One that was just made may not show yet."""


def is_service_fault(status: int, code: str) -> bool:
    """Return whether an error answer, by its HTTP status and code, is a fault of the service's own, or a throttle."""
    return status >= SERVER_FAULT or is_throttle(status, code)


def is_throttle(status: int, code: str) -> bool:
    """Return whether an error answer holds calls back."""
    return status == _TOO_MANY or code in _THROTTLES


def is_passing(status: int, code: str) -> bool:
    """Return whether an error answer holds calls back or passes by itself, whatever the call is about."""
    return is_throttle(status, code) or code in PASSING
