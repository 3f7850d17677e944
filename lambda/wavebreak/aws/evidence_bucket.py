"""The bucket of reports: versioned, so that nothing in it is ever replaced."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from wavebreak.resilience.aws_errors import status_of
from wavebreak.settings import MissingSettingError

if TYPE_CHECKING:
    from collections.abc import Callable

_TYPES: Final = {"json": "application/json", "html": "text/html; charset=utf-8"}
_MISSING: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN})
"""What S3 answers of an object that is not there: the second to a caller that may not list the bucket."""


class EvidenceBucket:
    """Reports by their names."""

    def __init__(self, client: Callable[[], Any], bucket: str | None) -> None:
        """Keep the factory of S3's client, and the bucket's name; None in a function that needs none."""
        self._client = client
        self._bucket = bucket

    @property
    def _name(self) -> str:
        if self._bucket is None:
            raise MissingSettingError("EVIDENCE_BUCKET is not set")
        return self._bucket

    def put(self, name: str, text: str, form: str) -> None:
        """Write a report as `json` or `html`; what the name had before is kept as an earlier version."""
        self._client().put_object(
            Bucket=self._name,
            Key=name,
            Body=text.encode(),
            ContentType=_TYPES[form],
            # A bucket with Object Lock takes nothing without a checksum, and S3 keeps it beside the report.
            ChecksumAlgorithm="SHA256",
        )

    def has(self, name: str) -> bool:
        """Return whether there is a report of a name."""
        try:
            self._client().head_object(Bucket=self._name, Key=name)
        except ClientError as error:
            if status_of(error) in _MISSING:
                return False
            raise
        return True

    def address(self, name: str, seconds: int) -> str:
        """Sign an address under which anybody may read a report for a while; it is not asked whether it is there."""
        asked = {"Bucket": self._name, "Key": name}
        return str(self._client().generate_presigned_url("get_object", Params=asked, ExpiresIn=seconds))
