"""The calls that would be accepted: those that are, in every state, and no other (contract 4, `actions`). Pure."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.execution_builders import NOW, OPERATOR, asked_to_cancel, execution, job, later, wave

from wavebreak.domain.executions.model.approvals import ApprovalWait
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Execution, Mode, PausedBy, Termination
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.views.actions import EXECUTION_STEPS, WAVE_STEPS, with_actions
from wavebreak.domain.executions.views.executions import execution_view
from wavebreak.domain.plans.model import OnFailure
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus
from wavebreak.values import replace

E, W, T = ExecutionStatus, WaveStatus, TerminationStatus
OTHER = "arn:aws:sts::123456789012:assumed-role/Operators/other"
GATED = ApprovalWait(60, timedelta(hours=1), not_by_requester=True).begun(NOW)
LIVE = {"pause", "cancel"}
DOCS = Path(__file__).parents[4] / "docs"


def actions(current: Execution, caller: str = OTHER) -> tuple[set[str], list[set[str]]]:
    shown = with_actions(execution_view(current, NOW), current, Attribution(caller, later(1)))
    return set(shown["actions"]), [set(one["actions"]) for one in shown["waves"]]


@pytest.mark.parametrize(
    ("status", "fields", "accepted"),
    [
        (E.PENDING, {}, LIVE | {"lease"}),
        (E.IN_PROGRESS, {}, LIVE | {"lease"}),
        (E.PAUSED, {"paused_by": frozenset({PausedBy.OPERATOR})}, LIVE | {"resume", "lease"}),
        (E.CANCELLING, {"cancel": asked_to_cancel()}, {"cancel", "lease"}),
        *((status, {}, {"verdict", "terminate", "lease"}) for status in (E.COMPLETED, E.PARTIAL_SUCCESS, E.FAILED)),
        (E.CANCELLED, {"cancel": asked_to_cancel()}, {"verdict", "terminate", "lease"}),
        (E.COMPLETED, {"termination": Termination(T.COMPLETED, 1, NOW, OPERATOR)}, {"verdict"}),
        (E.COMPLETED, {"termination": Termination(T.INCOMPLETE, 1, NOW, OPERATOR)}, {"verdict", "terminate"}),
        (E.COMPLETED, {"termination": Termination(T.IN_PROGRESS, 1, NOW, OPERATOR)}, {"verdict", "terminate"}),
    ],
)
@pytest.mark.parametrize("mode", Mode)
def test_4_an_execution_lists_the_calls_of_the_contracts_table(
    status: ExecutionStatus, fields: dict[str, Any], accepted: set[str], mode: Mode
) -> None:
    current = execution(wave(1, W.COMPLETED), status=status, mode=mode, jobs=(job(1, JobState.ENDED),), **fields)
    assert actions(current)[0] == accepted - ({"lease"} if mode is Mode.RECOVERY else set())


@pytest.mark.parametrize("status", list(ExecutionStatus))
@pytest.mark.parametrize("of_wave", list(WaveStatus))
def test_4_a_wave_lists_the_calls_of_the_contracts_table(status: ExecutionStatus, of_wave: WaveStatus) -> None:
    current = execution(wave(1, of_wave), status=status, jobs=(job(1, JobState.ENDED),))
    running, reopened = status in {E.IN_PROGRESS, E.PAUSED}, status in {E.FAILED, E.PARTIAL_SUCCESS}
    accepted = {"approve", "reject"} if running and of_wave is W.AWAITING_APPROVAL else set[str]()
    if (running or reopened) and of_wave is W.FAILED:
        accepted |= {"retry", "skip"}
    if (running or reopened or status is E.PENDING) and of_wave in {W.NOT_STARTED, W.AWAITING_APPROVAL, W.FAILED}:
        accepted |= {"skip"}
    assert actions(current)[1] == [accepted]


@pytest.mark.parametrize("caller", [OPERATOR, OTHER])
def test_4_what_a_wave_lists_depends_on_who_reads_it_where_its_plan_says_not_by_requester(caller: str) -> None:
    gated = wave(1, W.AWAITING_APPROVAL, requires_approval=True, approval_wait=GATED)
    assert ("approve" in actions(execution(gated), caller)[1][0]) == (caller == OTHER)


def test_4_an_open_ask_takes_no_resume() -> None:
    asks = wave(1, W.FAILED, on_failure=OnFailure.ASK)
    current = execution(asks, wave(2), status=E.PAUSED, paused_by=frozenset({PausedBy.FAILURE}))
    assert actions(current)[0] == LIVE | {"lease"}
    assert actions(replace(current, status=E.FAILED))[1][0] == {"retry", "skip"}


def test_4_each_call_is_named_by_the_last_part_of_its_path() -> None:
    paths = json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))["paths"]
    for name in WAVE_STEPS:
        assert f"/executions/{{executionId}}/waves/{{waveNumber}}/{name}" in paths
    for name in EXECUTION_STEPS:
        assert f"/executions/{{executionId}}/{name}" in paths
