"""Every class of outcome has its exit code."""

import errno
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Clock, Terminal
from tests.cli.fake_api import DRILL, RECOVERY, FakeApi, Fault, execution, left, problem, server, wave

from wavebreak.execution_utils import TERMINAL_STATUSES

ROOT = Path(__file__).parents[2]
OUTCOMES = {"COMPLETED": 0, "FAILED": 1, "CANCELLED": 1, "PARTIAL_SUCCESS": 2}


def test_every_terminal_status_is_an_outcome() -> None:
    assert set(OUTCOMES) == TERMINAL_STATUSES


@pytest.mark.parametrize(("status", "code"), OUTCOMES.items())
def test_watch_ends_with_the_outcome(api: FakeApi, wavebreak: Terminal, status: str, code: int) -> None:
    api.readings[DRILL] = [execution("IN_PROGRESS", []), execution(status, [])]
    assert wavebreak("watch", DRILL).exit_code == code


@pytest.mark.parametrize(("status", "code"), OUTCOMES.items())
def test_run_with_watch_ends_with_the_outcome(api: FakeApi, wavebreak: Terminal, status: str, code: int) -> None:
    api.answers["POST", "/drills"] = (202, execution("PENDING", []))
    api.readings[DRILL] = [execution("IN_PROGRESS", []), execution(status, [])]
    assert wavebreak("run", "three-tier", "--mode", "drill", "--watch").exit_code == code


def test_a_run_that_was_only_started_is_a_success(api: FakeApi, wavebreak: Terminal) -> None:
    api.answers["POST", "/drills"] = (202, execution("PENDING", []))
    outcome = wavebreak("run", "three-tier", "--mode", "drill", "--reason", "quarterly")
    assert outcome.exit_code == 0
    assert f"wavebreak watch {DRILL}" in outcome.out
    assert api.requests[-1].body == {"planId": "three-tier", "reason": "quarterly"}
    assert api.requests[-1].headers["idempotency-key"] == "key-1"


@pytest.mark.parametrize(
    ("termination", "code"),
    [
        ({"status": "COMPLETED", "terminated": 2, "remaining": []}, 0),
        ({"status": "INCOMPLETE", "terminated": 1, "remaining": [left("i-1")]}, 2),
        ({"status": "INCOMPLETE", "terminated": 1, "remaining": [], "unknown": [left("i-1")]}, 2),
        ({"status": "INCOMPLETE", "terminated": 0, "remaining": [left("i-1"), left("i-2")]}, 1),
    ],
)
def test_terminate_with_watch_ends_when_the_termination_does(
    api: FakeApi, wavebreak: Terminal, termination: dict[str, object], code: int
) -> None:
    waves = [wave(1, "database", "COMPLETED", [server(1), server(2)])]
    running = {"status": "IN_PROGRESS", "terminated": 0, "remaining": []}
    api.answers["POST", f"/executions/{DRILL}/terminate"] = (202, {})
    api.readings[DRILL] = [
        execution("COMPLETED", waves, termination=running),
        execution("COMPLETED", waves, termination=termination),
    ]
    assert wavebreak("terminate", DRILL, "--watch").exit_code == code
    assert len(api.requests) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["watch"],
        ["show", DRILL, "--nonsense"],
        ["run", "three-tier"],
        ["run", "three-tier", "--mode", "rehearsal"],
        ["approve", DRILL, "0"],
        ["executions", "--limit", "0"],
        ["show", ".."],
        ["plan", "apply", "no-such-file.yaml"],
        ["show", "\udcff"],
        ["executions", "--plan", "\udcff"],
        ["run", "three-tier", "--mode", "drill", "--reason", "\udcff"],
    ],
)
def test_wrong_usage_is_3_and_asks_nothing_of_the_api(api: FakeApi, wavebreak: Terminal, arguments: list[str]) -> None:
    outcome = wavebreak(*arguments)
    assert outcome.exit_code == 3
    assert outcome.err
    assert not outcome.out
    assert not api.requests


@pytest.mark.parametrize(("status", "code"), [(400, 3), (403, 3), (404, 3), (409, 3), (412, 3), (500, 4), (504, 4)])
def test_a_refused_call_is_3_and_a_failing_api_4(api: FakeApi, wavebreak: Terminal, status: int, code: int) -> None:
    api.faults = [Fault(status, problem(status, "SOME_CODE", "Title", "Detail"))] * 4
    outcome = wavebreak("show", DRILL)
    assert outcome.exit_code == code
    assert outcome.err == f"error: Title: Detail\n  code: SOME_CODE (HTTP {status})\n"


