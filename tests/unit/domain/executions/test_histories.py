"""Ten thousand histories: random walks through what can happen to an execution, each told by its seed alone.

`WAVEBREAK_HISTORY` names one seed, to live through that history alone.
"""

import os
from collections.abc import Callable
from random import Random
from typing import Final

import pytest
from tests.support.command_run_world import CANCELLING, NEVER_BEGUN, RUNNING
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
from tests.support.random_plans import plan

from wavebreak.domain.executions.model.executions import CancelThen
from wavebreak.domain.executions.model.steps import StepStatus
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus

HISTORIES: Final = 10_000
A_TEST: Final = 2000
SHORTEST: Final = 12
LONGEST: Final = 120
THEN: Final = tuple(CancelThen)
RUN_FATES: Final = sorted(set(COMMAND_FATES.values()))

EVERY_STATUS: Final = (
    {f"EXECUTION {status}" for status in ExecutionStatus if status is not ExecutionStatus.PENDING}
    | {f"WAVE {status}" for status in WaveStatus}
    | {f"TERMINATION {status}" for status in (TerminationStatus.NOT_REQUESTED, TerminationStatus.IN_PROGRESS)}
    | {f"STEP {status}" for status in StepStatus}
    | {f"COMMAND {status}" for status in (RUNNING, CANCELLING, "COMPLETE_SUCCESS", "PARTIAL_SUCCESS", NEVER_BEGUN)}
)
"""What each test's histories come by: walks that no longer get anywhere would prove nothing."""

Happening = Callable[[RandomHistory, Random], None]
HAPPENINGS: Final[tuple[tuple[int, Happening], ...]] = (
    (6, lambda story, dice: story.time_passes(dice.choice(SECONDS))),
    (5, lambda story, dice: story.observe(dice.choice(DRS_ANSWERS))),
    (8, lambda story, dice: story.start_waves(dice.randint(1, 3), dice.choice(STARTS))),
    (6, lambda story, dice: story.drs_works(dice.choices(OUTCOMES, (1, 5, 1), k=3), dice.random() < 0.5)),
    (7, lambda story, dice: story.commands_end(dice.choices(COMMAND_ENDS, k=4))),
    (1, lambda story, dice: story.start_a_wave_that_nobody_named(dice.randint(1, 4), dice.randint(1, 3))),
    (2, lambda story, dice: story.a_held_up_function_goes_on(dice.choice(FATES))),
    (2, lambda story, dice: story.an_answer_arrives_or_is_lost(dice.random() < 0.5)),
    (1, lambda story, dice: story.cancel(dice.choice(THEN), dice.randint(0, 2), dice.randint(0, 2))),
    (1, lambda story, _dice: story.pause()),
    (2, lambda story, _dice: story.resume()),
    (2, lambda story, dice: story.steer_any_wave(dice.randint(1, 4), dice.choice(WAVE_CALLS))),
    (2, lambda story, dice: story.steer_any_wave(dice.randint(1, 4), "approve")),
    (2, lambda story, dice: story.decide_about_a_failure(dice.choice(DECISIONS))),
    (1, lambda story, _dice: story.terminate()),
    (4, lambda story, dice: story.start_a_whole_wave(dice.randint(1, 4), dice.choice((None, None, "before", "after")))),
    (2, lambda story, dice: story.a_server_is_in_trouble(dice.randint(0, 11), dice.choice((None, 0, 1, 2, 3)))),
    (
        1,
        lambda story, dice: story.a_recovery_takes_servers_over(
            dice.randint(0, 3), dice.randint(1, 12), dice.random() < 0.3
        ),
    ),
    (1, lambda story, _dice: story.the_recovery_cancels_it()),
    (4, lambda story, dice: story.run_a_command(dice.randint(1, 4), dice.choice(RUN_FATES))),
    (2, lambda story, dice: story.a_held_up_command_goes_on(dice.choice(RUN_FATES))),
    (4, lambda story, _dice: story.cancel_a_command()),
)
"""What can happen, and how often it does beside the others."""
MOODS: Final = (0, 0, 1, 1, 2)
"""Some histories know no pause or no operator at all, others much of it: in one even mixture few would get far."""
IN_EVERY_MOOD: Final = 5
"""How many of the happenings, the first ones, every history knows."""


def live(seed: int) -> set[str]:
    """Live through the history of a seed, from its plan to its end, and tell the statuses it came by."""
    dice = Random(seed)  # noqa: S311  a seed tells a history again; nothing is kept secret by it
    story = RandomHistory()
    story.begin(plan(dice, commands=True), seed)
    story.everything_holds()
    happenings = [happening for _, happening in HAPPENINGS]
    moods = [1] * IN_EVERY_MOOD + dice.choices(MOODS, k=len(HAPPENINGS) - IN_EVERY_MOOD)
    often = [weight * mood for (weight, _), mood in zip(HAPPENINGS, moods, strict=True)]
    seen = set()
    for happening in dice.choices(happenings, often, k=dice.randint(SHORTEST, LONGEST)):
        happening(story, dice)
        story.everything_holds()
        current = story.world.execution
        seen |= {f"EXECUTION {current.status}", f"TERMINATION {current.termination.status}"}
        seen |= {f"WAVE {wave.status}" for wave in current.waves}
        seen |= {f"COMMAND {status}" for status in story.world.runs.statuses.values()}
        seen |= {f"STEP {step.status}" for wave in current.waves for step in wave.steps}
    story.comes_to_rest()
    story.people_decide()
    return seen


def _seeds() -> list[range]:
    alone = os.environ.get("WAVEBREAK_HISTORY")
    if alone is not None:
        return [range(int(alone), int(alone) + 1)]
    return [range(first, first + A_TEST) for first in range(0, HISTORIES, A_TEST)]


@pytest.mark.parametrize("seeds", _seeds(), ids=lambda seeds: f"from-{seeds.start}")
def test_every_history_holds_at_every_step_and_comes_to_rest(seeds: range) -> None:
    seen: set[str] = set()
    for seed in seeds:
        try:
            seen |= live(seed)
        except Exception as error:
            error.add_note(f"the history of seed {seed}: WAVEBREAK_HISTORY={seed} pytest -k histories tests/unit")
            raise
    assert len(seeds) == 1 or seen >= EVERY_STATUS
