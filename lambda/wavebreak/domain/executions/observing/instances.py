"""What one read of DRS and EC2 means for an execution's recovery instances.

An instance is gone when DRS shows it TERMINATED, or in two reads a minute apart does not show it (NOT_FOUND is not
shown). It counts as terminated when it is gone after a terminate job of ours, a later launch replaced it, or EC2 has
terminated it or does not know it. Gone otherwise, it is unknown (contract 2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wavebreak.domain.drs import NOT_FOUND
from wavebreak.domain.executions.model.jobs import Job, JobKind, JobState
from wavebreak.domain.executions.model.servers import LaunchStatus, Server
from wavebreak.domain.executions.model.terminations import EndingOutcome, InstanceEnding
from wavebreak.domain.executions.observing.launches import Observation
from wavebreak.values import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from wavebreak.domain.drs import Instance
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.observing.launches import JobView
    from wavebreak.site import Site
    from wavebreak.timing import Timing

TERMINATED: Final = "TERMINATED"
SHUTTING_DOWN: Final = "SHUTTING-DOWN"
_GONE_FROM_EC2: Final = "terminated"
_GOING_IN_EC2: Final = "shutting-down"
_NAMELESS: Final = "It was launched, and DRS does not show as which instance"
_NEW: Final = InstanceEnding()


class Ec2Answer(Value):
    """What EC2 says of an instance: its state, None for one that it does not know; or why it refuses to report."""

    state: str | None = None
    refusal: str | None = None

    @property
    def is_gone(self) -> bool:
        """Whether the instance no longer runs, nor ever will."""
        return self.refusal is None and self.state in {None, _GONE_FROM_EC2}


class TerminationObservation(Value):
    """One look of a termination: at DRS's jobs and instances, and, where DRS no longer shows one, at EC2."""

    jobs: Observation = field(default_factory=Observation)
    instances: tuple[Instance, ...] = ()
    """All that DRS shows of the source servers that were checked, in any state, launched by anyone."""
    silent: frozenset[Site] = frozenset()
    """The accounts and Regions that did not answer: what is there is not known, and not touched."""
    unreported: Mapping[str, str] = field(default_factory=dict)
    """Why DRS does not report some source servers, by their ids, while it reports others in their site."""
    refusals: Mapping[Site, str] = field(default_factory=dict)
    """What DRS said in those that did not answer what was asked; empty where it said nothing."""
    ec2: Mapping[str, Ec2Answer] = field(default_factory=dict)
    """EC2's answers, by instance id."""
    logged: Mapping[str, str | None] = field(default_factory=dict)
    """Instances that the logs of launch jobs name, by source server id; None where they were read and name none."""
    held: Mapping[str, str] = field(default_factory=dict)
    """The RECOVERY that holds a source server now, by the server's id."""


def is_launched(server: Server) -> bool:
    """Return whether a server has, or had, a recovery instance of this execution, its id known or not."""
    return server.recovery_instance_id is not None or server.launch_status is LaunchStatus.LAUNCHED


def ending_of(server: Server) -> InstanceEnding:
    """Return what is known of the end of a server's instance."""
    return server.ending or _NEW


def terminate_jobs(execution: Execution) -> Iterator[Job]:
    """Return the terminate jobs of the present attempt."""
    return (
        job for job in execution.jobs if job.kind is JobKind.TERMINATE and job.attempt == execution.termination.attempt
    )


def absorb_terminations(execution: Execution, observation: Observation, now: datetime, timing: Timing) -> Execution:
    """Record which terminate jobs have ended, and what DRS says there of each instance.

    A job that DRS does not show may be too young; one that it does not show after a minute has ended.
    """
    after = execution
    for job in terminate_jobs(execution):
        if job.state is not JobState.STARTED or job.job_id is None:
            continue
        view = observation.jobs.get(job.job_id)
        if view is not None:
            after = _with_reports(after, job, view)
        lost = job.job_id in observation.missing and now >= job.intended_at + timing.second_read
        if lost or (view is not None and view.completed):
            after = after.with_job(replace(job, state=JobState.ENDED, ended_at=now))
    return after


def _with_reports(execution: Execution, job: Job, view: JobView) -> Execution:
    subjects = frozenset(job.subjects)

    def change(server: Server) -> Server:
        seen = view.servers.get(server.source_server_id)
        if server.recovery_instance_id not in subjects or seen is None:
            return server
        if seen.recovery_instance_id not in {None, server.recovery_instance_id}:
            return server
        if seen.launch_status not in {LaunchStatus.TERMINATED, LaunchStatus.FAILED}:
            return server
        shown_terminated = seen.launch_status is LaunchStatus.TERMINATED
        return replace(server, ending=replace(ending_of(server), reported_terminated=shown_terminated))

    return execution.with_waves(wave.with_servers(change) for wave in execution.waves)


