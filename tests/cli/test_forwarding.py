"""`wavebreak command`: exit codes, what is refused, what is asked of the API, and what Ctrl-C leaves."""

import json
import socket

import pytest
from tests.cli.conftest import Clock, Terminal, lines
from tests.cli.fake_api import COMMAND, DRILL, FakeApi, Fault, problem, run_reading
from tests.cli.run_stories import BAD, GOOD, LATE, ON_DRILL, started, story

from wavebreak.domain.commands.catalogue import COMMAND_NAMES
from wavebreak.domain.commands.summary import RunStatus

OUTCOMES = {
    RunStatus.COMPLETE_SUCCESS: {1: GOOD, 3: LATE},
    RunStatus.COMPLETE_FAILURE: {1: BAD},
    RunStatus.PARTIAL_SUCCESS: {1: GOOD, 2: BAD},
}


@pytest.mark.parametrize("status", list(RunStatus))
@pytest.mark.parametrize("more", [(), ("--json",), ("--combined",)])
def test_the_exit_code_is_that_of_the_run(
    api: FakeApi, wavebreak: Terminal, status: RunStatus, more: tuple[str, ...]
) -> None:
    results = OUTCOMES[status]
    started(api, len(results))
    api.runs = [run_reading(dict(enumerate(results.values(), start=1)), len(results), over=True)]
    assert wavebreak("command", "status", *ON_DRILL, *more).exit_code == status.exit_code
    assert wavebreak("command", "--follow", COMMAND, *more).exit_code == status.exit_code


def test_s1_14_an_unsupported_command_is_3_before_any_call_and_lists_the_seven(
    api: FakeApi, wavebreak: Terminal
) -> None:
    for name in ("reboot", "Status", "status ", "rm -rf"):
        outcome = wavebreak("command", name, *ON_DRILL)
        assert (outcome.exit_code, outcome.out) == (3, "")
        assert f"Supported commands: {', '.join(COMMAND_NAMES)}" in outcome.err
        assert "code: UNSUPPORTED_COMMAND\n" in outcome.err
    output = json.loads(wavebreak("command", "reboot", *ON_DRILL, "--json").err)
    assert (output["code"], output["supported"]) == ("UNSUPPORTED_COMMAND", list(COMMAND_NAMES))
    assert not api.requests


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("status",),
        ("status", "--targets", ""),
        ("status", "--targets", " , ", *ON_DRILL),
        ("status", *ON_DRILL, "--timeout", "0"),
        ("status", *ON_DRILL, "--timeout", "soon"),
        ("query", *ON_DRILL, "--limit", "-1"),
        ("query", *ON_DRILL, "--limit", "1001"),
        ("status", *ON_DRILL, "--nonsense"),
        ("status", *ON_DRILL, "--json", "--combined"),
        ("status", "--follow", COMMAND),
        ("--follow", COMMAND, "--cancel", COMMAND),
        ("--cancel", COMMAND, *ON_DRILL),
        ("--follow", ".."),
        ("query", "a\0b", *ON_DRILL),
        ("query", "a" * 257, *ON_DRILL),
        ("query", *["a"] * 21, *ON_DRILL),
        ("reboot", "--execution", "latest"),
        ("--execution", "latest"),
        ("query", "a\0b", "--execution", "latest"),
        ("status", "--targets", "", "--execution", "latest"),
        ("status", "--execution", "latest", "--json", "--combined"),
        ("--cancel", COMMAND, "--execution", "latest"),
    ],
)
def test_wrong_usage_is_3_and_asks_nothing_of_the_api(
    api: FakeApi, wavebreak: Terminal, arguments: tuple[str, ...]
) -> None:
    outcome = wavebreak("command", *arguments)
    assert (outcome.exit_code, outcome.out) == (3, "")
    assert outcome.err
    assert not api.requests


def test_f16_a_command_goes_to_an_execution_named_by_its_beginning(api: FakeApi, wavebreak: Terminal) -> None:
    api.listed["/executions"] = [{"executionId": DRILL}]
    started(api, 1)
    api.runs = [run_reading({1: GOOD}, 1, over=True)]
    outcome = wavebreak("command", "status", "--execution", "drill")
    assert outcome.exit_code == 0
    assert f"({DRILL})" in outcome.err
    assert [request.body["executionId"] for request in api.requests if request.method == "POST"] == [DRILL]


