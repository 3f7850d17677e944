"""Reports written to the evidence bucket: one is owed whenever an execution or its termination ends, or is judged.

The transaction of that change records the debt, and it is settled when the bucket has the report. The call that brings
the event writes the report; the sweep writes what is lost on the way.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.domain.executions.findings.reports import is_owed
from wavebreak.resilience.despite_faults import each_despite_faults
from wavebreak.store.table import from_attributes
from wavebreak.timeouts import remaining
from wavebreak.use_cases.deliver_events import OVERDUE
from wavebreak.use_cases.evidence.make_report import make_report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from wavebreak.ports.capabilities import HasBucket, HasErrors
    from wavebreak.use_cases.evidence.make_report import Ports as MakeReportPorts

    class Ports(MakeReportPorts, HasBucket, HasErrors, Protocol):
        """What writing reports needs."""


FORMS: Final = ("json", "html")
_WORK: Final = timedelta(seconds=40)
"""How long the sweep begins new reports."""
REPORT_SECONDS: Final = 25.0
"""What must be left of an invocation for a report to be begun: the longest series of calls of S3, and a little more."""


def partitions_with_due_reports(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Return the partitions of the executions that events of the stream call for a report of.

    An event that comes without its content may call for one; the table decides.
    """
    for record in records:
        image = record["dynamodb"].get("NewImage")
        event = from_attributes(image) if image else {}
        if not event or is_owed(event["data"]["changes"]):
            yield record["dynamodb"]["Keys"]["pk"]["S"]


def write_due_report(app: Ports, execution_id: str) -> bool:
    """Write the report of an execution if it is due; return whether it was. Twice does no harm: versions are kept.

    A report that the function may not live to finish is not begun: it stays due.
    """
    if remaining() < REPORT_SECONDS or app.evidence.owes(execution_id) is None:
        return False
    made = make_report(app, execution_id)
    for form in FORMS:
        app.bucket.put(made.name(form), made.text(form), form)
    app.evidence.paid(execution_id, made.sequence)
    return True


def sweep(app: Ports) -> int:
    """Write every report that is overdue, and return their number; the last fault is raised in the end."""
    until = app.now() + _WORK
    return each_despite_faults(
        app.evidence.owing(app.now() - OVERDUE),
        lambda execution_id: write_due_report(app, execution_id),
        lambda error, execution_id: app.errors.record_error(error, execution_id=execution_id),
        lambda: app.now() > until,
    )
