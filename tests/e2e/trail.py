"""The audit trail as a reader of the API checks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.audit_trail import WORDS, event_hash

if TYPE_CHECKING:
    from tools.local_stack.product import Product

Subject = int | str


def verified_trail(product: Product, execution_id: str) -> list[dict[str, Any]]:
    """Read the events two at a time and check their order, their chain of hashes and what they say of waves."""
    pages = product.api.pages(f"/executions/{execution_id}/events", limit=2)
    assert all(len(page) == 2 for page in pages[:-1])
    events = [event for page in pages for event in page]
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert [event["previousHash"] for event in events] == [None, *(event["hash"] for event in events[:-1])]
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    for event in events:
        assert event["hash"] == event_hash(event)
        assert event["executionId"] == execution_id
        waves = {change.get("waveNumber") for change in event["data"]["changes"]}
        assert event.get("waveNumber") == (waves.pop() if len(waves) == 1 else None)
    return events


def paths(events: list[dict[str, Any]]) -> dict[Subject, list[str | None]]:
    """Give the statuses that the execution, each wave and the termination went through, as the events tell them."""
    reported: dict[Subject, list[str | None]] = {}
    for event in events:
        for change in event["data"]["changes"]:
            subject = change.get("waveNumber") or change.get("subject", "execution")
            if subject in WORDS:
                continue
            path = reported.setdefault(subject, [change["from"]])
            assert path[-1] == change["from"], (subject, path, change)
            path.append(change["to"])
    return reported
