"""Where the API is and with which credentials and Region calls are signed.

The first of these that is there decides:

1. `--api-url` or WAVEBREAK_API_URL;
2. `--stack` or WAVEBREAK_STACK, when given: the stack's output `ApiUrl`;
3. `.local/stack.json` of a running local stack, in the current directory or a parent of it;
4. the output `ApiUrl` of the stack called `wavebreak`.

A stack named on purpose goes before a local one that happens to be there: nobody's recovery may go astray.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, Queue
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from wavebreak.aws_error_codes import is_service_fault
from wavebreak_cli.errors import ConfigError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from botocore.credentials import Credentials, ReadOnlyCredentials

T = TypeVar("T")

CREDENTIALS_SECONDS: Final = 30.0
"""How long credentials are waited for, which somebody else's process may have to give."""
DEFAULT_STACK: Final = "wavebreak"
STACK_FILE: Final = ".local/stack.json"
_PATIENCE: Final[Mapping[str, Any]] = {"connect_timeout": 5, "read_timeout": 15}
"""Seconds that CloudFormation gets; a call that got no answer is repeated as the AWS configuration says."""
_KEY: Final = re.compile(r"[!-~]+")
_GATEWAY_HOST: Final = re.compile(r"\.execute-api\.([a-z0-9-]+)\.(?:vpce\.)?amazonaws\.com")
_ARN_ACCOUNT: Final = 4
"""Which part of an ARN names the account."""
_HOW_TO_SET: Final = (
    "set --api-url or WAVEBREAK_API_URL, or --stack or WAVEBREAK_STACK for a deployed stack, "
    "or run this in a checkout whose local stack is up"
)


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """What the command line and the environment say; None is not said."""

    api_url: str | None = None
    stack: str | None = None
    region: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class StaticKeys:
    """The access key of a local stack."""

    access_key: str
    secret_key: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The API's base address without a slash at its end, the Region of the signature, and whose credentials sign.

    `keys` None means the credentials of the AWS configuration: environment, `profile`, SSO, role and so on.
    `origin` says for people which stack this is and how it was found, `account` whose it is, where that is known.
    """

    url: str
    region: str
    keys: StaticKeys | None = None
    profile: str | None = None
    origin: str = field(default="", compare=False)
    account: str | None = field(default=None, compare=False)


def resolve(given: GlobalOptions, directory: Path) -> Endpoint:
    """Find the API; raise ConfigError saying what to set, or UnavailableError when CloudFormation cannot be asked."""
    if given.api_url:
        where = _region(given, given.api_url)
        return Endpoint(_address(given.api_url), where, profile=given.profile, origin=_address(given.api_url))
    if not given.stack:
        local = find_stack_file(directory)
        if local:
            return read_stack_file(local, given)
    name = given.stack or DEFAULT_STACK
    url, arn = _stack_output(name, given)
    origin = f"CloudFormation stack {name}"
    return Endpoint(_address(url), _region(given, url), profile=given.profile, origin=origin, account=_account_in(arn))


def _account_in(arn: str) -> str | None:
    parts = arn.split(":")
    return parts[_ARN_ACCOUNT] if len(parts) > _ARN_ACCOUNT else None


def find_stack_file(directory: Path) -> Path | None:
    """Find the `.local/stack.json` of this directory or of the nearest parent that has one."""
    for folder in (directory, *directory.parents):
        candidate = folder / STACK_FILE
        if candidate.is_file():
            return candidate
    return None


def read_stack_file(path: Path, given: GlobalOptions) -> Endpoint:
    """Read what `make up` wrote; raise ConfigError if it cannot be understood."""
    try:
        stack: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        keys = StaticKeys(str(stack["credentials"]["accessKeyId"]), str(stack["credentials"]["secretAccessKey"]))
        url, region = _address(str(stack["apiUrl"])), given.region or str(stack["region"])
        machine = str((stack.get("stateMachineArns") or {}).get("recovery", ""))
        return Endpoint(url, region, keys, origin=f"local stack, {path}", account=_account_in(machine))
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = f"{path} cannot be read as a stack file ({type(error).__name__}: {error})"
        raise ConfigError.because(f"{problem}; start the local stack again or {_HOW_TO_SET}") from error


def credentials_of(endpoint: Endpoint) -> Credentials:
    """Get what calls are signed with; raise ConfigError if the AWS configuration has none."""
    from botocore.credentials import Credentials  # noqa: PLC0415 - a tenth of a second that only calls need

    if endpoint.keys:
        return Credentials(endpoint.keys.access_key, endpoint.keys.secret_key)
    with credential_failures():
        found: Credentials | None = _soon(new_session(endpoint.profile).get_credentials)
    if found is None:
        raise ConfigError.because("no AWS credentials found: set AWS_PROFILE, --profile or AWS_ACCESS_KEY_ID")
    return found


def signing_keys(credentials: Credentials) -> ReadOnlyCredentials:
    """Return the present keys; those of SSO and roles are fetched and renewed here.

    Raise ConfigError, or UnavailableError when AWS cannot be asked for them.
    """
    with credential_failures():
        keys = _soon(credentials.get_frozen_credentials)
    # They go into a header: one that was pasted with its line end would be refused there, and shown.
    if not all(part is None or _KEY.fullmatch(part) for part in (keys.access_key, keys.secret_key, keys.token)):
        raise ConfigError.because("AWS credentials: a key or token has a line break, a blank or another odd character")
    return keys


def _soon(ask: Callable[[], T]) -> T:
    """Return an answer that somebody else's process may have to give; raise ConfigError if it takes too long."""
    answers: Queue[T | BaseException] = Queue()

    def run() -> None:
        try:
            answers.put(ask())
        except BaseException as error:  # noqa: BLE001 - it is raised below, where somebody waits for it
            answers.put(error)

    Thread(target=run, daemon=True).start()
    try:
        answer = answers.get(timeout=CREDENTIALS_SECONDS)
    except Empty:
        message = f"AWS credentials: no answer in {CREDENTIALS_SECONDS:g} s"
        raise ConfigError.because(message, "is there a credential_process that hangs or asks something?") from None
    if isinstance(answer, BaseException):
        raise answer
    return answer


