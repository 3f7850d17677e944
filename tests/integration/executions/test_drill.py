"""A recovery from end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.plans import servers_of, three_tier

if TYPE_CHECKING:
    from tests.support.stack import Stack


def test_a_drill_of_three_waves_completes(stack: Stack) -> None:
    stack.put_servers(servers_of(three_tier()))
    execution = stack.ended(stack.start(three_tier()))
    assert execution["status"] == "COMPLETED"
