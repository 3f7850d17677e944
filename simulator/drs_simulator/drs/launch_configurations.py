"""What is read of how servers are launched: launch configurations, launch actions, the account's template of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drs_simulator.drs.launch_actions import action_view, ordered
from drs_simulator.errors import not_found, validation_error
from drs_simulator.wire.pages import page

if TYPE_CHECKING:
    from drs_simulator.drs.fleet import Fleet
    from drs_simulator.drs.model import SourceServer

    Parameters = dict[str, Any]

_KIND = "AWS::DRS::SourceServer"


def get_launch_configuration(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """Return how a server is launched."""
    return configuration_view(_server(fleet, parameters["sourceServerID"]))


def list_launch_actions(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """List the post-launch actions of a server; the account's template has none."""
    resource = parameters["resourceId"]
    if resource == template_id(fleet):
        found: list[dict[str, Any]] = []
    else:
        server = _server(fleet, resource)
        found = [action_view(server, order, action) for order, action in ordered(server)]
    wanted = (parameters.get("filters") or {}).get("actionIds")
    found = [each for each in found if not wanted or each["actionId"] in wanted]
    return page(found, parameters, fleet.world.lens.key(lambda each: each["order"]), lambda each: each)


def describe_launch_configuration_templates(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """List the account's launch configuration template: there is one, with the settings that DRS starts with."""
    identifier = template_id(fleet)
    wanted = parameters.get("launchConfigurationTemplateIDs") or [identifier]
    unknown = [each for each in wanted if each != identifier]
    if unknown:
        raise not_found(unknown[0], "AWS::DRS::LaunchConfigurationTemplate")
    if parameters.get("nextToken"):
        raise validation_error([("nextToken", "Value at 'nextToken' is no token of this operation")])
    view = {
        "launchConfigurationTemplateID": identifier,
        "arn": fleet.arn("launch-configuration-template", identifier),
        "launchDisposition": "STARTED",
        "targetInstanceTypeRightSizingMethod": "BASIC",
        "copyPrivateIp": False,
        "copyTags": False,
        "postLaunchEnabled": False,
        "launchIntoSourceInstance": False,
        "licensing": {"osByol": False},
        "tags": {},
    }
    return {"items": [view]}


def template_id(fleet: Fleet) -> str:
    """Return the id of the account's launch configuration template."""
    return fleet.ec2.own_id("lct", "default")


def configuration_view(server: SourceServer) -> dict[str, Any]:
    """Return a LaunchConfiguration of the DRS model."""
    configuration = server.configuration
    view: dict[str, Any] = {
        "sourceServerID": server.source_server_id,
        "name": configuration.name or "",
        "ec2LaunchTemplateID": configuration.ec2_launch_template_id or server.template_id,
        "launchDisposition": configuration.launch_disposition,
        "targetInstanceTypeRightSizingMethod": configuration.target_instance_type_right_sizing_method,
        "copyPrivateIp": configuration.copy_private_ip,
        "copyTags": configuration.copy_tags,
        "licensing": {"osByol": False},
        "postLaunchEnabled": server.runs_actions,
    }
    if configuration.launches_into:
        view["launchIntoInstanceProperties"] = {"launchIntoEC2InstanceID": configuration.launches_into}
    return view


def _server(fleet: Fleet, identifier: str) -> SourceServer:
    if identifier not in fleet.servers:
        raise not_found(identifier, _KIND)
    return fleet.servers[identifier]


OPERATIONS = {
    "GetLaunchConfiguration": get_launch_configuration,
    "ListLaunchActions": list_launch_actions,
    "DescribeLaunchConfigurationTemplates": describe_launch_configuration_templates,
}
