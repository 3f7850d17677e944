"""The DRS quotas of an account and Region, and the room that running jobs leave under them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from wavebreak.drs import JOBS_QUOTA, SERVERS_A_JOB_QUOTA, SERVERS_IN_JOBS_QUOTA
from wavebreak.faults import FAULTS, is_transient

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wavebreak.drs import RecentJob

logger = logging.getLogger(__name__)

_CODES: Final = {"jobs": JOBS_QUOTA, "servers_a_job": SERVERS_A_JOB_QUOTA, "servers_in_jobs": SERVERS_IN_JOBS_QUOTA}
STARTED_AT_ONCE: Final = 200
"""Source servers that one StartRecovery call takes, whatever the quota (service model)."""


@dataclass(frozen=True, slots=True)
class Quotas:
    """Concurrent jobs, servers in one job, and servers in all active jobs; the defaults are AWS's own."""

    jobs: int = 20
    servers_a_job: int = 100
    servers_in_jobs: int = 500


def read_quotas(client: Any) -> Quotas:
    """Read the applied quotas from Service Quotas; one that cannot be read counts at AWS's default."""
    applied: dict[str, int] = {}
    for name, code in _CODES.items():
        try:
            answer = client.get_service_quota(ServiceCode="drs", QuotaCode=code)
            applied[name] = int(answer["Quota"]["Value"])
        except (*FAULTS, KeyError) as error:
            logger.info("quota %s not readable, the default counts: %s", code, error)
            if is_transient(error):
                break  # the service itself does not answer: the others would only keep the caller waiting
    return Quotas(**applied)


def room_for(quotas: Quotas, active: Iterable[RecentJob]) -> int:
    """Tell how many servers one more job may take beside the active ones; 0 when there is room for none."""
    jobs = list(active)
    if len(jobs) >= quotas.jobs:
        return 0
    held = sum(len(job.servers) for job in jobs)
    return max(0, min(quotas.servers_a_job, STARTED_AT_ONCE, quotas.servers_in_jobs - held))
