"""The quotas of DRS, with the codes under which Service Quotas knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from drs_simulator.errors import ApiError

if TYPE_CHECKING:
    from drs_simulator.drs.fleet import Fleet

_JOBS_CODE = "L-D88FAC3A"
_SERVERS_PER_JOB_CODE = "L-B827C881"
_SERVERS_IN_ALL_JOBS_CODE = "L-05AFA8C6"


class Quotas(BaseModel):
    """How much an account may have in progress in a Region; the defaults are those of AWS.

    One active job a server is a rule of the service, not a number: it is a ConflictException.
    """

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, populate_by_name=True)

    concurrent_jobs: int = Field(default=20, ge=0)
    servers_per_job: int = Field(default=100, ge=0)
    servers_in_all_jobs: int = Field(default=500, ge=0)

    def admit(self, fleet: Fleet, servers: int, *, launch: bool) -> None:
        """Refuse (ServiceQuotaExceededException, 402) a job of ``servers`` servers that would exceed a quota.

        The limit of servers in a job is for launches: one TerminateRecoveryInstances may name 200 instances.
        """
        active = fleet.active_jobs()
        if launch and servers > self.servers_per_job:
            raise self._exceeded(fleet, "source servers in a single job", self.servers_per_job, _SERVERS_PER_JOB_CODE)
        if len(active) + 1 > self.concurrent_jobs:
            raise self._exceeded(fleet, "concurrent jobs in progress", self.concurrent_jobs, _JOBS_CODE)
        if servers + sum(len(job.participants) for job in active) > self.servers_in_all_jobs:
            what = "source servers in all jobs"
            raise self._exceeded(fleet, what, self.servers_in_all_jobs, _SERVERS_IN_ALL_JOBS_CODE)

    @staticmethod
    def _exceeded(fleet: Fleet, what: str, limit: int, code: str) -> ApiError:
        return ApiError(
            "ServiceQuotaExceededException",
            f"The request would exceed the limit of {limit} {what}",
            resourceId=fleet.account,
            resourceType="AWS::DRS::Job",
            serviceCode="drs",
            quotaCode=code,
        )
