"""What the last task of a machine is given of why its run failed."""

from typing import Any

import pytest

from wavebreak.lambda_entry import failure_in

WHOLE = {"name": "drill-1", "error": "States.Timeout", "cause": "it hung"}


@pytest.mark.parametrize(
    ("event", "unless_given", "described"),
    [
        (WHOLE, {}, ("drill-1", "States.Timeout", "it hung")),
        (WHOLE, {"name": "drill-2", "cause": ""}, ("drill-1", "States.Timeout", "it hung")),
        ({}, {}, ("Unknown", "Unknown", "Unknown")),
        ({"name": "", "error": None}, {"name": "drill-2", "cause": ""}, ("drill-2", "Unknown", "")),
        ({"name": "x", "cause": {"why": 1}}, {}, ("x", "Unknown", "{'why': 1}")),
    ],
)
def test_what_a_failed_run_does_not_say_has_words_all_the_same(
    event: dict[str, Any], unless_given: dict[str, str], described: tuple[str, str, str]
) -> None:
    assert failure_in(event, **unless_given) == described
