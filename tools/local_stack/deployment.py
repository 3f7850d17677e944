"""The real template, deployed by the real `sam deploy` to the emulator."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from tools.local_stack.processes import LOOPBACK
from tools.packaging import build, sam
from tools.template import gateway_responses, load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REGION: Final = "us-east-1"
ACCESS_KEY: Final = "test"
SECRET_KEY: Final = "test"  # noqa: S105  the emulator takes any
ACCOUNT: Final = "000000000000"
STACK_NAME: Final = "wavebreak"
EVENT_SOURCE: Final = "wavebreak.drs-simulator"
"""AWS refuses events whose source begins with aws., and so does the emulator."""

MAIL_SENDER: Final = "wavebreak@example.com"
MAIL_RECIPIENT: Final = "operator@example.com"
"""The emulator keeps mails and sends none; they are at /_ministack/ses/messages."""

_BUCKET: Final = "artefacts"
_POLL_SECONDS: Final = 30
_BRIEF_SECONDS: Final = 5
_ANSWER_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class Emulator:
    """The AWS endpoint of a local stack."""

    port: int

    @property
    def url(self) -> str:
        """Where AWS clients send their calls."""
        return f"http://{LOOPBACK}:{self.port}"

    def client(self, service: str, access_key: str = ACCESS_KEY) -> Any:
        """Make a client that looks at no profile, no proxy and no other endpoint of this machine.

        An access key of twelve digits is the root of the account of that number.
        """
        session = botocore.session.Session(dict.fromkeys(("profile", "region"), (None, None, None, None)))
        session.set_config_variable("config_file", os.devnull)
        session.set_config_variable("credentials_file", os.devnull)
        return session.create_client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=access_key,
            aws_secret_access_key=SECRET_KEY,
            config=Config(proxies={}, read_timeout=_ANSWER_SECONDS, retries={"total_max_attempts": 1}),
        )

    @property
    def variables(self) -> dict[str, str]:
        """What leads the AWS command line and SAM to this emulator and nowhere else."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": LOOPBACK,
            "no_proxy": LOOPBACK,
        }


def parameters(simulator_url: str, time_scale: float, *, sends_mail: bool = True) -> dict[str, str]:
    """Return the template's parameters for a local stack; waits are at least a second (whole seconds).

    Where the emulator evaluates policies no mail is sent: it does not know the sender that ours are limited to.
    """
    mail = {"SenderAddress": MAIL_SENDER, "Recipients": MAIL_RECIPIENT} if sends_mail else {}
    return {
        "Runtime": build.RUNTIME,
        "Architecture": build.ARCHITECTURE,
        "DrsEventSource": EVENT_SOURCE,
        "DrsEndpointUrl": simulator_url,
        "DeletionProtection": "false",
        "Monitoring": "false",
        "PollSeconds": str(max(1, round(_POLL_SECONDS * time_scale))),
        "BriefSeconds": str(max(1, round(_BRIEF_SECONDS * time_scale))),
        "TimeScale": f"{time_scale:.6f}".rstrip("0").rstrip("."),
        # Whatever is made here may be run by a step.
        "FunctionArns": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:*",
        "AutomationArns": "arn:aws:ssm:*:*:document/*",
        "AutomationRoleArns": "arn:aws:iam::*:role/*",
        **mail,
    }


def deploy(
    artefact: build.Artefact, emulator: Emulator, values: Mapping[str, str], home: Path, log: Path
) -> dict[str, str]:
    """Deploy to the emulator and give the stack's outputs by name; raise SamError."""
    _make_bucket(emulator)
    emulator.client("sesv2").create_email_identity(EmailIdentity=MAIL_SENDER)
    arguments = [
        "deploy",
        *("--template-file", str(artefact.template)),
        *("--stack-name", STACK_NAME),
        *("--s3-bucket", _BUCKET),
        *("--capabilities", *sam.CAPABILITIES),
        *("--parameter-overrides", *(f"{name}={value}" for name, value in values.items())),
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
        "--no-progressbar",
    ]
    sam.run(arguments, variables=sam.environment({**sam.without_aws(os.environ), **emulator.variables}, home), log=log)
    (stack,) = emulator.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    _apply_gateway_responses(emulator, outputs["ApiUrl"])
    return outputs


def log_group(function: str) -> str:
    """Name the group of logs of a function, by its name in the template."""
    return f"/aws/lambda/{STACK_NAME}-{function}"


def local_api_url(emulator: Emulator, api_url: str) -> str:
    """Turn the API's address on AWS into the one that the emulator answers at."""
    api_id, stage = _api(api_url)
    return f"{emulator.url}/restapis/{api_id}/{stage}/_user_request_"


def allow_wakes(emulator: Emulator) -> None:
    """Let the functions wake sleeping state machines on an emulator that evaluates policies.

    AWS checks SendTaskSuccess against the state machine that the token belongs to, which is what the template's policy
    names; the emulator checks it against no resource, so that only a policy for every resource ever matches.
    """
    found = emulator.client("cloudformation").describe_stack_resource(
        StackName=STACK_NAME, LogicalResourceId="WakePolicy"
    )
    statement = {"Effect": "Allow", "Action": "states:SendTaskSuccess", "Resource": "*"}
    emulator.client("iam").create_policy_version(
        PolicyArn=found["StackResourceDetail"]["PhysicalResourceId"],
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        SetAsDefault=True,
    )


def allow_plain_http(emulator: Emulator) -> None:
    """Let the functions write reports on an emulator that evaluates policies and speaks plain HTTP.

    The policy of the bucket refuses what is not encrypted on its way; the emulator listens on the loopback interface.
    """
    found = emulator.client("cloudformation").describe_stack_resource(
        StackName=STACK_NAME, LogicalResourceId="EvidenceBucket"
    )
    emulator.client("s3").delete_bucket_policy(Bucket=found["StackResourceDetail"]["PhysicalResourceId"])


def _api(api_url: str) -> tuple[str, str]:
    """Split `https://{api}.execute-api.{region}.{suffix}/{stage}` into API and stage."""
    parts = urlsplit(api_url)
    return parts.netloc.partition(".")[0], parts.path.strip("/")


def _make_bucket(emulator: Emulator) -> None:
    """Make the bucket of the artefacts; making it again is harmless in this Region."""
    emulator.client("s3").create_bucket(Bucket=_BUCKET)


def _apply_gateway_responses(emulator: Emulator, api_url: str) -> None:
    """Give the API the template's own gateway responses.

    The emulator leaves out that part of the API's OpenAPI document; it honours the same responses when they are put by
    API Gateway's own calls before the stage is deployed once more.
    """
    api_id, stage = _api(api_url)
    client = emulator.client("apigateway")
    for response in gateway_responses(load()):
        client.put_gateway_response(restApiId=api_id, **response)
    client.create_deployment(restApiId=api_id, stageName=stage)
