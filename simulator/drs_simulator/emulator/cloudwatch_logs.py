"""What commands write, put on CloudWatch Logs: best effort, from a thread of its own, without delaying a command."""

from __future__ import annotations

import logging
from collections import defaultdict
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from drs_simulator.credentials import DEFAULT_ACCOUNT
from drs_simulator.emulator.event_bridge import emulator_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drs_simulator.ssm.agents import OutputLines

    Place = tuple[str, str]
    Stream = tuple[Place, str, str]
    Event = dict[str, Any]

logger = logging.getLogger(__name__)

# Lines wait this long at most for others to go with them.
_GATHER_SECONDS: Final = 0.3
# The limits of PutLogEvents: events and bytes, each event with so many bytes more than its text.
_MOST_EVENTS: Final = 10_000
_MOST_BYTES: Final = 1_048_576
_EVENT_BYTES: Final = 26
# In characters; a command that writes faster than anybody takes it loses lines, not the simulator its memory.
_MOST_WAITING: Final = 16 * 1024 * 1024


class LogForwarder:
    """Puts the lines of commands on a CloudWatch Logs endpoint, making groups and streams as they are needed.

    The calls are signed for the account and Region of the command: the default account's are those of the environment,
    another account is its own access key.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._clients: dict[Place, Any] = {}
        self._made: set[Stream] = set()
        self._waiting: list[OutputLines] = []
        self._length = 0
        self._dropped = 0
        self._closing = False
        self._changed = Condition()
        self._thread = Thread(target=self._forward, name="drs-simulator-logs", daemon=True)
        self._thread.start()

    def __call__(self, output: OutputLines) -> None:
        """Queue lines; those that find no room are dropped, because a command must not wait."""
        length = sum(map(len, output.lines)) + len(output.lines)
        with self._changed:
            if self._length + length > _MOST_WAITING:
                self._dropped += len(output.lines)
                return
            self._length += length
            self._waiting.append(output)
            self._changed.notify_all()

    def close(self) -> None:
        """Stop once what waits has been put, or cannot be."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        for client in self._clients.values():
            client.close()

    def _forward(self) -> None:
        while gathered := self._gather():
            streams: dict[Stream, list[Event]] = defaultdict(list)
            for output in gathered:
                stamp = int(output.at.timestamp() * 1000)
                stream = (output.account, output.region), output.log_group, output.log_stream
                # An event may not be empty, which a line may be.
                streams[stream] += [{"timestamp": stamp, "message": line or " "} for line in output.lines]
            for stream, events in streams.items():
                try:
                    self._put(stream, events)
                except (BotoCoreError, ClientError) as error:
                    logger.warning("%d lines of %s dropped: %s", len(events), stream[2], error)
                    if self._closing:
                        # Stopping must not take long.
                        return

    def _gather(self) -> list[OutputLines]:
        """Wait for lines and a little for more; nothing is given only at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            self._changed.wait_for(lambda: self._closing, timeout=_GATHER_SECONDS)
            gathered, self._waiting, self._length = self._waiting, [], 0
            dropped, self._dropped = self._dropped, 0
        if dropped:
            logger.warning("%d lines dropped: they come faster than they are taken", dropped)
        return gathered

    def _put(self, stream: Stream, events: list[Event]) -> None:
        place, group, name = stream
        client = self._client(place)
        if stream not in self._made:
            _make(client.create_log_group, logGroupName=group)
            _make(client.create_log_stream, logGroupName=group, logStreamName=name)
            self._made.add(stream)
        for batch in _batches(events):
            client.put_log_events(logGroupName=group, logStreamName=name, logEvents=batch)

    def _client(self, place: Place) -> Any:
        if place not in self._clients:
            account, region = place
            key = None if account == DEFAULT_ACCOUNT else account
            self._clients[place] = emulator_client("logs", self._endpoint, region=region, access_key=key)
        return self._clients[place]


def _make(create: Any, **names: str) -> None:
    try:
        create(**names)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise


def _batches(events: list[Event]) -> Iterator[list[Event]]:
    batch: list[Event] = []
    size = 0
    for event in events:
        length = len(event["message"].encode(errors="surrogatepass")) + _EVENT_BYTES
        if batch and (len(batch) == _MOST_EVENTS or size + length > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += length
    if batch:
        yield batch
