"""The queue of events that no function could take in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class FailedEvents:
    """The queue of events that nothing took in."""

    def __init__(self, client: Callable[[str], Any], queue_url: str | None) -> None:
        """Keep the factory of service clients, and the queue's address."""
        self._client = client
        self._queue_url = queue_url

    def count(self) -> int:
        """Count what waits in the queue, as nearly as SQS knows."""
        if self._queue_url is None:
            raise LookupError("this function does not know the queue of failed events")
        answer = self._client("sqs").get_queue_attributes(
            QueueUrl=self._queue_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])
