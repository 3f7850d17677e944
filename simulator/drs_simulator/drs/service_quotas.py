"""The operations of Service Quotas that the simulator knows, for the quotas of DRS and EC2's of vCPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drs_simulator.drs.quotas import EC2, SERVICE_CODE, QuotaCode, Quotas
from drs_simulator.errors import ApiError
from drs_simulator.wire.pages import BadTokenError, cut

if TYPE_CHECKING:
    from drs_simulator.drs.fleet import Fleet
    from drs_simulator.drs.operations import Operation

    Parameters = dict[str, Any]

_LARGEST_PAGE = 100

# As Service Quotas calls them.
_NAMES = {
    QuotaCode.CONCURRENT_JOBS: "Concurrent jobs in progress",
    QuotaCode.SERVERS_PER_JOB: "Max source servers in a single Job",
    QuotaCode.SERVERS_IN_ALL_JOBS: "Max source servers in all Jobs",
    QuotaCode.JOBS_PER_SERVER: "Max concurrent Jobs per source server",
    QuotaCode.REPLICATING_SERVERS: "Max Total replicating source servers Per AWS Account",
    QuotaCode.VCPUS: "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
}
_SERVICES = {SERVICE_CODE: "AWS Elastic Disaster Recovery", EC2: "Amazon Elastic Compute Cloud (Amazon EC2)"}
_DEFAULTS = Quotas(vcpus=5).values()


def get_service_quota(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """Return a quota as it applies now. No quota of DRS is one of a single resource, so a context finds nothing."""
    code = _known(parameters)
    if parameters.get("ContextId"):
        raise _no_such_resource(f"quota {code} in the context {parameters['ContextId']}")
    return {"Quota": _applied(fleet, code)}


def get_aws_default_service_quota(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """Return the default of a quota, whatever applies now; its ARN names no account."""
    code = _known(parameters)
    return {"Quota": _view(code, _DEFAULTS[code], fleet.region, account="")}


def list_service_quotas(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """List the quotas in the order of their codes; all of them apply to an account, none to a single resource."""
    codes: list[QuotaCode] = [_known(parameters)] if parameters.get("QuotaCode") else _all_of(parameters["ServiceCode"])
    found = [] if parameters.get("QuotaAppliedAtLevel") == "RESOURCE" else codes
    size = parameters.get("MaxResults") or _LARGEST_PAGE
    try:
        part, token = cut(found, str, parameters.get("NextToken"), size)
    except BadTokenError as error:
        raise ApiError("InvalidPaginationTokenException", "NextToken is no token of this operation") from error
    answer: dict[str, Any] = {"Quotas": [_applied(fleet, code) for code in part]}
    if token:
        answer["NextToken"] = token
    return answer


def _all_of(service: str) -> list[QuotaCode]:
    if service not in _SERVICES:
        raise _no_such_resource(f"service {service}")
    return [code for code in QuotaCode if code.service == service]


def _known(parameters: Parameters) -> QuotaCode:
    code = parameters["QuotaCode"]
    if code not in _all_of(parameters["ServiceCode"]):
        raise _no_such_resource(f"quota {code} of the service {parameters['ServiceCode']}")
    return QuotaCode(code)


def _no_such_resource(what: str) -> ApiError:
    return ApiError("NoSuchResourceException", f"The simulator knows no {what}")


def _applied(fleet: Fleet, code: QuotaCode) -> dict[str, Any]:
    return _view(code, fleet.world.quotas.values()[code], fleet.region, account=fleet.account)


def _view(code: QuotaCode, value: int, region: str, *, account: str) -> dict[str, Any]:
    return {
        "ServiceCode": code.service,
        "ServiceName": _SERVICES[code.service],
        "QuotaArn": f"arn:aws:servicequotas:{region}:{account}:{code.service}/{code}",
        "QuotaCode": code,
        "QuotaName": _NAMES[code],
        "Value": float(value),
        "Unit": "None",
        "Adjustable": code.service == EC2,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }


OPERATIONS: dict[str, Operation] = {
    "GetServiceQuota": get_service_quota,
    "GetAWSDefaultServiceQuota": get_aws_default_service_quota,
    "ListServiceQuotas": list_service_quotas,
}
