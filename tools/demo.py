"""The product at work, in about a minute: drills that complete, are cancelled half way and fail, and a command.

`make demo` runs this. It brings up a local stack of its own on free ports, walks through the `wavebreak` command as an
operator would, checks every outcome, and stops what it started. Exit code 0 when everything came out as told.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from rich.console import Console
from rich.panel import Panel
from tools.sam import SamError
from tools.stack import LocalStack, Ports, StackError

from drs_simulator.control import SimulatorControl
from wavebreak.plan_text import load_plan_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parent.parent
PLAN: Final = Path("examples/three-tier.yaml")
TIME_SCALE: Final = 0.1
LAUNCH_SECONDS: Final = 25
UNHURRIED_LAUNCH_SECONDS: Final = 60
"""Long enough for somebody to cancel meanwhile, on a busy machine too."""
_PATIENCE_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.2
_PARTIAL: Final = "PARTIAL SUCCESS (1 of 3 waves completed)"
_EXIT_CODES: Final = {"COMPLETED": 0, "FAILED": 1, "PARTIAL_SUCCESS": 2}

console = Console(highlight=False)


class DemoFailed(Exception):  # noqa: N818  names what it is
    """Something did not come out as the demo tells; the message says what."""


class Operator:
    """Somebody at a terminal with the `wavebreak` command."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        credentials = description["credentials"]
        self.environment = {
            **os.environ,
            "WAVEBREAK_API_URL": description["apiUrl"],
            "AWS_REGION": description["region"],
            "AWS_ACCESS_KEY_ID": credentials["accessKeyId"],
            "AWS_SECRET_ACCESS_KEY": credentials["secretAccessKey"],
            "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("lambda", "cli")),
        }

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "wavebreak_cli", *words]

    def types(self, *words: str) -> int:
        """Show a command and run it on this terminal; gives its exit code."""
        console.print(f"\n[bold]$ wavebreak {' '.join(words)}[/bold]", soft_wrap=True)
        return subprocess.run(self._command(*words), env=self.environment, cwd=ROOT, check=False).returncode

    def asks(self, *words: str) -> Any:
        """Run a command quietly and read its JSON."""
        done = subprocess.run(
            self._command("--json", *words), env=self.environment, cwd=ROOT, check=False, capture_output=True, text=True
        )
        try:
            return json.loads(done.stdout)
        except ValueError as error:
            raise DemoFailed(f"wavebreak {' '.join(words)} said: {done.stdout}{done.stderr}") from error


@contextmanager
def local_stack() -> Iterator[LocalStack]:
    """Bring up a stack of the demo's own, beside any that is up, and stop it in the end."""
    with tempfile.TemporaryDirectory(prefix="wavebreak-demo-") as directory:
        stack = LocalStack(Path(directory), Ports.free(), TIME_SCALE)
        try:
            yield stack
        finally:
            stack.stop()


def headline(number: int, title: str, explanation: str) -> None:
    """Announce a scene."""
    console.print()
    console.print(Panel(explanation, title=f"[bold]{number}  {title}[/bold]", title_align="left", width=88))


def expect(what: str, found: object, wanted: object) -> None:
    """Check an outcome and say so."""
    if found != wanted:
        raise DemoFailed(f"{what}: expected {wanted!r}, found {found!r}")
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


def until(look: Callable[[], Any], what: str) -> Any:
    """Look again until something is so; DemoFailed after a minute."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not (found := look()):
        if time.monotonic() > deadline:
            raise DemoFailed(f"{what} did not happen within {_PATIENCE_SECONDS:.0f} s")
        time.sleep(_LOOK_SECONDS)
    return found


def outcome(operator: Operator, simulator: SimulatorControl, execution_id: str, exit_code: int, label: str) -> None:
    """Check what an execution came to, clean up after it and prove that nothing is left."""
    shown = operator.asks("show", execution_id)
    expect("outcome", shown["display"]["label"], label)
    expect("exit code of the watch", exit_code, _EXIT_CODES[shown["status"]])
    launched = {
        server["recoveryInstanceId"]
        for wave in shown["waves"]
        for server in wave["servers"]
        if server["recoveryInstanceId"]
    }
    operator.types("terminate", execution_id, "--watch")
    cleaned = operator.asks("show", execution_id)["termination"]
    expect(
        "clean-up", f"{cleaned['status']}, {cleaned['terminated']} terminated", f"COMPLETED, {len(launched)} terminated"
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
    latest = operator.asks("executions", "--limit", "1")["items"][0]["executionId"]
    forwards(operator, simulator, servers["application"])
    console.print("\n[dim]back to the drill: what it came to, and its clean-up[/dim]")
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
    started = operator.asks("run", "three-tier", "--mode", "drill")["executionId"]
    console.print(f"\n[bold]$ wavebreak run three-tier --mode drill[/bold]\n{started}")
    console.print(f"\n[bold]$ wavebreak watch {started}[/bold]")
    watching = subprocess.Popen(operator._command("watch", started), env=operator.environment, cwd=ROOT)  # noqa: SLF001
    try:
        until(lambda: operator.asks("show", started)["waves"][1]["jobId"], "the start of wave 2")
        operator.asks("cancel", started, "--reason", "wrong maintenance window")
        code = watching.wait(timeout=_PATIENCE_SECONDS)
    finally:
        watching.kill()
        watching.wait()
    console.print(f"[dim]in another terminal meanwhile: wavebreak cancel {started}[/dim]")
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
    latest = operator.asks("executions", "--limit", "1")["items"][0]["executionId"]
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
    except (DemoFailed, StackError, SamError) as error:
        console.print(f"\n[red]✗[/red] {error}", markup=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
