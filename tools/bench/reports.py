"""What the evidence of a large run costs: how long its report and its page take, and how large they are."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.audit_trail import event_hash
from wavebreak.evidence import as_json, page, report
from wavebreak.timing import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

WAVES: Final = 60
WAVE_SERVERS: Final = 50
LARGEST_ANSWER: Final = 5_000_000
"""Bytes above which the API answers with an address of the bucket."""
SECONDS: Final = 8.0
"""Of processor time for report and page together: a function with a third of a processor still ends well in time."""

_START: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
_LOGGED: Final = (
    *(("SNAPSHOT_START", 20), ("SNAPSHOT_END", 90), ("CONVERSION_START", 95), ("CONVERSION_END", 500)),
    *(("LAUNCH_START", 505), ("LAUNCH_END", 780)),
)
"""What DRS writes of a server, and when after the start of its job, in seconds."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds and bytes of a report and its page, and the most memory that both took."""

    report_seconds: float
    page_seconds: float
    report_bytes: int
    page_bytes: int
    memory_bytes: int


def measure() -> Cost:
    """Make report and page of 60 waves with 3,000 servers, of which the trail and all job logs are known."""
    run = _large_run()
    begun = time.process_time()
    made = report(*run)
    between = time.process_time()
    markup = page(made)
    ended = time.process_time()
    tracemalloc.start()
    page(report(*run))
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return Cost(between - begun, ended - between, len(as_json(made).encode()), len(markup.encode()), memory)


def _large_run() -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    waves = [_wave(number) for number in range(1, WAVES + 1)]
    execution = {
        "executionId": "drill-01kahpq7800000000000000000",
        "planId": "large",
        "planName": "Large",
        "planVersion": 1,
        "plan": {"waves": [{"name": wave["name"], "servers": _ids(wave)} for wave in waves]},
        "mode": "DRILL",
        "status": "COMPLETED",
        "startedAt": _at(0),
        "endedAt": waves[-1]["endedAt"],
        "waves": waves,
    }
    return execution, list(_trail(execution)), {wave["jobIds"][0]: list(_log(wave)) for wave in waves}


def _at(seconds: float) -> str:
    return iso(_START + timedelta(seconds=seconds))


def _wave(number: int) -> dict[str, Any]:
    servers = [
        {
            "sourceServerId": f"s-{number * 1000 + place:017d}",
            "name": f"app-{number:02}-{place:03}",
            "impact": "CRITICAL",
            "launchStatus": "LAUNCHED",
            "recoveryInstanceId": f"i-{number * 1000 + place:017d}",
            "snapshotAt": _at(-90),
            "error": None,
        }
        for place in range(WAVE_SERVERS)
    ]
    times = {"startedAt": _at(number * 300), "endedAt": _at(number * 300 + 800)}
    jobs = [f"drsjob-{number:017d}"]
    return {
        "waveNumber": number,
        "name": f"tier-{number}",
        "status": "COMPLETED",
        "jobIds": jobs,
        "servers": servers,
        **times,
    }


def _ids(wave: dict[str, Any]) -> list[dict[str, str]]:
    return [{"sourceServerId": server["sourceServerId"]} for server in wave["servers"]]


def _log(wave: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for server in wave["servers"]:
        for event, seconds in _LOGGED:
            data = {"sourceServerID": server["sourceServerId"]}
            yield {"logDateTime": _at(wave["waveNumber"] * 300 + seconds), "event": event, "eventData": data}


def _trail(execution: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return two events of every wave, chained as the product chains its events."""
    previous = None
    moments = sorted((wave[field], wave["waveNumber"], field) for wave in execution["waves"] for field in _CAME)
    for sequence, (at, number, field) in enumerate(moments, start=1):
        old, new = _CAME[field]
        event: dict[str, Any] = {
            "sequence": sequence,
            "at": at,
            "type": f"WAVE_{new}",
            "executionId": execution["executionId"],
            "waveNumber": number,
            "actor": "wavebreak",
            "data": {"changes": [{"waveNumber": number, "from": old, "to": new}]},
            "previousHash": previous,
        }
        previous = event_hash(event)
        yield {**event, "hash": previous}


_CAME: Final = {"startedAt": ("NOT_STARTED", "IN_PROGRESS"), "endedAt": ("IN_PROGRESS", "COMPLETED")}
