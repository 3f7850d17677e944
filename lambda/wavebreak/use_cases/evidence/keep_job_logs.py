"""The logs of DRS jobs kept with their execution when they end, so that no report depends on what DRS remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.evidence.kept_log import packed
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.store.evidence import whole_log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.observing.launches import JobLog
    from wavebreak.ports.capabilities import HasEvidence
    from wavebreak.store.table import Write

    class Ports(HasEvidence, Protocol):
        """What keeping the logs of jobs needs."""


def keep_job_logs(app: Ports, before: Execution, after: Execution, logs: Mapping[str, JobLog]) -> list[Write]:
    """Return the writes of the logs of ended jobs: they belong to the change that notes them as read, so none is lost.

    What is not whole yet is kept at once, too: the execution may end before DRS shows the rest.
    """
    whole: list[Write] = []
    known = {job.job_id for job in before.launch_jobs() if job.logged}
    for job in after.launch_jobs():
        if job.state is JobState.ENDED and job.job_id is not None and job.job_id not in known and job.job_id in logs:
            text = packed(logs[job.job_id].items)
            if job.logged:
                whole.append(whole_log(after.execution_id, job.job_id, text))
            else:
                app.evidence.keep_partial_log(after.execution_id, job.job_id, text)
    return whole
