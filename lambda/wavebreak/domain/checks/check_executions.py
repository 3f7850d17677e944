"""Check executions made of the results of a check's command, and what all of one name come to (contract 7).

A check execution is `{executionId, name, type, waveNumber, sourceServerId, command, commandId, status, reason,
startedAt, completedAt, output}`. A DOCUMENT has one for each server. A STIPULATION (over its wave) and an APPLICATION
(over the execution) have one for all their servers, whose evidence is taken together: it is complete, or it failed.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.checks.check_output import CheckOutcome, outcome_of
from wavebreak.domain.checks.consolidation import consolidate, misfits
from wavebreak.domain.checks.statuses import CheckOutcomeStatus
from wavebreak.domain.executions.model.findings import CheckCounts
from wavebreak.domain.plans.model import ProcessorType
from wavebreak.timing import iso
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from wavebreak.domain.commands.results import ExecutionResult

    Json = dict[str, Any]

ACTIVE: Final = frozenset(CheckOutcomeStatus) - {CheckOutcomeStatus.SUPERSEDED}
"""What an execution that counts may be (S4-1)."""
LONGEST_REASON: Final = 1_000
"""Characters of a reason that are kept."""
_NAMED_FAILURES: Final = 3
_NAMED_IDS: Final = 20
ROOM: Final = 64 * 1024
"""Bytes of JSON that the factors of all checks of an execution may take beside its state."""


def processors(waves: Iterable[Mapping[str, Any]]) -> dict[str, Json]:
    """Return the checks of a frozen plan by name, as `consolidate` takes them; checks of one name are one processor."""
    found: dict[str, Json] = {}
    for wave in waves:
        for check in wave.get("checks") or ():
            known = found.setdefault(check["name"], {"name": check["name"], "type": check["type"], "factors": {}})
            known["factors"] = {**known["factors"], **(check.get("factors") or {})}
    return found


def is_for_each_server(processor: Mapping[str, Any]) -> bool:
    """Return whether every server has a check execution of its own."""
    return ProcessorType(processor["type"]) is ProcessorType.DOCUMENT


def of_servers(
    processor: Mapping[str, Any], facts: Mapping[str, Any], results: Iterable[tuple[int, ExecutionResult]], at: datetime
) -> Iterator[Json]:
    """Make the check executions of a DOCUMENT: one for each result, in the order of the targets.

    `facts` is what all of them share; `at` is the end of the run, for a result that does not report its own.
    """
    for number, result in results:
        yield {
            **facts,
            "executionId": f"{facts['commandId']}-{number}",
            "sourceServerId": result.target,
            **_times(result, at),
            **_outcome_fields(outcome_of(processor, result)),
        }


def of_all(
    processor: Mapping[str, Any], facts: Mapping[str, Any], results: Iterable[tuple[int, ExecutionResult]], at: datetime
) -> Json | None:
    """Make the one check execution of a STIPULATION or APPLICATION; None when the command ran nowhere.

    The values that the servers gave for a key become one by the reducer of the factor that takes it.
    """
    seen = list(of_servers(processor, facts, results, at))
    if not seen:
        return None
    failures = [one for one in seen if one["status"] != CheckOutcomeStatus.COMPLETED.value]
    found = (
        CheckOutcome(CheckOutcomeStatus.FAILED, reason=_together(failures, len(seen)))
        if failures
        else _merged(processor, seen)
    )
    return {
        **facts,
        "executionId": facts["commandId"],
        "sourceServerId": None,
        "startedAt": min((one["startedAt"] for one in seen if one["startedAt"]), default=None),
        "completedAt": max(one["completedAt"] for one in seen),
        **_outcome_fields(found),
    }


def failed_unprepared(
    facts: Mapping[str, Any], servers: Sequence[str | None], reason: str, at: datetime
) -> Iterator[Json]:
    """Make the failed check executions of a command that could not be made ready; None is for all servers together."""
    for number, server in enumerate(servers, start=1):
        yield {
            **facts,
            "executionId": f"{facts['commandId']}-{number}" if server else facts["commandId"],
            "sourceServerId": server,
            "startedAt": None,
            "completedAt": iso(at),
            **_outcome_fields(CheckOutcome(CheckOutcomeStatus.FAILED, reason=reason)),
        }


def count_results(processor: Mapping[str, Any], executions: Iterable[Mapping[str, Any]]) -> CheckCounts:
    """Consolidate the executions of one check that are not superseded."""
    counted = list(executions)
    read_as = processor if is_for_each_server(processor) else _by_taken_keys(processor)
    found = consolidate(read_as, counted)
    left_out = misfits(read_as, counted)
    return CheckCounts(
        name=processor["name"],
        active=found["active"],
        succeeded=found["succeeded"],
        failed=found["failed"],
        failed_ids=tuple(found["failedIds"][:_NAMED_IDS]),
        factors=found["factors"],
        declared=len(processor["factors"]),
        note=f"{left_out[0]['factor']}: {left_out[0]['reason']} ({left_out[0]['executionId']})" if left_out else None,
    )


def fitting(check_counts: Iterable[CheckCounts], room: int = ROOM) -> tuple[CheckCounts, ...]:
    """Keep the factors of the checks, in their order, as long as there is room beside the execution's state."""
    kept: list[CheckCounts] = []
    for each in check_counts:
        size = len(json.dumps(dict(each.factors), ensure_ascii=False).encode())
        if size <= room:
            kept.append(each)
            room -= size
        else:
            kept.append(replace(each, factors={}, note="The factors of the checks are larger than is kept"))
    return tuple(kept)


def _times(result: ExecutionResult, at: datetime) -> Json:
    began, lasted = result.started_at, result.duration_seconds
    ended = at
    if began is not None and lasted is not None:
        ended = began + timedelta(seconds=lasted)
    return {"startedAt": iso(began) if began else None, "completedAt": iso(ended)}


def _outcome_fields(outcome: CheckOutcome) -> Json:
    reason = outcome.reason and outcome.reason[:LONGEST_REASON]
    return {"status": outcome.status.value, "reason": reason, "output": outcome.output}


def _together(failures: Sequence[Mapping[str, Any]], total: int) -> str:
    named = "; ".join(f"{one['sourceServerId']}: {one['reason']}" for one in failures[:_NAMED_FAILURES])
    more = f" and {len(failures) - _NAMED_FAILURES} more" if len(failures) > _NAMED_FAILURES else ""
    return f"{len(failures)} of {total} server(s) gave no factors: {named}{more}"


def _merged(processor: Mapping[str, Any], seen: Sequence[Mapping[str, Any]]) -> CheckOutcome:
    factors = consolidate(processor, seen)["factors"]
    taken = {_taken_key(processor, name): value for name, value in factors.items()}
    return CheckOutcome(CheckOutcomeStatus.COMPLETED, taken)


def _taken_key(processor: Mapping[str, Any], name: str) -> str:
    """Name the combined value of a factor: its key, with the reducer where another factor of the key has another one.

    Else one value could not be the mean and the maximum of the same key.
    """
    specs, wanted = processor["factors"], processor["factors"][name]
    first = next(spec for spec in specs.values() if spec["of"] == wanted["of"])
    of: str = wanted["of"]
    return of if first["reducer"] == wanted["reducer"] else f"{of} ({wanted['reducer']})"


def _by_taken_keys(processor: Mapping[str, Any]) -> Json:
    specs = {name: {**spec, "of": _taken_key(processor, name)} for name, spec in processor["factors"].items()}
    return {**processor, "factors": specs}
