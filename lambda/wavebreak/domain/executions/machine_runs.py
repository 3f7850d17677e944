"""Runs of the state machines, by their names.

A run's name is the execution's id, then `-r2`, `-r3` for renewals and retries, `-t1`, `-t2` for terminations; that of
a command machine is the command run's id, then `-r2`, `-r3`.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

_LATER_RUN: Final = re.compile(r"-r([0-9]+)$")


class Machine(Enum):
    """The two state machines of an execution, by the mark of their later runs."""

    RECOVERY = "r"
    TERMINATION = "t"

    def run_name(self, execution_id: str, run: int) -> str:
        """Name the run of a machine."""
        if self is Machine.RECOVERY and run <= 1:
            return execution_id
        return f"{execution_id}-{self.value}{run}"

    def run_of(self, name: str) -> int:
        """Read the number of a run from its name."""
        _, mark, number = name.rpartition(f"-{self.value}")
        return int(number) if mark and number.isdigit() else 1


def command_run_name(command_id: str, run: int) -> str:
    """Name a run of the machine of a command run: its id, then `-r2`, `-r3`."""
    return command_id if run <= 1 else f"{command_id}-r{run}"


def command_id_of(name: str) -> str:
    """Read the id of a command run from the name of a run of its machine."""
    return _LATER_RUN.sub("", name)


def command_run_of(name: str) -> int:
    """Read the number of a run of a command machine from its name."""
    found = _LATER_RUN.search(name)
    return int(found[1]) if found else 1


def machine_of(name: str) -> Machine:
    """Read from the name of a run whose machine it is."""
    execution_id = execution_id_of(name)
    return Machine.TERMINATION if "-t" in name[len(execution_id) :] else Machine.RECOVERY


def execution_id_of(name: str) -> str:
    """Read the execution's id from the name of a machine's run."""
    return "-".join(name.split("-")[:2])
