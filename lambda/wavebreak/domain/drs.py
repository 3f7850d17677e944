"""What DRS reports about a Region: servers, instances, jobs and quotas, or the trouble; and the room jobs leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

JOBS_QUOTA: Final = "L-D88FAC3A"
SERVERS_A_JOB_QUOTA: Final = "L-B827C881"
SERVERS_IN_JOBS_QUOTA: Final = "L-05AFA8C6"
SERVER_QUOTAS: Final = frozenset({SERVERS_A_JOB_QUOTA, SERVERS_IN_JOBS_QUOTA})
START_RECOVERY: Final = "START_RECOVERY"
"""What a job was begun by that recovers servers for good."""
START_DRILL: Final = "START_DRILL"
"""What one was begun by that rehearses it."""
NOT_FOUND: Final = "NOT_FOUND"
"""The state of an instance that EC2 does not show: gone, or too young."""
STOPPED: Final = "STOPPED"
GONE: Final = frozenset({"TERMINATED", NOT_FOUND})
STARTED_AT_ONCE: Final = 200
"""Source servers that one StartRecovery call takes, whatever the quota (service model)."""
DESCRIBE_INSTANCES: Final = "DescribeRecoveryInstances"
DESCRIBE_SERVERS: Final = "DescribeSourceServers"
DESCRIBE_SNAPSHOTS: Final = "DescribeRecoverySnapshots"
GET_LAUNCH_CONFIGURATION: Final = "GetLaunchConfiguration"
IDS_A_CALL: Final = 200
"""Source servers or recovery instances that one Describe call takes (service model)."""


def in_batches(ids: Sequence[str]) -> list[Sequence[str]]:
    """Split ids into batches of the size that one call of DRS accepts."""
    return [ids[start : start + IDS_A_CALL] for start in range(0, len(ids), IDS_A_CALL)]


class Quotas(Value):
    """Concurrent jobs, servers in one job, and servers in all active jobs; the defaults are AWS's own."""

    jobs: int = 20
    servers_a_job: int = 100
    servers_in_jobs: int = 500


def room_for(quotas: Quotas, active: Iterable[RecentJob]) -> int:
    """Return how many servers one more job may have beside the active jobs; 0 when there is no room."""
    jobs = list(active)
    if len(jobs) >= quotas.jobs:
        return 0
    held = sum(len(job.servers) for job in jobs)
    return max(0, min(quotas.servers_a_job, STARTED_AT_ONCE, quotas.servers_in_jobs - held))


class RecentJob(Value):
    """A job of anybody's."""

    job_id: str
    kind: str
    servers: frozenset[str]
    tags: Mapping[str, str]
    ended: bool = False
    instances: frozenset[str] = frozenset()
    """The recovery instances that it launched or terminates, as far as DRS names them."""
    initiated_by: str = ""
    """What began it, in DRS's words: START_DRILL, START_RECOVERY, ..."""
    ended_at: datetime | None = None
    """When it ended, if DRS reports it."""


class SourceServer(Value):
    """What DRS says of a source server before a launch."""

    source_server_id: str
    replication_state: str | None
    lag: str | None = None
    """How far replication is behind, an ISO 8601 duration."""
    recovery_instance_id: str | None = None
    """Its recovery instance, if DRS reports one."""
    last_launch: str | None = None
    """What its last launch was, DRILL or RECOVERY, if DRS reports it."""
    name: str | None = None
    """What people call it: its Name tag, else its host name."""
    address: str | None = None
    """The private IPv4 address that it has at its source."""
    recommended_type: str | None = None
    """The instance type that DRS would choose for it."""
    hardware: str | None = None
    """Its processors, memory, disks and operating system, in DRS's words."""


class Instance(Value):
    """A recovery instance that DRS shows."""

    recovery_instance_id: str
    source_server_id: str
    job_id: str
    is_drill: bool = False
    """Whether a drill launched it; one that DRS says nothing of counts as recovered."""
    state: str | None = None
    """EC2's word for its state, as DRS reports it."""
    snapshot_at: datetime | None = None
    """The moment of the recovery point that it was launched from."""
    failback: str | None = None
    """How far its failback is, in DRS's words (`failback.state`)."""


class RecoveryPoint(Value):
    """A recovery snapshot of a server that is finished, and the moment that it is of."""

    snapshot_id: str
    at: datetime


class Trouble(Value):
    """Something that DRS did not report: the operation, and why; `denied` for want of permission."""

    operation: str
    reason: str
    denied: bool = False
    asked: bool = True
    """False when there was no time left to ask."""
    refusal: bool = False
    """Whether the service is well and refused this very question."""
