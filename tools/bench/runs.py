"""The runs that are measured: the three-tier example, waiting, a chain of waves, and the largest plan worth having."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from tools.bench.call_log import describe_calls, largest_item, moment, reactions
from tools.bench.measured_stack import BenchError
from tools.template import ROOT, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.bench.measured_stack import BenchStack, Counts

EXAMPLE: Final = ROOT / "examples" / "three-tier.yaml"
CHAIN: Final = 6
IDLE_ROUNDS: Final = 3
FAR_REGION: Final = "us-west-2"
HANG_SECONDS: Final = 60
_CALLS_OF_A_REGION: Final = (
    "DescribeJobs",
    "DescribeJobLogItems",
    "DescribeRecoveryInstances",
    "DescribeSourceServers",
    "StartRecovery",
)
LARGE_WAVES: Final = 60
LARGE_WAVE_SERVERS: Final = 50
LARGE_BRANCHES: Final = 10
"""Ten waves of fifty run at a time: as many servers as DRS takes in active jobs."""

_DOCUMENTS: Final = ("PLAN", "DOCUMENT")
_QUICK: Final = 10
_SLOW: Final = 200
_SHOWN: Final = 100
"""Long enough for everybody to see that it began."""
_PATIENCE: Final = 60
_LARGE_PATIENCE: Final = 300
_WAITING_WAVES: Final = 3
_WAITING_POLLS: Final = 20
_CLOSER: Final = 0.75
"""Part of the interval: looks that follow each other sooner had a short sleep between."""


@dataclass(frozen=True, slots=True)
class Idle:
    """What a round of waiting costs, on an average over some rounds, for so many waves and servers."""

    waves: int
    servers: int
    rounds: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class Learnt:
    """What it cost to come from running jobs to an ended execution that knows its instances, which no job named."""

    jobs: int
    counts: Counts

    @property
    def instance_calls(self) -> int:
        """How often instances were asked for."""
        return self.counts.drs["DescribeRecoveryInstances"]

    @property
    def written(self) -> dict[str, int]:
        """The writes to DynamoDB, by their kind."""
        writes = ("BatchWriteItem", "PutItem", "TransactWriteItems", "UpdateItem")
        return {name: self.counts.dynamodb[name] for name in writes if self.counts.dynamodb[name]}


@dataclass(frozen=True, slots=True)
class Large:
    """What a large run came to."""

    seconds: float
    counts: Counts
    item_bytes: int
    item: str
    payload_bytes: int


def plan_of(name: str, groups: Sequence[Sequence[str]], depends: dict[int, list[int]]) -> dict[str, Any]:
    """Write a plan with a wave for each group of servers; `depends` are the positions that each one waits for."""
    waves = [
        {
            "name": f"wave {position}",
            "servers": [{"sourceServerId": server} for server in servers],
            "dependsOn": [f"wave {other}" for other in depends.get(position, [])],
        }
        for position, servers in enumerate(groups)
    ]
    return {"planId": name, "name": name, "waves": waves}


def groups_of(first: int, waves: int, servers: int) -> list[list[str]]:
    """Name servers that no other run uses, `first` being a number of their own."""
    return [[f"s-{first:05d}{wave:04d}{server:08d}" for server in range(servers)] for wave in range(waves)]


def example(stack: BenchStack) -> Counts:
    """Run the three-tier example once, without its command, and count all calls from its start to its end."""
    plan = load(EXAMPLE)
    for wave in plan["waves"]:
        wave.pop("after", None)
    servers = [server["sourceServerId"] for wave in plan["waves"] for server in wave["servers"]]
    stack.add_servers(servers, launchSeconds=_QUICK)
    before = stack.counts()
    stack.completed(stack.start(plan), _PATIENCE)
    return stack.counts().since(before)


def idle(stack: BenchStack, number: int, waves: int, servers: int) -> Idle:
    """Count what happens in some rounds while every wave of a plan is being launched."""
    groups = groups_of(number, waves, servers // waves)
    stack.add_servers([server for group in groups for server in group], launchSeconds=_SLOW)
    execution_id = stack.start(plan_of(f"idle-{waves}", groups, {}))
    running = stack.seen(execution_id, lambda seen: all(wave["jobId"] for wave in seen["waves"]), _PATIENCE)
    jobs = [wave["jobId"] for wave in running["waves"]]
    rounds, counts = _between_rounds(stack, jobs)
    stack.completed(execution_id, _PATIENCE)
    return Idle(waves, servers, rounds, counts)


def learnt(stack: BenchStack, number: int, servers: int) -> Learnt:
    """Count what happens from the start of a wave's jobs to the end of its execution, which names every instance."""
    groups = groups_of(number, 1, servers)
    stack.add_servers(groups[0], launchSeconds=_SHOWN)
    execution_id = stack.start(plan_of(f"learnt-{number}", groups, {}))
    stack.seen(execution_id, lambda seen: _launching(seen["waves"][0]), _PATIENCE)
    before = stack.counts()
    (wave,) = stack.completed(execution_id, _PATIENCE)["waves"]
    if not all(server["recoveryInstanceId"] for server in wave["servers"]):
        raise BenchError(f"{execution_id} does not know all of its instances")
    return Learnt(len(wave["jobIds"]), stack.counts().since(before))


def _launching(wave: dict[str, Any]) -> bool:
    return all(server["launchStatus"] == "IN_PROGRESS" for server in wave["servers"])


