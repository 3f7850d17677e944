"""What was seen of an account: answers as they came, each with why it is missing where it is, and a drill's record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from wavebreak.aws_error_codes import DENIED
from wavebreak.resilience.aws_errors import error_code, is_denied, status_of
from wavebreak.timing import Timing, iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

Json: TypeAlias = dict[str, Any]
T = TypeVar("T")


class NotSeenError(Exception):
    """Nothing was seen that a behaviour could be judged by; the message says why."""


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """Something that was asked for: what came, or why nothing did."""

    value: T | None = None
    gap: str = "not asked for"

    def get(self) -> T:
        """Return it; raise NotSeenError where it is missing."""
        if self.value is None:
            raise NotSeenError(self.gap)
        return self.value

    def document(self) -> Any:
        """Return the report as JSON."""
        return {"missing": self.gap} if self.value is None else self.value


def asked(operation: str, call: Callable[[], T]) -> Known[T]:
    """Ask for something; a missing right, or any other trouble, is kept in place of an answer."""
    try:
        return Known(call())
    except ClientError as error:
        if is_denied(error):
            return Known(gap=f"no permission: {operation}")
        return Known(gap=f"{operation}: {error_code(error)}: {error.response.get('Error', {}).get('Message', '')}")
    except BotoCoreError as error:
        return Known(gap=f"{operation}: {error}")


@dataclass(frozen=True, slots=True)
class Probe:
    """How a call went that was made to see just that: the error's code and words, or how many items came."""

    code: str | None = None
    status: int = 200
    message: str = ""
    items: int = 0

    @property
    def denied(self) -> bool:
        """Whether a right was missing, so that the call says nothing about the service."""
        return self.code in DENIED


def probed(call: Callable[[], Iterable[Any]]) -> Probe:
    """Make a call to see how it goes; raise BotoCoreError where there is no answer."""
    try:
        return Probe(items=sum(1 for _ in call()))
    except ClientError as error:
        reported = error.response.get("Error", {})
        return Probe(error_code(error), status_of(error), str(reported.get("Message", "")))


@dataclass(slots=True)
class Read:
    """An answer of a service in a drill: when it was first given, and until when the same came again and again."""

    at: datetime
    until: datetime
    operation: str
    region: str
    items: list[Json] | None
    """None where the call failed; `trouble` says how."""
    trouble: str | None = None

    def document(self) -> Json:
        """Return the report as JSON."""
        found = {"at": iso(self.at), "until": iso(self.until), "operation": self.operation, "region": self.region}
        return {**found, "trouble": self.trouble} if self.items is None else {**found, "items": self.items}


@dataclass(slots=True)
class DrillRecord:
    """What was seen beside a drill of the plan, from before its start until nothing of it was left."""

    servers: frozenset[str]
    execution_id: str | None = None
    started_at: datetime | None = None
    terminate_asked_at: datetime | None = None
    execution: Json | None = None
    """The execution as the product told it last."""
    reads: list[Read] = field(default_factory=list)
    logs: dict[str, list[Json]] = field(default_factory=dict)
    """The items of each job's log, as they were when everything was over."""
    earlier: dict[str, str] = field(default_factory=dict)
    """Instances of the servers that earlier drills left, by id, with their server."""
    left: dict[str, str] = field(default_factory=dict)
    """Instances that could not be ended, with why."""
    launch_events: Known[list[Json]] = field(default_factory=Known)
    """What the function that takes in launch events logged of the drill's jobs."""
    history: Known[list[Json]] = field(default_factory=Known)
    """The events of the recovery machine's first run."""
    calls_of_drs: Known[list[Json]] = field(default_factory=Known)
    """What CloudTrail has of calls that DRS made in the functions' names."""
    log_streams: Known[list[Json]] = field(default_factory=Known)
    """For each command of the drill, the streams that its output was put on."""
    terminated_again: Known[Probe] = field(default_factory=Known)
    """A call that ends an instance once more that is gone."""

    def of(self, operation: str) -> Iterator[Read]:
        """Return the looks of an operation that were answered, in the order of their moments."""
        return (read for read in self.reads if read.operation == operation and read.items is not None)

    def document(self) -> Json:
        """Return the report as JSON."""
        return {
            "executionId": self.execution_id,
            "startedAt": self.started_at and iso(self.started_at),
            "terminateAskedAt": self.terminate_asked_at and iso(self.terminate_asked_at),
            "execution": self.execution,
            "earlierInstances": self.earlier,
            "left": self.left,
            "launchEvents": self.launch_events.document(),
            "callsOfDrs": self.calls_of_drs.document(),
            "logStreams": self.log_streams.document(),
            "logs": self.logs,
            "looks": [read.document() for read in self.reads],
        }


@dataclass(slots=True)
class Evidence:
    """Everything that the checks judge by."""

    at: datetime
    timing: Timing = field(default_factory=Timing)
    local: bool = False
    jobs: Known[list[Json]] = field(default_factory=Known)
    """Jobs of the account in the plan's Regions."""
    jobs_since: Known[list[Json]] = field(default_factory=Known)
    """What DescribeJobs gives from the moment on at which the newest of these was made."""
    logs: Known[dict[str, list[Json]]] = field(default_factory=Known)
    """The logs of some ended jobs, the oldest one's among them, by job."""
    source_servers: Known[list[Json]] = field(default_factory=Known)
    instances: Known[list[Json]] = field(default_factory=Known)
    snapshots: Known[dict[str, list[Json]]] = field(default_factory=Known)
    """Recovery points of some servers, asked for in descending order."""
    ec2_states: Known[dict[str, str]] = field(default_factory=Known)
    """The states of the recovery instances' EC2 instances."""
    requests: Known[dict[str, Probe]] = field(default_factory=Known)
    """How DRS answered to requests in the form that the product makes them."""
    unknown_ids: Known[dict[str, Probe]] = field(default_factory=Known)
    """How services answered to ids that they do not know."""
    quotas: Known[dict[str, float]] = field(default_factory=Known)
    """AWS's defaults of the quotas of DRS, by code."""
    definitions: Known[dict[str, Json]] = field(default_factory=Known)
    """What Step Functions says of the deployed definitions, by machine."""
    concurrency: Known[int] = field(default_factory=Known)
    names: Known[dict[str, str]] = field(default_factory=Known)
    """Physical names of the stack's functions and roles, by logical id."""
    stack_name: str = ""
    refusals: Known[list[Json]] = field(default_factory=Known)
    """The gateway's own answers: `{what, status, contentType, code}`."""
    denied: Known[list[str]] = field(default_factory=Known)
    """Calls of the product that IAM's simulation of its roles does not allow; empty is none."""
    simulated: int = 0
    """How many calls were simulated."""
    renew_after_rounds: int = 0
    drill: DrillRecord | None = None

    def document(self) -> Json:
        """Write what the judgements rest on as JSON."""
        answers = (
            "jobs",
            "jobs_since",
            "logs",
            "source_servers",
            "instances",
            "snapshots",
            "ec2_states",
            "quotas",
            "refusals",
        )
        found: Json = {name: getattr(self, name).document() for name in (*answers, "denied", "concurrency")}
        return {**found, "drill": self.drill and self.drill.document()}
