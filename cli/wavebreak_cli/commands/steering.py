"""`wavebreak cancel`, `terminate`, `verdict`, `extend`, `pause`, `resume`, `approve`, `reject`, `retry`, `skip`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

import typer

from wavebreak_cli.client.request import Call, path_of
from wavebreak_cli.commands.confirm import show_stakes
from wavebreak_cli.commands.follow import follow_termination
from wavebreak_cli.commands.names import ExecutionArgument, WaveArgument, execution_named, wave_named
from wavebreak_cli.errors import ConfigError
from wavebreak_cli.session import JsonFlag, Shell, open_shell
from wavebreak_cli.views.terminal import when

control: Final = typer.Typer()

ReasonOption = Annotated[str | None, typer.Option(help="Why, for the audit trail.")]
ConfirmOption = Annotated[
    str | None, typer.Option(metavar="ID", help="The id again, needed to end the servers of a recovery.")
]


class Then(StrEnum):
    """What happens to the recovery instances of a cancelled execution."""

    KEEP = "keep"
    TERMINATE = "terminate"


@control.command()
def cancel(
    context: typer.Context,
    execution: ExecutionArgument,
    reason: ReasonOption = None,
    then: Annotated[Then | None, typer.Option(help="What to do with what was launched; the API keeps it.")] = None,
    confirm: ConfirmOption = None,
    json: JsonFlag = False,
) -> None:
    """Cancel an execution for good: waves in flight end, no other starts."""
    shell = open_shell(context, json)
    execution = execution_named(shell, execution)
    if then is Then.TERMINATE:
        confirm = _confirmed(shell, execution, confirm, "cancelled")
    body = {"reason": reason, "then": then.upper() if then else None, "confirm": confirm}
    _ask(shell, ("executions", execution, "cancel"), body, key=shell.around.new_key())


@control.command()
def terminate(
    context: typer.Context,
    execution: ExecutionArgument,
    confirm: ConfirmOption = None,
    reason: ReasonOption = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow the termination to its end.")] = False,
    json: JsonFlag = False,
) -> None:
    """Terminate the recovery instances that an execution launched."""
    shell = open_shell(context, json)
    execution = execution_named(shell, execution)
    confirm = _confirmed(shell, execution, confirm, "terminated")
    body = {"confirm": confirm, "reason": reason}
    path = path_of("executions", execution, "terminate")
    answer = shell.api.post(path, body, key=shell.around.new_key())
    if watch:
        follow_termination(shell, execution, answer)
    shell.print_result(answer, lambda: shell.screen.text(f"✓ termination of {execution} accepted", "green"))


class VerdictWord(StrEnum):
    """What an execution is judged to have been."""

    PASSED = "passed"
    FAILED = "failed"


@control.command()
def verdict(
    context: typer.Context,
    execution: ExecutionArgument,
    word: Annotated[VerdictWord, typer.Argument(metavar="passed|failed", help="What it was.")],
    notes: Annotated[str | None, typer.Option(help="What was found, and what comes of it.")] = None,
    json: JsonFlag = False,
) -> None:
    """Judge an execution that has ended; the last verdict counts."""
    shell = open_shell(context, json)
    execution = execution_named(shell, execution)
    body = {"verdict": word.upper(), **({"notes": notes} if notes is not None else {})}
    answer = shell.api.answer(Call("PUT", path_of("executions", execution, "verdict"), body=body))
    shell.print_result(answer, lambda: shell.screen.text(f"✓ verdict {word.upper()} given to {execution}", "green"))


@control.command()
def extend(
    context: typer.Context,
    execution: ExecutionArgument,
    minutes: Annotated[int, typer.Argument(metavar="MINUTES", help="From now on, or from its end while it runs.")],
    reason: ReasonOption = None,
    json: JsonFlag = False,
) -> None:
    """Set the lease of a drill: its instances stay for so many minutes from now, or from its end while it runs."""
    shell = open_shell(context, json)
    execution = execution_named(shell, execution)
    answer = shell.api.post(path_of("executions", execution, "lease"), {"minutes": minutes, "reason": reason})
    expires = (answer.get("lease") or {}).get("expiresAt")
    until = f"until {when(expires)}" if expires else f"for {minutes} minute(s) after its end"
    shell.print_result(answer, lambda: shell.screen.text(f"✓ the instances of {execution} stay {until}", "green"))


@control.command()
def pause(
    context: typer.Context, execution: ExecutionArgument, reason: ReasonOption = None, json: JsonFlag = False
) -> None:
    """Pause an execution: no new wave starts, running waves go on."""
    _steer_execution(open_shell(context, json), execution, "pause", reason)


@control.command()
def resume(
    context: typer.Context, execution: ExecutionArgument, reason: ReasonOption = None, json: JsonFlag = False
) -> None:
    """Go on after a pause."""
    _steer_execution(open_shell(context, json), execution, "resume", reason)


@control.command()
def approve(
    context: typer.Context,
    execution: ExecutionArgument,
    wave: WaveArgument,
    reason: ReasonOption = None,
    json: JsonFlag = False,
) -> None:
    """Approve a wave that waits for approval."""
    _steer_wave(open_shell(context, json), execution, wave, "approve", reason)


@control.command()
def reject(
    context: typer.Context,
    execution: ExecutionArgument,
    wave: WaveArgument,
    reason: ReasonOption = None,
    json: JsonFlag = False,
) -> None:
    """Reject a wave that waits for approval: it fails."""
    _steer_wave(open_shell(context, json), execution, wave, "reject", reason)


@control.command()
def retry(
    context: typer.Context,
    execution: ExecutionArgument,
    wave: WaveArgument,
    reason: ReasonOption = None,
    json: JsonFlag = False,
) -> None:
    """Recover the failed servers of a wave again."""
    _steer_wave(open_shell(context, json), execution, wave, "retry", reason)


@control.command()
def skip(
    context: typer.Context,
    execution: ExecutionArgument,
    wave: WaveArgument,
    reason: ReasonOption = None,
    json: JsonFlag = False,
) -> None:
    """Skip a wave: the execution goes on without it."""
    _steer_wave(open_shell(context, json), execution, wave, "skip", reason)


def _steer_execution(shell: Shell, execution: str, verb: str, reason: str | None) -> None:
    _ask(shell, ("executions", execution_named(shell, execution), verb), {"reason": reason})


def _steer_wave(shell: Shell, execution: str, wave: str, verb: str, reason: str | None) -> None:
    execution = execution_named(shell, execution)
    number = wave_named(shell, execution, wave)
    _ask(shell, ("executions", execution, "waves", number, verb), {"reason": reason})


def _confirmed(shell: Shell, execution: str, confirm: str | None, done: str) -> str | None:
    """Return the id that confirms the end of an execution's servers; for a recovery it is asked for unless given."""
    if confirm is None and execution.startswith("recovery-"):
        show_stakes(shell, execution, confirm)
        confirm = shell.question(f"This ends the recovered servers of {execution}. Type its id to go on:")
    if confirm is not None and confirm != execution:
        raise ConfigError.because(f"the id to confirm is another one, nothing was {done}")
    return confirm


def _ask(shell: Shell, segments: tuple[str | int, ...], body: Mapping[str, object], *, key: str | None = None) -> None:
    """Make a call that is accepted and carried out later, and say that it was."""
    answer = shell.api.post(path_of(*segments), body, key=key)
    label = (answer.get("display") or {}).get("label")
    state = f", now {label}" if label else ""
    shell.print_result(answer, lambda: shell.screen.text(f"✓ {segments[-1]} accepted{state}", "green"))
