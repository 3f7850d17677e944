"""How recovery instances end: in a job of their own, or when a new launch of their server takes their place."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from drs_simulator.clockwork.timeline import Timeline
from drs_simulator.drs.jobs import begin, done, log_cleanup, must_be_free
from drs_simulator.drs.model import JobType, LaunchStatus, Participant
from drs_simulator.errors import conflict

if TYPE_CHECKING:
    from datetime import datetime

    from drs_simulator.drs.fleet import Fleet
    from drs_simulator.drs.model import Job, RecoveryInstance


def start_termination(fleet: Fleet, instances: list[RecoveryInstance]) -> Job:
    """Start a TERMINATE job; raise ApiError for an instance that may not be ended, a busy server, or a quota."""
    for instance in instances:
        _must_be_terminable(instance)
    must_be_free(instance.server for instance in instances)
    fleet.world.quotas.admit(fleet.account, fleet.active_jobs(), len(instances), launch=False)
    participants = [
        Participant(instance.server, instance_id=Timeline(instance.recovery_instance_id)) for instance in instances
    ]
    job = fleet.open_job(JobType.TERMINATE, participants, {}, drill=False)
    timing = fleet.world.timing
    end = job.created_at + timing.termination()
    start = job.created_at + timing.pending(timing.termination())
    begin(fleet, job, start)
    for participant, instance in zip(participants, instances, strict=True):
        fleet.world.agenda.add(start, partial(_shut_down, fleet, job, participant, instance))
        fleet.world.agenda.add(end, partial(_terminated, fleet, job, participant, instance))
    return job


def _must_be_terminable(instance: RecoveryInstance) -> None:
    if instance.is_in_failback:
        why = "is in failback"
    elif not instance.record.terminable:
        why = "cannot be terminated in its current state"
    else:
        return
    identifier = instance.recovery_instance_id
    raise conflict(f"Recovery instance {identifier} {why}", identifier, "AWS::DRS::RecoveryInstance")


def begin_cleanup(fleet: Fleet, job: Job, instance: RecoveryInstance, at: datetime) -> None:
    """Begin to end an instance; EC2 refuses one that is protected."""
    log_cleanup(job, at, "CLEANUP_START", instance)
    if not instance.ec2.protected:
        fleet.ec2.shut_down(instance.ec2, at)


def end_cleanup(fleet: Fleet, job: Job, instance: RecoveryInstance, at: datetime) -> bool:
    """End an instance and forget it; returns whether EC2 let it go."""
    if instance.ec2.protected:
        reason = (
            f"OperationNotPermitted: The instance '{instance.recovery_instance_id}' may not be terminated. "
            "Modify its 'disableApiTermination' instance attribute and try again."
        )
        log_cleanup(job, at, "CLEANUP_FAIL", instance, reason)
        return False
    fleet.ec2.terminate(instance.ec2, at)
    fleet.forget_instance(instance, at)
    log_cleanup(job, at, "CLEANUP_END", instance)
    return True


def _shut_down(fleet: Fleet, job: Job, participant: Participant, instance: RecoveryInstance, at: datetime) -> None:
    participant.launch_status.set(LaunchStatus.IN_PROGRESS, at)
    begin_cleanup(fleet, job, instance, at)


def _terminated(fleet: Fleet, job: Job, participant: Participant, instance: RecoveryInstance, at: datetime) -> None:
    gone = end_cleanup(fleet, job, instance, at)
    participant.launch_status.set(LaunchStatus.TERMINATED if gone else LaunchStatus.FAILED, at)
    done(fleet, job, participant, at)
