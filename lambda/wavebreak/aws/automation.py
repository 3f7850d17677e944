"""SSM Automation of one account and Region: a runbook started for a step, checked, stopped.

StartAutomationExecution is never repeated by its client. The step's id is the client token and the key of a tag, by
which an automation whose answer was lost is found (contract 12): filters know the keys of tags alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from wavebreak.aws.unrepeated import CallRejectedError, OutcomeUnknownError, judged
from wavebreak.domain.steps.automation_states import AutomationView
from wavebreak.domain.steps.step_ids import tag_key
from wavebreak.resilience.aws_errors import error_code

if TYPE_CHECKING:
    from mypy_boto3_ssm.client import SSMClient

    from wavebreak.domain.steps.runs import StepRun

__all__ = ["Automation", "CallRejectedError", "OutcomeUnknownError", "may_be_started_later"]

_TOKEN_KNOWN: Final = "IdempotentParameterMismatch"  # noqa: S105  an error of SSM, not a secret
_LATER: Final = "AutomationExecutionLimitExceededException"
_ENDED: Final = frozenset({"InvalidAutomationStatusUpdateException", "AutomationExecutionNotFoundException"})
_VERSION: Final = re.compile(r":([0-9]{1,9})$")


def may_be_started_later(refusal: CallRejectedError) -> bool:
    """Return whether the same automation may be taken later: SSM holds calls back, or too many run."""
    return refusal.retryable or refusal.code == _LATER


class Automation:
    """SSM Automation of one account and Region."""

    def __init__(self, client: SSMClient, once: SSMClient) -> None:
        """Keep a client that repeats failed reads, and one that never repeats a call."""
        self.client = client
        self.once = once

    def start(self, run: StepRun) -> str:
        """Start the automation of a step and return SSM's id of it.

        Raise CallRejectedError when nothing was started, and OutcomeUnknownError when that has to be looked up.
        """
        given = named(run.name)
        if run.parameters:
            given["Parameters"] = {name: list(values) for name, values in run.parameters.items()}
        try:
            answer = judged(
                lambda: self.once.start_automation_execution(
                    ClientToken=run.step_id,
                    Tags=[{"Key": tag_key(run.step_id), "Value": run.execution_id}],
                    **given,
                )
            )
        except CallRejectedError as refusal:
            if refusal.code == _TOKEN_KNOWN:
                raise OutcomeUnknownError(str(refusal)) from refusal
            raise
        return str(answer["AutomationExecutionId"])

    def find(self, step_id: str) -> str | None:
        """Return the id of a step's automation, found by its tag; None if SSM does not show one now."""
        pages = self.client.get_paginator("describe_automation_executions").paginate(
            Filters=[{"Key": "TagKey", "Values": [tag_key(step_id)]}]
        )
        for page in pages:
            for found in page["AutomationExecutionMetadataList"]:
                return str(found["AutomationExecutionId"])
        return None

    def status(self, automation_execution_id: str) -> AutomationView | None:
        """Return the status of an automation as SSM shows it; None while SSM does not show it yet."""
        try:
            answer = self.client.get_automation_execution(AutomationExecutionId=automation_execution_id)
        except ClientError as error:
            if error_code(error) == "AutomationExecutionNotFoundException":
                return None
            raise
        seen = answer["AutomationExecution"]
        return AutomationView(
            str(seen.get("AutomationExecutionStatus")), seen.get("Outputs") or {}, seen.get("FailureMessage")
        )

    def stop(self, automation_execution_id: str) -> None:
        """Stop an automation; one that has ended, or is being stopped, is left as it is."""
        try:
            self.client.stop_automation_execution(AutomationExecutionId=automation_execution_id, Type="Cancel")
        except ClientError as error:
            if error_code(error) not in _ENDED:
                raise


def named(name: str) -> dict[str, Any]:
    """Return the parameters of SSM for a runbook: its version apart, and an ARN as that of a document."""
    version = _VERSION.search(name)
    bare = _VERSION.sub("", name).replace(":automation-definition/", ":document/")
    return {"DocumentName": bare, **({"DocumentVersion": version[1]} if version else {})}
