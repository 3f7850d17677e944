"""Bodies that hold plans or their parts; apart from the others, because the plan's model takes time to import."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import Field

from wavebreak.api.moments import Moment
from wavebreak.api.requests import LeaseMinutes, Reason, RequestBody
from wavebreak.domain.executions.model.starts import StartRequest
from wavebreak.domain.plans.document import PlanBody, PlanDocument, PlanId, SourceServerId, parse_plan
from wavebreak.domain.plans.step_rules import refuse_functions_elsewhere
from wavebreak.identifiers import NATIVE_PLAN_ARN_PATTERN
from wavebreak.site import Site
from wavebreak.values import replace

PlanInput = Annotated[PlanBody, Body()]
SnapshotId = Annotated[str, Field(pattern=r"^pit-[0-9a-zA-Z]{17}$")]


def accepted(document: PlanBody, plan_id: str, own: Site) -> PlanDocument:
    """Read a plan that is to be stored under an id, by a stack that is in this account and Region."""
    written: Any = document.root
    plan = parse_plan(written, plan_id=plan_id)
    refuse_functions_elsewhere(written["waves"], own)
    return plan


class StartBody(RequestBody):
    """The request to start a drill or a recovery."""

    plan_id: PlanId
    reason: Reason | None = None
    snapshots: dict[SourceServerId, SnapshotId] = Field(
        default_factory=dict, description="Recovery point of a source server; the latest unless named."
    )
    before: Moment | None = Field(
        default=None, description="Each server is recovered from its newest recovery point not later than this."
    )

    def asked(self, caller: str) -> StartRequest:
        """Return the request of the caller."""
        return StartRequest(caller, self.reason, self.snapshots, self.before)


class DrillRequest(StartBody):
    """The request to start a drill."""

    terminate_after_minutes: LeaseMinutes | None = Field(
        default=None, description="Minutes that its instances stay after its end; by default as in the plan."
    )

    def asked(self, caller: str) -> StartRequest:
        """Return the request of the caller."""
        return replace(super().asked(caller), terminate_after_minutes=self.terminate_after_minutes)


class RecoveryRequest(StartBody):
    """The request to start a recovery."""

    preempt: Annotated[bool, Field(strict=True)] = Field(
        default=True, description="Whether drills that hold the plan or one of its servers are cancelled."
    )

    def asked(self, caller: str) -> StartRequest:
        """Return the request of the caller."""
        return replace(super().asked(caller), preempt=self.preempt)


class ImportRequest(RequestBody):
    """The request to import a Recovery Plan of DRS."""

    recovery_plan_arn: Annotated[str, Field(max_length=2048, pattern=NATIVE_PLAN_ARN_PATTERN)]
    plan_id: PlanId | None = Field(default=None, description="By default derived from the name of the native plan.")
