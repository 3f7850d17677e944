"""The lists of targets that are too large for a state machine's payload: one object in S3 for each such run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3.client import S3Client


class ListStore:
    """The bucket of lists; the client is made when the first list is written, which few runs ever do."""

    def __init__(self, client: Callable[[], S3Client], bucket: str | None) -> None:
        """Take how to get a client, and the bucket's name."""
        self.client = client
        self.bucket = bucket

    def put(self, key: str, text: str) -> None:
        """Write a list; writing it again changes nothing."""
        if self.bucket is None:
            raise LookupError("this function does not know the bucket of lists")
        self.client().put_object(Bucket=self.bucket, Key=key, Body=text.encode(), ContentType="application/json")
