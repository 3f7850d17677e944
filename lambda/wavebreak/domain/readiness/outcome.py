"""What the checks of a plan come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.domain.plans.readiness import MOST_FAILING, Failing, Standing, at_most
from wavebreak.domain.readiness.verdicts import CheckStatus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from wavebreak.domain.readiness.verdicts import Check


def standing_of(checks: Iterable[Check], plan_version: int, at: datetime, unseen: Iterable[Failing] = ()) -> Standing:
    """Return the outcome of a round of checks, and the failures of an earlier one of which it saw nothing."""
    failed = [Failing(check.name, check.subject, check.message) for check in checks if check.status is CheckStatus.FAIL]
    known = {(each.check, each.subject) for each in failed}
    failed += [each for each in unseen if (each.check, each.subject) not in known]
    return Standing(at, not failed, at_most(failed, MOST_FAILING), plan_version)
