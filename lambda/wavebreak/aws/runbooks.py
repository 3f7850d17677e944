"""Runbooks of SSM in one account and Region, checked by those who check plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from wavebreak.aws.automation import named as named_automation
from wavebreak.domain.steps.step_checks import Runbook
from wavebreak.resilience.aws_errors import error_code

if TYPE_CHECKING:
    from mypy_boto3_ssm.client import SSMClient

_UNKNOWN_DOCUMENT: Final = frozenset({"InvalidDocument", "InvalidDocumentVersion"})


class Runbooks:
    """Looks at runbooks; it never starts one."""

    def __init__(self, client: SSMClient) -> None:
        """Take a client that only reads."""
        self.client = client

    def runbook(self, name: str) -> Runbook | None:
        """Describe a document; None when the account has none of that name, or not that version, in the Region."""
        named = named_automation(name)
        named["Name"] = named.pop("DocumentName")
        try:
            found = self.client.describe_document(**named)["Document"]
        except ClientError as error:
            if error_code(error) in _UNKNOWN_DOCUMENT:
                return None
            raise
        parameters = found.get("Parameters") or []
        return Runbook(
            kind=str(found.get("DocumentType")),
            parameters=tuple(each["Name"] for each in parameters),
            required=tuple(each["Name"] for each in parameters if each.get("DefaultValue") is None),
        )
