"""Table, topics, queues, bus and mail on moto, with faults in the way, for the tests of the notifications."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError, EndpointConnectionError
from tests.support.blueprint import ACCOUNT, REGION, Blueprint
from tests.support.fake_app import KeptErrors
from tests.support.stored_executions import ACT, AT, execution

from wavebreak.aws.channels import Channels
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.notifications.message import Kind
from wavebreak.execution_utils import ExecutionStatus, WaveStatus
from wavebreak.settings import NoticeSettings
from wavebreak.store.commands import CommandStore
from wavebreak.store.evidence import EvidenceStore
from wavebreak.store.executions import ExecutionStore
from wavebreak.store.outbox import OutboxStore
from wavebreak.store.table import Table
from wavebreak.timing import Timing
from wavebreak.use_cases import deliver_events
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from wavebreak.domain.errors.record import Severity
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.error_category import Category

SENDER, READER = "wavebreak@example.com", "operator@example.com"
E, W = ExecutionStatus, WaveStatus


@dataclass
class Faults:
    """What stands in the way of a channel's calls, by service and operation."""

    pending: dict[tuple[str, str], list[Exception]] = field(default_factory=dict)
    for_ever: dict[tuple[str, str], Exception] = field(default_factory=dict)
    after: dict[tuple[str, str], Callable[[], None]] = field(default_factory=dict)

    def strike(self, service: str, operation: str, arguments: dict[str, Any]) -> None:
        key = (service, operation)
        if key in self.for_ever:
            raise self.for_ever[key]
        if self.pending.get(key):
            raise self.pending[key].pop(0)
        del arguments


class Faulty:
    """A client whose calls fail when they are told to."""

    def __init__(self, service: str, client: Any, faults: Faults) -> None:
        self._service, self._client, self._faults = service, client, faults

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> Any:
            self._faults.strike(self._service, operation, arguments)
            answer = getattr(self._client, operation)(**arguments)
            self._faults.after.get((self._service, operation), lambda: None)()
            return answer

        return call


class Crash(BaseException):
    """The function is killed."""


def die(*_: Any) -> None:
    raise Crash


