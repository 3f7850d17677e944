"""`make deploy`: what `make build` built goes to the user's AWS account, by the real `sam deploy`.

It looks first at what would otherwise fail half way, or fail later without a word: a definition of a state machine that
Step Functions would refuse, an API Gateway that may not write logs in this account and Region, concurrency that the
account does not have, and a stack's name from which CloudFormation would cut letters.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, Final

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tools.definitions.deployable import deployable
from tools.packaging import sam
from tools.template import functions, load

from wavebreak.aws_error_codes import DENIED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LONGEST_STACK_NAME: Final = 24
"""For a longer one CloudFormation cuts the names of functions and roles, which policies know by the stack's name."""

LOGS_ROLE: Final = "CreateApiGatewayLogsRole"
RESERVED: Final = "ReservedConcurrency"
LEFT_TO_OTHERS: Final = 100
"""Concurrent calls that Lambda leaves to functions without reserved ones."""
LEAST_CONCURRENCY: Final = 100
"""What a recovery of many waves with commands wants; a new account has 10."""
CONCURRENCY_QUOTA: Final = "L-B99A9384"

_ANSWER_SECONDS: Final = 20


class RefusedError(Exception):
    """The deployment would not work; the message says why and what helps."""


def given_parameters(words: Sequence[str]) -> dict[str, str]:
    """Read `Name=value` words; raise RefusedError for any other."""
    for word in words:
        if "=" not in word:
            raise RefusedError(f"PARAMETERS has the word {word!r}, which is not of the form Name=value")
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def check_stack_name(name: str) -> None:
    """Refuse a name that is too long to stand whole in the names of all that the stack makes."""
    if len(name) > LONGEST_STACK_NAME:
        raise RefusedError(
            f"STACK={name} has {len(name)} characters, {LONGEST_STACK_NAME} are the most: for a longer one "
            "CloudFormation cuts the names of functions and roles, and policies would not know them"
        )


def with_logs_role(parameters: Mapping[str, str], api_gateway: Any) -> dict[str, str]:
    """Make the stack create API Gateway's logs role if there is none, unless the parameters decide it.

    Without one the account refuses the API's stage, after everything else has been made. Without the permission to read
    the account the deployment goes on, and a message says so.
    """
    chosen = dict(parameters)
    if LOGS_ROLE in chosen:
        return chosen
    try:
        account = api_gateway.get_account()
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
        print(f"Whether API Gateway may write logs here is not known: no permission to look ({LOGS_ROLE}).")
        return chosen
    if not account.get("cloudwatchRoleArn"):
        print(
            f"API Gateway has no role for logs in this account and Region: this deployment makes it ({LOGS_ROLE}=true)."
        )
        chosen[LOGS_ROLE] = "true"
    return chosen


def check_definitions(stepfunctions: Any, region: str, partition: str, parameters: Mapping[str, str]) -> None:
    """Refuse what Step Functions would refuse, before anything is made; without that permission it goes on."""
    known = {name: value for name, value in parameters.items() if name in load()["Parameters"]}
    for name, definition in deployable(region, partition, parameters=known).items():
        try:
            answer = stepfunctions.validate_state_machine_definition(
                definition=json.dumps(definition), type="STANDARD", severity="ERROR"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in DENIED:
                raise
            print("Whether Step Functions takes the definitions is not known: no permission to ask.")
            return
        if answer["result"] != "OK":
            found = "; ".join(
                f"{one['code']} {one.get('location', '')} {one['message']}" for one in answer["diagnostics"]
            )
            raise RefusedError(f"Step Functions does not take {name}: {found}")


def check_concurrency(lambda_: Any, parameters: Mapping[str, str]) -> None:
    """Refuse to reserve more than the account has, and report an account that has little; who may not look goes on."""
    try:
        account = lambda_.get_account_settings()["AccountLimit"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
        print("How many functions may run at once here is not known: no permission to look.")
        return
    limit, free = int(account["ConcurrentExecutions"]), int(account["UnreservedConcurrentExecutions"])
    each = int(parameters.get(RESERVED, "0") or 0)
    wanted = each * sum("ReservedConcurrentExecutions" in function for function in functions(load()).values())
    if wanted and wanted + LEFT_TO_OTHERS > limit:
        raise RefusedError(
            f"{RESERVED}={each} would reserve {wanted} concurrent calls; this account and Region have {limit}, and "
            f"Lambda leaves {LEFT_TO_OTHERS} to others. Ask for more (quota {CONCURRENCY_QUOTA}) or reserve less"
        )
    if wanted and wanted + LEFT_TO_OTHERS > free:
        print(
            f"{RESERVED}={each} reserves {wanted} concurrent calls; of this account's {limit}, {limit - free} are "
            "reserved already. Unless most of those are this stack's own, Lambda will refuse."
        )
    if limit < LEAST_CONCURRENCY:
        print(
            f"This account and Region may run {limit} functions at once, as new ones do. Steps of a recovery will wait "
            f"for each other: ask for {LEAST_CONCURRENCY} or more (quota {CONCURRENCY_QUOTA}) before you rely on it."
        )


def destination(sts: Any, stack: str, region: str) -> str:
    """Return where a deployment goes, and as whom; credentials that are none end it before anything is built."""
    known = sts.get_caller_identity()
    return f"Deploying {stack} into account {known['Account']}, Region {region}, as {known['Arn']}."


def arguments(stack: str, region: str, parameters: Mapping[str, str]) -> list[str]:
    """Return the arguments of SAM."""
    return [
        "deploy",
        *("--stack-name", stack),
        *("--region", region),
        "--resolve-s3",
        *("--capabilities", *sam.CAPABILITIES),
        "--no-fail-on-empty-changeset",
        *("--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())),
    ]


def _client(service: str, region: str) -> Any:
    return botocore.session.Session().create_client(
        service, region_name=region, config=Config(read_timeout=_ANSWER_SECONDS, connect_timeout=_ANSWER_SECONDS)
    )


def main() -> int:
    """Deploy."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.packaging.aws_deployment", description="Deploy to an AWS account."
    )
    parser.add_argument("--stack-name", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--destination", action="store_true", help="say where it would go, and deploy nothing")
    parser.add_argument("parameters", nargs="*", metavar="Name=value")
    asked = parser.parse_args()
    try:
        check_stack_name(asked.stack_name)
        if asked.destination:
            print(destination(_client("sts", asked.region), asked.stack_name, asked.region), flush=True)
            return 0
        given = given_parameters(asked.parameters)
        partition = botocore.session.Session().get_partition_for_region(asked.region)
        check_definitions(_client("stepfunctions", asked.region), asked.region, partition, given)
        check_concurrency(_client("lambda", asked.region), given)
        parameters = with_logs_role(given, _client("apigateway", asked.region))
    except (RefusedError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return sam.call(arguments(asked.stack_name, asked.region, parameters))


if __name__ == "__main__":
    sys.exit(main())
