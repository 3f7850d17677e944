"""What a DRS job log tells of a server, whatever is missing from it, doubled in it or out of order."""

import random
from typing import Any

import pytest
from botocore.session import get_session
from tests.support.evidence_runs import item, job_log
from tests.support.execution_builders import later, server_id

from wavebreak.domain.evidence import job_log as reading
from wavebreak.domain.evidence.job_log import Phase, PhaseSpan, read_job_log, with_post_launch

S = server_id(1)


def spans(*items: dict[str, Any]) -> list[tuple[str, float | None, float | None]]:
    """The phases of server 1, in seconds after the request."""
    found = read_job_log(items).servers[S].spans
    return [(span.phase.value, seconds(span.started_at), seconds(span.ended_at)) for span in found]


def seconds(moment: Any) -> float | None:
    return None if moment is None else float((moment - later(0)).total_seconds())


def said(event: str, at: float, **data: Any) -> dict[str, Any]:
    return item(event, at, sourceServerID=S, **data)


WHOLE = [("SNAPSHOT", 10, 20), ("CONVERSION", 20, 60), ("LAUNCH", 60, 100)]


def test_8_a_launch_that_went_well_has_three_phases_and_its_instance() -> None:
    log = read_job_log(job_log([S], 0, 100))
    assert spans(*job_log([S], 0, 100)) == WHOLE
    assert (log.servers[S].instance, log.servers[S].launched_at) == ("i-00000000000000001", later(100))
    assert (log.first_at, log.ended_at) == (later(0), later(105))


def test_8_a_server_that_fails_in_its_launch_ends_there() -> None:
    log = read_job_log(job_log([S], 0, 100, failed=[S]))
    assert spans(*job_log([S], 0, 100, failed=[S])) == WHOLE
    assert (log.servers[S].instance, log.servers[S].launched_at) == (None, None)


@pytest.mark.parametrize("seed", range(20))
def test_8_neither_order_nor_repeats_show(seed: int) -> None:
    items = job_log([S, server_id(2)], 0, 100)
    mixed = [*items, *items]
    random.Random(seed).shuffle(mixed)  # noqa: S311  no secret: an order to test with
    assert read_job_log(mixed) == read_job_log(items)


@pytest.mark.parametrize(
    "end", ["SNAPSHOT_END", "SNAPSHOT_FAIL", "USING_PREVIOUS_SNAPSHOT", "USING_PREVIOUS_SNAPSHOT_FAILED"]
)
def test_8_a_snapshot_is_over_however_it_ended(end: str) -> None:
    assert spans(said("SNAPSHOT_START", 1), said(end, 2)) == [("SNAPSHOT", 1, 2)]


def test_8_a_snapshot_that_was_not_taken_is_no_phase() -> None:
    assert spans(said("USING_PREVIOUS_SNAPSHOT", 2), said("CONVERSION_START", 3)) == [("CONVERSION", 3, None)]
    failed = spans(said("SNAPSHOT_START", 1), said("SNAPSHOT_FAIL", 2), said("USING_PREVIOUS_SNAPSHOT", 3))
    assert failed == [("SNAPSHOT", 1, 2)]


def test_8_what_was_not_logged_is_not_known() -> None:
    assert spans(said("CONVERSION_END", 5)) == [("CONVERSION", None, 5)]
    assert spans(said("CONVERSION_START", 5), said("LAUNCH_START", 9)) == [("CONVERSION", 5, None), ("LAUNCH", 9, None)]
    crossed = spans(said("SNAPSHOT_START", 1), said("CONVERSION_START", 5), said("SNAPSHOT_END", 6))
    assert crossed == [("SNAPSHOT", 1, 6), ("CONVERSION", 5, None)]


def test_8_a_phase_that_drs_tries_again_goes_on_and_one_that_failed_begins_anew() -> None:
    tries = spans(
        said("LAUNCH_START", 1, attemptCount=1), said("LAUNCH_START", 9, attemptCount=2), said("LAUNCH_END", 12)
    )
    assert tries == [("LAUNCH", 1, 12)]
    again = spans(said("CONVERSION_START", 1), said("CONVERSION_FAIL", 5), said("CONVERSION_START", 8))
    assert again == [("CONVERSION", 1, 5), ("CONVERSION", 8, None)]


def test_8_the_end_of_one_phase_goes_before_the_beginning_of_the_next_at_the_same_moment() -> None:
    together = [said("LAUNCH_START", 5), said("CONVERSION_END", 5), said("CONVERSION_START", 1)]
    assert spans(*together) == [("CONVERSION", 1, 5), ("LAUNCH", 5, None)]


def test_8_post_launch_lasts_from_the_launch_to_the_end_of_the_job() -> None:
    whole, running = read_job_log(job_log([S], 0, 100)), read_job_log(job_log([S], 0, 100)[:-1])
    assert with_post_launch(whole, S)[-1] == PhaseSpan(Phase.POST_LAUNCH, later(100), later(105))
    assert with_post_launch(running, S)[-1] == PhaseSpan(Phase.POST_LAUNCH, later(100), None)
    assert [span.phase for span in with_post_launch(read_job_log(job_log([S], 0, 100, [S])), S)][-1] is Phase.LAUNCH
    assert with_post_launch(whole, "s-none") == ()


def test_8_the_recovery_point_is_when_the_converted_snapshot_was_taken() -> None:
    converted = said("CONVERSION_START", 5, conversionProperties={"dataTimestamp": "2026-11-21T11:59:00Z"})
    assert read_job_log([converted]).servers[S].recovery_point == later(-60)
    odd = said("CONVERSION_START", 5, conversionProperties={"dataTimestamp": "1763726340"})
    assert read_job_log([odd]).servers[S].recovery_point is None


@pytest.mark.parametrize(
    "odd", [{}, {"event": "JOB_START"}, {"logDateTime": "soon", "event": "JOB_END"}, {"logDateTime": None}]
)
def test_8_items_without_a_time_or_a_server_tell_of_none(odd: dict[str, Any]) -> None:
    assert read_job_log([odd]) == reading.JobLog()
    assert read_job_log([item("SERVER_SKIPPED", 1), odd]).servers == {}


def test_every_event_of_the_model_that_concerns_a_phase_is_known() -> None:
    """A new one of these must be placed; the others are of jobs, clean-ups and networks."""
    model = get_session().get_service_model("drs")
    events = set(getattr(model.shape_for("JobLogEvent"), "enum"))  # noqa: B009  botocore's shapes are not typed
    concerned = {event for event in events if event.startswith(("SNAPSHOT", "USING", "CONVERSION", "LAUNCH"))}
    assert concerned | {"LAUNCH_END"} == {*reading._BEGINS, *reading._ENDS}
