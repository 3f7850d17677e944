"""Step runs in the table: each an item of its own, written under the version that was read, and ended once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.domain.steps.runs import StepOutcome, StepRun, ended
from wavebreak.problems import NotFound
from wavebreak.resilience.lost_races import LostRaceError, retry_lost_races
from wavebreak.store import keys
from wavebreak.store.table import ConditionFailedError, Table, Write
from wavebreak.timing import iso
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from wavebreak.domain.steps.runs import StopReason
    from wavebreak.store.table import Item


class StepStore:
    """Runs of automation and function steps."""

    def __init__(self, table: Table) -> None:
        """Keep the table."""
        self.table = table

    def create(self, run: StepRun) -> StepRun:
        """Write a new run and return it; one that exists already is left as it is, and returned."""
        try:
            self.table.transact([Write("step", "Put", _record(run), "attribute_not_exists(pk)")])
        except ConditionFailedError:
            return self.load(run.step_id)
        return run

    def load(self, step_id: str) -> StepRun:
        """Read a run consistently; raise NotFound."""
        found = self.table.get(keys.step(step_id), keys.META)
        if found is None:
            raise NotFound(f"There is no step {step_id}")
        return StepRun.read(found)

    def load_many(self, step_ids: Iterable[str]) -> dict[str, StepRun]:
        """Read runs by their ids, consistently, a hundred a call; those that do not exist are left out."""
        items = self.table.get_many([(keys.step(step_id), keys.META) for step_id in step_ids])
        return {str(item["stepId"]): StepRun.read(item) for item in items}

    def change(self, step_id: str, decide: Callable[[StepRun], StepRun]) -> StepRun:
        """Read, decide and write, again from the start after each lost race; return what stands in the end.

        Raise NotFound, and Unavailable when many write at once.
        """

        def attempt() -> StepRun:
            before = self.load(step_id)
            after = decide(before)
            if after == before:
                return before
            after = replace(after, version=before.version + 1)
            write = Write("step", "Put", _record(after), "version = :version", {":version": before.version})
            try:
                self.table.transact([write])
            except ConditionFailedError as refused:
                raise LostRaceError from refused
            return after

        return retry_lost_races(f"Step {step_id}", attempt)

    def end(self, step_id: str, outcome: StepOutcome, now: datetime) -> StepRun:
        """End a run, unless it has ended, and return it as it stands then."""
        return self.change(step_id, lambda run: ended(run, outcome, now))

    def request_stop(self, step_id: str, reason: StopReason, actor: str) -> StepRun:
        """Request the stop of a run; one that has ended, or was asked before, stays as it is. Raise NotFound."""
        return self.change(step_id, lambda run: run.stopped(reason, actor))

    def active_ids(self) -> list[str]:
        """List the runs that have not ended; the index may report one late."""
        return [str(item["stepId"]) for item in self.table.active(keys.ACTIVE_STEPS)]


def _record(run: StepRun) -> Item:
    record: Item = {"pk": keys.step(run.step_id), "sk": keys.META, **run.record()}
    if not run.status.is_terminal:
        record |= {"activePk": keys.ACTIVE_STEPS, "listSk": iso(run.started_at)}
    return record
