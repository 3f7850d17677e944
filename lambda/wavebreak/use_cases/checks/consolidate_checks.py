"""All checks of an execution consolidated: what they came to replaces what was stored of them before (S4, contract 7).

It is a part of the change of the execution that brings it about, so that one transaction writes the new factors and
takes the others away, under the version that the check executions were read for: a call that records another check at
the same time decides again.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Protocol

from wavebreak.domain.executions.checking.turns import checks_of, counting_runs
from wavebreak.observability.metrics import Metric
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.ports.capabilities import HasChecks, HasExecutions, HasMeter

    class Ports(HasChecks, HasExecutions, HasMeter, Protocol):
        """What consolidating checks needs."""


def at_its_end(app: Ports, before: Execution, after: Execution) -> Execution:
    """Consolidate in the write that ends an execution, whatever ends it (S4-11); any other change is left as it is."""
    return consolidated(app, after) if after.is_terminal and not before.is_terminal else after


def consolidated(app: Ports, execution: Execution, document: Mapping[str, Any] | None = None) -> Execution:
    """Return an execution with what its checks come to now: one query for all check executions, however many there are.

    A failed check execution is data, a fault of the table is raised. `document` is the frozen plan, if it was read.
    """
    if not any(checks_of(execution)):
        return execution
    from wavebreak.domain.checks.check_executions import count_results, fitting, processors  # noqa: PLC0415  plans with checks pay

    done = False
    try:
        frozen = document if document is not None else app.executions.document(execution.execution_id)
        made: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for one in app.checks.all(execution.execution_id, counting_runs(execution)):
            made[one["name"]].append(one)
        known = processors(frozen["waves"])
        check_counts = fitting(count_results(processor, made[name]) for name, processor in known.items())
        done = True
    finally:
        app.meter.add(Metric.CONSOLIDATIONS, int(done))
    return replace(execution, check_counts=check_counts)
