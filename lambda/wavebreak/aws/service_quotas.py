"""Service Quotas: what applies to DRS in an account and Region, read once for a while."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from wavebreak.domain.drs import JOBS_QUOTA, SERVERS_A_JOB_QUOTA, SERVERS_IN_JOBS_QUOTA, Quotas
from wavebreak.problems import Unavailable
from wavebreak.resilience.aws_errors import FAULTS, is_denied, is_transient
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from wavebreak.site import Site

logger = logging.getLogger(__name__)

_CODES: Final = {"jobs": JOBS_QUOTA, "servers_a_job": SERVERS_A_JOB_QUOTA, "servers_in_jobs": SERVERS_IN_JOBS_QUOTA}

_VCPUS: Final = "L-1216C47A"
"""Of the instances of the families A, C, D, H, I, M, R, T and Z."""

KEPT: Final = timedelta(minutes=15)
"""How long quotas count that were read, or refused: they change by request, not by the minute."""
ASK_AGAIN: Final = timedelta(seconds=30)
"""How long the service is not asked again when it did not answer: a round of the machines."""


class AppliedQuotas:
    """The quotas of sites, each read once for a while; one not readable counts as before, or at AWS's default."""

    def __init__(self, client_at: Callable[[Site], Any], now: Callable[[], datetime]) -> None:
        """Keep the factory of a site's Service Quotas client, and the clock."""
        self._client_at = client_at
        self._now = now
        self._known: dict[Site, tuple[Quotas, datetime]] = {}
        """What counts at a site, and until when it does without another look."""

    def at(self, site: Site) -> Quotas:
        """Return the quotas of a site. While Service Quotas does not answer, it is asked by one call a round."""
        known, until = self._known.get(site, (Quotas(), None))
        if until is not None and self._now() < until:
            return known
        applied, answered = _read(self._client_at(site))
        quotas = replace(known, **applied)
        self._known[site] = (quotas, self._now() + (KEPT if answered else ASK_AGAIN))
        return quotas


class RunningVcpus:
    """How many vCPUs the standard instances of a site may have together (EC2), read once for a while."""

    def __init__(self, client_at: Callable[[Site], Any], now: Callable[[], datetime]) -> None:
        """Keep the factory of a site's Service Quotas client, and the clock."""
        self._client_at = client_at
        self._now = now
        self._known: dict[Site, tuple[int | None, datetime]] = {}

    def at(self, site: Site) -> int | None:
        """Return the quota of a site; None when it is not readable."""
        known, until = self._known.get(site, (None, None))
        if until is not None and self._now() < until:
            return known
        try:
            answer = self._client_at(site).get_service_quota(ServiceCode="ec2", QuotaCode=_VCPUS)
            known = int(answer["Quota"]["Value"])
        except (*FAULTS, KeyError) as error:
            logger.info("the quota of vCPUs is not readable: %s", error)
        self._known[site] = (known, self._now() + KEPT)
        return known


def _read(client: Any) -> tuple[dict[str, int], bool]:
    """Read the applied quotas, and tell whether the service answered at all; a refusal is an answer.

    The first call that is not answered, or not allowed, is the last: the others would only keep the caller waiting.
    """
    applied: dict[str, int] = {}
    for name, code in _CODES.items():
        try:
            answer = client.get_service_quota(ServiceCode="drs", QuotaCode=code)
            applied[name] = int(answer["Quota"]["Value"])
        except (*FAULTS, KeyError) as error:
            logger.info("quota %s not readable, it counts as before or at the default: %s", code, error)
            if isinstance(error, (BotoCoreError, Unavailable)) or is_transient(error):
                return applied, False
            if isinstance(error, ClientError) and is_denied(error):
                break
    return applied, True
