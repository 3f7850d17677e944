"""Items of an execution: the model written down, and read back. Pure.

Times are RFC 3339 strings. A wave's servers are kept in items of a hundred as compact JSON text: all of a
plan's servers are read at every poll, and no server is ever looked up by itself.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.errors.masking import masked_reason
from wavebreak.domain.executions.batch_search import Suspicion
from wavebreak.domain.executions.kept_words import LONGEST, kept
from wavebreak.domain.executions.launching.last_look import LastLook
from wavebreak.domain.executions.launching.usual_time import usual_launch
from wavebreak.domain.executions.locking import preemption
from wavebreak.domain.executions.locking.model import DrillWait, Preemption
from wavebreak.domain.executions.model import (
    SERVERS_PER_ITEM,
    Attempt,
    Attribution,
    Cancel,
    CancelThen,
    Execution,
    Failure,
    Job,
    JobKind,
    JobState,
    LaunchStatus,
    Mode,
    PausedBy,
    Server,
    Termination,
    Wave,
)
from wavebreak.domain.executions.notices import Notice, NoticeCode
from wavebreak.domain.executions.overview import overview_of, time_of, word_of
from wavebreak.domain.plans.model import Impact, OnFailure
from wavebreak.execution_utils import TerminationStatus, WaveStatus, normalize_execution_status, normalize_wave_status
from wavebreak.site import Site
from wavebreak.store import keys
from wavebreak.store.approval_records import approval_entry, read_approval
from wavebreak.store.ending_records import ending_entry, read_ending, read_hold
from wavebreak.store.finding_records import (
    calls_record,
    objectives_record,
    read_calls,
    read_objectives,
    read_tallies,
    read_verdict,
)
from wavebreak.store.lease_records import lease_record, read_lease
from wavebreak.store.network_records import networks_record, read_networks
from wavebreak.store.step_records import read_steps, step_entry
from wavebreak.timing import iso, parse_iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

Item = dict[str, Any]
SCHEMA: Final = 1
STARTS_IN: Final = "startsIn"
LAUNCHES_IN: Final = "launchesIn"
_ITEM_BYTES: Final = 380_000
"""Of the 400 KB that an item may have."""
_MOST_ATTEMPTS: Final = 100
"""Attempts of a wave that are kept, the latest."""
_SHORT: Final = 250
"""Characters kept of each word of a hundred servers that would not fit an item otherwise."""


def _moment(text: str | None) -> datetime | None:
    return parse_iso(text) if text else None


def meta_record(execution: Execution) -> Item:
    """Write down an execution without its waves' details; small, whatever the plan's size."""
    record: Item = {
        "pk": keys.execution(execution.execution_id),
        "sk": keys.META,
        "schema": SCHEMA,
        "listPk": keys.EXECUTIONS_LIST,
        "listSk": keys.sort_of_id(execution.execution_id),
        "planKey": keys.plan(execution.plan_id),
        **overview_of(execution),
        "eventSequence": execution.event_sequence,
        "eventHash": execution.event_hash,
        "lockCall": execution.lock_call,
        "preemption": _preemption(execution.preemption),
        "calls": calls_record(execution.calls),
        "jobsDigest": jobs_digest(execution),
        "usualLaunchSeconds": _usual_seconds(execution),
        "usualLaunchBefore": execution.usual_launch_seconds,
        "objectives": objectives_record(execution.objectives),
    }
    starts = preemption.sites_to_start(execution)
    if starts:
        record[STARTS_IN] = [[site.account_id, site.region] for site in starts]
    launches = preemption.sites_launching(execution)
    if launches:
        record[LAUNCHES_IN] = [[site.account_id, site.region] for site in launches]
    if execution.holds_locks:
        record["activePk"] = keys.ACTIVE_LIST
    record |= lease_record(execution) | networks_record(execution)
    if execution.last_look is not None:
        record["lastLook"] = {
            "places": list(execution.last_look.sites),
            "notBefore": iso(execution.last_look.not_before),
        }
    return record


def _preemption(known: Preemption | None) -> Item | None:
    if known is None:
        return None
    at, drills, unsettled = iso(known.at), list(known.drills), list(known.unsettled)
    return {"at": at, "actor": known.actor, "drills": drills, "unsettled": unsettled}


def read_sites(meta: Mapping[str, Any], field: str = STARTS_IN) -> frozenset[Site]:
    """Read from META in which sites running waves of a RECOVERY have servers to be started, or that launch."""
    return frozenset(Site(account, region) for account, region in meta.get(field) or ())


def _read_preemption(record: Mapping[str, Any]) -> Preemption:
    return Preemption(parse_iso(record["at"]), record["actor"], tuple(record["drills"]), tuple(record["unsettled"]))


def _read_word(record: Mapping[str, Any] | None) -> Attribution | None:
    return Attribution(record["actor"], parse_iso(record["at"]), record.get("reason")) if record else None


def _read_failure(record: Mapping[str, Any]) -> Failure:
    return Failure(parse_iso(record["at"]), record["error"], record["cause"], int(record.get("count", 1)))


def wave_record(execution_id: str, wave: Wave) -> Item:
    """Write down a wave without its servers."""
    return {
        "pk": keys.execution(execution_id),
        "sk": keys.wave(wave.number),
        "number": wave.number,
        "name": wave.name,
        "dependsOn": list(wave.depends_on),
        "accountId": wave.site.account_id,
        "region": wave.site.region,
        "requiresApproval": wave.requires_approval,
        "waitBeforeSeconds": wave.wait_before_seconds,
        "timeoutMinutes": wave.timeout_minutes,
        "onFailure": wave.on_failure.value,
        "status": wave.status.value,
        "attempt": wave.attempt,
        "approved": wave.approved,
        "approval": word_of(wave.approval),
        "rejected": wave.rejected,
        "startedAt": time_of(wave.started_at),
        "endedAt": time_of(wave.ended_at),
        "error": wave.error and masked_reason(wave.error),
        "blockedUntil": time_of(wave.blocked_until),
        "startLease": time_of(wave.start_lease),
        "waited": wave.waited,
        "drillWait": _drill_wait(wave.drill_wait),
        "attempts": [_attempt_entry(attempt) for attempt in wave.attempts[-_MOST_ATTEMPTS:]],
        "steps": [step_entry(step) for step in wave.steps],
        "approvalWait": approval_entry(wave.approval_wait),
    }


def _drill_wait(wait: DrillWait | None) -> Item | None:
    return {"seconds": wait.seconds, "seenAt": time_of(wait.seen_at)} if wait else None


def _attempt_entry(attempt: Attempt) -> Item:
    return {
        "attempt": attempt.number,
        "startedAt": time_of(attempt.started_at),
        "endedAt": time_of(attempt.ended_at),
        "error": attempt.error and kept(masked_reason(attempt.error), longest=_SHORT),
    }


def _read_attempt(entry: Mapping[str, Any]) -> Attempt:
    times = _moment(entry.get("startedAt")), _moment(entry.get("endedAt"))
    return Attempt(int(entry["attempt"]), *times, entry.get("error"))


def server_records(execution_id: str, wave: Wave) -> list[Item]:
    """Write down a wave's servers in items of a hundred."""
    return [
        {
            "pk": keys.execution(execution_id),
            "sk": keys.servers(wave.number, 1 + start // SERVERS_PER_ITEM),
            "number": wave.number,
            "servers": _servers_text(wave.servers[start : start + SERVERS_PER_ITEM]),
        }
        for start in range(0, len(wave.servers), SERVERS_PER_ITEM)
    ]


def _servers_text(servers: Sequence[Server]) -> str:
    for longest in (LONGEST, _SHORT):
        entries = [_server_entry(server, longest) for server in servers]
        text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False)
        if len(text.encode()) <= _ITEM_BYTES:
            break
    return text


