"""Calls of DRS and the jobs that became of them, written down and read back. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.model.jobs import Job, JobKind, JobState
from wavebreak.domain.executions.views.overview import time_of
from wavebreak.site import Site
from wavebreak.store import keys
from wavebreak.timing import iso, parse_iso, time_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.store.table import Item


def job_record(execution_id: str, job: Job) -> Item:
    """Write down a DRS call; an item with a job id is found through the job index.

    `awaited` is counted down by launch events while the job runs; it only decides when to poll.
    """
    record: Item = {
        "pk": keys.execution(execution_id),
        "sk": keys.job(job.key),
        "wave": job.wave,
        "attempt": job.attempt,
        "batch": job.batch,
        "kind": job.kind.value,
        "subjects": json.dumps(job.subjects, separators=(",", ":")),
        "state": job.state.value,
        "intendedAt": iso(job.intended_at),
        "checkAfter": iso(job.check_after),
        "endedAt": time_of(job.ended_at),
        "askedAt": time_of(job.asked_at),
        "looks": job.instance_reads,
        "logged": job.logged,
        "launchedAt": time_of(job.launched_at),
        "accountId": job.site.account_id,
        "region": job.site.region,
    }
    if job.job_id:
        record["jobId"] = job.job_id
    if job.state is JobState.STARTED and job.subjects:
        record["awaited"] = set(job.subjects)
    return record


def jobs_digest(execution: Execution) -> str:
    """Return a digest that differs between the jobs of any two versions of an execution."""
    written = [
        {name: value for name, value in job_record(execution.execution_id, job).items() if name != "awaited"}
        for job in sorted(execution.jobs, key=lambda job: job.key)
    ]
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()[:16]


def read_job(record: Mapping[str, Any]) -> Job:
    """Read a call of DRS back."""
    return Job(
        wave=int(record["wave"]),
        attempt=int(record["attempt"]),
        batch=int(record["batch"]),
        subjects=tuple(json.loads(record["subjects"])),
        state=JobState(record["state"]),
        intended_at=parse_iso(record["intendedAt"]),
        check_after=parse_iso(record["checkAfter"]),
        kind=JobKind(record["kind"]),
        site=Site(record.get("accountId"), record.get("region")),
        job_id=record.get("jobId"),
        ended_at=time_or_none(record.get("endedAt")),
        asked_at=time_or_none(record.get("askedAt")),
        instance_reads=int(record.get("looks", 0)),
        logged=bool(record.get("logged")),
        launched_at=time_or_none(record.get("launchedAt")),
    )
