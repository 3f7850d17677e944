"""The first minutes with a local stack: what the examples name is there, and the next commands are reported."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml  # type: ignore[import-untyped]  # no stubs in use
from tools.local_stack.deployment import REGION
from tools.template import ROOT

from drs_simulator.client import ControlError, SimulatorControl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXAMPLES: Final = ROOT / "examples"
_ZONES: Final = "abc"
_DRILLS_VPC: Final = "vpc-0123456789abcdef0"
_LAUNCH_SECONDS: Final = 20
"""How long a launch takes, in real time at the time scale 1: long enough to be seen, short enough to be waited for."""


def _example_plans() -> Iterator[dict[str, Any]]:
    for file in sorted(EXAMPLES.glob("*.yaml")):
        yield yaml.safe_load(file.read_text(encoding="utf-8"))


def example_servers() -> Iterator[tuple[str, str | None, str]]:
    """Return the source servers of the example plans: id, Region if it is another one, and a name."""
    seen: set[tuple[str, str | None]] = set()
    for plan in _example_plans():
        for wave in plan["waves"]:
            for number, server in enumerate(wave.get("servers") or [], start=1):
                key = (str(server["sourceServerId"]), wave.get("region"))
                if key not in seen:
                    seen.add(key)
                    yield *key, f"{wave['name']}-{number}"


def add_example_servers(simulator_url: str) -> int:
    """Add those servers of the examples that the simulator does not have, and count them; others stay as they are."""
    control = SimulatorControl(simulator_url)
    known = {server["sourceServerID"] for server in control.state()["sourceServers"]}
    missing = [server for server in example_servers() if server[0] not in known]
    for identifier, region, name in missing:
        control.put_source_server(identifier, region=region, hostname=name, launchSeconds=_LAUNCH_SECONDS)
    return len(missing)


def add_example_networks(simulator_url: str) -> None:
    """Add those subnets and security groups of the examples' drills that are not there, in a network of their own."""
    control = SimulatorControl(simulator_url)
    for plan in _example_plans():
        for entry in (plan.get("drill") or {}).get("networks") or []:
            region = entry.get("region") or REGION
            missing = [name for name in entry["subnetIds"] if not _has_subnet(control, name, region)]
            for subnet_id in missing:
                number = entry["subnetIds"].index(subnet_id)
                where = {"cidrBlock": f"10.213.{number}.0/24", "availabilityZone": region + _ZONES[number % 3]}
                control.put_subnet(subnet_id, region=region, vpcId=_DRILLS_VPC, **where)
            for group_id in entry["securityGroupIds"] if missing else ():
                control.put_security_group(group_id, region=region, vpcId=_DRILLS_VPC)


def _has_subnet(control: SimulatorControl, subnet_id: str, region: str) -> bool:
    """Return whether a subnet is there: one that is stays as it is, a new one is refused without its range."""
    try:
        control.put_subnet(subnet_id, region=region)
    except ControlError:
        return False
    return True


def places(description: Mapping[str, Any], file: Path, seed: int, added: int) -> list[str]:
    """Say where the parts of a stack are that is up, and how many servers of the examples were added to it."""
    servers = f", with {added} source servers of the examples" if added else ""
    return [
        f"  API        {description['apiUrl']}",
        f"  AWS        {description['endpointUrl']}",
        f"  simulator  {description['simulatorUrl']}{servers}, manners of seed {seed}",
        f"  all of it  {file}",
    ]


def next_lines() -> list[str]:
    """Say what to do with a stack that is up."""
    return ["", "Next", *(f"  {command}" for command in next_commands())]


def next_commands(plan: str = "three-tier") -> list[str]:
    """Name the commands to begin with, `wavebreak` as it is found from here."""
    wavebreak = "wavebreak" if shutil.which("wavebreak") else str(Path(".venv", "bin", "wavebreak"))
    return [
        f"{wavebreak} plan apply examples/{plan}.yaml",
        f"{wavebreak} run {plan} --mode drill --watch",
        f"{wavebreak} terminate latest --watch",
    ]