def test_an_api_that_cannot_be_reached_is_4(wavebreak: Terminal, clock: Clock) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: refuses
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        outcome = wavebreak("--api-url", url, "plan", "list")
    assert outcome.exit_code == 4
    assert "error: API unreachable" in outcome.err
    assert clock.slept == [0.5, 1.0, 2.0]


def test_an_answer_of_something_else_is_3(api: FakeApi, wavebreak: Terminal) -> None:
    api.faults = [Fault(200, "<html>hello</html>")]
    outcome = wavebreak("show", DRILL)
    assert outcome.exit_code == 3
    assert "is the address right?" in outcome.err


def test_no_credentials_are_3_and_say_what_to_set(
    api: FakeApi, wavebreak: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    outcome = wavebreak("show", DRILL)
    assert outcome.exit_code == 3
    assert "AWS_PROFILE" in outcome.err
    assert not api.requests


def test_ctrl_c_leaves_a_watch_with_130_and_the_execution_going_on(
    api: FakeApi, wavebreak: Terminal, clock: Clock
) -> None:
    clock.interrupt_at = 2
    api.readings[DRILL] = [execution("IN_PROGRESS", [])]
    outcome = wavebreak("watch", DRILL)
    assert outcome.exit_code == 130
    assert "The execution goes on." in outcome.err
    assert f"wavebreak cancel {DRILL}" in outcome.err
    assert {request.method for request in api.requests} == {"GET"}


def test_whoever_gets_no_answer_to_a_start_is_told_that_it_may_have_happened(
    api: FakeApi, wavebreak: Terminal, clock: Clock
) -> None:
    run = ("run", "three-tier", "--mode", "drill")
    output = "It may have been started all the same: see wavebreak executions --plan three-tier --limit 1"
    api.faults = [Fault(0)] * 4
    outcome = wavebreak(*run)
    assert (outcome.exit_code, output in outcome.err) == (4, True)
    clock.interrupt_at = len(clock.slept) + 1
    api.faults = [Fault(0)] * 4
    outcome = wavebreak(*run)
    assert (outcome.exit_code, output in outcome.err) == (130, True)
    outcome = wavebreak("--api-url", "http://127.0.0.1:9/v1", *run)
    assert (outcome.exit_code, output in outcome.err) == (4, False)


def test_whoever_starts_nothing_because_drs_is_down_is_told_that_nothing_was_started(
    api: FakeApi, wavebreak: Terminal
) -> None:
    down = problem(503, "UNAVAILABLE", "Temporarily unavailable", "A drill needs to look at DRS first", started=False)
    api.answers["POST", "/drills"] = (503, down)
    outcome = wavebreak("run", "three-tier", "--mode", "drill")
    assert outcome.exit_code == 4
    assert "Nothing was started." in outcome.err
    assert "may have been started" not in outcome.err


def test_ctrl_c_elsewhere_is_130_too(api: FakeApi, wavebreak: Terminal, clock: Clock) -> None:
    clock.interrupt_at = 1
    api.faults = [Fault(503)]
    assert wavebreak("show", DRILL).exit_code == 130


def test_a_recovery_needs_the_plans_id_of_a_person_or_of_confirm(api: FakeApi, wavebreak: Terminal) -> None:
    """Contract 9."""
    command = ("run", "three-tier", "--mode", "recovery")
    assert wavebreak(*command).exit_code == 3
    assert wavebreak(*command, "--confirm", "y").exit_code == 3
    assert not api.requests
    api.answers["POST", "/recoveries"] = (202, execution("PENDING", [], executionId=RECOVERY))
    assert wavebreak(*command, "--confirm", "three-tier").exit_code == 0
    assert [request.path for request in api.requests] == ["/recoveries"]


def test_a_recovery_preempts_drills_unless_told_not_to_and_says_what_it_is_warned_of(
    api: FakeApi, wavebreak: Terminal
) -> None:
    warned = [{"code": "PREEMPTED_DRILL", "message": f"Cancelled {DRILL} and took over the plan"}]
    answer = execution("PENDING", [], executionId=RECOVERY, warnings=warned)
    api.answers["POST", "/recoveries"] = (202, answer)
    outcome = wavebreak("run", "three-tier", "--mode", "recovery", "--confirm", "three-tier")
    assert outcome.exit_code == 0
    assert f"! the run  Cancelled {DRILL} and took over the plan" in outcome.out
    assert api.requests[-1].body == {"planId": "three-tier"}
    assert (
        wavebreak("run", "three-tier", "--mode", "recovery", "--confirm", "three-tier", "--no-preempt").exit_code == 0
    )
    assert api.requests[-1].body == {"planId": "three-tier", "preempt": False}
    count = len(api.requests)
    assert wavebreak("run", "three-tier", "--mode", "drill", "--no-preempt").exit_code == 3
    assert len(api.requests) == count


def test_terminating_a_recovery_asks_for_its_id(api: FakeApi, wavebreak: Terminal) -> None:
    api.answers["POST", f"/executions/{RECOVERY}/terminate"] = (202, {})
    wavebreak.typed = "another"
    assert wavebreak("terminate", RECOVERY).exit_code == 3
    assert {request.method for request in api.requests} == {"GET"}, "it is only looked at"
    wavebreak.typed = RECOVERY
    assert wavebreak("terminate", RECOVERY).exit_code == 0
    assert api.requests[-1].body == {"confirm": RECOVERY}


def test_a5_a_cancel_that_ends_the_servers_of_a_recovery_asks_for_its_id(api: FakeApi, wavebreak: Terminal) -> None:
    api.answers["POST", f"/executions/{RECOVERY}/cancel"] = (202, execution("CANCELLING", []))
    assert wavebreak("cancel", RECOVERY, "--then", "keep").exit_code == 0
    assert api.requests[-1].body == {"then": "KEEP"}, "what keeps the servers needs no confirmation"
    wavebreak.typed = "recovery"
    assert wavebreak("cancel", RECOVERY, "--then", "terminate").exit_code == 3
    assert wavebreak("cancel", RECOVERY, "--then", "terminate", "--confirm", DRILL).exit_code == 3
    assert [request.method for request in api.requests] == ["POST", "GET"], "it is only looked at"
    wavebreak.typed = RECOVERY
    assert wavebreak("cancel", RECOVERY, "--then", "terminate").exit_code == 0
    assert api.requests[-1].body == {"then": "TERMINATE", "confirm": RECOVERY}
    wavebreak.typed = None
    assert wavebreak("cancel", RECOVERY, "--then", "terminate", "--confirm", RECOVERY).exit_code == 0
    assert api.requests[-1].body == {"then": "TERMINATE", "confirm": RECOVERY}


def test_without_a_person_the_api_judges_the_missing_confirmation(api: FakeApi, wavebreak: Terminal) -> None:
    refusal = problem(400, "CONFIRMATION_REQUIRED", "Confirmation required", "confirm must be the id")
    api.answers["POST", f"/executions/{RECOVERY}/terminate"] = (400, refusal)
    outcome = wavebreak("terminate", RECOVERY)
    assert outcome.exit_code == 3
    assert "hint: repeat the id of the execution with --confirm ID" in outcome.err


def test_a_fault_of_the_command_itself_never_reads_as_an_outcome(api: FakeApi, wavebreak: Terminal) -> None:
    api.readings[DRILL] = [{**execution("IN_PROGRESS", []), "waves": 5}]
    outcome = wavebreak("show", DRILL)
    assert outcome.exit_code == 4
    assert "Traceback" in outcome.err


def test_a_reader_that_goes_away_never_reads_as_an_outcome(api: FakeApi, wavebreak: Terminal) -> None:
    def gone(_seconds: float) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    api.readings[DRILL] = [execution("IN_PROGRESS", [])]
    wavebreak.clock.sleep = gone  # type: ignore[method-assign,assignment]  # stands for the write that fails
    assert wavebreak("watch", DRILL).exit_code == 141


def test_help_is_0_and_loads_neither_boto_nor_the_http_client() -> None:
    program = (
        "import sys; from wavebreak_cli.main import invoke; from wavebreak_cli.session import Environment; "
        "code = invoke(['--help'], Environment()); "
        "heavy = {'boto3', 'botocore', 'httpx', 'pydantic', 'yaml'} & set(sys.modules); "
        "sys.exit(f'{code} {heavy}' if code or heavy else 0)"
    )
    path = {"PYTHONPATH": f"{ROOT / 'cli'}:{ROOT / 'lambda'}"}
    done = subprocess.run([sys.executable, "-c", program], env=path, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    assert (done.returncode, done.stderr) == (0, "")
    assert "Recover servers" in done.stdout
