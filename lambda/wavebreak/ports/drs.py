"""DRS of one account and Region, as use cases ask it; `aws/drs.py` says what each call does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from wavebreak.domain.drs import Instance, RecentJob, RecoveryPoint, SourceServer, Trouble
    from wavebreak.domain.executions.model.jobs import Job
    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.domain.executions.observing.launches import JobLog, JobView
    from wavebreak.domain.launch_templates.model import LaunchConfiguration
    from wavebreak.domain.plans.drs_recovery_plans import NativePlan


class DrsJobs(Protocol):
    """What jobs do, ours and others'."""

    def jobs(self, job_ids: Sequence[str], /) -> tuple[dict[str, JobView], frozenset[str]]: ...
    def recent_jobs(self, now: datetime, /) -> list[RecentJob]: ...
    def active_jobs(self, now: datetime, /) -> list[RecentJob]: ...
    def find_launches(self, execution_id: str, intents: Sequence[Job], /) -> dict[tuple[int, int, int], str]: ...
    def launches_of(
        self, execution_id: str, since: datetime, /
    ) -> dict[str, tuple[tuple[int, int, int], frozenset[str]]]: ...
    def job_log(self, job_id: str, /) -> JobLog: ...
    def job_log_items(self, job_id: str, /) -> list[dict[str, Any]]: ...


class DrsServers(Protocol):
    """Source servers, and how each is launched."""

    def source_servers(self, ids: Sequence[str], /) -> dict[str, SourceServer]: ...
    def tags_by_server(self) -> dict[str, Mapping[str, str]]: ...
    def launches_into(self, source_server_id: str, /) -> bool: ...
    def launch_configuration(self, source_server_id: str, /) -> LaunchConfiguration: ...
    def launch_configurations(
        self, source_server_ids: Iterable[str], over: Callable[[], bool], /
    ) -> Mapping[str, LaunchConfiguration | Trouble]: ...


class DrsInstances(Protocol):
    """Recovery instances."""

    def instances(self, source_server_ids: Sequence[str], /) -> list[Instance]: ...
    def every_instance(self, source_server_ids: Sequence[str], /) -> list[Instance]: ...
    def instances_named(self, recovery_instance_ids: Sequence[str], /) -> list[Instance]: ...


class DrsPoints(Protocol):
    """Points in time that servers can be launched from."""

    def newest_snapshot(self, source_server_id: str, /) -> str | None: ...
    def newest_point(self, source_server_id: str, before: datetime | None, /) -> RecoveryPoint | None: ...
    def recovery_points(self, source_server_id: str, before: datetime | None, /) -> list[RecoveryPoint]: ...


class DrsPlans(Protocol):
    """Recovery Plans of DRS itself."""

    def native_plan(self, arn: str, /) -> NativePlan: ...


class DrsReads(DrsJobs, DrsServers, DrsInstances, DrsPoints, DrsPlans, Protocol):
    """Everything that DRS is asked without changing anything."""


class DrsLaunches(DrsReads, Protocol):
    """What a launch calls of DRS."""

    def start_recovery(self, servers: Sequence[Server], /, *, is_drill: bool, tags: Mapping[str, str]) -> str: ...


class DrsTerminations(DrsReads, Protocol):
    """The DRS calls of a termination."""

    def terminate(self, recovery_instance_ids: Sequence[str], /) -> str: ...
