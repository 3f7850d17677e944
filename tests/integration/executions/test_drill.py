"""A recovery from end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.plans import servers_of, three_tier

from wavebreak.domain.executions.observing.usual_time import usual_launch

if TYPE_CHECKING:
    from tests.support.stack import Stack


def test_a_drill_of_three_waves_completes(stack: Stack) -> None:
    stack.put_servers(servers_of(three_tier()))
    execution = stack.ended(stack.start(three_tier()))
    assert execution["status"] == "COMPLETED"


def test_a_run_knows_how_long_launches_of_its_plan_took_the_last_time(stack: Stack) -> None:
    stack.put_servers(servers_of(three_tier()))
    first = stack.start(three_tier())
    stack.ended(first)
    second = stack.start(three_tier())

    before, after = (stack.app().executions.load(each).execution for each in (first, second))
    assert before.usual_launch_seconds is None
    took = usual_launch(before)
    assert took is not None
    assert after.usual_launch_seconds == int(took.total_seconds())
