"""The DynamoDB table as the store needs it: consistent reads, whole queries, transactions whose failure is typed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from wavebreak.error_category import Category
from wavebreak.problems import InvalidRequest, Unavailable
from wavebreak.resilience import retries
from wavebreak.resilience.aws_errors import error_code
from wavebreak.store import keys
from wavebreak.store.list_tokens import decoded, encoded, key_of
from wavebreak.timeouts import Deadline
from wavebreak.timing import iso
from wavebreak.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from mypy_boto3_dynamodb.client import DynamoDBClient


Item = dict[str, Any]
"""An item as the product writes and reads it: DynamoDB's own types are put around it here."""
Attributes = Mapping[str, Any]
"""An item, or its key, in DynamoDB's own types."""
Key = tuple[str | None, Attributes]
"""A table, None for the store's own, and a key in it."""
TRANSACTION_LIMIT: Final = 100
TRANSACTION_BYTES: Final = 3_000_000
"""Of DynamoDB's four million for a transaction, what its largest items may have: some room is left for the others."""
_BATCH_WRITE_LIMIT: Final = 25
_BATCH_READ_LIMIT: Final = 100
_FILTER_PAGE: Final = 100
_PAGES_A_LIST: Final = 4
"""Pages of DynamoDB, a megabyte each at most, that one page of a list holds: an answer of a function may have six."""
_CAPACITY: Final = frozenset({"ProvisionedThroughputExceeded", "ThrottlingError"})
_REFUSED_ALONE: Final = "ConditionalCheckFailedException"
_REFUSED: Final = "ConditionalCheckFailed"
_CONTENDED: Final = "TransactionConflict"
"""Reasons of a cancelled transaction: the same one may succeed later, for want of capacity; a condition did not hold;
another transaction was writing the same item. Any other reason is one that DynamoDB will always have."""

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


class ConditionFailedError(Exception):
    """A conditional write was refused; `failed` holds the names of the operations whose conditions did not hold."""

    category: ClassVar[Category] = Category.DATABASE

    def __init__(self, failed: Mapping[str, Item | None]) -> None:
        super().__init__(f"condition failed: {', '.join(sorted(failed)) or 'concurrent transaction'}")
        self.failed = failed


class NotWrittenError(Unavailable):
    """DynamoDB did not make a transaction, for want of capacity: nothing was written, and it may be made later."""


class WriteRejectedError(Exception):
    """DynamoDB does not make a transaction like this one, now or later: nothing was written, and ours is the fault."""

    category: ClassVar[Category] = Category.DATABASE


class HeldBackError(Unavailable):
    """DynamoDB took only a part of a batch: it is short of capacity, and says so in an answer that is no error."""


class Write(Value):
    """One operation of a transaction; `name` identifies it when its condition fails."""

    name: str
    kind: str
    """Put, Update, Delete or ConditionCheck."""
    item: Mapping[str, Any]
    """The whole item of a Put, or the key of the others."""
    condition: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    expression: str | None = None
    """What an Update changes."""

    @property
    def size(self) -> int:
        """Bytes of the item, rather more than it has."""
        return sum(len(name) + len(str(value).encode()) for name, value in self.item.items())


def to_attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    """Turn an item into DynamoDB's typed attributes."""
    return {name: _serialize(value) for name, value in item.items()}


