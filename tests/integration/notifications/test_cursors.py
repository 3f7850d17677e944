"""How far the events of a trail were delivered: cursors, late records, and those who come meanwhile."""

from __future__ import annotations

import json
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from tests.support.notification_capture import RUN, Crash, E, W, World, die

from wavebreak.store import keys
from wavebreak.store.outbox import OutboxStore
from wavebreak.store.table import to_attributes
from wavebreak.use_cases import deliver_events


def test_who_comes_while_events_are_told_knocks_and_is_heard(world: World) -> None:
    current = world.becomes(world.born(), E.IN_PROGRESS, w1=W.IN_PROGRESS)
    late: list[Any] = []

    def meanwhile() -> None:
        if not late:
            late.append(world.becomes(current, w1=W.FAILED))
            late.append(world.deliver())

    world.faults.after["sesv2", "send_email"] = meanwhile
    assert world.deliver() == 3
    assert late[1] == 0, "somebody else was at it"
    assert world.delivered() == [("STARTED", 1), ("WAVE_FAILED", 3)]


def test_a_teller_whose_lease_is_over_moves_nothing(world: World) -> None:
    world.a_run()
    stolen: list[int] = []

    def slow() -> None:
        if not stolen:
            world.pass_time(deliver_events.LEASE.total_seconds() + 1)
            stolen.append(0)
            stolen[0] = world.deliver()

    world.faults.after["sesv2", "send_email"] = slow
    assert world.deliver() == 0
    assert stolen == [5]
    assert world.delivered() == [RUN[0], *RUN], "the one that was told twice has the same sequence"


def test_a_long_trail_is_told_in_several_calls(world: World) -> None:
    world.a_run()
    world.faults.after["events", "put_events"] = lambda: world.pass_time(20)
    assert world.deliver() == 3
    world.faults.after.clear()
    assert world.sweep() == 2
    assert world.delivered() == RUN


def test_events_from_before_there_were_notifications_are_not_told(world: World) -> None:
    run = world.a_run()
    for number in range(1, 5):
        world.app.outbox.take_out(run.execution_id, number)
    world.deliver()
    assert world.delivered() == [("PARTIAL_SUCCESS", 5)]


def test_b10_an_event_is_told_without_a_look_at_what_lies_before_the_cursor(world: World) -> None:
    current = world.becomes(world.born(), E.IN_PROGRESS, w1=W.IN_PROGRESS)
    asked: list[int] = []
    for _ in range(30):
        current = world.becomes(current, E.PAUSED)
        current = world.becomes(current, E.IN_PROGRESS)
        world.reads.clear()
        world.deliver()
        asked.append(world.events_read())
    delivered = world.delivered()
    assert [sequence for _, sequence in delivered] == [1, *range(3, 63)]
    assert {kind for kind, _ in delivered[1:]} == {"PAUSED", "RESUMED"}
    assert set(asked[1:]) == {3}, "the one at the cursor and the two behind it"


def test_b10_a_cursor_from_before_statuses_were_kept_adds_them_up_once(world: World) -> None:
    current = world.becomes(world.born(), E.IN_PROGRESS, w1=W.IN_PROGRESS, w2=W.IN_PROGRESS)
    current = world.becomes(current, w1=W.COMPLETED)
    world.deliver()
    world.app.outbox.table.client.update_item(
        TableName=world.app.outbox.table.name,
        Key={"pk": {"S": f"EXEC#{current.execution_id}"}, "sk": {"S": "CURSOR"}},
        UpdateExpression="REMOVE #statuses",
        ExpressionAttributeNames={"#statuses": "statuses"},
    )
    world.received()
    world.becomes(world.becomes(current, w2=W.FAILED), E.PARTIAL_SUCCESS)
    assert world.deliver() == 2
    documents = [json.loads(envelope["Message"]) for envelope in world.received()]
    assert [(each["type"], each["summary"]) for each in documents] == [
        ("WAVE_FAILED", "✓ 1 wave(s) completed | ✗ 1 wave(s) failed"),
        ("PARTIAL_SUCCESS", "✓ 1 wave(s) completed | ✗ 1 wave(s) failed"),
    ]


