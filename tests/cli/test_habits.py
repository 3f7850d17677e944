"""The command line as hands know it: help, short and global options, ids by their beginning, failures in words."""

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import typer
from tests.cli.conftest import Terminal
from tests.cli.fake_api import DRILL, RECOVERY, FakeApi, Fault, execution, problem, server, wave
from tests.cli.test_documented_commands import fault, real_commands

from wavebreak_cli.arguments import arranged
from wavebreak_cli.commands.completion import complete_execution, complete_plan
from wavebreak_cli.examples import EXAMPLES
from wavebreak_cli.main import app

ROOT = Path(__file__).parents[2]
OTHER = "drill-01k000000000000000000000zz"


@pytest.mark.parametrize("words", [[], ["-h"], ["help"], ["help", "run"], ["run", "-h"], ["plan"], ["help", "plan"]])
def test_b10_help_is_asked_for_as_everywhere_and_flags_have_no_type(wavebreak: Terminal, words: list[str]) -> None:
    outcome = wavebreak(*words)
    assert outcome.exit_code == 0
    assert "Usage: wavebreak" in outcome.out
    assert "bool" not in outcome.out.lower()


def test_every_command_has_an_example_that_is_taken() -> None:
    named = {" ".join(path) for path in real_commands(typer.main.get_command(app))}
    assert set(EXAMPLES) == named
    for example in EXAMPLES.values():
        words = example.partition(" > ")[0].split()[1:]
        assert fault(words) is None, example


def test_help_of_a_command_ends_with_its_example(wavebreak: Terminal) -> None:
    assert "Example: wavebreak approve" in wavebreak("approve", "-h").out


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        (["plan", "list", "--region", "us-east-1"], ["--region", "us-east-1", "plan", "list"]),
        (["executions", "--stack=prod", "--debug"], ["--stack=prod", "--debug", "executions"]),
        (["--profile", "p", "show", "x"], ["--profile", "p", "show", "x"]),
        (["command", "query", "--", "--region", "x"], ["command", "query", "--", "--region", "x"]),
        (["show", "x", "--region"], ["--region", "show", "x"]),
    ],
)
def test_f15_global_options_stand_anywhere_before_two_dashes(typed: list[str], taken: list[str]) -> None:
    assert arranged(typed) == taken


def test_f15_the_region_behind_a_command_signs_it(api: FakeApi, wavebreak: Terminal) -> None:
    api.listed["/plans"] = []
    assert wavebreak("plan", "list", "--region", "us-west-2").exit_code == 0
    assert "/us-west-2/execute-api/" in api.requests[0].headers["authorization"]


def listed(api: FakeApi, *names: str) -> None:
    api.listed["/executions"] = [execution("COMPLETED", [], executionId=name) for name in names]
    for name in names:
        api.readings[name] = [execution("COMPLETED", [], executionId=name)]


@pytest.mark.parametrize(
    ("text", "meant"),
    [("latest", RECOVERY), ("recovery", RECOVERY), ("drill-01k000000000000000000000z", OTHER), (DRILL, DRILL)],
)
def test_f16_an_execution_is_named_by_a_beginning_or_as_the_latest(
    api: FakeApi, wavebreak: Terminal, text: str, meant: str
) -> None:
    listed(api, RECOVERY, OTHER, DRILL)
    outcome = wavebreak("show", text)
    assert outcome.exit_code == 0
    assert f"Execution: {meant}" in outcome.out
    assert (f"({meant})" in outcome.err) == (text != meant), "whoever named it otherwise sees which one it is"


def test_f16_a_beginning_that_fits_several_or_none_is_refused(api: FakeApi, wavebreak: Terminal) -> None:
    listed(api, RECOVERY, OTHER, DRILL)
    outcome = wavebreak("show", "drill")
    assert outcome.exit_code == 3
    assert f"drill begins the ids of 2 executions: {OTHER}, {DRILL}" in outcome.err
    assert wavebreak("show", "drill-zzz").exit_code == 3
    api.listed["/executions"] = []
    assert "there is no execution yet" in wavebreak("cancel", "latest").err


def test_f16_a_wave_is_named_by_its_number_or_name(api: FakeApi, wavebreak: Terminal) -> None:
    waves = [wave(1, "database", "COMPLETED", []), wave(2, "application", "AWAITING_APPROVAL", [])]
    api.readings[DRILL] = [execution("IN_PROGRESS", waves)]
    api.answers["POST", f"/executions/{DRILL}/waves/2/approve"] = (202, execution("IN_PROGRESS", waves))
    assert wavebreak("approve", DRILL, "application").exit_code == 0
    assert wavebreak("approve", DRILL, "2").exit_code == 0
    outcome = wavebreak("approve", DRILL, "app")
    assert outcome.exit_code == 3
    assert f"{DRILL} has no wave 'app'; it has database, application" in outcome.err


