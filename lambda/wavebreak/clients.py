"""The one factory of boto3 clients: timeouts, retries, account, Region, endpoint.

Clients are made when first needed and kept for the life of the execution environment. botocore's `standard` mode owns
the retries on the wire; the calls that start something and know no client token go through `once`, which never calls
twice. Other accounts are reached through a role in each, assumed at the STS endpoint of the stack's own Region.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

from wavebreak.settings import settings

if TYPE_CHECKING:
    from mypy_boto3_drs.client import DrsClient
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_ssm.client import SSMClient
    from mypy_boto3_stepfunctions.client import SFNClient

    from wavebreak.model import Place

CONNECT_SECONDS: Final = 2
READ_SECONDS: Final = {
    "dynamodb": 4,
    "stepfunctions": 5,
    "drs": 10,
    "service-quotas": 3,
    "sts": 5,
    "ssm": 4,
    "logs": 5,
    "s3": 5,
    **dict.fromkeys(("events", "sesv2", "sns", "sqs"), 5),
}
"""Seconds that one answer of a service may take. Times the attempts, they stay below every Lambda timeout."""
ATTEMPTS: Final = 3
BRIEF_READ_SECONDS: Final = 4
BRIEF_ATTEMPTS: Final = 2
LOSABLE_READ_SECONDS: Final = 1
_ROLE_SESSION: Final = "wavebreak"


class UnsupportedPlace(Exception):  # noqa: N818  names what it is
    """A wave names another account, and this stack was given no external id to assume a role there."""


def _config(service: str, *, attempts: int = ATTEMPTS, read_seconds: int | None = None) -> Config:
    return Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS[service] if read_seconds is None else read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        user_agent_extra="wavebreak",
    )


@cache
def dynamodb() -> DynamoDBClient:
    """Give the DynamoDB client of the stack's own Region."""
    return boto3.client("dynamodb", config=_config("dynamodb"))


@cache
def brief_dynamodb() -> DynamoDBClient:
    """Give a DynamoDB client for what may be lost: it is over within 3 s, so that nobody is kept waiting by it."""
    return boto3.client("dynamodb", config=_config("dynamodb", attempts=1, read_seconds=LOSABLE_READ_SECONDS))


@cache
def stepfunctions() -> SFNClient:
    """Give the Step Functions client of the stack's own Region."""
    return boto3.client("stepfunctions", config=_config("stepfunctions"))


@cache
def telling(service: str, region: str | None = None) -> Any:
    """Give the client of a service that news leave by, in the stack's own Region unless told otherwise.

    It never repeats a call: the outbox does, and knows what has been told already.
    """
    session: Any = boto3.Session()  # a service by a name that is no literal has no type
    return session.client(service, region_name=region, config=_config(service, attempts=1))


@cache
def service_quotas(place: Place) -> Any:
    """Give the Service Quotas client of a place; raises UnsupportedPlace."""
    session = _session(place.account_id)
    return session.client("service-quotas", region_name=place.region, config=_config("service-quotas", attempts=1))


@cache
def drs(place: Place, *, once: bool = False, brief: bool = False) -> DrsClient:
    """Give the DRS client of a place; with `once` it never repeats a call by itself. Raises UnsupportedPlace.

    With `brief` a call is over within 13 s, two attempts and the pause between them: an answer of the API has 29 s.
    """
    session = _session(place.account_id)
    config = _config("drs", attempts=1 if once else ATTEMPTS)
    if brief:
        config = _config("drs", attempts=BRIEF_ATTEMPTS, read_seconds=BRIEF_READ_SECONDS)
    return session.client("drs", region_name=place.region, config=config)


@cache
def ssm(place: Place, *, once: bool = False) -> SSMClient:
    """Give the SSM client of a place; with `once` it never repeats a call by itself. Raises UnsupportedPlace."""
    session = _session(place.account_id)
    return session.client("ssm", region_name=place.region, config=_config("ssm", attempts=1 if once else ATTEMPTS))


@cache
def logs(place: Place) -> CloudWatchLogsClient:
    """Give the CloudWatch Logs client of a place, where the instances' agents write. Raises UnsupportedPlace."""
    return _session(place.account_id).client("logs", region_name=place.region, config=_config("logs"))


@cache
def s3() -> S3Client:
    """Give the S3 client of the stack's own Region."""
    return boto3.client("s3", config=_config("s3"))


@cache
def _session(account_id: str | None) -> boto3.Session:
    """Give the session of an account: our own, or one whose credentials are those of the role there, refreshed."""
    if account_id is None:
        return boto3.Session()
    chosen = settings()
    if not chosen.target_external_id or not chosen.target_role_name:
        raise UnsupportedPlace(f"account {account_id}: this stack has no TargetExternalId to assume a role with")
    own = botocore.session.Session()
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=_sts_creator(own),
        source_credentials=own.get_credentials(),
        role_arn=f"arn:{own.get_partition_for_region(_own_region(own))}:iam::{account_id}:role/{chosen.target_role_name}",
        extra_args={"RoleSessionName": _ROLE_SESSION, "ExternalId": chosen.target_external_id},
    )
    target = botocore.session.Session()
    target._credentials = DeferredRefreshableCredentials(  # type: ignore[attr-defined]  # noqa: SLF001  no public setter takes refreshable ones
        refresh_using=fetcher.fetch_credentials, method="assume-role"
    )
    return boto3.Session(botocore_session=target, region_name=_own_region(own))


def _own_region(session: botocore.session.Session) -> str:
    region = session.get_config_variable("region")
    if not region:
        raise UnsupportedPlace("the stack's own Region is not known: AWS_REGION is not set")
    return str(region)


def _sts_creator(session: botocore.session.Session) -> Any:
    """Make STS clients of the stack's own Region: the global endpoint lives in one Region, which may have failed."""

    def create(service: str, **credentials: Any) -> Any:
        return session.create_client(service, region_name=_own_region(session), config=_config("sts"), **credentials)

    return create
