"""What the tests' table in memory does, DynamoDB does too: one contract, both kept to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.support.memory_table import MemoryTable

from wavebreak.store.table import ConditionFailedError, Table, Write, from_attributes, to_attributes

if TYPE_CHECKING:
    from tests.support.stack import Stack

LOCK: Final = {"pk": "SERVER#1", "sk": "LOCK", "executionId": "drill-a", "callId": "one", "version": 3}
KEY: Final = {"pk": "SERVER#1", "sk": "LOCK"}


@pytest.fixture(params=["memory", "dynamodb"])
def table(request: pytest.FixtureRequest) -> Table:
    if request.param == "memory":
        return MemoryTable()
    stack: Stack = request.getfixturevalue("stack")
    return stack.app().executions.table


@pytest.mark.parametrize(
    ("condition", "values", "names", "holds"),
    [
        ("attribute_not_exists(pk)", {}, {}, False),
        ("attribute_exists(pk)", {}, {}, True),
        ("attribute_not_exists(pk) OR executionId = :me", {":me": "drill-a"}, {}, True),
        ("attribute_not_exists(pk) OR executionId = :me", {":me": "drill-b"}, {}, False),
        (
            "attribute_not_exists(pk) OR (executionId = :me AND callId = :call)",
            {":me": "drill-a", ":call": "x"},
            {},
            False,
        ),
        ("executionId = :me AND callId = :call", {":me": "drill-a", ":call": "one"}, {}, True),
        (
            "(executionId = :x AND callId = :y) OR (executionId = :me)",
            {":me": "drill-a", ":x": "", ":y": "1"},
            {},
            True,
        ),
        ("executionId = :me AND attribute_not_exists(callId)", {":me": "drill-a"}, {}, False),
        ("#version = :read", {":read": 3}, {"#version": "version"}, True),
        ("#version < :read", {":read": 3}, {"#version": "version"}, False),
        ("#version < :read", {":read": 4}, {"#version": "version"}, True),
        ("noSuch = :read", {":read": 4}, {}, False),
        ("noSuch < :read", {":read": 4}, {}, False),
        ("NOT callId = :call", {":call": "two"}, {}, True),
    ],
)
def test_conditions(table: Table, condition: str, values: dict[str, Any], names: dict[str, str], holds: bool) -> None:
    table.transact([Write("lock", "Put", LOCK)])
    write = Write("changed", "Put", {**LOCK, "callId": "two"}, condition, values, names)
    if holds:
        table.transact([write])
        assert (table.get("SERVER#1", "LOCK") or {})["callId"] == "two"
        return
    with pytest.raises(ConditionFailedError) as refused:
        table.transact([write])
    assert refused.value.failed == {"changed": LOCK}
    assert table.get("SERVER#1", "LOCK") == LOCK


def test_all_writes_or_none(table: Table) -> None:
    other = {**LOCK, "pk": "SERVER#2"}
    table.transact([Write("one", "Put", LOCK), Write("two", "Put", other)])
    with pytest.raises(ConditionFailedError) as refused:
        table.transact(
            [
                Write("gone", "Delete", KEY),
                Write("kept", "ConditionCheck", {**KEY, "pk": "SERVER#2"}, "attribute_exists(pk)"),
                Write("new", "Put", {**LOCK, "pk": "SERVER#3"}, "attribute_exists(pk)"),
            ]
        )
    assert refused.value.failed == {"new": None}
    assert table.get_many([("SERVER#1", "LOCK"), ("SERVER#3", "LOCK")]) == [LOCK]
    table.transact(
        [
            Write("gone", "Delete", KEY, "attribute_exists(pk)"),
            Write("kept", "ConditionCheck", {**KEY, "pk": "SERVER#2"}, "attribute_exists(pk)"),
        ]
    )
    assert table.get("SERVER#1", "LOCK") is None


def test_a_partition_is_read_in_the_order_of_its_sort_keys(table: Table) -> None:
    items = [{"pk": "EXEC#1", "sk": name, "n": 1} for name in ("B", "A", "C")]
    table.put_many([*items, {"pk": "EXEC#2", "sk": "B"}])
    assert [item["sk"] for item in table.query("EXEC#1", sk_from="B")] == ["B", "C"]
    assert [item["sk"] for item in table.query("EXEC#1", sk_from="A", sk_to="B")] == ["A", "B"]
    table.delete_many([("EXEC#1", "B"), ("EXEC#1", "none")])
    assert [item["sk"] for item in table.query("EXEC#1", sk_from="A")] == ["A", "C"]


def test_an_index_is_read_by_its_hash_key(table: Table) -> None:
    for name in ("one", "two"):
        table.put_many([{"pk": f"EXEC#{name}", "sk": "META", "activePk": "ACTIVE", "listSk": name}])
    table.put_many([{"pk": "EXEC#three", "sk": "META", "listSk": "three"}])
    query = {
        "IndexName": "active",
        "KeyConditionExpression": "activePk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "ACTIVE"}},
    }
    found, token = table.page(query, limit=10, token=None)
    assert (sorted(item["pk"] for item in found), token) == (["EXEC#one", "EXEC#two"], None)


def test_items_are_read_as_one_moment_has_them_each_in_its_place(table: Table) -> None:
    table.put_many([LOCK])
    absent = (None, to_attributes({"pk": "SERVER#2", "sk": "LOCK"}))
    found = table.get_together([absent, (None, to_attributes(KEY)), absent])
    assert [item and from_attributes(item) for item in found] == [None, LOCK, None]
