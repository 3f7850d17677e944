"""What commands print, as it arrives: the log streams that the agents of the instances write to CloudWatch Logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from wavebreak.domain.commands.output_page import OutputPage
from wavebreak.problems import InvalidRequest
from wavebreak.resilience.aws_errors import error_code

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient


class CommandOutput:
    """The log group of command output in one account and Region."""

    def __init__(self, client: CloudWatchLogsClient, group: str) -> None:
        """Keep the client and the log group's name."""
        self.client = client
        self.group = group

    def read(self, stream: str, token: str | None, limit: int) -> OutputPage:
        """Read lines of a stream from where a token stands, or from its beginning; none while it does not exist.

        Raise InvalidRequest for a token that the service did not give.
        """
        asked: dict[str, Any] = {
            "logGroupName": self.group,
            "logStreamName": stream,
            "startFromHead": True,
            "limit": limit,
        }
        if token:
            asked["nextToken"] = token
        try:
            answer = self.client.get_log_events(**asked)
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return OutputPage((), token)
            if token and error_code(error) == "InvalidParameterException":
                raise InvalidRequest.of("/nextToken", "is not a token of this list") from error
            raise
        lines = tuple((int(event["timestamp"]), event["message"]) for event in answer["events"])
        return OutputPage(lines, answer.get("nextForwardToken") or token)
