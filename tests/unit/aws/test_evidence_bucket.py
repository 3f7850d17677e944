"""The bucket of reports: what S3 says of an object that is not there, and what is no such answer."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from wavebreak.aws.evidence_bucket import EvidenceBucket
from wavebreak.settings import MissingSettingError


class S3:
    """S3 that answers every question about an object in one way."""

    def __init__(self, status: int) -> None:
        self.status = status

    def head_object(self, **asked: str) -> dict[str, Any]:
        assert asked == {"Bucket": "evidence", "Key": "p/drill-1/4.json"}
        if self.status != 200:
            answer: Any = {"Error": {"Code": str(self.status)}, "ResponseMetadata": {"HTTPStatusCode": self.status}}
            raise ClientError(answer, "HeadObject")
        return {}


@pytest.mark.parametrize(("status", "there"), [(200, True), (404, False), (403, False)])
def test_8_a_report_is_there_or_not_also_for_who_may_not_list_the_bucket(status: int, there: bool) -> None:
    assert EvidenceBucket(lambda: S3(status), "evidence").has("p/drill-1/4.json") is there


@pytest.mark.parametrize("status", [400, 500, 503])
def test_8_a_fault_of_s3_says_nothing_of_a_report(status: int) -> None:
    with pytest.raises(ClientError):
        EvidenceBucket(lambda: S3(status), "evidence").has("p/drill-1/4.json")


def test_8_a_function_without_a_bucket_says_so() -> None:
    with pytest.raises(MissingSettingError, match="EVIDENCE_BUCKET"):
        EvidenceBucket(lambda: S3(200), None).has("p/drill-1/4.json")
