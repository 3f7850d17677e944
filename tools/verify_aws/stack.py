"""The stack that is verified: where it is, what it is made of, and clients for the services around it.

`STACK` is the name of a stack in the account of the AWS configuration, or the path of a local stack's `stack.json`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError, ProfileNotFound
from tools.verify_aws.findings import SIMULATED

from wavebreak.resilience.aws_errors import is_dependency_fault
from wavebreak.timing import Timing
from wavebreak_cli.client.endpoint import Endpoint, GlobalOptions, read_stack_file
from wavebreak_cli.errors import ConfigError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MATTERS: Final = timedelta(seconds=3)
LOCAL_STACK: Final = "wavebreak"
"""The name of a local stack on its emulator."""
_PATIENCE: Final[Mapping[str, Any]] = {
    "connect_timeout": 10,
    "read_timeout": 30,
    "retries": {"mode": "standard", "total_max_attempts": 6},
}


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack. `make` gives a client of a service (botocore's name) in a Region."""

    name: str
    region: str
    account: str
    partition: str
    local: bool
    endpoint: Endpoint
    machines: Mapping[str, str]
    """ARNs of the state machines, by what they drive."""
    parameters: Mapping[str, str]
    resources: Mapping[str, str]
    """Physical ids by logical ones; empty where CloudFormation may not be asked for them."""
    make: Callable[[str, str], Any]
    skew: timedelta = timedelta()
    """How far AWS's clock is ahead of this machine's, where the difference matters."""

    @property
    def timing(self) -> Timing:
        """How long the stack waits: real time on AWS, shorter on a local stack."""
        return Timing(float(self.parameters.get("TimeScale", "1") or "1"))

    def client(self, service: str, region: str | None = None) -> Any:
        """Make a client; in the stack's own Region unless another one is named."""
        return self.make(service, region or self.region)


def is_local(stack: str) -> bool:
    """Return whether a stack is named by a file; the name of a deployed one has neither a slash nor a dot."""
    return "/" in stack or stack.endswith(".json")


def find(stack: str, region: str) -> Stack:
    """Return a stack; raise ConfigError where there is none, Unavailable where AWS does not answer."""
    return _local(Path(stack)) if is_local(stack) else _deployed(stack, region)


def _deployed(name: str, region: str) -> Stack:
    try:
        session = botocore.session.Session()

        def make(service: str, where: str) -> Any:
            return session.create_client(service, region_name=where, config=Config(**_PATIENCE))

        caller = make("sts", region).get_caller_identity()
        described = make("cloudformation", region).describe_stacks(StackName=name)["Stacks"][0]
    except (BotoCoreError, ClientError) as error:
        raise _failure(name, region, error) from error
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}
    if not {"ApiUrl", "RecoveryStateMachineArn"} <= outputs.keys():
        raise ConfigError.because(f"stack {name!r} has no output ApiUrl: it is no stack of Wavebreak")
    return Stack(
        name=name,
        region=region,
        account=caller["Account"],
        partition=caller["Arn"].split(":")[1],
        local=False,
        endpoint=Endpoint(outputs["ApiUrl"], region),
        machines=_machines(outputs),
        parameters=_parameters(described),
        resources=_resources(make("cloudformation", region), name),
        make=make,
        skew=_skew(caller),
    )


def _skew(answer: Mapping[str, Any]) -> timedelta:
    """Return how far AWS's clock is ahead, by the date of an answer, which has whole seconds."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    ahead = parsedate_to_datetime(date) - datetime.now(UTC) if date else timedelta()
    return ahead if abs(ahead) > _MATTERS else timedelta()


def _failure(name: str, region: str, error: BotoCoreError | ClientError) -> ConfigError | UnavailableError:
    if is_dependency_fault(error):
        return UnavailableError.unreachable(f"AWS in {region}", str(error))
    if isinstance(error, (NoRegionError, ProfileNotFound)):
        return ConfigError.because(f"AWS configuration: {error}")
    return ConfigError.because(f"stack {name!r} in {region}: {error}")


def _local(path: Path) -> Stack:
    endpoint = read_stack_file(path, GlobalOptions())
    try:
        reported = json.loads(path.read_text(encoding="utf-8"))
        urls = {True: str(reported["simulatorUrl"]), False: str(reported["endpointUrl"])}
        machines = {name: arn for name, arn in reported["stateMachineArns"].items() if arn}
        keys = reported["credentials"]
    except (KeyError, TypeError) as error:
        raise ConfigError.because(f"{path} is no description of a local stack: {error!r}") from error

    def make(service: str, where: str) -> Any:
        return botocore.session.Session().create_client(
            service,
            region_name=where,
            endpoint_url=urls[service in SIMULATED],
            aws_access_key_id=keys["accessKeyId"],
            aws_secret_access_key=keys["secretAccessKey"],
            config=Config(proxies={}, **_PATIENCE),
        )

    try:
        cloudformation = make("cloudformation", endpoint.region)
        described = cloudformation.describe_stacks(StackName=LOCAL_STACK)["Stacks"][0]
    except (BotoCoreError, ClientError) as error:
        raise UnavailableError.unreachable(urls[False], str(error)) from error
    account, partition = _owner(machines)
    return Stack(
        name=LOCAL_STACK,
        region=endpoint.region,
        account=account,
        partition=partition,
        local=True,
        endpoint=endpoint,
        machines=machines,
        parameters=_parameters(described),
        resources=_resources(cloudformation, LOCAL_STACK),
        make=make,
    )


def _owner(machines: Mapping[str, str]) -> tuple[str, str]:
    _, partition, _, _, account, *_ = next(iter(machines.values())).split(":")
    return account, partition


def _machines(outputs: Mapping[str, str]) -> dict[str, str]:
    wanted = {"recovery": "Recovery", "termination": "Termination", "command": "Command"}
    found = {name: outputs.get(f"{word}StateMachineArn") for name, word in wanted.items()}
    return {name: arn for name, arn in found.items() if arn}


def _parameters(described: Mapping[str, Any]) -> dict[str, str]:
    return {each["ParameterKey"]: each.get("ParameterValue", "") for each in described.get("Parameters", [])}


def _resources(cloudformation: Any, name: str) -> dict[str, str]:
    try:
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        listed = [each for page in pages for each in page["StackResourceSummaries"]]
    except (BotoCoreError, ClientError):
        return {}  # the checks that need them say that they are missing
    return {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in listed}
