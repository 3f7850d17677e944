"""SAM in an environment where it neither calls home nor asks anyone.

`python -m tools.packaging.sam ARGUMENTS` runs it with the user's own AWS settings, as `make build` does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.template import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOCAL: Final = ROOT / ".local"

CAPABILITIES: Final = ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")
"""What a deployment agrees to: roles and policies without names of their own, and a nested application."""

_BIN: Final = Path(sys.executable).parent
_LAST_LINES: Final = 25


class SamError(Exception):
    """A SAM command failed; the message holds the end of what it wrote."""


def environment(base: Mapping[str, str], home: Path) -> dict[str, str]:
    """Complete an environment for SAM; `home` is a directory for what it wants to remember.

    SAM asks the package registry for newer versions of itself unless it remembers a recent answer, so it is given one.
    """
    home.mkdir(parents=True, exist_ok=True)
    memory = {"telemetryEnabled": False, "lastVersionCheck": time.time()}
    (home / "metadata.json").write_text(json.dumps(memory), encoding="utf-8")
    return {
        **base,
        "HOME": base.get("HOME") or str(home),
        "PATH": os.pathsep.join([str(_BIN), base.get("PATH", os.defpath)]),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "SAM_CLI_TELEMETRY": "0",
        # One artefact for all functions instead of a copy for each.
        "SAM_CLI_BETA_BUILD_PERFORMANCE": "1",
        "SAM_CLI_POLL_DELAY": "0.2" if "AWS_ENDPOINT_URL" in base else "5",
        "__SAM_CLI_APP_DIR": str(home),
    }


def without_aws(base: Mapping[str, str]) -> dict[str, str]:
    """Leave out whatever would lead to an AWS account."""
    return {name: value for name, value in base.items() if not name.startswith(("AWS_", "SAM_"))}


def run(arguments: Sequence[str], *, variables: Mapping[str, str], log: Path) -> None:
    """Run a SAM command from the repository's root; raise SamError with the end of its output."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        begin = output.tell()
        code = subprocess.run(
            [str(_BIN / "sam"), *arguments],
            cwd=ROOT,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if code != 0:
        with log.open("rb") as written:
            written.seek(begin)
            lines = written.read().decode(errors="replace").strip().splitlines()
        end = "\n".join(lines[-_LAST_LINES:])
        raise SamError(f"sam {arguments[0]} failed, see {log}:\n{end}")


def call(arguments: Sequence[str]) -> int:
    """Run a SAM command on this terminal with the user's own AWS settings; return its exit code."""
    variables = environment(os.environ, LOCAL / "sam")
    return subprocess.run([str(_BIN / "sam"), *arguments], env=variables, check=False).returncode


def main() -> int:
    """Hand the command line on to SAM."""
    return call(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
