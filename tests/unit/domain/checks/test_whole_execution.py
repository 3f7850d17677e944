"""An execution as the API shows it whole: beside its factors when waves time out, and what may be asked for. Pure."""

import pytest
from tests.support.execution_builders import NOW, OPERATOR, execution, later, wave

from wavebreak.domain.checks.whole_execution import whole_view
from wavebreak.domain.executions.model.executions import Cancel
from wavebreak.execution_utils import WaveStatus
from wavebreak.timing import Timing, iso

W = WaveStatus


@pytest.mark.parametrize("status", list(WaveStatus))
def test_f5_a_running_wave_shows_when_it_times_out(status: WaveStatus) -> None:
    current = execution(wave(1, status, started_at=NOW, timeout_minutes=10, wait_before_seconds=60))
    (shown,) = whole_view(current, OPERATOR, later(5), Timing())["waves"]
    assert shown["deadlineAt"] == (iso(later(660)) if status is W.IN_PROGRESS else None), "waitBefore does not count"


def test_f5_a_cancelled_execution_has_no_deadline_any_more() -> None:
    current = execution(wave(1, W.IN_PROGRESS, started_at=NOW), cancel=Cancel(NOW, OPERATOR))
    (shown,) = whole_view(current, OPERATOR, later(5), Timing())["waves"]
    assert shown["deadlineAt"] is None


def test_f5_a_deadline_is_as_time_passes_here() -> None:
    (shown,) = whole_view(execution(wave(1, W.IN_PROGRESS)), OPERATOR, NOW, Timing(0.1))["waves"]
    assert shown["deadlineAt"] == iso(later(360))
