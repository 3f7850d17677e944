"""`wavebreak command`: a command forwarded to many recovered servers, followed to its end."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn, TypeAlias, cast

import typer

from wavebreak.domain.commands.catalogue import COMMAND_NAMES, MAX_TIMEOUT_SECONDS, CommandName, catalogue_entry
from wavebreak.problems import UnsupportedCommand
from wavebreak_cli.client.answers import named
from wavebreak_cli.client.command_runs import LineReader, RunReader, RunReading, with_names
from wavebreak_cli.client.request import path_of
from wavebreak_cli.commands.completion import complete_command, complete_execution
from wavebreak_cli.commands.confirm import end_of_servers, recoveries_with
from wavebreak_cli.commands.names import execution_named, names_of_targets
from wavebreak_cli.errors import EXIT_FAILURE, EXIT_INTERRUPTED, CommandError, ConfigError, Finished, RefusedError
from wavebreak_cli.follow_loop import POLL_SECONDS, SLOWEST_POLL_SECONDS, follow
from wavebreak_cli.session import JsonFlag, Shell, open_shell
from wavebreak_cli.views.command_views import Arrivals, RunJson, RunLines, RunLive, RunOutput

if TYPE_CHECKING:
    from wavebreak_cli.client.answers import CommandRun

forwarding: Final = typer.Typer()

_MOST_ROWS: Final = 1000
_LIKE_AN_ID: Final = re.compile(r"[si]-[0-9a-zA-Z]+\Z")
_TAKES_DOWN: Final = frozenset({CommandName.STOP, CommandName.UNINSTALL})
_END_PATIENCE: Final = timedelta(seconds=10)
"""How long a watch that is left waits for its end: targets are stopped within 5 seconds."""
_END_POLL_SECONDS: Final = 0.5

_View: TypeAlias = RunLines | RunLive | RunJson | RunOutput
_Reader: TypeAlias = RunReader | LineReader


NameArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="COMMAND",
        help=f"One of {', '.join(COMMAND_NAMES)}.",
        show_default=False,
        autocompletion=complete_command,
    ),
]
ArgsArgument = Annotated[list[str] | None, typer.Argument(metavar="ARGS...", help="Passed to the command as they are.")]
TargetsOption = Annotated[
    list[str] | None,
    typer.Option(metavar="ID,...", help="Source servers or recovery instances; may be given several times."),
]
ExecutionOption = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        help="All that this execution launched; with --targets, those of it.",
        autocompletion=complete_execution,
    ),
]
TimeoutOption = Annotated[
    int | None, typer.Option(min=1, max=MAX_TIMEOUT_SECONDS, help="Seconds for one target; 300, sequentially 600.")
]
LimitOption = Annotated[
    int | None, typer.Option(min=0, max=_MOST_ROWS, help="Rows of a query over all targets: 10, 0 is all.")
]


@forwarding.command()
def command(  # noqa: PLR0913  each is an option of the command line
    context: typer.Context,
    *,
    name: NameArgument = None,
    args: ArgsArgument = None,
    targets: TargetsOption = None,
    execution: ExecutionOption = None,
    timeout: TimeoutOption = None,
    limit: LimitOption = None,
    stop_on_failure: Annotated[
        bool, typer.Option("--stop-on-failure", help="Of start, stop, uninstall: end at the first failure.")
    ] = False,
    combined: Annotated[bool, typer.Option("--combined", help="Print the targets' joined output alone.")] = False,
    follow_id: Annotated[str | None, typer.Option("--follow", metavar="ID", help="Follow a run made before.")] = None,
    cancel_id: Annotated[str | None, typer.Option("--cancel", metavar="ID", help="Cancel a run.")] = None,
    confirm: Annotated[
        str | None, typer.Option(metavar="ID", help="The execution's id again, for stop and uninstall on a recovery.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Forward a command to recovered servers: exit code 0 if it succeeded on all, 1 on none, 2 on some of them.

    query, status, watch and fix-config run on ten targets at a time; start, stop and uninstall on one after another.
    Ctrl-C ends a watch on every target; any other command goes on.
    """
    shell = open_shell(context, json)
    if shell.json and combined:
        raise ConfigError.because("--json and --combined are two ways to print the same")
    asked = {
        "command": name,
        "args": args or None,
        "targets": _listed(targets),
        "executionId": execution,
        "timeoutSeconds": timeout,
        "limit": limit,
        "stopOnFailure": stop_on_failure or None,
    }
    given = [option for option, value in (("--follow", follow_id), ("--cancel", cancel_id)) if value is not None]
    if given and (len(given) > 1 or any(value is not None for value in asked.values())):
        raise ConfigError.because(f"{given[0]} is for a run made before and takes nothing but its id")
    if cancel_id is not None:
        _cancel(shell, cancel_id)
        return
    if follow_id is None:
        _refuse_unless_forwardable(asked)
        asked["executionId"] = execution and execution_named(shell, execution)
        _confirm_if_it_ends_a_recovery(shell, asked, confirm)
    run = _start(shell, asked) if follow_id is None else _read(shell, follow_id)
    _Following(shell, run, _listed(targets) or [], combined=combined, ours=follow_id is None).to_end()


