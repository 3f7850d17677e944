"""What a round tells its state machine to do, and what the definition of the machine compares that with."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

import wavebreak
from wavebreak.domain.executions.ending.termination import TerminationDirective
from wavebreak.domain.executions.engine import Directive
from wavebreak.use_cases.machine_round import RoundDirective

DEFINITIONS = Path(wavebreak.__file__).parent.parent.parent / "statemachine"


@pytest.mark.parametrize(
    ("definition", "directives", "of_its_course"),
    [
        ("recovery", Directive, {RoundDirective.RENEW, RoundDirective.STAND_DOWN}),
        ("termination", TerminationDirective, {RoundDirective.STAND_DOWN}),
    ],
)
def test_a_definition_compares_with_every_directive_but_the_sleep_that_is_left(
    definition: str, directives: type[StrEnum], of_its_course: set[RoundDirective]
) -> None:
    text = (DEFINITIONS / f"{definition}.asl.json").read_text(encoding="utf-8")
    compared = set(re.findall(r"directive = '(\w+)'", text))
    assert compared | {"SLEEP"} == {*directives, *of_its_course}


def test_no_word_means_two_directives() -> None:
    assert not set(RoundDirective) & {*Directive, *TerminationDirective}
