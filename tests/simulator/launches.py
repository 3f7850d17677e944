"""What the tests of launches share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulator.clients import Drs

    from drs_simulator.client import SimulatorControl

READY = "i-0123456789abcdef0"
SUBNET = "subnet-0123456789abcdef0"
GROUP = "sg-0123456789abcdef0"
ACTIONS = [
    {"name": "Install agent", "seconds": 4},
    {"name": "Check disks", "seconds": 6, "category": "VALIDATION", "result": "FAILED", "failureReason": "HTTP 503"},
]


def events(drs: Drs, job_id: str) -> dict[str, Any]:
    items = drs.client.describe_job_log_items(jobID=job_id)["items"]
    return {item["event"]: item for item in items}


def raw_error(drs: Drs, job_id: str) -> str:
    return str(events(drs, job_id)["LAUNCH_FAILED"]["eventData"]["rawError"])


def only_instance(control: SimulatorControl) -> Any:
    [instance] = control.state()["recoveryInstances"]
    return instance


def launch_by(drs: Drs, control: SimulatorControl, server: str, ec2: Any, data: dict[str, Any]) -> str:
    """Launch a server by a template that has these parameters, and return the job's id."""
    configuration = {"targetInstanceTypeRightSizingMethod": "NONE"}
    control.put_source_server(server, launchConfiguration=configuration)
    template = drs.client.get_launch_configuration(sourceServerID=server)["ec2LaunchTemplateID"]
    ec2.create_launch_template_version(LaunchTemplateId=template, SourceVersion="$Default", LaunchTemplateData=data)
    latest = ec2.describe_launch_templates(LaunchTemplateIds=[template])["LaunchTemplates"][0]["LatestVersionNumber"]
    ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion=str(latest))
    return str(drs.recover(server)["jobID"])
