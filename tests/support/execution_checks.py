"""What must be true of an execution at any moment, of its trail, and of whose words a change follows."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tests.support.execution_builders import OPERATOR

from wavebreak.domain.executions.audit_trail import WORDS, change_details, event_hash
from wavebreak.domain.executions.model.executions import Execution
from wavebreak.domain.executions.model.steps import StepStatus
from wavebreak.execution_utils import WaveStatus


def words_kept(before: Execution | None, after: Execution) -> dict[str, Any]:
    """Give whose words a change follows, and hold that none is lost: nothing starts or is cleaned up for nobody."""
    if before is None:
        return {}
    words = change_details(before, after)
    reported = {word["waveNumber"] for word in words.get("approvedBy", ())}
    for old, new in zip(before.waves, after.waves, strict=True):
        if old.status is WaveStatus.AWAITING_APPROVAL and new.status is WaveStatus.IN_PROGRESS:
            assert new.number in reported
    if not before.is_terminal and after.termination.attempt > before.termination.attempt:
        assert words["terminationRequestedBy"]["actor"] == after.termination.requested_by == who_cancels("TERMINATE")
    return words


def who_cancels(then: str) -> str:
    """Name the operator who cancels and goes on in a way: each has one of their own."""
    return f"{OPERATOR}-who-says-{then}"


def check_state(current: Execution, late: Collection[str] = ()) -> None:
    """Hold what must be true of an execution at any moment; `late` are jobs that nobody knew of for a while."""
    for wave in current.waves:
        if wave.status is WaveStatus.CANCELLED:
            assert current.cancel is not None, "only a cancel is final"
            assert not any(job.in_flight and job.job_id not in late for job in current.launch_jobs(wave.number))
            assert wave.running_step is None
        taken: set[str] = set()
        for job in current.launch_jobs(wave.number):
            if job.attempt == wave.attempt and not job.may_appear and job.job_id not in late:
                assert not taken & set(job.subjects), "a server is in two jobs of one attempt"
                taken |= set(job.subjects)
    if current.cancel is not None and current.is_terminal:
        assert current.status in {"COMPLETED", "PARTIAL_SUCCESS", "CANCELLED"}
    if current.is_terminal:
        assert not current.in_flight
        assert all(wave.status is not WaveStatus.IN_PROGRESS for wave in current.waves)


def check_trail(events: Sequence[Mapping[str, Any]], execution: Execution) -> None:
    """Verify the chain of events, and that it tells every status as it is."""
    previous = None
    reported: dict[object, str] = {}
    for sequence, event in enumerate(events, start=1):
        assert (event["sequence"], event["previousHash"], event["hash"]) == (sequence, previous, event_hash(event))
        previous = event["hash"]
        for change in event["data"]["changes"]:
            if change.get("subject") in WORDS:
                continue
            step = change.get("step") or {}
            subject = (change["waveNumber"], step["phase"], step["position"]) if step else None
            subject = subject or change.get("waveNumber", change.get("subject"))
            assert subject not in reported or reported[subject] == change["from"]
            reported[subject] = change["to"]
    assert reported.pop(None) == execution.status
    assert reported.pop("termination", "NOT_REQUESTED") == execution.termination.status
    for wave in execution.waves:
        assert reported.get(wave.number, WaveStatus.NOT_STARTED) == wave.status
        for step in wave.steps:
            assert reported.get((wave.number, step.phase, step.position), StepStatus.NOT_STARTED) == step.status
