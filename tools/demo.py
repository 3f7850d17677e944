"""The product at work, in about a minute: drills that complete, are cancelled half way and fail, and a command.

`make demo` runs this. It brings up a local stack of its own on free ports, walks through the `wavebreak` command as an
operator would, checks every outcome, and stops what it started. Exit code 0 when everything came out as told.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from httpx import HTTPError
from rich.console import Console
from rich.panel import Panel
from tools.local_stack.api_client import Client, UnexpectedError
from tools.local_stack.product import until
from tools.local_stack.stack import LocalStack, Ports, StackError, seed
from tools.packaging.sam import SamError

from drs_simulator.client import SimulatorControl
from wavebreak.domain.plans.text import load_plan_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parent.parent
PLAN: Final = Path("examples/three-tier.yaml")
TIME_SCALE: Final = 0.1
LAUNCH_SECONDS: Final = 25
UNHURRIED_LAUNCH_SECONDS: Final = 60
"""Long enough for a cancel meanwhile, on a busy machine too."""
_PATIENCE_SECONDS: Final = 60.0
_PARTIAL: Final = "PARTIAL SUCCESS (1 of 3 waves completed)"
_EXIT_CODES: Final = {"COMPLETED": 0, "FAILED": 1, "PARTIAL_SUCCESS": 2}

console = Console(highlight=False)


class Operator:
    """Somebody at a terminal with the `wavebreak` command; `api` is what the demo itself looks through."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self.api = Client(description)
        credentials = description["credentials"]
        self.environment = {
            **os.environ,
            "WAVEBREAK_API_URL": description["apiUrl"],
            "AWS_REGION": description["region"],
            "AWS_ACCESS_KEY_ID": credentials["accessKeyId"],
            "AWS_SECRET_ACCESS_KEY": credentials["secretAccessKey"],
            "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("lambda", "cli")),
        }

    def types(self, *words: str) -> int:
        """Show a command and run it on this terminal; return its exit code."""
        return self.begins(*words).wait()

    def begins(self, *words: str, quietly: bool = False) -> subprocess.Popen[bytes]:
        """Show a command and begin to run it on this terminal; quietly, neither it nor what it prints is shown."""
        if not quietly:
            console.print(f"\n[bold]$ wavebreak {shlex.join(words)}[/bold]", soft_wrap=True)
        return subprocess.Popen(
            [sys.executable, "-m", "wavebreak_cli", *words],
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.DEVNULL if quietly else None,
        )

    def sees(self, execution_id: str) -> dict[str, Any]:
        """Read an execution."""
        return self.api.get(f"/executions/{execution_id}")

    def latest(self) -> str:
        """Return the id of the execution that was started last."""
        return str(self.api.get("/executions", limit=1)["items"][0]["executionId"])


@contextmanager
def local_stack() -> Iterator[LocalStack]:
    """Bring up a stack of the demo's own, beside any that is up, and stop it in the end."""
    chosen = seed(os.environ)
    with tempfile.TemporaryDirectory(prefix="wavebreak-demo-") as directory:
        stack = LocalStack(Path(directory), Ports.free(), TIME_SCALE, seed=chosen)
        try:
            yield stack
        except Exception:
            console.print(f"\n[dim]WAVEBREAK_SEED={chosen} repeats how the simulated services behaved.[/dim]")
            raise
        finally:
            stack.stop()


def headline(number: int, title: str, explanation: str) -> None:
    """Announce a scene."""
    console.print()
    console.print(Panel(explanation, title=f"[bold]{number}  {title}[/bold]", title_align="left", width=88))


def expect(what: str, found: object, wanted: object) -> None:
    """Check an outcome and say so."""
    if found != wanted:
        raise UnexpectedError(f"{what}: expected {wanted!r}, found {found!r}")
    console.print(f"[green]✓[/green] {what}: {found}")


def bring_up(stack: LocalStack) -> dict[str, Any]:
    """Start the stack while something moves on the screen."""
    began = time.monotonic()
    text = "Local stack: AWS emulator, DRS simulator, sam build, sam deploy of the real template"
    if not console.is_terminal:
        console.print(f"{text} …")
    with console.status(f"{text} …"):
        description = stack.start()
    console.print(f"[green]✓[/green] {text} ({time.monotonic() - began:.0f} s)")
    return description


def source_servers(simulator: SimulatorControl) -> dict[str, list[str]]:
    """Give DRS the source servers that the plan names; their ids by wave."""
    plan: Any = load_plan_text((ROOT / PLAN).read_text(encoding="utf-8"))
    waves = {wave["name"]: [server["sourceServerId"] for server in wave["servers"]] for wave in plan["waves"]}
    for name, servers in waves.items():
        for index, server in enumerate(servers, start=1):
            simulator.put_source_server(server, launchSeconds=LAUNCH_SECONDS, hostname=f"{name}-{index}")
    return waves


