"""The local stack: an AWS emulator, the DRS simulator beside it, and the real template deployed to them.

`make up` and `make down` have one (`__main__`). Tests and the demo make a `LocalStack` of their own in another
directory, on free ports, beside one that is up.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict, dataclass, field, replace
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Final

from tools.local_stack import deployment, processes, programs
from tools.local_stack.ssm_documents import put_documents
from tools.packaging import build, sam

from drs_simulator.client import SimulatorControl
from drs_simulator.manners import SEED_BITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

DEFAULT_PORT: Final = 4566
DEFAULT_SIMULATOR_PORT: Final = 4567
SMALLEST_SCALE: Final = 0.001
LARGEST_SCALE: Final = 10.0
"""The template polls at most every 300 seconds."""

_READY_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.05
_LAST_LINES: Final = 15
_LARGEST_PORT: Final = 65_535


class StackError(Exception):
    """The local stack cannot be started; the message says why and what helps."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports on the loopback interface."""

    emulator: int = DEFAULT_PORT
    simulator: int = DEFAULT_SIMULATOR_PORT

    @classmethod
    def free(cls) -> Ports:
        """Return two ports that nothing is bound to."""
        return cls(*processes.free_ports(2))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the running programs must have been started with to be kept."""

    ports: Ports
    time_scale: float
    simulator: str
    """Digest of the simulator's source."""
    authorize: bool = False
    """Whether the emulator evaluates signatures and policies."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the template beside those that every local stack is given."""
    keeps_state: bool = False
    seed: int | None = None
    """That of the simulator's manners; None if any will do."""


@dataclass(frozen=True, slots=True)
class _Record:
    """What runs, and what was deployed to it; kept in a file between two calls."""

    wanted: _Wanted
    emulator: processes.Process
    simulator: processes.Process
    deployed: str | None = None
    """Digest of the artefact."""

    @classmethod
    def read(cls, path: Path) -> _Record | None:
        """Read the record; None when there is none that can be understood."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            wanted = data["wanted"]
            return cls(
                _Wanted(**{**wanted, "ports": Ports(**wanted["ports"])}),
                processes.Process(**data["emulator"]),
                processes.Process(**data["simulator"]),
                data["deployed"],
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Keep the record."""
        _write_json(path, asdict(self))

    @property
    def healthy(self) -> bool:
        """Whether both programs run and answer."""
        ports = self.wanted.ports
        running = self.emulator.is_alive() and self.simulator.is_alive()
        return running and _emulator_answers(ports.emulator) and _simulator_answers(ports.simulator)


