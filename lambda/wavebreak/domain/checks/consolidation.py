"""Consolidation: many executions of one check become its factors (contract 7, requirements S4).

An execution is active when it is `completed` or `failed`. A failed one stays in sight and counts as active, but
contributes nothing, never a null; that all of them failed is a result, `{}`, and no error. Superseded and disabled
executions are left out by the caller, and any that is neither completed nor failed is left out here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from wavebreak.domain.checks.reducers import Given, misfit, reduce_values
from wavebreak.domain.checks.statuses import CheckOutcomeStatus
from wavebreak.domain.plans.model import ProcessorType, Reducer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_Kind = TypeVar("_Kind", bound=StrEnum)


class Consolidated(TypedDict):
    """Factors by name, and the number of active executions: `active` is the sum of `succeeded` and `failed`."""

    factors: dict[str, Any]
    active: int
    succeeded: int
    failed: int
    failedIds: list[str]


class Misfit(TypedDict):
    """A value that a factor's reducer could not take, and so left out."""

    executionId: str
    factor: str
    key: str
    reason: str


def consolidate(processor: Mapping[str, Any], executions: Iterable[Mapping[str, Any]]) -> Consolidated:
    """Reduce the executions of a check to its factors, independent of their order; no argument is changed.

    `processor` is `{name, type, factors: {f_x: {of: key, reducer}}}`; an execution is `{executionId, status,
    completedAt, output: {factors: {key: value}} | null}`. A factor whose key is not given is absent. The type says what
    an execution is over (a server, a wave, all); how factors are reduced is the same for all three (S4-4 to S4-6).
    Raise ValueError for a type or reducer that does not exist.
    """
    _member(ProcessorType, processor.get("type"), f"check {processor.get('name')!r} has the type")
    known = [(execution, _status(execution)) for execution in executions]
    completed = [execution for execution, status in known if status == CheckOutcomeStatus.COMPLETED]
    failed = sorted(_id(execution) for execution, status in known if status == CheckOutcomeStatus.FAILED)
    factors: dict[str, Any] = {}
    for name, key, reducer in _specs(processor):
        value = reduce_values(reducer, list(_given(key, completed)))
        if value is not None:
            factors[name] = value
    return {
        "factors": factors,
        "active": len(completed) + len(failed),
        "succeeded": len(completed),
        "failed": len(failed),
        "failedIds": failed,
    }


def misfits(processor: Mapping[str, Any], executions: Iterable[Mapping[str, Any]]) -> list[Misfit]:
    """List the values that `consolidate` leaves out because their reducer cannot take them, to be reported."""
    completed = [execution for execution in executions if _status(execution) == CheckOutcomeStatus.COMPLETED]
    return [
        {"executionId": given.execution_id, "factor": name, "key": key, "reason": reason}
        for name, key, reducer in _specs(processor)
        for given in sorted(_given(key, completed), key=lambda item: item.execution_id)
        if given.value is not None and (reason := misfit(reducer, given.value))
    ]


def _specs(processor: Mapping[str, Any]) -> Iterator[tuple[str, str, Reducer]]:
    """Return each factor's name, the key that it is taken from, and its reducer."""
    for name, spec in (processor.get("factors") or {}).items():
        yield name, spec["of"], _member(Reducer, spec["reducer"], f"factor {name!r} has the reducer")


def _member(kind: type[_Kind], written: Any, what: str) -> _Kind:
    try:
        return kind(written)
    except ValueError:
        raise ValueError(f"{what} {written!r}, not one of {', '.join(kind)}") from None


def _given(key: str, completed: Iterable[Mapping[str, Any]]) -> Iterator[Given]:
    for execution in completed:
        output = execution.get("output")
        factors = output.get("factors") if isinstance(output, dict) else None
        if isinstance(factors, dict) and key in factors:
            yield Given(factors[key], _id(execution), execution.get("completedAt"))


def _status(execution: Mapping[str, Any]) -> str:
    return str(execution.get("status") or "").lower()


def _id(execution: Mapping[str, Any]) -> str:
    return str(execution.get("executionId") or "")
