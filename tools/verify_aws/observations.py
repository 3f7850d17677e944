"""What answers reported about jobs, logs, servers and instances; in a drill, in the order of its reads. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

from tools.verify_aws.evidence import NotSeenError

from wavebreak.domain.steps.step_ids import step_id, tag_key
from wavebreak.timing import known_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from tools.verify_aws.evidence import DrillRecord, Evidence, Json, Known, Read

LAUNCH: Final = "LAUNCH"
TERMINATE: Final = "TERMINATE"
COMPLETED: Final = "COMPLETED"
LAUNCHED: Final = "LAUNCHED"
FAILED: Final = "FAILED"
SIGNAL_SECONDS: Final = 60
"""How long after its instance is shown a source server may not report it yet."""
GONE: Final = frozenset({"TERMINATED", "NOT_FOUND"})
"""States of an EC2 instance, in DRS's words, in which none runs."""
EC2_RUNS: Final = frozenset({"pending", "running", "stopping", "stopped"})
EC2_ENDS: Final = frozenset({"shutting-down", "terminated"})

DESCRIBE_JOBS: Final = "DescribeJobs"
DESCRIBE_INSTANCES: Final = "DescribeRecoveryInstances"
DESCRIBE_SERVERS: Final = "DescribeSourceServers"
DESCRIBE_EC2: Final = "DescribeInstances"
LIST_COMMANDS: Final = "ListCommandInvocations"
DESCRIBE_TEMPLATES: Final = "DescribeLaunchTemplateVersions"
DESCRIBE_AUTOMATIONS: Final = "DescribeAutomationExecutions"

TAG_EXECUTION: Final = "wavebreak:execution"


def drill_of(evidence: Evidence) -> DrillRecord:
    """Return the drill; raise NotSeenError where there was none, or where it launched nothing."""
    if evidence.drill is None:
        raise NotSeenError("no drill was made")
    return evidence.drill


def views(record: DrillRecord, operation: str, key: str) -> dict[str, list[tuple[Read, Json]]]:
    """Return how each thing was reported in each read, by its id."""
    found: dict[str, list[tuple[Read, Json]]] = defaultdict(list)
    for read in record.of(operation):
        for item in read.items or ():
            found[str(item[key])].append((read, item))
    return dict(found)


def drill_jobs(record: DrillRecord, kind: str) -> dict[str, Json]:
    """Return the drill's own jobs of a kind by id, each as reported when it had ended, else as reported last.

    Launches are its own by their tags; terminations, which have none, by not being shown before they were asked for.
    """
    found: dict[str, Json] = {}
    for job_id, reported in views(record, DESCRIBE_JOBS, "jobID").items():
        items = [item for _, item in reported]
        ours = any(is_ours(record, item) for item in items) if kind == LAUNCH else _is_new(record, reported[0][0])
        if items[-1].get("type") == kind and ours:
            found[job_id] = next((item for item in reversed(items) if item.get("status") == COMPLETED), items[-1])
    return found


def _is_new(record: DrillRecord, first: Read) -> bool:
    return record.terminate_asked_at is not None and first.at >= record.terminate_asked_at


def is_ours(record: DrillRecord, job: Json) -> bool:
    """Return whether a job carries the tag of the drill's execution."""
    return record.execution_id is not None and job.get("tags", {}).get(TAG_EXECUTION) == record.execution_id


def drill_instances(record: DrillRecord) -> dict[str, list[tuple[Read, Json]]]:
    """Return the instances that the drill's own jobs launched, look after look, by id."""
    ours = drill_jobs(record, LAUNCH).keys()
    reported = views(record, DESCRIBE_INSTANCES, "recoveryInstanceID")
    return {name: seen for name, seen in reported.items() if any(item.get("jobID") in ours for _, item in seen)}


def server_views(record: DrillRecord) -> dict[str, list[tuple[Read, Json]]]:
    """Return the source servers, look after look, by id."""
    return views(record, DESCRIBE_SERVERS, "sourceServerID")


def initiated(server: Json) -> Json:
    """Return what a source server shows of the begin of its last launch; nothing where it shows nothing."""
    found: Json = ((server.get("lifeCycle") or {}).get("lastLaunch") or {}).get("initiated") or {}
    return found


def reports_instance(server: Json) -> bool:
    """Return whether a source server lets on that it has, or had, an instance."""
    return bool(server.get("recoveryInstanceId") or initiated(server).get("type"))


