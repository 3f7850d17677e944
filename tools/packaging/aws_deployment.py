"""`make deploy`: what `make build` built goes to the user's AWS account, by the real `sam deploy`.

It looks first at what would otherwise fail half way, or fail later without a word: an API Gateway that may not write
logs in this account and Region, and a stack's name from which CloudFormation would cut letters.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, Final

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tools.packaging import sam

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LONGEST_STACK_NAME: Final = 24
"""For a longer one CloudFormation cuts the names of functions and roles, which policies know by the stack's name."""

LOGS_ROLE: Final = "CreateApiGatewayLogsRole"

_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_ANSWER_SECONDS: Final = 20


class Refused(Exception):  # noqa: N818  names what it is
    """The deployment would not work; the message says why and what helps."""


def given_parameters(words: Sequence[str]) -> dict[str, str]:
    """Read `Name=value` words; raises Refused for any other."""
    for word in words:
        if "=" not in word:
            raise Refused(f"PARAMETERS has the word {word!r}, which is not of the form Name=value")
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def check_stack_name(name: str) -> None:
    """Refuse a name that is too long to stand whole in the names of all that the stack makes."""
    if len(name) > LONGEST_STACK_NAME:
        raise Refused(
            f"STACK={name} has {len(name)} characters, {LONGEST_STACK_NAME} are the most: for a longer one "
            "CloudFormation cuts the names of functions and roles, and policies would not know them"
        )


def with_logs_role(parameters: Mapping[str, str], api_gateway: Any) -> dict[str, str]:
    """Have the stack make API Gateway's logs role if there is none, unless the parameters decide it.

    Without one the account refuses the API's stage, after everything else has been made. Whoever may not look goes on:
    the deployment then tells.
    """
    chosen = dict(parameters)
    if LOGS_ROLE in chosen:
        return chosen
    try:
        account = api_gateway.get_account()
    except ClientError as error:
        if error.response["Error"]["Code"] not in _DENIED:
            raise
        print(f"Whether API Gateway may write logs here is not known: no permission to look ({LOGS_ROLE}).")
        return chosen
    if not account.get("cloudwatchRoleArn"):
        print(
            f"API Gateway has no role for logs in this account and Region: this deployment makes it ({LOGS_ROLE}=true)."
        )
        chosen[LOGS_ROLE] = "true"
    return chosen


def arguments(stack: str, region: str, parameters: Mapping[str, str]) -> list[str]:
    """Give the arguments of SAM."""
    return [
        "deploy",
        *("--stack-name", stack),
        *("--region", region),
        "--resolve-s3",
        *("--capabilities", *sam.CAPABILITIES),
        "--no-fail-on-empty-changeset",
        *("--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())),
    ]


def _api_gateway(region: str) -> Any:
    return botocore.session.Session().create_client(
        "apigateway", region_name=region, config=Config(read_timeout=_ANSWER_SECONDS, connect_timeout=_ANSWER_SECONDS)
    )


def main() -> int:
    """Deploy."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.packaging.aws_deployment", description="Deploy to an AWS account."
    )
    parser.add_argument("--stack-name", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("parameters", nargs="*", metavar="Name=value")
    asked = parser.parse_args()
    try:
        check_stack_name(asked.stack_name)
        parameters = with_logs_role(given_parameters(asked.parameters), _api_gateway(asked.region))
    except (Refused, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return sam.call(arguments(asked.stack_name, asked.region, parameters))


if __name__ == "__main__":
    sys.exit(main())
