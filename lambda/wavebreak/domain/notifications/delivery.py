"""What is handed to the channels, and what comes back: the parts that were reported, and the faults of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wavebreak.domain.notifications.event_bridge import BusEvent
    from wavebreak.domain.notifications.message import Message

TOPIC: Final = "topic"
"""The part of the stack's own topic."""


@dataclass(frozen=True, slots=True)
class Notification:
    """What is to be delivered: events for the bus, and a message if the event is one for people and machines."""

    bus: Sequence[BusEvent] = ()
    message: Message | None = None
    plan_topic: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryFailure:
    """Why a part could not be delivered, and whether it may succeed later."""

    cause: str
    transient: bool
    called: bool = True
    """Whether the channel was called at all; one whose circuit is open is not."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The parts that were delivered, and the faults of the others."""

    served: frozenset[str]
    faults: Mapping[str, DeliveryFailure]
