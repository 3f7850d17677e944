"""A drill of the plan, made through the product's API with the answers of AWS checked beside it.

Whatever happens, what it launched is ended before this is over: at the end, on errors, and on Ctrl-C.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from tools.verify_aws import observations
from tools.verify_aws.aftermath import collect
from tools.verify_aws.ending import Ending
from tools.verify_aws.observations import COMPLETED, EC2_ENDS

from wavebreak.execution_utils import TERMINAL_STATUSES
from wavebreak_cli.client.request import path_of
from wavebreak_cli.errors import CommandError, RefusedError, UnavailableError

if TYPE_CHECKING:
    from datetime import datetime

    from tools.verify_aws.evidence import DrillRecord, Json
    from tools.verify_aws.stack import Stack
    from tools.verify_aws.surroundings import Surroundings
    from tools.verify_aws.watching import Watcher

    from wavebreak_cli.client.api import Api

READ_SECONDS: Final = 10.0
QUICK_READ_SECONDS: Final = 2.0
"""Between looks until DRS shows the first job, since how soon it does is one of the questions."""
LONGEST_DRILL_SECONDS: Final = 3 * 3600.0
LONGEST_END_SECONDS: Final = 3 * 3600.0
"""A launch that has begun cannot be stopped; what it launches is ended after it."""
SHOWN_SECONDS: Final = 600.0
"""How long instances are waited for to be shown after their job, and to be gone after their termination."""
SILENCE: Final = timedelta(minutes=5)
"""How long the API may be silent before DRS is asked itself to end the drill's instances."""
SERVERS_EVERY: Final = 3
"""Of so many looks one is at the source servers."""


