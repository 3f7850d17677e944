"""What a later run replaced of an earlier one is told there, and nothing that may still be there (contract 2 and 8)."""

from typing import Any

import pytest
from tests.support.execution_builders import execution, instance_id, server, server_id, wave

from wavebreak.domain.executions.ending.instances_left import launched_count, terminated_count
from wavebreak.domain.executions.ending.replaced import relaunched, replaced_by
from wavebreak.domain.executions.model.executions import Execution, Termination
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.terminations import EndingOutcome, InstanceEnding
from wavebreak.execution_utils import TerminationStatus

LAUNCHED = LaunchStatus.LAUNCHED


def run(*servers: Any, **fields: Any) -> Execution:
    return execution(wave(1, servers=servers), **fields)


def launched(number: int, instance: int | None, **fields: Any) -> Any:
    name = instance_id(instance) if instance is not None else None
    return server(number, LAUNCHED, recovery_instance_id=name, **fields)


EARLIER = run(launched(1, 1), launched(2, 2), server(3, LaunchStatus.FAILED))
LATER = run(launched(1, 11), server(2, LaunchStatus.FAILED), launched(3, 13))


def endings(reported: Execution) -> list[EndingOutcome | None]:
    return [each.ending.outcome if each.ending else None for each in reported.waves[0].servers]


def test_2_what_was_launched_anew_is_replaced_and_is_not_left() -> None:
    assert relaunched(LATER, []) == {server_id(1): instance_id(11), server_id(3): instance_id(13)}
    reported = replaced_by(relaunched(LATER, []), EARLIER)
    assert endings(reported) == [EndingOutcome.REPLACED, None, None]
    assert [launched_count(each) - terminated_count(each) for each in (EARLIER, reported)] == [2, 1]
    assert replaced_by(relaunched(LATER, []), reported) == reported


def test_2_an_instance_that_drs_could_not_end_is_left() -> None:
    failed = {"event": "CLEANUP_FAIL", "eventData": {"sourceServerID": server_id(1)}}
    assert relaunched(LATER, [{"event": "JOB_START"}, failed]) == {server_id(3): instance_id(13)}


@pytest.mark.parametrize(
    "later",
    [
        launched(1, None),
        server(1, LaunchStatus.IN_PROGRESS, recovery_instance_id=instance_id(11)),
        launched(1, 11, ending=InstanceEnding(EndingOutcome.REPLACED)),
        launched(1, 1),
    ],
    ids=["of no known id", "not launched yet", "replaced itself", "launched into the same one"],
)
def test_2_what_may_not_have_replaced_anything_changes_nothing(later: Any) -> None:
    assert replaced_by(relaunched(run(later), []), EARLIER) == EARLIER


def test_2_an_instance_of_no_known_id_is_left_to_its_termination() -> None:
    nameless = run(launched(1, None))
    assert replaced_by(relaunched(LATER, []), nameless) == nameless


@pytest.mark.parametrize("status", [each for each in TerminationStatus if each != TerminationStatus.NOT_REQUESTED])
def test_2_a_termination_that_was_asked_for_tells_itself_what_remains(status: TerminationStatus) -> None:
    asked = run(launched(1, 1), termination=Termination(status))
    assert replaced_by(relaunched(LATER, []), asked) == asked
