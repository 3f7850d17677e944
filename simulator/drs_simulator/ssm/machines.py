"""What stands for the disks of the recovery instances: a directory each, which is the machine's root."""

from __future__ import annotations

import posixpath
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from drs_simulator.settings import Settings
from drs_simulator.ssm import samples
from drs_simulator.ssm.documents import COMMANDS_DIRECTORY
from drs_simulator.ssm.scripts import starting

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMANDS: Final = "opt/wavebreak/commands"
COMMAND_NAME: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
# A directory's name becomes part of a script's text; these would end a quotation there.
_UNQUOTABLE: Final = frozenset("'\"`$\\\n\0")
_ANSWER: Final = """\
#!/bin/sh
here=${{0%/*}} name=${{0##*/}}
cat "$here/.$name.stdout"
cat "$here/.$name.stderr" >&2
sleep {seconds:.3f}
exit {code}
"""


class CannedCommand(Settings):
    """How a command answers: it prints, takes its time (real seconds), and exits."""

    exit_code: Annotated[int, Field(ge=0, le=255)] = 0
    stdout: str = ""
    stderr: str = ""
    seconds: Annotated[float, Field(ge=0, le=86_400)] = 0.0

    def write(self, path: Path) -> None:
        """Put a script that answers so in a command's place; what it prints stands beside it, byte for byte."""
        for name, text in (("stdout", self.stdout), ("stderr", self.stderr)):
            _write(path.with_name(f".{path.name}.{name}"), text)
        _write(path, _ANSWER.format(seconds=self.seconds, code=self.exit_code))


@dataclass
class Machine:
    """How an instance answers; ``commands`` are those that answer in another way than its own."""

    reachable: bool = True
    undeliverable: bool = False
    commands: dict[str, CannedCommand] = field(default_factory=dict)

    def copy(self) -> Machine:
        """Return one that answers alike and is changed apart."""
        return replace(self, commands=dict(self.commands))


class Machines:
    """The machines' roots below one directory, which is made at the first use and removed by ``clear``.

    ``parent`` is where it is made; None is where temporary files go. Raise ValueError for one that cannot be used.
    """

    def __init__(self, parent: Path | None = None) -> None:
        self._parent = (parent or Path(tempfile.gettempdir())).absolute()
        if not self._parent.is_dir():
            raise ValueError(f"{self._parent} is no directory")
        if _UNQUOTABLE & set(str(self._parent)):
            raise ValueError(f"{self._parent} has quotes or other characters with a meaning in scripts")
        self._root: Path | None = None
        self._canned: dict[str, dict[str, CannedCommand]] = {}
        self._lock = Lock()

    def prepare(self, instance_id: str, canned: Mapping[str, CannedCommand]) -> Path:
        """Return a machine's root, installed at its first use, with ``canned`` commands in the place of others."""
        with self._lock:
            if self._root is None:
                self._root = Path(tempfile.mkdtemp(prefix="drs-simulator-", dir=self._parent))
            root = self._root / instance_id
            if instance_id not in self._canned:
                _install(root)
            before = self._canned.get(instance_id, {})
            self._canned[instance_id] = dict(canned)
            for name in before.keys() - canned.keys():
                _restore(root, name)
            for name, command in canned.items():
                if before.get(name) != command:
                    command.write(root / COMMANDS / name)
            return root

    def remove(self, instance_id: str) -> None:
        """Remove a machine's root; nothing may run there any more."""
        with self._lock:
            if self._root and self._canned.pop(instance_id, None) is not None:
                shutil.rmtree(self._root / instance_id)

    def clear(self) -> None:
        """Remove everything."""
        with self._lock:
            if self._root:
                shutil.rmtree(self._root)
            self._root = None
            self._canned.clear()


def within(root: Path, path: str) -> Path:
    """Return where a path of the machine is; there is nothing above its root."""
    return root / posixpath.normpath(f"/{path}").lstrip("/")


def as_seen_from(root: Path, values: Mapping[str, str]) -> dict[str, str]:
    """Return a document's values with the directory of the commands as a directory of this machine."""
    return {name: str(within(root, value)) if name == COMMANDS_DIRECTORY else value for name, value in values.items()}


def write_script(root: Path, name: str, text: str) -> Path:
    """Write a script that an agent is to run on a machine, and return where it is."""
    path = root / "var/lib/amazon/ssm" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, text)
    return path


def _write(path: Path, text: str) -> None:
    """Put an executable file in its place as a whole: the one that was there may be running."""
    draft = path.with_name(f"{path.name}.draft")
    with starting:
        draft.write_bytes(text.encode(errors="surrogatepass"))
        draft.chmod(0o755)
        draft.replace(path)


def _install(root: Path) -> None:
    (root / COMMANDS).mkdir(parents=True)
    for name, text in samples.FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in samples.COMMANDS:
        _restore(root, name)


def _restore(root: Path, name: str) -> None:
    if name in samples.COMMANDS:
        _write(root / COMMANDS / name, samples.COMMANDS[name])
    else:
        (root / COMMANDS / name).unlink(missing_ok=True)
