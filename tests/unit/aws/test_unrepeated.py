"""What a refusal of a call that is never repeated says of the call, of whom it names, and of nobody."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from wavebreak.aws.unrepeated import CallRejectedError, OutcomeUnknownError, judged

PASSING = [
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "TooManyUpdates",
    "UnrecognizedClientException",
]
THROTTLES = ["RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException"]


def refused(code: str, status: int) -> CallRejectedError:
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}

    def call() -> None:
        raise ClientError(answer, "StartRecovery")

    with pytest.raises(CallRejectedError) as raised:
        judged(call)
    return raised.value


@pytest.mark.parametrize("code", PASSING)
def test_what_passes_by_itself_is_tried_again_and_speaks_against_nobody(code: str) -> None:
    refusal = refused(code, 400)
    assert refusal.retryable
    assert refusal.concerns_nobody
    assert not refusal.throttled, "so that it is never searched for whom it is about"


@pytest.mark.parametrize("code", THROTTLES)
def test_a_throttle_is_one_by_its_code_whatever_its_status(code: str) -> None:
    refusal = refused(code, 400)
    assert refusal.retryable
    assert refusal.concerns_nobody
    assert refusal.throttled


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException"])
def test_other_refusals_stay_final(code: str) -> None:
    refusal = refused(code, 400)
    assert not refusal.retryable
    assert not refusal.concerns_nobody


def test_a_fault_stays_an_unknown_outcome_whatever_its_code() -> None:
    answer: Any = {"Error": {"Code": "RequestTimeout"}, "ResponseMetadata": {"HTTPStatusCode": 503}}

    def call() -> None:
        raise ClientError(answer, "StartRecovery")

    with pytest.raises(OutcomeUnknownError):
        judged(call)