class LocalStack:
    """One local stack: a directory that remembers it, two ports, a time scale (1 is real time).

    With `authorize` the emulator checks signatures and evaluates IAM policies: those of the users who call the API and
    those of the functions' roles. The stack's own credentials are the account's root, which may do everything.
    `parameters` are given to the template beside those that every local stack sets, and win over them. One that
    `keeps_state` can restart its emulator. `seed` repeats the simulator's manners; without one it draws one.
    """

    def __init__(  # noqa: PLR0913  what a stack may be told; all but three by name
        self,
        directory: Path,
        ports: Ports,
        time_scale: float,
        cache: Path = build.CACHE,
        *,
        authorize: bool = False,
        parameters: Mapping[str, str] | None = None,
        keeps_state: bool = False,
        seed: int | None = None,
    ) -> None:
        if not SMALLEST_SCALE <= time_scale <= LARGEST_SCALE:
            raise StackError(
                f"WAVEBREAK_TIME_SCALE must be {SMALLEST_SCALE:g} to {LARGEST_SCALE:g}, not {time_scale:g}"
            )
        self.directory = directory.absolute()
        self.ports = ports
        self.time_scale = time_scale
        self.authorize = authorize
        self.parameters = dict(parameters or {})
        self.keeps_state = keeps_state
        self.seed = seed
        self._cache = cache
        self._record_file = self.directory / "processes.json"
        self._description_file = self.directory / "stack.json"
        self._logs = self.directory / "logs"
        self._scratch = self.directory / "tmp"

    def start(self) -> dict[str, Any]:
        """Bring the stack up, or up to date, and describe it (the content of stack.json).

        Raise StackError or SamError. What runs already with the same settings is kept, with its data.
        """
        with build.locked(self.directory / "lock"):
            record = self._kept() or self._launch()
            try:
                return self._deploy(record)
            except BaseException:
                if record.deployed is None:
                    self._clear(record)
                raise

    def stop(self) -> bool:
        """End the stack's own processes and forget them; False when none ran."""
        with build.locked(self.directory / "lock"):
            record = _Record.read(self._record_file)
            return self._clear(record)

    def restart_emulator(self) -> None:
        """End the emulator and start it again with the state that it kept; raise StackError.

        Whatever ran in it has died: workers of functions, and runs of state machines, which it marks as failed without
        telling anybody.
        """
        with build.locked(self.directory / "lock"):
            record = _Record.read(self._record_file)
            if record is None or not self.keeps_state:
                raise StackError("no emulator runs here that keeps its state")
            record.emulator.stop()
            restarted = replace(record, emulator=self._launch_emulator())
            restarted.write(self._record_file)
            self._await("emulator", restarted.emulator, _emulator_answers, self.ports.emulator)

    def would_end(self) -> str | None:
        """Return what runs here and differs from what is wanted, so that a start would end it; None if nothing does."""
        record = _Record.read(self._record_file)
        if record is None or not (record.emulator.is_alive() or record.simulator.is_alive()):
            return None
        has, wants = record.wanted, self._wanted()
        if has == wants:
            return None
        differences = []
        if has.time_scale != wants.time_scale:
            differences.append(f"WAVEBREAK_TIME_SCALE {has.time_scale:g}, not {wants.time_scale:g}")
        if has.ports != wants.ports:
            differences.append(f"ports {has.ports.emulator} and {has.ports.simulator}")
        return ", ".join(differences) or "another version of its programs"

    def status(self) -> dict[str, Any] | None:
        """Describe the stack if it is up and answers, else None."""
        record = _Record.read(self._record_file)
        if record is None or record.deployed is None or not record.healthy:
            return None
        description: dict[str, Any] = json.loads(self._description_file.read_text(encoding="utf-8"))
        return description

    def time_scale_in_force(self) -> float:
        """Tell the time scale of what runs here; that of this stack's settings if nothing does."""
        record = _Record.read(self._record_file)
        return self.time_scale if record is None else record.wanted.time_scale

    def seed_in_force(self) -> int:
        """Return the seed of the simulator's manners, which repeats them."""
        return int(SimulatorControl(self._simulator_url).manners()["seed"])

    def _wanted(self) -> _Wanted:
        return _Wanted(
            self.ports,
            self.time_scale,
            build.digest([programs.SIMULATOR]),
            self.authorize,
            self.parameters,
            self.keeps_state,
            self.seed,
        )

    def _kept(self) -> _Record | None:
        """Return what runs and may go on; anything else that this directory remembers is ended."""
        record = _Record.read(self._record_file)
        if record is not None and record.wanted == self._wanted() and record.healthy:
            return record
        self._clear(record)
        return None

    def _launch(self) -> _Record:
        self._claim_ports()
        self._scratch.mkdir(parents=True, exist_ok=True)
        emulator = self._launch_emulator()
        try:
            simulator = processes.launch(
                programs.simulator_command(self.ports.simulator, self._emulator, self.time_scale, self.seed),
                environment=programs.simulator_environment(self._emulator, self._scratch),
                directory=self._scratch,
                log=self._logs / "simulator.log",
            )
        except BaseException:
            emulator.stop()
            raise
        record = _Record(self._wanted(), emulator, simulator)
        record.write(self._record_file)
        return record

    def _launch_emulator(self) -> processes.Process:
        state = self._scratch / "state" if self.keeps_state else None
        return processes.launch(
            programs.EMULATOR_COMMAND,
            environment=programs.emulator_environment(self._emulator, self._scratch, state, authorize=self.authorize),
            directory=self._scratch,
            log=self._logs / "emulator.log",
        )

    def _claim_ports(self) -> None:
        for port, variable in (
            (self.ports.emulator, "WAVEBREAK_PORT"),
            (self.ports.simulator, "WAVEBREAK_SIMULATOR_PORT"),
        ):
            if not processes.port_is_free(port):
                raise StackError(
                    f"port {port} is in use by another program: end that one, or choose a port with {variable}"
                )

    def _deploy(self, record: _Record) -> dict[str, Any]:
        artefact = build.build(self._logs / "build.log", self._cache)
        self._await("emulator", record.emulator, _emulator_answers, self.ports.emulator)
        self._await("simulator", record.simulator, _simulator_answers, self.ports.simulator)
        put_documents(self._simulator_url)
        if record.deployed == artefact.digest:
            description: dict[str, Any] = json.loads(self._description_file.read_text(encoding="utf-8"))
            return description
        outputs = deployment.deploy(
            artefact,
            self._emulator,
            {
                **deployment.parameters(self._simulator_url, self.time_scale, sends_mail=not self.authorize),
                **self.parameters,
            },
            home=self.directory / "sam",
            log=self._logs / "deploy.log",
        )
        if self.authorize:
            deployment.allow_wakes(self._emulator)
            deployment.allow_plain_http(self._emulator)
        description = self._description(outputs)
        _write_json(self._description_file, description)
        _Record(record.wanted, record.emulator, record.simulator, artefact.digest).write(self._record_file)
        return description

    def _description(self, outputs: Mapping[str, str]) -> dict[str, Any]:
        return {
            "apiUrl": deployment.local_api_url(self._emulator, outputs["ApiUrl"]),
            "region": deployment.REGION,
            "endpointUrl": self._emulator.url,
            "simulatorUrl": self._simulator_url,
            "stateMachineArns": {
                "recovery": outputs["RecoveryStateMachineArn"],
                "termination": outputs["TerminationStateMachineArn"],
                "command": outputs.get("CommandStateMachineArn"),
                "step": outputs["StepStateMachineArn"],
            },
            "tableName": outputs["TableName"],
            "topicArn": outputs["TopicArn"],
            "credentials": {"accessKeyId": deployment.ACCESS_KEY, "secretAccessKey": deployment.SECRET_KEY},
        }

    def _await(self, name: str, process: processes.Process, answers: Callable[[int], bool], port: int) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not answers(port):
            if not process.is_alive() or time.monotonic() > deadline:
                log = self._logs / f"{name}.log"
                raise StackError(f"the {name} does not answer on port {port}, see {log}:\n{_end_of(log)}")
            time.sleep(_POLL_SECONDS)

    def _clear(self, record: _Record | None) -> bool:
        ended = [process.stop() for process in (record.emulator, record.simulator)] if record else []
        self._description_file.unlink(missing_ok=True)
        self._record_file.unlink(missing_ok=True)
        shutil.rmtree(self._scratch, ignore_errors=True)
        return any(ended)

    @property
    def _emulator(self) -> deployment.Emulator:
        return deployment.Emulator(self.ports.emulator)

    @property
    def _simulator_url(self) -> str:
        return f"http://{processes.LOOPBACK}:{self.ports.simulator}"


