"""What a cold start costs before any work is done: the processor time of each handler's import.

Absolute times describe this machine; the ratio to importing boto3 and making a Session, which no function can do
without, reports the code.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from tools.template import functions, load

if TYPE_CHECKING:
    from pathlib import Path

API_LIMIT: Final = 2.0
"""Handlers behind the API bring the framework that routes, validates and describes it."""
TASK_LIMIT: Final = 1.3
RUNS: Final = 9

_BASELINE: Final = "import boto3; boto3.Session()"
_TIMED: Final = "import time; begin = time.process_time(); {code}; print(time.process_time() - begin)"


@dataclass(frozen=True, slots=True)
class ImportCost:
    """Median processor seconds of importing a module, relative to the baseline."""

    module: str
    seconds: float
    ratio: float
    limit: float

    @property
    def is_too_high(self) -> bool:
        """Whether the limit is exceeded."""
        return self.ratio > self.limit


def handler_modules() -> dict[str, float]:
    """Return the modules of all handlers with the ratio each may have: that of the API for those with an Api event."""
    limits: dict[str, float] = {}
    for function in functions(load()).values():
        module = str(function["Handler"]).rpartition(".")[0]
        behind_api = any(event["Type"] == "Api" for event in function.get("Events", {}).values())
        limits[module] = max(limits.get(module, TASK_LIMIT), API_LIMIT if behind_api else TASK_LIMIT)
    return dict(sorted(limits.items()))


def measure(code: Path) -> tuple[float, list[ImportCost]]:
    """Return the baseline's processor seconds and the cost of every handler module in the artefact at `code`.

    Each import is related to a baseline taken just before it, so that a slow moment of the machine falls on both.
    """
    limits = handler_modules()
    baselines: list[float] = []
    costs: dict[str, list[tuple[float, float]]] = {module: [] for module in limits}
    with tempfile.TemporaryDirectory() as compiled:
        for statement in (_BASELINE, *(f"import {module}" for module in limits)):
            _seconds(statement, code, compiled)  # compiles; a function's image has its byte code, too
        for _ in range(RUNS):
            for module, pairs in costs.items():
                baselines.append(_seconds(_BASELINE, code, compiled))
                seconds = _seconds(f"import {module}", code, compiled)
                pairs.append((seconds, seconds / baselines[-1]))
    return median(baselines), [
        ImportCost(module, median(seconds for seconds, _ in pairs), median(ratio for _, ratio in pairs), limits[module])
        for module, pairs in costs.items()
    ]


def _seconds(statement: str, code: Path, compiled: str) -> float:
    environment = {"PATH": os.defpath, "PYTHONPATH": str(code), "PYTHONPYCACHEPREFIX": compiled}
    answer = subprocess.run(
        [sys.executable, "-c", _TIMED.format(code=statement)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(answer.stdout)
