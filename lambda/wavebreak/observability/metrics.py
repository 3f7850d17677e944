"""Metrics for alarms and the dashboard, as lines in CloudWatch's Embedded Metric Format.

CloudWatch turns such a line of a function's log into a metric, without a call. The catalogue below is complete:
infra/monitoring.yaml uses every metric of it and no other.
"""

from __future__ import annotations

import json
import sys
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

NAMESPACE: Final = "Wavebreak"
STACK: Final = "stack"
"""Dimension of every metric: stacks of one account are distinguished by it."""


class Form(Value):
    """Name, unit, and the sets of dimensions (beside the stack) under which a metric is kept."""

    title: str
    unit: str
    dimensions: tuple[tuple[str, ...], ...] = ((),)


class Metric(Enum):
    """Every metric there is."""

    ERRORS = Form("Errors", "Count", (("severity",), ("service", "severity")))
    CIRCUIT_REFUSALS = Form("CircuitRefusals", "Count")
    """Calls that an open circuit breaker did not let through."""
    EXECUTIONS_ENDED = Form("ExecutionsEnded", "Count", (("status",),))
    EXECUTIONS_RUNNING = Form("ExecutionsRunning", "Count")
    OLDEST_EXECUTION = Form("OldestExecutionAge", "Seconds")
    """How long the oldest running execution has been running; 0 while none is."""
    TEMPLATES_LEFT_CHANGED = Form("TemplatesLeftChanged", "Count")
    """Launch templates that a drill has changed, ten minutes after the last DRS job of their servers."""
    WAVE_DURATION = Form("WaveDuration", "Seconds", (("status",),))
    RECOVERY_TIME = Form("RecoveryTime", "Seconds", (("mode",),))
    RECOVERY_OBJECTIVE = Form("RecoveryTimeObjective", "Seconds", (("mode",),))
    POLLS = Form("Polls", "Count")
    """Looks of the state machines."""
    CONSOLIDATIONS = Form("ConsolidationSuccess", "Count")
    """1 for each time that all checks of an execution were consolidated, 0 for each time that it could not be done."""
    CHECK_FAILURE_RATE = Form("CheckFailureRate", "Percent", (("plan", "check"),))
    """Which part of a check's active executions failed, when its execution ended."""
    FACTOR_COMPLETENESS = Form("FactorCompleteness", "Percent", (("plan", "check"),))
    """Which part of the factors that a check declares it has, when its execution ended."""
    PLANS_NOT_READY = Form("PlansNotReady", "Count")
    """Plans that their newest check found not ready, each time the checks run."""


def emf_line(metric: Metric, value: float, at: datetime, dimensions: dict[str, str]) -> str:
    """Write one measurement as a line of the Embedded Metric Format; `dimensions` holds the stack, too."""
    form = metric.value
    described: dict[str, Any] = {
        "Timestamp": int(at.timestamp() * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": NAMESPACE,
                "Dimensions": [[STACK, *names] for names in form.dimensions],
                "Metrics": [{"Name": form.title, "Unit": form.unit}],
            },
        ],
    }
    return json.dumps({"_aws": described, **dimensions, form.title: value}, separators=(",", ":"))


def to_log(line: str) -> None:
    """Write a line of its own to the function's log."""
    sys.stdout.write(f"{line}\n")


class Meter:
    """Records the metrics of one stack."""

    def __init__(self, stack: str, now: Callable[[], datetime], write: Callable[[str], None] = to_log) -> None:
        """Keep the stack's name, the clock, and where lines go."""
        self.stack = stack
        self.now = now
        self.write = write

    def add(self, metric: Metric, value: float = 1, **dimensions: str) -> None:
        """Note a measurement with the dimensions that the metric has."""
        wanted = {name for names in metric.value.dimensions for name in names}
        if wanted != dimensions.keys():
            raise ValueError(f"{metric.value.title} has the dimensions {sorted(wanted)}")
        self.write(emf_line(metric, value, self.now(), {STACK: self.stack, **dimensions}))
