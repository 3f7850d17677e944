"""The job logs of an execution, by wave and server: every launch of a server, the earliest first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.evidence.job_log import PhaseSpan, read_job_log, with_post_launch
from wavebreak.timing import known_time
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.evidence.inputs import JobLogs
    from wavebreak.domain.evidence.job_log import JobLog

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class LaunchLogs(Value):
    """The logs of each wave's jobs, the earliest first."""

    by_wave: Mapping[int, tuple[JobLog, ...]]

    @classmethod
    def of(cls, execution: Mapping[str, Any], job_logs: JobLogs) -> LaunchLogs:
        """Read the logs of the jobs that launched the waves of an execution; those of other jobs are passed over."""
        found = {}
        for wave in execution.get("waves") or ():
            names = wave.get("jobIds") or [name for name in (wave.get("jobId"),) if name]
            logs = [read_job_log(job_logs[name]) for name in names if name in job_logs]
            found[wave["waveNumber"]] = tuple(sorted(logs, key=lambda log: log.first_at or _LONG_AGO))
        return cls(found)

    def of_server(self, wave: int, server: str) -> list[JobLog]:
        """Return the logs of the jobs that say something of a server."""
        return [log for log in self.by_wave.get(wave, ()) if server in log.servers]

    def spans(self, wave: int, server: Mapping[str, Any]) -> list[PhaseSpan]:
        """Return every phase of a server, over all its launches; POST_LAUNCH where it is known to have actions."""
        name = server["sourceServerId"]
        logs = self.of_server(wave, name)
        actions = bool(server.get("postLaunchActions"))
        return [span for log in logs for span in (with_post_launch(log, name) if actions else log.servers[name].spans)]

    def instance(self, wave: int, server: str) -> str | None:
        """Name the instance that the last launch of a server made, if its log does."""
        logs = self.of_server(wave, server)
        return logs[-1].servers[server].instance if logs else None

    def recovery_point(self, wave: int, server: str) -> datetime | None:
        """Return when the snapshot was taken that the last launch of a server converted, if its log does."""
        logs = self.of_server(wave, server)
        return logs[-1].servers[server].recovery_point if logs else None

    def first_acts(self, execution: Mapping[str, Any]) -> dict[int, datetime]:
        """Return, by wave, when work on it was first seen: a job's first item, or a step's start."""
        acts: dict[int, datetime] = {}
        for wave in execution.get("waves") or ():
            number = wave["waveNumber"]
            seen = [log.first_at for log in self.by_wave.get(number, ())]
            seen += [known_time(step.get("startedAt")) for step in wave.get("steps") or ()]
            known = [at for at in seen if at is not None]
            if known:
                acts[number] = min(known)
        return acts