def outcome(operator: Operator, simulator: SimulatorControl, execution_id: str, exit_code: int, label: str) -> None:
    """Check what an execution came to, terminate what it launched and prove that nothing is left."""
    shown = operator.sees(execution_id)
    expect("outcome", shown["display"]["label"], label)
    expect("exit code of the watch", exit_code, _EXIT_CODES[shown["status"]])
    launched = {
        server["recoveryInstanceId"]
        for wave in shown["waves"]
        for server in wave["servers"]
        if server["recoveryInstanceId"]
    }
    operator.types("terminate", execution_id, "--watch")
    cleaned = operator.sees(execution_id)["termination"]
    expect(
        "termination",
        f"{cleaned['status']}, {cleaned['terminated']} terminated",
        f"COMPLETED, {len(launched)} terminated",
    )
    left = {instance["recoveryInstanceID"] for instance in simulator.state()["recoveryInstances"]} & launched
    expect("its recovery instances that DRS still shows", len(left), 0)


def completes(operator: Operator, simulator: SimulatorControl, servers: Mapping[str, list[str]]) -> None:
    """Scene 1, and before it is cleaned up scene 2."""
    headline(
        1,
        "A drill",
        "Three tiers come up one after the other: database, application, web. "
        "Then the plan asks the web servers for their status.",
    )
    code = operator.types("run", "three-tier", "--mode", "drill", "--reason", "quarterly drill", "--watch")
    latest = operator.latest()
    forwards(operator, simulator, servers["application"])
    console.print("\n[dim]back to the drill: what it came to, and its termination[/dim]")
    outcome(operator, simulator, latest, code, "COMPLETED")


def forwards(operator: Operator, simulator: SimulatorControl, servers: Sequence[str]) -> None:
    """Scene 2."""
    headline(
        2,
        "A command to many servers",
        "An operator asks the recovered application servers how they are. One of them is not well; "
        "the others answer all the same, and the exit code says that it is a partial success.",
    )
    broken = {"exitCode": 1, "stdout": "", "stderr": "Cannot connect to the database at db-1:5432\n", "seconds": 1}
    simulator.instance(servers[1], commands={"status": broken})
    code = operator.types("command", "status", "--targets", ",".join(servers))
    expect("exit code of the command", code, _EXIT_CODES["PARTIAL_SUCCESS"])
    simulator.instance(servers[1], commands={"status": None})


def is_cancelled(operator: Operator, simulator: SimulatorControl, servers: Mapping[str, list[str]]) -> None:
    """Scene 3."""
    headline(
        3,
        "A cancel half way",
        "Somebody cancels while wave 2 runs. Its DRS job cannot be cancelled, so it is seen to its end; "
        "wave 3 never starts, and what did succeed is told.",
    )
    for server in servers["application"]:
        simulator.put_source_server(server, launchSeconds=UNHURRIED_LAUNCH_SECONDS)
    operator.types("run", "three-tier", "--mode", "drill")
    started = operator.latest()
    cancel = ("cancel", started, "--reason", "wrong maintenance window")
    # Said before the watch takes the screen, for nothing else can be said while it has it.
    hint = f"in another terminal, as soon as wave 2 runs: wavebreak {shlex.join(cancel)}"
    console.print(f"[dim]{hint}[/dim]", soft_wrap=True)
    watching = operator.begins("watch", started)
    try:
        until(lambda: operator.sees(started)["waves"][1]["jobId"], bool, _PATIENCE_SECONDS)
        operator.begins(*cancel, quietly=True).wait(_PATIENCE_SECONDS)
        code = watching.wait(_PATIENCE_SECONDS)
    finally:
        watching.kill()
        watching.wait()
    outcome(operator, simulator, started, code, _PARTIAL)
    for server in servers["application"]:
        simulator.put_source_server(server, launchSeconds=LAUNCH_SECONDS)


def fails(operator: Operator, simulator: SimulatorControl, servers: Mapping[str, list[str]]) -> None:
    """Scene 4."""
    headline(
        4,
        "A critical server fails",
        "The second application server does not launch. The run stops and says how far it got.",
    )
    simulator.put_source_server(servers["application"][-1], launchSeconds=LAUNCH_SECONDS, launchResult="FAILED")
    code = operator.types("run", "three-tier", "--mode", "drill", "--watch")
    latest = operator.latest()
    outcome(operator, simulator, latest, code, _PARTIAL)
    operator.types("events", latest, "--verify")


def perform() -> None:
    """Play all scenes."""
    began = time.monotonic()
    with local_stack() as stack:
        description = bring_up(stack)
        simulator = SimulatorControl(description["simulatorUrl"])
        servers = source_servers(simulator)
        operator = Operator(description)
        operator.types("plan", "apply", str(PLAN))
        completes(operator, simulator, servers)
        is_cancelled(operator, simulator, servers)
        fails(operator, simulator, servers)
        operator.types("executions")
        console.print()
        expect("recovery instances left in DRS", len(simulator.state()["recoveryInstances"]), 0)
    console.print(f"[green]✓[/green] the local stack is stopped; the demo took {time.monotonic() - began:.0f} s")
    console.print(
        "\nNext: [bold]make up[/bold] keeps a local stack to play with, [bold]make deploy[/bold] brings it to AWS."
    )


def _interrupted(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    """Run the demo; it leaves nothing behind, whatever ends it."""
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        perform()
    except (UnexpectedError, StackError, SamError, HTTPError, subprocess.TimeoutExpired) as error:
        console.print(f"\n[red]✗[/red] {error}", markup=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
