"""The seven commands that may be forwarded to targets, and how each of them runs.

Requirements S1-1 (which command runs how), S0-6 and S1-14 (its time limits, and what is said of any other name).
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from wavebreak.problems import UnsupportedCommand
from wavebreak.timeouts import limit
from wavebreak.values import Value


class CommandMode(StrEnum):
    """How a command goes through its targets: several at a time, or one after another in the order given."""

    PARALLEL = "parallel"
    SEQUENTIAL = "sequential"


class CommandName(StrEnum):
    """The commands, in the order in which they are listed to people."""

    QUERY = "query"
    STATUS = "status"
    WATCH = "watch"
    FIX_CONFIG = "fix-config"
    START = "start"
    STOP = "stop"
    UNINSTALL = "uninstall"


COMMAND_NAMES: Final = tuple(name.value for name in CommandName)

MAX_TIMEOUT_SECONDS: Final = 172_800
"""The longest time limit a command may be given: 48 hours, the longest run SSM Run Command allows."""

MAX_ARGUMENTS: Final = 20
MAX_ARGUMENT_CHARACTERS: Final = 256

MAX_CONCURRENCY: Final[Mapping[CommandMode, int]] = MappingProxyType(
    {CommandMode.PARALLEL: 10, CommandMode.SEQUENTIAL: 1}
)
"""How many targets of one run are worked on at a time, at most."""

_SHOWN_CHARACTERS: Final = 60
_PARALLEL: Final = frozenset({CommandName.QUERY, CommandName.STATUS, CommandName.WATCH, CommandName.FIX_CONFIG})
_DESCRIPTIONS: Final[Mapping[CommandName, str]] = {
    CommandName.QUERY: "Ask every target a question; the answers are merged by score.",
    CommandName.STATUS: "Tell how the application on each target is.",
    CommandName.WATCH: "Follow each target's log until the time limit.",
    CommandName.FIX_CONFIG: "Apply the post-recovery configuration.",
    CommandName.START: "Start the application, one target after another.",
    CommandName.STOP: "Stop the application, one target after another.",
    CommandName.UNINSTALL: "Remove the application, one target after another.",
}


class CatalogueEntry(Value):
    """One command: its name, its mode, and what it does in a sentence."""

    name: CommandName
    mode: CommandMode
    description: str

    @property
    def default_timeout_seconds(self) -> int:
        """Seconds that one target may take when the caller gives no limit."""
        return int(limit(f"command_{self.mode}"))


CATALOGUE: Final[Mapping[str, CatalogueEntry]] = MappingProxyType(
    {
        name.value: CatalogueEntry(
            name, CommandMode.PARALLEL if name in _PARALLEL else CommandMode.SEQUENTIAL, _DESCRIPTIONS[name]
        )
        for name in CommandName
    }
)
"""The commands by name; a name that is not a key is refused."""


def catalogue_entry(name: str) -> CatalogueEntry:
    """Return the entry of a command; raise UnsupportedCommand, which lists the seven, for any other name."""
    entry = CATALOGUE.get(name)
    if entry is None:
        raise UnsupportedCommand(unsupported_message(name), supported=list(COMMAND_NAMES))
    return entry


def unsupported_message(name: str) -> str:
    """Return the message that a name is not in the catalogue, with the names that are."""
    shown = name if len(name) <= _SHOWN_CHARACTERS else name[:_SHOWN_CHARACTERS] + "…"
    return f"Unsupported command {shown!r}. Supported commands: {', '.join(COMMAND_NAMES)}"


def command_mode(name: str) -> CommandMode:
    """Return how a command goes through its targets; UnsupportedCommand if it is none of ours."""
    return catalogue_entry(name).mode


def is_parallel_command(name: str) -> bool:
    """Return whether a command runs on several targets at a time; False for a name that is no command."""
    entry = CATALOGUE.get(name)
    return entry is not None and entry.mode is CommandMode.PARALLEL
