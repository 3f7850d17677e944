"""EC2 of one account and Region, as use cases ask it; the modules of `aws/ec2/` say what each call does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from wavebreak.domain.launch_templates.model import Subnet, TemplateVersion


class InstanceStates(Protocol):
    """Whether instances run."""

    def states(self, instance_ids: Sequence[str], /) -> dict[str, str]: ...


class TemplateReads(Protocol):
    """What launches would go by."""

    def defaults(self, template_ids: Collection[str], /) -> dict[str, TemplateVersion]: ...
    def subnets(self, subnet_ids: Collection[str], /) -> dict[str, Subnet]: ...
    def zones_of(self, instance_types: Collection[str], /) -> dict[str, frozenset[str]]: ...


class TemplateChanges(TemplateReads, Protocol):
    """Changing launch templates and putting them back."""

    def versions_from(self, template_id: str, least: int, /) -> list[TemplateVersion]: ...
    def create_version(
        self, template_id: str, source: int, data: Mapping[str, Any], description: str, token: str, /
    ) -> int: ...
    def make_default(self, template_id: str, number: int, /) -> int: ...
    def delete_version(self, template_id: str, number: int, /, *, shown: bool = True) -> bool: ...


class LandingPlaces(Protocol):
    """Where instances would land."""

    @property
    def templates(self) -> TemplateReads: ...
    @property
    def instances(self) -> InstanceStates: ...
    def is_gone(self, template_id: str, /) -> bool: ...
    def default_subnets(self) -> tuple[Subnet, ...]: ...
    def vpcs_of(self, group_ids: Collection[str], /) -> dict[str, str]: ...
    def vcpus_of(self, instance_types: Collection[str], /) -> dict[str, int]: ...
    def holders_of(self, addresses: Collection[str], /) -> dict[tuple[str, str], str | None]: ...
