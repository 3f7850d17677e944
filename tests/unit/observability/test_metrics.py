"""Measurements in the form that CloudWatch reads, and what of an execution is measured."""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.support.execution_builders import NOW, execution, wave

from wavebreak.domain.executions.model.executions import Execution
from wavebreak.domain.executions.model.findings import Objectives
from wavebreak.execution_utils import ExecutionStatus, WaveStatus
from wavebreak.observability.execution_metrics import Measured
from wavebreak.observability.metrics import Meter, Metric, emf_line, to_log
from wavebreak.values import replace

LIMIT_OF_DIMENSIONS = 30
UNITS = {"Count", "Percent", "Seconds"}


@pytest.mark.parametrize("metric", list(Metric), ids=lambda metric: metric.name)
def test_every_line_names_what_it_holds(metric: Metric) -> None:
    wanted = {name: "x" for names in metric.value.dimensions for name in names} | {"stack": "shop"}
    line = json.loads(emf_line(metric, 2.5, NOW, wanted))
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    (described,) = directive["Metrics"]
    assert directive["Namespace"] == "Wavebreak"
    assert line["_aws"]["Timestamp"] == int(NOW.timestamp() * 1000)
    assert line[described["Name"]] == 2.5
    assert described["Unit"] in UNITS
    assert directive["Dimensions"]
    for names in directive["Dimensions"]:
        assert "stack" in names
        assert len(names) < LIMIT_OF_DIMENSIONS
        assert all(isinstance(line[name], str) for name in names)


def test_a_measurement_without_its_dimensions_is_refused() -> None:
    meter = Meter("shop", lambda: NOW, lambda _line: None)
    with pytest.raises(ValueError, match="severity"):
        meter.add(Metric.ERRORS, severity="ERROR")
    with pytest.raises(ValueError, match="Polls"):
        meter.add(Metric.POLLS, colour="red")


def test_a_line_leaves_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    to_log("{}")
    assert capsys.readouterr().out == "{}\n"


def measured(before: Execution, after: Execution) -> list[tuple[Any, ...]]:
    lines: list[dict[str, Any]] = []
    meter = Meter("shop", lambda: NOW, lambda line: lines.append(json.loads(line)))
    Measured(meter)(before, after)
    found: list[tuple[Any, ...]] = []
    for line in lines:
        title = line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"]
        found.append((title, line[title], line.get("status") or line.get("mode")))
    return found


def running() -> Execution:
    begun = replace(wave(1), status=WaveStatus.IN_PROGRESS, started_at=NOW)
    return replace(execution(begun), status=ExecutionStatus.IN_PROGRESS, started_at=NOW)


def ended(status: ExecutionStatus, of_wave: WaveStatus) -> Execution:
    later = NOW + timedelta(seconds=90)
    begun = running()
    over = replace(begun.waves[0], status=of_wave, ended_at=later)
    return replace(begun, waves=(over,), status=status, ended_at=later)


def test_the_end_of_a_recovery_is_measured_against_its_objective() -> None:
    after = ended(ExecutionStatus.COMPLETED, WaveStatus.COMPLETED)
    assert measured(running(), replace(after, objectives=Objectives(rto_minutes=60, rpo_minutes=15))) == [
        ("WaveDuration", 90.0, "COMPLETED"),
        ("ExecutionsEnded", 1, "COMPLETED"),
        ("RecoveryTime", 90.0, "DRILL"),
        ("RecoveryTimeObjective", 3600.0, "DRILL"),
    ]
    assert measured(after, after) == []


def test_without_an_objective_the_time_is_measured_alone() -> None:
    """An execution of a release that did not write the objectives down."""
    after = replace(ended(ExecutionStatus.PARTIAL_SUCCESS, WaveStatus.COMPLETED), objectives=None)
    titles = [title for title, _, _ in measured(running(), after)]
    assert titles == ["WaveDuration", "ExecutionsEnded", "RecoveryTime"]


def test_the_time_of_what_recovered_nothing_says_nothing() -> None:
    after = ended(ExecutionStatus.FAILED, WaveStatus.FAILED)
    assert measured(running(), after) == [("WaveDuration", 90.0, "FAILED"), ("ExecutionsEnded", 1, "FAILED")]
