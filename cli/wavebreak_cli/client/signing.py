"""Signatures of calls (AWS Signature Version 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    from botocore.credentials import ReadOnlyCredentials


def sign(request: httpx.Request, headers: Mapping[str, str], keys: ReadOnlyCredentials, region: str) -> None:
    """Sign exactly what will be sent: the request, its content, and the headers that are named here."""
    from botocore.auth import SigV4Auth  # noqa: PLC0415 - a tenth of a second that only calls need
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - only calls need it

    signed = AWSRequest(method=request.method, url=str(request.url), data=request.content, headers=dict(headers))
    SigV4Auth(keys, "execute-api", region).add_auth(signed)
    request.headers.update(dict(signed.headers.items()))
