"""Plans to test with, as JSON gives them."""

from typing import Any

import pytest

from wavebreak.domain.plans.document import parse_plan
from wavebreak.json_pointers import PlanInvalidError


def server(number: int) -> dict[str, Any]:
    return {"sourceServerId": f"s-{number:017d}"}


def wave(name: str, number: int, **fields: Any) -> dict[str, Any]:
    return {"name": name, "servers": [server(number)], **fields}


def plan(*waves: object, **fields: Any) -> dict[str, Any]:
    return {"planId": "three-tier", "name": "3TierRecoveryPlan", "waves": list(waves), **fields}


def problems(document: object, plan_id: str | None = None) -> list[tuple[str, str]]:
    """Have the document refused, and give the pointer and message of every problem."""
    with pytest.raises(PlanInvalidError) as caught:
        parse_plan(document, plan_id=plan_id)
    return [(problem.pointer, problem.message) for problem in caught.value.problems]
