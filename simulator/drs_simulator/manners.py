"""How the services behave towards those who read: late, incomplete, unordered, and never wrong.

The simulated world is exact. A read looks at it through a ``Lens``, which decides how old the look at each subject is:
what a stale read shows was true a while ago, and after ``delay_seconds`` everything shows. So nothing is ever invented,
and every read converges. The choices are made of the seed, the subject and how often it was checked, and of nothing
else: the same seed repeats them whatever the threads do.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b
from secrets import randbits
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol, TypeVar

from botocore.model import ListShape, StructureShape
from pydantic import Field, field_validator, model_validator

from drs_simulator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from botocore.model import Shape

    from drs_simulator.clockwork.clock import Clock
    from drs_simulator.clockwork.timing import Timing

    Key = Callable[[Any], int | str]

T = TypeVar("T")
Share = Annotated[float, Field(ge=0, le=1)]

SEED_BITS: Final = 32
SNAPSHOT_TIMESTAMP: Final = "RecoverySnapshot.timestamp"
"""Left out of snapshots that are still being taken; those that are complete always have it."""

_OMITTED: Final[Mapping[str, float]] = {
    "ParticipatingServer.recoveryInstanceID": 0.9,
    SNAPSHOT_TIMESTAMP: 1.0,
    "RecoveryInstance.failback": 0.3,
    "ConflictException.resourceId": 1.0,
    "ConflictException.resourceType": 1.0,
}
"""By shape and member of the service models: the share of things that come without it."""

_IDENTITIES: Final = ("sourceServerID", "recoveryInstanceID", "jobID", "snapshotID", "resourceId")
"""The members by which a thing is known, so that it lacks the same in every answer."""


class EventManners(Settings):
    """What becomes of launch events: the shares that are ``lost``, told twice, or ``late`` by up to so many seconds.

    Two that are late change places. The seconds scale with time.
    """

    lost: Share = 0.1
    doubled: Share = 0.2
    late: Share = 0.4
    late_seconds: float = Field(default=20.0, ge=0, le=86_400)


PUNCTUAL: Final = EventManners(lost=0, doubled=0, late=0, late_seconds=0)


class Manners(Settings):
    """How much of it there is; the defaults are those of a service that promises no more than it must.

    ``stale_reads`` is the share of reads of a subject that are older than they need be, ``delay_seconds`` (scaled with
    time) is the age that none exceeds. ``omit`` names members of shapes (``ParticipatingServer.recoveryInstanceID``)
    with the share of things that lack them; a list of names means all things. ``ordered`` lists are in their own order.
    """

    seed: int = Field(default_factory=lambda: randbits(SEED_BITS), ge=0, lt=2**SEED_BITS)
    stale_reads: Share = 0.3
    delay_seconds: float = Field(default=10.0, ge=0, le=86_400)
    omit: dict[Annotated[str, Field(pattern=r"^\w+\.\w+$")], Share] = Field(default_factory=lambda: dict(_OMITTED))
    events: EventManners = EventManners()
    ordered: bool = False
    strict: bool = False

    @field_validator("omit", mode="before")
    @classmethod
    def _names_mean_all(cls, value: Any) -> Any:
        return dict.fromkeys(value, 1.0) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _strict_is_strict(self) -> Manners:
        if self.strict and self.model_fields_set - {"seed", "strict"}:
            raise ValueError("strict manners have no others beside them")
        return self

    @property
    def in_force(self) -> Manners:
        """Return the manners that apply: strictness, spelt out."""
        if not self.strict:
            return self
        return Manners(seed=self.seed, stale_reads=0, delay_seconds=0, omit={}, events=PUNCTUAL, ordered=True)


STRICT: Final = Manners(seed=0, strict=True)
"""Those of a service that shows everything at once, whole and in order."""


class ReadModel(Protocol):
    """How things are read."""

    def moment(self, subject: str) -> datetime:
        """Return the moment whose state this read of ``subject`` shows."""

    def ordered(self, items: Iterable[T], own: Key) -> list[T]:
        """Return a list as it comes."""


class Exact:
    """Looks at everything as it is, in its own order: the state that tests compare with, and answers to writes."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def moment(self, subject: str) -> datetime:  # noqa: ARG002 - every subject shows at once
        """Return the present moment."""
        return self._now

    def ordered(self, items: Iterable[T], own: Key) -> list[T]:  # noqa: ARG002 - they are in order
        """Return the items as they are."""
        return list(items)


