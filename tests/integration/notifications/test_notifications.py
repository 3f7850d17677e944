"""News from the outbox to real topics and queues: nothing lost, in order, no repeat, and no poison holds up others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError
from tests.support.blueprint import ACCOUNT, REGION
from tests.support.notification_capture import RUN, Crash, E, W, World, die, refused, stream_of, unanswered
from tests.support.stored_executions import execution

from wavebreak import lambda_entry
from wavebreak.aws.channels import Channels, ascii_subject
from wavebreak.domain.notifications.execution_messages import execution_message
from wavebreak.domain.notifications.message import Kind
from wavebreak.handlers import notification
from wavebreak.harmless_text import acts
from wavebreak.problems import CircuitOpen
from wavebreak.store.executions import ExecutionStore
from wavebreak.store.outbox import OutboxStore
from wavebreak.use_cases import deliver_events
from wavebreak.values import replace

if TYPE_CHECKING:
    from wavebreak.domain.notifications.delivery import Notification


def test_every_message_once_in_order_to_every_channel(world: World) -> None:
    world.a_run()

    assert world.deliver() == 5

    envelopes = world.received()
    documents = [json.loads(envelope["Message"]) for envelope in envelopes]
    assert [(each["type"], each["sequence"]) for each in documents] == RUN
    assert [each["MessageAttributes"]["sequence"]["Value"] for each in envelopes] == ["1", "4", "5"]
    assert envelopes[-1]["Subject"] == "⚠️ DRS Execution Partially Completed - Plan"
    attributes = {name: each["Value"] for name, each in envelopes[-1]["MessageAttributes"].items()}
    assert attributes == {
        "executionId": f"drill-{1:026d}",
        "sequence": "5",
        "type": "PARTIAL_SUCCESS",
        "status": "PARTIAL_SUCCESS",
        "mode": "DRILL",
        "planId": "p1",
        "subject": envelopes[-1]["Subject"],
    }
    bus = world.received(world.bus_queue)
    order = [(event["detail"]["sequence"], event["detail"]["change"]) for event in bus]
    assert order == [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1), (5, 1)]
    assert {(event["source"], event["detail-type"]) for event in bus} == {
        ("wavebreak", "Execution Status Change"),
        ("wavebreak", "Wave Status Change"),
    }
    chats = world.received(world.chat_queue)
    assert [chat["content"]["keywords"][0] for chat in chats] == [kind for kind, _ in RUN]
    assert (world.deliver(), world.sweep(), world.delivered()) == (0, 0, [])


def test_t29_a_hostile_name_of_an_older_plan_reaches_no_topic_bus_or_queue_as_it_is(world: World) -> None:
    name = "a\u202eb\0\u200b\ufffe\x7f"
    born = replace(execution(1, plan_id="p1"), plan_name=name)
    world.faults.for_ever["sns", "publish"] = refused()
    world.app.executions.create(born, "{}", world.act(), {})
    assert world.deliver() == 1
    for queue in (world.bus_queue, world.failed_queue):
        (body,) = world.bodies(queue)
        assert not set(filter(acts, body))
    world.faults.for_ever.clear()
    world.app.executions.create(replace(execution(2, plan_id="p2"), plan_name=name), "{}", world.act(), {})
    world.deliver(2)
    (envelope,) = world.received()
    assert envelope["Subject"] == "🚀 DRS Execution Started - a b    "
    assert not set(filter(acts, envelope["Message"]))


def test_subscriptions_filter_by_status_plan_and_mode(world: World) -> None:
    policy = {"status": ["PARTIAL_SUCCESS", "FAILED"], "mode": ["DRILL"], "planId": ["p2"]}
    chosen = world.subscribe(world.topic, "chosen", FilterPolicy=json.dumps(policy))
    for number in (1, 2):
        world.a_run(number)
        world.deliver(number)
    (envelope,) = world.received(chosen)
    assert json.loads(envelope["Message"])["executionId"] == f"drill-{2:026d}"


def test_people_are_written_to_about_what_they_chose_and_the_bus_gets_everything(world: World) -> None:
    world.app.settings = replace(world.app.settings, kinds=("PARTIAL_SUCCESS",))
    world.a_run()
    world.deliver()
    assert world.delivered() == [("PARTIAL_SUCCESS", 5)]
    assert len(world.received(world.bus_queue)) == 7


def test_a_plan_can_add_its_own_topic(world: World) -> None:
    topic, queue = world.subscribed("of-the-plan")
    world.a_run(1, json.dumps({"notifyTopicArn": topic}))
    world.a_run(2, json.dumps({"notifyTopicArn": world.topic}))
    world.deliver(1)
    world.deliver(2)
    assert [json.loads(each["Message"])["sequence"] for each in world.received(queue)] == [1, 4, 5]
    assert world.delivered() == RUN + RUN


def test_a_crash_between_publish_and_cursor_repeats_that_event_and_no_other(world: World) -> None:
    world.a_run()
    original = OutboxStore.move
    moved: list[int] = []

    def dying(store: OutboxStore, cursor: Any, sequence: int, statuses: Any) -> Any:
        if sequence == 4:
            raise Crash
        moved.append(sequence)
        return original(store, cursor, sequence, statuses)

    dies_at(world, "move", dying)
    assert moved == [1, 2, 3]
    world.pass_time(60)
    assert world.deliver() == 0, "its lease is not over"
    world.pass_time(deliver_events.LEASE.total_seconds())

    assert world.sweep() == 2

    assert world.delivered() == [("STARTED", 1), ("WAVE_FAILED", 4), ("WAVE_FAILED", 4), ("PARTIAL_SUCCESS", 5)]


def test_a_crash_between_cursor_and_outbox_repeats_nothing(world: World) -> None:
    world.a_run()
    dies_at(world, "take_out", die)
    world.pass_time(deliver_events.LEASE.total_seconds() + 1)
    assert world.sweep() == 4
    assert world.delivered() == RUN
    world.pass_time(60)
    assert world.app.outbox.waiting(world.app.clock) == {}


def dies_at(world: World, call: str, dying: Any) -> None:
    """Have a teller be killed at a call of the outbox."""
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(OutboxStore, call, dying)
        with pytest.raises(Crash):
            world.deliver()


def test_a_channel_that_fails_for_a_while_loses_nothing_and_what_went_through_is_not_repeated(world: World) -> None:
    world.faults.pending["sns", "publish"] = [unanswered(), unanswered(), unanswered()]
    world.a_run()
    assert world.deliver() == 0
    bus_before = len(world.received(world.bus_queue))
    assert bus_before == 1
    assert (world.deliver(), world.delivered()) == (0, []), "it is too early to try again"

    delivered = 0
    for _ in range(6):
        world.pass_time(60)
        delivered += world.sweep()

    assert delivered == 5
    assert world.delivered() == RUN
    assert len(world.received(world.bus_queue)) == 6, "the bus had the first event already"
    assert len(world.received(world.chat_queue)) == 3
    assert world.app.errors.failures == [("WARNING", "DEPENDENCY", 1)] * 3


def test_s3_22_events_stay_in_the_outbox_while_a_channel_is_left_alone(world: World) -> None:
    world.faults.for_ever["sns", "publish"] = CircuitOpen("sns/us-east-1 is left alone for now")
    world.a_run()
    for _ in range(20):
        assert world.deliver() + world.sweep() == 0
        world.pass_time(60)
    assert world.received(world.failed_queue) == [], "an attempt that was not made is no failure"
    assert set(world.app.errors.failures) == {("WARNING", "CIRCUIT_OPEN", 1)}
    world.faults.for_ever.clear()
    assert world.deliver() + world.sweep() == 5
    assert world.delivered() == RUN


def test_events_that_come_while_a_channel_fails_wait_behind_the_first(world: World) -> None:
    world.faults.for_ever["sns", "publish"] = unanswered()
    current = world.becomes(world.born(), E.IN_PROGRESS, w1=W.IN_PROGRESS)
    for _ in range(4):
        assert world.deliver() == 0
    current = world.becomes(current, w1=W.FAILED)
    world.becomes(current, E.FAILED)
    assert world.deliver() == 0
    world.faults.for_ever.clear()
    world.pass_time(20)
    assert world.deliver() == 4
    assert world.delivered() == [("STARTED", 1), ("WAVE_FAILED", 3), ("FAILED", 4)]
    assert world.received(world.failed_queue) == []


def test_a_function_that_fails_for_a_while_loses_nothing_and_repeats_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notification, "app", world.as_app)
    monkeypatch.setattr(lambda_entry, "app", world.as_app)
    with monkeypatch.context() as broken:
        broken.setattr(OutboxStore, "claim", _no_table)
        run = world.a_run()
        assert notification.written(stream_of(run), None) == {"delivered": 0, "reports": 0}
        assert world.app.errors.faults == [run.execution_id]
    world.pass_time(60)
    assert notification.sweep({}, None) == {"delivered": 5, "reports": 0}
    assert notification.written(stream_of(run), None) == {"delivered": 0, "reports": 0}
    assert world.delivered() == RUN


def _no_table(*_: Any) -> None:
    raise refused("InternalServerError", "down", 500)


def test_one_execution_that_cannot_be_told_does_not_hold_up_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notification, "app", world.as_app)
    monkeypatch.setattr(lambda_entry, "app", world.as_app)
    runs = [world.a_run(number) for number in (1, 2)]
    original = ExecutionStore.load

    def broken(store: ExecutionStore, execution_id: str) -> Any:
        if execution_id == runs[0].execution_id:
            raise refused("InternalServerError", "down", 500)
        return original(store, execution_id)

    with monkeypatch.context() as patches:
        patches.setattr(ExecutionStore, "load", broken)
        assert notification.written(stream_of(*runs), None) == {"delivered": 5, "reports": 0}
        assert world.app.errors.faults == [runs[0].execution_id]
        world.pass_time(deliver_events.LEASE.total_seconds() + 1)
        with pytest.raises(Exception, match="down"):
            notification.sweep({}, None)
    world.pass_time(deliver_events.LEASE.total_seconds() + 1)
    assert notification.sweep({}, None) == {"delivered": 5, "reports": 0}


def test_s3_7_the_services_of_a_message_are_named_before_the_first_of_them_is_called(world: World) -> None:
    elsewhere = f"arn:aws:sns:eu-west-1:{ACCOUNT}:plan"
    world.a_run(1, json.dumps({"notifyTopicArn": elsewhere}))
    asked: list[list[tuple[str, str | None]]] = []
    channels = Channels(world.app.settings, world.app.client, lambda services: asked.append(list(services)))
    world.app.channels = lambda: channels  # type: ignore[method-assign]  # one that names what it calls

    world.deliver()

    bus, mail = ("events", None), ("sesv2", None)
    assert asked[0] == [("sns", REGION), ("sns", "eu-west-1"), mail, bus]
    assert [bus] in asked, "an event without a message goes to the bus alone"


def test_a_poison_event_is_set_aside_after_five_attempts_and_the_rest_goes_on(world: World) -> None:
    gone = f"arn:aws:sns:{REGION}:{ACCOUNT}:gone"
    world.a_run(1, json.dumps({"notifyTopicArn": gone}))
    attempts: list[str] = []
    channels = Channels(world.app.settings, world.app.client)
    send = channels.send

    def counted(notification: Notification, served: frozenset[str] = frozenset()) -> Any:
        if notification.message:
            attempts.append(notification.message.kind)
        return send(notification, served)

    channels.send = counted  # type: ignore[method-assign]  # counts
    world.app.channels = lambda: channels  # type: ignore[method-assign]  # likewise

    assert world.deliver() == 5

    assert attempts == ["STARTED"] * 5 + ["WAVE_FAILED"] * 5 + ["PARTIAL_SUCCESS"] * 5
    assert world.delivered() == RUN
    aside = world.received(world.failed_queue)
    assert [each["event"]["sequence"] for each in aside] == [1, 4, 5]
    assert [list(each["notTold"]) for each in aside] == [["plan"]] * 3
    assert ACCOUNT not in json.dumps(aside[0]["notTold"])


def test_an_event_that_cannot_be_written_down_is_set_aside_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.a_run()
    original = execution_message

    def failing(kind: Kind, *rest: Any) -> Any:
        if kind is Kind.WAVE_FAILED:
            raise KeyError("odd")
        return original(kind, *rest)

    monkeypatch.setattr(deliver_events, "execution_message", failing)
    assert world.deliver() == 5
    assert world.delivered() == [RUN[0], RUN[2]]
    (aside,) = world.received(world.failed_queue)
    assert aside["notTold"] == {"news": "KeyError('odd')"}


def test_a_channel_that_never_comes_back_lets_the_event_go_after_five_attempts(world: World) -> None:
    world.born()
    world.faults.for_ever["sesv2", "send_email"] = unanswered()
    counts = [world.deliver()]
    for _ in range(40):
        world.pass_time(60)
        counts.append(world.sweep())
    assert sum(counts) == 1
    assert 10 <= counts.index(1) <= 14, "minutes until it was set aside"
    (aside,) = world.received(world.failed_queue)
    assert list(aside["notTold"]) == ["mail"]
    assert world.delivered() == [("STARTED", 1)]
    assert world.app.errors.failures == [("WARNING", "DEPENDENCY", 1)] * 4 + [("ERROR", "DEPENDENCY", 1)]


def test_an_event_stays_in_the_outbox_while_it_can_not_even_be_set_aside(world: World) -> None:
    world.born()
    world.faults.for_ever["sns", "publish"] = refused()
    world.faults.for_ever["sqs", "send_message"] = unanswered()
    with pytest.raises(EndpointConnectionError):
        world.deliver()
    world.faults.for_ever.clear()
    world.pass_time(deliver_events.LEASE.total_seconds() + 1)
    assert world.sweep() == 1
    assert world.delivered() == [("STARTED", 1)]


def test_a_subject_that_sns_refuses_goes_as_ascii_and_the_whole_one_beside_it(world: World) -> None:
    world.faults.pending["sns", "publish"] = [refused("InvalidParameter", "Invalid parameter: Subject", 400)]
    world.born()
    assert world.deliver() == 1
    (envelope,) = world.received()
    assert envelope["Subject"] == "DRS Execution Started - Plan"
    assert envelope["MessageAttributes"]["subject"]["Value"] == "🚀 DRS Execution Started - Plan"


@pytest.mark.parametrize(
    ("subject", "plain"),
    [("⚠️ DRS - né\n", "DRS - n??"), ("🚀", "Wavebreak"), ("✅ " + "x" * 97, "x" * 97)],
)
def test_subjects_in_ascii(subject: str, plain: str) -> None:
    assert ascii_subject(subject) == plain


def test_bus_events_that_were_not_taken_are_sent_again_and_the_others_not(world: World) -> None:
    waves = {f"w{number}": W.IN_PROGRESS for number in range(1, 13)}
    born = world.app.executions.create(execution(1, [1] * 12, plan_id="p1"), "{}", world.act(), {})
    world.becomes(born, E.IN_PROGRESS, **waves)
    real = world.app.client("events")
    calls: list[int] = []

    class Throttling:
        def put_events(self, Entries: list[Any]) -> Any:  # noqa: N803  as the API has it
            calls.append(len(Entries))
            if len(calls) != 3:
                return real.put_events(Entries=Entries)
            return {"Entries": [{"ErrorCode": "ThrottlingException"} for _ in Entries]}

    world.app.clients["events", REGION] = Throttling()
    assert world.deliver() == 1
    world.pass_time(30)
    assert world.sweep() == 1
    assert calls == [1, 10, 3, 3]
    order = [each["detail"]["change"] for each in world.received(world.bus_queue)]
    assert order == [1, *range(1, 14)]


def test_the_audit_trail_that_readers_see_is_the_same_before_and_after(world: World) -> None:
    run = world.a_run()
    before = world.app.executions.events(run.execution_id, limit=50, token=None)
    world.deliver()
    assert world.app.executions.events(run.execution_id, limit=50, token=None) == before
    assert all("outboxPk" not in event for event in before[0])
