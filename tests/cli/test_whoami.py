"""Whose account and keys a command works with."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Terminal
from tests.cli.fake_api import FakeApi, Fault
from tests.cli.stack_files import GATEWAY, stack, stack_file

from wavebreak_cli.client.endpoint import GlobalOptions, resolve


def test_the_account_of_a_stack_is_told_by_its_arn(cloudformation: FakeApi, tmp_path: Path) -> None:
    cloudformation.faults = [stack()]
    assert resolve(GlobalOptions(stack="prod"), tmp_path).account == "111122223333"
    assert resolve(GlobalOptions(api_url=GATEWAY), tmp_path).account is None


@pytest.mark.parametrize(
    ("more", "account"),
    [
        ({"stateMachineArns": {"recovery": "arn:aws:states:us-east-1:999988887777:stateMachine:r"}}, "999988887777"),
        ({"stateMachineArns": None}, None),
        ({}, None),
    ],
)
def test_the_account_of_a_local_stack_is_told_by_its_state_machine(
    tmp_path: Path, more: dict[str, object], account: str | None
) -> None:
    stack_file(tmp_path, "http://127.0.0.1:1/v1", **more)
    assert resolve(GlobalOptions(), tmp_path).account == account


def _whoami(wavebreak: Terminal) -> dict[str, str]:
    outcome = wavebreak("whoami", "--json")
    assert outcome.exit_code == 0, outcome.err
    output: dict[str, str] = json.loads(outcome.out)
    return output


def test_whoami_of_a_local_stack_without_sts_names_its_key(
    api: FakeApi, wavebreak: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WAVEBREAK_API_URL")
    monkeypatch.delenv("AWS_ENDPOINT_URL_STS")
    stack_file(tmp_path, api.url)
    output = _whoami(wavebreak)
    assert (output["principal"], output["account"]) == ("access key test of the local stack", "unknown")
    assert not api.requests


def test_whoami_of_a_local_stack_with_sts_asks_it_with_the_keys_that_sign_the_calls(
    api: FakeApi, wavebreak: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WAVEBREAK_API_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", api.url.removesuffix("/v1"))
    stack_file(tmp_path, api.url)
    identity = "<Arn>arn:aws:iam::444455556666:user/local</Arn><Account>444455556666</Account>"
    answer = f"<GetCallerIdentityResult>{identity}</GetCallerIdentityResult>"
    api.faults = [Fault(200, f"<GetCallerIdentityResponse>{answer}</GetCallerIdentityResponse>")]
    output = _whoami(wavebreak)
    assert (output["principal"], output["account"]) == ("arn:aws:iam::444455556666:user/local", "444455556666")
    assert "Credential=test/" in api.requests[0].headers["authorization"]


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_n16_whoami_does_not_show_a_key_with_its_line_end(
    api: FakeApi, wavebreak: Terminal, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", api.url.removesuffix("/v1"))
    monkeypatch.setenv(name, "pasted\nKEY")
    outcome = wavebreak("whoami")
    assert outcome.exit_code == 3
    assert outcome.err.startswith("error: Configuration: AWS credentials: a key or token has a line break")
    assert "pasted" not in outcome.err
    assert not api.requests