def _listed(targets: list[str] | None) -> list[str] | None:
    """Read the targets of one or more options, each a list with commas."""
    if targets is None:
        return None
    return [name.strip() for given in targets for name in given.split(",") if name.strip()]


def _refuse_unless_forwardable(asked: dict[str, Any]) -> None:
    """Judge by the catalogue's own rules what can be judged here, before any call; raise ConfigError."""
    if asked["command"] is None:
        raise ConfigError.because(f"names no command. Supported commands: {', '.join(COMMAND_NAMES)}")
    try:
        catalogue_entry(asked["command"])
    except UnsupportedCommand as unsupported:
        raise ConfigError(_without_status(unsupported.document())) from None
    if not asked["targets"] and (asked["executionId"] is None or asked["targets"] is not None):
        named = [word for word in asked["args"] or [] if _LIKE_AN_ID.match(word)]
        meant = f"did you mean --targets {','.join(named)}?" if named else None
        raise ConfigError.because("names no target: give --targets, or --execution for all that it launched", meant)
    from wavebreak.domain.commands.arguments import argument_problems  # noqa: PLC0415 - it brings pydantic, which help does not need

    problems = argument_problems(asked["args"] or [])
    if problems:
        errors = [{"pointer": problem.pointer, "message": problem.message} for problem in problems]
        raise ConfigError({"title": "Arguments", "code": "VALIDATION_FAILED", "detail": "refused", "errors": errors})


def _confirm_if_it_ends_a_recovery(shell: Shell, asked: dict[str, Any], confirm: str | None) -> None:
    """Have the execution's id typed before the application of recovered servers is stopped or removed."""
    if asked["command"] not in _TAKES_DOWN:
        return
    if asked["executionId"] is not None:
        touched = [asked["executionId"]] if asked["executionId"].startswith("recovery-") else []
    else:
        touched = recoveries_with(shell, asked["targets"])
    for execution in touched:
        end_of_servers(shell, execution, confirm, asked["command"])


def _without_status(problem: dict[str, Any]) -> dict[str, Any]:
    """Leave the HTTP status out of a problem that did not come from the API."""
    return {field: value for field, value in problem.items() if field != "status"}


def _start(shell: Shell, asked: dict[str, Any]) -> "CommandRun":
    try:
        return cast("CommandRun", shell.api.post("/commands", asked, key=shell.around.new_key()))
    except KeyboardInterrupt:
        shell.note("Left before the API answered: the command may run. The execution's events tell.")
        raise Finished(EXIT_INTERRUPTED) from None


def _read(shell: Shell, command_id: str) -> "CommandRun":
    return cast("CommandRun", shell.api.get(path_of("commands", command_id)))


def _cancel(shell: Shell, command_id: str) -> None:
    answer = shell.api.post(path_of("commands", command_id, "cancel"), {}, key=shell.around.new_key())
    status = str(answer.get("status")).replace("_", " ")
    shell.print_result(answer, lambda: shell.screen.text(f"✓ {command_id} is {status}", "green"))


