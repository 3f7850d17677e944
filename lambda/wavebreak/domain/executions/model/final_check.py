"""Why an execution does not end though nothing is in flight: there may be launches that are not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.values import Value

if TYPE_CHECKING:
    from datetime import datetime


class FinalCheck(Value):
    """A search for such launches that some sites did not answer; it is repeated at a moment."""

    sites: tuple[str, ...]
    """The accounts and Regions that did not answer, in words."""
    not_before: datetime
