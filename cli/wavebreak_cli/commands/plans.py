"""`wavebreak plan …`: recovery plans."""

from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from wavebreak_cli.client.answers import names_in
from wavebreak_cli.client.request import READ_SECONDS, Call, path_of
from wavebreak_cli.commands.follow import read_execution
from wavebreak_cli.commands.names import PlanArgument, plan_named
from wavebreak_cli.commands.plan_writing import writing
from wavebreak_cli.errors import CommandError
from wavebreak_cli.repeat_loop import WatchFlag, show_list
from wavebreak_cli.session import JsonFlag, Shell, open_shell
from wavebreak_cli.views import lists, plan_views, readiness

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak_cli.client.answers import StoredPlan

plans: Final = typer.Typer(
    name="plan", help="Check, compare, store, import, show, delete recovery plans.", no_args_is_help=True
)

plans.add_typer(writing)


@plans.command("import")
def import_native(
    context: typer.Context,
    arn: Annotated[str, typer.Argument(metavar="ARN", help="ARN of a Recovery Plan of DRS itself.")],
    plan_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Id of the new plan. [default: made of the name]")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Take over a native DRS Recovery Plan as a new plan; an import replaces none."""
    shell = open_shell(context, json)
    answer = shell.api.post("/plans/import", {"recoveryPlanArn": arn, "planId": plan_id})
    shell.print_result(answer, lambda: lists.imported(shell.screen, cast("StoredPlan", answer)))


@plans.command("list")
def list_plans(context: typer.Context, watch: WatchFlag = False, json: JsonFlag = False) -> None:
    """List the stored plans."""
    shell = open_shell(context, json)

    def read(attempts: int) -> "list[StoredPlan]":
        return [cast("StoredPlan", item) for item in shell.api.items("/plans", attempts=attempts)]

    show_list(shell, read, lambda found, _: lists.plans(shell.screen, found), watch=watch)


class Output(StrEnum):
    """How an answer is written."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


@plans.command()
def show(
    context: typer.Context,
    plan: PlanArgument,
    output: Annotated[Output, typer.Option("--output", "-o", help="How it is written.")] = Output.TEXT,
    json: JsonFlag = False,
) -> None:
    """Show a stored plan: its waves with their servers, waits and steps; as YAML it can be edited and applied."""
    shell = open_shell(context, json or output is Output.JSON)
    answer = cast("StoredPlan", shell.api.get(path_of("plans", plan_named(plan))))
    if output is Output.YAML:
        shell.around.out.file.write(plan_views.as_yaml(answer.get("plan") or {}))
        return
    shell.print_result(answer, lambda: plan_views.plan(shell.screen, answer, names_of(shell, plan)))


def names_of(shell: Shell, plan_id: str) -> "Mapping[str, str]":
    """Return the names of the servers of a plan, from its last run, or else from DRS; none where neither knows them."""
    with suppress(CommandError):
        for item in shell.api.items("/executions", limit=1, attempts=1, planId=plan_id):
            return names_in(read_execution(shell, str(item.get("executionId")), attempts=1))
        answer = shell.api.post(path_of("plans", plan_id, "validate"), patience=READ_SECONDS)
        return {str(one): str(name) for one, name in (answer.get("names") or {}).items()}
    return {}


@plans.command("readiness")
def show_readiness(
    context: typer.Context,
    plan: PlanArgument,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
    json: JsonFlag = False,
) -> None:
    """Show what the regular checks of a plan found, newest first; `plan validate PLAN --live` checks it now."""
    shell = open_shell(context, json)
    found = list(shell.api.items(path_of("plans", plan_named(plan), "readiness"), limit=limit))
    shell.print_result({"items": found, "nextToken": None}, lambda: readiness.history(shell.screen, found))


@plans.command()
def delete(context: typer.Context, plan: PlanArgument, json: JsonFlag = False) -> None:
    """Delete a plan; its executions and their evidence stay."""
    shell = open_shell(context, json)
    answer = shell.api.answer(Call("DELETE", path_of("plans", plan_named(plan))))
    shell.print_result(answer, lambda: shell.screen.text(f"✓ {plan} deleted", "green"))