@dataclass
class _Following:
    """A run that is followed to its end; `names` are its targets if they were named, `ours` if it was started here."""

    shell: Shell
    run: "CommandRun"
    names: Sequence[str]
    combined: bool
    ours: bool
    called: Mapping[str, str] | None = None
    """What people call the targets, by the ids of servers and instances: asked for with the first reading."""
    arrivals: Arrivals = field(default_factory=Arrivals)

    def to_end(self) -> NoReturn:
        """Follow the run and finish with its exit code, or with EXIT_INTERRUPTED."""
        reader, view = self._reader(), self._view()
        slowest = POLL_SECONDS if isinstance(reader, LineReader) else SLOWEST_POLL_SECONDS
        try:
            last = follow(lambda: self._read(reader), _is_over, view, self.shell.time, slowest=slowest)
        except KeyboardInterrupt:
            if self.ours and self._is_watch:
                self._stop(reader, view)
            else:
                self._leave()
            raise Finished(EXIT_INTERRUPTED) from None
        code = last.run.get("exitCode")
        raise Finished(EXIT_FAILURE if code is None else code)

    @property
    def _id(self) -> str:
        return str(self.run.get("commandId"))

    @property
    def _is_watch(self) -> bool:
        return self.run.get("command") == CommandName.WATCH

    def _read(self, reader: _Reader) -> RunReading:
        reading = reader.read()
        if self.shell.json or self.combined:
            return reading
        if self.called is None:
            self.called = names_of_targets(self.shell, self.run.get("executionId"))
            self.arrivals.names = [named(name, self.called) for name in self.arrivals.names]
        return with_names(reading, self.called)

    def _reader(self) -> _Reader:
        results = RunReader(self.shell.api, self._id)
        return LineReader(results, self.run) if self._is_watch and not self.combined else results

    def _view(self) -> _View:
        out, now = self.shell.around.out, self.shell.around.now
        if self.shell.json:
            return RunJson(out)
        if self.combined:
            return RunOutput(out, self.shell.around.err)
        arrivals = self.arrivals
        arrivals.names = self.names if len(self.names) == self.run.get("total") else ()
        self.shell.is_followed = True
        if out.is_interactive and not self._is_watch:
            return RunLive(out, now, arrivals)
        return RunLines(out, self.shell.screen, now, arrivals)

    def _leave(self) -> None:
        self.shell.note(
            f"The command goes on. To follow it: wavebreak command --follow {self._id}. "
            f"To cancel it: wavebreak command --cancel {self._id}."
        )

    def _stop(self, reader: _Reader, view: _View) -> None:
        """Cancel a watch, and show its end if it comes soon enough."""
        self.shell.note(f"cancelling {self._id} on all targets …")
        try:
            self.shell.api.post(path_of("commands", self._id, "cancel"), {}, key=self.shell.around.new_key())
        except RefusedError as refused:
            if refused.code != "INVALID_STATE":  # that is one that has ended meanwhile
                self._say_not_cancelled(refused)
                return
        except CommandError as failure:
            self._say_not_cancelled(failure)
            return
        last = self._ended(reader, view)
        if last is None:
            self.shell.note(f"It has not ended yet. To see its end: wavebreak command --follow {self._id}.")
        else:
            view.finish(last)

    def _say_not_cancelled(self, failure: CommandError) -> None:
        self.shell.note(f"It could not be cancelled and goes on: {failure}. wavebreak command --cancel {self._id}")

    def _ended(self, reader: _Reader, view: _View) -> RunReading | None:
        """Wait for the end of a run that was cancelled; None if it does not come, or cannot be seen, in time."""
        time = self.shell.time
        deadline = time.now() + _END_PATIENCE
        while time.now() < deadline:
            try:
                reading = self._read(reader)
            except CommandError:
                reading = RunReading(self.run)
            view.show(reading)
            if _is_over(reading):
                return reading
            time.sleep(_END_POLL_SECONDS)
        return None


def _is_over(reading: RunReading) -> bool:
    return reading.is_over
