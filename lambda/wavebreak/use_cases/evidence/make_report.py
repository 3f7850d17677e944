"""The report of an execution, made of what is stored of it, and its address in the bucket where it is too large."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from wavebreak.domain.checks.check_executions import ACTIVE
from wavebreak.domain.evidence.facts import facts_of
from wavebreak.domain.evidence.kept_log import all_unpacked
from wavebreak.domain.evidence.report import report
from wavebreak.domain.evidence.seal import as_json
from wavebreak.domain.executions.checking.turns import checks_of, counting_runs
from wavebreak.domain.executions.findings.reports import name_of
from wavebreak.use_cases.steps.outputs import outputs_of
from wavebreak.values import Value

if TYPE_CHECKING:
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.ports.capabilities import (
        HasChecks,
        HasClock,
        HasCommands,
        HasEvidence,
        HasExecutions,
        HasSteps,
    )

    class Ports(HasChecks, HasClock, HasCommands, HasEvidence, HasExecutions, HasSteps, Protocol):
        """What making a report needs."""


class Report(Value, dict=True):
    """A report, and the event that it ends with."""

    content: dict[str, Any]
    sequence: int

    @cached_property
    def json(self) -> str:
        """Return the report as JSON."""
        return as_json(self.content)

    @cached_property
    def html(self) -> str:
        """Write it as a page."""
        from wavebreak.domain.evidence.page import page  # noqa: PLC0415  JSON does not pay for it

        return page(self.content)

    def name(self, form: str) -> str:
        """Name it in the bucket."""
        plan = self.content["plan"]["planId"]
        return name_of(plan, self.content["executionId"], self.sequence, form)

    def text(self, form: str) -> str:
        """Return the report as `json` or `html`."""
        return self.html if form == "html" else self.json


def make_report(app: Ports, execution_id: str) -> Report:
    """Make the report of an execution as it stands; raise NotFound.

    The state and the trail belong together: events that came after the state was read are
    left to the next report.
    """
    execution = app.executions.load(execution_id).execution
    kept = app.evidence.kept(execution_id, last=execution.event_sequence)
    now = app.now()
    outputs = outputs_of(app, execution, execution.waves)
    facts = facts_of(execution, kept.document, outputs, now, _checks(app, execution))
    made = report(facts, kept.trail, all_unpacked(kept.logs), made_at=now)
    return Report(made, execution.event_sequence)


def _checks(app: Ports, execution: Execution) -> list[dict[str, Any]]:
    """Read the check executions that count; those of an earlier try of a wave are superseded."""
    if not any(checks_of(execution)):
        return []
    made = app.checks.all(execution.execution_id, counting_runs(execution))
    return [one for one in made if one["status"] in ACTIVE]