class Drill:
    """One drill of a plan, and what was seen of it in the watcher's record."""

    def __init__(self, stack: Stack, api: Api, plan_id: str, watcher: Watcher, around: Surroundings) -> None:
        self.trouble: CommandError | None = None
        """Why it was ended before its time, if the API was the reason."""
        self._stack = stack
        self._api = api
        self._plan_id = plan_id
        self._watcher = watcher
        self._record: DrillRecord = watcher.record
        self._around = around
        self._timing = stack.timing
        self._marker = f"verify-aws {uuid4()}"
        self._reads = 0
        self._progress = ""
        self._silent_since: datetime | None = None
        self._jobs_over_at: datetime | None = None

    def run(self) -> None:
        """Make the drill, and end what it launched; KeyboardInterrupt comes out where a person stopped it."""
        try:
            try:
                self._play()
            except CommandError as failure:
                self.trouble = failure
                self._around.report(f"the drill is ended early: {failure}")
            finally:
                self._around.interrupts.hold()
        finally:
            self._end()
            collect(self._stack, self._watcher)

    def _play(self) -> None:
        self._read_services()
        self._record.started_at = self._around.now()
        self._around.report(f"starting a drill of {self._plan_id}")
        asked = {"planId": self._plan_id, "reason": self._marker}
        started = self._api.post("/drills", asked, key=self._marker.partition(" ")[2])
        self._record.execution_id = started["executionId"]
        self._around.report(f"{self._record.execution_id}: DRS launches in 15 to 30 minutes as a rule")
        until = self._around.now() + self._timing.scaled(LONGEST_DRILL_SECONDS)
        while not self._is_over():
            if self._around.now() > until:
                self._around.report("the drill takes too long")
                return
            self._pause(READ_SECONDS if self._watcher.launch_jobs() else QUICK_READ_SECONDS)
            self._read()
            self._read_services()

    def _read(self) -> None:
        """Read the execution; raise UnavailableError when the API has been silent for too long."""
        try:
            self._record.execution = self._api.get(path_of("executions", str(self._record.execution_id)))
            self._silent_since = None
            self._report_progress(self._record.execution)
        except UnavailableError:
            self._silent_since = self._silent_since or self._around.now()
            if self._around.now() - self._silent_since > SILENCE:
                raise

    def _report_progress(self, execution: Json) -> None:
        """Print the state of the drill whenever it has changed."""
        servers = Counter(server["launchStatus"] for wave in execution["waves"] for server in wave["servers"])
        counted = ", ".join(f"{number} {status}" for status, number in sorted(servers.items()))
        progress = f"{execution['status']}; servers: {counted}"
        if progress != self._progress:
            self._around.report(progress)
            self._progress = progress

    def _is_over(self) -> bool:
        """Return whether everything was launched that will be, and DRS has had its time to show it."""
        execution = self._record.execution
        jobs = self._watcher.launch_jobs()
        if execution is None or execution["status"] not in TERMINAL_STATUSES:
            return False
        if any(job.get("status") != COMPLETED for job in jobs.values()):
            return False
        self._jobs_over_at = self._jobs_over_at or self._around.now()
        if not self._unshown() and not self._silent():
            return True
        return self._around.now() > self._jobs_over_at + self._timing.scaled(SHOWN_SECONDS)

    def _unshown(self) -> set[tuple[str, str]]:
        """Return what was launched and DRS does not show yet, server and job."""
        members = observations.members(self._watcher.launch_jobs().values())
        launched = {
            (str(job["jobID"]), str(each.get("sourceServerID")))
            for job, each in members
            if each.get("launchStatus") == observations.LAUNCHED
        }
        reported = [item for seen in observations.drill_instances(self._record).values() for _, item in seen]
        return launched - {(str(item.get("jobID")), str(item.get("sourceServerID"))) for item in reported}

    def _silent(self) -> set[str]:
        """Return the source servers that do not report their instance yet, and were not checked for long enough."""
        reported, limit = observations.server_views(self._record), self._timing.scaled(observations.SIGNAL_SECONDS)
        silent = set()
        for seen in observations.drill_instances(self._record).values():
            (first, _), (_, instance) = seen[0], seen[-1]
            name = str(instance.get("sourceServerID"))
            read, server = reported[name][-1] if name in reported else (None, {})
            if read is None or (read.until - first.at < limit and not observations.reports(server, instance)):
                silent.add(name)
        return silent

    def _end(self) -> None:
        """End what was launched, whatever it takes; what cannot be ended is named in the record."""
        if self._record.started_at is None or self._was_refused():
            return
        try:
            ending = Ending(self._api, self._watcher, self._plan_id, self._marker, self._around)
            self._by_the_product(ending)
            self._until_gone()
            refused = ending.by_drs() if self._still_there() or ending.silent_since else {}
            self._until_gone()
            self._record.left = {name: refused.get(name, "DRS or EC2 still shows it") for name in self._still_there()}
            if self._record.execution_id is None and ending.silent_since:
                self._record.left[f"a drill with the reason {self._marker!r}"] = "whether it was started is not known"
        except KeyboardInterrupt:
            self._record.left = dict.fromkeys(self._still_there(), "left, as somebody insisted")
            raise

    def _was_refused(self) -> bool:
        """Return whether there is nothing to end, because the product did not start the drill."""
        return self._record.execution_id is None and isinstance(self.trouble, RefusedError)

    def _by_the_product(self, ending: Ending) -> None:
        until = self._around.now() + self._timing.scaled(LONGEST_END_SECONDS)
        while not ending.step() and self._around.now() < until:
            if ending.silent_since and self._around.now() - ending.silent_since > SILENCE:
                return
            self._pause(READ_SECONDS)
            self._read_services()

    def _until_gone(self) -> None:
        """Poll until nothing is shown any more, or for as long as that may take."""
        until = self._around.now() + self._timing.scaled(SHOWN_SECONDS)
        self._read_services()
        while self._still_there() and self._around.now() < until:
            self._pause(READ_SECONDS)
            self._read_services()

    def _still_there(self) -> list[str]:
        """Name the drill's instances that DRS, or EC2, showed alive when last checked."""
        found = set()
        for name, seen in observations.drill_instances(self._record).items():
            reads = [x for x in self._record.reads if x.operation == observations.DESCRIBE_INSTANCES]
            newest = [x for x in reads if x.region == seen[-1][0].region][-1]
            shown = seen[-1][0] is newest or newest.items is None
            if shown and observations.is_alive(seen[-1][1]):
                found.add(name)
        for name in self._watcher.instance_ids():  # DRS may not show them, or not yet
            reported = observations.views(self._record, observations.DESCRIBE_EC2, "InstanceId").get(name)
            last = list(self._record.of(observations.DESCRIBE_EC2))[-1:]
            if reported and reported[-1][0] in last and reported[-1][1]["State"] not in EC2_ENDS:
                found.add(name)
        return sorted(found)

    def _read_services(self) -> None:
        self._watcher.read(at_servers=self._reads % SERVERS_EVERY == 0)
        self._reads += 1

    def _pause(self, seconds: float) -> None:
        self._around.sleep(self._timing.scaled(seconds).total_seconds())
