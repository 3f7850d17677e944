"""EC2 of one account and Region as far as it shows where instances would land; it is read, and never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from wavebreak.aws.ec2.instances import Ec2
from wavebreak.aws.ec2.launch_templates import DEFAULT, LaunchTemplates, filtered
from wavebreak.aws_error_codes import NO_LAUNCH_TEMPLATE
from wavebreak.domain.launch_templates.reading import subnet
from wavebreak.resilience.aws_errors import error_code

if TYPE_CHECKING:
    from collections.abc import Collection

    from wavebreak.domain.launch_templates.model import Subnet


class LandingPlaces:
    """Launch templates, subnets, groups, addresses and instance types, two hundred a call."""

    def __init__(self, client: Any) -> None:
        """Keep a client that repeats failed reads; EC2's types are not installed."""
        self.client = client
        self.templates = LaunchTemplates(client)
        self.instances = Ec2(client)

    def is_gone(self, template_id: str) -> bool:
        """Return whether a launch template does not exist: a listing may not show a new template yet."""
        try:
            self.client.describe_launch_template_versions(LaunchTemplateId=template_id, Versions=[DEFAULT])
        except ClientError as error:
            if error_code(error) in NO_LAUNCH_TEMPLATE:
                return True
            raise
        return False

    def default_subnets(self) -> tuple[Subnet, ...]:
        """Return the default subnets, where instances land whose template names none."""
        return tuple(map(subnet, filtered(self.client, "describe_subnets", "Subnets", "default-for-az", ["true"])))

    def vpcs_of(self, group_ids: Collection[str]) -> dict[str, str]:
        """Return the VPCs of security groups by their ids; one that EC2 does not know is left out."""
        found = filtered(self.client, "describe_security_groups", "SecurityGroups", "group-id", group_ids)
        return {group["GroupId"]: group.get("VpcId", "") for group in found}

    def vcpus_of(self, instance_types: Collection[str]) -> dict[str, int]:
        """Return how many vCPUs instance types have; one that the Region does not have is left out."""
        found = filtered(self.client, "describe_instance_types", "InstanceTypes", "instance-type", instance_types)
        return {each["InstanceType"]: int(each.get("VCpuInfo", {}).get("DefaultVCpus", 0)) for each in found}

    def holders_of(self, addresses: Collection[str]) -> dict[tuple[str, str], str | None]:
        """Return the instance that has each private address, by subnet and address; None for anything else."""
        name = "addresses.private-ip-address"
        found = filtered(self.client, "describe_network_interfaces", "NetworkInterfaces", name, addresses)
        return {
            (interface["SubnetId"], each["PrivateIpAddress"]): interface.get("Attachment", {}).get("InstanceId")
            for interface in found
            for each in interface.get("PrivateIpAddresses", [])
        }
