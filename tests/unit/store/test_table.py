"""What DynamoDB holds back is asked for again, a few times; a list that takes too long is cut short with its token."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from wavebreak.problems import Unavailable
from wavebreak.resilience import retries
from wavebreak.store import keys
from wavebreak.store.commands import CommandStore
from wavebreak.store.evidence import EvidenceStore
from wavebreak.store.executions import ExecutionStore
from wavebreak.store.outbox import Cursor, OutboxStore
from wavebreak.store.table import (
    ConditionFailedError,
    HeldBackError,
    NotWrittenError,
    Table,
    Write,
    WriteRejectedError,
    to_attributes,
)
from wavebreak.store.wake_tokens import WakeStore
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 7, 1, tzinfo=UTC)
ITEMS = [{"pk": f"p{number}", "sk": "s"} for number in range(30)]
WRITE = Write("one", "Put", ITEMS[0])


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds: list[float] = []
    monkeypatch.setattr(retries, "sleep", seconds.append)
    monkeypatch.setattr(retries, "spread", lambda: 0.0)
    return seconds


class Client:
    """DynamoDB that takes only so many items of a batch, and cancels so many transactions."""

    def __init__(self, takes: int = 25, cancels: tuple[str, ...] = (), times: int = 0) -> None:
        self.takes = takes
        self.cancels = cancels
        self.times = times
        self.batches: list[int] = []
        self.written: list[Any] = []
        self.transactions: list[Any] = []

    def batch_write_item(self, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:  # noqa: N803  DynamoDB's word
        ((name, requests),) = RequestItems.items()
        self.batches.append(len(requests))
        self.written += requests[: self.takes]
        left = requests[self.takes :]
        return {"UnprocessedItems": {name: left} if left else {}}

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803  likewise
        ((name, wanted),) = RequestItems.items()
        self.batches.append(len(wanted["Keys"]))
        found, left = wanted["Keys"][: self.takes], wanted["Keys"][self.takes :]
        return {"Responses": {name: found}, "UnprocessedKeys": {name: {"Keys": left}} if left else {}}

    def transact_write_items(self, TransactItems: list[Any]) -> None:  # noqa: N803  likewise
        self.transactions.append(TransactItems)
        if len(self.transactions) <= self.times:
            reasons: Any = {"CancellationReasons": [{"Code": code} for code in self.cancels]}
            error = {"Code": "TransactionCanceledException", "Message": "no"}
            answer: Any = {"Error": error, **reasons}
            raise ClientError(answer, "TransactWriteItems")

    def update_item(self, **asked: Any) -> dict[str, Any]:
        self.transactions.append(asked)
        if len(self.transactions) <= self.times:
            raise ClientError({"Error": {"Code": self.cancels[0], "Message": "no"}}, "UpdateItem")
        return {"Attributes": {}}

    def query(self, **asked: Any) -> dict[str, Any]:
        self.batches.append(asked["Limit"])
        return {"Items": [to_attributes(ITEMS[0] | {"listPk": "PLANS", "listSk": "x"})], "LastEvaluatedKey": KEY}


KEY = {name: {"S": "x"} for name in ("listPk", "listSk", "pk", "sk")} | {"listPk": {"S": "PLANS"}}
LISTING = {
    "IndexName": keys.LISTING_INDEX,
    "KeyConditionExpression": "listPk = :pk",
    "ExpressionAttributeValues": {":pk": {"S": "PLANS"}},
}


def table(client: Client) -> Table:
    wire: Any = client
    return Table(wire, "t")


def test_s3_18_what_was_not_written_is_written_again_and_nothing_twice(slept: list[float]) -> None:
    client = Client(takes=10)
    table(client).put_many(ITEMS)
    assert client.batches == [25, 15, 5, 5]
    assert [request["PutRequest"]["Item"]["pk"]["S"] for request in client.written] == [item["pk"] for item in ITEMS]
    assert slept == [1, 2]


def test_s3_20_a_batch_of_which_nothing_is_taken_is_given_up_after_three_calls(slept: list[float]) -> None:
    client = Client(takes=0)
    with pytest.raises(HeldBackError, match="did not write 25 items") as raised:
        table(client).put_many(ITEMS)
    assert isinstance(raised.value, Unavailable)
    assert (client.batches, slept) == ([25] * 3, [1, 2])


def test_s3_18_what_was_not_read_is_read_again(slept: list[float]) -> None:
    client = Client(takes=20)
    found = table(client).get_many([(item["pk"], item["sk"]) for item in ITEMS])
    assert [item["pk"] for item in found] == [item["pk"] for item in ITEMS]
    assert (client.batches, slept) == ([30, 10], [1])


CAPACITY = ["ThrottlingError", "ProvisionedThroughputExceeded"]
REFUSED = "ConditionalCheckFailed"
CONTENDED = "TransactionConflict"
PERMANENT = ["ValidationError", "ItemCollectionSizeLimitExceeded", "AccessDenied", "DuplicateItem", "a new word"]


@pytest.mark.parametrize("reasons", [*((code, "None") for code in CAPACITY), (CONTENDED, "ThrottlingError"), CAPACITY])
def test_s3_18_a_transaction_cancelled_for_capacity_is_made_again_as_it_is(
    reasons: tuple[str, ...], slept: list[float]
) -> None:
    client = Client(cancels=reasons, times=2)
    table(client).transact([WRITE])
    assert (len(client.transactions), slept) == (3, [1, 2])
    assert client.transactions[0] == client.transactions[2]


@pytest.mark.parametrize("reasons", [(code,) for code in CAPACITY] + [(CONTENDED, "ThrottlingError")])
def test_t26_a_lasting_want_of_capacity_is_told_as_what_it_is_nothing_was_written(
    reasons: tuple[str, ...], slept: list[float]
) -> None:
    client = Client(cancels=reasons, times=9)
    with pytest.raises(NotWrittenError, match=r"ThrottlingError|ProvisionedThroughputExceeded") as raised:
        table(client).transact([WRITE])
    assert isinstance(raised.value, Unavailable)
    assert (len(client.transactions), slept) == (3, [1, 2])


@pytest.mark.parametrize("beside", ["None", CONTENDED, *CAPACITY, *PERMANENT])
def test_s3_19_t26_a_refused_condition_is_told_at_once_whatever_stands_beside_it(
    beside: str, slept: list[float]
) -> None:
    client = Client(cancels=(beside, REFUSED), times=9)
    with pytest.raises(ConditionFailedError) as refused:
        table(client).transact([WRITE, replace(WRITE, name="two")])
    assert refused.value.failed == {"two": None}
    assert (len(client.transactions), slept) == (1, [])


def test_s3_19_a_transaction_that_meets_another_one_is_decided_again_by_who_made_it(slept: list[float]) -> None:
    client = Client(cancels=(CONTENDED, "None"), times=9)
    with pytest.raises(ConditionFailedError) as refused:
        table(client).transact([WRITE])
    assert (refused.value.failed, len(client.transactions), slept) == ({}, 1, [])


@pytest.mark.parametrize("beside", ["None", CONTENDED, *CAPACITY])
@pytest.mark.parametrize("code", PERMANENT)
def test_t26_what_dynamodb_will_never_take_is_our_fault_and_not_tried_again(
    code: str, beside: str, slept: list[float]
) -> None:
    client = Client(cancels=(beside, code), times=9)
    with pytest.raises(WriteRejectedError, match=code):
        table(client).transact([WRITE])
    assert (len(client.transactions), slept) == (1, [])


@pytest.mark.parametrize("error", ["InternalServerError", "TransactionInProgressException", "ThrottlingException"])
def test_t26_an_outcome_that_nobody_knows_stays_unknown(error: str) -> None:
    wire: Any = Client()

    def fail(**_: Any) -> None:
        raise ClientError({"Error": {"Code": error, "Message": "no"}}, "TransactWriteItems")

    wire.transact_write_items = fail
    with pytest.raises(ClientError):
        table(wire).transact([WRITE])


JOB = ("EXEC#drill-1", "JOB#001#1#001")


def test_s3_18_an_item_that_a_transaction_has_at_the_moment_is_updated_a_moment_later(slept: list[float]) -> None:
    """A launch event is counted while a look writes the same job; a result while its run is cancelled."""
    client = Client(cancels=("TransactionConflictException",), times=2)
    assert ExecutionStore(table(client)).count_down(JOB, {"s-1"}) == 0
    assert (len(client.transactions), slept) == (3, [1, 2])
    client = Client(cancels=("TransactionConflictException",), times=1)
    CommandStore(table(client), ExecutionStore(table(client))).count("cmd-1", succeeded=True)
    assert len(client.transactions) == 2


@pytest.mark.parametrize(
    "update",
    [
        lambda held: EvidenceStore(held).paid("drill-1", 4),
        lambda held: EvidenceStore(held).answered("drill-1", NOW),
        lambda held: OutboxStore(held).failed(Cursor("drill-1", "me")),
        lambda held: WakeStore(held).claim("drill-1", keys.TOKEN),
        lambda held: WakeStore(held).leave_directive("drill-1", keys.TOKEN, NOW),
    ],
    ids=["paid", "answered", "cursor", "wake", "directive"],
)
def test_s3_18_what_is_kept_beside_an_execution_is_updated_once_the_transaction_it_meets_is_over(
    update: Callable[[Table], object], slept: list[float]
) -> None:
    """A report is paid while a verdict owes the next one."""
    client = Client(cancels=("TransactionConflictException",), times=2)
    update(table(client))
    assert (len(client.transactions), slept) == (3, [1, 2])
    assert client.transactions[0] == client.transactions[2]


def test_an_update_whose_condition_does_not_hold_gives_nothing_and_every_other_fault_is_raised() -> None:
    asked = (("p", "s"), "SET one = :one", {":one": 1})
    assert table(Client()).update_if(*asked) == {}
    assert table(Client(cancels=("ConditionalCheckFailedException",), times=9)).update_if(*asked, condition="c") is None
    with pytest.raises(ClientError):
        table(Client(cancels=("ValidationException",), times=9)).update_if(*asked, condition="c")


def test_s3_19_a_refused_update_is_not_made_again(slept: list[float]) -> None:
    client = Client(cancels=("ConditionalCheckFailedException",), times=9)
    CommandStore(table(client), ExecutionStore(table(client))).count("cmd-1", succeeded=True)
    assert (len(client.transactions), slept) == (1, [])


def test_s3_3_a_list_that_takes_too_long_is_cut_short_and_goes_on_with_its_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Client()
    found, token = table(client).page(LISTING, limit=3, token=None)
    assert (len(found), len(client.batches)) == (3, 3)
    assert token is not None
    monkeypatch.setenv("TIMEOUT_HISTORY_INDEXED", "0.000001")
    client.batches.clear()
    found, token = table(client).page(LISTING, limit=3, token=None)
    assert (len(found), len(client.batches)) == (1, 1)
    assert token is not None
    found, _ = table(client).page(LISTING, limit=3, token=token)
    assert len(found) == 1


@pytest.mark.parametrize(
    ("index", "filtered", "variable"),
    [
        (keys.LISTING_INDEX, False, "TIMEOUT_HISTORY_INDEXED"),
        (keys.LISTING_INDEX, True, "TIMEOUT_HISTORY_FILTERED"),
        (keys.PLAN_INDEX, True, "TIMEOUT_HISTORY_COMBINED"),
    ],
)
def test_s3_1_each_kind_of_history_has_its_own_limit(
    monkeypatch: pytest.MonkeyPatch, index: str, filtered: bool, variable: str
) -> None:
    client = Client()
    query = {**LISTING, "IndexName": index} | ({"FilterExpression": "x"} if filtered else {})
    monkeypatch.setenv(variable, "0.000001")
    table(client).page(query, limit=3, token=None)
    assert len(client.batches) == 1
