"""Launch results put on EventBridge, best effort as DRS does it: late, lost or doubled, never in the way of a job."""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Thread
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from drs_simulator.credentials import DEFAULT_ACCOUNT, DEFAULT_REGION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drs_simulator.drs.model import LaunchResult

logger = logging.getLogger(__name__)

DEFAULT_SOURCE = "wavebreak.drs-simulator"
DEFAULT_BUS = "default"
DETAIL_TYPE = "DRS Source Server Launch Result"

# PutEvents takes at most ten entries.
_BATCH = 10
_KEPT = 10_000
_STOP = None


class EventForwarder:
    """Sends launch results of the default account and Region to an EventBridge endpoint, from a thread of its own.

    ``source`` cannot be ``aws.drs``: EventBridge and its emulators refuse sources of AWS from a customer.
    """

    def __init__(self, endpoint: str, *, source: str = DEFAULT_SOURCE, bus: str = DEFAULT_BUS) -> None:
        self._source = source
        self._bus = bus
        self._client = emulator_client("events", endpoint)
        self._queue: Queue[LaunchResult | None] = Queue(_KEPT)
        self._thread = Thread(target=self._forward, name="drs-simulator-events", daemon=True)
        self._thread.start()

    def __call__(self, result: LaunchResult) -> None:
        """Queue a launch result; one too many is dropped, because a job must not wait."""
        if (result.account, result.region) != (DEFAULT_ACCOUNT, DEFAULT_REGION):
            return
        try:
            self._queue.put_nowait(result)
        except Full:
            logger.warning("launch event of %s dropped: the queue is full", result.source_server_arn)

    def close(self) -> None:
        """Stop after the batch that is under way; what still waits is dropped, for stopping must not take long."""
        with suppress(Empty):
            while True:
                self._queue.get_nowait()
        self._queue.put(_STOP)
        self._thread.join()
        self._client.close()

    def _forward(self) -> None:
        for batch in self._batches():
            try:
                answer = self._client.put_events(Entries=[self._entry(result) for result in batch])
            except (BotoCoreError, ClientError) as error:
                logger.warning("%d launch events dropped: %s", len(batch), error)
                continue
            if answer["FailedEntryCount"]:
                logger.warning("%d launch events were refused: %s", answer["FailedEntryCount"], answer["Entries"])

    def _batches(self) -> Iterator[list[LaunchResult]]:
        while (first := self._queue.get()) is not _STOP:
            batch = [first]
            stopping = False
            while len(batch) < _BATCH and not stopping:
                try:
                    following = self._queue.get_nowait()
                except Empty:
                    break
                if following is _STOP:
                    stopping = True
                else:
                    batch.append(following)
            yield batch
            if stopping:
                return

    def _entry(self, result: LaunchResult) -> dict[str, Any]:
        detail = {
            "state": "RECOVERY_LAUNCH_SUCCEEDED" if result.launched else "RECOVERY_LAUNCH_FAILED",
            "job-id": result.job_id,
            "is-drill": "TRUE" if result.is_drill else "FALSE",
        }
        return {
            "Source": self._source,
            "DetailType": DETAIL_TYPE,
            "Detail": json.dumps(detail),
            "Resources": [result.source_server_arn],
            "Time": result.at,
            "EventBusName": self._bus,
        }


def emulator_client(service: str, endpoint: str, *, region: str = DEFAULT_REGION, access_key: str | None = None) -> Any:
    """Make a client of an emulator beside the simulator, with the environment's credentials or ``test``.

    ``access_key`` is another caller's, whose secret no emulator looks at.
    It never looks further for credentials: asking a metadata service that is not there costs seconds.
    """
    config = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})
    return Session().create_client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=access_key or os.environ.get("AWS_ACCESS_KEY_ID", "test"),
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
        aws_session_token=None if access_key else os.environ.get("AWS_SESSION_TOKEN"),
        config=config,
    )
