"""How long a command run may take in all, and when its machine is held to fail for good.

Whatever happens, a run ends: an execution, its plan and its servers wait for the commands of waves.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, TypeVar

from wavebreak.domain.commands.concurrency import concurrency
from wavebreak.timing import parse_iso
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wavebreak.domain.commands.runs import CommandRun
    from wavebreak.timing import Timing

BESIDE_SECONDS: Final = 300
"""What a target may take beside its limit and its patience: delivery, a lost answer looked for, a grace."""
MARGIN: Final = timedelta(minutes=10)
MOST_DEATHS: Final = 10
"""Runs of a machine that die young, one after another, before the command run is given up."""
YOUNG: Final = timedelta(minutes=10)
"""A run of a machine that lived as long was no failure of all that follow it."""


class Driven(Protocol):
    """What a machine of its own drives: a command run, or that of a step. A `Value`: `replace` changes it."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    """What mypy knows by that `replace` takes it; no value has it when it runs."""

    @property
    def started_at(self) -> datetime:
        """When it was begun."""

    @property
    def machine_run(self) -> int:
        """The number of the machine run that drives it now."""

    @property
    def machine_started_at(self) -> datetime | None:
        """When the present run of the machine was started; None for the first."""

    @property
    def deaths(self) -> int:
        """The number of consecutive machine runs before the present one that died young."""

    @property
    def last_failure(self) -> Mapping[str, str] | None:
        """The last time the machinery itself failed: at, error and cause."""


R = TypeVar("R", bound=Driven)


def deadline_of(run: CommandRun, timing: Timing) -> datetime:
    """Return the moment by which a run has ended or is given up: every round of targets as slow as it may be."""
    rounds = math.ceil(run.total / max(1, concurrency(run.command, run.total)))
    a_round = timedelta(seconds=run.timeout_seconds + BESIDE_SECONDS) + timing.scaled(run.patience_seconds)
    return run.started_at + rounds * a_round + timing.scaled(run.patience_seconds) + MARGIN


def with_next_machine(run: R, now: datetime, *, died: bool) -> R:
    """Return the run for the next machine run, after one that died or handed over."""
    dead = deaths(run, now) if died else 0
    return replace(run, machine_run=run.machine_run + 1, machine_started_at=now, deaths=dead)


def deaths(run: Driven, now: datetime) -> int:
    """Count the machines in a row that died young, the present one, which is dead by now, included."""
    begun = run.machine_started_at or run.started_at
    failed_at = parse_iso(run.last_failure["at"]) if run.last_failure else now
    died_at = failed_at if failed_at >= begun else now
    return run.deaths + 1 if died_at - begun < YOUNG else 1


def keeps_dying(run: Driven, now: datetime) -> bool:
    """Return whether the present machine, if it is dead, was one too many."""
    return deaths(run, now) >= MOST_DEATHS
