"""What taking an execution up again makes of its instances, by what DRS shows then."""

import pytest
from tests.support.execution_builders import instance_id
from tests.support.terminations import ended, ending, shown, with_ending

from wavebreak.domain.executions.ending.taken_up import compared, present_instance
from wavebreak.domain.executions.model.terminations import EndingOutcome
from wavebreak.values import replace

THEIRS = {"recovery_instance_id": "i-99999999999999999", "job_id": "drsjob-theirs"}


@pytest.mark.parametrize(
    ("instances", "outcome"),
    [
        ([], None),
        ([shown(1)], None),
        ([shown(1, "STOPPED")], None),
        ([shown(1, "TERMINATED")], EndingOutcome.TERMINATED),
        ([shown(1, "NOT_FOUND")], None),
        ([shown(1, **THEIRS)], EndingOutcome.REPLACED),
        ([shown(1, **THEIRS), shown(1, "NOT_FOUND")], EndingOutcome.REPLACED),
        ([shown(1, **THEIRS), shown(1)], None),
        ([shown(1, "TERMINATED", **THEIRS)], None),
        ([shown(1, **THEIRS | {"job_id": ""})], None),
        ([shown(1, job_id="drsjob-theirs")], EndingOutcome.REPLACED),
    ],
)
def test_b7_what_is_known_to_be_gone_is_no_instance_any_more(
    instances: list[object], outcome: EndingOutcome | None
) -> None:
    after = compared(ended(), [*instances, shown(2)])  # type: ignore[list-item]  # parametrized
    assert ending(after, 1).outcome is outcome
    assert ending(after, 2).outcome is None
    server = after.waves[0].servers[0]
    assert server.recovery_instance_id == instance_id(1)
    assert present_instance(server) == (None if outcome else instance_id(1))


def test_b7_what_is_over_stays_over_and_a_server_without_instance_has_none() -> None:
    gone = with_ending(ended(), 1, outcome=EndingOutcome.TERMINATED)
    assert compared(gone, [shown(1)]) == gone
    nameless = replace(ended().waves[0].servers[0], recovery_instance_id=None)
    unlearnt = ended().with_waves([replace(ended().waves[0], servers=(nameless,))])
    assert compared(unlearnt, [shown(1, **THEIRS)]) == unlearnt
    assert present_instance(nameless) is None
