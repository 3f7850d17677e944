"""Bad days of AWS Elastic Disaster Recovery."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from tools.chaos import outcomes as judge
from tools.local_stack.product import chain

from wavebreak.timing import parse_iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.chaos.outcomes import Outcome
    from tools.local_stack.product import Product

OPERATIONS: Final = (
    "StartRecovery",
    "TerminateRecoveryInstances",
    "DescribeJobs",
    "DescribeJobLogItems",
    "DescribeSourceServers",
    "DescribeRecoveryInstances",
    "DescribeRecoverySnapshots",
)
OUTAGE_SECONDS: Final = 120
"""Before scaling."""
MOST_PROBES: Final = 6
"""A circuit's window is a quarter of the outage: three probes of readers, of up to two attempts."""
MOST_JOB_READS: Final = 18
"""Each probe that fails asks whether DRS is well, in up to two attempts more; the interval of polls is a quarter of the
outage, too: four polls of the machine, whose circuit no reader opens, of up to three attempts."""

_FOR_EVER: Final = 100_000
_PAUSE_SECONDS: Final = 0.2


@contextmanager
def failing(product: Product, operations: tuple[str, ...], **fault: Any) -> Iterator[None]:
    """Make the simulator answer operations with a fault until the block ends."""
    for operation in operations:
        product.control.fault(operation, count=_FOR_EVER, **fault)
    try:
        yield
    finally:
        product.control.clear_faults()


def _asked(product: Product, plan_id: str, seconds: float) -> tuple[list[bool], datetime | None]:
    """Request a drill again and again; return the answers and when a circuit was first open.

    An answer is as it should be when it is 503 and says when to come again.
    """
    answers: list[bool] = []
    opened: datetime | None = None
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if opened is None and _is_open(product.api.call("GET", "/health").document):
            opened = datetime.now(UTC)
        answer = product.api.call("POST", "/drills", {"planId": plan_id})
        answers.append(answer.status == HTTPStatus.SERVICE_UNAVAILABLE and "Retry-After" in answer.headers)
        time.sleep(_PAUSE_SECONDS)
    return answers, opened


def _is_open(health: dict[str, Any]) -> bool:
    """Return whether a circuit of DRS is open: that of readers opens alone, and never that of launches."""
    circuits = health["circuit_breakers"].items()
    return any(name.partition("/")[0] in {"drs", "drs-read"} and seen["state"] == "open" for name, seen in circuits)


def is_down(product: Product) -> Iterator[Outcome]:
    """Make DRS answer 503 for two simulated minutes in mid-wave, while a caller keeps requesting another drill."""
    servers = product.servers(4, launchSeconds=40)
    other = product.plan(*chain(product.servers(1)))
    execution_id = product.run(*chain(servers[:2], servers[2:]))
    product.launching(execution_id, 1)
    before = len(product.control.calls())
    with failing(product, OPERATIONS, httpStatus=HTTPStatus.SERVICE_UNAVAILABLE):
        answers, opened = _asked(product, other, OUTAGE_SECONDS * product.stack.time_scale)
        during = product.control.calls()[before:]
        running = product.execution(execution_id)["status"]
    yield judge.same("meanwhile the drill is", running, "IN_PROGRESS")
    yield judge.same("other drills asked for are answered 503 with Retry-After", all(answers), expected=True)
    yield judge.same("a circuit of DRS opens", opened is not None, expected=True)
    if opened is not None:
        left = Counter(call["operation"] for call in during if parse_iso(call["at"]) > opened)
        job_reads = left.pop("DescribeJobs", 0)
        what = f"calls of readers while it was open, of {len(during)} DRS calls in all"
        yield judge.between(what, left.total(), 0, MOST_PROBES)
        yield judge.between("reads of jobs, by polls and probes", job_reads, 0, MOST_JOB_READS)
    yield from judge.drill(product, execution_id, servers)
    health = product.api.get("/health")
    yield judge.same("critical circuits open afterwards", health["critical_circuits_open"], [])


def throttles(product: Product) -> Iterator[Outcome]:
    """Make DRS throttle every other call of each operation throughout a drill and its termination."""
    servers = product.servers(6)
    plan_id = product.plan(*chain(servers[:2], servers[2:4], servers[4:]))
    with failing(product, OPERATIONS, error="ThrottlingException", every=2):
        execution_id = product.start(plan_id)
        yield from judge.drill(product, execution_id, servers)
        cleaned = product.terminated(execution_id, within=60)["termination"]
    calls = [call["error"] for call in product.control.calls() if call["operation"] in OPERATIONS]
    yield judge.between("calls throttled", calls.count("ThrottlingException"), 3, len(calls))
    yield judge.same("the termination ends", (cleaned["status"], cleaned["terminated"]), ("COMPLETED", 6))
