"""What use cases note of their own work: errors and measurements; `observability/` says what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from typing import Any

    from wavebreak.domain.errors.record import Severity
    from wavebreak.error_category import Category
    from wavebreak.observability.metrics import Metric


class Errors(Protocol):
    """Where errors are recorded."""

    def record_error(
        self,
        error: BaseException,
        severity: Severity | None = None,
        *,
        execution_id: str | None = None,
        **context: Any,
    ) -> str: ...
    def record_failure(
        self,
        severity: Severity,
        category: Category,
        name_and_message: tuple[str, str],
        *,
        service: str,
        execution_id: str | None = None,
        **context: Any,
    ) -> str: ...


class Measurements(Protocol):
    """Where measurements are noted."""

    def add(self, metric: Metric, value: float = 1, **dimensions: str) -> None: ...