def from_attributes(attributes: Mapping[str, Any]) -> Item:
    """Turn DynamoDB's typed attributes into an item; numbers of this table are integers."""
    return {name: _plain(_deserialize(value)) for name, value in attributes.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    return value


class Table:
    """The one table, through a low-level client."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        """Keep the client and the table's name."""
        self.client = client
        self.name = name

    def get(self, pk: str, sk: str) -> Item | None:
        """Read one item consistently."""
        answer = self.client.get_item(TableName=self.name, Key=to_attributes({"pk": pk, "sk": sk}), ConsistentRead=True)
        found = answer.get("Item")
        return from_attributes(found) if found else None

    def get_many(self, wanted: Sequence[tuple[str, str]]) -> list[Item]:
        """Read items consistently by their keys, a hundred a call; those that do not exist are left out."""
        items: list[Item] = []
        rest: list[Any] = [to_attributes({"pk": pk, "sk": sk}) for pk, sk in wanted]
        while rest:
            batch, rest = rest[:_BATCH_READ_LIMIT], rest[_BATCH_READ_LIMIT:]
            retries.call("database", partial(self._read_batch, batch, items), _held_back)
        return items

    def _read_batch(self, batch: list[Any], items: list[Item]) -> None:
        """Read a batch into `items`; raise HeldBackError with what was not read left in `batch`."""
        answer = self.client.batch_get_item(RequestItems={self.name: {"Keys": batch, "ConsistentRead": True}})
        items += [from_attributes(item) for item in answer["Responses"].get(self.name, [])]
        left = answer["UnprocessedKeys"]
        batch[:] = left[self.name]["Keys"] if self.name in left else []
        if batch:
            raise HeldBackError(f"DynamoDB did not read {len(batch)} items")

    def get_together(self, wanted: Sequence[Key]) -> list[Attributes | None]:
        """Read items as one moment has them, of this table or of others; None for each that does not exist.

        Raises what DynamoDB answers, also where one of them is just being written (TransactionCanceledException).
        """
        gets: Any = [{"Get": {"TableName": table or self.name, "Key": dict(key)}} for table, key in wanted]
        answer = self.client.transact_get_items(TransactItems=gets)
        return [one.get("Item") or None for one in answer["Responses"]]

    def query(
        self, pk: str, *, sk_from: str, sk_to: str | None = None, names: Mapping[str, str] | None = None
    ) -> Iterator[Item]:
        """Read a partition's items from one sort key on, consistently and to the end.

        `names` are the attributes wanted, by their placeholders; all without it.
        """
        condition = "pk = :pk AND sk >= :from" if sk_to is None else "pk = :pk AND sk BETWEEN :from AND :to"
        values = {":pk": pk, ":from": sk_from} | ({":to": sk_to} if sk_to is not None else {})
        chosen: Any = {}
        if names:
            chosen = {"ProjectionExpression": ",".join(names), "ExpressionAttributeNames": dict(names)}
        pages = self.client.get_paginator("query").paginate(
            TableName=self.name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=to_attributes(values),
            ConsistentRead=True,
            **chosen,
        )
        for page in pages:
            for item in page["Items"]:
                yield from_attributes(item)

    def due(self, pk: str, now: datetime) -> Iterator[str]:
        """List the partitions of items that are due, of one list, those that have waited longest first."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.name,
            IndexName=keys.DUE_INDEX,
            KeyConditionExpression="duePk = :pk AND dueSk <= :now",
            ExpressionAttributeValues={":pk": {"S": pk}, ":now": {"S": iso(now)}},
        )
        for page in pages:
            yield from (item["pk"]["S"] for item in page["Items"])

    def waiting(self, outbox_list: str, before: datetime) -> Iterator[Item]:
        """List the items of one list of the outbox from before a moment, those that have waited longest first."""
        query = {
            "IndexName": keys.OUTBOX_INDEX,
            "KeyConditionExpression": "outboxPk = :pk AND #at < :before",
            "ExpressionAttributeNames": {"#at": "at"},
            "ExpressionAttributeValues": to_attributes({":pk": outbox_list, ":before": iso(before)}),
        }
        yield from self.every(query)

    def active(self, active_list: str) -> Iterator[Item]:
        """List the items of one list that have not ended; the index may report one late."""
        of_list = {"KeyConditionExpression": "activePk = :pk", "ExpressionAttributeValues": {":pk": {"S": active_list}}}
        return self.every({"IndexName": keys.ACTIVE_INDEX, **of_list})

    def every(self, query: Mapping[str, Any]) -> Iterator[Item]:
        """Read all items of a query, page by page."""
        items, token = self.page(query, limit=1000, token=None)
        yield from items
        while token is not None:
            items, token = self.page(query, limit=1000, token=token)
            yield from items

    def page(
        self,
        query: Mapping[str, Any],
        *,
        limit: int,
        token: str | None,
        fits: Callable[[Item], bool] = lambda _item: True,
    ) -> tuple[list[Item], str | None]:
        """Read up to `limit` items of a query and the token of the rest; InvalidRequest for a token not ours.

        A filter may leave pages short or empty, so pages are read until the limit is
        reached, the query ends, or the answer is as large as a function may give: `fits` reports each item in turn
        whether there is room for it, and is not believed of the first.
        When the time for it is over (`timeouts`, `history_*`), the page is shorter than asked for, perhaps empty, and
        the token goes on from there.
        """
        start = decoded(token, query) if token else None
        items: list[Item] = []
        last: Mapping[str, Any] = {}
        pages = 0
        deadline = Deadline(_history(query), pk=query["ExpressionAttributeValues"][":pk"]["S"])
        while len(items) < limit and not (items and pages >= _PAGES_A_LIST) and not (pages and deadline.over):
            pages += 1
            evaluated = max(limit, _FILTER_PAGE) if "FilterExpression" in query else limit - len(items)
            asked = dict(query, TableName=self.name, Limit=evaluated)
            if start:
                asked["ExclusiveStartKey"] = start
            answer = self._query(asked, token)
            found = answer["Items"]
            taken = 0
            for item in found[: limit - len(items)]:
                read = from_attributes(item)
                if not fits(read) and items:
                    break
                items.append(read)
                last, taken = item, taken + 1
            if taken < len(found):
                start = key_of(last, query)
                break
            start = answer.get("LastEvaluatedKey")
            if not start:
                break
        return items, encoded(start) if start else None

    def _query(self, asked: dict[str, Any], token: str | None) -> Any:
        try:
            return self.client.query(**asked)
        except ClientError as error:
            if token and error_code(error) == "ValidationException":
                raise InvalidRequest.of("/nextToken", "is not a token of this list") from error
            raise

    def update(self, **asked: Any) -> Any:
        """Update one item, again while a transaction that writes it too is under way."""
        return retries.call("database", partial(self.client.update_item, TableName=self.name, **asked), _held_back)

    def update_if(
        self,
        key: tuple[str, str],
        expression: str,
        values: Mapping[str, Any],
        *,
        condition: str | None = None,
        names: Mapping[str, str] | None = None,
        returned: Literal["ALL_NEW", "ALL_OLD", "NONE"] = "ALL_NEW",
    ) -> Item | None:
        """Update one item as `update` does and give what is `returned` of it; None when the condition does not hold."""
        asked: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        asked |= {"ExpressionAttributeNames": dict(names)} if names else {}
        try:
            answer = self.update(
                Key=to_attributes({"pk": key[0], "sk": key[1]}),
                UpdateExpression=expression,
                ExpressionAttributeValues=to_attributes(values),
                ReturnValues=returned,
                **asked,
            )
        except ClientError as error:
            if error_code(error) == _REFUSED_ALONE:
                return None
            raise
        return from_attributes(answer.get("Attributes", {}))

    def transact(self, writes: Sequence[Write]) -> None:
        """Make all writes or none.

        Raise ConditionFailedError naming those refused, with the item found where DynamoDB gives it; NotWrittenError,
        once the same has been tried a few times, and WriteRejectedError. After these nothing has happened; after any
        other error the outcome is unknown.
        """
        operations = [self._operation(write) for write in writes]
        try:
            retries.call("database", lambda: self.client.transact_write_items(TransactItems=operations), _held_back)
        except ClientError as error:
            if error_code(error) != "TransactionCanceledException":
                raise
            raise _cancelled(writes, error) from error

    def _operation(self, write: Write) -> Any:
        body: dict[str, Any] = {"TableName": self.name}
        body["Item" if write.kind == "Put" else "Key"] = to_attributes(write.item)
        if write.expression:
            body["UpdateExpression"] = write.expression
        if write.condition:
            body["ConditionExpression"] = write.condition
            body["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if write.values:
            body["ExpressionAttributeValues"] = to_attributes(write.values)
        if write.names:
            body["ExpressionAttributeNames"] = dict(write.names)
        return {write.kind: body}

    def put_many(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Write items without conditions, 25 a call, until all are taken."""
        self._batch_write([{"PutRequest": {"Item": to_attributes(item)}} for item in items])

    def delete_many(self, keys: Iterable[tuple[str, str]]) -> None:
        """Delete items without conditions, 25 a call, until all are gone."""
        self._batch_write([{"DeleteRequest": {"Key": to_attributes({"pk": pk, "sk": sk})}} for pk, sk in keys])

    def _batch_write(self, requests: list[Any]) -> None:
        while requests:
            batch, requests = requests[:_BATCH_WRITE_LIMIT], requests[_BATCH_WRITE_LIMIT:]
            retries.call("database", partial(self._write_batch, batch), _held_back)

    def _write_batch(self, batch: list[Any]) -> None:
        """Write a batch; raise HeldBackError with what was not written left in `batch`."""
        answer = self.client.batch_write_item(RequestItems={self.name: batch})
        batch[:] = answer.get("UnprocessedItems", {}).get(self.name, [])
        if batch:
            raise HeldBackError(f"DynamoDB did not write {len(batch)} items")


def _history(query: Mapping[str, Any]) -> str:
    """Name the limit of reading a page of a list: by an index or a partition alone, filtered, or both of an index."""
    if "FilterExpression" not in query:
        return "history_indexed"
    return "history_combined" if query.get("IndexName") == keys.PLAN_INDEX else "history_filtered"


def _held_back(error: BaseException) -> bool:
    """Return whether DynamoDB took nothing, or not all, of a write for now, in a form that botocore does not repeat.

    It was short of capacity, or a single item was part of a transaction under way. What is refused so has done nothing
    and may be sent again as it is.
    """
    if not isinstance(error, ClientError):
        return isinstance(error, HeldBackError)
    if error_code(error) != "TransactionCanceledException":
        return error_code(error) == "TransactionConflictException"
    codes = set(_reasons(error))
    return bool(codes & _CAPACITY) and codes <= _CAPACITY | {_CONTENDED, ""}


def _reasons(error: ClientError) -> list[str]:
    """Return why a transaction was cancelled: a code for each of its writes, empty for one that was not in the way."""
    reasons: Any = error.response.get("CancellationReasons") or []
    codes = [str(reason.get("Code") or "None") for reason in reasons]
    return ["" if code == "None" else code for code in codes]


def _cancelled(writes: Sequence[Write], error: ClientError) -> Exception:
    """Return what a cancelled transaction comes to, reason by reason: each alone is enough to cancel it."""
    codes = _reasons(error)
    found: Any = error.response.get("CancellationReasons") or []
    failed = {
        write.name: from_attributes(reason["Item"]) if reason.get("Item") else None
        for write, code, reason in zip(writes, codes, found, strict=False)
        if code == _REFUSED
    }
    others = sorted(set(codes) - {"", _REFUSED, _CONTENDED})
    if failed or not others:
        return ConditionFailedError(failed)
    if set(others) <= _CAPACITY:
        return NotWrittenError(f"DynamoDB is short of capacity ({', '.join(others)}); nothing was written")
    return WriteRejectedError(f"DynamoDB refused to write: {', '.join(others)}")
