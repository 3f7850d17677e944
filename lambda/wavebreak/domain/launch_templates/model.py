"""What DRS and EC2 report about the launch of a source server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wavebreak.site import Site

DESCRIBE_VERSIONS = "DescribeLaunchTemplateVersions"


class LaunchConfiguration(Value):
    """DRS's launch configuration of a source server (GetLaunchConfiguration)."""

    source_server_id: str
    template_id: str | None
    disposition: str = "STARTED"
    """STARTED, or STOPPED: whether what is launched runs."""
    right_sizing: str = "NONE"
    """NONE where the type is the launch template's own; else DRS chooses it."""
    copies_private_ip: bool = False
    post_launch_enabled: bool = False
    launches_into: str | None = None
    """The existing EC2 instance that it is launched into."""


class TemplateVersion(Value):
    """A version of a launch template; `data` is its LaunchTemplateData in EC2's field names."""

    template_id: str
    number: int
    is_default: bool
    data: Mapping[str, Any]
    description: str = ""
    created_at: datetime | None = None


class Subnet(Value):
    """A subnet as EC2 describes it: its zone, range (CIDR) and how many addresses are free."""

    subnet_id: str
    vpc_id: str
    zone: str
    cidr: str
    free: int


class DrillNetwork(Value):
    """Where a plan has the drills of one account and Region land."""

    site: Site
    subnet_ids: tuple[str, ...]
    group_ids: tuple[str, ...]