class Lens:
    """What a read shows of the exact world. Not thread-safe: the simulation holds the lock."""

    def __init__(self, manners: Manners, clock: Clock, timing: Timing) -> None:
        self._clock = clock
        self._timing = timing
        self.use(manners)

    def use(self, manners: Manners) -> None:
        """Set the manners from now on; the reads of each subject are counted again."""
        self.manners = manners
        self._in_force = manners.in_force
        self._reads: dict[str, int] = {}

    @property
    def oldest(self) -> timedelta:
        """Return the age that no look exceeds."""
        return self._timing.lateness(self._in_force.delay_seconds)

    def moment(self, subject: str) -> datetime:
        """Return the moment whose state this read of ``subject`` shows: now, or a while ago.

        Each subject has a lag of its own, which no read is younger than; some reads are older.
        """
        now, delay = self._clock.now(), self.oldest
        if not delay:
            return now
        read = self._reads[subject] = self._reads.get(subject, 0) + 1
        age = self._share("lag", subject) / 2
        if self._share("stale", subject, read) < self._in_force.stale_reads:
            age += (1 - age) * self._share("age", subject, read)
        return now - delay * age

    def key(self, own: Key, subject: Key | None = None) -> Key:
        """Return the sort key of a list: its own, or one without meaning that is the same from page to page.

        ``subject`` is what the latter is made of where the own key is drawn again in each run.
        """
        if self._in_force.ordered:
            return own
        stable = subject or own
        return lambda item: f"{self._share('order', stable(item)):.17f}/{own(item)}"

    def ordered(self, items: Iterable[T], own: Key) -> list[T]:
        """Return a list as it comes: in its own order, or in none."""
        return list(items) if self._in_force.ordered else sorted(items, key=self.key(own))

    def omits(self, name: str, subject: str) -> bool:
        """Return whether a thing comes without a member, named as in ``Manners.omit``."""
        return self._share("omit", name, subject) < self._in_force.omit.get(name, 0)

    def pruned(self, shape: Shape | None, value: Any) -> Any:
        """Return an answer without the members that are left out of it."""
        if not self._in_force.omit or shape is None:
            return value
        match shape:
            case StructureShape():
                subject = next((str(value[name]) for name in _IDENTITIES if name in value), "")
                return {
                    name: self.pruned(shape.members.get(name), member)
                    for name, member in value.items()
                    if name in shape.required_members or not self._leaves_out(f"{shape.name}.{name}", subject)
                }
            case ListShape():
                return [self.pruned(shape.member, each) for each in value]
        return value

    def refusal(self, code: str, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return the members of an error without those that are left out of it."""
        subject = str(members.get("resourceId", ""))
        return {name: value for name, value in members.items() if not self.omits(f"{code}.{name}", subject)}

    def deliveries(self, subject: str) -> list[timedelta]:
        """Return how long after it happened an event is sent, each time that it is sent; an empty list if never."""
        events = self._in_force.events
        if self._share("lost", subject) < events.lost:
            return []
        times = 2 if self._share("doubled", subject) < events.doubled else 1
        most = self._timing.lateness(events.late_seconds)
        return [
            most * self._share("late by", subject, time)
            if self._share("late", subject, time) < events.late
            else timedelta()
            for time in range(times)
        ]

    def _leaves_out(self, name: str, subject: str) -> bool:
        return name != SNAPSHOT_TIMESTAMP and self.omits(name, subject)

    def _share(self, *parts: object) -> float:
        """Return a number from 0 to 1 that looks random and depends on the seed and the parts alone."""
        text = "\0".join(map(str, (self.manners.seed, *parts)))
        return int.from_bytes(blake2b(text.encode(), digest_size=7).digest()) / 2**56
