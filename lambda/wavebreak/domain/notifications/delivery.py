"""What is handed to the channels, and what comes back: the parts that were reported, and the faults of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wavebreak.domain.notifications.event_bridge import BusEvent
    from wavebreak.domain.notifications.message import Message

TOPIC: Final = "topic"
"""The part of the stack's own topic."""


class Notification(Value):
    """What is to be delivered: events for the bus, and a message if the event is one for people and machines."""

    bus: Sequence[BusEvent] = ()
    message: Message | None = None
    plan_topic: str | None = None


class DeliveryFailure(Value):
    """Why a part could not be delivered, and whether it may succeed later."""

    cause: str
    transient: bool
    called: bool = True
    """Whether the channel was called at all; one whose circuit is open is not."""


class Outcome(Value):
    """The parts that were delivered, and the faults of the others."""

    served: frozenset[str]
    faults: Mapping[str, DeliveryFailure]
