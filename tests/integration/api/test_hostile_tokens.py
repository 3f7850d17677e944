"""Page tokens that nobody gave out are refused as what they are, and recorded as nobody's error (A17)."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.support.plans import plan, server, wave

from wavebreak.store import keys

if TYPE_CHECKING:
    from tests.support.stack import Stack

COMMAND: Final = "cmd-" + "0" * 26


def encoded(content: bytes | str) -> str:
    raw = content if isinstance(content, bytes) else content.encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def key_of(**texts: Any) -> str:
    """Write a start key as lists give it out, with these values."""
    return json.dumps({name: {"S": value} for name, value in texts.items()})


EXECUTIONS = {"listPk": "EXECUTIONS", "listSk": "x", "pk": "EXEC#x", "sk": "META"}
NUMBERS = ("1e999", "-1e999", "NaN", "Infinity", "1" + "0" * 400, "1.5", "-1", "true", "null", '"1"', "[]", "{}")
TOKENS: dict[str, str] = {
    "not base64": "%%%",
    "not ASCII": "é",
    "not UTF-8": encoded(b"\xff\xfe{}"),
    "not JSON": encoded("{"),
    "deep": encoded("[" * 5000),
    "deep in a place": encoded('{"to":0,"done":[],"at":' + "[" * 5000),
    "empty": encoded("{}"),
    **{f"is {text[:9]}": encoded(text) for text in NUMBERS},
    **{f"to {text[:9]}": encoded(f'{{"to":{text},"done":[],"at":{{}}}}') for text in NUMBERS},
    **{f"done {text[:9]}": encoded(f'{{"to":0,"done":[{text}],"at":{{}}}}') for text in NUMBERS},
    **{f"at {text[:9]}": encoded(f'{{"to":0,"done":[],"at":{{"1":{text}}}}}') for text in NUMBERS if text != '"1"'},
    "at a word": encoded('{"to":0,"done":[],"at":{"one":"t"}}'),
    "at a huge number": encoded(f'{{"to":0,"done":[],"at":{{"{"9" * 5000}":"t"}}}}'),
    "at is a list": encoded('{"to":0,"done":[],"at":[1]}'),
    "done is a number": encoded('{"to":0,"done":7,"at":{}}'),
    "of another list": encoded(key_of(**{**EXECUTIONS, "listPk": "NOBODY"})),
    "a number for a key": encoded(json.dumps({**{name: {"S": "x"} for name in EXECUTIONS}, "listSk": {"N": "1"}})),
    **{
        f"a key of {name}": encoded(key_of(**{**EXECUTIONS, "listSk": text}))
        for name, text in {
            "nothing": "",
            "half a pair": "\ud800",
            "too much": "x" * 3000,
            "too much in UTF-8": "語" * 400,
            "a number": 7,
            "a list": [],
        }.items()
    },
}


@pytest.fixture(scope="module")
def asked(shared_stack: Stack) -> tuple[Stack, dict[str, str]]:
    """Every list that gives out tokens, by its name."""
    shared_stack.put_servers([server(1)])
    execution = shared_stack.start(plan(wave("only", 1, requiresApproval=True)))
    table = shared_stack.app().executions.table
    run = {"commandId": COMMAND, "executionId": execution, "command": "status", "requestedBy": "x", "total": 0}
    more = {"startedAt": "2026-03-01T12:00:00.000Z", "timeoutSeconds": 9, "status": "COMPLETE_SUCCESS", "limit": 0}
    table.put_many([{"pk": keys.command(COMMAND), "sk": keys.META, **run, **more}])
    lists = {
        "executions": "/executions",
        "plans": "/plans",
        "events": f"/executions/{execution}/events",
        "results": f"/commands/{COMMAND}/results",
        "lines": f"/commands/{COMMAND}/lines",
        "errors": "/errors",
    }
    return shared_stack, lists


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS.keys())
@pytest.mark.parametrize("name", ["executions", "plans", "events", "results", "lines", "errors"])
def test_a17_a_token_that_nobody_gave_out_is_a_bad_request(
    asked: tuple[Stack, dict[str, str]], name: str, token: str
) -> None:
    stack, lists = asked
    before = len(stack.error_items())

    answer = stack.api("GET", lists[name], query={"nextToken": token})

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED"), answer
    assert [error["pointer"] for error in answer.json["errors"]] == ["/nextToken"]
    assert len(stack.error_items()) == before, "it is no error of anybody's but the caller's"


def test_every_list_takes_the_tokens_that_it_gives_out(asked: tuple[Stack, dict[str, str]]) -> None:
    stack, lists = asked
    for number in range(2):
        stack.put_plan(plan(wave("only", 1), plan_id=f"plan-{number}"))
    page = stack.api("GET", lists["plans"], query={"limit": "1"}).json
    rest = stack.api("GET", lists["plans"], query={"nextToken": page["nextToken"]})
    assert (rest.status, len(rest.json["items"])) == (200, 2)
