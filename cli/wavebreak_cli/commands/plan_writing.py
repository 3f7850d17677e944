"""`wavebreak plan validate`, `diff`, `apply`, `new`, `schema`: plans as files, before and while they are stored."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from wavebreak.identifiers import PLAN_ID_PATTERN
from wavebreak_cli import plan_files, plan_words
from wavebreak_cli.client.request import Call, path_of
from wavebreak_cli.commands.names import plan_named
from wavebreak_cli.errors import (
    EXIT_FAILURE,
    EXIT_USAGE,
    CommandError,
    ConfigError,
    Finished,
    PlanUnreadableError,
    RefusedError,
)
from wavebreak_cli.session import JsonFlag, Shell, is_deleted, open_shell
from wavebreak_cli.views import lists, plan_views

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wavebreak_cli.client.answers import StoredPlan

writing: Final = typer.Typer()

FilesArgument = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="Plans, YAML or JSON; - is standard input.")
]


class Format(StrEnum):
    """How problems of files are written."""

    TEXT = "text"
    GITHUB = "github"


@writing.command()
def validate(
    context: typer.Context,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Plans, YAML or JSON; - is standard input. With --live also ids of stored plans.",
        ),
    ],
    live: Annotated[
        bool, typer.Option("--live", help="Then ask the API whether the plan could run now, if it is the stored one.")
    ] = False,
    form: Annotated[
        Format, typer.Option("--format", help="github writes annotations for the files of a pull request.")
    ] = Format.TEXT,
    json: JsonFlag = False,
) -> None:
    """Check plan files without a network: every problem with its line and JSON pointer."""
    shell = open_shell(context, json)
    if live:
        _live(shell, files)
        return
    judged = [_judged(name) for name in files]
    if shell.json:
        named = [{"file": one.name, **one.document()} for one in judged]
        shell.print_result(judged[0].document() if len(files) == 1 else {"items": named}, str)
    elif form is Format.GITHUB:
        for one in judged:
            notes = [plan_views.annotation(one.name, fault) for fault in one.errors]
            notes += [plan_views.annotation(one.name, fault, "warning") for fault in one.warnings]
            shell.around.out.file.write("".join(line + "\n" for line in notes))
    else:
        _report(shell, judged)
    if any(one.errors for one in judged):
        raise Finished(EXIT_USAGE)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A file, its problems, and what is valid in it and hardly meant."""

    name: str
    errors: "list[dict[str, Any]]"
    warnings: "list[dict[str, Any]]"

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        notes = {"warnings": self.warnings} if self.warnings else {}
        return {"valid": not self.errors, "errors": self.errors, **notes}


def _judged(file: str) -> _Judged:
    """Check one file; one that cannot be read has one problem."""
    try:
        read = plan_files.read(file)
        plan_files.judge(read)
    except PlanUnreadableError as invalid:
        return _Judged(str(invalid.problem["file"]), invalid.problem["errors"], [])
    except ConfigError as unreadable:  # no file, a directory: the others are judged all the same
        return _Judged(file, [{"pointer": "", "message": str(unreadable)}], [])
    return _Judged(read.name, [], plan_files.warnings(read))


def _report(shell: Shell, judged: "Sequence[_Judged]") -> None:
    for one in judged:
        if one.errors:
            shell.fail(plan_files.unreadable(one.name, one.errors))
        else:
            shell.around.out.print(shell.screen.text(f"✓ {one.name} is a valid plan", "green"))
        _warn(shell, one.name, one.warnings)


def _warn(shell: Shell, name: str, warnings: "Sequence[Mapping[str, Any]]") -> None:
    for notes in warnings:
        shell.note(f"warning: {name}:{notes['line']}: {notes['message']}")


def _live(shell: Shell, names: list[str]) -> None:
    """Show the API's readiness checks of one plan: the stored one, which a file has to be the same as."""
    if len(names) > 1:
        raise ConfigError.because("--live takes one plan at a time")
    name = names[0]
    if re.fullmatch(PLAN_ID_PATTERN, name) and not plan_files.is_plan_id(name):
        shell.note(f"{name} is a file here and read as one: for the stored plan {name} go to another directory")
    if plan_files.is_plan_id(name):
        plan_id = name
    else:
        read = plan_files.read(name)
        plan_files.judge(read)
        _refuse_another_than_stored(shell, read)
        plan_id = read.plan_id
    answer = shell.api.post(path_of("plans", plan_id, "validate"))
    shell.print_result(answer, lambda: lists.readiness(shell.screen, answer))
    if not answer.get("ready"):
        raise Finished(EXIT_FAILURE)


def _refuse_another_than_stored(shell: Shell, read: plan_files.PlanFile) -> None:
    """Judge no other document than the file: what would run is the stored plan."""
    stored = _stored(shell, read.plan_id)
    if stored is None:
        raise ConfigError.because(f"there is no stored plan {read.plan_id}: wavebreak plan apply {read.name} first")
    changes = plan_files.changes(stored.get("plan"), read)
    if changes:
        places = ", ".join(change["pointer"] or "/" for change in changes[:5])
        version = stored.get("version")
        raise ConfigError.because(
            f"{read.name} differs from stored version {version} in {places}: what runs is the stored plan",
            f"wavebreak plan diff {read.name}, then wavebreak plan apply {read.name}",
        )


