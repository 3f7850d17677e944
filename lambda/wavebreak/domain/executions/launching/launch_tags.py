"""The tags that a launch job carries, by which it is found again when its answer was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.executions.model.jobs import Job

TAG_EXECUTION: Final = "wavebreak:execution"
TAG_WAVE: Final = "wavebreak:wave"
TAG_ATTEMPT: Final = "wavebreak:attempt"
TAG_BATCH: Final = "wavebreak:batch"


def job_tags(execution_id: str, job: Job) -> dict[str, str]:
    """Return the tags of a launch job: execution, wave, attempt, batch."""
    return {
        TAG_EXECUTION: execution_id,
        TAG_WAVE: str(job.wave),
        TAG_ATTEMPT: str(job.attempt),
        TAG_BATCH: str(job.batch),
    }


def key_of(execution_id: str, tags: Mapping[str, str]) -> tuple[int, int, int] | None:
    """Read wave, attempt and batch from the tags of a job; None for a job of another caller."""
    if tags.get(TAG_EXECUTION) != execution_id:
        return None
    numbers = [tags.get(name, "") for name in (TAG_WAVE, TAG_ATTEMPT, TAG_BATCH)]
    if not all(number.isdecimal() for number in numbers):
        return None
    wave, attempt, batch = map(int, numbers)
    return wave, attempt, batch
