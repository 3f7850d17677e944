"""Verdicts, counts of calls, and when a report is owed (contract 4 and 8). Pure."""

import pytest
from tests.support.execution_builders import NOW, OPERATOR, execution

from wavebreak.domain.executions.audit_trail import status_changes, type_of
from wavebreak.domain.executions.findings.reports import is_owed, name_of
from wavebreak.domain.executions.findings.verdicts import judged
from wavebreak.domain.executions.launching import launch_steps
from wavebreak.domain.executions.model.findings import CallCounts, Verdict, VerdictWord
from wavebreak.domain.executions.model.jobs import Job, JobState
from wavebreak.domain.executions.replay import statuses_after
from wavebreak.domain.executions.steering import NotAllowedError
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus
from wavebreak.values import replace

PASSED = Verdict(VerdictWord.PASSED, OPERATOR, NOW)


@pytest.mark.parametrize("status", ExecutionStatus)
def test_4_a_verdict_is_of_an_ended_execution_whatever_its_status(status: ExecutionStatus) -> None:
    known = replace(execution(), status=status)
    if known.is_terminal:
        assert judged(known, PASSED) == replace(known, verdict=PASSED)
    else:
        with pytest.raises(NotAllowedError, match=f"Execution is {status}"):
            judged(known, PASSED)


def test_5_a_verdict_is_told_without_a_change_of_status() -> None:
    before = replace(execution(), status=ExecutionStatus.FAILED)
    changes = status_changes(before, judged(before, PASSED))
    assert changes == [{"subject": "verdict", "from": None, "to": "PASSED"}]
    assert type_of(changes) == "VERDICT_PASSED"
    assert status_changes(judged(before, PASSED), before) == [], "a reopen clears it; its own event tells that"
    event = {"at": "2026-01-01T00:00:00.000Z", "data": {"changes": changes}}
    assert statuses_after([event]).termination is TerminationStatus.NOT_REQUESTED


@pytest.mark.parametrize(
    ("change", "owed"),
    [
        ({"from": "IN_PROGRESS", "to": "COMPLETED"}, True),
        ({"from": "CANCELLING", "to": "CANCELLED"}, True),
        ({"from": "IN_PROGRESS", "to": "PAUSED"}, False),
        ({"waveNumber": 1, "from": "IN_PROGRESS", "to": "COMPLETED"}, False),
        ({"subject": "termination", "from": "NOT_REQUESTED", "to": "IN_PROGRESS"}, False),
        ({"subject": "termination", "from": "IN_PROGRESS", "to": "INCOMPLETE"}, True),
        ({"subject": "verdict", "from": None, "to": "FAILED"}, True),
        ({"subject": "command", "from": None, "to": "COMPLETE_FAILURE"}, False),
    ],
)
def test_8_a_report_is_owed_at_an_end_and_after_a_verdict(change: dict[str, object], owed: bool) -> None:
    assert is_owed([{"waveNumber": 2, "from": "IN_PROGRESS", "to": "FAILED"}, change]) is owed
    assert name_of("three-tier", "drill-1", 7, "json") == "three-tier/drill-1/7.json"


def test_8_calls_are_counted_with_their_intents_and_refusals_once() -> None:
    job = Job(1, 1, 1, ("s-1",), JobState.INTENDED, NOW, NOW)
    counted = launch_steps.intended(replace(execution(), calls=CallCounts()), job)
    assert counted.calls == CallCounts(1, 0)
    refused = launch_steps.refused(counted, job, NOW)
    assert refused.calls == CallCounts(1, 1)
    assert launch_steps.refused(refused, job, NOW).calls == CallCounts(1, 1)
    assert launch_steps.intent_withdrawn(counted, job).calls == CallCounts(0, 0)
    assert launch_steps.intended(replace(execution(), calls=None), job).calls is None, "an older record"
