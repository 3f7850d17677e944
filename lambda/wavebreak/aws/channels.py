"""The channels of notifications: EventBridge, SNS topics, chat and mail; and the queue of undelivered events.

Each part of a notification has a name (`bus-1`, `topic`, `plan`, `chat`, `mail`), so that a part that was sent is not
sent again when another part has to be repeated.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from wavebreak.domain.notifications.delivery import TOPIC, DeliveryFailure, Notification, Outcome
from wavebreak.domain.notifications.event_bridge import SOURCE
from wavebreak.domain.notifications.html import html_of
from wavebreak.domain.notifications.message import MAX_SUBJECT, discreet, one_line
from wavebreak.domain.notifications.text import chat_document_of, document_of, text_of
from wavebreak.harmless_text import as_json
from wavebreak.problems import CircuitOpen
from wavebreak.resilience.aws_errors import FAULTS, error_code, is_transient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from wavebreak.domain.notifications.event_bridge import BusEvent
    from wavebreak.domain.notifications.message import Message
    from wavebreak.settings import NoticeSettings

    Service = tuple[str, str | None]
    """A service by its client's name, and its Region; None for the stack's own."""

logger = logging.getLogger(__name__)

_MAIL: Final[Service] = ("sesv2", None)
_BUS: Final[Service] = ("events", None)

_ENTRIES_A_CALL: Final = 10
_MACHINES: Final = ("sqs", "lambda", "http", "https", "firehose")
"""Protocols of subscriptions that get JSON; all others get text."""
_ENTRY_FAULTS: Final = frozenset({"InternalFailure", "InternalException", "ThrottlingException"})
"""Codes of a refused bus event that may go through when it is sent again."""


def _nothing(_services: Iterable[Service]) -> None:
    pass


class Channels:
    """All channels of a stack."""

    def __init__(
        self,
        settings: NoticeSettings,
        client: Callable[..., Any],
        before_calls: Callable[[Iterable[Service]], None] = _nothing,
    ) -> None:
        """Keep the destinations, the factory of service clients (`client("sns", region)`), and what is done before.

        `before_calls` is given the services that are about to be called, each once.
        """
        self._settings = settings
        self._client = client
        self._before_calls = before_calls

    def wants(self, kind: str) -> bool:
        """Return whether people are written to about this kind of message."""
        return kind in self._settings.kinds

    def send(self, notification: Notification, served: frozenset[str] = frozenset()) -> Outcome:
        """Send every part that is not among the `served` ones; never raises for a channel's fault."""
        calls = self._calls(notification, served)
        bus = [(f"bus-{number}", event) for number, event in enumerate(notification.bus, 1)]
        waiting = [(part, event) for part, event in bus if part not in served]
        self._before_calls(dict.fromkeys([*(service for _, service, _ in calls), *(_BUS for _ in waiting)]))
        faults: dict[str, DeliveryFailure] = {}
        delivered = set(served)
        for part, _, call in calls:
            try:
                call()
            except FAULTS as error:
                faults[part] = _fault(error)
            else:
                delivered.add(part)
        faults |= self._put_events(waiting)
        delivered |= {part for part, _ in bus if part not in faults}
        return Outcome(frozenset(delivered), faults)

    def _calls(
        self, notification: Notification, served: frozenset[str]
    ) -> list[tuple[str, Service, Callable[[], None]]]:
        """List what a message is sent by: the part, the service that it goes through, and the call."""
        message, chosen = notification.message, self._settings
        if message is None:
            return []
        calls = [(TOPIC, _sns(chosen.topic_arn), partial(self._publish, chosen.topic_arn, message))]
        plan_topic = notification.plan_topic
        if plan_topic and plan_topic != chosen.topic_arn:
            calls.append(("plan", _sns(plan_topic), partial(self._publish, plan_topic, message)))
        calls.append(("chat", _sns(chosen.chat_topic_arn), partial(self._chat, message)))
        if chosen.sender and chosen.recipients:
            calls.append(("mail", _MAIL, partial(self._mail, message)))
        return [call for call in calls if call[0] not in served]

    def _publish(self, topic_arn: str, message: Message) -> None:
        """Publish to a topic: text for people, JSON for machines, attributes for filters.

        SNS documents subjects as UTF-8 today and as ASCII in earlier years: where one is refused it goes as ASCII. The
        whole subject is in the text's title, in the JSON and among the attributes nevertheless.
        """
        document = as_json(document_of(message))
        text = text_of(message)
        body = {"default": text, "email": text, **dict.fromkeys(_MACHINES, document)}
        asked = {
            "TopicArn": topic_arn,
            "MessageStructure": "json",
            "Message": as_json(body),
            "MessageAttributes": _attributes(message),
        }
        sns = self._client(*_sns(topic_arn))
        try:
            sns.publish(**asked, Subject=message.subject)
        except ClientError as error:
            if error_code(error) not in {"InvalidParameter", "InvalidParameterValue"} or "ubject" not in str(error):
                raise
            sns.publish(**asked, Subject=ascii_subject(message.subject))

    def _chat(self, message: Message) -> None:
        topic_arn = self._settings.chat_topic_arn
        document = as_json(chat_document_of(message))
        attributes = _attributes(message)
        self._client(*_sns(topic_arn)).publish(TopicArn=topic_arn, Message=document, MessageAttributes=attributes)

    def _mail(self, message: Message) -> None:
        def content(text: str) -> dict[str, str]:
            return {"Data": text, "Charset": "UTF-8"}

        self._client(*_MAIL).send_email(
            FromEmailAddress=self._settings.sender,
            Destination={"ToAddresses": list(self._settings.recipients)},
            Content={
                "Simple": {
                    "Subject": content(message.subject),
                    "Body": {"Text": content(text_of(message)), "Html": content(html_of(message))},
                }
            },
        )

    def _put_events(self, parts: Sequence[tuple[str, BusEvent]]) -> dict[str, DeliveryFailure]:
        """Put events on the default bus, ten a call, and return the faults of those that it did not take.

        After a fault nothing later is sent, so that the order holds.
        """
        for start in range(0, len(parts), _ENTRIES_A_CALL):
            batch = parts[start : start + _ENTRIES_A_CALL]
            faults = self._put_batch(batch)
            if faults:
                waiting = DeliveryFailure(
                    "waits for an earlier event", transient=any(f.transient for f in faults.values())
                )
                return {part: waiting for part, _ in parts[start + _ENTRIES_A_CALL :]} | faults
        return {}

    def _put_batch(self, batch: Sequence[tuple[str, BusEvent]]) -> dict[str, DeliveryFailure]:
        entries = [
            {
                "Source": SOURCE,
                "DetailType": event.detail_type,
                "Detail": as_json(event.detail),
                "Time": event.at,
            }
            for _, event in batch
        ]
        try:
            results = self._client(*_BUS).put_events(Entries=entries)["Entries"]
        except FAULTS as error:
            return dict.fromkeys((part for part, _ in batch), _fault(error))
        return {
            part: DeliveryFailure(discreet(f"{result['ErrorCode']}: {result.get('ErrorMessage')}"), _may_pass(result))
            for (part, _), result in zip(batch, results, strict=True)
            if result.get("ErrorCode")
        }

    def set_aside(self, event: Mapping[str, Any], faults: Mapping[str, DeliveryFailure]) -> None:
        """Put an event that could not be delivered into the queue of failed events, with the fault."""
        body = {"event": event, "notTold": {part: fault.cause for part, fault in faults.items()}}
        self._client("sqs").send_message(QueueUrl=self._settings.failed_events_queue_url, MessageBody=as_json(body))


def _sns(topic_arn: str) -> Service:
    """Return SNS in the Region of a topic."""
    return "sns", topic_arn.split(":")[3]


def _fault(error: Exception) -> DeliveryFailure:
    spared = isinstance(error, CircuitOpen)
    lasting = isinstance(error, ClientError) and not is_transient(error)
    return DeliveryFailure(discreet(error), transient=not lasting, called=not spared)


def _may_pass(result: Mapping[str, Any]) -> bool:
    return result["ErrorCode"] in _ENTRY_FAULTS


def _attributes(message: Message) -> dict[str, Any]:
    """Return what subscriptions filter by, and the whole subject; nine at most, for raw delivery to SQS takes ten."""
    typed = {
        name: {"DataType": "Number" if name == "sequence" else "String", "StringValue": value}
        for name, value in message.attributes.items()
    }
    return {**typed, "subject": {"DataType": "String", "StringValue": message.subject}}


def ascii_subject(subject: str) -> str:
    """Write a subject in printable ASCII: emoji in front are left out, what else is not ASCII becomes `?`."""
    plain = "".join(c if " " <= c <= "~" else "?" for c in subject)
    return one_line(plain.lstrip("? ") or "Wavebreak", MAX_SUBJECT)
