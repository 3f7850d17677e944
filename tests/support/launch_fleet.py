"""How servers are launched, said to the simulator: launch configurations, templates, a subnet and a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import boto3
from tests.support.blueprint import REGION
from tests.support.plans import server

if TYPE_CHECKING:
    from tests.support.stack import Stack

SUBNET: Final = "subnet-0123456789abcdef0"
GROUP: Final = "sg-0123456789abcdef0"
TARGET: Final = "i-0123456789abcdef0"
STOPPED: Final = "i-0123456789abcdef1"
VPC: Final = "vpc-0123456789abcdef0"
SHOWS_SECONDS: Final = 1
"""After which every look shows a change, whatever the manners."""


class Fleet:
    """Source servers in the simulator and how they are launched, in the account that the product's calls come from."""

    def __init__(self, stack: Stack, *numbers: int) -> None:
        self.stack = stack
        stack.put_servers(server(number) for number in numbers)
        self.ec2: Any = boto3.client("ec2", region_name=REGION)
        self.drs = boto3.client("drs", region_name=REGION)
        stack.clock.forward(SHOWS_SECONDS)
        self.account = self._account()
        stack.control.put_subnet(SUBNET, cidrBlock="10.1.0.0/24", vpcId=VPC, account=self.account)
        stack.control.put_security_group(GROUP, vpcId=VPC, account=self.account)

    def _account(self) -> str:
        self.drs.describe_source_servers(filters={})
        return str(self.stack.control.calls("DescribeSourceServers")[-1]["account"])

    def put(self, number: int = 1, **settings: Any) -> None:
        """Change a server."""
        self.stack.control.put_source_server(server(number), **settings)
        self.stack.clock.forward(SHOWS_SECONDS)

    def instance(self, instance_id: str, state: str) -> None:
        """Have an instance in a state, or change its state."""
        self.stack.control.instance(instance_id, state=state)
        self.stack.clock.forward(SHOWS_SECONDS)

    def configure(self, number: int = 1, **configuration: Any) -> None:
        """Change a server's launch configuration."""
        self.put(number, launchConfiguration=configuration)

    def template(self, number: int = 1, **data: Any) -> None:
        """Give a server's launch template a new default version with other data."""
        name = self.drs.get_launch_configuration(sourceServerID=server(number))["ec2LaunchTemplateID"]
        made = self.ec2.create_launch_template_version(
            LaunchTemplateId=name, SourceVersion="$Default", LaunchTemplateData=data
        )["LaunchTemplateVersion"]
        self.stack.clock.forward(SHOWS_SECONDS)
        self.ec2.modify_launch_template(LaunchTemplateId=name, DefaultVersion=str(made["VersionNumber"]))
        self.stack.clock.forward(SHOWS_SECONDS)

    def lands(self, number: int = 1, subnet: str = SUBNET, *groups: str) -> None:
        """Have a server land in a subnet."""
        self.template(number, NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet, "Groups": list(groups)}])
