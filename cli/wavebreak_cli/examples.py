"""An example of each command, shown at the end of its help."""

from __future__ import annotations

from typing import Any, Final

_ID: Final = "drill-01kaj6yqk0c3v8m5t2x9n7r4bd"
EXAMPLES: Final = {
    "plan new": "wavebreak plan new shop",
    "plan schema": "wavebreak plan schema > plan.schema.json",
    "plan validate": "wavebreak plan validate plans/*.yaml --format github",
    "plan diff": "wavebreak plan diff three-tier.yaml",
    "plan apply": "wavebreak plan apply three-tier.yaml",
    "plan import": "wavebreak plan import arn:aws:drs:eu-west-3:123456789012:recovery-plan/rp-00000000000000001",
    "plan list": "wavebreak plan list --json",
    "plan show": "wavebreak plan show three-tier -o yaml > three-tier.yaml",
    "plan readiness": "wavebreak plan readiness three-tier --limit 5",
    "plan delete": "wavebreak plan delete three-tier",
    "run": "wavebreak run three-tier --mode drill --watch --reason quarterly",
    "show": "wavebreak show latest --servers",
    "watch": "wavebreak watch latest",
    "executions": "wavebreak executions --active --since 2d",
    "instances": "wavebreak instances",
    "events": f"wavebreak events {_ID} --verify",
    "report": f"wavebreak report {_ID} --html report.html",
    "report verify": "wavebreak report verify report.json",
    "verdict": f"wavebreak verdict {_ID} passed --notes complete",
    "cancel": f"wavebreak cancel {_ID} --reason mistaken",
    "terminate": f"wavebreak terminate {_ID} --watch",
    "pause": f"wavebreak pause {_ID}",
    "resume": f"wavebreak resume {_ID}",
    "approve": f"wavebreak approve {_ID} application",
    "reject": f"wavebreak reject {_ID} 2",
    "retry": f"wavebreak retry {_ID} 2",
    "skip": f"wavebreak skip {_ID} web",
    "command": "wavebreak command status --execution latest",
    "health": "wavebreak health --json",
    "errors": "wavebreak errors --hours 1",
    "whoami": "wavebreak whoami",
    "extend": "wavebreak extend latest 60",
    "console": "wavebreak console",
    "snapshots": "wavebreak snapshots three-tier --before 2026-11-21T02:00:00Z",
}
_DOCS: Final = "More: docs/cli.md"


def with_examples(command: Any, path: tuple[str, ...] = ()) -> None:
    """Have the help of every command end with its example."""
    example = EXAMPLES.get(" ".join(path))
    command.epilog = f"Example: {example}" if example else _DOCS
    for name, inner in getattr(command, "commands", {}).items():
        with_examples(inner, (*path, name))
