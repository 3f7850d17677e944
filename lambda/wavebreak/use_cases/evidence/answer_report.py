"""A report as an answer: whole, or where it is to be fetched when it is larger than an answer may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from wavebreak.store.answer_sizes import text_size
from wavebreak.use_cases.evidence.make_report import make_report
from wavebreak.values import Value

if TYPE_CHECKING:
    from wavebreak.ports.capabilities import HasBucket
    from wavebreak.use_cases.evidence.make_report import Ports as MakeReportPorts

    class Ports(MakeReportPorts, HasBucket, Protocol):
        """What answering with a report needs."""


MOST_BYTES: Final = 5_000_000
"""Of the six megabytes that an answer of a function may have (contract 8)."""
ADDRESS_SECONDS: Final = 900
"""How long a signed address holds."""


class Answer(Value):
    """The text of a report, or a signed URL of it."""

    text: str | None
    address: str | None = None


def answer_report(app: Ports, execution_id: str, form: str) -> Answer:
    """Make the report of an execution as `json` or `html`; one that is too large is put into the bucket for it."""
    made = make_report(app, execution_id)
    text = made.text(form)
    if text_size(text) <= MOST_BYTES:
        return Answer(text)
    name = made.name(form)
    if not (made.content["final"] and app.bucket.has(name)):
        app.bucket.put(name, text, form)
    return Answer(None, app.bucket.address(name, ADDRESS_SECONDS))
