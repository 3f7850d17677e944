"""The two programs of a local stack, the AWS emulator and the DRS simulator: how they are called and what they see.

Nothing of the caller's environment leaks into them, and through the emulator into the functions.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.local_stack import deployment
from tools.local_stack.processes import LOOPBACK
from tools.template import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

SIMULATOR: Final = ROOT / "simulator"
EMULATOR_COMMAND: Final[Sequence[str]] = (sys.executable, "-P", str(ROOT / "tools" / "local_stack" / "emulator.py"))

_SERVICES: Final = (
    "apigateway cloudformation dynamodb dynamodbstreams events iam lambda logs monitoring s3 scheduler ses sns sqs "
    "states sts"
)


def simulator_command(port: int, emulator: deployment.Emulator, time_scale: float, seed: int | None) -> list[str]:
    """Return the command line of the simulator beside an emulator; without a seed it draws one for its manners."""
    return [
        *(sys.executable, "-m", "drs_simulator"),
        *("--port", str(port)),
        *("--time-scale", f"{time_scale:g}"),
        *("--events-endpoint", emulator.url),
        *("--sts-endpoint", emulator.url),
        *("--event-source", deployment.EVENT_SOURCE),
        *("--logs-endpoint", emulator.url),
        *(() if seed is None else ("--manners-seed", str(seed))),
    ]


def simulator_environment(emulator: deployment.Emulator, scratch: Path) -> dict[str, str]:
    """Return the environment of the simulator."""
    return {**_environment(emulator, scratch), "PYTHONPATH": str(SIMULATOR)}


def emulator_environment(
    emulator: deployment.Emulator, scratch: Path, state: Path | None, *, authorize: bool
) -> dict[str, str]:
    """Return the environment of the emulator: its settings, and the place of its state over a restart, if any."""
    settings = {
        "GATEWAY_PORT": str(emulator.port),
        "BIND_HOST": LOOPBACK,
        "MINISTACK_HOST": LOOPBACK,
        "IOT_MTLS_ENABLED": "0",
        "SERVICES": _SERVICES.replace(" ", ","),
        "LAMBDA_EXECUTOR": "local",
        "AUTH": "true" if authorize else "false",
        # No container engine is searched for, even where there is one.
        "DOCKER_HOST": f"unix://{scratch}/none.sock",
        **({"PERSIST_STATE": "1", "STATE_DIR": str(state)} if state else {}),
    }
    inherited = {name: value for name, value in _environment(emulator, scratch).items() if name != "AWS_ENDPOINT_URL"}
    return {**inherited, **settings}


def _environment(emulator: deployment.Emulator, scratch: Path) -> dict[str, str]:
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        **emulator.variables,
    }
