"""Where the API is found, and in which order the places are looked at."""

import json
from pathlib import Path
from typing import NoReturn

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, EndpointConnectionError
from tests.cli.conftest import Terminal
from tests.cli.fake_api import FakeApi, Fault
from tests.cli.stack_files import GATEWAY, stack, stack_file

from wavebreak_cli.client import endpoint
from wavebreak_cli.client.endpoint import Endpoint, GlobalOptions, StaticKeys, find_stack_file, resolve, signing_keys
from wavebreak_cli.errors import ConfigError, UnavailableError

FOUND = pytest.mark.parametrize("address", [("--api-url", GATEWAY), ()], ids=["given", "looked for"])
"""The API's address is given, or CloudFormation is to be asked for it with the same credentials."""


def _refusal(status: int, code: str, message: str) -> Fault:
    """Refuse as CloudFormation does."""
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Fault(status, f"<ErrorResponse>{error}</ErrorResponse>", {"content-type": "text/xml"})


def _no_stack() -> Fault:
    return _refusal(400, "ValidationError", "Stack does not exist")


def test_the_address_comes_first_and_names_the_region(tmp_path: Path) -> None:
    stack_file(tmp_path, "http://127.0.0.1:1/v1")
    assert resolve(GlobalOptions(api_url=GATEWAY + "/", stack="x"), tmp_path) == Endpoint(GATEWAY, "eu-west-3")
    assert resolve(GlobalOptions(api_url=GATEWAY, region="us-west-2"), tmp_path).region == "us-west-2"


def test_another_host_takes_the_region_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = GlobalOptions(api_url="https://recovery.example.com")
    assert resolve(given, tmp_path).region == "eu-central-1"
    monkeypatch.setenv("AWS_REGION", "eu-south-1")
    assert resolve(given, tmp_path).region == "eu-south-1"
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(ConfigError, match="AWS_REGION"):
        resolve(given, tmp_path)


def test_the_local_stack_is_found_from_a_folder_below_with_its_own_keys(tmp_path: Path) -> None:
    stack_file(tmp_path, "http://127.0.0.1:1/v1")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    expected = Endpoint("http://127.0.0.1:1/v1", "us-east-1", StaticKeys("test", "pass"))
    assert resolve(GlobalOptions(), below) == expected
    nearer = below.parent
    stack_file(nearer, "http://127.0.0.1:2/v1")
    assert find_stack_file(below) == nearer / ".local" / "stack.json"


def test_a_command_uses_the_local_stack(
    api: FakeApi, wavebreak: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WAVEBREAK_API_URL")
    stack_file(tmp_path, api.url)
    api.listed["/plans"] = []
    assert wavebreak("plan", "list").exit_code == 0
    assert "Credential=test/" in api.requests[0].headers["authorization"]
    assert "/us-east-1/execute-api/" in api.requests[0].headers["authorization"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"apiUrl": "ftp://x", "region": "r", "credentials": {}}'])
def test_a_broken_stack_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "stack.json").write_text(text)
    with pytest.raises(ConfigError, match=r"stack\.json"):
        resolve(GlobalOptions(), tmp_path)


def test_a_stack_named_on_purpose_goes_before_a_local_one(cloudformation: FakeApi, tmp_path: Path) -> None:
    stack_file(tmp_path, "http://127.0.0.1:1/v1")
    cloudformation.faults = [stack()]
    assert resolve(GlobalOptions(stack="prod"), tmp_path) == Endpoint("https://cfn.example/v1", "eu-central-1")
    assert "StackName=prod" in cloudformation.requests[0].body
    assert resolve(GlobalOptions(), tmp_path).url == "http://127.0.0.1:1/v1"


def test_without_anything_the_stack_of_the_default_name_is_asked(cloudformation: FakeApi, tmp_path: Path) -> None:
    cloudformation.faults = [stack()]
    assert resolve(GlobalOptions(), tmp_path).url == "https://cfn.example/v1"
    assert "StackName=wavebreak" in cloudformation.requests[0].body


def test_nothing_configured_says_what_to_set(cloudformation: FakeApi, wavebreak: Terminal) -> None:
    cloudformation.faults = [_no_stack()]
    outcome = wavebreak("plan", "list")
    assert outcome.exit_code == 3
    assert all(word in outcome.err for word in ("WAVEBREAK_API_URL", "WAVEBREAK_STACK", "'wavebreak'"))


