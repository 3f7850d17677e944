"""`wavebreak plan …`: recovery plans."""

from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from wavebreak_cli import plan_files
from wavebreak_cli.client.request import Call, path_of
from wavebreak_cli.errors import EXIT_FAILURE, EXIT_USAGE, CommandFailed, Finished, PlanUnreadable
from wavebreak_cli.session import JsonFlag, Shell, open_shell
from wavebreak_cli.views import lists

if TYPE_CHECKING:
    from wavebreak_cli.client.answers import StoredPlan

plans: Final = typer.Typer(name="plan", help="Check, store, import, show, delete recovery plans.", no_args_is_help=True)

PlanFileArgument = Annotated[str, typer.Argument(metavar="FILE", help="A plan, YAML or JSON; - is standard input.")]
PlanArgument = Annotated[str, typer.Argument(metavar="PLAN", help="Id of the plan.")]


@plans.command()
def validate(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="A plan, YAML or JSON; - is standard input. With --live also the id of a stored plan."
        ),
    ],
    live: Annotated[
        bool, typer.Option("--live", help="Then ask the API whether the stored plan could run now.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Check a plan file without a network: every problem with its line and JSON pointer."""
    shell = open_shell(context, json)
    if live and plan_files.is_plan_id(file):
        _validate_live(shell, file)
        return
    try:
        read = plan_files.read(file)
        plan_files.judge(read)
    except PlanUnreadable as invalid:
        if not shell.json:
            raise
        shell.tell({"valid": False, "errors": invalid.problem["errors"]}, str)
        raise Finished(EXIT_USAGE) from invalid
    if live:
        _validate_live(shell, read.plan_id)
    else:
        shell.tell({"valid": True, "errors": []}, lambda: shell.look.text(f"✓ {read.name} is a valid plan", "green"))


def _validate_live(shell: Shell, plan_id: str) -> None:
    """Show the API's readiness checks of the stored plan; one that is not ready ends with EXIT_FAILURE."""
    answer = shell.api.post(path_of("plans", plan_id, "validate"))
    shell.tell(answer, lambda: lists.readiness(shell.look, answer))
    if not answer.get("ready"):
        raise Finished(EXIT_FAILURE)


@plans.command()
def apply(
    context: typer.Context,
    file: PlanFileArgument,
    if_match: Annotated[
        int | None, typer.Option(metavar="VERSION", help="Refuse to replace any other version than this.", min=1)
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Store a plan: create it, or replace it by a new version."""
    shell = open_shell(context, json)
    read = plan_files.read(file)
    headers = {} if if_match is None else {"if-match": f'"{if_match}"'}
    try:
        answer = shell.api.answer(Call("PUT", path_of("plans", read.plan_id), read.content, headers=headers))
    except CommandFailed as failure:
        raise _with_lines(failure, read) from failure
    stored = f"✓ {read.plan_id} stored as version {answer.get('version')}"
    shell.tell(answer, lambda: shell.look.text(stored, "green"))


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
    shell.tell(answer, lambda: lists.imported(shell.look, cast("StoredPlan", answer)))


def _with_lines(failure: CommandFailed, read: plan_files.PlanFile) -> CommandFailed:
    """Say on which lines of the file the API found errors."""
    errors: Any = failure.problem.get("errors")
    if not isinstance(errors, list) or not all(isinstance(error, dict) for error in errors):
        return failure
    located = {**failure.problem, "file": read.name, "errors": plan_files.located(read.text, errors)}
    return type(failure)(located)


@plans.command("list")
def list_plans(context: typer.Context, json: JsonFlag = False) -> None:
    """List the stored plans."""
    shell = open_shell(context, json)
    found = [cast("StoredPlan", item) for item in shell.api.items("/plans")]
    shell.tell({"items": found, "nextToken": None}, lambda: lists.plans(shell.look, found))


@plans.command()
def show(context: typer.Context, plan: PlanArgument, json: JsonFlag = False) -> None:
    """Show a stored plan and what its waves wait for."""
    shell = open_shell(context, json)
    answer = shell.api.get(path_of("plans", plan))
    shell.tell(answer, lambda: lists.plan(shell.look, cast("StoredPlan", answer)))


@plans.command()
def delete(context: typer.Context, plan: PlanArgument, json: JsonFlag = False) -> None:
    """Delete a plan; its executions and their evidence stay."""
    shell = open_shell(context, json)
    answer = shell.api.answer(Call("DELETE", path_of("plans", plan)))
    shell.tell(answer, lambda: shell.look.text(f"✓ {plan} deleted", "green"))