def test_b10_an_odd_event_holds_up_neither_itself_nor_those_behind_a_cursor_that_adds_it_up(world: World) -> None:
    """What it does not report is as it was; what it does, and what comes after it, is told."""
    current = world.becomes(world.born(), E.IN_PROGRESS, w1=W.IN_PROGRESS, w2=W.IN_PROGRESS)
    current = world.becomes(current, w1=W.COMPLETED)
    odd = {"waveNumber": 1, "from": "IN_PROGRESS", "to": "UNHEARD OF"}
    _update(world, "EVENT#000003", "SET #name = :value", "data", {"changes": [odd]})
    assert world.deliver() == 3
    _update(world, "CURSOR", "REMOVE #name", "statuses")
    world.received()

    world.becomes(world.becomes(current, w2=W.FAILED), E.PARTIAL_SUCCESS)

    assert world.deliver() == 2
    documents = [json.loads(envelope["Message"]) for envelope in world.received()]
    assert [(each["type"], each["summary"]) for each in documents] == [
        ("WAVE_FAILED", "✗ 1 wave(s) failed"),
        ("PARTIAL_SUCCESS", "✗ 1 wave(s) failed"),
    ]


def _update(world: World, sort_key: str, expression: str, name: str, value: Any = None) -> None:
    world.app.outbox.table.update(
        Key=to_attributes({"pk": f"EXEC#drill-{1:026d}", "sk": sort_key}),
        UpdateExpression=expression,
        ExpressionAttributeNames={"#name": name},
        **({"ExpressionAttributeValues": to_attributes({":value": value})} if value else {}),
    )


@pytest.mark.parametrize("seed", range(12))
def test_b10_records_that_come_late_twice_or_in_another_order_lose_nothing_and_double_nothing(
    world: World, seed: int
) -> None:
    """Each record of the stream is a call; some never come, some tellers die, and the sweep comes now and then."""
    dice = Random(seed)  # noqa: S311  a seed tells a history again
    current = world.becomes(world.born(), E.IN_PROGRESS, w1=W.IN_PROGRESS)
    records = [1, 2]
    for _ in range(25):
        current = world.becomes(current, E.PAUSED if current.status is E.IN_PROGRESS else E.IN_PROGRESS)
        records += [current.event_sequence] * dice.choice((0, 1, 1, 2))
        dice.shuffle(records)
        for _ in range(dice.randint(0, min(4, len(records)))):
            records.pop()
            if dice.random() < 0.2:
                dies_in_any_call(world, dice)
            else:
                world.deliver()
        if dice.random() < 0.2:
            world.pass_time(deliver_events.LEASE.total_seconds() + 1)
            world.sweep()
    world.pass_time(deliver_events.LEASE.total_seconds() + 30)
    world.sweep()
    assert [sequence for _, sequence in world.delivered()] == [1, *range(3, 28)]
    assert world.app.outbox.waiting(world.app.clock) == {}


def dies_in_any_call(world: World, dice: Random) -> None:
    """Have a teller be killed at a call of the outbox, before anything was told or after it was written down."""
    with pytest.MonkeyPatch.context() as patches, suppress(Crash):
        patches.setattr(OutboxStore, dice.choice(("trail", "take_out")), die)
        world.deliver()


def test_b10_what_is_still_in_the_outbox_far_before_the_cursor_is_taken_out_by_the_sweep(world: World) -> None:
    run = world.a_run()
    world.deliver()
    world.app.outbox.table.client.update_item(
        TableName=world.app.outbox.table.name,
        Key={"pk": {"S": f"EXEC#{run.execution_id}"}, "sk": {"S": "EVENT#000002"}},
        UpdateExpression="SET outboxPk = :list",
        ExpressionAttributeValues={":list": {"S": keys.OUTBOX_LIST}},
    )
    world.received()
    world.pass_time(60)
    assert world.app.outbox.waiting(world.app.clock) == {run.execution_id: 2}
    assert (world.sweep(), world.delivered()) == (0, [])
    assert world.app.outbox.waiting(world.app.clock) == {}


def test_the_write_of_the_last_event_gives_the_cursor_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OutboxStore, "release", lambda *_arguments, **_more: pytest.fail("a write of its own"))
    current = world.becomes(world.born(), E.IN_PROGRESS, w1=W.IN_PROGRESS)
    assert world.deliver() == 2
    world.becomes(current, E.PAUSED)
    assert world.deliver() == 1, "nobody has it"
    assert world.app.outbox.waiting(world.app.clock) == {}
