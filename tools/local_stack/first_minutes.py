"""The first minutes with a local stack: the examples' source servers are there, and the next commands are told."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml  # type: ignore[import-untyped]  # no stubs in use
from tools.template import ROOT

from drs_simulator.client import SimulatorControl

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES: Final = ROOT / "examples"
_LAUNCH_SECONDS: Final = 20
"""How long a launch takes, in real time at the time scale 1: long enough to be seen, short enough to be waited for."""


def example_servers() -> Iterator[tuple[str, str | None, str]]:
    """Return the source servers of the example plans: id, Region if it is another one, and a name."""
    seen: set[tuple[str, str | None]] = set()
    for file in sorted(EXAMPLES.glob("*.yaml")):
        plan: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
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


def next_commands(plan: str = "three-tier") -> list[str]:
    """Name the commands to begin with, `wavebreak` as it is found from here."""
    wavebreak = "wavebreak" if shutil.which("wavebreak") else str(Path(".venv", "bin", "wavebreak"))
    return [
        f"{wavebreak} plan apply examples/{plan}.yaml",
        f"{wavebreak} run {plan} --mode drill --watch",
        f"{wavebreak} terminate latest --watch",
    ]
