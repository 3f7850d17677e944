"""`wavebreak console` as a process: who gets in, what reaches the API, and how it ends (contract 14)."""

import http.client
import socket
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from tests.cli.console_process import Served, running
from tests.cli.fake_api import DRILL, FakeApi, Fault, problem

from wavebreak.domain.executions.audit_trail import event_hash
from wavebreak_cli.console.door import PAGE_POLICY

GUARDED = ["/", "/plans", "/assets/index.js", "/api/plans", "/local/session", f"/local/executions/{DRILL}/chain"]


@pytest.mark.parametrize("path", GUARDED)
def test_without_the_cookie_nothing_is_given_and_the_api_not_reached(served: Served, api: FakeApi, path: str) -> None:
    assert served.ask("GET", path).status == HTTPStatus.FORBIDDEN
    assert served.ask("GET", path, cookie="wavebreak-console-1=x").status == HTTPStatus.FORBIDDEN
    assert api.requests == []


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1"},
        {"host": "127.0.0.1:1"},
        {"host": None},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "sec_fetch_mode": "no-cors"},
    ],
    ids=str,
)
def test_foreign_requests_are_refused_even_with_the_cookie(
    inside: Served, api: FakeApi, headers: dict[str, Any]
) -> None:
    for method, path in (("GET", "/api/plans"), ("GET", "/"), ("POST", f"/api/executions/{DRILL}/cancel")):
        expected = {HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST} if headers.get("host", "") is None else {403}
        assert inside.ask(method, path, **headers).status in expected
    assert api.requests == []


def test_what_changes_something_names_its_origin(inside: Served, api: FakeApi) -> None:
    path = f"/api/executions/{DRILL}/cancel"
    api.answers["POST", f"/executions/{DRILL}/cancel"] = (202, {"executionId": DRILL})
    with closing(http.client.HTTPConnection(inside.host, timeout=10)) as connection:
        connection.request("POST", path, b"{}", {"cookie": inside.cookie, "content-type": "application/json"})
        assert connection.getresponse().status == HTTPStatus.FORBIDDEN
    assert api.requests == []
    assert inside.ask("POST", path, {}).status == HTTPStatus.ACCEPTED


def test_a_call_is_signed_and_passed_on_with_the_headers_that_matter(inside: Served, api: FakeApi) -> None:
    api.faults = [Fault(200, {"version": 3}, {"etag": '"3"', "content-type": "application/json", "set-cookie": "a=b"})]
    answer = inside.ask("PUT", "/api/plans/a%20b?x=1&y=%2F", {"planId": "a b"}, if_match='"2"', idempotency_key="k")
    assert (answer.status, answer.json, answer.headers["etag"]) == (HTTPStatus.OK, {"version": 3}, '"3"')
    assert "set-cookie" not in answer.headers
    [arrived] = api.requests
    assert (arrived.method, arrived.path, arrived.body) == ("PUT", "/plans/a b", {"planId": "a b"})
    assert arrived.query == {"x": "1", "y": "/"}
    assert arrived.headers["if-match"] == '"2"'
    assert arrived.headers["idempotency-key"] == "k"
    assert arrived.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "cookie" not in arrived.headers


def test_what_the_page_knows_is_asked_after_and_not_sent_again(inside: Served, api: FakeApi) -> None:
    api.faults = [Fault(304, "", {"etag": 'W/"3-a"'})]
    answer = inside.ask("GET", "/api/plans/a", if_none_match='W/"3-a"')
    assert (answer.status, answer.content, answer.headers["etag"]) == (HTTPStatus.NOT_MODIFIED, b"", 'W/"3-a"')
    [arrived] = api.requests
    assert arrived.headers["if-none-match"] == 'W/"3-a"'


