"""The one factory of boto3 clients: timeouts, retries, Region, endpoint.

Clients are made when first needed and kept for the life of the execution environment. botocore's `standard` mode owns
the retries on the wire; the calls that start something and know no client token go through `once`, which never calls
twice.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_drs.client import DrsClient
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_stepfunctions.client import SFNClient

    from wavebreak.model import Place

CONNECT_SECONDS: Final = 2
READ_SECONDS: Final = {"dynamodb": 4, "stepfunctions": 5, "drs": 10, "service-quotas": 3}
"""Seconds that one answer of a service may take. Times the attempts, they stay below every Lambda timeout."""
ATTEMPTS: Final = 3


class UnsupportedPlace(Exception):  # noqa: N818  names what it is
    """A wave names another account, into which this stack assumes no role."""


def _config(service: str, *, attempts: int = ATTEMPTS) -> Config:
    return Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS[service],
        retries={"mode": "standard", "total_max_attempts": attempts},
        user_agent_extra="wavebreak",
    )


@cache
def dynamodb() -> DynamoDBClient:
    """Give the DynamoDB client of the stack's own Region."""
    return boto3.client("dynamodb", config=_config("dynamodb"))


@cache
def stepfunctions() -> SFNClient:
    """Give the Step Functions client of the stack's own Region."""
    return boto3.client("stepfunctions", config=_config("stepfunctions"))


@cache
def service_quotas(region: str | None) -> Any:
    """Give the Service Quotas client of a Region."""
    return boto3.client("service-quotas", region_name=region, config=_config("service-quotas", attempts=1))


@cache
def drs(region: str | None, *, once: bool = False) -> DrsClient:
    """Give the DRS client of a Region; with `once` it never repeats a call by itself."""
    return boto3.client("drs", region_name=region, config=_config("drs", attempts=1 if once else ATTEMPTS))


def region_of(place: Place) -> str | None:
    """Give the Region to call for a place; raises UnsupportedPlace for an account that is not the stack's own."""
    if place.account_id is not None:
        raise UnsupportedPlace(f"account {place.account_id} is not the stack's own")
    return place.region
