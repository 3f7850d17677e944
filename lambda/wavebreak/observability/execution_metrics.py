"""What a change of an execution comes to in numbers: how waves and executions ended, and how long they took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.execution_utils import WaveStatus
from wavebreak.observability.metrics import Metric

if TYPE_CHECKING:
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.observability.metrics import Meter


class Measured:
    """Counts metrics after every change of an execution that was written."""

    def __init__(self, meter: Meter) -> None:
        """Keep the meter."""
        self.meter = meter

    def __call__(self, before: Execution, after: Execution) -> None:
        """Measure what ended with this change."""
        for old, new in zip(before.waves, after.waves, strict=True):
            if new.has_ended and not old.has_ended and new.started_at and new.ended_at:
                seconds = (new.ended_at - new.started_at).total_seconds()
                self.meter.add(Metric.WAVE_DURATION, seconds, status=new.status.value)
        if after.is_terminal and after.status is not before.status:
            self.meter.add(Metric.EXECUTIONS_ENDED, status=after.status.value)
            if after.count(WaveStatus.COMPLETED) and after.ended_at:
                self._recovered(after, (after.ended_at - after.started_at).total_seconds())
            self._checked(after)

    def _checked(self, execution: Execution) -> None:
        """Measure what the checks came to (S4-10); one that has no active execution has no rate."""
        for counts in execution.check_counts:
            of = {"plan": execution.plan_id, "check": counts.name}
            if counts.failure_rate is not None:
                self.meter.add(Metric.CHECK_FAILURE_RATE, 100 * counts.failure_rate, **of)
            if counts.completeness is not None:
                self.meter.add(Metric.FACTOR_COMPLETENESS, 100 * counts.completeness, **of)

    def _recovered(self, execution: Execution, seconds: float) -> None:
        mode = execution.mode.value
        self.meter.add(Metric.RECOVERY_TIME, seconds, mode=mode)
        if execution.objectives is not None:  # of an execution of an earlier release they are not known
            self.meter.add(Metric.RECOVERY_OBJECTIVE, 60 * execution.objectives.rto_minutes, mode=mode)
