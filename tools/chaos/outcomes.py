"""What a bad day is, and what it is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from tools.chaos.inbox import trail_of
from tools.local_stack.product import launch_jobs

from wavebreak.domain.executions.audit_chain import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tools.local_stack.product import Product

    from wavebreak_cli.client.answers import Event


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing that a bad day has to come to, and what it came to."""

    what: str
    expected: str
    found: str
    right: bool


@dataclass(frozen=True, slots=True)
class Day:
    """A bad day: its name on the command line, what happens, and the function that lets it happen on a local stack."""

    name: str
    title: str
    play: Callable[[Product], Iterator[Outcome]]


def same(what: str, found: Any, expected: Any) -> Outcome:
    """Judge by equality."""
    return Outcome(what, str(expected), str(found), found == expected)


def between(what: str, found: float, least: float, most: float) -> Outcome:
    """Judge a figure by its limits, which belong to what is allowed."""
    return Outcome(what, f"{least:g} to {most:g}", f"{found:g}", least <= found <= most)


def drill(product: Product, execution_id: str, servers: Sequence[str], within: float = 120) -> Iterator[Outcome]:
    """See a drill to its end and judge it: completed, every server launched once, the audit trail whole."""
    yield same("the drill ends", product.ended(execution_id, within)["status"], "COMPLETED")
    yield launched_once(product, servers)
    yield trail(product, execution_id)


def launched_once(product: Product, servers: Sequence[str]) -> Outcome:
    """Judge by the simulator's jobs whether each server was launched exactly once."""
    launches = sorted({len(jobs) for jobs in launch_jobs(product, list(servers))})
    return same("launches of each server", launches, [1])


def trail(product: Product, execution_id: str) -> Outcome:
    """Judge the audit trail by its numbers and hashes."""
    verdict = verify(cast("list[Event]", trail_of(product, execution_id)))
    return Outcome("the audit trail", "verifies", "verifies" if verdict.intact else str(verdict.why), verdict.intact)