def _server_entry(server: Server, longest: int) -> Item:
    error = server.error and kept(masked_reason(server.error), longest=longest)
    entry = {
        "id": server.source_server_id,
        "impact": server.impact.value,
        "launch": server.launch_status.value,
        "instance": server.recovery_instance_id,
        "error": error,
        "snapshot": server.snapshot_id,
        "actions": server.actions_running or None,
        "suspicion": _suspicion_entry(server.suspicion, error, longest),
        "snapshotAt": time_of(server.snapshot_at),
        "older": server.older_snapshot or None,
        "ending": server.ending and ending_entry(server.ending),
        "acted": server.has_actions or None,
        "name": server.name,
    }
    return {name: value for name, value in entry.items() if value is not None}


def _suspicion_entry(suspicion: Suspicion | None, error: str | None, longest: int) -> Item | None:
    """Write down what is held against a server; its words once, where they are the server's error too."""
    if suspicion is None:
        return None
    words = kept(masked_reason(suspicion.words), longest=longest)
    entry = {
        "until": iso(suspicion.not_before),
        "times": suspicion.times,
        "call": suspicion.call,
        "words": None if words == error else words,
    }
    return {name: value for name, value in entry.items() if value is not None}


def job_record(execution_id: str, job: Job) -> Item:
    """Write down a DRS call; an item with a job id is found through the job index.

    `awaited` is counted down by launch events while the job runs; nothing is derived from it but when to look.
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
        "looks": job.looks,
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


def _usual_seconds(execution: Execution) -> int | None:
    """Write down what the plan's next run expects of its launches: what this one saw, or else what it expected."""
    usual = usual_launch(execution)
    return None if usual is None else int(usual.total_seconds())


