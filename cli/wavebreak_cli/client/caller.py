"""Who calls: the principal behind the credentials, as STS reports it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from wavebreak_cli.client.endpoint import aws_client, credential_failures
from wavebreak_cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak_cli.client.endpoint import Endpoint

_PATIENCE: Final[Mapping[str, Any]] = {"connect_timeout": 3, "read_timeout": 5, "retries": {"total_max_attempts": 1}}


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal and its account."""

    arn: str
    account: str


def caller_of(endpoint: Endpoint) -> Caller:
    """Ask STS who signs the calls; raise ConfigError or UnavailableError. A local stack has no STS."""
    if endpoint.keys is not None and not os.environ.get("AWS_ENDPOINT_URL_STS"):
        return Caller(f"access key {endpoint.keys.access_key} of the local stack", endpoint.account or "unknown")
    with credential_failures():
        client = aws_client("sts", endpoint.profile, endpoint.region, _PATIENCE, endpoint.keys)
        answer = client.get_caller_identity()
    return Caller(str(answer["Arn"]), str(answer["Account"]))


def account_of(endpoint: Endpoint) -> str:
    """Name the account of a stack; of one that is known by its address alone, that of the caller."""
    if endpoint.account:
        return endpoint.account
    try:
        return f"{caller_of(endpoint).account} (of your credentials)"
    except CommandError:
        return "not known"
