"""A plan as large as they come in practice, from end to end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.support.plans import plan, servers_of, wave

if TYPE_CHECKING:
    from tests.support.stack import Stack


def test_ten_waves_of_600_servers_with_300_in_one(stack: Stack) -> None:
    sizes = [300, 100, 60, 40, 30, 30, 20, 10, 5, 5]
    first = [1 + sum(sizes[:index]) for index in range(len(sizes))]
    waves = [wave(f"w{start}", *range(start, start + size)) for start, size in zip(first, sizes, strict=True)]
    document = plan(*waves)
    stack.put_servers(servers_of(document))
    stack.control.events(enabled=False)
    begun = time.monotonic()

    started = stack.start(document)
    execution = stack.ended(started, 60)

    assert execution["status"] == "COMPLETED"
    assert execution["completedWaves"] == 10
    assert sorted(stack.launched_servers()) == sorted(servers_of(document))
    assert len(stack.control.calls("StartRecovery")) == 12
    stack.api("POST", f"/executions/{started}/terminate", {})
    cleaned = stack.wait(started, lambda seen: seen["termination"]["status"] == "COMPLETED")
    assert cleaned["termination"]["terminated"] == 600
    sizes = [
        len(call["parameters"]["recoveryInstanceIDs"]) for call in stack.control.calls("TerminateRecoveryInstances")
    ]
    assert sizes == [100] * 6, "a hundred servers a job is DRS's default quota"
    assert time.monotonic() - begun < 60
