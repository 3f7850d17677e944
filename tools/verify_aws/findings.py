"""What a check finds: whether a behaviour holds, differs or was not seen, and what it was judged by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from tools.verify_aws.evidence import NotSeenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tools.verify_aws.evidence import Evidence

SIMULATED: Final = frozenset({"drs", "ec2", "service-quotas", "ssm"})
"""Services that a local stack has from the simulator, which is made to behave like them; an emulator has the others."""

_EMULATED: Final = "a local stack's emulator tells nothing of AWS"
_WANTS_DRILL: Final = "needs a drill (DRILL=yes)"


class Verdict(StrEnum):
    """What became of a behaviour that the product relies on."""

    HOLDS = "holds"
    DIFFERS = "differs"
    NOT_SEEN = "not seen"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and in words what it rests on."""

    verdict: Verdict
    seen: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The judgement of one check, by the id of its row."""

    check: str
    verdict: Verdict
    seen: str

    def document(self) -> dict[str, Any]:
        """Return the report as JSON."""
        return {"check": self.check, "verdict": self.verdict.value, "seen": self.seen}


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table: its id, the service whose behaviour it is, and how what was seen is judged.

    `judge` raises NotSeenError where there was nothing to see. Some rows show themselves in a drill only.
    """

    id: str
    service: str
    judge: Callable[[Evidence], Judgement]
    needs_drill: bool = False


def holds(seen: str) -> Judgement:
    """Judge that a behaviour is as the product takes it to be."""
    return Judgement(Verdict.HOLDS, seen)


def differs(seen: str) -> Judgement:
    """Judge that a behaviour is not as the product takes it to be."""
    return Judgement(Verdict.DIFFERS, seen)


def examine(checks: Iterable[Check], evidence: Evidence) -> list[Finding]:
    """Judge every check by what was seen; in the order given."""
    found = []
    for check in checks:
        judgement = _judged(check, evidence)
        found.append(Finding(check.id, judgement.verdict, judgement.seen))
    return found


def _judged(check: Check, evidence: Evidence) -> Judgement:
    if evidence.local and check.service not in SIMULATED:
        return Judgement(Verdict.NOT_SEEN, _EMULATED)
    if check.needs_drill and evidence.drill is None:
        return Judgement(Verdict.NOT_SEEN, _WANTS_DRILL)
    try:
        return check.judge(evidence)
    except NotSeenError as gap:
        return Judgement(Verdict.NOT_SEEN, str(gap))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # The answers of a service come as they come: one that cannot be read is not as the product takes it to be.
        return differs(f"an answer cannot be read: {error!r}")


def named(ids: Iterable[object], most: int = 3) -> str:
    """Name a few of several, each once, and count the rest."""
    everything = list(dict.fromkeys(map(str, ids)))
    left = len(everything) - most
    return ", ".join(everything[:most]) + (f" and {left} more" if left > 0 else "")
