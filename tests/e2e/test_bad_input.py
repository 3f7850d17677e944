"""What no well-meaning client sends: each is refused as the contract says, and leaves nothing behind."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tools.local_stack.api_client import PROBLEM, Answer
from tools.local_stack.product import Product, wave

KNOWN = "s-99999999999999999"
HOSTILE_IDS = [
    "..",
    "%2e%2e%2fexecutions",
    "a%00b",
    "PLAN%23x",
    "Upper",
    "-leading",
    "a" * 64,
    "%F0%9F%98%80",
    "a%20b",
    "%27%20OR%201%3D1",
]
HOSTILE_NAMES = ["", " x", "a\nb", "a\x00b", "x" * 65, "<script>", "a#b", "\u202eabc", None, 7, ["a"]]


def plan(**changes: Any) -> dict[str, Any]:
    return {"planId": "bad-input", "name": "Bad input", "waves": [wave("one", [KNOWN])], **changes}


def refused(answer: Answer, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is the problem document of a refusal, and give it."""
    document: dict[str, Any] = answer.document
    assert (answer.status, answer.code) == (status, code), document
    assert answer.headers["content-type"].partition(";")[0] == PROBLEM
    assert document["status"] == status
    assert document["title"]
    assert "Traceback" not in json.dumps(document)
    return document


def pointers(document: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in document["errors"]]


@pytest.fixture(autouse=True, scope="module")
def nothing_is_stored(shared_product: Product) -> Iterator[None]:
    """The table holds after all of these exactly what it held before."""
    shared_product.quiet()
    before = {(item["pk"]["S"], item["sk"]["S"]) for item in shared_product.items()}
    yield
    after = {(item["pk"]["S"], item["sk"]["S"]) for item in shared_product.items()}
    assert after == before


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nothing",
        b"\xff\xfe\x00",
        b'{"planId": "bad-input", "name": NaN}',
        b"[" * 100_000,
        b"[]",
        b"null",
        b'"text"',
        b"7",
        b"",
        b'{"planId":' + b"9" * 5000 + b"}",
    ],
    ids=[
        "cut off",
        "a word",
        "not UTF-8",
        "NaN",
        "nested deeply",
        "a list",
        "null",
        "a string",
        "a number",
        "nothing",
        "a long number",
    ],
)
def test_what_is_no_json_object_is_refused(product: Product, body: bytes) -> None:
    assert refused(product.api.call("PUT", "/plans/bad-input", body), 400, "VALIDATION_FAILED")["errors"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"surprise": 1}, "/surprise"),
        ({"waves": [{**wave("one", [KNOWN]), "surprise": 1}]}, "/waves/0/surprise"),
        ({"planId": "another"}, "/planId"),
        ({"waves": []}, "/waves"),
        ({"waves": [{"name": "one", "servers": [{"sourceServerId": "i-123"}]}]}, "/waves/0/servers/0/sourceServerId"),
        ({"waves": [{**wave("one", [KNOWN]), "timeoutMinutes": 0}]}, "/waves/0/timeoutMinutes"),
        ({"waves": [{**wave("one", [KNOWN]), "onFailure": "PANIC"}]}, "/waves/0/onFailure"),
        ({"waves": [{**wave("one", [KNOWN]), "timeoutMinutes": "60"}]}, "/waves/0/timeoutMinutes"),
    ],
)
def test_a_plan_of_the_wrong_form_is_refused_by_pointer(
    product: Product, changes: dict[str, Any], pointer: str
) -> None:
    document = refused(product.api.call("PUT", "/plans/bad-input", plan(**changes)), 400, "VALIDATION_FAILED")
    assert pointer in pointers(document)


def test_every_problem_of_a_plan_is_listed(product: Product) -> None:
    document = plan(
        surprise=1,
        waves=[wave("one", [KNOWN], timeoutMinutes=0), wave("one", [KNOWN], dependsOn=["missing"])],
    )
    found = refused(product.api.call("PUT", "/plans/bad-input", document), 400, "VALIDATION_FAILED")
    assert len(found["errors"]) >= 2


def test_a_cycle_is_refused(product: Product) -> None:
    waves = [
        wave("a", ["s-00000000000000a01"], dependsOn=["c"]),
        wave("b", ["s-00000000000000b01"], dependsOn=["a"]),
        wave("c", ["s-00000000000000c01"], dependsOn=["b"]),
    ]
    found = refused(product.api.call("PUT", "/plans/bad-input", plan(waves=waves)), 400, "VALIDATION_FAILED")
    assert "cycle" in json.dumps(found["errors"]).lower()


