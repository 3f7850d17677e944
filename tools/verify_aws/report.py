"""The table of what was found, for people; and the record of it, as JSON."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from tools.verify_aws.findings import Verdict

from wavebreak.timing import iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tools.verify_aws.evidence import Evidence
    from tools.verify_aws.findings import Finding
    from tools.verify_aws.stack import Stack

_ORDER: Final = (Verdict.DIFFERS, Verdict.NOT_SEEN, Verdict.HOLDS)


def lines(findings: Sequence[Finding], behaviours: Mapping[str, str]) -> Iterator[str]:
    """Write the table: what differs first, with what the product relies on; what holds last."""
    width = max((len(each.check) for each in findings), default=0)
    for verdict in _ORDER:
        for each in findings:
            if each.verdict is verdict:
                yield f"{verdict.value:<9} {each.check:<{width}}  {each.seen}"
                if verdict is Verdict.DIFFERS:
                    yield f"{'':<9} {'':<{width}}  the product relies on: {behaviours.get(each.check, '?')}"
    counted = Counter(each.verdict for each in findings)
    yield ""
    yield (
        f"{counted[Verdict.HOLDS]} hold, {counted[Verdict.DIFFERS]} differ, {counted[Verdict.NOT_SEEN]} were not seen "
        "(docs/aws-behaviour.md)"
    )


def left_lines(left: Mapping[str, str]) -> Iterator[str]:
    """Return loud lines about what runs on."""
    if left:
        yield ""
        yield "LEFT RUNNING, and not ended by this: end it by hand"
        for name, reason in left.items():
            yield f"  {name}: {reason}"


def document(stack: Stack, plan_id: str, evidence: Evidence, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the record: findings, and what they rest on."""
    return {
        "madeAt": iso(evidence.at),
        "stack": stack.name,
        "region": stack.region,
        "account": stack.account,
        "local": stack.local,
        "plan": plan_id,
        "findings": [each.document() for each in findings],
        "evidence": evidence.document(),
    }


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write the record to a file."""
    path.write_text(json.dumps(content, indent=1, default=str, ensure_ascii=False) + "\n", encoding="utf-8")