def jobs_digest(execution: Execution) -> str:
    """Tell the jobs of one version of an execution from those of any other."""
    written = [
        {name: value for name, value in job_record(execution.execution_id, job).items() if name != "awaited"}
        for job in sorted(execution.jobs, key=lambda job: job.key)
    ]
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()[:16]


def read_execution(items: Iterable[Mapping[str, Any]]) -> Execution | None:
    """Put an execution together from its META, WAVE, SERVERS and JOB items; None without META."""
    meta: Mapping[str, Any] | None = None
    waves: dict[int, Mapping[str, Any]] = {}
    servers: dict[int, list[tuple[str, str]]] = {}
    jobs: list[Job] = []
    for item in items:
        sort_key = str(item["sk"])
        if sort_key == keys.META:
            meta = item
        elif sort_key.startswith("JOB#"):
            jobs.append(_read_job(item))
        elif "#SERVERS#" in sort_key:
            servers.setdefault(int(item["number"]), []).append((sort_key, item["servers"]))
        elif sort_key.startswith("WAVE#"):
            waves[int(item["number"])] = item
    if meta is None:
        return None
    read = tuple(_read_wave(waves[number], servers.get(number, [])) for number in sorted(waves))
    return _read_meta(meta, read, tuple(sorted(jobs, key=lambda job: job.key)))


def _read_meta(meta: Mapping[str, Any], waves: tuple[Wave, ...], jobs: tuple[Job, ...]) -> Execution:
    status = normalize_execution_status(meta["status"])
    if status is None:
        raise ValueError(f"execution {meta['executionId']} has the unknown status {meta['status']!r}")
    cancel, failure = meta.get("cancel"), meta.get("lastFailure")
    return Execution(
        execution_id=meta["executionId"],
        plan_id=meta["planId"],
        plan_name=meta["planName"],
        plan_version=int(meta["planVersion"]),
        plan_hash=meta["planHash"],
        mode=Mode(meta["mode"]),
        requested_by=meta["requestedBy"],
        started_at=parse_iso(meta["startedAt"]),
        waves=waves,
        status=status,
        reason=meta.get("reason"),
        ended_at=_moment(meta.get("endedAt")),
        paused_by=frozenset(PausedBy(item) for item in meta.get("pausedBy") or ()),
        cancel=_read_cancel(cancel) if cancel else None,
        jobs=jobs,
        termination=_read_termination(meta.get("termination") or {}),
        last_failure=_read_failure(failure) if failure else None,
        version=int(meta["version"]),
        event_sequence=int(meta.get("eventSequence", 0)),
        event_hash=meta.get("eventHash"),
        last_look=_read_last_look(meta.get("lastLook")),
        lock_call=meta.get("lockCall"),
        warnings=tuple(_read_notice(record) for record in meta.get("warnings") or ()),
        preemption=_read_preemption(taken) if (taken := meta.get("preemption")) else None,
        verdict=read_verdict(meta.get("verdict")),
        calls=read_calls(meta.get("calls")),
        objectives=read_objectives(meta.get("objectives")),
        tallies=read_tallies(meta.get("tallies")),
        usual_launch_seconds=None if meta.get("usualLaunchBefore") is None else int(meta["usualLaunchBefore"]),
        lease=read_lease(meta),
        before=_moment(meta.get("before")),
        networks=read_networks(meta),
    )