def test_bad_arguments_are_told_each_where_it_is(api: FakeApi, wavebreak: Terminal) -> None:
    output = lines(wavebreak("command", "query", "fine", "a\0b", *ON_DRILL).err)
    assert output[1] == "  /args/1: must not hold a NUL character"
    assert not api.requests


@pytest.mark.parametrize(("status", "code"), [(400, 3), (404, 3), (409, 3), (500, 4), (503, 4)])
def test_a_refused_command_is_3_and_a_failing_api_4(api: FakeApi, wavebreak: Terminal, status: int, code: int) -> None:
    errors = [{"pointer": "/targets/0", "message": "is no server that this execution launched"}]
    api.faults = [Fault(status, problem(status, "SOME_CODE", "Title", "Detail", errors=errors))] * 4
    outcome = wavebreak("command", "status", "--targets", "s-9")
    assert (outcome.exit_code, outcome.out) == (code, "")
    assert "/targets/0: is no server that this execution launched" in outcome.err


def test_an_api_that_cannot_be_reached_is_4(wavebreak: Terminal) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: refuses
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        assert wavebreak("--api-url", url, "command", "status", *ON_DRILL).exit_code == 4


def test_everything_given_is_asked_for_and_nothing_else(api: FakeApi, wavebreak: Terminal) -> None:
    started(api)
    api.runs = [run_reading({}, 0, over=True)]
    given = ("--targets", "s-1, s-2", "--targets", "i-3", "--timeout", "5", "--limit", "0", "--stop-on-failure")
    wavebreak("command", "query", *given, *ON_DRILL, "--", "--since", "; touch x")
    request = api.requests[0]
    assert request.body == {
        "command": "query",
        "args": ["--since", "; touch x"],
        "targets": ["s-1", "s-2", "i-3"],
        "executionId": DRILL,
        "timeoutSeconds": 5,
        "limit": 0,
        "stopOnFailure": True,
    }
    assert request.headers["idempotency-key"] == "key-1"
    wavebreak("command", "status", *ON_DRILL)
    posted = [request.body for request in api.requests if request.method == "POST"]
    assert posted[1:] == [{"command": "status", "executionId": DRILL}]


def test_ctrl_c_leaves_a_command_going_on_and_says_how_to_cancel_it(
    api: FakeApi, wavebreak: Terminal, clock: Clock
) -> None:
    story(api)
    clock.interrupt_at = 1
    outcome = wavebreak("command", "status", *ON_DRILL)
    assert outcome.exit_code == 130
    assert f"wavebreak command --follow {COMMAND}" in outcome.err
    assert f"wavebreak command --cancel {COMMAND}" in outcome.err
    assert [request.path for request in api.requests if request.method == "POST"] == ["/commands"]


def test_ctrl_c_before_the_api_answered_says_that_the_command_may_run(
    api: FakeApi, wavebreak: Terminal, clock: Clock
) -> None:
    clock.interrupt_at = 1
    api.faults = [Fault(503)]
    outcome = wavebreak("command", "status", *ON_DRILL)
    assert (outcome.exit_code, outcome.out) == (130, "")
    assert "the command may run" in outcome.err


def test_a_run_is_cancelled_by_its_id(api: FakeApi, wavebreak: Terminal) -> None:
    path = f"/commands/{COMMAND}/cancel"
    api.answers["POST", path] = (202, {"commandId": COMMAND, "status": "CANCELLING"})
    outcome = wavebreak("command", "--cancel", COMMAND)
    assert (outcome.exit_code, outcome.out) == (0, f"✓ {COMMAND} is CANCELLING\n")
    assert api.requests[0].headers["idempotency-key"] == "key-1"
    api.answers["POST", path] = (409, problem(409, "INVALID_STATE", "Not possible in this state", "it has ended"))
    assert wavebreak("command", "--cancel", COMMAND).exit_code == 3
