"""One round of a termination: what is left of an execution's instances, and what follows."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.ec2.instances import DESCRIBE_EC2_INSTANCES
from wavebreak.aws.parallel_reads import Asking, Question
from wavebreak.aws.reads_by_id import partly
from wavebreak.domain.drs import Trouble
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.ending import calls, termination
from wavebreak.domain.executions.ending.termination import TerminationDirective
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.observing.instances import Ec2Answer, TerminationObservation
from wavebreak.observability.metrics import Metric
from wavebreak.problems import Unavailable
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.resilience.lost_races import retry_lost_races
from wavebreak.store import keys
from wavebreak.use_cases.machine_round import NEVER, Round, RoundDirective, observe_jobs, sites_of
from wavebreak.use_cases.termination.server_holders import holders
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from wavebreak.aws.parallel_reads import Sites
    from wavebreak.domain.drs import Instance
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.jobs import Job
    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.ports.capabilities import HasEc2, HasExecutions, HasLocks, HasMeter, HasWakes
    from wavebreak.ports.drs import DrsJobs, DrsReads
    from wavebreak.site import Site
    from wavebreak.use_cases.machine_round import Ports as MachineRoundPorts

    class Ports(MachineRoundPorts, HasEc2, HasExecutions, HasLocks, HasMeter, HasWakes, Protocol):
        """What observing a termination needs."""


_EC2_WORDS: Final = 200
"""Characters kept of why EC2 refuses to report: it may add an encoded message of thousands."""


def observe(app: Ports, execution_id: str, run: int) -> Round:
    """Do one round of a termination; at its end the plan and the servers are free again."""

    def attempt() -> Round:
        snapshot = app.executions.latest.load(execution_id)
        execution, mark = snapshot.execution, snapshot.termination_token.mark
        if snapshot.termination_token.run > run:
            return Round(RoundDirective.STAND_DOWN, NEVER, run)
        now = app.now()
        observation = _observed(app, execution, now)
        after, directive = termination.decide(execution, observation, now, app.timing)
        saved = app.executions.save(execution, after, Attribution(ENGINE_ACTOR, now))
        app.meter.add(Metric.POLLS)
        if directive is TerminationDirective.FINISH and not saved.holds_locks:
            app.locks.release_servers(saved)
        if directive is not TerminationDirective.SLEEP:
            app.wakes.leave_directive(execution_id, keys.TERMINATION_TOKEN, app.now())
        return Round(directive, mark, run)

    return retry_lost_races(f"Execution {execution_id}", attempt, app.executions.pause)


def _observed(app: Ports, execution: Execution, now: datetime) -> TerminationObservation:
    """Read jobs and instances, and ask EC2 and the locks only for what they do not show."""
    sites = sites_of(app)
    jobs = observe_jobs(app, execution.jobs, sites)
    intents = termination.open_intents(execution)
    if intents:
        jobs = replace(jobs, found=_find_lost_jobs(execution, intents, sites))
    wanted = {wave.site: calls.servers_at(execution, wave.site) for wave in execution.waves}
    questions = {site: partial(_shown, servers) for site, servers in wanted.items() if servers}
    answers = sites.ask("recovery instances", questions).values()
    instances = tuple(each for shown, _ in answers for each in shown)
    unreported = {name: words for _, some in answers for name, words in some.items()}
    seen = TerminationObservation(jobs, instances, frozenset(sites.failed), unreported, sites.failed)
    doubts = termination.in_doubt(execution, seen, now, app.timing)
    due: dict[Site, list[Server]] = defaultdict(list)
    # By this look: what it shows again is due, and what was so by the last one may not be.
    for wave, server in termination.due_after(execution, seen, now, app.timing):
        due[wave.site].append(server)
    held = [holders(app, execution.execution_id, site, servers) for site, servers in due.items()]
    return replace(
        seen,
        ec2=_asked_of_ec2(app, doubts),
        logged=_logged(execution, doubts, sites),
        held={server: holder for some in held for server, holder in some.items()},
    )


def _find_lost_jobs(
    execution: Execution, intents: Iterable[Job], sites: Sites[DrsReads]
) -> dict[tuple[int, int, int], str]:
    """Return the jobs of calls without a known job, found by their tags in one call of each site."""
    unknown: dict[Site, list[Job]] = defaultdict(list)
    for job in intents:
        unknown[job.site].append(job)
    questions = {site: partial(_found, execution.execution_id, jobs) for site, jobs in unknown.items()}
    by_site = sites.ask("jobs of intents", questions).values()
    return {key: job_id for found in by_site for key, job_id in found.items()}


def _found(execution_id: str, jobs: list[Job], drs: DrsJobs) -> dict[tuple[int, int, int], str]:
    return drs.find_launches(execution_id, jobs)


def _shown(servers: list[str], drs: DrsReads) -> tuple[list[Instance], dict[str, str]]:
    return partly(lambda: drs.every_instance(servers))


def _asked_of_ec2(app: Ports, doubts: Iterable[tuple[Wave, Server]]) -> dict[str, Ec2Answer]:
    """Ask EC2 what became of instances that DRS no longer shows; what it does not answer is asked for again."""
    wanted: dict[Site, list[str]] = defaultdict(list)
    for wave, server in doubts:
        if server.recovery_instance_id is not None:
            wanted[wave.site].append(server.recovery_instance_id)
    asked: dict[Site, Question] = {}
    for site, instances in wanted.items():
        try:
            asked[site] = Question(DESCRIBE_EC2_INSTANCES, partial(app.ec2_at(site).states, instances), site)
        except (*FAULTS, UnsupportedSiteError) as error:
            app.errors.record_error(error, Severity.WARNING, question=DESCRIBE_EC2_INSTANCES, site=str(site))
    answers: dict[str, Ec2Answer] = {}
    for site, answer in zip(asked, Asking().all(list(asked.values())), strict=True):
        if isinstance(answer, Trouble):
            unanswered = Unavailable(f"{answer.operation}: {answer.reason}")
            app.errors.record_error(unanswered, Severity.WARNING, question=answer.operation, site=str(site))
        for instance in wanted[site]:
            if not isinstance(answer, Trouble):
                answers[instance] = Ec2Answer(answer.get(instance))
            elif answer.denied:
                answers[instance] = Ec2Answer(refusal=answer.reason[:_EC2_WORDS])
    return answers


def _logged(
    execution: Execution, doubts: Iterable[tuple[Wave, Server]], sites: Sites[DrsReads]
) -> dict[str, str | None]:
    """Read from the logs of launch jobs the instances that they launched for servers where DRS does not show it."""
    unnamed: dict[Site, set[str]] = defaultdict(set)
    for wave, server in doubts:
        if server.recovery_instance_id is None:
            unnamed[wave.site].add(server.source_server_id)
    jobs = {
        site: [job.job_id for job in execution.launch_jobs() if job.job_id and not names.isdisjoint(job.subjects)]
        for site, names in unnamed.items()
    }
    by_site = sites.ask("logs of launch jobs", {site: partial(_launched_by, ids) for site, ids in jobs.items()})
    return {name: launched.get(name) for site, launched in by_site.items() for name in unnamed[site]}


def _launched_by(job_ids: list[str], drs: DrsJobs) -> dict[str, str]:
    return {server: instance for job_id in job_ids for server, instance in drs.job_log(job_id).instances.items()}
