"""Every order of things: polls, crashes, lost answers, deadlines and operators, searched with Hypothesis.

`WAVEBREAK_INTERLEAVINGS` sets how many histories are tried (300 unless set).
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.support.execution_builders import server
from tests.support.random_histories import (
    COMMAND_ENDS,
    COMMAND_FATES,
    DECISIONS,
    DRS_ANSWERS,
    FATES,
    OUTCOMES,
    SECONDS,
    STARTS,
    WAVE_CALLS,
    RandomHistory,
)

from drs_simulator.manners import SEED_BITS
from wavebreak.domain.executions.model.executions import CancelThen
from wavebreak.domain.executions.model.waves import Wave
from wavebreak.domain.executions.stepping.wave_steps import planned
from wavebreak.domain.plans.model import Impact, OnFailure

HISTORIES = int(os.environ.get("WAVEBREAK_INTERLEAVINGS", "300"))


def steps_of(*kinds: str) -> st.SearchStrategy[list[dict[str, object]]]:
    """Up to two steps of these kinds."""
    one = st.builds(
        lambda kind, required, in_drill: {kind: "start", "required": required, "inDrill": in_drill},
        st.sampled_from(kinds),
        st.booleans(),
        st.sampled_from(["RUN", "RUN", "SKIP"]),
    )
    return st.lists(one, max_size=2)


OF_NO_SERVERS = steps_of("automation", "function")
STEPS = steps_of("command", "automation", "function")
RUN_FATES = sorted(set(COMMAND_FATES.values()))


@st.composite
def plans(draw: st.DrawFn) -> tuple[Wave, ...]:
    """Up to four waves of up to three servers, with any dependencies on earlier ones."""
    waves = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        first = 10 * number
        servers = tuple(
            server(first + offset, impact=draw(st.sampled_from(Impact))) for offset in range(draw(st.integers(1, 3)))
        )
        depends_on = tuple(sorted(draw(st.sets(st.integers(1, number - 1))))) if number > 1 else ()
        waves.append(
            Wave(
                number=number,
                name=f"wave-{number}",
                servers=servers,
                depends_on=depends_on,
                steps=planned(draw(STEPS if depends_on else OF_NO_SERVERS), draw(STEPS)),
                requires_approval=draw(st.sampled_from([False, False, True])),
                wait_before_seconds=draw(st.sampled_from([0, 0, 45])),
                timeout_minutes=draw(st.sampled_from([2, 60])),
                on_failure=draw(st.sampled_from(OnFailure)),
            )
        )
    return tuple(waves)


class Interleavings(RandomHistory, RuleBasedStateMachine):
    """One execution, and everything that can happen to it in any order."""

    begin = initialize(waves=plans(), seed=st.integers(0, 2**SEED_BITS - 1))(RandomHistory.begin)
    time_passes = rule(seconds=st.sampled_from(SECONDS))(RandomHistory.time_passes)
    observe = rule(drs_answers=st.sampled_from(DRS_ANSWERS))(RandomHistory.observe)
    start_waves = rule(limit=st.integers(1, 3), then=st.sampled_from(STARTS))(RandomHistory.start_waves)
    start_a_wave_that_nobody_named = rule(number=st.integers(1, 4), limit=st.integers(1, 3))(
        RandomHistory.start_a_wave_that_nobody_named
    )
    a_held_up_function_goes_on = rule(fate=st.sampled_from(FATES))(RandomHistory.a_held_up_function_goes_on)
    an_answer_arrives_or_is_lost = rule(lost=st.booleans())(RandomHistory.an_answer_arrives_or_is_lost)
    drs_works = rule(outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=3, max_size=3), ends=st.booleans())(
        RandomHistory.drs_works
    )
    run_a_command = rule(number=st.integers(1, 4), fate=st.sampled_from(RUN_FATES))(RandomHistory.run_a_command)
    a_held_up_command_goes_on = rule(fate=st.sampled_from(RUN_FATES))(RandomHistory.a_held_up_command_goes_on)
    commands_end = rule(outcomes=st.lists(st.sampled_from(COMMAND_ENDS), min_size=1, max_size=4))(
        RandomHistory.commands_end
    )
    cancel_a_command = rule()(RandomHistory.cancel_a_command)
    cancel = rule(then=st.sampled_from(CancelThen), really=st.integers(0, 2), seen=st.integers(0, 2))(
        RandomHistory.cancel
    )
    pause = rule()(RandomHistory.pause)
    resume = rule()(RandomHistory.resume)
    steer_any_wave = rule(number=st.integers(1, 4), call=st.sampled_from(WAVE_CALLS))(RandomHistory.steer_any_wave)
    decide_about_a_failure = rule(call=st.sampled_from(DECISIONS))(RandomHistory.decide_about_a_failure)
    start_a_whole_wave = rule(number=st.integers(1, 4), dies=st.sampled_from([None, None, "before", "after"]))(
        RandomHistory.start_a_whole_wave
    )
    a_server_is_in_trouble = rule(position=st.integers(0, 11), trouble=st.sampled_from([None, 0, 1, 2, 3]))(
        RandomHistory.a_server_is_in_trouble
    )
    a_recovery_takes_servers_over = rule(
        first=st.integers(0, 3), count=st.integers(1, 12), site_is_needed=st.booleans()
    )(RandomHistory.a_recovery_takes_servers_over)
    the_recovery_cancels_it = rule()(RandomHistory.the_recovery_cancels_it)
    everything_holds = invariant()(RandomHistory.everything_holds)

    def teardown(self) -> None:
        """Have every history come to rest; one that Hypothesis gave up before its start has none."""
        if hasattr(self, "world"):
            self.comes_to_rest()


Interleavings.TestCase.settings = settings(
    max_examples=HISTORIES,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestInterleavings = Interleavings.TestCase
