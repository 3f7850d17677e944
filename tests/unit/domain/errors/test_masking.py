"""Secrets never reach a record; what is no secret stays readable."""

import json
from typing import Any

import pytest

from wavebreak.domain.errors.masking import LONGEST, MASK, masked, masked_text, shortened

ACCESS_KEY = "ASIA" + "Q3EXAMPLEKEY1234"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SESSION_TOKEN = "IQoJb3JpZ2luX2VjE" + "aB3/x+9" * 40
TASK_TOKEN = "AQCcAAAAKgAAAAIAAAAAAAAAAe" + "Zx9+/" * 60
SECRETS = (ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, TASK_TOKEN, "hunter2secret")


@pytest.mark.parametrize(
    "text",
    [
        "ExpiredToken: The security token included in the request is expired",
        "InvalidToken: The provided token is malformed or otherwise invalid",
        "ExpiredTokenException: The security token included in the request is expired",
    ],
)
def test_what_aws_says_of_a_token_is_no_secret(text: str) -> None:
    assert masked_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "expiredToken: hunter2secret",
        f"the key {ACCESS_KEY} is not active",
        f"key is {SECRET_KEY}",
        f"aws_secret_access_key = {SECRET_KEY}",
        f"AWS_SESSION_TOKEN={SESSION_TOKEN}",
        f"token {SESSION_TOKEN} expired",
        f"TaskTimedOut: {TASK_TOKEN}",
        f'{{"taskToken": "{TASK_TOKEN[:60]}"}}'.replace(TASK_TOKEN[:60], "hunter2secret"),
        "password=hunter2secret&user=x",
        "passwd: 'hunter2secret'",
        "Authorization: Bearer hunter2secret",
        "{'authorization': 'Basic hunter2secret'}",
        f"Authorization: AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/2026, SignedHeaders=host, Signature=hunter2secret",
        "https://x.example/?X-Amz-Signature=hunter2secret&X-Amz-Date=1",
        "https://user:hunter2secret@host.example/path",
        "api_key=hunter2secret",
        "secretAccessKey => hunter2secret",
    ],
)
def test_s3_12_what_looks_like_a_secret_is_masked(text: str) -> None:
    found = masked_text(text)
    assert MASK in found
    assert not [secret for secret in SECRETS if secret in found]


@pytest.mark.parametrize(
    "text",
    [
        "An error occurred (ThrottlingException) when calling the DescribeJobs operation: Rate exceeded",
        "drill-01k0000000000000000000000a, wave 3, s-11111111111111111, drsjob-11111111111111111",
        "arn:aws:states:us-east-1:123456789012:execution:wavebreak-recovery:drill-01k0000000000000000000000a",
        'File "/var/task/wavebreak/handlers/recovery.py", line 24, in observe',
        "sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709 of the artefact",
        "11111111-2222-3333-4444-555555555555",
        "the tokens of both machines",
        f"You are not authorized. Encoded authorization failure message: {'Ab3_-x' * 60} (Service: Ec2, Status: 403)",
    ],
)
def test_s3_12_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert masked_text(text) == text


def test_s3_12_fields_called_like_a_secret_are_masked_whole_at_any_depth() -> None:
    data: dict[str, Any] = {
        "headers": {"Authorization": "x", "x-amz-security-token": ["a"], "Host": "api"},
        "items": [{"taskToken": 1, "db_password": {"a": 1}, "secretAccessKey": "z", "wave": 2, "ok": True, "no": None}],
        "note": f"key {ACCESS_KEY}",
    }
    assert masked(data) == {
        "headers": {"Authorization": MASK, "x-amz-security-token": MASK, "Host": "api"},
        "items": [{"taskToken": MASK, "db_password": MASK, "secretAccessKey": MASK, "wave": 2, "ok": True, "no": None}],
        "note": f"key {MASK}",
    }


def test_data_that_is_no_json_becomes_masked_text() -> None:
    deep: dict[str, Any] = {"a": {"b": {"c": {"d": {"password": "hunter2secret"}}}}, "o": ValueError(ACCESS_KEY)}
    text = json.dumps(masked(deep))
    assert "hunter2secret" not in text
    assert ACCESS_KEY not in text


def test_endless_text_is_looked_through_in_a_moment() -> None:
    for text in ("a" * 10**6, "a-b_" * 10**5, "token" * 10**5, "https://" * 10**5):
        assert len(masked_text(text)) <= LONGEST


@pytest.mark.parametrize("length", [100, 1000])
def test_head_and_tail_are_kept(length: int) -> None:
    text = "<" + "x" * 5000 + ">"
    short = shortened(text, length)
    assert len(short) == length
    assert (short[0], short[-1]) == ("<", ">")
    assert "characters left out" in short
    assert shortened("short", length) == "short"
