"""Runs of a machine that keep failing are not followed by the next one at once for ever."""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.execution_builders import NOW, execution, wave

from wavebreak.domain.executions.model import Execution
from wavebreak.observability.error_tracker import ErrorTracker
from wavebreak.observability.metrics import Meter
from wavebreak.use_cases.record_machine_failures import TOGETHER, keeps_failing, record


class _Store:
    def __init__(self, subject: Execution) -> None:
        self.subject = subject

    def change(self, _execution_id: str, step: Any, _act: Any) -> Execution:
        self.subject = step(self.subject)
        return self.subject


class _App:
    def __init__(self) -> None:
        self.executions = _Store(execution(wave(1)))
        self.moment = NOW
        self.errors = ErrorTracker(None, Meter("test", self.now), self.now)

    def now(self) -> Any:
        return self.moment


def _fail(app: Any, times: int, apart: timedelta) -> Execution:
    for _ in range(times):
        app.moment += apart
        record(app, {"executionId": "drill-x", "name": "drill-x", "error": "E", "cause": "why"})
    subject: Execution = app.executions.subject
    return subject


@pytest.mark.parametrize(("times", "expected"), [(1, False), (3, False), (4, True)])
def test_the_fourth_failure_in_a_row_is_left_to_the_sweep(times: int, expected: bool) -> None:
    app = _App()
    subject = _fail(app, times, timedelta(seconds=2))
    assert subject.last_failure is not None
    assert subject.last_failure.count == times
    assert keeps_failing(subject, app.now()) is expected


def test_failures_far_apart_are_no_row() -> None:
    app = _App()
    subject = _fail(app, 6, TOGETHER)
    assert subject.last_failure is not None
    assert subject.last_failure.count == 1


def test_a_row_is_forgotten_after_a_while() -> None:
    app = _App()
    subject = _fail(app, 6, timedelta(seconds=1))
    assert not keeps_failing(subject, app.now() + TOGETHER)
