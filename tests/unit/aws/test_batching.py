"""What goes into the next call to DRS after refusals."""

from __future__ import annotations

import pytest

from wavebreak.aws.batching import BATCHES_A_CALL, Batches
from wavebreak.aws.unrepeated import CallRejectedError
from wavebreak.domain.drs import SERVERS_A_JOB_QUOTA

CONFLICT = CallRejectedError("ConflictException", "busy", status=409)
SERVERS = [f"s-{number:017d}" for number in range(100)]


def test_everything_due_fits_as_far_as_there_is_room() -> None:
    assert Batches().choose(SERVERS, 3) == tuple(SERVERS[:3])
    assert Batches().choose(SERVERS, 0) == ()


@pytest.mark.parametrize(
    ("refusal", "narrowed"),
    [
        (CONFLICT, True),
        (CallRejectedError("ValidationException", "no"), True),
        (CallRejectedError("ResourceNotFoundException", "no", status=404), True),
        (CallRejectedError("ServiceQuotaExceededException", "full", SERVERS_A_JOB_QUOTA, 402), True),
        (CallRejectedError("ServiceQuotaExceededException", "full", "L-D88FAC3A", 402), False),
        (CallRejectedError("ThrottlingException", "slower", status=429), False),
        (CallRejectedError("AccessDeniedException", "no", status=403), False),
    ],
)
def test_a_refused_batch_is_halved_when_a_part_of_it_may_be_taken(
    refusal: CallRejectedError, *, narrowed: bool
) -> None:
    batches = Batches()
    assert batches.narrow(SERVERS[:5], refusal) is narrowed
    assert len(batches.choose(SERVERS, 100)) == (2 if narrowed else 100)
    assert not batches.narrow(SERVERS[:1], refusal)


@pytest.mark.parametrize("culprit", [0, 63, 99])
def test_the_others_are_taken_within_two_invocations_wherever_the_one_stands(culprit: int) -> None:
    due = list(SERVERS)
    for _ in range(2):
        batches = Batches()
        for _ in range(BATCHES_A_CALL):
            batch = batches.choose(due, 100)
            if not batch:
                break
            if SERVERS[culprit] not in batch:
                due = [server for server in due if server not in batch]
            elif not batches.narrow(batch, CONFLICT):
                batches.set_aside(batch)
    assert due == [SERVERS[culprit]]
    assert batches.left_out
