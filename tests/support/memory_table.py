"""The table in memory: what the product's `Table` does, with DynamoDB's conditions, and a word before each operation.

It holds the same items under the same keys, so that stores and use cases run on it as they are. `meanwhile` is called
before each operation with what it is: a test lets others come in between, or ends the call there.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any, Final

from wavebreak.store.table import ConditionFailedError, Table, Write, from_attributes, to_attributes
from wavebreak.timing import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from wavebreak.store.table import Attributes, Item, Key

_TOKEN: Final = re.compile(
    r"\s*(attribute_exists|attribute_not_exists|AND|OR|NOT|[()=<>]=?|[#:]?[A-Za-z][A-Za-z0-9_]*)"
)


def holds(condition: str, item: Mapping[str, Any] | None, values: Mapping[str, Any], names: Mapping[str, str]) -> bool:
    """Tell whether a condition expression holds of an item: comparisons, existence, AND, OR, NOT and parentheses."""
    tokens = _TOKEN.findall(condition)
    assert "".join(tokens) == re.sub(r"\s", "", condition), condition
    left = list(reversed(tokens))
    outcome = _either(left, item or {}, values, names)
    assert not left, condition
    return outcome


def _either(left: list[str], item: Mapping[str, Any], values: Mapping[str, Any], names: Mapping[str, str]) -> bool:
    outcome = _both(left, item, values, names)
    while left and left[-1] == "OR":
        left.pop()
        other = _both(left, item, values, names)
        outcome = outcome or other
    return outcome


def _both(left: list[str], item: Mapping[str, Any], values: Mapping[str, Any], names: Mapping[str, str]) -> bool:
    outcome = _one(left, item, values, names)
    while left and left[-1] == "AND":
        left.pop()
        other = _one(left, item, values, names)
        outcome = outcome and other
    return outcome


def _one(left: list[str], item: Mapping[str, Any], values: Mapping[str, Any], names: Mapping[str, str]) -> bool:
    token = left.pop()
    if token == "NOT":
        return not _one(left, item, values, names)
    if token == "(":
        outcome = _either(left, item, values, names)
        assert left.pop() == ")"
        return outcome
    if token in {"attribute_exists", "attribute_not_exists"}:
        assert left.pop() == "("
        attribute = left.pop()
        assert left.pop() == ")"
        return (names.get(attribute, attribute) in item) is (token == "attribute_exists")
    operator, value = left.pop(), values[left.pop()]
    attribute = names.get(token, token)
    if attribute not in item:
        return False
    assert operator in {"=", "<"}, operator
    if operator == "<" and type(item[attribute]) is not type(value):
        return False
    return bool(item[attribute] == value if operator == "=" else item[attribute] < value)


class MemoryTable(Table):
    """Items by their keys."""

    def __init__(self, meanwhile: Callable[[str], None] = lambda _operation: None) -> None:
        """Take what is called before each operation."""
        self.items: dict[tuple[str, str], Item] = {}
        self.meanwhile = meanwhile
        self.name = "memory"

    def get(self, pk: str, sk: str) -> Item | None:
        """Read one item."""
        self.meanwhile("get")
        return copy.deepcopy(self.items.get((pk, sk)))

    def get_many(self, wanted: Sequence[tuple[str, str]]) -> list[Item]:
        """Read items by their keys, one after another: others may write in between, as they may in DynamoDB."""
        found = []
        for key in wanted:
            self.meanwhile("get")
            if key in self.items:
                found.append(copy.deepcopy(self.items[key]))
        return found

    def get_together(self, wanted: Sequence[Key]) -> list[Attributes | None]:
        """Read items as one moment has them; those of other tables do not exist here."""
        self.meanwhile("get")
        found: list[Attributes | None] = []
        for table, key in wanted:
            own = from_attributes(key)
            item = None if table else self.items.get((own["pk"], own["sk"]))
            found.append(None if item is None else to_attributes(item))
        return found

    def query(
        self, pk: str, *, sk_from: str, sk_to: str | None = None, names: Mapping[str, str] | None = None
    ) -> Iterator[Item]:
        """Read a partition's items from one sort key on."""
        assert names is None
        self.meanwhile("query")
        for key in sorted(self.items):
            if key[0] == pk and key[1] >= sk_from and (sk_to is None or key[1] <= sk_to):
                yield copy.deepcopy(self.items[key])

    def transact(self, writes: Sequence[Write]) -> None:
        """Make all writes or none."""
        self.meanwhile("transact")
        assert len({(write.item["pk"], write.item["sk"]) for write in writes}) == len(writes) <= 100
        refused = {}
        for write in writes:
            present = self.items.get((write.item["pk"], write.item["sk"]))
            if write.condition and not holds(write.condition, present, write.values, write.names):
                refused[write.name] = copy.deepcopy(present)
        if refused:
            raise ConditionFailedError(refused)
        for write in writes:
            key = (write.item["pk"], write.item["sk"])
            if write.kind == "Put":
                self.items[key] = copy.deepcopy(dict(write.item))
            elif write.kind == "Delete":
                self.items.pop(key, None)
        self.meanwhile("written")

    def put_many(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Write items without conditions."""
        self.meanwhile("put_many")
        for item in items:
            self.items[(item["pk"], item["sk"])] = copy.deepcopy(dict(item))
        self.meanwhile("written")

    def delete_many(self, keys: Iterable[tuple[str, str]]) -> None:
        """Delete items without conditions."""
        self.meanwhile("delete_many")
        for key in keys:
            self.items.pop(key, None)
        self.meanwhile("written")

    def due(self, pk: str, now: datetime) -> Iterator[str]:
        """List the partitions of items of one list that are due."""
        self.meanwhile("query")
        found = [item for item in self.items.values() if item.get("duePk") == pk and item["dueSk"] <= iso(now)]
        yield from (item["pk"] for item in sorted(found, key=lambda item: item["dueSk"]))

    def page(
        self,
        query: Mapping[str, Any],
        *,
        limit: int,
        token: str | None,
        fits: Callable[[Item], bool] = lambda _item: True,
    ) -> tuple[list[Item], str | None]:
        """Read an index by its hash key, whole."""
        del fits
        assert token is None
        self.meanwhile("query")
        hashed = query["KeyConditionExpression"].split(" = ")[0]
        wanted = query["ExpressionAttributeValues"][":pk"]["S"]
        return [copy.deepcopy(item) for item in self.items.values() if item.get(hashed) == wanted][:limit], None