def reports(server: Json, instance: Json) -> bool:
    """Return whether a source server lets on that it has this very instance."""
    named = server.get("recoveryInstanceId") == instance["recoveryInstanceID"]
    return named or (initiated(server).get("jobID") or "none") == instance.get("jobID")


def some_drill_instances(record: DrillRecord) -> dict[str, list[tuple[Read, Json]]]:
    """Return the drill's instances; raise NotSeenError where none was shown."""
    found = drill_instances(record)
    if not found:
        raise NotSeenError("DRS showed no instance of the drill")
    return found


def launched(record: DrillRecord) -> list[tuple[str, str]]:
    """Return the servers that DRS called launched, each with its job; raise NotSeenError where there are none."""
    ours = drill_jobs(record, LAUNCH)
    found = {
        (job_id, member["sourceServerID"])
        for job_id, reported in views(record, DESCRIBE_JOBS, "jobID").items()
        for _, item in reported
        for member in item.get("participatingServers") or ()
        if job_id in ours and member.get("launchStatus") == LAUNCHED
    }
    if not found:
        raise NotSeenError("the drill launched no server")
    return sorted(found)


def automations(record: DrillRecord) -> dict[str, tuple[str | None, str]]:
    """Return the automations of the drill's steps by the key of their tag: the Region of each, and its id."""
    found = {}
    for number, wave in enumerate((record.execution or {}).get("waves", ()), start=1):
        counted: Counter[str] = Counter()
        for step in wave.get("steps", ()):
            phase = str(step["phase"]).lower()
            counted[phase] += 1
            if step.get("automationExecutionId"):
                identifier = step_id(str(record.execution_id), number, phase, counted[phase], 1)
                found[tag_key(identifier)] = (wave.get("region"), str(step["automationExecutionId"]))
    return found


def all_jobs(evidence: Evidence) -> list[Json]:
    """Return every job that was reported, the drill's as it was reported last; raise NotSeenError where nothing was."""
    found: dict[str, Json] = {}
    if evidence.drill is not None:
        found = {**drill_jobs(evidence.drill, LAUNCH), **drill_jobs(evidence.drill, TERMINATE)}
    if evidence.jobs.value is not None:
        found = {**{job["jobID"]: job for job in evidence.jobs.value}, **found}
    if not found:
        raise NotSeenError(_reason(evidence.jobs, "this account has no DRS job yet"))
    return list(found.values())


def all_logs(evidence: Evidence) -> dict[str, list[Json]]:
    """Return every job's log that was read; raise NotSeenError where none was."""
    found = {**(evidence.logs.value or {}), **(evidence.drill.logs if evidence.drill else {})}
    if not found:
        raise NotSeenError(_reason(evidence.logs, "no job has a log yet"))
    return found


def all_instances(evidence: Evidence) -> list[Json]:
    """Return every recovery instance as it was reported while it lived; raise NotSeenError where none was."""
    found = {item["recoveryInstanceID"]: item for item in evidence.instances.value or () if is_alive(item)}
    for name, reported in (drill_instances(evidence.drill) if evidence.drill else {}).items():
        alive = [item for _, item in reported if is_alive(item)]
        if alive:
            found[name] = alive[-1]
    if not found:
        raise NotSeenError(_reason(evidence.instances, "no recovery instance is there"))
    return list(found.values())


def is_alive(instance: Json) -> bool:
    """Return whether DRS calls an instance anything but gone."""
    return instance.get("ec2InstanceState") not in GONE


def members(jobs: Iterable[Json], kind: str = LAUNCH) -> Iterator[tuple[Json, Json]]:
    """Return the participating servers of jobs of a kind, each with its job."""
    return (
        (job, member) for job in jobs if job.get("type") == kind for member in job.get("participatingServers") or ()
    )


def created_at(job: Json) -> datetime:
    """Return when a job was made; raise NotSeenError where DRS does not say."""
    found = known_time(job.get("creationDateTime"))
    if found is None:
        raise NotSeenError(f"{job.get('jobID')} has no creationDateTime")
    return found


def states(evidence: Evidence) -> Mapping[str, str]:
    """Return the states of EC2 instances, the drill's among them as they were reported last."""
    found = dict(evidence.ec2_states.value or {})
    if evidence.drill is not None:
        for read in evidence.drill.of(DESCRIBE_EC2):
            found |= {item["InstanceId"]: item["State"] for item in read.items or ()}
    return found


def _reason(known: Known[Any], otherwise: str) -> str:
    return known.gap if known.value is None else otherwise
