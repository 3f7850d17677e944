"""Keeps drills off servers that were recovered for good: a launch ends the earlier instance of its server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from botocore.exceptions import ClientError

from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.parallel_reads import Asking, questions_of_servers
from wavebreak.aws.reads_by_id import partly
from wavebreak.domain.drs import DESCRIBE_INSTANCES, NOT_FOUND, START_RECOVERY, Trouble
from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.executions.model.jobs import JobKind
from wavebreak.domain.readiness.checks import in_the_way_of_a_drill
from wavebreak.problems import ServerBusy, Unavailable
from wavebreak.resilience.aws_errors import may_be_of_subjects, words_of
from wavebreak.store import keys
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from wavebreak.domain.drs import Instance, RecentJob, SourceServer
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.ports.capabilities import HasBriefDrs, HasExecutions
    from wavebreak.ports.drs import DrsInstances

    class Ports(HasBriefDrs, HasExecutions, Protocol):
        """What the guard of drills needs."""


_RECOVERY: Final = "RECOVERY"
_TERMINATED: Final = "TERMINATED"
_UNSEEN: Final = "Waits for DRS to show what the recovery job {} has just launched, which a drill would end"
_GONE_ONCE: Final = "Its recovered instance {} is not shown by EC2; looked at again before a drill may replace it"


class Spared(Value):
    """Servers that a drill must not launch: those that have failed by it, and those to be read again."""

    refused: Mapping[str, str]
    waiting: Mapping[str, str]


def spare_recoveries(app: Ports, execution: Execution) -> None:
    """Refuse a drill that would end an instance which a RECOVERY launched; a recovery itself is never held up.

    Raise ServerBusy naming server, instance and, where it is ours, execution. While DRS does not report what runs, a
    drill is not worth the risk: Unavailable.
    """
    if execution.mode is not Mode.DRILL:
        return
    servers = execution.servers_by_site()
    try:
        adapters = {site: app.brief_drs_at(site) for site in servers}
    except UnsupportedSiteError as error:
        raise Unavailable(f"A drill needs to look at DRS before it starts: {error}") from error
    # A server that DRS does not report waits just before its launch, where this is asked again.
    questions = questions_of_servers(
        DESCRIBE_INSTANCES, servers, adapters.__getitem__, lambda drs, ids: drs.instances(ids)
    )
    for answer in Asking().all(list(questions)):
        if isinstance(answer, Trouble):
            raise Unavailable(
                "A drill ends the earlier instances of its servers, and DRS does not report whether a recovery "
                f"launched them ({answer.operation}: {answer.reason}); it was not started"
            )
        recovered = in_the_way_of_a_drill(answer)
        if recovered is not None:
            raise _busy(app, recovered)


def _busy(app: Ports, instance: Instance) -> ServerBusy:
    server, identifier = instance.source_server_id, instance.recovery_instance_id
    item = app.executions.job_item(instance.job_id) if instance.job_id else None
    execution_id = keys.execution_id_of_key(item[0]) if item else None
    launcher = execution_id or "a recovery outside of Wavebreak"
    return ServerBusy(
        f"Server {server} runs as {identifier}, launched by {launcher}: a drill would end that instance",
        sourceServerId=server,
        recoveryInstanceId=identifier,
        executionId=execution_id,
    )


def spared(
    drs: DrsInstances,
    servers: Mapping[str, SourceServer],
    recent: Sequence[RecentJob],
    errors_before: Mapping[str, str | None],
    since: datetime,
) -> Spared:
    """Return the servers that a drill must not launch now, just before it would (contract 2).

    Takes what DRS showed of the batch's servers and of the jobs of the last days, and what each server says that it
    waits for. Instances are asked for only where one of these says that there may be one; whom DRS does not report
    waits, and what keeps it from telling of anybody passes through: the drill does not start. What a recovery job that
    ended after `since`, or that does not say when it ended, launched may not show yet: its servers wait.
    """
    recovering = {
        server: job.job_id
        for job in recent
        if recovers(job) and not job.ended
        for server in job.servers & servers.keys()
    }
    refused = {
        name: f"SERVER_BUSY: it is in recovery job {job_id}, and a drill would end what that launches"
        for name, job_id in recovering.items()
    }
    launched = frozenset().union(*(job.servers for job in recent if recovers(job)))
    asked = [
        name
        for name, server in servers.items()
        if name not in refused and (server.recovery_instance_id or server.last_launch == _RECOVERY or name in launched)
    ]
    waiting = {
        name: why
        for job in recent
        if recovers(job) and job.ended and (job.ended_at is None or job.ended_at > since)
        for name in job.servers & servers.keys()
        # DRS need not say when a job ended: then one more look, a while later, has to do.
        if (why := _UNSEEN.format(job.job_id)) != errors_before.get(name) or job.ended_at is not None
    }
    shown, unreported = _shown(drs, asked, alone=len(asked) < len(servers))
    waiting |= unreported
    for instance in _recovered(shown):
        name = instance.source_server_id
        once = _GONE_ONCE.format(instance.recovery_instance_id)
        if instance.state != NOT_FOUND:
            refused[name] = (
                f"SERVER_BUSY: it runs as {instance.recovery_instance_id}, launched by a recovery: a drill would end "
                "that instance"
            )
        elif errors_before.get(name) != once:
            waiting[name] = once
    return Spared(refused, {name: why for name, why in waiting.items() if name not in refused})


def _shown(drs: DrsInstances, asked: Sequence[str], *, alone: bool) -> tuple[list[Instance], dict[str, str]]:
    """Ask for instances, and for why DRS does not report some; `alone` when the batch has others that need no look."""
    if not asked:
        return [], {}
    try:
        return partly(lambda: drs.every_instance(asked))
    except ClientError as error:
        if not alone or not may_be_of_subjects(error):
            raise
        return [], dict.fromkeys(asked, f"{DESCRIBE_INSTANCES}: {words_of(error)}")


def recovers(job: RecentJob) -> bool:
    """Return whether a job launches servers for good."""
    return job.kind == JobKind.LAUNCH and job.initiated_by == START_RECOVERY


def _recovered(instances: Iterable[Instance]) -> Iterable[Instance]:
    return (instance for instance in instances if not instance.is_drill and instance.state != _TERMINATED)
