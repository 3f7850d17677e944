"""Ends what a drill launched: through the product, and where that does not do it, by DRS itself.

Nothing is ever ended but instances of which DRS says both that a job of this drill launched them and that they are a
drill's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from tools.verify_aws import observations
from tools.verify_aws.reading import items

from wavebreak.execution_utils import TERMINAL_STATUSES
from wavebreak_cli.client.request import path_of
from wavebreak_cli.errors import CommandError, RefusedError

if TYPE_CHECKING:
    from datetime import datetime

    from tools.verify_aws.evidence import DrillRecord, Json
    from tools.verify_aws.surroundings import Surroundings
    from tools.verify_aws.watching import Watcher

    from wavebreak_cli.client.api import Api

MOST_REQUESTS: Final = 3
"""How often an incomplete termination is asked for again."""
REASON: Final = "verify-aws is done"
READS_FOR_A_START: Final = 3
"""How often a start whose answer was lost is searched for before it is held to have never happened."""
_STARTS_LISTED: Final = 50


class Ending:
    """The end of one drill. `marker` is the reason that it was started with, by which it is found again."""

    def __init__(self, api: Api, watcher: Watcher, plan_id: str, marker: str, around: Surroundings) -> None:
        self._api = api
        self._watcher = watcher
        self._record: DrillRecord = watcher.record
        self._plan_id = plan_id
        self._marker = marker
        self._now = around.now
        self._report = around.report
        self._missing = 0
        self._requests = 0
        self._cancelled = False
        self.silent_since: datetime | None = None
        """Since when the API has not answered."""

    def step(self) -> bool:
        """Do what is next at the product; return whether there is nothing more to do there."""
        try:
            over = self._step()
        except RefusedError as refusal:
            self._report(f"refused: {refusal}")
            return False
        except CommandError as failure:
            if self.silent_since is None:
                self._report(f"the API does not answer: {failure}")
            self.silent_since = self.silent_since or self._now()
            return False
        self.silent_since = None
        return over

    def _step(self) -> bool:
        execution_id = self._record.execution_id or self._found()
        if execution_id is None:
            self._missing += 1
            return self._missing >= READS_FOR_A_START
        self._record.execution_id = execution_id
        execution = self._api.get(path_of("executions", execution_id))
        self._record.execution = execution
        if execution["status"] not in TERMINAL_STATUSES:
            self._cancel(execution_id)
            return False
        status = execution["termination"]["status"]
        if status == "IN_PROGRESS":
            self._asked()
            return False
        if status == "COMPLETED" or not execution["terminationMetadata"]["canTerminate"]:
            return True
        return self._terminate(execution_id)

    def _found(self) -> str | None:
        """Return the execution of a start whose answer was lost."""
        started = self._api.items("/executions", limit=_STARTS_LISTED, planId=self._plan_id, mode="DRILL")
        return next((each["executionId"] for each in started if each.get("reason") == self._marker), None)

    def _cancel(self, execution_id: str) -> None:
        if not self._cancelled:
            self._report(f"cancelling {execution_id} and what it launched")
            self._api.post(path_of("executions", execution_id, "cancel"), {"then": "TERMINATE", "reason": REASON})
            self._cancelled = True
            self._asked()

    def _terminate(self, execution_id: str) -> bool:
        if self._requests >= MOST_REQUESTS:
            return True
        self._requests += 1
        self._report(f"terminating what {execution_id} launched")
        self._asked()
        self._api.post(path_of("executions", execution_id, "terminate"), {"reason": REASON})
        return False

    def _asked(self) -> None:
        self._record.terminate_asked_at = self._record.terminate_asked_at or self._now()

    def by_drs(self) -> dict[str, str]:
        """Terminate what is left of this drill in DRS, one by one; return the refusals with their messages."""
        refused: dict[str, str] = {}
        for region in self._watcher.regions:
            drs = self._watcher.drs_in(region)
            try:
                alive = self._alive(drs, region)
            except (BotoCoreError, ClientError) as error:
                self._report(f"DRS does not report what is there in {region}: {error}")
                continue
            for name in alive:
                self._report(f"terminating {name} by DRS itself")
                self._asked()
                refused |= _terminated(drs, name)
        return refused

    def _alive(self, drs: Any, region: str) -> list[str]:
        jobs = {job["jobID"] for job in items(drs, "describe_jobs") if self._is_of_the_drill(job)}
        filters = {"sourceServerIDs": sorted(self._watcher.regions[region])}
        return [
            item["recoveryInstanceID"]
            for item in items(drs, "describe_recovery_instances", filters=filters)
            if item.get("jobID") in jobs and item.get("isDrill") is True and observations.is_alive(item)
        ]

    def _is_of_the_drill(self, job: Json) -> bool:
        return observations.is_ours(self._record, job) and job.get("initiatedBy") == "START_DRILL"


def _terminated(drs: Any, name: str) -> dict[str, str]:
    """Terminate an instance; return it with DRS's words where that was refused."""
    try:
        drs.terminate_recovery_instances(recoveryInstanceIDs=[name])
    except (BotoCoreError, ClientError) as error:
        return {name: str(error)}
    return {}