def test_a_stack_that_is_none_of_ours_is_told(cloudformation: FakeApi, tmp_path: Path) -> None:
    cloudformation.faults = [stack(outputs="")]
    with pytest.raises(ConfigError, match="no output ApiUrl"):
        resolve(GlobalOptions(stack="other"), tmp_path)


def test_cloudformation_that_cannot_be_reached_is_no_wrong_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(UnavailableError, match="CloudFormation"):
        resolve(GlobalOptions(), tmp_path)


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "Throttling", "Rate exceeded"),
        (500, "InternalFailure", "something broke"),
        (503, "ServiceUnavailable", "not now"),
    ],
)
def test_cloudformation_that_does_not_answer_well_is_no_wrong_setting(
    cloudformation: FakeApi,
    wavebreak: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
    message: str,
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    cloudformation.faults = [_refusal(status, code, message)]
    outcome = wavebreak("plan", "list")
    assert outcome.exit_code == 4
    assert outcome.err.startswith("error: API unreachable: CloudFormation: ")
    assert message in outcome.err


def test_a_stack_that_may_not_be_looked_for_is_a_wrong_setting(cloudformation: FakeApi, wavebreak: Terminal) -> None:
    cloudformation.faults = [_refusal(403, "AccessDenied", "not authorized")]
    outcome = wavebreak("plan", "list")
    assert outcome.exit_code == 3
    assert "not authorized" in outcome.err


@pytest.mark.parametrize(
    "url", ["abc", "ftp://x/v1", "https://", "https://x/v1?stage=2", "http://[::1", "http://x:99999/v1", "http://x:abc"]
)
def test_an_address_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="no address of an API"):
        resolve(GlobalOptions(api_url=url, region="us-east-1"), tmp_path)


def test_an_unknown_profile_is_a_wrong_setting(wavebreak: Terminal) -> None:
    outcome = wavebreak("--api-url", GATEWAY, "--profile", "nobody", "plan", "list")
    assert outcome.exit_code == 3
    assert "nobody" in outcome.err


