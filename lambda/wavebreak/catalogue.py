"""The seven commands that may be forwarded to targets, and how each of them runs.

Requirements S1-1 (which command runs how), S0-6 and S1-14 (its time limits).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


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

_DEFAULT_TIMEOUT_SECONDS: Final[Mapping[CommandMode, int]] = {CommandMode.PARALLEL: 300, CommandMode.SEQUENTIAL: 600}
_PARALLEL: Final = frozenset({CommandName.QUERY, CommandName.STATUS, CommandName.WATCH, CommandName.FIX_CONFIG})


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One command: its name and its mode."""

    name: CommandName
    mode: CommandMode

    @property
    def default_timeout_seconds(self) -> int:
        """Seconds that one target may take when the caller gives no limit."""
        return _DEFAULT_TIMEOUT_SECONDS[self.mode]


CATALOGUE: Final[Mapping[str, CatalogueEntry]] = MappingProxyType(
    {
        name.value: CatalogueEntry(name, CommandMode.PARALLEL if name in _PARALLEL else CommandMode.SEQUENTIAL)
        for name in CommandName
    }
)
"""The commands by name; a name that is not a key is refused."""