def _emulator_answers(port: int) -> bool:
    return processes.answers(port, "/_ministack/health")


def _simulator_answers(port: int) -> bool:
    return processes.answers(port, "/_simulator/health")


def _write_json(path: Path, content: Any) -> None:
    """Replace a file as a whole, so that no reader sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:])


def named_seed(environment: Mapping[str, str]) -> int | None:
    """Read the seed of manners that WAVEBREAK_SEED names; None if it names none, StackError if it is no seed."""
    text = environment.get("WAVEBREAK_SEED")
    if not text:
        return None
    if not text.isdecimal() or int(text) >= 2**SEED_BITS:
        raise StackError(f"WAVEBREAK_SEED must be a number below 2^{SEED_BITS}, not {text!r}")
    return int(text)


def seed(environment: Mapping[str, str]) -> int:
    """Return the seed of manners that WAVEBREAK_SEED names, or draw one; StackError if it names none that is one."""
    named = named_seed(environment)
    return SystemRandom().getrandbits(SEED_BITS) if named is None else named


def configured(environment: Mapping[str, str], directory: Path = sam.LOCAL) -> LocalStack:
    """Make the user's stack from WAVEBREAK_PORT, WAVEBREAK_SIMULATOR_PORT, WAVEBREAK_TIME_SCALE and WAVEBREAK_SEED."""

    def number(name: str, default: float, kind: type[int | float]) -> Any:
        text = environment.get(name) or str(default)
        try:
            return kind(text)
        except ValueError:
            raise StackError(f"{name} is no number: {text!r}") from None

    def port(name: str, default: int) -> int:
        chosen = int(number(name, default, int))
        if not 1 <= chosen <= _LARGEST_PORT:
            raise StackError(f"{name} must be 1 to {_LARGEST_PORT}, not {chosen}")
        return chosen

    ports = Ports(port("WAVEBREAK_PORT", DEFAULT_PORT), port("WAVEBREAK_SIMULATOR_PORT", DEFAULT_SIMULATOR_PORT))
    if ports.emulator == ports.simulator:
        raise StackError(f"WAVEBREAK_PORT and WAVEBREAK_SIMULATOR_PORT must be two ports, not both {ports.emulator}")
    scale = number("WAVEBREAK_TIME_SCALE", 1, float)
    return LocalStack(directory, ports, scale, seed=named_seed(environment))
