"""Items of an execution: the model written and read back. Pure. Times are RFC 3339 strings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.locking import preemption
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import (
    Cancel,
    CancelThen,
    Execution,
    Failure,
    Mode,
    PausedBy,
    Termination,
)
from wavebreak.domain.executions.model.final_check import FinalCheck
from wavebreak.domain.executions.model.waits import Preemption
from wavebreak.domain.executions.notices import Notice, NoticeCode
from wavebreak.domain.executions.observing.usual_time import usual_launch
from wavebreak.domain.executions.views.overview import overview_of
from wavebreak.execution_utils import TerminationStatus, normalize_execution_status
from wavebreak.site import Site
from wavebreak.store import keys
from wavebreak.store.records.attributions import read_attribution
from wavebreak.store.records.endings import read_hold
from wavebreak.store.records.findings import (
    calls_record,
    objectives_record,
    read_calls,
    read_check_counts,
    read_objectives,
    read_verdict,
)
from wavebreak.store.records.jobs import jobs_digest, read_job
from wavebreak.store.records.leases import lease_record, read_lease
from wavebreak.store.records.networks import networks_record, read_networks
from wavebreak.store.records.waves import read_wave
from wavebreak.timing import iso, parse_iso, time_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wavebreak.domain.executions.model.jobs import Job
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.store.table import Item

SCHEMA: Final = 1
STARTS_IN: Final = "startsIn"
LAUNCHES_IN: Final = "launchesIn"


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
    if execution.final_check is not None:
        record["lastLook"] = {
            "places": list(execution.final_check.sites),
            "notBefore": iso(execution.final_check.not_before),
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


def _read_failure(record: Mapping[str, Any]) -> Failure:
    return Failure(parse_iso(record["at"]), record["error"], record["cause"], int(record.get("count", 1)))


def _usual_seconds(execution: Execution) -> int | None:
    """Write down what the plan's next run expects of its launches: what this one saw, or else what it expected."""
    usual = usual_launch(execution)
    return None if usual is None else int(usual.total_seconds())


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
            jobs.append(read_job(item))
        elif "#SERVERS#" in sort_key:
            servers.setdefault(int(item["number"]), []).append((sort_key, item["servers"]))
        elif sort_key.startswith("WAVE#"):
            waves[int(item["number"])] = item
    if meta is None:
        return None
    read = tuple(read_wave(waves[number], servers.get(number, [])) for number in sorted(waves))
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
        ended_at=time_or_none(meta.get("endedAt")),
        paused_by=frozenset(PausedBy(item) for item in meta.get("pausedBy") or ()),
        pause=read_attribution(meta.get("pause")),
        cancel=_read_cancel(cancel) if cancel else None,
        jobs=jobs,
        termination=_read_termination(meta.get("termination") or {}),
        last_failure=_read_failure(failure) if failure else None,
        version=int(meta["version"]),
        event_sequence=int(meta.get("eventSequence", 0)),
        event_hash=meta.get("eventHash"),
        final_check=_read_final_check(meta.get("lastLook")),
        lock_call=meta.get("lockCall"),
        warnings=tuple(_read_notice(record) for record in meta.get("warnings") or ()),
        preemption=_read_preemption(taken) if (taken := meta.get("preemption")) else None,
        verdict=read_verdict(meta.get("verdict")),
        calls=read_calls(meta.get("calls")),
        objectives=read_objectives(meta.get("objectives")),
        check_counts=read_check_counts(meta.get("tallies")),
        usual_launch_seconds=None if meta.get("usualLaunchBefore") is None else int(meta["usualLaunchBefore"]),
        lease=read_lease(meta),
        before=time_or_none(meta.get("before")),
        networks=read_networks(meta),
    )


def _read_final_check(record: Mapping[str, Any] | None) -> FinalCheck | None:
    return FinalCheck(tuple(record["places"]), parse_iso(record["notBefore"])) if record else None


def _read_notice(record: Mapping[str, Any]) -> Notice:
    number = record.get("waveNumber")
    wave = None if number is None else int(number)
    return Notice(NoticeCode(record["code"]), record["message"], wave, record.get("sourceServerId"))


def _read_cancel(record: Mapping[str, Any]) -> Cancel:
    return Cancel(
        Attribution(record["actor"], parse_iso(record["at"]), record.get("reason")),
        CancelThen(record["then"]),
        read_attribution(record.get("terminationRequestedBy")),
    )


def _read_termination(record: Mapping[str, Any]) -> Termination:
    return Termination(
        status=TerminationStatus(record.get("status", TerminationStatus.NOT_REQUESTED)),
        attempt=int(record.get("run", 0)),
        requested_at=time_or_none(record.get("requestedAt")),
        requested_by=record.get("requestedBy"),
        ended_at=time_or_none(record.get("endedAt")),
        holds=tuple(read_hold(entry) for entry in record.get("holds") or ()),
    )
