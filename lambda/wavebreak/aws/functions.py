"""Lambda functions of the stack's own account and Region that steps may invoke: whether they are there."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from wavebreak.resilience.aws_errors import error_code


class Functions:
    """Reads functions; it never invokes one."""

    def __init__(self, client: Any) -> None:
        """Keep a client of Lambda."""
        self.client = client

    def exists(self, arn: str) -> bool:
        """Return whether there is a function of that ARN, and of its version or alias if it names one."""
        try:
            self.client.get_function_configuration(FunctionName=arn)
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return False
            raise
        return True
