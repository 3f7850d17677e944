"""Measure: `make bench`. Ratios and counts describe the product; times are shown for information only.

Exit code 1 when a limit is exceeded: the import of a handler, the start of a command, the artefact's size, what the
layers around a call add to it, what an idle round may cost, what the evidence of a large run takes, the size of an item
or of a state machine's payload.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table
from tools.bench import imports, reports, runs, starts
from tools.bench import layers as bench_layers
from tools.bench.measured_stack import BenchError, BenchStack, in_use
from tools.local_stack.stack import LocalStack, Ports, StackError, seed
from tools.packaging import artefact, build, sam

from wavebreak.domain.drs import IDS_A_CALL

if TYPE_CHECKING:
    from collections.abc import Iterator

TIME_SCALE: Final = 0.1
PROMPT: Final = {"staleReads": 0, "delaySeconds": 0}
"""Reads that show at once what is: how late those of DRS are is not the product's doing."""
HAND_OVER_SCALE: Final = 0.2
"""Of the stack that shows hand-overs without events: there a short sleep is a sixth of the interval, as on AWS."""
POLL_SECONDS: Final = 30
MOST_CALLS: Final = 250
"""Of DynamoDB, for three waves of twenty polls each."""
MOST_IDLE_CALLS: Final = 2
"""Of DynamoDB in a round of waiting; the sleep makes one more."""
HAND_OVER_PART: Final = 1 / 5
"""Of the interval: how long a wave waits for its poll after the launch that it waits for, on the median."""
HAND_OVER_POLLS: Final = 5
REACTION_SECONDS: Final = 0.3
"""How long the local stack takes from a poll to StartRecovery, at the most."""
LONGEST_DELAY_SECONDS: Final = 2.0
LARGEST_ITEM: Final = 100_000
LARGEST_PAYLOAD: Final = 2_000


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the table; without a limit it is information."""

    what: str
    value: str
    limit: str = ""
    fails: bool = False


def imports_and_size() -> Iterator[Figure]:
    """Measure the artefact."""
    built = build.build(sam.LOCAL / "logs" / "build.log")
    size = artefact.size(built.code)
    limit = artefact.LIMIT_BYTES
    yield Figure("artefact", f"{size / 1e6:.1f} MB", f"< {limit / 1e6:.0f} MB", size >= limit)
    baseline, costs = imports.measure(built.code)
    yield Figure("import boto3; boto3.Session()", f"{baseline:.3f} s of processor time")
    for cost in costs:
        limit_text = f"≤ {cost.limit:.1f} x"
        yield Figure(
            f"import {cost.module}", f"{cost.ratio:.2f} x ({cost.seconds:.3f} s)", limit_text, cost.is_too_high
        )


def command_starts() -> Iterator[Figure]:
    """Measure what the command line costs before it does anything."""
    for cost in starts.measure():
        seen = f"{cost.ratio:.2f} x ({cost.seconds:.2f} s)"
        yield Figure(f"start of {cost.words}", seen, f"≤ {cost.limit:.1f} x", cost.is_too_high)


def layers() -> Iterator[Figure]:
    """Measure what limits, retries and circuit breakers add to a call that succeeds."""
    seconds = bench_layers.overhead()
    limit = bench_layers.LIMIT_SECONDS
    yield Figure(
        "limit, retry and breaker of one call", f"{seconds * 1e6:.0f} µs", f"< {limit * 1e3:g} ms", seconds >= limit
    )


def evidence() -> Iterator[Figure]:
    """Measure the report of 60 waves with 3,000 servers, and its page."""
    cost = reports.measure()
    name = f"{reports.WAVES} waves, {reports.WAVES * reports.WAVE_SERVERS:,} servers"
    seconds = cost.report_seconds + cost.page_seconds
    seen = f"{cost.report_seconds:.2f} s and {cost.page_seconds:.2f} s of processor time"
    slow = seconds >= reports.SECONDS
    yield Figure(f"{name}: report and page", seen, f"< {reports.SECONDS:g} s together", slow)
    yield Figure(f"{name}: memory for both", f"{cost.memory_bytes / 1e6:.0f} MB")
    for what, size in (("report", cost.report_bytes), ("page", cost.page_bytes)):
        limit = reports.LARGEST_ANSWER
        yield Figure(f"{name}: {what}", f"{size / 1e6:.1f} MB", f"< {limit / 1e6:g} MB", size >= limit)


def listed(counts: Counter[str], rounds: int = 1) -> str:
    """Write counts down, the most frequent first, as an average over rounds."""
    return ", ".join(f"{name} {count / rounds:g}" for name, count in counts.most_common()) or "none"


def example_run(stack: BenchStack) -> Iterator[Figure]:
    """Count the calls of the three-tier example: storing the plan, starting it, one read at its end."""
    counts = runs.example(stack)
    yield Figure("three-tier: functions", listed(counts.functions))
    yield Figure("three-tier: DRS", listed(counts.drs))
    yield Figure("three-tier: DynamoDB, without Sleep", listed(counts.dynamodb))


def idle_rounds(stack: BenchStack) -> Iterator[Figure]:
    """Count what a round of waiting costs, for a small and for a larger plan."""
    for number, waves, servers in ((1, 1, 1), (2, 5, 50)):
        idle = runs.idle(stack, number, waves, servers)
        once = idle.counts.functions == {"ObserveFunction": idle.rounds} and idle.counts.drs == {
            "DescribeJobs": idle.rounds
        }
        what = f"idle round, {waves} wave(s), {servers} server(s)"
        calls = " + ".join(
            listed(some, idle.rounds) for some in (idle.counts.functions, idle.counts.drs, idle.counts.dynamodb)
        )
        few = idle.counts.dynamodb.total() <= MOST_IDLE_CALLS * idle.rounds
        limit = f"1 function, 1 DescribeJobs, ≤ {MOST_IDLE_CALLS} of DynamoDB"
        yield Figure(what, calls, limit, not (once and few))


def learning(stack: BenchStack) -> Iterator[Figure]:
    """Count what it costs to learn the instances of ended jobs that name none, with reads that are late and are not."""
    for number, servers in enumerate((3, 100, 500)):
        for late, reads in enumerate((PROMPT, {})):
            stack.control.put_manners(**reads, omit=["ParticipatingServer.recoveryInstanceID"])
            run = runs.learnt(stack, 10 + 2 * number + late, servers)
            # One question for each job that ended, or one for all that ended together, of 200 servers a call.
            most = max(run.jobs, -(-servers // IDS_A_CALL))
            yield Figure(
                f"learning {servers} instances of {run.jobs} job(s){', late reads' if late else ''}",
                f"DescribeRecoveryInstances {run.instance_calls}, DescribeJobLogItems "
                f"{run.counts.drs['DescribeJobLogItems']}; DynamoDB {listed(Counter(run.written))}",
                "" if late else f"≤ {most} and {run.jobs} calls",
                not late and (run.instance_calls > most or run.counts.drs["DescribeJobLogItems"] > run.jobs),
            )
    stack.control.put_manners()


def latencies(stack: BenchStack) -> Iterator[Figure]:
    """Show how soon the product acts; the first chain warms the functions up."""
    stack.control.put_manners(**PROMPT)
    runs.chain(stack, 3)
    measured = runs.chain(stack, 4)
    yield Figure("launch event → next StartRecovery", f"{median(measured):.2f} s (median of {len(measured)})")
    beside = runs.beside_a_hung_region(stack, 7)
    delay = max(0.0, median(beside) - median(measured))
    what = f"the same while another Region hangs for {runs.HANG_SECONDS} s: later by"
    limit = f"< {LONGEST_DELAY_SECONDS:g} s"
    yield Figure(what, f"{delay:.2f} s (at most {max(beside):.2f} s)", limit, delay >= LONGEST_DELAY_SECONDS)
    yield Figure("cancel → its answer", f"{runs.cancel_seconds(stack, 5):.2f} s (median)")
    stack.control.put_manners()


def waiting_run(stack: BenchStack) -> Iterator[Figure]:
    """Show what waiting long costs, without launch events."""
    waited = runs.waiting(stack, 7, max(1, round(POLL_SECONDS * TIME_SCALE)), TIME_SCALE)
    yield Figure(
        "3 waves of 20 polls: DynamoDB, sleeps included",
        f"{waited.dynamodb} ({waited.polls} polls, {waited.closer} of them after a short sleep)",
        f"≤ {MOST_CALLS}",
        waited.dynamodb > MOST_CALLS,
    )


def hand_overs(stack: BenchStack) -> Iterator[Figure]:
    """Show that the poll follows what is known: without launch events the next wave is soon begun nevertheless."""
    interval = POLL_SECONDS * HAND_OVER_SCALE
    stack.control.events(enabled=False)
    stack.control.put_manners(**PROMPT)
    runs.chain(stack, 1)
    handed = runs.chain(stack, 2, launch_seconds=HAND_OVER_POLLS * POLL_SECONDS)
    limit = HAND_OVER_PART * interval + REACTION_SECONDS
    yield Figure(
        "no events: last launch → next StartRecovery",
        f"{median(handed):.2f} s (median of {len(handed)}) at intervals of {interval:g} s",
        f"≤ {limit:.1f} s",
        median(handed) > limit,
    )


def large_run(stack: BenchStack) -> Iterator[Figure]:
    """Run 60 waves with 3,000 servers."""
    run = runs.large(stack, 6)
    name = f"{runs.LARGE_WAVES} waves, {runs.LARGE_WAVES * runs.LARGE_WAVE_SERVERS:,} servers"
    yield Figure(f"{name}: time", f"{run.seconds:.0f} s at a time scale of {TIME_SCALE:g}, polls only")
    yield Figure(f"{name}: DRS", listed(run.counts.drs))
    yield Figure(
        f"{name}: functions",
        f"ObserveFunction {run.counts.functions['ObserveFunction']}, "
        f"StartWaveFunction {run.counts.functions['StartWaveFunction']}",
    )
    yield Figure(f"{name}: DynamoDB", listed(run.counts.dynamodb))
    too_big = run.item_bytes >= LARGEST_ITEM
    yield Figure(
        f"{name}: largest item that changes",
        f"{run.item_bytes:,} bytes ({run.item})",
        f"< {LARGEST_ITEM:,} bytes",
        too_big,
    )
    too_long = run.payload_bytes >= LARGEST_PAYLOAD
    yield Figure(f"{name}: largest payload", f"{run.payload_bytes:,} bytes", f"< {LARGEST_PAYLOAD:,} bytes", too_long)


@contextmanager
def local_stack(time_scale: float) -> Iterator[BenchStack]:
    """Have a local stack for measurements alone."""
    with (
        tempfile.TemporaryDirectory(prefix="wavebreak-bench-") as directory,
        in_use(LocalStack(Path(directory), Ports.free(), time_scale, seed=seed(os.environ))) as stack,
    ):
        yield stack


def stack_figures() -> Iterator[Figure]:
    """Measure on local stacks of their own."""
    with local_stack(HAND_OVER_SCALE) as stack:
        yield from hand_overs(stack)
    with local_stack(TIME_SCALE) as stack:
        yield from latencies(stack)
        stack.count_dynamodb()
        stack.hold_sweep()
        yield from example_run(stack)
        # By polls alone from here on: the emulator starts a process for every event, hundreds at one moment.
        stack.control.events(enabled=False)
        yield from idle_rounds(stack)
        yield from waiting_run(stack)
        yield from learning(stack)
        yield from large_run(stack)


def main() -> int:
    """Measure everything, show a table, and tell by the exit code whether all limits are kept."""
    console = Console()
    table = Table("what", "measured", "limit", "")
    failed = 0
    try:
        for figures in (imports_and_size(), command_starts(), layers(), evidence(), stack_figures()):
            for figure in figures:
                console.print(f"{figure.what}: {figure.value}", highlight=False, markup=False)
                failed += figure.fails
                verdict = "" if not figure.limit else "[red]✗[/red]" if figure.fails else "[green]✓[/green]"
                table.add_row(figure.what, figure.value, figure.limit, verdict)
    except (BenchError, StackError, sam.SamError) as error:
        console.print(f"error: {error}", style="red", markup=False)
        return 1
    console.print(table)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
