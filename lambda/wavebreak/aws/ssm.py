"""Systems Manager: forwarding a command to one instance by Run Command, and what became of it.

SendCommand takes no client token: its comment names the run and the target, so that a command whose answer was lost is
found again instead of sent twice.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from wavebreak.aws.reads_by_id import ReadsById
from wavebreak.aws.unrepeated import CallRejectedError, OutcomeUnknownError, judged
from wavebreak.resilience.aws_errors import error_code
from wavebreak.timing import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from mypy_boto3_ssm.client import SSMClient

__all__ = ["DELIVERY_SECONDS", "CallRejectedError", "OutcomeUnknownError", "Ssm", "is_out_of_reach"]

DELIVERY_SECONDS: Final = 60
"""Time that SSM gets to hand a command to the agent; the run time is the document's own limit."""
IDS_A_CALL: Final = 50
DESCRIBE_AGENTS: Final = "DescribeInstanceInformation"
_OUT_OF_REACH: Final = frozenset({"InvalidInstanceId", "InvalidInstanceID", "TargetNotConnected"})
_ONLINE: Final = "Online"


def is_out_of_reach(refusal: CallRejectedError) -> bool:
    """Return whether SSM refused a command because it does not know the instance, or has lost it."""
    return refusal.code in _OUT_OF_REACH


class Ssm:
    """Run Command of one account and Region."""

    def __init__(
        self,
        client: SSMClient,
        once: SSMClient,
        document_prefix: str,
        log_group: str,
        sign_in: Callable[[], object],
        by_id: ReadsById | None = None,
    ) -> None:
        """Keep a client that repeats failed reads, one that never repeats a call, and the stack's own names.

        `sign_in` has the credentials of both fetched now, if they are not at hand, so that no call waits for them.
        """
        self.client = client
        self.once = once
        self.document_prefix = document_prefix
        self.log_group = log_group
        self.sign_in = sign_in
        self._by_id = by_id or ReadsById()

    def online(self, instance_ids: Sequence[str]) -> frozenset[str]:
        """Return those of these instances whose agent answers, fifty a call.

        Raise PartialReadError where SSM does not report some.
        """

        def ask(client: SSMClient, wanted: Sequence[str]) -> list[str]:
            pages = client.get_paginator("describe_instance_information").paginate(
                Filters=[{"Key": "InstanceIds", "Values": list(wanted)}]
            )
            return [
                item["InstanceId"]
                for page in pages
                for item in page["InstanceInformationList"]
                if item.get("PingStatus") == _ONLINE
            ]

        again = partial(ask, self.once)
        return frozenset(self._by_id.read(DESCRIBE_AGENTS, instance_ids, IDS_A_CALL, partial(ask, self.client), again))

    def send(self, command: str, instance_id: str, parameters: Mapping[str, str], comment: str) -> str:
        """Send a command of the catalogue and give SSM's id of it; raise CallRejectedError or OutcomeUnknownError."""
        answer = judged(
            lambda: self.once.send_command(
                DocumentName=f"{self.document_prefix}-{command}",
                InstanceIds=[instance_id],
                Parameters={name: [value] for name, value in parameters.items()},
                TimeoutSeconds=DELIVERY_SECONDS,
                Comment=comment,
                CloudWatchOutputConfig={"CloudWatchOutputEnabled": True, "CloudWatchLogGroupName": self.log_group},
            )
        )
        return str(answer["Command"]["CommandId"])

    def find(self, instance_id: str, comment: str, since: datetime) -> str | None:
        """Return the id of the command on an instance that carries a comment of ours."""
        pages = self.client.get_paginator("list_command_invocations").paginate(
            InstanceId=instance_id, Filters=[{"key": "InvokedAfter", "value": iso(since)[:19] + "Z"}]
        )
        for page in pages:
            for item in page["CommandInvocations"]:
                if item.get("Comment") == comment:
                    return str(item["CommandId"])
        return None

    def invocation(self, command_id: str, instance_id: str) -> Mapping[str, Any] | None:
        """Return the status of a command on an instance as SSM shows it; None while SSM does not show it yet."""
        try:
            return self.client.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
        except ClientError as error:
            if error_code(error) == "InvocationDoesNotExist":
                return None
            raise

    def cancel(self, command_id: str, instance_ids: Iterable[str]) -> None:
        """Stop a command on instances; one that has ended there is left as it is."""
        try:
            self.client.cancel_command(CommandId=command_id, InstanceIds=list(instance_ids))
        except ClientError as error:
            if error_code(error) not in {"InvalidCommandId", "DuplicateInstanceId"}:
                raise
