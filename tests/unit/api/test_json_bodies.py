"""Request bodies: what is read, and what is refused before its fields are judged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wavebreak.api.json_bodies import MAX_MEMBERS, MAX_NAME, MAX_VALUES, read_body
from wavebreak.json_pointers import MAX_DEPTH
from wavebreak.problems import InvalidRequest


def nested(depth: int) -> Any:
    document: Any = 1
    for _ in range(depth):
        document = [document]
    return document


def refusals(text: str) -> list[dict[str, str]]:
    with pytest.raises(InvalidRequest) as refused:
        read_body(text)
    errors: list[dict[str, str]] = refused.value.members["errors"]
    return errors


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"a": [1, {"b": None}]},
        {"x" * MAX_NAME: 1},
        [1] * MAX_MEMBERS,
        [[1] * 4999] * 11,
        nested(MAX_DEPTH),
        {"a": {"n": 1}, "b": {"n": 1}},
    ],
    ids=lambda document: str(document)[:20],
)
def test_a_document_within_the_bounds_is_read_as_it_is(document: Any) -> None:
    assert read_body(json.dumps(document)) == document


def test_every_name_that_is_given_twice_is_told_by_pointer() -> None:
    text = '{"a": 1, "a": 1, "b": [{"c/d": 1, "c/d": 2, "c/d": 3}], "e": 1}'
    assert {error["pointer"] for error in refusals(text)} == {"/a", "/b/0/c~1d"}


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"a": {"x" * (MAX_NAME + 1): 1}}, "/a"),
        ({"a": [1] * (MAX_MEMBERS + 1)}, "/a"),
        ({"a": {str(number): 1 for number in range(MAX_MEMBERS + 1)}}, "/a"),
        ([[1] * (MAX_MEMBERS - 1)] * (MAX_VALUES // MAX_MEMBERS + 1), ""),
        (nested(MAX_DEPTH + 1), "/0" * MAX_DEPTH),
    ],
    ids=["a long name", "a long list", "a large object", "many values", "nested deeply"],
)
def test_a_document_past_a_bound_is_refused_where_it_is(document: Any, pointer: str) -> None:
    assert [error["pointer"] for error in refusals(json.dumps(document))] == [pointer]


def test_faults_that_an_answer_has_no_room_for_are_counted() -> None:
    errors = [{"pointer": f"/{number}", "message": "x" * 1000} for number in range(5000)]

    reported = InvalidRequest.listing(errors).document()

    assert reported["detail"].endswith("(and 4999 more)")
    listed, rest = reported["errors"][:-1], reported["errors"][-1]
    assert listed == errors[: len(listed)]
    assert rest == {"pointer": "", "message": f"has {5000 - len(listed)} more faults than an answer can list"}
    assert len(json.dumps(json.dumps(reported))) < 6_000_000