def test_a_body_of_ten_megabytes_is_refused(product: Product) -> None:
    body = json.dumps(plan(description="x" * 10_000_000)).encode()
    refused(product.api.call("PUT", "/plans/bad-input", body), 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("plan_id", HOSTILE_IDS)
def test_a_hostile_plan_id_is_refused(product: Product, plan_id: str) -> None:
    for method, body in (("PUT", plan(planId=plan_id)), ("GET", None), ("DELETE", None)):
        answer = product.api.call(method, f"/plans/{plan_id}", body)
        assert 400 <= answer.status < 500, (method, answer.document)
        refused(answer, answer.status, str(answer.code))
        assert answer.code in {"VALIDATION_FAILED", "NOT_FOUND", "FORBIDDEN"}


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=repr)
def test_a_hostile_wave_name_is_refused(product: Product, name: Any) -> None:
    document = refused(
        product.api.call("PUT", "/plans/bad-input", plan(waves=[{**wave("one", [KNOWN]), "name": name}])),
        400,
        "VALIDATION_FAILED",
    )
    assert "/waves/0/name" in pointers(document)


@pytest.mark.parametrize("execution_id", ["drill-x", "%2e%2e", "drill-" + "0" * 25 + "u", "a%00", "x" * 2000])
def test_a_hostile_execution_id_is_not_found(product: Product, execution_id: str) -> None:
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel"), ("POST", "/terminate")):
        answer = product.api.call(method, f"/executions/{execution_id}{path}", {} if method == "POST" else None)
        assert (answer.status, answer.code) in {(404, "NOT_FOUND"), (403, "FORBIDDEN")}, (method, path, answer)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/planId"),
        ({"planId": "x", "surprise": 1}, "/surprise"),
        ({"planId": 7}, "/planId"),
        ({"planId": "x", "reason": "x" * 2000}, "/reason"),
        ({"planId": "x", "snapshots": {KNOWN: "latest"}}, f"/snapshots/{KNOWN}"),
    ],
)
def test_a_start_of_the_wrong_form_is_refused(product: Product, body: dict[str, Any], pointer: str) -> None:
    for mode in ("drills", "recoveries"):
        found = refused(product.api.call("POST", f"/{mode}", body), 400, "VALIDATION_FAILED")
        assert pointer in pointers(found)


def test_a_start_of_an_unknown_plan_is_not_found(product: Product) -> None:
    refused(product.api.call("POST", "/drills", {"planId": "nobody"}), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/executions", {"planid": "x"}),
        ("/executions", {"status": "WONDERFUL"}),
        ("/executions", {"mode": "both"}),
        ("/executions", {"limit": 0}),
        ("/executions", {"limit": 1001}),
        ("/executions", {"limit": "many"}),
        ("/executions", {"nextToken": "nonsense"}),
        ("/plans", {"limit": -1}),
        ("/plans", {"nextToken": "eyJwayI6IHsiUyI6ICJQTEFOI3gifX0="}),
        ("/plans", {"page": 2}),
    ],
)
def test_an_unknown_query_value_is_refused(product: Product, path: str, query: dict[str, Any]) -> None:
    refused(product.api.call("GET", path, query=query), 400, "VALIDATION_FAILED")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", path) for path in ("/", "/nothing", "/plans/x/y", "/drills", "/executions/x/cancel")),
        *(("POST", path) for path in ("/plans", "/plans/x", "/executions", "/recoveries/x")),
        *((method, "/plans") for method in ("PATCH", "DELETE", "PUT")),
        ("DELETE", "/executions/drill-00000000000000000000000000"),
    ],
)
def test_unknown_routes_and_methods_are_forbidden(product: Product, method: str, path: str) -> None:
    refused(product.api.call(method, path, {} if method != "GET" else None), 403, "FORBIDDEN")


@pytest.mark.parametrize(("method", "path"), [("GET", "/plans"), ("PUT", "/plans/bad-input"), ("POST", "/drills")])
def test_an_unsigned_request_is_forbidden(product: Product, method: str, path: str) -> None:
    refused(product.api.call(method, path, plan() if method == "PUT" else None, signed=False), 403, "FORBIDDEN")


def test_another_content_type_is_refused(product: Product) -> None:
    body = json.dumps(plan()).encode()
    answer = product.api.call("PUT", "/plans/bad-input", body, headers={"Content-Type": "text/xml"})
    refused(answer, 400, "VALIDATION_FAILED")
