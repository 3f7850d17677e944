"""Runs of a machine that keep failing are not followed by the next one at once for ever."""

from datetime import datetime, timedelta

import pytest
from tests.support.execution_builders import NOW, execution, wave
from tests.support.fake_app import FakeApp

from wavebreak.domain.errors.masking import MASK
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Execution
from wavebreak.observability.error_tracker import ErrorTracker
from wavebreak.observability.metrics import Meter
from wavebreak.use_cases.record_machine_failures import TOGETHER, keeps_failing, record

BORN = execution(wave(1))


class _App(FakeApp):
    def __init__(self) -> None:
        self.moment = NOW
        super().__init__(self.present, errors=ErrorTracker(None, Meter("test", self.present), self.present))
        self.executions.create(BORN, "{}", Attribution("test", NOW), {})

    def present(self) -> datetime:
        return self.moment

    def subject(self) -> Execution:
        return self.executions.load(BORN.execution_id).execution


def _fail(app: _App, times: int, apart: timedelta) -> Execution:
    for _ in range(times):
        app.moment += apart
        record(app, BORN.execution_id, "drill-x", "E", "why")
    return app.subject()


@pytest.mark.parametrize(("times", "expected"), [(1, False), (3, False), (4, True)])
def test_the_fourth_failure_in_a_row_is_left_to_the_sweep(times: int, expected: bool) -> None:
    app = _App()
    subject = _fail(app, times, timedelta(seconds=2))
    assert subject.last_failure is not None
    assert subject.last_failure.count == times
    assert keeps_failing(subject, app.now()) is expected


def test_a19_what_is_kept_of_a_failure_holds_no_secret_not_even_a_cut_one() -> None:
    key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    app = _App()
    for cause in (f"aws_secret_access_key={key}", "x" * 980 + f" the key {key} is not active"):
        record(app, BORN.execution_id, "drill-x", f"E token={key}", cause)
        kept = app.subject().last_failure
        assert kept is not None
        assert kept.error == "E token=*****"
        assert MASK[:2] in kept.cause
        assert key[:8] not in kept.cause
        assert len(kept.cause) <= 1000


def test_failures_far_apart_are_no_row() -> None:
    app = _App()
    subject = _fail(app, 6, TOGETHER)
    assert subject.last_failure is not None
    assert subject.last_failure.count == 1


def test_a_row_is_forgotten_after_a_while() -> None:
    app = _App()
    subject = _fail(app, 6, timedelta(seconds=1))
    assert not keeps_failing(subject, app.now() + TOGETHER)
