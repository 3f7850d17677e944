"""Automation and function steps, begun as a wave does and driven by their machine."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tests.support.blueprint import ACCOUNT, REGION
from tests.support.eventually import eventually
from tests.support.stack import PATIENCE_SECONDS, POLL_SECONDS

from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.steps.runs import StepKind, StepRun, StepServer, StopReason
from wavebreak.domain.steps.step_ids import STEP_RUN, step_id
from wavebreak.site import Site
from wavebreak.use_cases.steps.check_steps import check_steps
from wavebreak.use_cases.steps.run_step import begin_step, stop_step
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stack import Stack

BEGINNER: Final = "RunCommandFunction"
"""The function that begins the steps of waves."""
RUNBOOK: Final = "Move-Traffic"
FUNCTION: Final = "move-traffic"
PLACE: Final = f"{REGION}:{ACCOUNT}"
ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/runbooks"
LISTS: Final = {
    "FUNCTION_ARNS": f"arn:aws:lambda:{PLACE}:function:{FUNCTION}",
    "AUTOMATION_ARNS": f"arn:aws:ssm:*:{ACCOUNT}:document/{RUNBOOK}",
    "AUTOMATION_ROLE_ARNS": ROLE,
}


class Steps:
    """The steps of a stack that may run one runbook and one function."""

    def __init__(self, stack: Stack, execution_id: str = "drill-01arz3ndektsv4rrffq69g5fav") -> None:
        self.stack = stack
        self.execution_id = execution_id
        self.begun = 0
        stack.blueprint.overrides.update(LISTS)
        stack.renew_apps()

    def run(self, kind: StepKind, **settings: Any) -> StepRun:
        """Make a run that has not begun."""
        self.begun += 1
        made = StepRun(
            step_id=step_id(self.execution_id, 1, "after", self.begun, 1),
            execution_id=self.execution_id,
            plan_id="three-tier",
            wave_number=1,
            wave_name="database",
            attempt=1,
            mode="DRILL",
            site=Site(),
            kind=kind,
            name=RUNBOOK if kind is StepKind.AUTOMATION else FUNCTION,
            timeout_seconds=300,
            started_at=self.stack.clock.now(),
            servers=(StepServer("s-11111111111111111", "i-0123456789abcdef0"),),
        )
        return replace(made, **settings)

    def automation(self, **settings: Any) -> StepRun:
        """Begin an automation."""
        return self.begin(self.run(StepKind.AUTOMATION, **settings))

    def function(self, work: Callable[[dict[str, Any]], Any] | None = None, **settings: Any) -> StepRun:
        """Begin a function that does `work`."""
        if work is not None:
            self.stack.functions[FUNCTION] = work
        return self.begin(self.run(StepKind.FUNCTION, **settings))

    def checked(self, *waves: dict[str, Any]) -> list[tuple[str, str, str]]:
        """Check the steps of a plan as `validate` does; give subject, status and message of each finding."""
        with self.stack.acting_as("PlansFunction") as app:
            found = check_steps(app, {"planId": "three-tier", "waves": list(waves)}, Site(ACCOUNT, REGION))
        return [(each.subject, each.status.value, each.message) for each in found]

    def begin(self, run: StepRun) -> StepRun:
        """Begin a run as the function of the recovery machine does."""
        with self.stack.acting_as(BEGINNER) as app:
            return begin_step(app, run)

    def stop(self, run: StepRun, reason: StopReason = StopReason.CANCEL, unbegun: StepRun | None = None) -> StepRun:
        """Have a run stopped likewise."""
        act = Attribution("arn:aws:iam::123456789012:user/op", self.stack.clock.now())
        with self.stack.acting_as(BEGINNER) as app:
            return stop_step(app, run.step_id, act, reason, unbegun)

    def get(self, run: StepRun) -> StepRun:
        """Read a run."""
        return self.stack.app().steps.load(run.step_id)

    def seen(self, run: StepRun, until: Callable[[StepRun], Any], *, passing: float = 0) -> StepRun:
        """Read a run until it is as wanted, so many seconds passing with each look."""
        return eventually(
            lambda: self.get(run),
            until,
            "it is not as wanted",
            seconds=PATIENCE_SECONDS,
            pause=POLL_SECONDS,
            between=partial(self.stack.clock.forward, passing) if passing else lambda: None,
        )

    def ended(self, run: StepRun, *, passing: float = 0) -> StepRun:
        """Wait for the end of a run."""
        return self.seen(run, lambda found: found.status.is_terminal, passing=passing)

    def started(self) -> list[dict[str, Any]]:
        """List the automations that SSM has."""
        found: list[dict[str, Any]] = self.stack.control.state()["automationExecutions"]
        return found

    def machines(self, run: StepRun) -> dict[str, str]:
        """Give the runs of a step's machine with their statuses."""
        name = f"{STEP_RUN}{run.step_id}"
        return {each["name"]: each["status"] for each in self.stack.runs("step") if each["name"].startswith(name)}

    def machine_rests(self, run: StepRun) -> dict[str, str]:
        """Wait until no run of a step's machine goes on, and give them."""
        return eventually(
            lambda: self.machines(run),
            lambda found: "RUNNING" not in found.values(),
            "a machine runs on",
            seconds=PATIENCE_SECONDS,
            pause=POLL_SECONDS,
        )
