"""How long things take in the simulator, in real seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

_LEAST_SCALED = 1.0
_LEAST_TAIL = 0.2
# A launch of a day at this scale still ends before the calendar does.
_LARGEST_SCALE = 1000.0
_LONGEST_TAIL = 86_400.0


@dataclass(frozen=True)
class Timing:
    """Durations at a time scale: 1 is real time, 0.1 makes a minute 6 s.

    ``start_seconds`` is how long a job stays PENDING, ``job_end_seconds`` how long after its last server it ends,
    ``terminate_seconds`` how long an instance takes to go. A launch or termination takes at least 1 s at any scale,
    the end of a job at least 0.2 s.
    """

    scale: float = 1.0
    launch_seconds: float = 20.0
    terminate_seconds: float = 5.0
    start_seconds: float = 1.0
    job_end_seconds: float = 3.0

    def __post_init__(self) -> None:
        if not 0 < self.scale <= _LARGEST_SCALE:
            raise ValueError(f"the time scale must be above 0 and at most {_LARGEST_SCALE:g}, not {self.scale}")
        if not 0 <= self.job_end_seconds <= _LONGEST_TAIL:
            raise ValueError(f"a job ends 0 to {_LONGEST_TAIL:g} s after its last server, not {self.job_end_seconds}")

    def launch(self, seconds: float | None) -> timedelta:
        """Return how long a server takes that is said to take ``seconds``, or the default."""
        return self._scaled(self.launch_seconds if seconds is None else seconds)

    def termination(self) -> timedelta:
        """Return how long a recovery instance takes to terminate."""
        return self._scaled(self.terminate_seconds)

    def delivery(self, seconds: float) -> timedelta:
        """Return how long a command waits for a machine that cannot be reached."""
        return self._scaled(seconds)

    def delay(self, seconds: float) -> timedelta:
        """Return how long something takes that is said to take ``seconds``."""
        return timedelta(seconds=seconds * self.scale)

    def lateness(self, seconds: float) -> timedelta:
        """Return how late something shows or is reported that is late by ``seconds``."""
        return self.delay(seconds)

    def pending(self, shortest: timedelta) -> timedelta:
        """Return how long a job is PENDING; at most half of its shortest server, so that it starts before it ends."""
        return min(timedelta(seconds=self.start_seconds * self.scale), shortest / 2)

    def tail(self) -> timedelta:
        """Return how long after its last server a job ends."""
        return timedelta(seconds=max(_LEAST_TAIL, self.job_end_seconds * self.scale))

    def _scaled(self, seconds: float) -> timedelta:
        return timedelta(seconds=max(_LEAST_SCALED, seconds * self.scale))