def test_a_problem_of_the_api_arrives_in_its_own_words(inside: Served, api: FakeApi) -> None:
    session = problem(409, "PLAN_BUSY", "Conflict", "held by drill-1", executionId="drill-1")
    api.faults = [Fault(409, session, {"content-type": "application/problem+json", "retry-after": "7"})]
    answer = inside.ask("GET", "/api/plans")
    assert (answer.status, answer.json, answer.headers["retry-after"]) == (HTTPStatus.CONFLICT, session, "7")


@pytest.mark.parametrize(
    "path",
    [
        "/api/other",
        "/api/plans/a/b",
        "/api/plans/..",
        "/api/plans/%2e%2e",
        "/api/plans/a%2Fb",
        "/api/plans/%00",
        "/api/plans/%ff",
        "/api//plans",
        "/api/",
        "/api/executions/x/cancel",
    ],
)
def test_only_what_the_api_has_is_forwarded(inside: Served, api: FakeApi, path: str) -> None:
    assert inside.ask("GET", path).status == HTTPStatus.NOT_FOUND
    assert api.requests == []


def test_an_address_of_the_page_is_the_page_so_that_a_reload_keeps_the_place(inside: Served) -> None:
    for path in ("/", "/plans", f"/executions/{DRILL}?tab=trail", "/commands/x", "/operations"):
        assert b"<title>page" in inside.ask("GET", path).content
    assert inside.ask("GET", "/routes.json").status == HTTPStatus.NOT_FOUND
    assert inside.ask("GET", "/assets/../../secret").status == HTTPStatus.NOT_FOUND


def test_nothing_is_cached_or_framed_and_nothing_runs_but_the_pages_own_files(inside: Served, api: FakeApi) -> None:
    api.faults = [
        Fault(200, "<p>", {"content-type": "text/html"}),
        Fault(200, {}, {"content-type": "application/json"}),
    ]
    report = inside.ask("GET", f"/api/executions/{DRILL}/report?format=html")
    data = inside.ask("GET", "/api/plans")
    refused = inside.ask("GET", "/", cookie=None)
    for answer in (inside.ask("GET", "/"), inside.ask("GET", "/assets/index.js"), report, data, refused):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in PAGE_POLICY
    assert inside.ask("GET", "/").headers["content-security-policy"] == PAGE_POLICY
    for answer in (report, data):
        assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


def test_files_are_sent_compressed_to_whom_takes_them_so(inside: Served) -> None:
    assert inside.ask("GET", "/assets/index.js", accept_encoding="gzip").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in inside.ask("GET", "/assets/index.js").headers


def test_an_api_that_is_away_is_said_to_be(page: Path, unused_url: str) -> None:
    with running(page, "--api-url", unused_url) as served:
        served.enter()
        answer = served.ask("GET", "/api/plans")
        assert (answer.status, answer.json["code"]) == (HTTPStatus.BAD_GATEWAY, "UNREACHABLE")
        assert unused_url in answer.json["detail"]


@pytest.fixture
def unused_url() -> str:
    """Where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1"


PLAN = """planId: shop
name: Shop
waves:
  - name: database
    servers: [{sourceServerId: s-11111111111111111}]
  - name: web
    dependsOn: [nowhere]
    servers: [{sourceServerId: bad}]
