"""What a drill is made in: time, somebody to tell how it goes, and signals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tools.verify_aws.interrupts import Interrupts


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A clock that goes as AWS's does, how to wait, how to tell, and what Ctrl-C does."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    report: Callable[[str], None]
    interrupts: Interrupts
