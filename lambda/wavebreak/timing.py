"""Times on the wire and durations under the time scale. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from wavebreak.values import Value

_MINUTE: Final = 60
_HOUR: Final = 3600
CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far another's clock may be from ours: what began after a moment of ours may bear an earlier time there."""
_DURATION: Final = (
    r"P(?:(?P<weeks>\d{1,6})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,9}(?:\.\d{1,9})?)S)?)?"
)


def iso(moment: datetime) -> str:
    """Write a moment as RFC 3339 UTC with milliseconds and `Z`; naive datetimes are refused with ValueError."""
    if moment.tzinfo is None:
        raise ValueError("a naive datetime has no place on the wire")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_iso(text: str) -> datetime:
    """Read an RFC 3339 time; one without an offset is refused with ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no offset in {text!r}")
    return moment.astimezone(UTC)


def time_or_none(text: str | None) -> datetime | None:
    """Read a stored time that may be missing; raise ValueError for what is none."""
    return parse_iso(text) if text else None


def known_time(text: object) -> datetime | None:
    """Read an RFC 3339 time that may be missing; None for what is none."""
    try:
        return parse_iso(text) if isinstance(text, str) else None
    except ValueError:
        return None


def parse_duration(text: str) -> float | None:
    """Read an ISO 8601 duration without years and months, in seconds; None for what is none."""
    found = re.fullmatch(_DURATION, text)
    if found is None or text.endswith(("P", "T")):
        return None
    return timedelta(**{name: float(value) for name, value in found.groupdict().items() if value}).total_seconds()


def whole_seconds(start: datetime | None, end: datetime | None) -> int | None:
    """Return the duration between two moments in whole seconds; None while either is unknown."""
    if start is None or end is None:
        return None
    return max(0, int((end - start).total_seconds()))


def duration(seconds: float | None) -> str:
    """Write a duration for people: `38s`, `4m 05s`, `1h 02m`; an en dash for none."""
    if seconds is None:
        return "\N{EN DASH}"
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE:02}s"
    return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE:02}m"


class Timing(Value):
    """How long the engine waits, in plan seconds times `scale` (WAVEBREAK_TIME_SCALE: 1 is real time).

    Waits and deadlines of the plan scale; so do the pauses below. Timeouts of clients and Lambda functions do not.
    """

    scale: float = 1.0
    start_timeout_seconds: int = 60
    """Time after which a StartWave or TerminateInstances call is surely over (its Lambda timeout). Does not scale."""
    start_begin_seconds: int = 20
    """Time in which a StartWave call that was asked for has begun, or will not. Does not scale."""
    poll_seconds: int = 30
    """The usual time between two reads, as the stack's machines have it (PollSeconds). Does not scale."""

    def scaled(self, seconds: float) -> timedelta:
        """Scale a duration; nothing stays nothing, anything else is at least a second."""
        return timedelta(seconds=max(1.0, seconds * self.scale) if seconds > 0 else 0)

    @property
    def settle(self) -> timedelta:
        """How long a lost StartRecovery gets to show up in DescribeJobs before it is held to have never happened."""
        return self.scaled(15)

    @property
    def poll_interval(self) -> timedelta:
        """The usual time between two reads."""
        return timedelta(seconds=self.poll_seconds)

    @property
    def closely(self) -> timedelta:
        """How long a launch that is about to be over is checked every few seconds."""
        return self.scaled(600)

    @property
    def no_room(self) -> timedelta:
        """How long a wave waits for room under the DRS quotas when nothing of its own execution ends sooner."""
        return self.scaled(30)

    @property
    def start_begins(self) -> timedelta:
        """How long a wave waits for the StartWave call that it was promised: an answer or an event may get lost."""
        return timedelta(seconds=self.start_begin_seconds)

    @property
    def start_lease(self) -> timedelta:
        """How long a wave belongs to the StartWave call that has begun: it is over then, or dead."""
        return timedelta(seconds=self.start_timeout_seconds + self.start_begin_seconds)

    @property
    def intent_expiry(self) -> timedelta:
        """How long an intent without an outcome belongs to the invocation that wrote it."""
        return timedelta(seconds=self.start_timeout_seconds) + self.settle

    @property
    def learning(self) -> timedelta:
        """How long after a job's end the instances that it launched are looked for."""
        return self.scaled(600)

    @property
    def learning_patience(self) -> timedelta:
        """How long a wave's command, and the end of an execution, wait for instances that DRS does not show yet."""
        return self.scaled(60)

    @property
    def lost_job(self) -> timedelta:
        """How long past its wave's deadline a job that DRS no longer knows is still waited for."""
        return self.scaled(3600)

    @property
    def second_read(self) -> timedelta:
        """How long after a read another one is made, where one read that shows nothing proves nothing."""
        return self.scaled(60)

    def culprit_backoff(self, times: int) -> timedelta:
        """How long a subject waits after its n-th refusal by DRS before it is tried again."""
        return min(self.scaled(30 * 2 ** min(times - 1, 10)), self.scaled(300))

    @property
    def termination_deadline(self) -> timedelta:
        """How long a termination may take before it is INCOMPLETE."""
        return self.scaled(3600)
