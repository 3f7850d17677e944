"""What is refused is refused before any work: nothing is stored, and SSM is asked nothing."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from tests.support.blueprint import REGION
from tests.support.commands import Commands
from tests.support.plans import plan, server, wave

from wavebreak.domain.commands.catalogue import COMMAND_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.stack import Stack

SSM = {"SendCommand", "GetCommandInvocation", "ListCommandInvocations", "CancelCommand", "DescribeInstanceInformation"}
ABSENT = "drill-01kahpq7800000000000000000"


@pytest.fixture(scope="module")
def recovered(shared_stack: Stack) -> tuple[Commands, str]:
    commands = Commands(shared_stack)
    launched = commands.launched(3)
    shared_stack.comes_to_rest()
    return commands, launched


@pytest.fixture(scope="module")
def finished(recovered: tuple[Commands, str]) -> str:
    commands, execution_id = recovered
    ran = str(commands.run("status", executionId=execution_id)["commandId"])
    commands.stack.comes_to_rest()
    return ran


@pytest.fixture(scope="module")
def watched(recovered: tuple[Commands, str]) -> str:
    commands, execution_id = recovered
    commands.answers(1, "watch", stdout="one\ntwo\n")
    ran = str(commands.run("watch", executionId=execution_id, targets=[server(1)])["commandId"])
    commands.stack.comes_to_rest()
    return ran


@pytest.fixture
def refusing(recovered: tuple[Commands, str]) -> Iterator[tuple[Commands, str]]:
    """See that whatever is asked for is refused without a trace."""
    commands, _ = recovered

    def traces() -> tuple[list[Any], int, int]:
        asked = [call for call in commands.stack.control.calls() if call["operation"] in SSM]
        return commands.stack.items(), len(commands.stack.runs("command")), len(asked)

    before = traces()
    yield recovered
    assert traces() == before


@pytest.mark.parametrize("name", ["reboot", "Status", "", "query ", "fix_config", "; rm -rf /"])
def test_s1_14_an_unsupported_command_lists_the_seven(refusing: tuple[Commands, str], name: str) -> None:
    commands, execution_id = refusing
    answer = commands.ask(name, executionId=execution_id)
    assert (answer.status, answer.code) == (400, "UNSUPPORTED_COMMAND")
    assert answer.json["supported"] == list(COMMAND_NAMES)


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"targets": []}, "/targets"),
    ({"targets": ["x"] * 4001}, "/targets"),
    ({"targets": [server(1), server(9)]}, "/targets/1"),
    ({"targets": ["i-00000000000000000"]}, "/targets/0"),
    ({"targets": [server(1), server(1)]}, "/targets/1"),
    ({"targets": ["x" * 257]}, "/targets/0"),
    ({"targets": [7]}, "/targets/0"),
    ({"args": ["a\0b"]}, "/args/0"),
    ({"args": ["\ud800"]}, "/args/0"),
    ({"args": ["x"] * 21}, "/args"),
    ({"args": ["ok", "x" * 257]}, "/args/1"),
    ({"args": "status"}, "/args"),
    ({"args": [1]}, "/args/0"),
    ({"timeoutSeconds": 0}, "/timeoutSeconds"),
    ({"timeoutSeconds": 172_801}, "/timeoutSeconds"),
    ({"timeoutSeconds": True}, "/timeoutSeconds"),
    ({"limit": -1}, "/limit"),
    ({"stopOnFailure": "yes"}, "/stopOnFailure"),
    ({"shell": "/bin/sh"}, "/shell"),
]


@pytest.mark.parametrize(
    ("body", "pointer"), BAD, ids=[f"{number}{pointer}" for number, (_, pointer) in enumerate(BAD)]
)
def test_s1_9_bad_requests_are_refused_where_they_are_wrong(
    refusing: tuple[Commands, str], body: dict[str, Any], pointer: str
) -> None:
    commands, execution_id = refusing
    asked = body if not body or "targets" in body else {**body, "executionId": execution_id}
    answer = commands.ask("status", **asked)
    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED"), answer
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


@pytest.mark.parametrize("name", ["s-1", "i-1", "s-111111111111111111", "s-11111111111111111\n", "db-1"])
def test_b3_what_can_be_no_server_is_refused_before_drs_is_asked(refusing: tuple[Commands, str], name: str) -> None:
    commands, _ = refusing
    recorded, calls = len(commands.stack.error_items()), len(commands.stack.control.calls())
    answer = commands.ask("status", targets=[server(1), name])
    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    [fault] = answer.json["errors"]
    assert fault["pointer"] == "/targets/1"
    assert "is no server's id: s- or i- and 17 letters or digits" in fault["message"]
    assert len(commands.stack.error_items()) == recorded, "a slip of the hand is no fault of a dependency"
    assert len(commands.stack.control.calls()) == calls


def test_every_bad_target_is_named_at_once(refusing: tuple[Commands, str]) -> None:
    commands, execution_id = refusing
    names = [server(8), server(1), server(9), commands.instance(1)]
    answer = commands.ask("status", executionId=execution_id, targets=names)
    found = {error["pointer"]: error["message"] for error in answer.json["errors"]}
    assert found.keys() == {"/targets/0", "/targets/2", "/targets/3"}
    assert server(1) in found["/targets/3"]


@pytest.mark.parametrize("name", [ABSENT, "drill-x", "../META", ""])
def test_an_execution_that_is_none_is_not_found(refusing: tuple[Commands, str], name: str) -> None:
    commands, _ = refusing
    answer = commands.ask("status", executionId=name)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("name", ["cmd-01kahpq7800000000000000000", "cmd-x", "META"])
@pytest.mark.parametrize("rest", ["", "/results", "/lines", "/cancel"])
def test_a_run_that_is_none_is_not_found(refusing: tuple[Commands, str], name: str, rest: str) -> None:
    commands, _ = refusing
    cancels = rest == "/cancel"
    answer = commands.stack.api("POST" if cancels else "GET", f"/commands/{name}{rest}", {} if cancels else None)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "1001"}, {"nextToken": "x"}, {"page": "2"}])
@pytest.mark.parametrize("rest", ["results", "lines"])
def test_bad_queries_of_lists_are_refused(
    recovered: tuple[Commands, str], finished: str, rest: str, query: dict[str, str]
) -> None:
    answer = recovered[0].stack.api("GET", f"/commands/{finished}/{rest}", query=query)
    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")


def token(**content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "hostile",
    [
        token(to=float("inf"), done=[], at={}),
        token(to=float("nan"), done=[], at={}),
        token(to=10**400, done=[], at={}),
        token(to=-1, done=[], at={}),
        token(to=1.5, done=[], at={}),
        token(to=True, done=[], at={}),
        token(to="1", done=[], at={}),
        token(to=None, done=[], at={}),
        token(to=0, done=[float("inf")], at={}),
        token(to=0, done=[[1]], at={}),
        token(to=0, done={"a": 1}, at={}),
        token(to=0, done=5, at={}),
        token(to=0, done=[], at=[]),
        token(to=0, done=[], at={"1": 5}),
        token(to=0, done=[], at={"x": "y"}),
        token(to=0, done=[], at={"99999": "y"}),
        token(to=0, done=[], at={"1": "no token of the service"}),
        base64.urlsafe_b64encode(b"[" * 5000).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_a17_a_token_of_lines_that_is_none_is_400_and_no_error(
    recovered: tuple[Commands, str], watched: str, hostile: str
) -> None:
    stack = recovered[0].stack
    answer = stack.api("GET", f"/commands/{watched}/lines", query={"nextToken": hostile})
    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED"), answer
    assert stack.api("GET", "/errors", query={"severity": "ERROR"}).json["items"] == []


def test_targets_alone_find_their_execution_and_those_of_several_are_refused(recovered: tuple[Commands, str]) -> None:
    commands, first = recovered
    second = commands.launched(1, first=11)

    run = commands.run("status", targets=[commands.instance(11)])
    assert (run["executionId"], run["status"]) == (second, "COMPLETE_SUCCESS")
    assert [one["target"] for one in commands.results(run["commandId"])] == [commands.instance(11)]

    answer = commands.ask("status", targets=[server(1), server(11)])
    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    assert first in answer.body
    assert second in answer.body


def test_an_instance_that_somebody_else_launched_is_refused(recovered: tuple[Commands, str]) -> None:
    commands, _ = recovered
    commands.stack.put_servers([server(21)])
    drs = boto3.client("drs", region_name=REGION)
    drs.start_recovery(sourceServers=[{"sourceServerID": server(21)}], isDrill=True)
    commands.stack.clock.forward(60)
    for name in (server(21), commands.instance(21)):
        answer = commands.ask("status", targets=[name])
        assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    assert commands.instance(21) not in commands.sent_to()


def test_an_execution_without_a_launched_instance_is_refused(recovered: tuple[Commands, str]) -> None:
    commands, _ = recovered
    commands.stack.put_servers([server(31)], launchResult="FAILED")
    execution_id = commands.stack.start(plan(wave("only", 31), plan_id="fails"))
    assert commands.stack.ended(execution_id)["status"] == "FAILED"
    answer = commands.ask("status", executionId=execution_id)
    assert (answer.status, answer.code) == (409, "INVALID_STATE")
    named = commands.ask("status", executionId=execution_id, targets=[server(31)])
    assert (named.status, named.code) == (400, "VALIDATION_FAILED")
