"""The one factory of boto3 clients: timeouts, retries, account, Region, endpoint.

Clients are made when first needed and kept for the life of the execution environment, DRS, DynamoDB and STS behind
their circuits. botocore's `standard` mode owns the retries on the wire; the calls that start something and know no
client token go through `once`, which never calls twice. Other accounts are reached through a role in each, assumed at
the STS endpoint of the stack's own Region.
"""

from __future__ import annotations

import json
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

import boto3
import botocore.session
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

from wavebreak.aws.circuits import guarded
from wavebreak.error_category import Category
from wavebreak.resilience.client_config import ATTEMPTS, BRIEF_ATTEMPTS, config
from wavebreak.settings import settings
from wavebreak.site import Site

if TYPE_CHECKING:
    from mypy_boto3_drs.client import DrsClient
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_ssm.client import SSMClient
    from mypy_boto3_stepfunctions.client import SFNClient

_ROLE_SESSION: Final = "wavebreak"
READ_ONLY: Final = (
    "drs:DescribeJobLogItems",
    "drs:DescribeJobs",
    "drs:DescribeRecoveryInstances",
    "drs:DescribeRecoverySnapshots",
    "drs:DescribeSourceServers",
    "drs:GetLaunchConfiguration",
    "ec2:DescribeInstanceTypeOfferings",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeInstances",  # DescribeRecoveryInstances asks for it in the caller's name, terminations in ours
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "servicequotas:GetServiceQuota",
)
"""What a session in another account may do unless it is for the calls that start or end something."""

_RUNBOOKS_ONLY: Final = ("ssm:DescribeDocument",)
"""What a session that looks at runbooks in another account may do."""


class UnsupportedSiteError(Exception):
    """A wave names another account, and this stack was given no external id to assume a role there."""

    category: ClassVar[Category] = Category.CONFIGURATION


@cache
def dynamodb() -> DynamoDBClient:
    """Return the DynamoDB client of the stack's own Region."""
    client = boto3.client("dynamodb", config=config("dynamodb_call"))
    return guarded("dynamodb").guard(client, operation="dynamodb_call", pages="dynamodb_query")


@cache
def brief_dynamodb() -> DynamoDBClient:
    """Return a DynamoDB client for what may be lost: it is over within 3 s, so that no request waits long for it."""
    return boto3.client("dynamodb", config=config("state_read", attempts=1))


@cache
def stepfunctions() -> SFNClient:
    """Return the Step Functions client of the stack's own Region."""
    return boto3.client("stepfunctions", config=config("stepfunctions_call"))


@cache
def scheduler() -> Any:
    """Return the EventBridge Scheduler client of the stack's own Region; a caller of the API waits for its answers."""
    return boto3.client("scheduler", config=config("scheduler_call", attempts=1))


@cache
def s3() -> Any:
    """Return the S3 client of the stack's own Region; addresses are signed as keys of KMS ask for it."""
    return boto3.client("s3", config=config("s3_call", signature_version="s3v4"))


@cache
def functions() -> Any:
    """Return the Lambda client of the stack's own Region, for looking alone: state machines invoke."""
    client = boto3.client("lambda", config=config("lambda_call", attempts=1))
    return guarded("lambda-read").guard(client, operation="lambda_call", attempts=1)


@cache
def channel_client(service: str, region: str | None = None) -> Any:
    """Return the client of a service that carries notifications, in the stack's own Region by default.

    The client never repeats a call: the outbox does, and knows what has been delivered.
    """
    session: Any = boto3.Session()  # a service by a name that is no literal has no type
    client = session.client(service, region_name=region, config=config("notify_call", attempts=1))
    site = Site(None, region) if region else None
    return guarded(service, site).guard(client, operation="notify_call", attempts=1)


@cache
def service_quotas(site: Site) -> Any:
    """Return the Service Quotas client of a site; raise UnsupportedSiteError.

    Regular checks ask most: STS is asked through the circuit of readers, for all. A launch that reads no quotas
    goes by those that it knows, or by AWS's defaults.
    """
    session = _session(site.account_id, READ_ONLY, "sts-read")
    return session.client("service-quotas", region_name=site.region, config=config("quota_call", attempts=1))


@cache
def drs(site: Site, *, once: bool = False, brief: bool = False) -> DrsClient:
    """Return the DRS client of a site: one for reading, or with `once` one that never repeats a call by itself.

    With `brief` a call is over within 13 s, two attempts and the pause between them: an answer of the API has 29 s. Its
    failures count for reads only, and never block a launch. Raise UnsupportedSiteError.
    """
    actions = None if once else READ_ONLY
    session = _session(site.account_id, actions, "sts-read") if brief else _session(site.account_id, actions)
    operation = "drs_brief_call" if brief else "drs_call"
    attempts = 1 if once else BRIEF_ATTEMPTS if brief else ATTEMPTS
    client = session.client("drs", region_name=site.region, config=config(operation, attempts=attempts))
    pages = "asking" if brief else "drs_read"
    return guarded("drs-read" if brief else "drs", site).guard(
        client,
        operation=operation,
        pages=pages,
        attempts=attempts,
        neutral=partial(client.describe_jobs, maxResults=1),
    )


@cache
def ec2(site: Site) -> Any:
    """Return the EC2 client of a site, for reading alone. Raise UnsupportedSiteError."""
    return _ec2(_session(site.account_id, READ_ONLY), site, "ec2", "asking", "describe_instances", MaxResults=5)


@cache
def ec2_reading(site: Site) -> Any:
    """Return the EC2 client of a site for readers: what fails here keeps no launch waiting.

    Raise UnsupportedSiteError.
    """
    session = _session(site.account_id, READ_ONLY, "sts-read")
    return _ec2(session, site, "ec2-read", "asking", "describe_subnets", MaxResults=5)


