"""How long a run only waited: for an approval, for the answer to an ASK, for a resume, or for waitBefore.

Time in which a wave is at work does not count, whatever else waits beside it (contract 8, `waitingSeconds`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.trail_reading import of_execution, of_wave, spans_in
from wavebreak.execution_utils import ExecutionStatus, WaveStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from wavebreak.domain.executions.trail_reading import Change, Span


def waited_in(
    execution: Mapping[str, Any], changes: Sequence[Change], within: Span, first_acts: Mapping[int, datetime]
) -> timedelta:
    """Add up the time between two moments in which nothing but a person or waitBefore was waited for.

    `changes` are those of the whole trail. `first_acts` has, by wave number, when something of a wave was first seen
    to be done: waitBefore was over by then, whatever the time scale.
    """
    end = within[1]
    waits = spans_in(of_execution(changes), ExecutionStatus.PAUSED, end)
    work: list[Span] = []
    settings = _settings(execution)
    for number in sorted({change.wave for change in changes if change.wave is not None}):
        own = of_wave(changes, number)
        waits += spans_in(own, WaveStatus.AWAITING_APPROVAL, end)
        running = spans_in(own, WaveStatus.IN_PROGRESS, end)
        held = _wait_before(running, settings.get(number, 0), first_acts.get(number))
        waits += held
        work += [(max(start, held[0][1]) if held else start, stop) for start, stop in running]
    only = without(union(waits), union(work))
    return sum((_overlap(span, within) for span in only), timedelta())


def _settings(execution: Mapping[str, Any]) -> dict[int, int]:
    """Return the `waitBeforeSeconds` of each wave of the frozen plan."""
    waves = (execution.get("plan") or {}).get("waves") or ()
    return {number: int(wave.get("waitBeforeSeconds") or 0) for number, wave in enumerate(waves, start=1)}


def _wait_before(running: Sequence[Span], seconds: int, first_act: datetime | None) -> list[Span]:
    """Return the span of a wave's first attempt in which it waited; a retry does not wait again (contract 2)."""
    if not running or seconds <= 0:
        return []
    start, stop = running[0]
    over = min(stop, start + timedelta(seconds=seconds), *([first_act] if first_act else []))
    return [(start, over)] if over > start else []


def union(spans: Iterable[Span]) -> list[Span]:
    """Join what overlaps or touches; the result is in order and disjoint."""
    joined: list[Span] = []
    for start, stop in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return joined


def without(spans: Sequence[Span], taken: Sequence[Span]) -> list[Span]:
    """Return spans without other spans; both are in order and disjoint."""
    left: list[Span] = []
    for start, stop in spans:
        at = start
        for begin, end in taken:
            if end <= at or begin >= stop:
                continue
            if begin > at:
                left.append((at, begin))
            at = max(at, end)
        if at < stop:
            left.append((at, stop))
    return left


def _overlap(span: Span, within: Span) -> timedelta:
    return max(timedelta(), min(span[1], within[1]) - max(span[0], within[0]))
