"""Services that use cases ask little of; the adapters in `aws/` say what each call does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from wavebreak.domain.notifications.delivery import DeliveryFailure, Notification, Outcome
    from wavebreak.domain.plans.schedules import Schedule


class Channels(Protocol):
    """The channels that notify people and machines."""

    def wants(self, kind: str, /) -> bool: ...
    def send(self, notification: Notification, served: frozenset[str] = frozenset(), /) -> Outcome: ...
    def set_aside(self, event: Mapping[str, Any], faults: Mapping[str, DeliveryFailure], /) -> None: ...


class FailedEvents(Protocol):
    """The queue of events that no function could take in."""

    def count(self) -> int: ...


class EvidenceBucket(Protocol):
    """Where reports are kept."""

    def put(self, name: str, text: str, form: str, /) -> None: ...
    def has(self, name: str, /) -> bool: ...
    def address(self, name: str, seconds: int, /) -> str: ...


class Scheduler(Protocol):
    """The service that starts drills at their times."""

    def keep(self, plan_id: str, schedule: Schedule, /) -> None: ...
    def remove(self, plan_id: str, /) -> None: ...


class Functions(Protocol):
    """Which Lambda functions there are."""

    def exists(self, arn: str, /) -> bool: ...
