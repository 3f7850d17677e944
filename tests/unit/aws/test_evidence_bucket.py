"""The bucket of reports: what S3 says of an object that is not there, and what is no such answer."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

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


def test_8_what_is_put_is_checked_by_s3_with_a_sha_256_that_is_kept_with_it() -> None:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="evidence")
        EvidenceBucket(lambda: s3, "evidence").put("p/drill-1/4.json", "{}", "json")
        kept = s3.head_object(Bucket="evidence", Key="p/drill-1/4.json", ChecksumMode="ENABLED")
    assert kept["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"{}").digest()).decode()
    assert kept["ContentType"] == "application/json"


@pytest.mark.parametrize("status", [400, 500, 503])
def test_8_a_fault_of_s3_says_nothing_of_a_report(status: int) -> None:
    with pytest.raises(ClientError):
        EvidenceBucket(lambda: S3(status), "evidence").has("p/drill-1/4.json")


def test_8_a_function_without_a_bucket_says_so() -> None:
    with pytest.raises(MissingSettingError, match="EVIDENCE_BUCKET"):
        EvidenceBucket(lambda: S3(200), None).has("p/drill-1/4.json")