@cache
def ec2_changing(site: Site) -> Any:
    """Return the EC2 client of a site that changes launch templates; all its calls may be repeated.

    In another account it may do what the role there allows. Raise UnsupportedSiteError.
    """
    asked = {"Versions": ["$Default"], "MaxResults": 1}
    session = _session(site.account_id, None)
    return _ec2(session, site, "ec2", "drs_read", "describe_launch_template_versions", **asked)


def _ec2(session: boto3.Session, site: Site, circuit: str, pages: str, neutral: str, **asked: Any) -> Any:
    """Return an EC2 client behind a circuit; `neutral` is a read that its role allows and that names no subject."""
    client = session.client("ec2", region_name=site.region, config=config("ec2_call", attempts=BRIEF_ATTEMPTS))
    return guarded(circuit, site).guard(
        client,
        operation="ec2_call",
        pages=pages,
        attempts=BRIEF_ATTEMPTS,
        neutral=partial(getattr(client, neutral), **asked),
    )


@cache
def ssm(site: Site, *, once: bool = False) -> SSMClient:
    """Return the SSM client of a site for commands; with `once` it never repeats a call by itself.

    Raise UnsupportedSiteError.
    """
    return _ssm(site, once, "describe_instance_information", MaxResults=5)


@cache
def automation(site: Site, *, once: bool = False) -> SSMClient:
    """Return the SSM client of a site for runbooks of steps; with `once` it never repeats a call by itself.

    Raise UnsupportedSiteError.
    """
    return _ssm(site, once, "describe_automation_executions", MaxResults=1)


def _ssm(site: Site, once: bool, neutral: str, **asked: Any) -> SSMClient:
    """Return an SSM client; `neutral` is a read that its function may do and that names no subject."""
    session = _session(site.account_id, None)
    attempts = 1 if once else ATTEMPTS
    client = session.client("ssm", region_name=site.region, config=config("ssm_call", attempts=attempts))
    return guarded("ssm", site).guard(
        client,
        operation="ssm_call",
        pages="ssm_read",
        attempts=attempts,
        neutral=partial(getattr(client, neutral), **asked),
    )


@cache
def ssm_reading(site: Site) -> SSMClient:
    """Return the SSM client of a site for looking at runbooks: what fails here keeps no command waiting.

    Raise UnsupportedSiteError.
    """
    session = _session(site.account_id, _RUNBOOKS_ONLY, "sts-read")
    client = session.client("ssm", region_name=site.region, config=config("ssm_call", attempts=BRIEF_ATTEMPTS))
    return guarded("ssm-read", site).guard(client, operation="ssm_call", attempts=BRIEF_ATTEMPTS)


def sign_in(site: Site) -> None:
    """Fetch the credentials that calls of SSM in a site are signed with, unless they are at hand and will do.

    Raise UnsupportedSiteError, and what a call of STS may end with.
    """
    credentials = _session(site.account_id, None).get_credentials()
    if credentials is not None:
        credentials.get_frozen_credentials()


@cache
def logs(site: Site) -> CloudWatchLogsClient:
    """Return the CloudWatch Logs client of a site, where the instances' agents write. Raise UnsupportedSiteError."""
    return _session(site.account_id, None).client("logs", region_name=site.region, config=config("logs_call"))


@cache
def _session(account_id: str | None, actions: tuple[str, ...] | None, circuit: str = "sts") -> boto3.Session:
    """Return the session of an account: our own, or one whose credentials are those of the role there, refreshed.

    There it may do no more than `actions`, whatever the role allows; None is all that the role allows. STS is asked
    through `circuit`.
    """
    if account_id is None:
        return boto3.Session()
    chosen = settings()
    if not chosen.target_external_id or not chosen.target_role_name:
        raise UnsupportedSiteError(f"account {account_id}: this stack has no TargetExternalId to assume a role with")
    own = botocore.session.Session()
    own.set_config_variable("sts_regional_endpoints", "regional")  # older SDKs would ask the global endpoint
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=_sts_creator(own, account_id, circuit),
        source_credentials=own.get_credentials(),
        role_arn=f"arn:{own.get_partition_for_region(_own_region(own))}:iam::{account_id}:role/{chosen.target_role_name}",
        extra_args={
            "RoleSessionName": _ROLE_SESSION,
            "ExternalId": chosen.target_external_id,
            **({} if actions is None else {"Policy": _session_policy(actions)}),
        },
    )
    target = botocore.session.Session()
    target._credentials = DeferredRefreshableCredentials(  # type: ignore[attr-defined]  # noqa: SLF001  no public setter takes refreshable ones
        refresh_using=fetcher.fetch_credentials, method="assume-role"
    )
    return boto3.Session(botocore_session=target, region_name=_own_region(own))


def _session_policy(actions: tuple[str, ...]) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


def _own_region(session: botocore.session.Session) -> str:
    region = session.get_config_variable("region")
    if not region:
        raise UnsupportedSiteError("the stack's own Region is not known: AWS_REGION is not set")
    return str(region)


def _sts_creator(session: botocore.session.Session, account_id: str, dependency: str) -> Any:
    """Make STS clients of the stack's own Region: the global endpoint lives in one Region, which may have failed."""
    circuit = guarded(dependency, Site(account_id, _own_region(session)))

    def create(service: str, **credentials: Any) -> Any:
        client = session.create_client(
            service,
            region_name=_own_region(session),
            config=config("sts_call", attempts=BRIEF_ATTEMPTS),
            **credentials,
        )
        return circuit.guard(client, operation="sts_call", attempts=BRIEF_ATTEMPTS)

    return create