def _stored(shell: Shell, plan_id: str) -> "StoredPlan | None":
    try:
        return cast("StoredPlan", shell.api.get(path_of("plans", plan_id)))
    except RefusedError as refused:
        if refused.code != "NOT_FOUND":
            raise
        return None


@writing.command()
def diff(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A plan, YAML or JSON; - is standard input.")],
    json: JsonFlag = False,
) -> None:
    """Show what storing a plan would change: exit code 0 nothing, 1 something. Nothing is stored."""
    shell = open_shell(context, json)
    read = plan_files.read(file)
    plan_files.judge(read)
    stored = _stored(shell, read.plan_id)
    changes = plan_files.changes(stored and stored.get("plan"), read)
    shell.print_result({"changes": changes}, lambda: plan_views.changes(shell.screen, read.plan_id, stored, changes))
    if changes:
        raise Finished(EXIT_FAILURE)


@writing.command()
def apply(
    context: typer.Context,
    files: FilesArgument,
    if_match: Annotated[
        int | None, typer.Option(metavar="VERSION", help="Refuse to replace any other version than this.", min=1)
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Store plans: create each, or replace it by a new version; one that is the same already stays as it is."""
    shell = open_shell(context, json)
    if if_match is not None and len(files) > 1:
        raise ConfigError.because("--if-match is for one plan")
    read = _all_valid(shell, files)
    _refuse_one_plan_twice(read)
    for plan in read:
        _warn(shell, plan.name, plan_files.warnings(plan))
    answers = []
    for plan in read:
        answer, notes = _applied(shell, plan, if_match)
        answers.append(answer)
        if not shell.json:
            shell.around.out.print(shell.screen.text(notes, "green"))
    if shell.json:
        shell.print_result(answers[0] if len(answers) == 1 else {"items": answers}, str)


def _all_valid(shell: Shell, files: "Sequence[str]") -> "list[plan_files.PlanFile]":
    """Read plans that are all to be stored; what is wrong with any of them is reported, and then none is."""
    read: list[plan_files.PlanFile] = []
    failures: list[CommandError] = []
    for file in files:
        try:
            plan = plan_files.read(file)
            plan_files.judge(plan)
            read.append(plan)
        except (PlanUnreadableError, ConfigError) as failure:
            failures.append(failure)
    if len(files) == 1 and failures:
        raise failures[0]
    for each in failures:
        shell.fail(each)
    if failures:
        raise ConfigError.because(f"{len(failures)} of {len(files)} files are no valid plans; nothing was stored")
    return read


def _refuse_one_plan_twice(read: "Sequence[plan_files.PlanFile]") -> None:
    """Raise ConfigError where two files are the same plan: the later one would replace the earlier one unseen."""
    first: dict[str, str] = {}
    for plan in read:
        if plan.plan_id in first:
            raise ConfigError.because(
                f"{first[plan.plan_id]} and {plan.name} both are plan {plan.plan_id}; nothing was stored"
            )
        first[plan.plan_id] = plan.name


def _applied(shell: Shell, read: plan_files.PlanFile, if_match: int | None) -> "tuple[Any, str]":
    """Store a plan unless it is stored already; return the answer and its summary."""
    try:
        stored = _stored(shell, read.plan_id)
    except RefusedError:  # who may write plans may have no right to read them
        stored = None
    version = stored and stored.get("version")
    if stored and if_match in {None, version} and plan_files.is_stored(stored.get("plan"), read):
        return stored, f"✓ {read.plan_id} unchanged, version {version}"
    headers = {} if if_match is None else {"if-match": f'"{if_match}"'}
    try:
        answer = shell.api.answer(Call("PUT", path_of("plans", read.plan_id), read.content, headers=headers))
    except CommandError as failure:
        raise _with_lines(failure, read) from failure
    return answer, f"✓ {read.plan_id} stored as version {answer.get('version')}"


def _with_lines(failure: CommandError, read: plan_files.PlanFile) -> CommandError:
    """Say on which lines of the file the API found errors."""
    errors: Any = failure.problem.get("errors")
    if not isinstance(errors, list) or not all(isinstance(error, dict) for error in errors):
        return failure
    notes = plan_words.in_words(errors, read.content)
    located = {**failure.problem, "file": read.name, "errors": plan_files.located(read.text, notes)}
    return type(failure)(located)


@writing.command()
def new(
    context: typer.Context,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="Id of the new plan.")],
    file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Where to write it; - is standard output. [default: PLAN.yaml]")
    ] = None,
) -> None:
    """Write an example plan with a comment on each part; overwrite nothing."""
    from wavebreak_cli.plan_template import plan_text  # noqa: PLC0415 - only this command needs it

    shell = open_shell(context, as_json=False)
    text = plan_text(plan_named(plan))
    if file == "-":
        shell.around.out.file.write(text)
        return
    named = file or f"{plan}.yaml"
    target = shell.around.directory / named
    if is_deleted():
        raise ConfigError.because("the present directory was deleted, nothing was written")
    try:
        with target.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise ConfigError.because(f"{target} is there already, nothing was written") from None
    except OSError as error:
        raise ConfigError.because(f"{target} cannot be written: {error.strerror}") from error
    shell.around.out.print(plan_views.written(shell.screen, named))


@writing.command()
def schema(context: typer.Context) -> None:
    """Print the JSON schema of plans, by which editors check and complete them."""
    from wavebreak_cli.plan_schema import text  # noqa: PLC0415 - pydantic is slow to load

    open_shell(context, as_json=False).around.out.file.write(text())
