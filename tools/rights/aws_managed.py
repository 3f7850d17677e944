"""What AWS's managed policies allow that SAM gives to roles, as the AWS Managed Policy Reference had it in 2026-11."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tools.rights.evaluation import Right

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOGS: Final = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_POLICIES: Final[Mapping[str, tuple[str, ...]]] = {
    "AWSLambdaBasicExecutionRole": _LOGS,
    "AWSLambdaSQSQueueExecutionRole": (
        *_LOGS,
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
    ),
    "AWSLambdaDynamoDBExecutionRole": (
        *_LOGS,
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
    ),
    "AWSXrayWriteOnlyAccess": (
        "xray:GetSamplingRules",
        "xray:GetSamplingStatisticSummaries",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    ),
    "AmazonAPIGatewayPushToCloudWatchLogs": (
        *_LOGS,
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
        "logs:FilterLogEvents",
        "logs:GetLogEvents",
    ),
}


def rights_of(arn: str) -> list[Right]:
    """Return the rights of a policy of AWS by its ARN; KeyError for one that is not written down here."""
    name = arn.rpartition("/")[2]
    return [Right(name, name, action, "*") for action in _POLICIES[name]]
