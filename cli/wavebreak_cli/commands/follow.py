"""Reading executions and following them, for every command that does."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, is_terminal, normalize_execution_status
from wavebreak_cli.client.answers import Execution, Termination, members
from wavebreak_cli.client.request import ATTEMPTS, path_of
from wavebreak_cli.errors import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_OK, EXIT_PARTIAL, CommandError, Finished
from wavebreak_cli.follow_loop import follow
from wavebreak_cli.session import Shell
from wavebreak_cli.views.phases import with_phases

if TYPE_CHECKING:
    from datetime import datetime

ASK_SECONDS: Final = 15
"""How long the API's answer about phases is good for: it asks DRS no more often itself."""
_OUTCOMES: Final = {ExecutionStatus.COMPLETED: EXIT_OK, ExecutionStatus.PARTIAL_SUCCESS: EXIT_PARTIAL}
_TERMINATION_OVER: Final = frozenset({TerminationStatus.COMPLETED, TerminationStatus.INCOMPLETE})


def read_execution(shell: Shell, name: str, *, attempts: int = ATTEMPTS) -> Execution:
    """Read one execution."""
    return cast("Execution", shell.api.get(path_of("executions", name), attempts=attempts))


class Phases:
    """What is known of the phases of an execution's servers: asked for now and then while some of them launch."""

    def __init__(self, shell: Shell, name: str) -> None:
        """Begin with nothing known."""
        self._shell, self._name = shell, name
        self._known: Mapping[str, Any] = {}
        self._asked_at: datetime | None = None

    def of(self, execution: Execution) -> Execution:
        """Return an execution with the phases of its servers, or without them where the API does not report any."""
        if not any(server.get("launchStatus") == LaunchStatus.IN_PROGRESS for _, server in members(execution)):
            return execution
        now = self._shell.around.now()
        if self._asked_at is None or (now - self._asked_at).total_seconds() >= ASK_SECONDS:
            self._asked_at = now
            with suppress(CommandError):
                self._known = self._shell.api.get(path_of("executions", self._name, "progress"), attempts=1)
        return with_phases(execution, self._known)


class Earlier:
    """How long the plan's last drill took that completed: asked for once, and missed by nobody."""

    def __init__(self, shell: Shell) -> None:
        """Begin with nothing known."""
        self._shell = shell
        self._asked = False
        self._usual: int | None = None

    def beside(self, execution: Execution) -> Execution:
        """Return an execution with `usualSeconds`; as it is where the API does not report."""
        if not self._asked:
            self._asked = True
            wanted = {"planId": execution.get("planId"), "mode": "DRILL", "status": ExecutionStatus.COMPLETED.value}
            with suppress(CommandError):
                found = self._shell.api.get("/executions", {**wanted, "limit": 1}, attempts=1).get("items") or []
                self._usual = next((item.get("durationSeconds") for item in found), None)
        return {**execution, "usualSeconds": self._usual} if self._usual is not None else execution


def follow_to_end(shell: Shell, name: str, *, exists: bool = False) -> NoReturn:
    """Watch an execution to its end and finish with the exit code of its outcome; whether it `exists` may be known."""
    hint = (
        f"The execution goes on. To watch it again, or cancel it:\n  wavebreak watch {name}\n  wavebreak cancel {name}"
    )
    last = _follow(shell, name, _has_ended, hint, exists=exists)
    status = normalize_execution_status(last.get("status"))
    raise Finished(_OUTCOMES.get(status, EXIT_FAILURE) if status else EXIT_FAILURE)


def follow_termination(shell: Shell, name: str, accepted: Mapping[str, Any]) -> NoReturn:
    """Watch a termination to its end: complete, incomplete with something terminated, or nothing at all.

    The caller knows the execution from the accepted call; only what becomes of the instances is reported.
    """
    known = cast("Execution", {name: value for name, value in accepted.items() if name != "termination"})
    hint = f"The termination goes on. To watch it again:\n  wavebreak terminate {name} --watch"
    termination = _termination(_follow(shell, name, _is_cleaned_up, hint, known, exists=True))
    if termination.get("status") == TerminationStatus.COMPLETED:
        raise Finished(EXIT_OK)
    raise Finished(EXIT_PARTIAL if termination.get("terminated") else EXIT_FAILURE)


def _follow(
    shell: Shell,
    name: str,
    is_over: Callable[[Execution], bool],
    hint: str,
    known: Execution | None = None,
    *,
    exists: bool,
) -> Execution:
    """Follow an execution; whoever stops before its end is informed that it goes on, by name."""
    seen = exists
    phases, earlier = Phases(shell, name), Earlier(shell)

    def read() -> Execution:
        nonlocal seen
        found = read_execution(shell, name, attempts=1)
        seen = True
        if shell.json:
            return found
        current = phases.of(found)
        return earlier.beside(current) if shell.around.out.is_terminal else current

    try:
        return follow(read, is_over, shell.view(known), shell.time)
    except KeyboardInterrupt:
        for line in hint.splitlines():
            shell.note(line)
        raise Finished(EXIT_INTERRUPTED) from None
    except CommandError as failure:
        if seen:
            failure.hint = hint
            failure.problem.setdefault("executionId", name)
        raise


def _has_ended(execution: Execution) -> bool:
    return is_terminal(normalize_execution_status(execution.get("status")))


def _is_cleaned_up(execution: Execution) -> bool:
    return _termination(execution).get("status") in _TERMINATION_OVER


def _termination(execution: Execution) -> Termination:
    return execution.get("termination") or {}
