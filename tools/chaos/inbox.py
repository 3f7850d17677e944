"""What people and machines get about an execution, as a receiver behind a topic gets it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.notifications.execution_messages import kinds_of

if TYPE_CHECKING:
    from tools.local_stack.product import Product

CHANNELS: Final = ("NotificationFunction", "NotificationSweepFunction")
"""The functions that tell events: when they are written, and what still waits."""


class Inbox:
    """A queue of its own behind a topic, read to its end again and again."""

    def __init__(self, product: Product, name: str, topic_arn: str, *, raw: bool = False) -> None:
        self._sqs = product.aws("sqs")
        self._queue = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        attributes = {"RawMessageDelivery": "true"} if raw else {}
        subscribed = product.aws("sns").subscribe(
            TopicArn=topic_arn, Protocol="sqs", Endpoint=arn, Attributes=attributes, ReturnSubscriptionArn=True
        )
        self._sns, self._subscription = product.aws("sns"), subscribed["SubscriptionArn"]
        self.messages: list[dict[str, Any]] = []
        """`body` as JSON and `sentAt` in seconds, in the order of their arrival."""

    def read(self) -> list[dict[str, Any]]:
        """Return every message so far."""
        while True:
            answer = self._sqs.receive_message(
                QueueUrl=self._queue, MaxNumberOfMessages=10, AttributeNames=["SentTimestamp"], WaitTimeSeconds=0
            )
            for message in answer.get("Messages", []):
                sent = int(message["Attributes"]["SentTimestamp"]) / 1000
                self.messages.append({"body": json.loads(message["Body"]), "sentAt": sent})
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
            if not answer.get("Messages"):
                return self.messages

    def documents(self, execution_id: str) -> list[dict[str, Any]]:
        """Return the JSON of this execution's messages."""
        found = [json.loads(message["body"]["Message"]) for message in self.read()]
        return [document for document in found if document["executionId"] == execution_id]

    def close(self) -> None:
        """Stop delivery."""
        self._sns.unsubscribe(SubscriptionArn=self._subscription)


def trail_of(product: Product, execution_id: str) -> list[dict[str, Any]]:
    """Read the audit trail of an execution."""
    return [event for page in product.api.pages(f"/executions/{execution_id}/events") for event in page]


def expected(product: Product, execution_id: str) -> list[tuple[str, int]]:
    """Return the messages that people should get by the audit trail: kind and sequence."""
    return [(kinds_of(event)[0], event["sequence"]) for event in trail_of(product, execution_id) if kinds_of(event)]


def delivered(inbox: Inbox, execution_id: str) -> list[tuple[str, int]]:
    """Return the messages of an execution in an inbox: kind and sequence."""
    return [(document["type"], document["sequence"]) for document in inbox.documents(execution_id)]


def waiting(product: Product, execution_id: str) -> list[int]:
    """Return the sequences of an execution's events that are still in the outbox."""
    key = {"S": f"EXEC#{execution_id}"}
    return [int(item["sequence"]["N"]) for item in product.items() if "outboxPk" in item and item["pk"] == key]
