"""Limits: one table, each with a user, each to be overridden; deadlines begin nothing past them and say so."""

import ast
import logging
import math
from pathlib import Path
from types import SimpleNamespace

import pytest

import wavebreak
from wavebreak.domain.commands.catalogue import CATALOGUE
from wavebreak.settings import MissingSettingError
from wavebreak.timeouts import LIMITS, Deadline, ending_in, invocation, limit, log_expiry, remaining

PACKAGE = Path(wavebreak.__file__).parent

RECOVERY_NAMES = {
    "drs_call": 10,
    "drs_read": 30,
    "observation_round": 60,
    "history_indexed": 5,
    "history_filtered": 3,
    "history_combined": 10,
    "state_read": 1,
    "state_write": 2,
    "dynamodb_query": 10,
    "dynamodb_transaction": 30,
    "command_parallel": 300,
    "command_sequential": 600,
}


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def words_of_the_code() -> set[str]:
    """Every text that stands in the code outside of the table; an f-string counts for what it can become."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        if path.name == "timeouts.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def test_s3_1_the_table_has_the_limits_of_the_requirements() -> None:
    assert {name: LIMITS[name] for name in RECOVERY_NAMES} == RECOVERY_NAMES


@pytest.mark.parametrize("name", [name for name in LIMITS if not name.startswith("command_") and name != "connect"])
def test_s3_4_every_limit_has_a_user(name: str) -> None:
    assert name in words_of_the_code()


def test_s3_4_the_limits_of_commands_and_connections_have_users_too(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {entry.mode: entry.default_timeout_seconds for entry in CATALOGUE.values()}
    assert limits == {"parallel": 300, "sequential": 600}
    monkeypatch.setenv("TIMEOUT_COMMAND_PARALLEL", "7")
    assert CATALOGUE["query"].default_timeout_seconds == 7
    assert "connect" in words_of_the_code()


@pytest.mark.parametrize("name", LIMITS)
def test_s3_1_each_limit_is_overridden_by_its_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limit(name) == LIMITS[name]
    monkeypatch.setenv(f"TIMEOUT_{name.upper()}", "0.25")
    assert limit(name) == 0.25


def test_s3_1_an_unknown_operation_has_thirty_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limit("anything") == 30
    monkeypatch.setenv("TIMEOUT_ANYTHING", "3")
    assert limit("anything") == 3


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "soon", ""])
def test_s3_1_a_limit_that_is_not_positive_is_refused_by_its_name(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMEOUT_DRS_CALL", value)
    with pytest.raises(MissingSettingError, match=r"^TIMEOUT_DRS_CALL "):
        limit("drs_call")


def test_s3_2_an_expiry_is_logged_once_with_operation_limit_and_context(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    deadline = Deadline("history_filtered", clock=clock, pk="PLANS")
    clock.at += 2.9
    assert not deadline.over
    assert deadline.left == pytest.approx(0.1)
    clock.at += 0.1
    with caplog.at_level(logging.WARNING):
        assert [deadline.over, deadline.over] == [True, True]
    assert deadline.left == 0
    (record,) = caplog.records
    assert record.getMessage() == "history_filtered ran into its limit of 3 s"
    assert record.__dict__["expired"] == {"operation": "history_filtered", "limitSeconds": 3, "pk": "PLANS"}


def test_s3_2_the_expiry_of_a_call_carries_what_it_was_about(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        log_expiry("drs_call", 10, call="describe_jobs", circuit="drs/us-east-1")
    reported = {"operation": "drs_call", "limitSeconds": 10, "call": "describe_jobs", "circuit": "drs/us-east-1"}
    assert caplog.records[0].__dict__["expired"] == reported


def test_a_deadline_never_reaches_beyond_the_invocation() -> None:
    assert remaining() == math.inf
    with invocation(SimpleNamespace(get_remaining_time_in_millis=lambda: 4000)):
        assert 3.9 < remaining() <= 4
        assert 3.9 < Deadline("drs_read").seconds <= 4
        assert 0.9 < Deadline("drs_read", reserve=3).seconds <= 1
        assert Deadline("drs_read", reserve=5).over
        with ending_in(1):
            assert 0.9 < remaining() <= 1
        with ending_in(50):
            assert 3.9 < remaining() <= 4
    assert remaining() == math.inf


def test_whoever_calls_without_lambdas_context_has_all_the_time() -> None:
    with invocation(None):
        assert remaining() == math.inf
