"""Keys of the single table and of its indexes. No other module builds one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wavebreak.domain.executions.machine_runs import Machine

if TYPE_CHECKING:
    from wavebreak.site import Site

META: Final = "META"
DOCUMENT: Final = "DOCUMENT"
EVENT_PREFIX: Final = "EVENT#"
CURSOR: Final = "CURSOR"
TOKEN: Final = "TOKEN"  # noqa: S105  the name of an item, not a secret
TERMINATION_TOKEN: Final = "TOKEN#TERMINATION"  # noqa: S105  the name of an item, not a secret
STATE_FROM: Final = "JOB#"
"""JOB, META, TOKEN and WAVE items sort from here on; the command runs that have not ended, the cursor of the
notifications, the frozen document and the audit trail sort before it."""
PLAN: Final = "PLAN"
LOCK: Final = "LOCK"
LAST_VERSION: Final = "LAST_VERSION"
"""Of a plan that was deleted: the next one of its id goes on counting from there."""
KEY: Final = "KEY"
RESOLVED_PREFIX: Final = "RESOLVED#"
JOB_LOG_PREFIX: Final = "DRSLOG#"
EVIDENCE: Final = "EVIDENCE"
PROGRESS: Final = "ASKED"
"""Like the job logs these sort before what a round of the machines reads."""
CHECK_PREFIX: Final = "CHECK#"

TARGET_PREFIX: Final = "TARGET#"
COMMAND_PREFIX: Final = "COMMAND#"
LATE_PREFIX: Final = "LATE#"
TURNS: Final = "TURNS"
"""How many targets of a command run have been taken, and by which run of its machine."""
MAX_NUMBER: Final = 999_999
"""The largest number that the sort key of a target holds."""

SWEEP: Final = "SWEEP"
"""Partition of what the regular sweep remembers from one time to the next."""
FAILED_EVENTS: Final = "FAILED_EVENTS"

LISTING_INDEX: Final = "listing"
PLAN_INDEX: Final = "byPlan"
ACTIVE_INDEX: Final = "active"
JOB_INDEX: Final = "byJob"
OUTBOX_INDEX: Final = "outbox"
DUE_INDEX: Final = "due"

EXECUTIONS_LIST: Final = "EXECUTIONS"
PLANS_LIST: Final = "PLANS"
ACTIVE_LIST: Final = "ACTIVE"
ACTIVE_COMMANDS: Final = "ACTIVE_COMMANDS"
ACTIVE_STEPS: Final = "ACTIVE_STEPS"
OUTBOX_LIST: Final = "OUTBOX"
SCHEDULE: Final = "SCHEDULE"
SCHEDULE_LEASE: Final = "SCHEDULE#LEASE"
SCHEDULES: Final = "SCHEDULES"
"""What the index of due things finds plans by whose schedule is not yet as they say."""
READINESS: Final = "READINESS"
READINESS_DUE: Final = "READINESS#DUE"
READINESS_LEASE: Final = "READINESS#LEASE"
READINESS_BASELINE: Final = "READINESS#BASELINE"
CHECKED_PREFIX: Final = "CHECKED#"
CHECKS_DUE: Final = "CHECKS_DUE"
"""What the index of due things finds plans by that are to be checked."""
KNOWN_TO_CHECKS: Final = "KNOWN_TO_CHECKS"
"""Beside what the sweep remembers: that the plans of an earlier release were made due."""
NOT_READY: Final = "NOT_READY"
"""What it finds those by that are not ready."""
LEASES: Final = "LEASES"
"""What the index of due things finds drills by whose lease has something to do."""
TEMPLATE: Final = "TEMPLATE"
"""Sort key, beside a server's lock, of the change of its launch template by a drill."""
TEMPLATES: Final = "TEMPLATES"
"""What the index of due things finds servers by whose launch template is changed."""
EVIDENCE_OWED: Final = "EVIDENCE"
"""What the outbox index finds executions by whose report is to be written."""


def wake_token(machine: Machine) -> str:
    """Sort key of the wake token of one of an execution's machines."""
    return TOKEN if machine is Machine.RECOVERY else TERMINATION_TOKEN


def execution(execution_id: str) -> str:
    """Partition of an execution."""
    return f"EXEC#{execution_id}"


def execution_id_of_key(pk: str) -> str:
    """Read an execution's id from its partition."""
    return pk.removeprefix("EXEC#")


def plan(plan_id: str) -> str:
    """Partition of a plan."""
    return f"PLAN#{plan_id}"


def plan_id_of(pk: str) -> str:
    """Read a plan's id from its partition."""
    return pk.removeprefix("PLAN#")


def scheduled(moment: str) -> str:
    """Sort key of what became of a scheduled time of a plan."""
    return f"SCHEDULED#{moment}"


def checked(moment: str) -> str:
    """Sort key of what a scheduled check of a plan found."""
    return f"{CHECKED_PREFIX}{moment}"


def resolved(version: int) -> str:
    """Sort key of what the selectors of a version of a plan last resolved to."""
    return f"{RESOLVED_PREFIX}{version:06d}"


def wave(number: int) -> str:
    """Sort key of a wave."""
    return f"WAVE#{number:03d}"


def servers(number: int, chunk: int) -> str:
    """Sort key of a hundred servers of a wave, counted from 1."""
    return f"WAVE#{number:03d}#SERVERS#{chunk:02d}"


def job(key: tuple[int, int, int]) -> str:
    """Sort key of a DRS call: wave, attempt, batch."""
    return f"JOB#{key[0]:03d}#{key[1]}#{key[2]:03d}"


def job_log(job_id: str) -> str:
    """Sort key of the log of a DRS job."""
    return f"{JOB_LOG_PREFIX}{job_id}"


def check(wave: int, position: int, run: int, number: int) -> str:
    """Sort key of a check execution: of which wave and check, of which run of it, and over which of its targets."""
    return f"{CHECK_PREFIX}{wave:03d}#{position:02d}#{run:04d}#{number:04d}"


def event(sequence: int) -> str:
    """Sort key of an event of the audit trail."""
    return f"{EVENT_PREFIX}{sequence:06d}"


def sequence_of(event_key: str) -> int:
    """Read the number of an event from its sort key."""
    return int(event_key.removeprefix(EVENT_PREFIX))


def command(command_id: str) -> str:
    """Partition of a command run."""
    return f"CMD#{command_id}"


def step(step_id: str) -> str:
    """Partition of a run of an automation or function step."""
    return f"STEP#{step_id}"


def target(number: int) -> str:
    """Sort key of a target of a command run, counted from 1."""
    return f"{TARGET_PREFIX}{number:06d}"


def request(digest: str) -> str:
    """Partition of a request with an Idempotency-Key."""
    return f"KEY#{digest}"


def running_command(command_id: str) -> str:
    """Sort key of the mark by which an execution knows a command run that has not ended."""
    return f"{COMMAND_PREFIX}{command_id}"


def late(number: int) -> str:
    """Sort key of the mark by which a postponed target is found, counted from 1."""
    return f"{LATE_PREFIX}{number:06d}"


def server(site: Site, source_server_id: str) -> str:
    """Partition of a source server's lock."""
    return f"SERVER#{site.account_id or '-'}#{site.region or '-'}#{source_server_id}"


def sort_of_id(execution_id: str) -> str:
    """Return the part of an id that sorts by time: the ULID of an execution or command run, and what follows it."""
    return execution_id.partition("-")[2]