def _read_last_look(record: Mapping[str, Any] | None) -> LastLook | None:
    return LastLook(tuple(record["places"]), parse_iso(record["notBefore"])) if record else None


def _read_notice(record: Mapping[str, Any]) -> Notice:
    number = record.get("waveNumber")
    wave = None if number is None else int(number)
    return Notice(NoticeCode(record["code"]), record["message"], wave, record.get("sourceServerId"))


def _read_cancel(record: Mapping[str, Any]) -> Cancel:
    return Cancel(
        parse_iso(record["at"]),
        record["actor"],
        record.get("reason"),
        CancelThen(record["then"]),
        _read_word(record.get("terminationRequestedBy")),
    )


def _read_termination(record: Mapping[str, Any]) -> Termination:
    return Termination(
        status=TerminationStatus(record.get("status", TerminationStatus.NOT_REQUESTED)),
        run=int(record.get("run", 0)),
        requested_at=_moment(record.get("requestedAt")),
        requested_by=record.get("requestedBy"),
        ended_at=_moment(record.get("endedAt")),
        holds=tuple(read_hold(entry) for entry in record.get("holds") or ()),
    )


def _read_wave(record: Mapping[str, Any], chunks: list[tuple[str, str]]) -> Wave:
    status: WaveStatus = normalize_wave_status(record["status"])
    return Wave(
        number=int(record["number"]),
        name=record["name"],
        servers=tuple(_read_server(entry) for _, text in sorted(chunks) for entry in json.loads(text)),
        depends_on=tuple(int(number) for number in record.get("dependsOn") or ()),
        site=Site(record.get("accountId"), record.get("region")),
        requires_approval=bool(record.get("requiresApproval")),
        wait_before_seconds=int(record.get("waitBeforeSeconds", 0)),
        timeout_minutes=int(record.get("timeoutMinutes", 60)),
        on_failure=OnFailure(record.get("onFailure", OnFailure.STOP)),
        status=status,
        attempt=int(record.get("attempt", 1)),
        approved=bool(record.get("approved")),
        approval=_read_word(record.get("approval")),
        rejected=bool(record.get("rejected")),
        started_at=_moment(record.get("startedAt")),
        ended_at=_moment(record.get("endedAt")),
        error=record.get("error"),
        blocked_until=_moment(record.get("blockedUntil")),
        steps=read_steps(record),
        start_lease=_moment(record.get("startLease")),
        waited=bool(record.get("waited")),
        drill_wait=_read_drill_wait(record.get("drillWait")),
        attempts=tuple(_read_attempt(entry) for entry in record.get("attempts") or ()),
        approval_wait=read_approval(record.get("approvalWait")),
    )


def _read_drill_wait(record: Mapping[str, Any] | None) -> DrillWait | None:
    return DrillWait(int(record["seconds"]), _moment(record.get("seenAt"))) if record else None


def _read_server(entry: Mapping[str, Any]) -> Server:
    return Server(
        source_server_id=entry["id"],
        impact=Impact(entry["impact"]),
        launch_status=LaunchStatus(entry["launch"]),
        recovery_instance_id=entry.get("instance"),
        error=entry.get("error"),
        snapshot_id=entry.get("snapshot"),
        actions_running=bool(entry.get("actions")),
        suspicion=_read_suspicion(entry.get("suspicion"), entry.get("error")),
        snapshot_at=_moment(entry.get("snapshotAt")),
        older_snapshot=bool(entry.get("older")),
        ending=read_ending(entry["ending"]) if "ending" in entry else None,
        has_actions=bool(entry.get("acted")),
        name=entry.get("name"),
    )


def _read_suspicion(entry: Mapping[str, Any] | None, error: str | None) -> Suspicion | None:
    if entry is None:
        return None
    words = entry.get("words", error or "")
    return Suspicion(words, parse_iso(entry["until"]), int(entry["times"]), entry.get("call"))


def _read_job(record: Mapping[str, Any]) -> Job:
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
        ended_at=_moment(record.get("endedAt")),
        asked_at=_moment(record.get("askedAt")),
        looks=int(record.get("looks", 0)),
        logged=bool(record.get("logged")),
        launched_at=_moment(record.get("launchedAt")),
    )
