"""The HTTP client: what it sends, what it sends again, and what it makes of the answers."""

import re
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.cli.conftest import Clock, Terminal
from tests.cli.fake_api import DRILL, FakeApi, Fault, Request, execution, problem

UNAVAILABLE = Fault(503, problem(503, "UNAVAILABLE", "Unavailable", "try again"))


def _signature(api: FakeApi, request: Request, url: str, body: bytes) -> str:
    """Sign a request as the server would to check it."""
    names = re.search(r"SignedHeaders=([^,]+)", request.headers["authorization"])
    assert names
    headers = {name: request.headers[name] for name in names[1].split(";")}
    again = AWSRequest(
        method=request.method, url=urlsplit(api.url)._replace(path="").geturl() + url, data=body, headers=headers
    )
    again.context["timestamp"] = request.headers["x-amz-date"]
    auth = SigV4Auth(Credentials("AKIDEXAMPLE", "secret"), "execute-api", "eu-central-1")
    return str(auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again))


def test_calls_are_signed_for_execute_api_as_they_are_sent(api: FakeApi, wavebreak: Terminal) -> None:
    api.answers["POST", f"/executions/{DRILL}/pause"] = (202, {})
    assert wavebreak("pause", DRILL, "--reason", "tea").exit_code == 0
    request = api.requests[0]
    authorization = request.headers["authorization"]
    date = request.headers["x-amz-date"][:8]
    scope = f"{date}/eu-central-1/execute-api/aws4_request"
    assert authorization.startswith(f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders=")
    assert "host" in authorization
    expected = _signature(api, request, f"/v1/executions/{DRILL}/pause", b'{"reason": "tea"}')
    assert authorization.endswith(f"Signature={expected}")


def test_odd_ids_are_escaped_as_one_segment(api: FakeApi, wavebreak: Terminal) -> None:
    wavebreak("command", "--follow", "a/../b?c#d e")
    assert api.requests[0].path == "/commands/a/../b?c#d e"
    assert api.requests[0].query == {}


def test_a_read_is_repeated_after_503_and_waits_as_asked(api: FakeApi, wavebreak: Terminal, clock: Clock) -> None:
    api.faults = [UNAVAILABLE, Fault(503, UNAVAILABLE.body, {"Retry-After": "3"}), Fault(0)]
    api.readings[DRILL] = [execution("COMPLETED", [])]
    assert wavebreak("show", DRILL).exit_code == 0
    assert clock.slept == [0.5, 3.0, 2.0]


def test_nobody_is_made_to_wait_for_long(api: FakeApi, wavebreak: Terminal, clock: Clock) -> None:
    api.faults = [Fault(503, UNAVAILABLE.body, {"Retry-After": "3600"})]
    api.readings[DRILL] = [execution("COMPLETED", [])]
    wavebreak("show", DRILL)
    assert clock.slept == [10.0]


def test_a_start_whose_answer_was_lost_is_repeated_under_its_key(api: FakeApi, wavebreak: Terminal) -> None:
    busy = Fault(409, problem(409, "IDEMPOTENCY_CONFLICT", "Conflict", "the first is still running"))
    api.faults = [Fault(0), busy]
    api.answers["POST", "/drills"] = (202, execution("PENDING", []))
    assert wavebreak("run", "three-tier", "--mode", "drill").exit_code == 0
    assert [request.headers["idempotency-key"] for request in api.requests] == ["key-1"] * 3


def test_a_conflict_of_the_first_call_is_told(api: FakeApi, wavebreak: Terminal) -> None:
    api.answers["POST", "/drills"] = (409, problem(409, "PLAN_BUSY", "Plan busy", f"{DRILL} runs"))
    assert wavebreak("run", "three-tier", "--mode", "drill").exit_code == 3
    assert len(api.requests) == 1


@pytest.mark.parametrize("arguments", [["retry", DRILL, "2"], ["plan", "delete", "three-tier"]])
def test_a_write_without_a_key_is_never_repeated(api: FakeApi, wavebreak: Terminal, arguments: list[str]) -> None:
    api.faults = [Fault(0)]
    assert wavebreak(*arguments).exit_code == 4
    assert len(api.requests) == 1


def test_a_throttled_write_is_repeated(api: FakeApi, wavebreak: Terminal) -> None:
    api.faults = [Fault(429, problem(429, "THROTTLED", "Too many requests", "slower"))]
    api.answers["POST", f"/executions/{DRILL}/waves/2/skip"] = (202, execution("IN_PROGRESS", []))
    outcome = wavebreak("skip", DRILL, "2")
    assert (outcome.exit_code, outcome.out) == (0, "✓ skip accepted, now IN PROGRESS\n")


def test_errors_of_api_gateway_itself_are_readable(api: FakeApi, wavebreak: Terminal) -> None:
    api.faults = [Fault(403, '{"message": "The security token is expired"}')]
    outcome = wavebreak("show", DRILL)
    assert outcome.err.startswith("error: Forbidden: The security token is expired\n")


def test_every_fault_of_a_refusal_is_listed(api: FakeApi, wavebreak: Terminal) -> None:
    errors = [{"pointer": "/reason", "message": "is too long"}, {"pointer": "/then", "message": "[red]unknown\x1b[0m"}]
    refused = problem(400, "VALIDATION_FAILED", "The request is not valid", "2 errors", errors=errors)
    api.answers["POST", f"/executions/{DRILL}/cancel"] = (400, refused)
    assert wavebreak("cancel", DRILL).err == (
        "error: The request is not valid: 2 errors\n"
        "  --reason: is too long\n"
        "  --then: [red]unknown\\x1b[0m\n"
        "  code: VALIDATION_FAILED (HTTP 400)\n"
    )


def test_json_puts_the_problem_document_on_standard_error(api: FakeApi, wavebreak: Terminal) -> None:
    outcome = wavebreak("--json", "show", "drill-unknown")
    assert (outcome.exit_code, outcome.out) == (3, "")
    assert '"code": "NOT_FOUND"' in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert len(api.requests) == 1


@pytest.mark.parametrize(
    ("arguments", "path", "body"),
    [
        (["cancel", DRILL, "--then", "terminate"], f"/executions/{DRILL}/cancel", {"then": "TERMINATE"}),
        (["pause", DRILL], f"/executions/{DRILL}/pause", {}),
        (["resume", DRILL, "--reason", "r"], f"/executions/{DRILL}/resume", {"reason": "r"}),
        (["approve", DRILL, "2"], f"/executions/{DRILL}/waves/2/approve", {}),
        (["reject", DRILL, "2"], f"/executions/{DRILL}/waves/2/reject", {}),
        (["retry", DRILL, "2"], f"/executions/{DRILL}/waves/2/retry", {}),
        (["skip", DRILL, "2"], f"/executions/{DRILL}/waves/2/skip", {}),
    ],
)
def test_steering_is_one_call(
    api: FakeApi, wavebreak: Terminal, arguments: list[str], path: str, body: dict[str, str]
) -> None:
    api.answers["POST", path] = (202, execution("IN_PROGRESS", []))
    assert wavebreak(*arguments).exit_code == 0
    assert [(request.path, request.body) for request in api.requests] == [(path, body)]
