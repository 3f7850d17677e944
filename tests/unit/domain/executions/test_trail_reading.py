"""What a trail tells of statuses, whatever its age."""

from tests.support.evidence_runs import Trail, to, wave_to
from tests.support.execution_builders import later

from wavebreak.domain.executions.trail_reading import changes_in, has_gaps, of_execution, of_wave, spans_in


def _trail() -> Trail:
    trail = Trail()
    trail.tell(0, to("PENDING"))
    trail.tell(1, to("IN_PROGRESS", "PENDING"), wave_to(1, "IN_PROGRESS", "NOT_STARTED"))
    trail.tell(5, {"waveNumber": 1, "from": None, "to": "IN_PROGRESS", "subject": "command"}, actor="a", reason="r")
    trail.tell(9, to("PAUSED", "IN_PROGRESS"), wave_to(1, "FAILED", "IN_PROGRESS"))
    trail.tell(20, to("IN_PROGRESS", "PAUSED"), wave_to(1, "IN_PROGRESS", "FAILED"))
    return trail


def test_changes_belong_to_the_execution_to_a_wave_or_to_what_runs_in_it() -> None:
    changes = changes_in(_trail().events)
    assert [change.new for change in of_execution(changes)] == ["PENDING", "IN_PROGRESS", "PAUSED", "IN_PROGRESS"]
    assert [(change.at, change.new) for change in of_wave(changes, 1)] == [
        (later(1), "IN_PROGRESS"),
        (later(9), "FAILED"),
        (later(20), "IN_PROGRESS"),
    ]
    (command,) = [change for change in changes if change.subject]
    assert (command.actor, command.reason, command.wave) == ("a", "r", 1)


def test_spans_are_what_lies_between_changes_and_an_open_one_lasts_until_now() -> None:
    changes = changes_in(_trail().events)
    assert spans_in(of_execution(changes), "PAUSED", later(99)) == [(later(9), later(20))]
    assert spans_in(of_wave(changes, 1), "IN_PROGRESS", later(30)) == [(later(1), later(9)), (later(20), later(30))]
    assert spans_in(of_wave(changes, 1), "IN_PROGRESS", later(10))[-1] == (later(20), later(20))
    assert spans_in([], "PAUSED", later(1)) == []


def test_events_without_changes_or_a_time_change_nothing() -> None:
    assert changes_in([{}, {"at": "soon", "data": {"changes": [to("FAILED")]}}, {"at": "2026-11-21T12:00:00Z"}]) == []
    assert changes_in([{"at": "2026-11-21T12:00:00Z", "data": None}]) == []


def test_a_gap_shows() -> None:
    events = _trail().events
    assert not has_gaps(events)
    assert has_gaps(events[1:])
    assert has_gaps([events[0], *events[2:]])
    assert not has_gaps(events[:-1])
