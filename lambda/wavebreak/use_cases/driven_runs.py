"""Runs that a machine of their own drives, of commands and of steps: followed by the next machine, or given up.

One that is past its own deadline, or whose machines die one after another, is given up: every run ends.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from wavebreak.domain.commands.lifetime import Driven, deaths, keeps_dying, with_next_machine
from wavebreak.problems import NotFound
from wavebreak.resilience.despite_faults import each_despite_faults
from wavebreak.use_cases import record_machine_failures
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from wavebreak.use_cases.record_machine_failures import Ports as RecordMachineFailuresPorts

    class Ports(RecordMachineFailuresPorts, Protocol):
        """What driving runs needs."""


logger = logging.getLogger(__name__)

_YOUNG: Final = timedelta(minutes=2)
"""A run younger than this may still be on its way to its machine."""
_DEATHS_AT_ONCE: Final = 3
"""Machines in a row that died young and were each followed by the next at once; later ones are left to the sweep."""


class _Status(Protocol):
    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended."""


class MachineDriven(Driven, Protocol):
    """A run as it is looked after here."""

    @property
    def execution_id(self) -> str:
        """The execution that it belongs to."""

    @property
    def status(self) -> _Status:
        """How it stands."""


R = TypeVar("R", bound=MachineDriven)


class RunKind(Value, Generic[R]):
    """How the runs of one kind are found, judged and followed."""

    what: str
    """What a run is called in the log."""
    load: Callable[[str], R]
    run_id_of: Callable[[str], str]
    """The run's id in the name of a machine run."""
    machine_run_of: Callable[[str], int]
    """The machine's number there."""
    active_ids: Callable[[], Iterable[str]]
    record_error: Callable[[Exception, str], object]
    """Record what kept a run from being looked after, by its id."""
    deadline_of: Callable[[R], datetime]
    begun_at: Callable[[R], datetime]
    """Since when a machine that is not seen may still be on its way."""
    is_machine_running: Callable[[R], bool]
    ends_in_place: Callable[[R], bool]
    """End a run whose machine is gone without another one, where that can be; return whether it has ended."""
    give_up: Callable[[R, str], object]
    start_next: Callable[[R], bool]


def start_next(
    run: R,
    name: str,
    now: datetime,
    *,
    died: bool,
    change: Callable[[Callable[[R], R]], R],
    start: Callable[[int], object],
) -> bool:
    """Make the next machine run the present one, unless another already did, and start it by its number.

    `name` is the run's name in the log. `died` is True for a machine that died, False for one whose history is nearly
    full.
    """

    def step(current: R) -> R:
        same = current.machine_run == run.machine_run and not current.status.is_terminal
        return with_next_machine(current, now, died=died) if same else current

    after = change(step)
    if after.machine_run != run.machine_run + 1:
        return False
    start(after.machine_run)
    level = logging.WARNING if died else logging.INFO
    logger.log(level, "machine of %s goes on as run %s", name, after.machine_run)
    return True


def machine_ended(app: Ports, kind: RunKind[R], name: str) -> bool:
    """Start the next run of a machine that ended without having finished its work."""
    try:
        run = kind.load(kind.run_id_of(name))
    except NotFound:
        logger.warning("machine run %s belongs to no %s", name, kind.what)
        return False
    if run.status.is_terminal or run.machine_run != kind.machine_run_of(name):
        return False
    if deaths(run, app.now()) > _DEATHS_AT_ONCE:
        record_machine_failures.record_giving_up(app, run.execution_id, name)
        return False
    return kind.start_next(run)


def sweep(app: Ports, kind: RunKind[R]) -> int:
    """Start a machine for every run that has none any more; return how many.

    One that cannot be looked after does not keep the others from it; the last such fault is raised in the end.
    """
    return each_despite_faults(
        kind.active_ids(), lambda run_id: _reconcile(app, kind, kind.load(run_id)), kind.record_error
    )


def _reconcile(app: Ports, kind: RunKind[R], run: R) -> bool:
    """Start the next run of a machine that is gone; a run that cannot come to its end so is ended here."""
    now = app.now()
    if run.status.is_terminal:
        return False
    if now >= kind.deadline_of(run):
        kind.give_up(run, "it had not ended when it must have")
        return False
    if now - kind.begun_at(run) < _YOUNG or kind.is_machine_running(run):
        return False
    if kind.ends_in_place(run):
        return False
    if keeps_dying(run, now):
        failure = run.last_failure or {"error": "unknown", "cause": ""}
        why = f"its machine failed again and again, at last with {failure['error']}: {failure['cause']}"
        kind.give_up(run, why[:500])
        return False
    return kind.start_next(run)
