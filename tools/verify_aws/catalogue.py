"""Every check, in the order of the table."""

from __future__ import annotations

from typing import Final

from tools.verify_aws.checks import instances, job_logs, jobs, servers, services, terminations

CHECKS: Final = (
    *jobs.CHECKS,
    *job_logs.CHECKS,
    *servers.CHECKS,
    *instances.CHECKS,
    *terminations.CHECKS,
    *services.CHECKS,
)
