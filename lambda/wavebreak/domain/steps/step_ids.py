"""Ids of steps: the same for every try that the machinery makes, another one when a person has a step run again.

An id is a UUID of version 5 (contract 12), because SSM takes no other form as a client token.
"""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID, uuid5

STEP_RUN: Final = "step-"
"""What the name of every run of a step machine begins with."""
TAG_PREFIX: Final = "wavebreak-"
"""An automation is found by a tag whose key is this and the step's id: filters of SSM know the keys of tags alone."""
_NAMESPACE: Final = UUID("6f0b3d52-3f0e-5c52-9a51-6d3a5f1f7c15")
_LATER_RUN: Final = re.compile(r"-r([0-9]+)$")


def step_id(execution_id: str, wave: int, phase: str, position: int, run: int) -> str:
    """Return the id of a step; `phase` is its list, `before` or `after`, and wave and position count from 1."""
    return str(uuid5(_NAMESPACE, f"{execution_id}/{wave}/{phase}/{position}/{run}"))


def tag_key(identifier: str) -> str:
    """Return the key of the tag that an automation of a step carries."""
    return f"{TAG_PREFIX}{identifier}"


def machine_run_name(identifier: str, run: int) -> str:
    """Name a run of the machine of a step: `step-` and its id, then `-r2`, `-r3`."""
    return f"{STEP_RUN}{identifier}" if run <= 1 else f"{STEP_RUN}{identifier}-r{run}"


def step_id_of(name: str) -> str:
    """Read the id of a step from the name of a run of its machine."""
    return _LATER_RUN.sub("", name).removeprefix(STEP_RUN)


def machine_run_of(name: str) -> int:
    """Read the number of a run of a step machine from its name."""
    found = _LATER_RUN.search(name)
    return int(found[1]) if found else 1
