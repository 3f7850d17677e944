"""The quotas of DRS, and EC2's of vCPUs, with the codes under which Service Quotas knows them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field

from drs_simulator.errors import ApiError
from drs_simulator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Collection

    from drs_simulator.drs.model import Job

SERVICE_CODE = "drs"
EC2 = "ec2"


class QuotaCode(StrEnum):
    """The codes of the quotas that the simulator reports."""

    CONCURRENT_JOBS = "L-D88FAC3A"
    SERVERS_PER_JOB = "L-B827C881"
    SERVERS_IN_ALL_JOBS = "L-05AFA8C6"
    JOBS_PER_SERVER = "L-DD6D028C"
    REPLICATING_SERVERS = "L-C1D14A2B"
    VCPUS = "L-1216C47A"

    @property
    def service(self) -> str:
        """Return the code of the service that it is a quota of."""
        return EC2 if self is QuotaCode.VCPUS else SERVICE_CODE


# What no setting changes. One active job a server is a rule of the simulator, told by a ConflictException; the number
# of replicating servers binds who installs replication agents, which nobody does here: it is reported and not enforced.
_FIXED = {QuotaCode.JOBS_PER_SERVER: 1, QuotaCode.REPLICATING_SERVERS: 300}


# Far beyond what anybody has; Service Quotas reports it as a float.
_MOST = 1_000_000


class Quotas(Settings):
    """How much an account may have in progress in a Region; the defaults are those of AWS.

    But for ``vcpus``, of which AWS gives a new account five: who recovers servers has had that raised.
    """

    concurrent_jobs: int = Field(default=20, ge=0, le=_MOST)
    servers_per_job: int = Field(default=100, ge=0, le=_MOST)
    servers_in_all_jobs: int = Field(default=500, ge=0, le=_MOST)
    vcpus: int = Field(default=100_000, ge=0, le=_MOST)

    def values(self) -> dict[QuotaCode, int]:
        """Return the value of every quota, those too that are not settings."""
        return {
            QuotaCode.CONCURRENT_JOBS: self.concurrent_jobs,
            QuotaCode.SERVERS_PER_JOB: self.servers_per_job,
            QuotaCode.SERVERS_IN_ALL_JOBS: self.servers_in_all_jobs,
            QuotaCode.VCPUS: self.vcpus,
            **_FIXED,
        }

    def admit(self, account: str, active: Collection[Job], servers: int, *, launch: bool) -> None:
        """Refuse (ServiceQuotaExceededException, 402) a job of ``servers`` servers that would exceed a quota.

        ``active`` are the account's jobs in the Region that have not ended.

        The limit of servers in a job is for launches: one TerminateRecoveryInstances may name 200 instances.
        """
        if launch and servers > self.servers_per_job:
            raise self._exceeded(
                account, "source servers in a single job", self.servers_per_job, QuotaCode.SERVERS_PER_JOB
            )
        if len(active) + 1 > self.concurrent_jobs:
            raise self._exceeded(
                account, "concurrent jobs in progress", self.concurrent_jobs, QuotaCode.CONCURRENT_JOBS
            )
        if servers + sum(len(job.participants) for job in active) > self.servers_in_all_jobs:
            what = "source servers in all jobs"
            raise self._exceeded(account, what, self.servers_in_all_jobs, QuotaCode.SERVERS_IN_ALL_JOBS)

    @staticmethod
    def _exceeded(account: str, what: str, limit: int, code: QuotaCode) -> ApiError:
        return ApiError(
            "ServiceQuotaExceededException",
            f"The request would exceed the limit of {limit} {what}",
            resourceId=account,
            resourceType="AWS::DRS::Job",
            serviceCode=SERVICE_CODE,
            quotaCode=code,
        )
