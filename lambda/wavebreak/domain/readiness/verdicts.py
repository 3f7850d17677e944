"""What a check says: PASS, WARN or FAIL of one subject, and how what is found of many servers is listed."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from wavebreak.domain.plans.model import Impact
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wavebreak.domain.readiness.facts import Member

DRILL: Final = "drill: "
"""What the message of a WARN begins with that stands in the way of a drill alone."""
MOST_FINDINGS: Final = 500
"""Findings of one check that are listed for a Region; the others are counted. An answer of Lambda holds 6 MB."""


class CheckStatus(StrEnum):
    """What a check found."""

    PASS = "PASS"  # noqa: S105  a verdict, not a secret
    WARN = "WARN"
    FAIL = "FAIL"


class Check(Value):
    """One verdict: which check, of what, and why."""

    name: str
    subject: str
    status: CheckStatus
    message: str
    unanswered: bool = False
    """Whether it says no more than that a service did not answer, which may be over at the next read."""


Finding: TypeAlias = tuple[CheckStatus, str]


def each_of(
    name: str, where: str, members: Sequence[Member], verdict: Callable[[Member], Finding | None], passed: str
) -> Iterator[Check]:
    """Return a check for every server that something is found about, or one that says what holds for all of them."""
    found = [(member, finding) for member in members if (finding := verdict(member))]
    for member, (status, message) in found[:MOST_FINDINGS]:
        yield Check(name, member.source_server_id, status, message)
    rest = [status for _, (status, _) in found[MOST_FINDINGS:]]
    if rest:
        worst = CheckStatus.FAIL if CheckStatus.FAIL in rest else CheckStatus.WARN
        yield Check(name, where, worst, f"the same or the like is found about {len(rest)} more servers")
    if members and not found:
        yield Check(name, where, CheckStatus.PASS, f"{servers(len(members))}: {passed}")


def by_impact(member: Member, message: str) -> Finding:
    """Return what fails a launch: a server with impact OPTIONAL never fails its wave."""
    if member.impact is Impact.OPTIONAL:
        return CheckStatus.WARN, f"{message}; it is OPTIONAL in wave {member.wave!r}"
    return CheckStatus.FAIL, f"{message}; it is CRITICAL in wave {member.wave!r}"


def servers(count: int) -> str:
    """Count servers in words."""
    return "1 server" if count == 1 else f"{count} servers"