def test_f16_executions_and_plans_are_completed_and_a_silent_api_completes_nothing(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(api, RECOVERY, DRILL)
    api.listed["/plans"] = [{"plan": {"planId": "three-tier"}}, {"plan": {"planId": "shop"}}]
    assert complete_execution("drill") == [DRILL]
    assert complete_plan("") == ["three-tier", "shop"]
    api.answers["GET", "/plans"] = (503, problem(503, "UNAVAILABLE", "Unavailable", "not now"))
    api.requests.clear()
    assert complete_plan("") == []
    assert len(api.requests) == 1, "whoever presses Tab is not kept waiting"
    monkeypatch.setenv("WAVEBREAK_API_URL", "http://127.0.0.1:9/v1")
    assert complete_plan("") == []


def test_a_plan_is_shown_without_the_names_that_are_not_told_at_once(api: FakeApi, wavebreak: Terminal) -> None:
    content = {"planId": "p", "name": "P", "waves": [{"name": "w", "servers": [{"sourceServerId": f"s-{1:017}"}]}]}
    api.answers["GET", "/plans/p"] = (200, {"plan": content, "version": 1})
    api.answers["GET", "/executions"] = (503, problem(503, "UNAVAILABLE", "Unavailable", "not now"))
    outcome = wavebreak("plan", "show", "p")
    assert outcome.exit_code == 0
    assert f"s-{1:017}" in outcome.out
    assert [request.path for request in api.requests] == ["/plans/p", "/executions"]
    assert wavebreak.clock.slept == []


def test_quiet_prints_ids_alone(api: FakeApi, wavebreak: Terminal) -> None:
    listed(api, RECOVERY, DRILL)
    assert wavebreak("executions", "-q").out == f"{RECOVERY}\n{DRILL}\n"
    api.answers["POST", "/drills"] = (202, execution("PENDING", []))
    assert wavebreak("run", "three-tier", "--mode", "drill", "-q").out == f"{DRILL}\n"


def test_lists_are_narrowed_by_what_runs_and_since_when(api: FakeApi, wavebreak: Terminal) -> None:
    listed(api, DRILL)
    wavebreak("executions", "--active", "--since", "2d", "-n", "5")
    assert api.requests[-1].query == {"active": "true", "since": "2026-11-19T12:03:04.000Z", "limit": "5"}
    wavebreak("executions", "--since", "2026-11-21T10:00:00")
    assert api.requests[-1].query["since"] == "2026-11-21T10:00:00.000Z"
    wavebreak("executions", "--since", "2026-11-21T12:00:00+02:00")
    assert api.requests[-1].query["since"] == "2026-11-21T10:00:00.000Z"


@pytest.mark.parametrize("since", ["soon", "999999d", "999999w", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59-14:00"])
def test_a_time_that_is_none_is_a_wrong_setting(api: FakeApi, wavebreak: Terminal, since: str) -> None:
    outcome = wavebreak("executions", "--since", since)
    assert outcome.exit_code == 3
    assert f"{since!r} is no time: 2d, 12h" in outcome.err
    assert not api.requests


def test_lists_are_shown_again_as_they_change_until_ctrl_c(api: FakeApi, wavebreak: Terminal) -> None:
    listed(api, DRILL)
    wavebreak.clock.interrupt_at = 3
    outcome = wavebreak("executions", "-w")
    assert outcome.exit_code == 130
    assert outcome.out.count(DRILL) == 1, "what has not changed is not told again"
    assert len(api.requests) == 3


def test_what_runs_is_listed_with_its_owner_and_since_when(api: FakeApi, wavebreak: Terminal) -> None:
    api.listed["/executions"] = [
        {"executionId": RECOVERY, "instancesLeft": 1},
        {"executionId": DRILL, "instancesLeft": 2},
        {"executionId": OTHER, "instancesLeft": 0},
    ]
    recovered = [server(1, name="db-1"), server(2, ending="TERMINATED")]
    api.readings[RECOVERY] = [
        execution("COMPLETED", [wave(1, "db", "COMPLETED", recovered)], executionId=RECOVERY, mode="RECOVERY")
    ]
    drilled = [server(1, name="db-1"), server(3, name="web-1")]
    api.readings[DRILL] = [
        execution(
            "COMPLETED",
            [wave(1, "db", "COMPLETED", drilled)],
            leftSince="2026-11-21T11:00:00Z",
            lease={"expiresAt": "2026-11-21T15:00:00Z"},
        )
    ]
    wavebreak.width = 200
    output = wavebreak("instances").out
    assert "2 instances running" in output
    assert f" RECOVERY  {RECOVERY}  three-tier" in output
    assert "db-1  s-00000000000000001  i-00000000000000001" in output
    assert output.count("db-1") == 1, "of a server only the newest instance runs"
    assert "since 2026-11-21 11:00:00Z (1h 03m), until 2026-11-21 15:00:00Z, by arn:aws" in output
    document = json.loads(wavebreak("instances", "--json").out)
    assert [item["sourceServerId"] for item in document["items"]] == [f"s-{1:017}", f"s-{3:017}"]
    api.listed["/executions"] = []
    assert "nothing that was launched is left running" in wavebreak("instances").out


def test_whoami_says_where_calls_go_and_who_signs_them(
    api: FakeApi, wavebreak: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = "<Arn>arn:aws:iam::111122223333:user/ana</Arn><Account>111122223333</Account>"
    answer = f"<GetCallerIdentityResult>{identity}</GetCallerIdentityResult>"
    api.faults = [Fault(200, f"<GetCallerIdentityResponse>{answer}</GetCallerIdentityResponse>")]
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", api.url.removesuffix("/v1"))
    output = json.loads(wavebreak("whoami", "--json").out)
    assert output == {
        "stack": api.url,
        "apiUrl": api.url,
        "account": "111122223333",
        "region": "eu-central-1",
        "principal": "arn:aws:iam::111122223333:user/ana",
    }


def test_debug_tells_calls_times_and_request_ids(api: FakeApi, wavebreak: Terminal) -> None:
    api.faults = [Fault(200, {"items": []}, {"x-amzn-RequestId": "r-1"})]
    output = wavebreak("plan", "list", "--debug").err
    assert f"debug: GET {api.url}/plans?limit=1000: 200, request r-1, 0." in output
    assert "AKIDEXAMPLE" not in output


@pytest.mark.parametrize(
    ("refusal", "hint"),
    [
        (problem(409, "PLAN_BUSY", "Plan busy", "held", executionId=DRILL), f"hint: wavebreak watch {DRILL}"),
        (problem(409, "SERVER_BUSY", "Busy", "held", executionId=DRILL), f"to end it: wavebreak cancel {DRILL}"),
        (problem(404, "NOT_FOUND", "Not found", f"Execution {DRILL} has no wave '9'"), f"hint: wavebreak show {DRILL}"),
        (problem(404, "NOT_FOUND", "Not found", "no such"), "hint: wavebreak plan list, wavebreak executions"),
    ],
)
def test_f20_refusals_say_what_to_look_at_next(
    api: FakeApi, wavebreak: Terminal, refusal: dict[str, object], hint: str
) -> None:
    api.answers["POST", "/drills"] = (int(str(refusal["status"])), refusal)
    assert hint in wavebreak("run", "three-tier", "--mode", "drill").err


def test_f19_a_fault_that_the_headline_says_is_not_said_twice(api: FakeApi, wavebreak: Terminal) -> None:
    errors = [{"pointer": "/snapshots/s-1", "message": "is no server of this plan"}]
    refusal = problem(400, "VALIDATION_FAILED", "Invalid", "/snapshots/s-1: is no server of this plan", errors=errors)
    api.answers["POST", "/drills"] = (400, refusal)
    assert wavebreak("run", "p", "--mode", "drill").err.count("is no server of this plan") == 1


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT / 'cli'}:{ROOT / 'lambda'}"}


def test_no_foreign_exception_a_deleted_directory(api: FakeApi, tmp_path: Path) -> None:
    api.listed["/plans"] = []
    gone = tmp_path / "gone"
    gone.mkdir()
    line = f'cd {gone} && rmdir {gone} && exec "$0" -m wavebreak_cli plan list'
    done = subprocess.run(  # noqa: S603 - our own program
        ["/bin/bash", "-c", line, sys.executable], env=_environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


def test_no_plan_is_written_where_there_is_no_directory_any_more(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    line = f'cd {gone} && rmdir {gone} && exec "$0" -m wavebreak_cli plan new shop'
    done = subprocess.run(  # noqa: S603 - our own program
        ["/bin/bash", "-c", line, sys.executable], env=_environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, "the present directory was deleted, nothing was written" in done.stderr) == (3, True)


def test_whoami_tells_what_is_known_without_sts(api: FakeApi, wavebreak: Terminal) -> None:
    outcome = wavebreak("whoami")
    assert outcome.exit_code == 0
    output = " ".join(outcome.out.split())
    assert f"apiUrl {api.url}" in output
    assert "principal not known: " in output


def test_no_foreign_exception_an_expired_sso_session(
    api: FakeApi, wavebreak: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.listed["/plans"] = []
    sso = "sso_start_url = https://corp.awsapps.com/start\nsso_region = us-east-1\n"
    config = tmp_path / "config"
    config.write_text(f"[default]\n{sso}sso_account_id = 111122223333\nsso_role_name = ops\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    outcome = wavebreak("plan", "list")
    assert outcome.exit_code == 3
    assert "hint: aws sso login" in outcome.err


def test_a_clock_that_is_off_is_named(api: FakeApi, wavebreak: Terminal) -> None:
    theirs = datetime.now(UTC) + timedelta(minutes=20)
    refused = problem(403, "FORBIDDEN", "Forbidden", "Signature expired: 20261121T120000Z is now earlier")
    api.faults = [Fault(403, refused, {"Date": format_datetime(theirs, usegmt=True)})]
    output = wavebreak("plan", "list").err
    assert "this machine's clock is 20m" in output or "this machine's clock is 19m" in output
    assert "behind: set it" in output


@pytest.mark.parametrize(
    "words",
    [
        "The request signature we calculated does not match the signature you provided.",
        "The security token included in the request is invalid.",
        "Credential should be scoped to a valid region.",
        "User: arn:aws:iam::111122223333:user/ops is not authorized to perform: execute-api:Invoke",
        "Missing Authentication Token",
    ],
)
def test_t32_what_the_gateway_refuses_is_told_in_its_words_with_all_that_may_be_at_fault(
    api: FakeApi, wavebreak: Terminal, words: str
) -> None:
    """As the gateway itself answers, and as the stack's responses carry it."""
    for answer in ({"message": words}, problem(403, "FORBIDDEN", "Forbidden", words)):
        api.faults = [Fault(403, answer, {})]
        outcome = wavebreak("plan", "list")
        assert outcome.exit_code == 3
        assert " ".join(outcome.err.split()).count(words) == 1
        assert ("hint: check credentials, Region and permissions" in outcome.err) is ("code" in answer)


def test_a_proxy_that_is_not_there_is_told(wavebreak: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    outcome = wavebreak("--api-url", "https://recovery.example.com/v1", "plan", "list")
    assert outcome.exit_code == 4
    assert "Traceback" not in outcome.err


class _Refusing(BaseHTTPRequestHandler):
    """A proxy that wants to know who asks."""

    asked: ClassVar[list[str]] = []

    def do_CONNECT(self) -> None:
        """Refuse."""
        self.asked.append(self.path)
        self.send_response(407, "Proxy Authentication Required")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


def test_a_proxy_that_refuses_is_named(wavebreak: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        outcome = wavebreak("--api-url", "https://recovery.example.com/v1", "plan", "list")
        proxy.shutdown()
    assert outcome.exit_code == 4
    named = f"the proxy 127.0.0.1:{proxy.server_port}"
    assert f"https://recovery.example.com/v1: {named} refuses: 407 Proxy Authentication Required" in outcome.err
    assert _Refusing.asked == ["recovery.example.com:443"] * 4, "what never left is asked for again"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["list"], "did you mean wavebreak executions, or wavebreak plan list?"),
        (["status"], "did you mean wavebreak show latest?"),
        (["command", "query", "--since", "x"], "an argument that begins with - stands behind --"),
        (["command", "status", "s-aaa"], "did you mean --targets s-aaa?"),
        (["plan", "show", "../x"], "'../x' is no plan id"),
        (["run", "Shop", "--mode", "drill"], "'Shop' is no plan id"),
    ],
)
def test_f24_b10_what_is_not_taken_says_what_was_meant(
    api: FakeApi, wavebreak: Terminal, words: list[str], hint: str
) -> None:
    outcome = wavebreak(*words)
    assert outcome.exit_code == 3
    assert hint in outcome.err
    assert not api.requests


def test_b9_the_attempts_of_a_wave_are_told_with_their_time_and_reason(api: FakeApi, wavebreak: Terminal) -> None:
    known = [
        {"attempt": 1, "status": "FAILED", "startedAt": "2026-11-21T12:00:00.000Z", "error": "no capacity"},
        {"attempt": 2, "status": "COMPLETED", "startedAt": "2026-11-21T12:05:00.000Z", "error": None},
    ]
    ended = [{**one, "endedAt": f"2026-11-21T12:0{at}:11.000Z"} for at, one in zip((0, 5), known, strict=True)]
    api.readings[DRILL] = [execution("COMPLETED", [wave(1, "db", "COMPLETED", [server(1)], attempts=ended)])]
    rows = [" ".join(row.split()) for row in wavebreak("show", DRILL).out.splitlines()]
    assert "attempt 1: failed 11s 12:00:00Z: no capacity" in rows
    assert "attempt 2: completed 11s 12:05:00Z" in rows
