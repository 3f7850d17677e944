"""Waves of plans drawn by dice: any shape, and any of what a plan may say of a wave."""

from random import Random
from typing import Final

from tests.support.execution_builders import TIMING, server

from wavebreak.domain.commands.catalogue import COMMAND_NAMES
from wavebreak.domain.executions.model.approvals import ApprovalWait
from wavebreak.domain.executions.model.waves import Wave
from wavebreak.domain.executions.stepping.wave_steps import planned
from wavebreak.domain.plans.model import ApprovalThen, Impact, OnFailure
from wavebreak.values import replace

SHAPES: Final[dict[str, tuple[tuple[int, ...], ...]]] = {
    "line": ((), (1,), (2,), (3,)),
    "diamond": ((), (1,), (1,), (2, 3)),
    "independent": ((), (), (), ()),
    "two branches": ((), (), (1,), (2,)),
    "join": ((), (), (), (1, 2, 3)),
}
"""Waves that each wave depends on; a shorter plan has the first of them."""
IMPACTS: Final = tuple(Impact)
ON_FAILURE: Final = tuple(OnFailure)
STEPS: Final = (0, 0, 1, 1, 2)
"""How many steps a list of a wave has."""
OF_NO_SERVERS: Final = ("automation", "function")
"""Kinds of steps that may come before a wave that depends on none."""
KINDS: Final = ("command", "command", "command", "command", *OF_NO_SERVERS)
IN_DRILL: Final = ("RUN", "RUN", "RUN", "RUN", "RUN", "SKIP")


def plan(dice: Random, *, commands: bool) -> tuple[Wave, ...]:
    """Give one to four waves of one to three servers in any shape, with any of what a plan may say of a wave."""
    shape = SHAPES[dice.choice(tuple(SHAPES))]
    waves = tuple(_wave(number, shape[number - 1], dice) for number in range(1, dice.randint(1, 4) + 1))
    # With dice of their own: what else is drawn, and with it each known history, stays as it is.
    own = Random(" ".join(f"{wave.on_failure} {len(wave.servers)} {wave.timeout_minutes}" for wave in waves))  # noqa: S311  no secret
    waves = tuple(replace(wave, approval_wait=_approval(wave, own)) for wave in waves)
    return tuple(_commanding(wave, dice) for wave in waves) if commands else waves


def _approval(wave: Wave, dice: Random) -> ApprovalWait | None:
    """Give what a wave says of its approval; None of one that needs none, or is from before approvals had an end."""
    if not wave.requires_approval or dice.random() < 0.2:
        return None
    minutes, then = dice.choice((1, 60)), dice.choice(tuple(ApprovalThen))
    return ApprovalWait(minutes, TIMING.scaled(minutes * 60), then)


def _wave(number: int, depends_on: tuple[int, ...], dice: Random) -> Wave:
    members = range(10 * number, 10 * number + dice.randint(1, 3))
    return Wave(
        number=number,
        name=f"wave-{number}",
        servers=tuple(server(member, impact=dice.choice(IMPACTS)) for member in members),
        depends_on=depends_on,
        requires_approval=dice.random() < 0.2,
        wait_before_seconds=dice.choice((0, 0, 0, 45)),
        timeout_minutes=dice.choice((2, 60)),
        on_failure=dice.choice(ON_FAILURE),
    )


def _commanding(wave: Wave, dice: Random) -> Wave:
    first = KINDS if wave.depends_on else OF_NO_SERVERS
    return replace(wave, steps=planned(_steps(dice, first), _steps(dice, KINDS)))


def _steps(dice: Random, kinds: tuple[str, ...]) -> list[dict[str, object]]:
    return [_step(dice, dice.choice(kinds)) for _ in range(dice.choice(STEPS))]


def _step(dice: Random, kind: str) -> dict[str, object]:
    name = dice.choice(COMMAND_NAMES) if kind == "command" else f"any-{kind}"
    return {kind: name, "required": dice.random() < 0.5, "inDrill": dice.choice(IN_DRILL)}
