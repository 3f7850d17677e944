"""Answers of DRS and EC2 about launches, read: fields that a service leaves out are as it documents them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.launch_templates.model import LaunchConfiguration, Subnet, TemplateVersion

if TYPE_CHECKING:
    from collections.abc import Mapping


def launch_configuration(answer: Mapping[str, Any], source_server_id: str) -> LaunchConfiguration:
    """Read the answer of GetLaunchConfiguration for a source server."""
    return LaunchConfiguration(
        source_server_id,
        answer.get("ec2LaunchTemplateID") or None,
        answer.get("launchDisposition") or "STARTED",
        answer.get("targetInstanceTypeRightSizingMethod") or "NONE",
        bool(answer.get("copyPrivateIp")),
        bool(answer.get("postLaunchEnabled")),
        answer.get("launchIntoInstanceProperties", {}).get("launchIntoEC2InstanceID") or None,
    )


def template_version(item: Mapping[str, Any]) -> TemplateVersion:
    """Read a LaunchTemplateVersion of EC2."""
    return TemplateVersion(
        item["LaunchTemplateId"],
        int(item["VersionNumber"]),
        bool(item.get("DefaultVersion")),
        item.get("LaunchTemplateData", {}),
        item.get("VersionDescription", ""),
        item.get("CreateTime"),
    )


def subnet(item: Mapping[str, Any]) -> Subnet:
    """Read a Subnet of EC2."""
    return Subnet(
        item["SubnetId"],
        item.get("VpcId", ""),
        item.get("AvailabilityZone", ""),
        item.get("CidrBlock", ""),
        int(item.get("AvailableIpAddressCount", 0)),
    )
