"""The agents on the machines: they run what is delivered, each command in a thread and in processes of its own."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Final, Protocol

from drs_simulator.ssm.invocations import KILLED, Details
from drs_simulator.ssm.machines import COMMANDS, as_seen_from, within, write_script
from drs_simulator.ssm.scripts import Ending, Outcome, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path
    from threading import RLock

    from drs_simulator.clockwork.clock import Clock
    from drs_simulator.ec2.model import Instance
    from drs_simulator.ssm.invocations import Invocation
    from drs_simulator.ssm.machines import Machine, Machines
    from drs_simulator.ssm.scripts import LineSink

_SEARCH_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Site(Protocol):
    """The account and Region that a machine is in, and how it answers there."""

    account: str
    region: str

    def machine(self, instance: Instance) -> Machine:
        """Return how an instance answers."""


@dataclass(frozen=True)
class OutputLines:
    """Lines that a command wrote, for a stream of CloudWatch Logs."""

    account: str
    region: str
    log_group: str
    log_stream: str
    at: datetime
    lines: tuple[str, ...]


@dataclass(eq=False)
class _Run:
    invocation: Invocation
    script: Script
    thread: Thread


class Agents:
    """All agents. A caller of its methods holds ``lock``, except for ``clear``.

    ``listener`` gets what commands write that asked for CloudWatch Logs. ``most_in_flight`` is how many scripts
    have run at once.
    """

    def __init__(
        self, lock: RLock, clock: Clock, machines: Machines, listener: Callable[[OutputLines], None] | None
    ) -> None:
        self._lock = lock
        self._clock = clock
        self._machines = machines
        self._listener = listener
        self._runs: dict[str, list[_Run]] = {}
        self._removals: list[Thread] = []
        self._in_flight = 0
        self.most_in_flight = 0

    def root_of(self, site: Site, instance: Instance) -> Path:
        """Return the directory that is a machine's root, with its commands as they are set."""
        return self._machines.prepare(instance.instance_id, site.machine(instance).commands)

    def start(self, site: Site, invocation: Invocation) -> None:
        """Run an invocation's script on its machine; one that its machine has no place for fails."""
        try:
            script = self._script(site, invocation)
        except (OSError, ValueError) as error:
            # A working directory that is a file, too long, or no path at all.
            _report(invocation, _not_started(error))
            return
        name = f"drs-simulator-{invocation.command.command_id}"
        thread = Thread(target=self._run, args=(invocation, script), name=name)
        self._runs.setdefault(invocation.instance_id, []).append(_Run(invocation, script, thread))
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        thread.start()

    def _script(self, site: Site, invocation: Invocation) -> Script:
        root = self.root_of(site, invocation.instance)
        command = invocation.command
        values = as_seen_from(root, command.values)
        directory = within(root, command.document.working_directory(command.values))
        directory.mkdir(parents=True, exist_ok=True)
        return Script(
            write_script(root, f"{command.command_id}/_script.sh", command.document.script(values)),
            directory,
            _environment(root, site, invocation),
            command.run_seconds,
            self._sink(site, invocation),
        )

    def stop(self, invocation: Invocation) -> None:
        """Kill what an invocation has started."""
        for run in self._runs.get(invocation.instance_id, []):
            if run.invocation is invocation:
                run.script.stop()

    def dismiss(self, instance_id: str) -> None:
        """Kill everything on a machine that is no more, and remove its directory once all of it is gone."""
        runs = self._runs.get(instance_id)
        if not runs:
            self._machines.remove(instance_id)
            return
        _kill(runs)
        removal = Thread(
            target=self._remove, args=(instance_id, [run.thread for run in runs]), name=f"drs-simulator-{instance_id}"
        )
        self._removals = [thread for thread in self._removals if thread.is_alive()] + [removal]
        removal.start()

    def clear(self) -> None:
        """Kill everything on all machines, wait until it is gone, and remove their directories."""
        with self._lock:
            runs = [run for runs in self._runs.values() for run in runs]
            _kill(runs)
            threads = [run.thread for run in runs] + self._removals
        for thread in threads:
            thread.join()
        self._machines.clear()
        self.most_in_flight = 0

    def _remove(self, instance_id: str, threads: list[Thread]) -> None:
        for thread in threads:
            thread.join()
        self._machines.remove(instance_id)

    def _run(self, invocation: Invocation, script: Script) -> None:
        try:
            outcome = script.run()
        except OSError as error:
            outcome = _not_started(error)
        with self._lock:
            self._in_flight -= 1
            _report(invocation, outcome)
        script.linger()
        with self._lock:
            runs = self._runs[invocation.instance_id]
            runs[:] = [run for run in runs if run.script is not script]
            if not runs:
                del self._runs[invocation.instance_id]

    def _sink(self, site: Site, invocation: Invocation) -> LineSink | None:
        listener, group, command = self._listener, invocation.command.log_group, invocation.command
        if listener is None or group is None:
            return None
        # The agent names the stream after the step, and these two characters may not be in such a name.
        step = command.document.content.step.name.replace(":", "-").replace("*", "-")
        prefix = f"{command.command_id}/{invocation.instance_id}/{step}"

        def sink(name: str, lines: list[str]) -> None:
            at = self._clock.now()
            listener(OutputLines(site.account, site.region, group, f"{prefix}/{name}", at, tuple(lines)))

        return sink


def _kill(runs: Iterable[_Run]) -> None:
    for run in runs:
        run.invocation.lost = True
        run.script.stop()


def _not_started(error: OSError | ValueError) -> Outcome:
    return Outcome(Ending.EXIT, 1, "", f"The script could not be started: {error}", 0.0)


def _report(invocation: Invocation, outcome: Outcome) -> None:
    """Record how a script ended, unless its machine is gone."""
    if invocation.lost:
        return
    invocation.stdout, invocation.stderr = outcome.stdout, outcome.stderr
    match outcome.ending:
        case Ending.EXIT:
            details = Details.FAILED if outcome.code else Details.SUCCESS
        case Ending.TIMEOUT:
            details = Details.EXECUTION_TIMED_OUT
        case Ending.STOPPED:
            details = Details.CANCELLED
    code = KILLED if outcome.code is None else outcome.code
    invocation.end(details, code=code, seconds=outcome.seconds)


def _environment(root: Path, site: Site, invocation: Invocation) -> dict[str, str]:
    """Return the environment that the agent sets (``AWS_SSM_...``), and the machine's, without the simulator's."""
    return {
        "PATH": _SEARCH_PATH,
        "HOME": str(root),
        "LANG": "C.UTF-8",
        "AWS_SSM_INSTANCE_ID": invocation.instance_id,
        "AWS_SSM_REGION_NAME": site.region,
        "WAVEBREAK_INSTANCE_ID": invocation.instance_id,
        "WAVEBREAK_COMMANDS_DIR": str(root / COMMANDS),
    }
