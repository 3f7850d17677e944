"""What the API refuses: each time with a problem document, and with nothing stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.plans import plan, three_tier, wave
from tests.support.stored_executions import execution_id

from wavebreak.json_pointers import MAX_DEPTH, TOO_DEEP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.stack import Stack

UNKNOWN = execution_id(1)
DEEP = "[" * 100_000 + "]" * 100_000
ACTIONS = [
    "cancel",
    "pause",
    "resume",
    "terminate",
    "waves/1/approve",
    "waves/1/reject",
    "waves/1/retry",
    "waves/1/skip",
]
HOSTILE_TEXTS = {
    "lone surrogate": '"\\ud800"',
    "a million characters": json.dumps("x" * 1_000_000),
    "number": "1",
    "list": "[]",
    "object": "{}",
}


@pytest.fixture
def quiet(shared_stack: Stack) -> Iterator[Stack]:
    """A stack in which the test must store nothing."""
    before = shared_stack.items()
    yield shared_stack
    assert shared_stack.items() == before
    assert shared_stack.control.calls() == []


@pytest.fixture(autouse=True, scope="module")
def _one_plan(shared_stack: Stack) -> None:
    shared_stack.put_plan(three_tier())


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "not json",
        "[1,",
        '"',
        "{'a': 1}",
        "NaN",
        '{"planId": NaN}',
        '{"planId": Infinity}',
        DEEP,
        "9" * 5000,
        "\ufeff{}",
    ],
    ids=lambda text: text[:12],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/drills"), ("PUT", "/plans/three-tier")])
def test_a_body_that_is_no_json_is_refused(quiet: Stack, method: str, path: str, text: str) -> None:
    answer = quiet.api(method, path, text=text)

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    assert answer.json["errors"][0]["message"]


@pytest.mark.parametrize(("method", "path"), [("POST", "/drills"), ("PUT", "/plans/three-tier")])
def test_a_body_nested_beyond_any_use_is_refused_however_deep(quiet: Stack, method: str, path: str) -> None:
    for inside in (MAX_DEPTH, *range(600, 1000, 10), 100_000):
        answer = quiet.api(method, path, text='{"planId":' + "[" * inside + "]" * inside + "}")

        assert (answer.status, answer.code) == (400, "VALIDATION_FAILED"), inside
        (fault,) = answer.json["errors"]
        assert fault["message"] == TOO_DEEP
        assert fault["pointer"] in {"/planId" + "/0" * (MAX_DEPTH - 1), ""}  # the parser itself gives no place


@pytest.mark.parametrize(
    ("method", "path", "text", "pointer"),
    [
        ("POST", "/drills", '{"planId": "three-tier", "planId": "another"}', "/planId"),
        ("PUT", "/plans/three-tier", '{"waves": [{"servers": [], "name": "w", "servers": []}]}', "/waves/0/servers"),
    ],
)
def test_a_name_given_twice_is_refused_and_neither_value_taken(
    quiet: Stack, method: str, path: str, text: str, pointer: str
) -> None:
    answer = quiet.api(method, path, text=text)

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    assert answer.json["errors"] == [{"pointer": pointer, "message": "is given more than once"}]


@pytest.mark.parametrize("text", ["null", "[]", "1", '"x"', "true", ""], ids=str)
@pytest.mark.parametrize(("method", "path"), [("POST", "/drills"), ("PUT", "/plans/three-tier")])
def test_a_body_that_is_no_object_is_refused(quiet: Stack, method: str, path: str, text: str) -> None:
    answer = quiet.api(method, path, text=text)

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "text/json", "", ";"])
def test_another_content_type_is_refused(quiet: Stack, content_type: str) -> None:
    answer = quiet.api("POST", "/drills", {"planId": "three-tier"}, headers={"Content-Type": content_type})

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"planId": "three-tier", "surprise": 1}, "/surprise"),
        ({"plan_id": "three-tier"}, "/plan_id"),
        ({"planId": "three-tier", "snapshots": {"s-1": "pit-00000000000000000"}}, "/snapshots/s-1/[key]"),
        ({"planId": "three-tier", "reason": "x" * 1025}, "/reason"),
        ({"planId": "Three Tier"}, "/planId"),
        ({"planId": None}, "/planId"),
        ({}, "/planId"),
    ],
    ids=str,
)
def test_a_start_that_is_not_of_the_contract_is_refused_naming_the_field(
    quiet: Stack, body: dict[str, Any], pointer: str
) -> None:
    answer = quiet.api("POST", "/drills", body)

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    pointers = [error["pointer"] for error in answer.json["errors"]]
    assert any(found.startswith(pointer.partition("/[")[0]) for found in pointers), pointers


def test_a_start_of_an_unknown_plan_is_not_found(quiet: Stack) -> None:
    answer = quiet.api("POST", "/recoveries", {"planId": "nobodys"})

    assert (answer.status, answer.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize(("method", "action"), [("GET", ""), ("DELETE", ""), ("POST", "/validate")])
@pytest.mark.parametrize("name", ["Nobodys", "x" * 3000])
def test_what_can_be_no_plan_is_not_found_without_asking_the_table(
    quiet: Stack, method: str, action: str, name: str
) -> None:
    """DynamoDB refuses a key of more than 2,048 bytes, which no repeat would cure."""
    before = len(quiet.table_actions)
    answer = quiet.api(method, f"/plans/{name}{action}")

    assert (answer.status, answer.code) == (404, "NOT_FOUND")
    assert len(answer.json["detail"]) < 200
    assert len(quiet.table_actions) == before


@pytest.mark.parametrize("name", ["Nobodys", "", "x" * 3000])
def test_executions_of_what_can_be_no_plan_are_a_bad_query(quiet: Stack, name: str) -> None:
    answer = quiet.api("GET", "/executions", query={"planId": name})

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    assert [error["pointer"] for error in answer.json["errors"]] == ["/planId"]


def test_a_snapshot_of_a_server_that_the_plan_lacks_is_refused(quiet: Stack) -> None:
    snapshots = {"s-99999999999999999": "pit-00000000000000000"}
    answer = quiet.api("POST", "/drills", {"planId": "three-tier", "snapshots": snapshots})

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    assert answer.json["errors"][0]["pointer"] == "/snapshots/s-99999999999999999"


@pytest.mark.parametrize("action", ACTIONS)
def test_an_execution_that_does_not_exist_is_not_found(quiet: Stack, action: str) -> None:
    answer = quiet.api("POST", f"/executions/{UNKNOWN}/{action}", {})

    assert (answer.status, answer.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("body", [{"surprise": 1}, {"reason": 1}, {"reason": "x" * 1025}], ids=str)
def test_a_body_of_unknown_fields_or_wrong_types_is_refused(quiet: Stack, action: str, body: dict[str, Any]) -> None:
    answer = quiet.api("POST", f"/executions/{UNKNOWN}/{action}", body)

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")


@pytest.mark.parametrize(
    "name",
    ["x", "drill-", "drill-" + "u" * 26, "DRILL-" + "0" * 26, "é", "\udc80", "\x00", "x" * 10_000, "%2e%2e", "*"],
    ids=lambda name: ascii(name[:12]),
)
def test_a_hostile_execution_id_is_not_found(quiet: Stack, name: str) -> None:
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel"), ("POST", "/terminate")):
        answer = quiet.api(method, f"/executions/{name}{path}", {} if method == "POST" else None)
        assert (answer.status, answer.code) == (404, "NOT_FOUND"), path


@pytest.mark.parametrize(
    "name", ["é", "\udc80", "\x00", "x" * 10_000, "*", "Upper", "-a"], ids=lambda name: ascii(name[:12])
)
def test_a_hostile_plan_id_is_refused(quiet: Stack, name: str) -> None:
    asked = len(quiet.table_actions)
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/validate")):
        answer = quiet.api(method, f"/plans/{name}{path}")
        assert (answer.status, answer.code) == (404, "NOT_FOUND"), method
    assert quiet.table_actions[asked:] == [], "a key that DynamoDB does not take is no fault of DynamoDB"
    answer = quiet.api("PUT", f"/plans/{name}", three_tier())
    assert (answer.status, answer.code) in {(400, "VALIDATION_FAILED"), (404, "NOT_FOUND")}


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_a_hostile_name_of_a_plan_is_refused(quiet: Stack, text: str) -> None:
    document = json.dumps(three_tier()).replace('"Plan three-tier"', text)

    answer = quiet.api("PUT", "/plans/three-tier", text=document)

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")


@pytest.mark.parametrize("character", ["\u202e", "\u200f", "\u061c", "\u200b", "\0", "\x1b", "\n", "\ufffe"])
@pytest.mark.parametrize("field", ["name", "description"])
def test_t29_a_name_that_could_act_on_what_shows_it_is_refused_by_pointer(
    quiet: Stack, field: str, character: str
) -> None:
    answer = quiet.api("PUT", "/plans/three-tier", three_tier() | {field: f"a{character}b"})

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    assert [error["pointer"] for error in answer.json["errors"]] == [f"/{field}"]
    assert quiet.api("GET", "/plans/three-tier").json["version"] == 1, "nothing was stored"


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_a_hostile_reason_is_refused(quiet: Stack, text: str) -> None:
    answer = quiet.api("POST", "/drills", text=f'{{"planId": "three-tier", "reason": {text}}}')

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/drills"), ("PUT", "/plans/three-tier"), ("POST", f"/executions/{UNKNOWN}/cancel")]
)
def test_a_body_of_two_megabytes_is_too_large(quiet: Stack, method: str, path: str) -> None:
    answer = quiet.api(method, path, {"reason": "x" * 2 * 1024 * 1024})

    assert (answer.status, answer.code) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/executions", {"status": "DONE"}),
        ("/executions", {"status": "completed"}),
        ("/executions", {"mode": "REHEARSAL"}),
        ("/executions", {"limit": "0"}),
        ("/executions", {"limit": "1001"}),
        ("/executions", {"limit": "ten"}),
        ("/executions", {"limit": ""}),
        ("/executions", {"planId": ""}),
        ("/executions", {"planId": "Three Tier"}),
        ("/executions", {"planId": "x" * 3000}),
        ("/executions", {"nextToken": ""}),
        ("/executions", {"nextToken": "garbage"}),
        ("/executions", {"nextToken": "e30"}),
        ("/executions", {"planid": "three-tier"}),
        ("/plans", {"limit": "-1"}),
        ("/plans", {"nextToken": "x" * 10_000}),
        ("/plans", {"status": "COMPLETED"}),
        (f"/executions/{UNKNOWN}/events", {"limit": "0"}),
        (f"/executions/{UNKNOWN}/events", {"mode": "DRILL"}),
    ],
    ids=str,
)
def test_an_unknown_query_value_or_parameter_is_refused(quiet: Stack, path: str, query: dict[str, str]) -> None:
    answer = quiet.api("GET", path, query=query)

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    assert [error["pointer"] for error in answer.json["errors"]] == [f"/{name}" for name in query]


@pytest.mark.parametrize("query", [{"service": ""}, {"errorType": ""}, {"nextToken": ""}, {"severity": "bad"}], ids=str)
def test_an_unknown_query_value_of_the_errors_is_refused(quiet: Stack, query: dict[str, str]) -> None:
    answer = quiet.api("GET", "/errors", query=query)

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    assert [error["pointer"] for error in answer.json["errors"]] == [f"/{name}" for name in query]


def test_a_limit_that_is_no_number_is_named_in_the_words_of_other_faults(quiet: Stack) -> None:
    answer = quiet.api("GET", "/executions", query={"limit": "ten"})

    assert answer.json["errors"] == [{"pointer": "/limit", "message": "must be a whole number, not 'ten'"}]


def test_a_plan_with_many_faults_is_refused_naming_every_one(quiet: Stack) -> None:
    document = plan(wave("a", 1, colour="red"), wave("a", 1, timeoutMinutes=0), wave("c", 2, dependsOn=["nowhere"]))

    answer = quiet.api("PUT", "/plans/three-tier", document)

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    pointers = {error["pointer"] for error in answer.json["errors"]}
    assert {"/waves/0/colour", "/waves/1/timeoutMinutes"} <= pointers


@pytest.mark.parametrize("tag", ["x", "1x", '"', "W/", "1.5", "-1", "9" * 100])
def test_an_if_match_that_is_no_version_is_refused(quiet: Stack, tag: str) -> None:
    answer = quiet.api("PUT", "/plans/three-tier", three_tier(), headers={"If-Match": tag})

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json"])
def test_a_call_without_a_body_needs_no_content_type(quiet: Stack, content_type: str) -> None:
    answer = quiet.api("POST", f"/executions/{UNKNOWN}/cancel", headers={"Content-Type": content_type})
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


def test_a_list_is_no_body_of_a_call(quiet: Stack) -> None:
    answer = quiet.api("POST", f"/executions/{UNKNOWN}/cancel", [{}])
    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")


def test_a_field_is_known_by_its_name_of_the_contract_alone(quiet: Stack) -> None:
    answer = quiet.api("POST", "/commands", {"command": "status", "executionId": UNKNOWN, "timeout_seconds": 5})

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    assert [error["pointer"] for error in answer.json["errors"]] == ["/timeout_seconds"]


@pytest.mark.parametrize(
    ("method", "path", "text", "pointer"),
    [
        ("POST", "/drills", '{"planId": "nobodys", "planId": "three-tier"}', "/planId"),
        (
            "PUT",
            "/plans/three-tier",
            '{"planId": "three-tier", "waves": [{"name": "a", "name": "a"}]}',
            "/waves/0/name",
        ),
    ],
)
def test_a_field_that_is_given_twice_is_refused_by_pointer(
    quiet: Stack, method: str, path: str, text: str, pointer: str
) -> None:
    answer = quiet.api(method, path, text=text)

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    assert answer.json["errors"] == [{"pointer": pointer, "message": "is given more than once"}]


MANY = {
    "targets": ("POST", "/commands", {"command": "status", "targets": [1] * 300_000}),
    "unknown fields": ("POST", "/drills", {"planId": "three-tier"} | {str(number): 1 for number in range(80_000)}),
    "snapshots": ("POST", "/drills", {"planId": "three-tier", "snapshots": {str(n): 1 for n in range(80_000)}}),
    "servers": ("PUT", "/plans/three-tier", {"planId": "three-tier", "waves": [{"servers": [1] * 190_000}]}),
    "a long name": ("PUT", "/plans/three-tier", {"x" * 200_000: {str(number): 1 for number in range(4000)}}),
    "faults in all": ("PUT", "/plans/three-tier", {"waves": [{"servers": [1] * 4000} for _ in range(70)]}),
}


@pytest.mark.parametrize(("method", "path", "body"), MANY.values(), ids=MANY)
def test_a_body_of_endless_faults_is_refused_in_an_answer_that_lambda_carries(
    quiet: Stack, method: str, path: str, body: dict[str, Any]
) -> None:
    answer = quiet.api(method, path, body)

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    assert len(json.dumps(answer.body)) < 6_000_000
    assert len(answer.json["errors"]) < 10


def test_a_body_said_to_be_base64_that_is_none_is_refused(quiet: Stack) -> None:
    answer = quiet.gateway.call("POST", "/drills", text="\u00e9", encoded=True)

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")


@pytest.mark.parametrize("body", [{"surprise": 1}, three_tier(), [{}], {"live": True}], ids=lambda body: str(body)[:12])
def test_a_validation_judges_the_stored_plan_and_takes_no_other(quiet: Stack, body: Any) -> None:
    answer = quiet.api("POST", "/plans/three-tier/validate", body)

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
