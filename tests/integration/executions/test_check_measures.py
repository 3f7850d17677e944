"""What the checks of an execution are measured by, and what consolidating them reads (requirements S4-10 and S4-13)."""

from __future__ import annotations

import json
from threading import get_ident
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.checked_plans import STATEMENT, Json, prints
from tests.support.plans import plan, server, wave

from wavebreak.domain.executions.checking.turns import counting_runs
from wavebreak.use_cases.checks.consolidate_checks import consolidated

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.commands import Commands
    from tests.support.stack import Stack


def own(execution: Json) -> Json:
    return {name: value for name, value in execution["factors"].items() if name.startswith("f_")}


def test_s4_10_failure_rate_and_completeness_of_what_fell_short_are_told(
    commands: Commands, stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of three servers fails, and of two factors nobody gives the second."""
    stack.put_servers(map(server, (1, 2, 3)))
    prints(commands, 1, revenue=1)
    commands.answers(2, "status", exitCode=7)
    prints(commands, 3, revenue=2)
    wanted = {"f_revenue": {"of": "revenue", "reducer": "sum"}, "f_debts": {"of": "debts", "reducer": "sum"}}
    execution = stack.ended(stack.start(plan(wave("only", 1, 2, 3, checks=[{**STATEMENT, "factors": wanted}]))))
    assert own(execution) == {"f_revenue": 3}
    reported = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
    rates = [(one["check"], one["CheckFailureRate"]) for one in reported if "CheckFailureRate" in one]
    complete = [(one["check"], one["FactorCompleteness"]) for one in reported if "FactorCompleteness" in one]
    assert rates == [("bank-statement", pytest.approx(100 / 3))]
    assert complete == [("bank-statement", 50)]


def noting(asked: list[str]) -> Callable[..., None]:
    """Write down the operations that this thread asks for: machines ask beside it."""
    mine = get_ident()

    def note(model: Any, **_more: Any) -> None:
        if get_ident() == mine:
            asked.append(model.name)

    return note


@pytest.mark.parametrize("count", [2, 150])
def test_s4_13_consolidating_reads_the_plan_and_all_executions_of_checks_once(stack: Stack, count: int) -> None:
    stack.put_servers([server(1)])
    started = stack.start(plan(wave("only", 1, requiresApproval=True, checks=[STATEMENT])))
    stack.wait(started, lambda seen: seen["waves"][0]["status"] == "AWAITING_APPROVAL")
    app = stack.app()
    execution = app.executions.load(started).execution
    ((wave_number, position), run) = next(iter(counting_runs(execution).items()))
    output = {"factors": {"revenue": 2}}
    made = [
        {"executionId": f"cmd-1-{number}", "name": "bank-statement", "status": "completed", "output": output}
        for number in range(count)
    ]
    app.checks.put(started, (wave_number, position, run), made)
    asked: list[str] = []
    app.checks.table.client.meta.events.register("provide-client-params.dynamodb", noting(asked))

    after = consolidated(app, execution)

    assert asked == ["GetItem", "Query"]
    assert [
        (count_results.active, count_results.factors["f_months_analyzed"]) for count_results in after.check_counts
    ] == [(count, count)]
