"""What is different between two plans (contract 4, `POST /plans/diff`)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavebreak.domain.plans.differences import Change, differences
from wavebreak.domain.plans.document import normalised, parse_plan
from wavebreak.json_pointers import PlanInvalidError

PLAN: dict[str, Any] = {
    "planId": "p",
    "name": "Plan",
    "waves": [
        {"name": "db", "servers": [{"sourceServerId": "s-11111111111111111"}]},
        {"name": "web", "servers": [{"sourceServerId": "s-22222222222222222"}], "requiresApproval": True},
    ],
}


def compared(stored: dict[str, Any] | None, document: object) -> list[Change]:
    return differences(stored, parse_plan(document))


def test_equal_plans_have_none_whichever_of_them_has_its_defaults_written_out() -> None:
    assert compared(PLAN, PLAN) == []
    assert compared(PLAN, normalised(parse_plan(PLAN))) == []
    assert compared(normalised(parse_plan(PLAN)), PLAN) == []


def test_changes_are_told_by_pointer_with_what_was_and_what_comes() -> None:
    changed = deepcopy(PLAN)
    changed["waves"][1] |= {"timeoutMinutes": 90, "requiresApproval": False}
    changed["waves"][0]["servers"].append({"sourceServerId": "s-33333333333333333"})
    changed["description"] = "new"
    reported = {change["pointer"]: (change["from"], change["to"]) for change in compared(PLAN, changed)}
    assert reported == {
        "/waves/0/servers/1": (None, {"sourceServerId": "s-33333333333333333", "impact": "CRITICAL"}),
        "/waves/1/timeoutMinutes": (60, 90),
        "/waves/1/requiresApproval": (True, False),
        "/description": (None, "new"),
    }


def test_a_plan_that_is_not_stored_is_one_change_of_everything() -> None:
    assert compared(None, PLAN) == [{"pointer": "", "from": None, "to": normalised(parse_plan(PLAN))}]


def test_a_document_that_is_no_plan_is_refused_and_one_that_was_stored_long_ago_is_compared_as_it_is() -> None:
    with pytest.raises(PlanInvalidError):
        compared(PLAN, {"planId": "p"})
    older = {**PLAN, "colour": "red"}
    assert {"pointer": "/colour", "from": "red", "to": None} in compared(older, PLAN)


@given(st.integers(1, 10080), st.sampled_from(["STOP", "CONTINUE", "ASK"]))
def test_what_is_told_turns_one_plan_into_the_other(minutes: int, on_failure: str) -> None:
    changed = deepcopy(PLAN)
    changed["waves"][0] |= {"timeoutMinutes": minutes, "onFailure": on_failure}
    before = normalised(parse_plan(PLAN))
    for change in compared(PLAN, changed):
        *path, last = change["pointer"].split("/")[1:]
        part: Any = before
        for word in path:
            part = part[int(word) if isinstance(part, list) else word]
        assert part[last] == change["from"]
        part[last] = change["to"]
    assert before == normalised(parse_plan(changed))