@pytest.mark.parametrize(
    ("address", "environment"),
    [
        ("http://xn--/v1", {}),
        (GATEWAY, {"SSL_CERT_FILE": "/nowhere"}),
        (GATEWAY, {"HTTPS_PROXY": "gopher://127.0.0.1:1"}),
        (GATEWAY, {"HTTPS_PROXY": "socks5://127.0.0.1:1"}),
    ],
)
def test_an_environment_that_allows_no_connection_is_a_wrong_setting(
    wavebreak: Terminal, monkeypatch: pytest.MonkeyPatch, address: str, environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    outcome = wavebreak("--api-url", address, "plan", "list")
    assert outcome.exit_code == 3
    assert outcome.err.startswith("error: Configuration: ")


SSO = """
[profile sso]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = operator
region = us-east-1
[sso-session corp]
sso_region = us-east-1
sso_start_url = https://corp.example/start
[profile process]
credential_process = /nowhere/at-all
"""


@pytest.mark.parametrize(
    ("profile", "output", "hint"),
    [("sso", "SSO", "hint: aws sso login"), ("process", "/nowhere/at-all", "code: CONFIGURATION")],
)
@FOUND
def test_credentials_that_cannot_be_had_are_a_wrong_setting(  # noqa: PLR0913, PLR0917  each is a fixture or a case
    cloudformation: FakeApi,
    wavebreak: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    profile: str,
    output: str,
    hint: str,
    address: tuple[str, ...],
) -> None:
    (tmp_path / "config").write_text(SSO)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    outcome = wavebreak(*address, "--profile", profile, "plan", "list")
    assert outcome.exit_code == 3
    assert outcome.err.startswith("error: Configuration: AWS credentials: ")
    assert output in outcome.err
    assert hint in outcome.err
    assert not cloudformation.requests


def test_credentials_that_cannot_be_renewed_while_the_network_is_away_are_no_wrong_setting() -> None:
    class Offline(Credentials):
        def get_frozen_credentials(self) -> NoReturn:
            raise EndpointConnectionError(endpoint_url="https://sts.us-east-1.amazonaws.com")

    with pytest.raises(UnavailableError, match="sts"):
        signing_keys(Offline("a", "b"))


def test_credentials_that_aws_throttles_are_no_wrong_setting() -> None:
    class Throttled(Credentials):
        def get_frozen_credentials(self) -> NoReturn:
            raise ClientError({"Error": {"Code": "Throttling", "Message": "Rate exceeded"}}, "AssumeRole")

    with pytest.raises(UnavailableError, match="Rate exceeded"):
        signing_keys(Throttled("a", "b"))


@pytest.mark.parametrize(
    "printed",
    [
        "\ufeff{}",
        "Opening your browser ...\n{}",
        "",
        "[]",
        (
            '{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c", '
            '"Expiration": "2020-01-01T00Z"}'
        ),
    ],
    ids=["BOM", "chatter", "nothing", "a list", "expired"],
)
@FOUND
def test_t31_n31b_what_a_credential_process_prints_wrongly_is_a_wrong_setting_in_one_line(
    cloudformation: FakeApi,
    wavebreak: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    printed: str,
    address: tuple[str, ...],
) -> None:
    (tmp_path / "printed").write_text(printed, encoding="utf-8")
    (tmp_path / "config").write_text(f"[profile process]\ncredential_process = cat {tmp_path}/printed\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    outcome = wavebreak(*address, "--profile", "process", "plan", "list")
    assert outcome.exit_code == 3
    assert outcome.err.startswith("error: Configuration: AWS credentials: ")
    assert "Traceback" not in outcome.err
    wanted = "printed has expired" if "2020" in printed else "a credential_process prints its JSON, and nothing else"
    assert wanted in outcome.err
    assert not cloudformation.requests


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
@pytest.mark.parametrize("odd", ["\r", "\n", " ", "\u200b", "é"])
@FOUND
def test_n16_a_key_with_its_line_end_is_a_wrong_setting_and_is_not_shown(
    cloudformation: FakeApi,
    wavebreak: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    odd: str,
    address: tuple[str, ...],
) -> None:
    monkeypatch.setenv(name, f"pasted{odd}KEY")
    outcome = wavebreak(*address, "plan", "list")
    assert outcome.exit_code == 3
    output = "a key or token has a line break, a blank or another odd character"
    assert outcome.err.startswith(f"error: Configuration: AWS credentials: {output}")
    assert "pasted" not in outcome.err
    assert not cloudformation.requests


def test_without_credentials_the_search_for_the_address_says_so(
    cloudformation: FakeApi, wavebreak: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    outcome = wavebreak("plan", "list")
    assert outcome.exit_code == 3
    assert "no API found: stack 'wavebreak': Unable to locate credentials" in outcome.err
    assert "WAVEBREAK_API_URL" in outcome.err
    assert not cloudformation.requests


@pytest.mark.parametrize(
    ("region", "asked"), [((), "eu-south-1"), (("--region", "us-west-2"), "us-west-2")], ids=["environment", "option"]
)
def test_the_stack_is_looked_for_in_the_region_of_the_option_or_the_environment(
    cloudformation: FakeApi,
    wavebreak: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    region: tuple[str, ...],
    asked: str,
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-south-1")
    cloudformation.faults = [_no_stack()]
    wavebreak("plan", "list", *region)
    assert f"/{asked}/cloudformation/" in cloudformation.requests[0].headers["authorization"]


def test_an_address_of_cloudformation_that_is_none_is_a_wrong_setting(
    wavebreak: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", "abc")
    outcome = wavebreak("plan", "list")
    assert outcome.exit_code == 3
    assert outcome.err.startswith("error: Configuration: no API found: stack 'wavebreak': ")


@pytest.mark.parametrize(
    ("process", "output"),
    [
        ("/no/such/helper --json", "AWS credentials: there is no credential_process /no/such/helper"),
        ("cat {printed}", "AWS credentials: what the credential_process printed has expired"),
        ("sleep 20", "AWS credentials: no answer in 0.5 s"),
    ],
)
def test_a_credential_process_that_gives_none_is_told_for_what_it_is(
    api: FakeApi, wavebreak: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, process: str, output: str
) -> None:
    expired = {"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "b", "Expiration": "2020-01-01T00:00:00Z"}
    (tmp_path / "printed").write_text(json.dumps(expired), encoding="utf-8")
    line = process.format(printed=tmp_path / "printed")
    (tmp_path / "config").write_text(f"[profile process]\ncredential_process = {line}\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(endpoint, "CREDENTIALS_SECONDS", 0.5)
    outcome = wavebreak("--profile", "process", "plan", "list")
    assert outcome.exit_code == 3
    assert outcome.err.startswith(f"error: Configuration: {output}")
    assert api.requests == []