class RecordedFailures(KeptErrors):
    """What was recorded of events that could not be delivered: severity, category and sequence of the event."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[tuple[str, str, int]] = []

    def record_failure(
        self,
        severity: Severity,
        category: Category,
        name_and_message: tuple[str, str],
        *,
        service: str,
        execution_id: str | None = None,
        **context: Any,
    ) -> str:
        """Keep it."""
        assert all((*name_and_message, service, execution_id))
        self.failures.append((severity.value, category.value, context["sequence"]))
        return "err-fake"

    @property
    def faults(self) -> list[str]:
        """The executions of the faults that were recorded."""
        assert all(map(str, self.seen))
        return [context["execution_id"] for _, context in self.contexts]


class NoReports(EvidenceStore):
    """Evidence of executions that owe no report."""

    def owes(self, execution_id: str) -> None:
        """Return that it owes none."""
        del execution_id

    def owing(self, before: datetime) -> list[str]:
        """Name nobody who owes."""
        del before
        return []


@dataclass
class FakeApp:
    """What the notifications need of an app."""

    executions: ExecutionStore
    commands: CommandStore
    outbox: OutboxStore
    settings: NoticeSettings
    faults: Faults
    clients: dict[tuple[str, str], Any]
    clock: datetime = AT
    timing: Timing = field(default_factory=Timing)
    errors: RecordedFailures = field(default_factory=RecordedFailures)
    evidence: NoReports = field(init=False)

    def __post_init__(self) -> None:
        self.evidence = NoReports(self.executions.table)

    def now(self) -> datetime:
        return self.clock

    def channels(self) -> Channels:
        return Channels(self.settings, self.client)

    def client(self, service: str, region: str | None = None) -> Any:
        key = (service, region or REGION)
        if key not in self.clients:
            self.clients[key] = Faulty(service, boto3.client(service, region_name=key[1]), self.faults)  # type: ignore[call-overload]  # a service by a name that is no literal
        return self.clients[key]


class World:
    """Table, topics, queues and mail on moto."""

    def __init__(self) -> None:
        self.faults = Faults()
        client = boto3.client("dynamodb", region_name=REGION)
        (described,) = (table for table in Blueprint({}).tables() if table["TableName"] == "wavebreak-Table")
        client.create_table(**described)
        self.reads: list[list[str]] = []
        """Sort keys of the items that each query of the table answered with."""
        client.meta.events.register("after-call.dynamodb.Query", self._queried)
        table = Table(client, described["TableName"])
        self.sns, self.sqs = boto3.client("sns", region_name=REGION), boto3.client("sqs", region_name=REGION)
        self.failed_queue = self.sqs.create_queue(QueueName="failed")["QueueUrl"]
        boto3.client("sesv2", region_name=REGION).create_email_identity(EmailIdentity=SENDER)
        self.topic, self.queue = self.subscribed("news")
        self.chat_topic, self.chat_queue = self.subscribed("chat", raw=True)
        bus_queue = self.sqs.create_queue(QueueName="bus")["QueueUrl"]
        events = boto3.client("events", region_name=REGION)
        events.put_rule(Name="all", EventPattern=json.dumps({"source": ["wavebreak"]}))
        events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:bus"}])
        self.bus_queue = bus_queue
        settings = NoticeSettings(self.topic, self.chat_topic, self.failed_queue, tuple(Kind), SENDER, (READER,))
        executions = ExecutionStore(table)
        commands = CommandStore(table, executions)
        self.app = FakeApp(executions, commands, OutboxStore(table), settings, self.faults, {})

    def _queried(self, parsed: dict[str, Any], **_: Any) -> None:
        self.reads.append([item["sk"]["S"] for item in parsed.get("Items", ()) if "sk" in item])

    def events_read(self) -> int:
        """Count the events of trails that were read since `reads` was emptied."""
        return sum(name.startswith("EVENT#") for names in self.reads for name in names)

    def subscribed(self, name: str, *, raw: bool = False, **attributes: str) -> tuple[str, str]:
        """Make a topic and a queue that gets what is published to it."""
        topic = self.sns.create_topic(Name=name)["TopicArn"]
        return topic, self.subscribe(topic, name, raw=raw, **attributes)

    def subscribe(self, topic: str, name: str, *, raw: bool = False, **attributes: str) -> str:
        queue = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        if raw:
            attributes["RawMessageDelivery"] = "true"
        self.sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", Attributes=attributes
        )
        return queue

    def received(self, queue: str | None = None) -> list[dict[str, Any]]:
        """Take everything out of a queue."""
        found: list[dict[str, Any]] = []
        while messages := self.sqs.receive_message(QueueUrl=queue or self.queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=queue or self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def bodies(self, queue: str) -> list[str]:
        """Look at the bodies of a queue as they are."""
        messages = self.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", ())
        return [message["Body"] for message in messages]

    def delivered(self) -> list[tuple[str, int]]:
        """Give kind and sequence of every message that the topic delivered."""
        documents = [json.loads(envelope["Message"]) for envelope in self.received()]
        return [(document["type"], document["sequence"]) for document in documents]

    def born(self, number: int = 1, document: str = "{}") -> Execution:
        """Start an execution."""
        return self.app.executions.create(execution(number, plan_id=f"p{number}"), document, self.act(), {})

    def act(self) -> Attribution:
        self.pass_time(1)
        return Attribution(ACT.actor, self.app.clock, "why")

    def becomes(self, before: Execution, status: ExecutionStatus | None = None, **waves: WaveStatus) -> Execution:
        """Write a change: `w1=W.COMPLETED`."""
        changed = [replace(before.wave(int(name[1:])), status=to) for name, to in waves.items()]
        after = replace(before.with_waves(changed), status=status or before.status)
        return self.app.executions.save(before, after, self.act())

    def a_run(self, number: int = 1, document: str = "{}") -> Execution:
        """Run an execution that partly succeeds: five events, of which the first and the last two are told."""
        current = self.becomes(self.born(number, document), E.IN_PROGRESS, w1=W.IN_PROGRESS)
        current = self.becomes(current, w1=W.COMPLETED, w2=W.IN_PROGRESS)
        current = self.becomes(current, w2=W.FAILED)
        return self.becomes(current, E.PARTIAL_SUCCESS)

    def deliver(self, number: int = 1) -> int:
        return deliver_events.deliver(self.app, f"drill-{number:026d}")

    def sweep(self) -> int:
        return deliver_events.sweep(self.app)

    def as_app(self) -> FakeApp:
        """Give what stands in for the app of the function."""
        return self.app

    def pass_time(self, seconds: float) -> None:
        self.app.clock += timedelta(seconds=seconds)


RUN = [("STARTED", 1), ("WAVE_FAILED", 4), ("PARTIAL_SUCCESS", 5)]


def unanswered() -> Exception:
    return EndpointConnectionError(endpoint_url="https://sns")


def refused(code: str = "AuthorizationError", message: str = "no", status: int = 403) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]  # botocore asks for no more
        "Publish",
    )


def stream_of(*executions: Execution) -> dict[str, Any]:
    """Give the records of the stream: one for each event."""
    return {
        "Records": [
            {
                "eventName": "INSERT",
                "dynamodb": {"Keys": {"pk": {"S": f"EXEC#{one.execution_id}"}, "sk": {"S": f"EVENT#{number:06d}"}}},
            }
            for one in executions
            for number in range(1, one.event_sequence + 1)
        ]
    }
