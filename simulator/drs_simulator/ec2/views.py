"""What EC2 reports about its things, in the field names of its model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drs_simulator.clockwork.clock import timestamp
from drs_simulator.ec2.model import State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from drs_simulator.ec2.cloud import Ec2
    from drs_simulator.ec2.instance_types import InstanceType
    from drs_simulator.ec2.model import Instance, Interface, LaunchTemplate, SecurityGroup, Subnet, Version


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as EC2 has them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def instance_view(ec2: Ec2, instance: Instance, moment: datetime) -> dict[str, Any]:
    """Return an Instance of the EC2 model, in the state that it was in at a moment."""
    state = instance.state.at(moment)
    view: dict[str, Any] = {
        "InstanceId": instance.instance_id,
        "ImageId": ec2.own_id("ami", instance.subject),
        "InstanceType": instance.instance_type,
        "LaunchTime": timestamp(instance.launched_at),
        "State": {"Code": state.code, "Name": state.value},
        "Placement": {"AvailabilityZone": instance.zone, "Tenancy": "default"},
        "Tags": tag_list(instance.tags),
        "SecurityGroups": [],
        "NetworkInterfaces": [],
    }
    if instance.windows:
        view["Platform"] = "windows"
    primary = instance.primary
    if primary and state is not State.TERMINATED:
        view |= {
            "SubnetId": primary.subnet.subnet_id,
            "VpcId": primary.subnet.vpc_id,
            "PrivateIpAddress": str(primary.address),
            "SecurityGroups": _groups(ec2, primary),
            "NetworkInterfaces": [_attached_view(ec2, each) for each in instance.interfaces],
        }
    return view


def _groups(ec2: Ec2, interface: Interface) -> list[dict[str, str]]:
    return [{"GroupId": each, "GroupName": ec2.groups[each].name} for each in interface.group_ids if each in ec2.groups]


def _attached_view(ec2: Ec2, interface: Interface) -> dict[str, Any]:
    return {
        "NetworkInterfaceId": interface.interface_id,
        "SubnetId": interface.subnet.subnet_id,
        "VpcId": interface.subnet.vpc_id,
        "PrivateIpAddress": str(interface.address),
        "Groups": _groups(ec2, interface),
        "Attachment": {"DeviceIndex": interface.device_index, "Status": "attached"},
    }


def interface_view(ec2: Ec2, interface: Interface) -> dict[str, Any]:
    """Return a NetworkInterface of the EC2 model."""
    view: dict[str, Any] = {
        "NetworkInterfaceId": interface.interface_id,
        "SubnetId": interface.subnet.subnet_id,
        "VpcId": interface.subnet.vpc_id,
        "AvailabilityZone": interface.subnet.zone,
        "OwnerId": ec2.account,
        "PrivateIpAddress": str(interface.address),
        "PrivateIpAddresses": [{"Primary": True, "PrivateIpAddress": str(interface.address)}],
        "Groups": _groups(ec2, interface),
        "Status": "in-use" if interface.instance_id else "available",
    }
    if interface.instance_id:
        view["Attachment"] = {
            "InstanceId": interface.instance_id,
            "DeviceIndex": interface.device_index,
            "Status": "attached",
        }
    return view


def subnet_view(ec2: Ec2, subnet: Subnet) -> dict[str, Any]:
    """Return a Subnet of the EC2 model."""
    return {
        "SubnetId": subnet.subnet_id,
        "SubnetArn": f"arn:aws:ec2:{ec2.region}:{ec2.account}:subnet/{subnet.subnet_id}",
        "VpcId": subnet.vpc_id,
        "OwnerId": ec2.account,
        "State": "available",
        "CidrBlock": str(subnet.network),
        "AvailabilityZone": subnet.zone,
        "AvailableIpAddressCount": max(0, subnet.free),
        "DefaultForAz": subnet.is_default,
        "MapPublicIpOnLaunch": subnet.is_default,
        "Tags": [],
    }


def group_view(ec2: Ec2, group: SecurityGroup) -> dict[str, Any]:
    """Return a SecurityGroup of the EC2 model."""
    return {
        "GroupId": group.group_id,
        "GroupName": group.name,
        "Description": f"{group.name} security group",
        "VpcId": group.vpc_id,
        "OwnerId": ec2.account,
        "IpPermissions": [],
        "IpPermissionsEgress": [],
        "Tags": [],
    }


def instance_type_view(instance_type: InstanceType) -> dict[str, Any]:
    """Return an InstanceTypeInfo of the EC2 model, as far as sizes go."""
    return {
        "InstanceType": instance_type.name,
        "CurrentGeneration": True,
        "VCpuInfo": {"DefaultVCpus": instance_type.vcpus},
        "MemoryInfo": {"SizeInMiB": instance_type.memory},
    }


def template_view(template: LaunchTemplate, moment: datetime) -> dict[str, Any]:
    """Return a LaunchTemplate of the EC2 model, as it was at a moment."""
    shown = [number for number, each in template.versions.items() if each.created_at <= moment]
    return {
        "LaunchTemplateId": template.template_id,
        "LaunchTemplateName": template.name,
        "CreateTime": timestamp(template.created_at),
        "CreatedBy": template.created_by,
        "DefaultVersionNumber": template.default.at(moment),
        "LatestVersionNumber": max(shown, default=template.latest),
        "Tags": tag_list(template.tags),
    }


def version_view(template: LaunchTemplate, version: Version, moment: datetime) -> dict[str, Any]:
    """Return a LaunchTemplateVersion of the EC2 model; which one was the default at a moment."""
    view = {
        "LaunchTemplateId": template.template_id,
        "LaunchTemplateName": template.name,
        "VersionNumber": version.number,
        "CreateTime": timestamp(version.created_at),
        "CreatedBy": version.created_by,
        "DefaultVersion": version.number == template.default.at(moment),
        "LaunchTemplateData": version.data,
    }
    return view | ({"VersionDescription": version.description} if version.description else {})