"""


def test_faults_of_a_plan_have_the_lines_that_they_are_on(inside: Served) -> None:
    answer = inside.ask("POST", "/local/plan-faults", {"text": PLAN, "planId": "shop"}).json
    assert answer["document"]["planId"] == "shop"
    faults = [(fault["pointer"], fault["line"]) for fault in answer["faults"]]
    assert faults == [("/waves/1/dependsOn/0", 7), ("/waves/1/servers/0/sourceServerId", 8)]
    [unreadable] = inside.ask("POST", "/local/plan-faults", {"text": "a: [1,\nb: }"}).json["faults"]
    assert unreadable["line"] == 2
    found = [{"pointer": "/waves/0/name", "message": "is taken"}]
    session = inside.ask("POST", "/local/plan-faults", {"text": PLAN, "faults": found}).json
    assert session["faults"][0] == {"pointer": "/waves/0/name", "message": "is taken", "line": 4}


def test_a_plan_written_as_yaml_reads_as_the_same_plan(inside: Served) -> None:
    plan = {
        "planId": "shop",
        "name": "no: yes, \u202e<b>, 2026-01-01",
        "waves": [{"name": "1e3", "servers": [{"sourceServerId": "s-11111111111111111"}], "dependsOn": []}],
    }
    text = inside.ask("POST", "/local/plan-text", {"plan": plan}).json["text"]
    assert inside.ask("POST", "/local/plan-faults", {"text": text}).json["document"] == plan


def test_a_plan_is_written_in_the_schemas_order_without_its_defaults(inside: Served) -> None:
    server = {"sourceServerId": f"s-{1:017}", "impact": "CRITICAL"}
    first = {"after": [{"required": False, "command": "status", "args": [], "inDrill": "RUN"}], "name": "first"}
    waves = [
        {"dependsOn": [], "onFailure": "STOP", **first, "servers": [server], "waitBeforeSeconds": 0},
        {"servers": [{**server, "sourceServerId": f"s-{2:017}"}], "name": "second", "dependsOn": ["first"]},
        {"servers": [{**server, "sourceServerId": f"s-{3:017}"}], "name": "third", "dependsOn": ["first"]},
    ]
    plan = {"waves": waves, "name": "Plan", "planId": "xyz"}
    text = inside.ask("POST", "/local/plan-text", {"plan": plan}).json["text"]
    assert text.splitlines()[:4] == ["planId: xyz", "name: Plan", "waves:", "  - name: first"]
    assert "CRITICAL" not in text
    assert "waitBefore" not in text
    assert text.count("dependsOn:") == 1
    assert "- command: status\n" in text


def test_the_chain_of_a_trail_is_checked_over_all_its_pages(inside: Served, api: FakeApi) -> None:
    events: list[dict[str, Any]] = []
    for number in range(1, 6):
        event = {"sequence": number, "at": "2026-11-21T12:00:00.000Z", "type": "T", "executionId": DRILL}
        event |= {"actor": "ana", "data": {"n": 1.0}, "previousHash": events[-1]["hash"] if events else None}
        events.append({**event, "hash": event_hash(event)})
    api.page = 2
    api.listed[f"/executions/{DRILL}/events"] = events
    path = f"/local/executions/{DRILL}/chain"
    assert inside.ask("GET", path).json == {"intact": True, "events": 5, "brokenAt": None, "reason": None}
    api.listed[f"/executions/{DRILL}/events"] = [*events[:2], *events[3:]]
    broken = inside.ask("GET", path).json
    assert (broken["intact"], broken["brokenAt"]) == (False, 3)
    assert inside.ask("GET", "/local/executions/drill-none/chain").status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("status", "content"),
    [(502, "<html>bad</html>"), (502, ""), (200, "<html>hello</html>"), (200, "[1]"), (200, "")],
)
def test_a_trail_that_is_no_answer_of_the_api_is_a_problem_too(
    inside: Served, api: FakeApi, status: int, content: str
) -> None:
    api.faults = [Fault(status, content, {"content-type": "text/html"})]
    answer = inside.ask("GET", f"/local/executions/{DRILL}/chain")
    assert (answer.status, answer.json["status"]) == (HTTPStatus.BAD_GATEWAY, HTTPStatus.BAD_GATEWAY)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["code"] == ("UNAVAILABLE" if status == HTTPStatus.BAD_GATEWAY else "UNEXPECTED_ANSWER")
    assert answer.json["detail"]


def test_a_request_too_large_is_refused_and_not_forwarded(inside: Served, api: FakeApi) -> None:
    answer = inside.ask("PUT", "/api/plans/x", b"[" + b"1," * 1_100_000 + b"1]")
    assert answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert api.requests == []