class ObservedInstances:
    """One look, laid out so that each server finds its own part of it."""

    def __init__(self, execution: Execution, observation: TerminationObservation) -> None:
        """Keep what is stored and what was seen."""
        self.observation = observation
        self.ours = frozenset(job.job_id for job in execution.launch_jobs() if job.job_id)
        self.shown = {each.recovery_instance_id: each for each in observation.instances if each.state != NOT_FOUND}
        self.ended_by_us = frozenset(
            subject
            for job in execution.jobs
            if job.kind is JobKind.TERMINATE and job.job_id is not None
            for subject in job.subjects
        )
        self._living: dict[str, list[Instance]] = {}
        self._terminated: dict[str, str] = {}
        for each in self.shown.values():
            if each.state != TERMINATED:
                self._living.setdefault(each.source_server_id, []).append(each)
            elif each.job_id in self.ours:
                self._terminated[each.source_server_id] = each.recovery_instance_id

    def instance_of(self, server: Server) -> Instance | None:
        """Return a server's instance as DRS shows it; None when DRS does not show it, or as another execution's."""
        shown = self.shown.get(server.recovery_instance_id or "")
        return shown if shown is not None and (not shown.job_id or shown.job_id in self.ours) else None

    def named(self, server: Server) -> Server:
        """Learn the instance that a job of ours launched for a server which does not name it."""
        name, living = server.source_server_id, self._living.get(server.source_server_id, [])
        if server.recovery_instance_id in {each.recovery_instance_id for each in living}:
            return server
        found = next((each.recovery_instance_id for each in living if each.job_id in self.ours), None)
        if found is None and server.recovery_instance_id is None:
            found = self._terminated.get(name) or self.observation.logged.get(name)
        return server if found is None else replace(server, recovery_instance_id=found, ending=_kept(server.ending))

    def successor_of(self, server: Server) -> str | None:
        """Return the instance that another caller launched from a server since."""
        for each in self._living.get(server.source_server_id, []):
            if each.job_id and each.job_id not in self.ours:
                return each.recovery_instance_id
        return None


def _kept(ending: InstanceEnding | None) -> InstanceEnding | None:
    """Keep of an ending what is known of the server and not of the instance."""
    return None if ending is None else InstanceEnding(missing_since=ending.missing_since)


def absorb_instances(
    execution: Execution, observation: TerminationObservation, now: datetime, timing: Timing
) -> Execution:
    """Record what a read shows of each instance, in the sites that answered."""
    observed = ObservedInstances(execution, observation)

    def change(server: Server) -> Server:
        known = observed.named(server)
        if not is_launched(known) or ending_of(known).is_over or known.source_server_id in observation.unreported:
            return known
        ending = _seen(known, observed, now, timing)
        return replace(known, ending=None if ending == _NEW else ending)

    answered = (wave for wave in execution.waves if wave.site not in observation.silent)
    return execution.with_waves(wave.with_servers(change) for wave in answered)


def _seen(server: Server, observed: ObservedInstances, now: datetime, timing: Timing) -> InstanceEnding:
    """Return what one read makes of an instance that does not count as terminated yet."""
    ending, shown = ending_of(server), observed.instance_of(server)
    if shown is not None and shown.state == TERMINATED:
        return _over(EndingOutcome.TERMINATED)
    if shown is not None:
        return replace(ending, outcome=None, missing_since=None, reason=None)
    if ending.reported_terminated:
        return _over(EndingOutcome.TERMINATED)
    if ending.missing_since is None:
        return replace(ending, missing_since=now, reason="DRS does not show it; looked for once more")
    if now < ending.missing_since + timing.second_read or ending.outcome is EndingOutcome.UNKNOWN:
        return ending
    return _gone(server, observed)


def _gone(server: Server, observed: ObservedInstances) -> InstanceEnding:
    """Return what became of an instance that DRS no longer shows."""
    ending, instance = ending_of(server), server.recovery_instance_id
    if instance in observed.ended_by_us and ending.reported_terminated is not False:
        return _over(EndingOutcome.TERMINATED)
    answer, successor = observed.observation.ec2.get(instance or ""), observed.successor_of(server)
    if successor is not None and (successor == instance or answer is None or answer.refusal or answer.is_gone):
        return _over(EndingOutcome.REPLACED)
    if answer is not None:
        return _as_ec2_says(ending, answer)
    if instance is None and server.source_server_id in observed.observation.logged:
        return _unknown(ending, _NAMELESS)
    if instance is None:
        return replace(ending, reason=_NAMELESS)
    return replace(ending, reason="DRS no longer shows it, and EC2 does not answer")


def _as_ec2_says(ending: InstanceEnding, answer: Ec2Answer) -> InstanceEnding:
    gone = "DRS no longer shows it, and EC2"
    if answer.is_gone:
        return _over(EndingOutcome.TERMINATED)
    if answer.refusal is not None:
        return _unknown(ending, f"{gone} does not report what became of it: {answer.refusal}")
    if answer.state == _GOING_IN_EC2:
        return replace(ending, reason=f"{gone} is shutting it down")
    return _unknown(ending, f"{gone} has it {answer.state}: end it in EC2 if it is not needed")


def _over(outcome: EndingOutcome) -> InstanceEnding:
    return InstanceEnding(outcome)


def _unknown(ending: InstanceEnding, reason: str) -> InstanceEnding:
    return replace(ending, outcome=EndingOutcome.UNKNOWN, reason=reason)


def is_in_doubt(server: Server, now: datetime, timing: Timing) -> bool:
    """Return whether an instance was missing in two reads, and what is stored does not report what became of it."""
    ending = ending_of(server)
    missing = ending.missing_since
    return (
        is_launched(server) and ending.outcome is None and missing is not None and now >= missing + timing.second_read
    )


def needs_manual_end(ending: InstanceEnding) -> bool:
    """Return whether no other run of the termination can end an instance: it is unknown, or to be ended by hand."""
    return ending.by_hand or ending.outcome is EndingOutcome.UNKNOWN


def reset_endings(execution: Execution, *, notified: bool) -> Execution:
    """Drop of every instance what the next run of a termination is to read again; refusals stay recorded.

    With `notified` it stays recorded, too, what was reported to people as left to them.
    """

    def change(server: Server) -> Server:
        ending = server.ending
        if ending is None or ending.is_over:
            return server
        suspicion = ending.suspicion and replace(ending.suspicion, times=1)
        known = InstanceEnding(
            launched_into=ending.launched_into or None,
            suspicion=suspicion,
            notified=notified and (ending.notified or needs_manual_end(ending)),
        )
        return replace(server, ending=None if known == _NEW else known)

    return execution.with_waves(wave.with_servers(change) for wave in execution.waves)