@contextmanager
def credential_failures() -> Iterator[None]:
    """Raise what AWS credentials fail by as ConfigError, or as Unavailable where it may pass."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - only calls need them

    try:
        yield
    except FileNotFoundError as error:
        raise ConfigError.because(f"AWS credentials: there is no credential_process {error.filename}") from error
    except (BotoCoreError, ClientError, OSError) as error:  # OSError: a credential_process that cannot be run
        if _may_pass(error):
            raise UnavailableError.unreachable("AWS credentials", str(error)) from error
        raise ConfigError.because(f"AWS credentials: {error}", _hint_for(error)) from error
    except (AttributeError, RuntimeError, TypeError, ValueError) as error:  # it printed no object of JSON, or old keys
        if isinstance(error, RuntimeError) and "expired" in str(error):
            message = "AWS credentials: what the credential_process printed has expired"
            raise ConfigError.because(message, "renew what it reads, or sign in again") from error
        hint = "a credential_process prints its JSON, and nothing else, on standard output"
        raise ConfigError.because(f"AWS credentials: the credential_process or its answer: {error}", hint) from error


def _hint_for(error: Exception) -> str | None:
    """Return a hint how to renew credentials that expire."""
    if "SSO" in type(error).__name__ or "Token" in type(error).__name__:
        return "aws sso login, with --profile where it is another than the default"
    return None


def _may_pass(error: Exception) -> bool:
    """Return whether AWS did not answer, failed by itself or holds calls back: no setting is wrong then."""
    from botocore.exceptions import ClientError, HTTPClientError  # noqa: PLC0415 - only calls need them
    from botocore.exceptions import ConnectionError as NoConnection  # noqa: PLC0415 - only calls need it

    if not isinstance(error, ClientError):
        return isinstance(error, (HTTPClientError, NoConnection))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return is_service_fault(status, str(error.response.get("Error", {}).get("Code", "")))


def new_session(profile: str | None) -> Any:
    """Make a botocore session."""
    from botocore.session import Session  # noqa: PLC0415 - a tenth of a second that only calls need

    return Session(profile=profile)


def aws_client(
    service: str,
    profile: str | None,
    region: str | None,
    patience: Mapping[str, Any],
    keys: StaticKeys | None = None,
) -> Any:
    """Make a client of an AWS service that signs with `keys`, or else with the keys of the AWS configuration.

    Credentials are checked before anything is sent: raises ConfigError, or UnavailableError when AWS cannot be asked
    for them. Having none is left to the call, and so is what botocore refuses of Region and address.
    """
    from botocore.config import Config  # noqa: PLC0415 - only few commands ask AWS itself

    session, given = new_session(profile), {}
    if keys is not None:
        given = {"aws_access_key_id": keys.access_key, "aws_secret_access_key": keys.secret_key}
    else:
        with credential_failures():
            found = session.get_credentials()
        if found is not None:
            signing_keys(found)
    return session.create_client(service, region, config=Config(**patience), **given)


def _address(url: str) -> str:
    if not _is_address(url.strip()):
        raise ConfigError.because(f"{url!r} is no address of an API: https://… with the stage at its end")
    return url.strip().rstrip("/")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    named = parts.scheme in {"http", "https"} and parts.hostname and port != 0
    return bool(named and not parts.query and not parts.fragment)


def _region(given: GlobalOptions, url: str) -> str:
    """Take the Region from the option, the address of API Gateway or the AWS configuration, in this order."""
    if given.region:
        return given.region
    in_host = _GATEWAY_HOST.search(urlsplit(url).hostname or "")
    if in_host:
        return in_host.group(1)
    return _configured_region(given.profile)


def _configured_region(profile: str | None) -> str:
    region = os.environ.get("AWS_REGION") or _configured("region", profile)
    if not region:
        raise ConfigError.because("no Region: set --region, AWS_REGION or a Region in the AWS profile")
    return str(region)


def ca_bundle(endpoint: Endpoint) -> str | None:
    """Find the file of the certificates that calls believe: AWS_CA_BUNDLE, or `ca_bundle` of the profile; None is none.

    Raise ConfigError if the AWS configuration cannot be read.
    """
    found = _configured("ca_bundle", endpoint.profile)
    return None if found is None else str(found)


def _configured(name: str, profile: str | None) -> Any:
    """Read a setting of the AWS configuration: of the environment, else of the profile."""
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - only reached when a call needs botocore anyway

    try:
        return new_session(profile).get_config_variable(name)
    except BotoCoreError as error:
        raise ConfigError.because(f"AWS configuration: {error}") from error


def _stack_output(stack: str, given: GlobalOptions) -> tuple[str, str]:
    """Ask CloudFormation for the output `ApiUrl` of a stack, and for the stack's ARN."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - no other way of configuration needs it

    region = given.region or os.environ.get("AWS_REGION")  # botocore reads AWS_DEFAULT_REGION only
    try:
        client = aws_client("cloudformation", given.profile, region, _PATIENCE)
        answer = client.describe_stacks(StackName=stack)
    except (BotoCoreError, ClientError, ValueError) as error:  # ValueError: an address of CloudFormation that is none
        if _may_pass(error):
            raise UnavailableError.unreachable("CloudFormation", str(error)) from error
        message = str(error).rstrip(".")
        raise ConfigError.because(f"no API found: stack {stack!r}: {message}", _HOW_TO_SET) from error
    for output in answer["Stacks"][0].get("Outputs", []):
        if output.get("OutputKey") == "ApiUrl" and output.get("OutputValue"):
            return output["OutputValue"], str(answer["Stacks"][0].get("StackId", ""))
    raise ConfigError.because(f"stack {stack!r} has no output ApiUrl", _HOW_TO_SET)
