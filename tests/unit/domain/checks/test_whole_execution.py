"""An execution as the API shows it whole: beside its factors when waves time out, and what may be asked for. Pure."""

import pytest
from tests.support.execution_builders import NOW, OPERATOR, execution, later, server, wave

from wavebreak.domain.checks.whole_execution import whole_view, whole_wave
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Cancel
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.waves import Attempt
from wavebreak.execution_utils import WaveStatus
from wavebreak.timing import Timing, iso

W = WaveStatus


@pytest.mark.parametrize("status", list(WaveStatus))
def test_f5_a_running_wave_shows_when_it_times_out(status: WaveStatus) -> None:
    current = execution(wave(1, status, started_at=NOW, timeout_minutes=10, wait_before_seconds=60))
    (shown,) = whole_view(current, OPERATOR, later(5), Timing())["waves"]
    assert shown["deadlineAt"] == (iso(later(660)) if status is W.IN_PROGRESS else None), "waitBefore does not count"


def test_f5_a_cancelled_execution_has_no_deadline_any_more() -> None:
    current = execution(wave(1, W.IN_PROGRESS, started_at=NOW), cancel=Cancel(Attribution(OPERATOR, NOW)))
    (shown,) = whole_view(current, OPERATOR, later(5), Timing())["waves"]
    assert shown["deadlineAt"] is None


def test_f5_a_deadline_is_as_time_passes_here() -> None:
    (shown,) = whole_view(execution(wave(1, W.IN_PROGRESS)), OPERATOR, NOW, Timing(0.1))["waves"]
    assert shown["deadlineAt"] == iso(later(360))


def test_4_an_execution_shows_200_characters_of_an_error_and_a_wave_all_that_is_kept() -> None:
    words = "DRS refused: " + "x" * 900
    members = (server(1, LaunchStatus.FAILED, error=words), server(2, LaunchStatus.LAUNCHED))
    current = execution(wave(1, W.FAILED, servers=members, error=words, attempts=(Attempt(1, NOW, NOW, words),)))
    (shown,) = whole_view(current, OPERATOR, NOW, Timing())["waves"]
    whole = whole_wave(current, 1, OPERATOR, NOW, Timing())
    pairs = [(shown, whole), *zip(shown["servers"][:1], whole["servers"][:1], strict=True)]
    for brief, full in [*pairs, *zip(shown["attempts"][:1], whole["attempts"][:1], strict=True)]:
        assert (full["error"], len(brief["error"]), brief["error"][-7:]) == (words, 200, "… (cut)")
    assert shown["servers"][1]["error"] is None
