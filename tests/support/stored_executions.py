"""Executions for the tests of the store, made without a plan."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.support.plans import server

from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Execution, Mode
from wavebreak.domain.executions.model.servers import Server
from wavebreak.domain.executions.model.waves import Wave

if TYPE_CHECKING:
    from collections.abc import Sequence

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACT = Attribution("arn:aws:iam::123456789012:user/operator", AT)


def execution_id(number: int, mode: str = "drill") -> str:
    """Give an id; a greater number is newer."""
    return f"{mode}-{number:026d}"


def execution(
    number: int = 1, sizes: Sequence[int] = (2, 1), *, plan_id: str = "p", mode: Mode = Mode.DRILL
) -> Execution:
    """Give an execution whose waves have as many servers as `sizes` says; no server is in two executions."""
    first = number * 10_000
    waves = []
    for index, size in enumerate(sizes):
        servers = tuple(Server(server(first + offset)) for offset in range(size))
        first += size
        waves.append(Wave(index + 1, f"wave {index + 1}", servers))
    return Execution(
        execution_id=execution_id(number, mode.value.lower()),
        plan_id=plan_id,
        plan_name="Plan",
        plan_version=1,
        plan_hash="0" * 64,
        mode=mode,
        requested_by=ACT.actor,
        started_at=AT,
        waves=tuple(waves),
    )
