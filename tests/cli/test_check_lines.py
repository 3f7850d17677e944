"""Checks and factors of an execution on its card (contract 7, S4-9)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

from rich.console import Console, Group
from tests.cli.fake_api import execution

from wavebreak_cli.views.check_lines import check_lines
from wavebreak_cli.views.terminal import Screen

if TYPE_CHECKING:
    from wavebreak_cli.client.answers import Execution


def shown(checks: list[dict[str, Any]], factors: dict[str, Any], width: int = 90) -> str:
    given = cast("Execution", execution("COMPLETED", [], checks=checks, factors=factors))
    stream = io.StringIO()
    Console(file=stream, width=width, markup=False, highlight=False, emoji=False, _environ={}).print(
        Group(*check_lines(Screen(width), given))
    )
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def check(name: str, status: str = "COMPLETED", counts: tuple[int, int] = (0, 0), **more: Any) -> dict[str, Any]:
    succeeded, failed = counts
    output = {"waveNumber": 1, "error": None, "note": None, "active": succeeded + failed}
    return {"name": name, "status": status, "succeeded": succeeded, "failed": failed, **output, **more}


def test_s4_9_each_check_says_how_many_of_its_executions_succeeded_and_the_factors_follow() -> None:
    checks = [
        check("smoke", counts=(3, 0)),
        check("bank-statement", counts=(2, 1)),
        check("credit-check", counts=(0, 2), waveNumber=None),
        check("quorum", "IN_PROGRESS"),
        check("late", "SKIPPED", error="no server to run on"),
    ]
    factors = {"f_revenue_monthly_avg": 11000.5, "f_state": "good", "recovery_time": {"met": True}}
    assert (
        shown(checks, factors)
        == """
Checks
  ✓ smoke           wave 1         3 of 3 succeeded
  ⚠ bank-statement  wave 1         2 of 3 succeeded
  ✗ credit-check    the execution  0 of 2 succeeded
  - quorum          wave 1         in progress
  - late            wave 1         skipped; no server to run on

Factors
  f_revenue_monthly_avg  11000.5
  f_state                good"""
    )


def test_a_plan_without_checks_shows_none() -> None:
    assert shown([], {"recovery_time": {}}) == ""


def test_what_a_target_printed_does_nothing_to_the_terminal_and_long_lists_are_cut() -> None:
    many = [check(f"c{number}", counts=(1, 0)) for number in range(25)]
    text = shown(many, {"f_x": "\x1b[2J\x07" + "y" * 500, **{f"f_{number}": number for number in range(30)}})
    assert "\x1b" not in text
    assert "… 5 more, see them with --json" in text
    assert "… 11 more, see them with --json" in text
    assert max(map(len, text.splitlines())) <= 90
