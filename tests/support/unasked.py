"""Services that nobody asks: a fake answers the calls that its test is about, and any other one fails the test.

Each has all calls of its port under their signatures, so mypy holds what a fake answers to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from wavebreak.domain.drs import Instance, RecentJob, RecoveryPoint, SourceServer, Trouble
    from wavebreak.domain.executions.model.jobs import Job
    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.domain.executions.observing.launches import JobLog, JobView
    from wavebreak.domain.launch_templates.model import LaunchConfiguration, Subnet, TemplateVersion
    from wavebreak.domain.notifications.delivery import DeliveryFailure, Notification, Outcome
    from wavebreak.domain.plans.drs_recovery_plans import NativePlan
    from wavebreak.ports.ec2 import InstanceStates, TemplateReads
    from wavebreak.site import Site


def _unasked(*asked: object) -> NoReturn:
    raise AssertionError(f"nobody was to ask this: {asked}")


class UnaskedDrs:
    """DRS of a site: `DrsLaunches` and `DrsTerminations`."""

    def jobs(self, job_ids: Sequence[str], /) -> tuple[dict[str, JobView], frozenset[str]]:
        _unasked("jobs", job_ids)

    def recent_jobs(self, now: datetime, /) -> list[RecentJob]:
        _unasked("recent_jobs", now)

    def active_jobs(self, now: datetime, /) -> list[RecentJob]:
        _unasked("active_jobs", now)

    def find_launches(self, execution_id: str, intents: Sequence[Job], /) -> dict[tuple[int, int, int], str]:
        _unasked("find_launches", execution_id, intents)

    def launches_of(
        self, execution_id: str, since: datetime, /
    ) -> dict[str, tuple[tuple[int, int, int], frozenset[str]]]:
        _unasked("launches_of", execution_id, since)

    def job_log(self, job_id: str, /) -> JobLog:
        _unasked("job_log", job_id)

    def job_log_items(self, job_id: str, /) -> list[dict[str, Any]]:
        _unasked("job_log_items", job_id)

    def source_servers(self, ids: Sequence[str], /) -> dict[str, SourceServer]:
        _unasked("source_servers", ids)

    def tags_by_server(self) -> dict[str, Mapping[str, str]]:
        _unasked("tags_by_server")

    def launches_into(self, source_server_id: str, /) -> bool:
        _unasked("launches_into", source_server_id)

    def launch_configuration(self, source_server_id: str, /) -> LaunchConfiguration:
        _unasked("launch_configuration", source_server_id)

    def launch_configurations(
        self, source_server_ids: Iterable[str], over: Callable[[], bool], /
    ) -> Mapping[str, LaunchConfiguration | Trouble]:
        _unasked("launch_configurations", source_server_ids, over)

    def instances(self, source_server_ids: Sequence[str], /) -> list[Instance]:
        _unasked("instances", source_server_ids)

    def every_instance(self, source_server_ids: Sequence[str], /) -> list[Instance]:
        _unasked("every_instance", source_server_ids)

    def instances_named(self, recovery_instance_ids: Sequence[str], /) -> list[Instance]:
        _unasked("instances_named", recovery_instance_ids)

    def newest_snapshot(self, source_server_id: str, /) -> str | None:
        _unasked("newest_snapshot", source_server_id)

    def newest_point(self, source_server_id: str, before: datetime | None, /) -> RecoveryPoint | None:
        _unasked("newest_point", source_server_id, before)

    def recovery_points(self, source_server_id: str, before: datetime | None, /) -> list[RecoveryPoint]:
        _unasked("recovery_points", source_server_id, before)

    def native_plan(self, arn: str, /) -> NativePlan:
        _unasked("native_plan", arn)

    def start_recovery(self, servers: Sequence[Server], /, *, is_drill: bool, tags: Mapping[str, str]) -> str:
        _unasked("start_recovery", servers, is_drill, tags)

    def terminate(self, recovery_instance_ids: Sequence[str], /) -> str:
        _unasked("terminate", recovery_instance_ids)


class UnaskedTemplates:
    """EC2's launch templates of a site: `TemplateChanges`."""

    def defaults(self, template_ids: Collection[str], /) -> dict[str, TemplateVersion]:
        _unasked("defaults", template_ids)

    def subnets(self, subnet_ids: Collection[str], /) -> dict[str, Subnet]:
        _unasked("subnets", subnet_ids)

    def zones_of(self, instance_types: Collection[str], /) -> dict[str, frozenset[str]]:
        _unasked("zones_of", instance_types)

    def versions_from(self, template_id: str, least: int, /) -> list[TemplateVersion]:
        _unasked("versions_from", template_id, least)

    def create_version(
        self, template_id: str, source: int, data: Mapping[str, Any], description: str, token: str, /
    ) -> int:
        _unasked("create_version", template_id, source, data, description, token)

    def make_default(self, template_id: str, number: int, /) -> int:
        _unasked("make_default", template_id, number)

    def delete_version(self, template_id: str, number: int, /, *, shown: bool = True) -> bool:
        _unasked("delete_version", template_id, number, shown)


class UnaskedPlaces:
    """EC2 of a site as it is asked where instances would land: `LandingPlaces`."""

    @property
    def templates(self) -> TemplateReads:
        _unasked("templates")

    @property
    def instances(self) -> InstanceStates:
        _unasked("instances")

    def is_gone(self, template_id: str, /) -> bool:
        _unasked("is_gone", template_id)

    def default_subnets(self) -> tuple[Subnet, ...]:
        _unasked("default_subnets")

    def vpcs_of(self, group_ids: Collection[str], /) -> dict[str, str]:
        _unasked("vpcs_of", group_ids)

    def vcpus_of(self, instance_types: Collection[str], /) -> dict[str, int]:
        _unasked("vcpus_of", instance_types)

    def holders_of(self, addresses: Collection[str], /) -> dict[tuple[str, str], str | None]:
        _unasked("holders_of", addresses)


class UnaskedSsm:
    """SSM of a site: `SsmCommands`."""

    def online(self, instance_ids: Sequence[str], /) -> frozenset[str]:
        _unasked("online", instance_ids)

    def cancel(self, command_id: str, instance_ids: Iterable[str], /) -> None:
        _unasked("cancel", command_id, instance_ids)

    def sign_in(self) -> None:
        _unasked("sign_in")

    def send(self, command: str, instance_id: str, parameters: Mapping[str, str], comment: str, /) -> str:
        _unasked("send", command, instance_id, parameters, comment)

    def find(self, instance_id: str, comment: str, since: datetime, /) -> str | None:
        _unasked("find", instance_id, comment, since)

    def invocation(self, command_id: str, instance_id: str, /) -> Mapping[str, Any] | None:
        _unasked("invocation", command_id, instance_id)


class UnaskedChannels:
    """The channels of notifications: `Channels`."""

    def wants(self, kind: str, /) -> bool:
        _unasked("wants", kind)

    def send(self, notification: Notification, served: frozenset[str] = frozenset(), /) -> Outcome:
        _unasked("send", notification, served)

    def set_aside(self, event: Mapping[str, Any], faults: Mapping[str, DeliveryFailure], /) -> None:
        _unasked("set_aside", event, faults)


def no_templates(site: Site) -> UnaskedTemplates:
    """Give the launch templates of a site where nobody may change them."""
    del site
    return UnaskedTemplates()


def no_agents(site: Site) -> UnaskedSsm:
    """Give SSM of a site where nobody may send commands."""
    del site
    return UnaskedSsm()
