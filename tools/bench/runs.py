"""The runs that are measured: the three-tier example, waiting, a chain of waves, and the largest plan worth having."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from tools.bench.call_log import describe_calls, largest_item, reactions
from tools.bench.measured_stack import BenchFailed
from tools.template import ROOT, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.bench.measured_stack import BenchStack, Counts

EXAMPLE: Final = ROOT / "examples" / "three-tier.yaml"
CHAIN: Final = 6
IDLE_ROUNDS: Final = 3
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
    """Name servers that nobody else uses, `first` being a number of their own."""
    return [[f"s-{first:05d}{wave:04d}{server:08d}" for server in range(servers)] for wave in range(waves)]


def example(stack: BenchStack) -> Counts:
    """Run the three-tier example once, without its command, and count all calls from its start to its end."""
    plan = load(EXAMPLE)
    for wave in plan["waves"]:
        wave.pop("afterCommands", None)
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
        raise BenchFailed(f"{execution_id} does not know all of its instances")
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


def chain(stack: BenchStack, number: int) -> list[float]:
    """Give the seconds from each wave's last launch to the StartRecovery call of the next, in a chain of waves."""
    groups = groups_of(number, CHAIN, 1)
    stack.add_servers([server for group in groups for server in group], launchSeconds=_QUICK)
    depends = {position: [position - 1] for position in range(1, CHAIN)}
    stack.completed(stack.start(plan_of(f"chain-{number}", groups, depends)), _PATIENCE)
    return reactions(groups, stack.control.calls(), stack.control.state())


def cancel_seconds(stack: BenchStack, number: int, times: int = 5) -> float:
    """Give the median of the seconds from a cancel's request to its answer, with nothing in flight."""
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