def _between_rounds(stack: BenchStack, jobs: list[str]) -> tuple[int, Counts]:
    """Count from just after one round to just after a later one."""

    def await_rounds(wanted: int) -> int:
        while (made := len(describe_calls(stack.control.calls(), jobs))) < wanted:
            time.sleep(0.02)
        return made

    first = await_rounds(len(describe_calls(stack.control.calls(), jobs)) + 1)
    before = stack.counts()
    last = await_rounds(first + IDLE_ROUNDS)
    return last - first, stack.counts().since(before)


@dataclass(frozen=True, slots=True)
class Waited:
    """What a run of three waves of twenty polls each came to, without launch events."""

    polls: int
    closer: int
    """Of the polls, those that followed a short sleep."""
    dynamodb: int
    """Calls of the functions, and of the state machine for its sleeps: all that the run caused, to its report."""


def waiting(stack: BenchStack, number: int, poll_seconds: float, time_scale: float) -> Waited:
    """Run three waves in a line, each of which takes twenty polls to launch."""
    groups = groups_of(number, _WAITING_WAVES, 1)
    seconds = _WAITING_POLLS * poll_seconds / time_scale
    stack.add_servers([server for group in groups for server in group], launchSeconds=seconds)
    depends = {position: [position - 1] for position in range(1, _WAITING_WAVES)}
    stack.settle()
    before, known = stack.counts(), len(stack.control.calls())
    stack.completed(stack.start(plan_of(f"waiting-{number}", groups, depends)), _LARGE_PATIENCE)
    stack.settle()
    counts = stack.counts().since(before)
    calls = stack.control.calls()
    reads = [moment(call["at"]) for call in calls[known:] if call["operation"] == "DescribeJobs"]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(reads)]
    closer = sum(gap < _CLOSER * poll_seconds for gap in gaps)
    observed = counts.functions["ObserveFunction"]
    return Waited(observed, closer, counts.dynamodb.total() + observed + closer)


def chain(stack: BenchStack, number: int, launch_seconds: float = _QUICK) -> list[float]:
    """Return the seconds from each wave's last launch to the StartRecovery call of the next, in a chain of waves."""
    groups = groups_of(number, CHAIN, 1)
    stack.add_servers([server for group in groups for server in group], launchSeconds=launch_seconds)
    depends = {position: [position - 1] for position in range(1, CHAIN)}
    stack.completed(stack.start(plan_of(f"chain-{number}", groups, depends)), _LARGE_PATIENCE)
    return reactions(groups, stack.control.calls(), stack.control.state())


def beside_a_hung_region(stack: BenchStack, number: int) -> list[float]:
    """Return the seconds from each wave's last launch to the next StartRecovery call, while another Region hangs.

    It has a job in flight when it begins to hang: every call to it takes a minute.
    """
    far, *groups = groups_of(number, CHAIN + 1, 1)
    stack.add_servers([server for group in groups for server in group], launchSeconds=_QUICK)
    stack.add_servers(far, region=FAR_REGION, launchSeconds=_QUICK)
    depends = {position: [position - 1] for position in range(2, CHAIN + 1)}
    plan = plan_of(f"chain-{number}", [far, *groups], depends)
    plan["waves"][0]["region"] = FAR_REGION
    plan["waves"][1]["requiresApproval"] = True
    execution_id = stack.start(plan)
    stack.seen(execution_id, lambda seen: bool(seen["waves"][0]["jobId"]), _PATIENCE)
    for operation in _CALLS_OF_A_REGION:
        stack.control.fault(operation, delaySeconds=HANG_SECONDS, count=1000, region=FAR_REGION)
    stack.post(f"/executions/{execution_id}/waves/2/approve")
    stack.seen(execution_id, lambda seen: seen["waves"][-1]["status"] == "COMPLETED", _PATIENCE)
    measured = reactions(groups, stack.control.calls(), stack.control.state())
    stack.control.clear_faults()
    stack.completed(execution_id, _PATIENCE + HANG_SECONDS)
    return measured


def cancel_seconds(stack: BenchStack, number: int, times: int = 5) -> float:
    """Return the median of the seconds from a cancel's request to its answer, with nothing in flight."""
    groups = groups_of(number, 1, 1)
    stack.add_servers(groups[0])
    plan = plan_of("cancelled", groups, {})
    plan["waves"][0]["requiresApproval"] = True
    measured = []
    for _ in range(times):
        execution_id = stack.start(plan)
        stack.seen(execution_id, lambda seen: seen["waves"][0]["status"] == "AWAITING_APPROVAL", _PATIENCE)
        begin = time.monotonic()
        stack.post(f"/executions/{execution_id}/cancel")
        measured.append(time.monotonic() - begin)
    return median(measured)


def large(stack: BenchStack, number: int) -> Large:
    """Run 60 waves with 3,000 servers in ten branches."""
    groups = groups_of(number, LARGE_WAVES, LARGE_WAVE_SERVERS)
    stack.add_servers([server for group in groups for server in group], launchSeconds=_QUICK)
    depends = {position: [position - LARGE_BRANCHES] for position in range(LARGE_BRANCHES, LARGE_WAVES)}
    before, begin = stack.counts(), time.monotonic()
    execution_id = stack.start(plan_of("large", groups, depends))
    stack.completed(execution_id, _LARGE_PATIENCE)
    seconds = time.monotonic() - begin
    counts = stack.counts().since(before)
    # The plan and its frozen copy are as large as the plan was written, and are never written again.
    size, sort_key = largest_item(item for item in stack.items() if item["sk"]["S"] not in _DOCUMENTS)
    return Large(seconds, counts, size, sort_key, stack.largest_payload(execution_id))
