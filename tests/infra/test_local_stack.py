"""A local stack of its own, with the real build and the real deployment: some seconds, once."""

import json
import os
import signal
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.support.eventually import eventually
from tests.support.manners import seed
from tools.local_stack import deployment, processes
from tools.local_stack.__main__ import status, up
from tools.local_stack.first_minutes import add_example_servers, example_servers, next_commands
from tools.local_stack.ssm_documents import documents
from tools.local_stack.stack import LocalStack, Ports, StackError, _Record, configured
from tools.template import ROOT

from drs_simulator.client import SimulatorControl

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/execute-api/aws4_request"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    stack = LocalStack(tmp_path_factory.mktemp("stack"), Ports.free(), 0.1, seed=seed())
    stack.start()
    yield stack
    stack.stop()


def record_of(stack: LocalStack) -> _Record:
    record = _Record.read(stack.directory / "processes.json")
    assert record is not None
    return record


def call(stack: LocalStack, method: str, path: str, headers: dict[str, str]) -> tuple[int, str, dict[str, Any]]:
    description = stack.status()
    assert description is not None
    api = urlsplit(description["apiUrl"])
    connection = HTTPConnection(api.hostname or "", api.port, timeout=30)
    try:
        connection.request(method, api.path + path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], json.loads(answer.read())
    finally:
        connection.close()


def test_description_has_the_contracts_form(stack: LocalStack) -> None:
    description = json.loads((stack.directory / "stack.json").read_text())
    assert description == stack.status()
    assert list(description) == [
        *(
            "apiUrl",
            "region",
            "endpointUrl",
            "simulatorUrl",
            "stateMachineArns",
            "tableName",
            "topicArn",
            "credentials",
        ),
    ]
    assert list(description["stateMachineArns"]) == ["recovery", "termination", "command", "step"]
    assert str(description["stateMachineArns"]["command"]).endswith(":stateMachine:wavebreak-command")
    assert description["endpointUrl"] == f"http://127.0.0.1:{stack.ports.emulator}"
    assert description["simulatorUrl"] == f"http://127.0.0.1:{stack.ports.simulator}"
    assert description["credentials"] == {"accessKeyId": "test", "secretAccessKey": "test"}


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/plans", {}),
        ("GET", "/nothing", SIGNED),
        ("PATCH", "/plans", SIGNED),
    ],
    ids=["unsigned", "unknown route", "unknown method"],
)
def test_what_the_gateway_refuses_is_a_problem_document(
    stack: LocalStack, method: str, path: str, headers: dict[str, str]
) -> None:
    status, kind, document = call(stack, method, path, headers)
    assert (status, kind) == (403, "application/problem+json")
    assert (document["status"], document["code"]) == (403, "FORBIDDEN")


def test_a_function_answers_behind_the_api(stack: LocalStack) -> None:
    status, _, document = call(stack, "GET", "/plans", SIGNED)
    assert (status, document) == (200, {"items": [], "nextToken": None})


def test_the_simulator_has_the_command_documents(stack: LocalStack) -> None:
    ssm = deployment.Emulator(stack.ports.simulator).client("ssm")
    for name in documents():
        # A document that is not there would be refused before the instance.
        with pytest.raises(ssm.exceptions.InvalidInstanceId):
            ssm.send_command(InstanceIds=["i-00000000000000000"], DocumentName=name)
    ssm.close()


def test_starting_again_is_quick_and_keeps_what_runs(stack: LocalStack) -> None:
    before, description = record_of(stack), stack.status()
    begin = time.monotonic()
    assert LocalStack(stack.directory, stack.ports, stack.time_scale, seed=seed()).start() == description
    assert time.monotonic() - begin < 5
    assert record_of(stack) == before


def test_a_dead_emulator_is_noticed_and_the_stack_comes_up_again(stack: LocalStack) -> None:
    before = record_of(stack)
    os.kill(before.emulator.pid, signal.SIGKILL)
    eventually(lambda: not before.emulator.is_alive(), complaint="the emulator lives")
    assert stack.status() is None
    stack.start()
    after = record_of(stack)
    assert after.emulator != before.emulator
    assert not before.simulator.is_alive()
    assert stack.status() is not None


def test_a_failed_start_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = LocalStack(tmp_path, Ports.free(), 1)
    monkeypatch.setattr(stack, "_deploy", lambda _record: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        stack.start()
    assert not (tmp_path / "processes.json").exists()
    assert processes.port_is_free(stack.ports.emulator)


def test_f2_the_servers_of_the_examples_are_there_and_those_that_are_stay_as_they_are(stack: LocalStack) -> None:
    url = f"http://127.0.0.1:{stack.ports.simulator}"
    control = SimulatorControl(url)
    first = next(example_servers())[0]
    control.put_source_server(first, hostname="mine")
    assert add_example_servers(url) == len(list(example_servers())) - 1
    hosts = {
        server["sourceServerID"]: server["sourceProperties"]["identificationHints"]["hostname"]
        for server in control.state()["sourceServers"]
    }
    assert hosts[first] == "mine"
    assert {one[0] for one in example_servers()} <= hosts.keys()
    assert add_example_servers(url) == 0


def test_f27_the_status_is_told_in_words_or_as_json(stack: LocalStack, capsys: pytest.CaptureFixture[str]) -> None:
    description = stack.status()
    assert description is not None
    assert status(stack, as_json=False) == 0
    reported = capsys.readouterr().out
    assert reported.startswith(
        f"The local stack is up, time scale {stack.time_scale:g}.\n  API        {description['apiUrl']}"
    )
    assert "{" not in reported
    assert status(stack, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == description


def test_f27_a_stack_that_is_not_up_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(LocalStack(tmp_path, Ports(1, 2), 1), as_json=False) == 1
    assert capsys.readouterr().out == "No local stack is up: make up\n"
    assert status(LocalStack(tmp_path, Ports(1, 2), 1), as_json=True) == 1
    assert json.loads(capsys.readouterr().out) is None


def test_b8_a_stack_that_runs_with_other_settings_is_not_ended_unasked(stack: LocalStack) -> None:
    assert stack.would_end() is None
    other = LocalStack(stack.directory, stack.ports, 0.5)
    reported = f"WAVEBREAK_TIME_SCALE {stack.time_scale:g}, not 0.5"
    assert other.would_end() == reported
    variables = {
        "WAVEBREAK_PORT": str(stack.ports.emulator),
        "WAVEBREAK_SIMULATOR_PORT": str(stack.ports.simulator),
        "WAVEBREAK_TIME_SCALE": "0.5",
    }
    with pytest.raises(StackError, match=f"a local stack is up with {reported}"):
        up(configured(variables, stack.directory), forced=False)
    assert stack.status() is not None
    assert LocalStack(stack.directory, Ports(1, 2), stack.time_scale).would_end() == (
        f"ports {stack.ports.emulator} and {stack.ports.simulator}"
    )


def test_f1_the_next_commands_name_the_command_as_it_is_found() -> None:
    assert [line.split()[1:3] for line in next_commands()] == [
        ["plan", "apply"],
        ["run", "three-tier"],
        ["terminate", "latest"],
    ]
    assert (ROOT / next_commands()[0].split()[-1]).is_file()


def test_stopping_ends_everything_once(stack: LocalStack) -> None:
    record = record_of(stack)
    assert stack.stop()
    assert not record.emulator.is_alive()
    assert not record.simulator.is_alive()
    assert not (stack.directory / "stack.json").exists()
    assert not stack.stop()
