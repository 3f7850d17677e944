"""A Recovery Plan of DRS taken over as a plan of ours: read there, converted, checked, stored once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from botocore.exceptions import ClientError

from wavebreak.domain.plans.document import canonical_json, parse_plan
from wavebreak.domain.plans.drs_recovery_plans import NothingToRecoverError, converted, plan_id_of, site_of_arn
from wavebreak.json_pointers import PlanInvalidError
from wavebreak.problems import InvalidRequest, InvalidState, NotFound, PreconditionFailed, Unavailable
from wavebreak.resilience.aws_errors import error_code, is_denied
from wavebreak.site import Site

if TYPE_CHECKING:
    from wavebreak.domain.plans.drs_recovery_plans import NativePlan
    from wavebreak.domain.plans.model import StoredPlan
    from wavebreak.ports.capabilities import HasBriefDrs, HasClock, HasPlans

    class Ports(HasBriefDrs, HasClock, HasPlans, Protocol):
        """What importing a Recovery Plan of DRS needs."""


_POINTER: Final = "/recoveryPlanArn"
_ABSENT: Final = frozenset({"ResourceNotFoundException", "UninitializedAccountException"})


def import_plan(app: Ports, arn: str, plan_id: str | None, own: Site) -> StoredPlan:
    """Store a native plan as version 1 of a plan of ours; without `plan_id` its id comes from its name.

    Raise NotFound when DRS does not know it, InvalidRequest when it is another account's or can be no plan of ours,
    and InvalidState when there is a plan of that id already: an import replaces nothing.
    """
    account, region = site_of_arn(arn)
    if own.account_id is not None and account != own.account_id:
        raise InvalidRequest.of(_POINTER, f"names account {account}: plans are imported from {own.account_id} only")
    elsewhere = region if region != own.region else None
    native = _read(app, arn, Site(None, elsewhere))
    chosen = plan_id or plan_id_of(native.name)
    text = _document(native, chosen, elsewhere)
    try:
        return app.plans.put(chosen, text, app.now(), expected=0)
    except PreconditionFailed as refused:
        raise InvalidState(
            f"There is a plan {chosen} already, and an import replaces none: give another planId"
        ) from refused


def _read(app: Ports, arn: str, site: Site) -> NativePlan:
    try:
        return app.brief_drs_at(site).native_plan(arn)
    except ClientError as error:
        code = error_code(error)
        if code in _ABSENT:
            raise NotFound(f"DRS has no Recovery Plan {arn}") from error
        if code == "ValidationException":
            raise InvalidRequest.of(_POINTER, "is no ARN that DRS takes") from error
        if is_denied(error):
            raise Unavailable(f"This API has no permission to read {arn}", retry_after_seconds=60) from error
        raise


def _document(native: NativePlan, plan_id: str, region: str | None) -> str:
    try:
        return canonical_json(parse_plan(converted(native, plan_id, region)))
    except NothingToRecoverError as refused:
        raise InvalidRequest.of(_POINTER, str(refused)) from refused
    except PlanInvalidError as refused:
        raise InvalidRequest.listing(
            [
                {"pointer": _POINTER, "message": f"as a plan, {problem.pointer or '/'} {problem.message}"}
                for problem in refused.problems
            ]
        ) from refused
