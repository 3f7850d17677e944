"""What a DRS job log reports about each server: phases with their times, the instance, the recovery point.

Source: botocore's model of DRS (`JobLogEvent`, `JobLogEventData`), and `LAUNCH_END`, which real logs hold and the model
does not name. Items may come in any order and twice. What a log does not report is None: an end that was not logged is
not known, even where the next phase has begun.
"""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypedDict

from wavebreak.timing import iso, known_time
from wavebreak.values import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


class Phase(StrEnum):
    """What a server that launches goes through, in this order (contract 4)."""

    SNAPSHOT = "SNAPSHOT"
    CONVERSION = "CONVERSION"
    LAUNCH = "LAUNCH"
    POST_LAUNCH = "POST_LAUNCH"


JOB_START: Final = "JOB_START"
JOB_END: Final = "JOB_END"
LAUNCH_END: Final = "LAUNCH_END"

_BEGINS: Final[Mapping[str, Phase]] = {
    "SNAPSHOT_START": Phase.SNAPSHOT,
    "CONVERSION_START": Phase.CONVERSION,
    "LAUNCH_START": Phase.LAUNCH,
}
_ENDS: Final[Mapping[str, Phase]] = {
    "SNAPSHOT_END": Phase.SNAPSHOT,
    "SNAPSHOT_FAIL": Phase.SNAPSHOT,
    "USING_PREVIOUS_SNAPSHOT": Phase.SNAPSHOT,
    "USING_PREVIOUS_SNAPSHOT_FAILED": Phase.SNAPSHOT,
    "CONVERSION_END": Phase.CONVERSION,
    "CONVERSION_FAIL": Phase.CONVERSION,
    LAUNCH_END: Phase.LAUNCH,
    "LAUNCH_FAILED": Phase.LAUNCH,
}
_ORDER: Final = {event: position for position, event in enumerate((JOB_START, *_ENDS, *_BEGINS, JOB_END))}
"""Of items of one moment, what ends a phase goes before what begins the next."""
_QUIET: Final = frozenset({"USING_PREVIOUS_SNAPSHOT", "USING_PREVIOUS_SNAPSHOT_FAILED"})
"""These also come when no snapshot was being taken: they end a phase, and are none automatically."""


class PhaseSpan(Value):
    """A phase, from when to when; None where the log does not say."""

    phase: Phase
    started_at: datetime | None
    ended_at: datetime | None = None


class PhaseTimes(TypedDict):
    """A phase as the API and reports show it; null where the log does not say."""

    phase: str
    startedAt: str | None
    endedAt: str | None


class ServerLog(Value):
    """What the log of one job reports about one server."""

    spans: tuple[PhaseSpan, ...] = ()
    instance: str | None = None
    recovery_point: datetime | None = None
    launched_at: datetime | None = None


class JobLog(Value):
    """One job's log, by source server; when the job began and ended, and its first item of all."""

    servers: Mapping[str, ServerLog] = field(default_factory=dict)
    first_at: datetime | None = None
    ended_at: datetime | None = None


def read_job_log(items: Iterable[Mapping[str, Any]]) -> JobLog:
    """Read the items of one job."""
    dated = sorted(_dated(items), key=lambda item: (item[0], _ORDER.get(item[1], len(_ORDER))))
    by_server: dict[str, list[tuple[datetime, str, Mapping[str, Any]]]] = defaultdict(list)
    ended_at = None
    for at, event, data in dated:
        server = data.get("sourceServerID")
        if server:
            by_server[server].append((at, event, data))
        if event == JOB_END:
            ended_at = at
    servers = {server: _server(own) for server, own in by_server.items()}
    return JobLog(servers, dated[0][0] if dated else None, ended_at)


def with_post_launch(log: JobLog, server: str) -> tuple[PhaseSpan, ...]:
    """Return a server's phases with POST_LAUNCH, which the log does not name: from LAUNCH_END to the end of the job.

    For servers that DRS runs actions on after the launch; these are over when the job is (contract 2).
    """
    known = log.servers.get(server, ServerLog())
    if known.launched_at is None:
        return known.spans
    return (*known.spans, PhaseSpan(Phase.POST_LAUNCH, known.launched_at, log.ended_at))


def spans_view(spans: Iterable[PhaseSpan]) -> list[PhaseTimes]:
    """Show phases."""
    return [
        {
            "phase": span.phase.value,
            "startedAt": iso(span.started_at) if span.started_at else None,
            "endedAt": iso(span.ended_at) if span.ended_at else None,
        }
        for span in spans
    ]


def _dated(items: Iterable[Mapping[str, Any]]) -> Iterable[tuple[datetime, str, Mapping[str, Any]]]:
    for item in items:
        at = known_time(item.get("logDateTime"))
        if at is not None:
            yield at, str(item.get("event")), item.get("eventData") or {}


def _server(items: Iterable[tuple[datetime, str, Mapping[str, Any]]]) -> ServerLog:
    log = ServerLog()
    for at, event, data in items:
        properties = data.get("conversionProperties") or {}
        taken = known_time(properties.get("dataTimestamp"))
        log = replace(log, recovery_point=taken) if taken else log
        if event == LAUNCH_END:
            log = replace(log, instance=data.get("targetInstanceID") or log.instance, launched_at=at)
        log = replace(log, spans=_followed(log.spans, at, event))
    return log


def _followed(spans: tuple[PhaseSpan, ...], at: datetime, event: str) -> tuple[PhaseSpan, ...]:
    """Return the spans after one more item. A phase that begins twice is a retry of DRS, or a repeated item."""
    begins, ends = _BEGINS.get(event), _ENDS.get(event)
    phase = begins or ends
    position = max((index for index, span in enumerate(spans) if span.phase is phase), default=None)
    known = None if position is None else spans[position]
    if begins is not None:
        again = known is not None and (known.ended_at is None or known.started_at == at)
        return spans if again else (*spans, PhaseSpan(begins, at))
    if ends is None or (known is None and event in _QUIET):
        return spans
    if position is None or known is None:
        return (*spans, PhaseSpan(ends, None, at))
    return spans if known.ended_at else (*spans[:position], replace(known, ended_at=at), *spans[position + 1 :])
