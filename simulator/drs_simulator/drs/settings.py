"""What the control API sets of source servers and recovery instances."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from drs_simulator.drs.model import LaunchAction, LaunchConfiguration, LaunchOutcome
from drs_simulator.ec2.cloud import Existing
from drs_simulator.ec2.model import State
from drs_simulator.settings import Settings

if TYPE_CHECKING:
    from drs_simulator.drs.fleet import Fleet
    from drs_simulator.drs.model import Record, SourceServer
    from drs_simulator.ec2.cloud import Ec2
    from drs_simulator.ec2.model import Instance

_TagText = Annotated[str, StringConstraints(max_length=256)]
_Failback = Literal[
    "FAILBACK_NOT_STARTED",
    "FAILBACK_IN_PROGRESS",
    "FAILBACK_READY_FOR_LAUNCH",
    "FAILBACK_COMPLETED",
    "FAILBACK_ERROR",
    "FAILBACK_NOT_READY_FOR_LAUNCH",
    "FAILBACK_LAUNCH_STATE_NOT_AVAILABLE",
]
_Replication = Literal[
    "STOPPED",
    "INITIATING",
    "INITIAL_SYNC",
    "BACKLOG",
    "CREATING_SNAPSHOT",
    "CONTINUOUS",
    "PAUSED",
    "RESCAN",
    "STALLED",
    "DISCONNECTED",
]
_Ec2State = Literal["PENDING", "RUNNING", "STOPPING", "STOPPED", "SHUTTING-DOWN", "TERMINATED", "NOT_FOUND"]
# How much older a previous snapshot is, if nothing else is said: the policy keeps hourly ones of a day.
_AN_HOUR = 3600


class ServerSettings(Settings):
    """What a source server is, and how its launches go; what is left out keeps its value.

    ``uses_previous_snapshot`` is true, or by how many seconds the snapshot is older at least. A launch configuration
    and a list of launch actions take the place of the ones before.
    """

    tags: dict[_TagText, _TagText] | None = None
    launch_seconds: float | None = Field(default=None, ge=0, le=86_400)
    launch_result: LaunchOutcome | None = Field(default=None, strict=False)
    raw_error: str | None = Field(default=None, max_length=65_536)
    recoverable: bool | None = None
    conflict: bool | None = None
    lag_seconds: int | None = Field(default=None, ge=0, le=604_800)
    uses_previous_snapshot: bool | Annotated[int, Field(ge=0, le=604_800)] | None = None
    hostname: str | None = Field(default=None, min_length=1, max_length=256)
    replication_direction: Literal["FAILOVER", "FAILBACK"] | None = None
    replication_state: _Replication | None = None
    origin_environment: Literal["ON_PREMISES", "AWS"] | None = None
    private_ip: str | None = None
    recommended_instance_type: str | None = Field(default=None, min_length=1, max_length=64)
    launch_configuration: LaunchConfiguration | None = None
    launch_actions: list[LaunchAction] | None = None

    @field_validator("private_ip")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None:
            IPv4Address(value)
        return value

    def apply(self, fleet: Fleet, server: SourceServer) -> None:
        """Change what was given."""
        for name, attribute in _PLAIN.items():
            value = getattr(self, name)
            if value is not None:
                setattr(server, attribute, value)
        if self.tags is not None:
            server.tags.declare(dict(self.tags))
        if self.private_ip is not None:
            server.private_ip = IPv4Address(self.private_ip)
        if self.uses_previous_snapshot is not None:
            server.previous_snapshot = _age(self.uses_previous_snapshot)
        if self.launch_actions is not None:
            server.actions = tuple(self.launch_actions)
        target = self.launch_configuration.launches_into if self.launch_configuration else None
        if target and target not in fleet.ec2.instances:
            # An instance that stands ready: DRS wants it stopped.
            ready = Existing(target, "t3.medium", f"ready for {server.source_server_id}", state=State.STOPPED)
            fleet.ec2.put(ready, fleet.world.clock.now())


_PLAIN = {
    "launch_seconds": "launch_seconds",
    "launch_result": "launch_outcome",
    "raw_error": "raw_error",
    "recoverable": "recoverable",
    "conflict": "conflict",
    "lag_seconds": "lag_seconds",
    "hostname": "hostname",
    "replication_direction": "replication_direction",
    "replication_state": "replication_state",
    "origin_environment": "origin_environment",
    "recommended_instance_type": "recommended_type",
    "launch_configuration": "configuration",
}


def _age(setting: bool | int) -> int | None:
    if setting is True:
        return _AN_HOUR
    return None if setting is False else setting


class RecordSettings(Settings):
    """What DRS and EC2 think of a recovery instance; what is left out keeps its value.

    ``failback_state`` null is one for which DRS reports no failback at all. ``protected`` is EC2's own protection from
    termination, ``state`` what EC2 has come to without DRS: stopped, terminated by hand, or not found.
    """

    terminable: bool | None = None
    protected: bool | None = None
    failback_state: _Failback | None = None
    platform: Literal["Linux", "Windows"] | None = None
    state: Literal["PENDING", "RUNNING", "STOPPING", "STOPPED", "SHUTTING-DOWN", "TERMINATED", "NOT_FOUND"] | None = (
        None
    )

    def apply_to_record(self, record: Record) -> None:
        """Change what was given of what DRS makes of an instance."""
        record.terminable = record.terminable if self.terminable is None else self.terminable
        record.protected = record.protected if self.protected is None else self.protected
        if "failback_state" in self.model_fields_set:
            record.failback_state = self.failback_state

    def apply_to_ec2(self, ec2: Ec2, instance: Instance) -> None:
        """Change what was given of what EC2 has."""
        instance.protected = instance.protected if self.protected is None else self.protected
        if self.platform is not None:
            instance.windows = self.platform == "Windows"
        if self.state is not None:
            state = None if self.state == "NOT_FOUND" else State(self.state.lower())
            ec2.change(instance, state, ec2.world.clock.now())
