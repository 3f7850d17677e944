"""Command lines as people type them, arranged as the commands take them: global options anywhere, `help`, nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WITH_VALUE: Final = ("--api-url", "--stack", "--region", "--profile")
_FLAGS: Final = ("--debug",)
_GROUPS: Final = ("plan", "report")
"""Commands that are nothing without another."""
_MEANT: Final = {
    "list": "wavebreak executions, or wavebreak plan list",
    "ls": "wavebreak executions, or wavebreak plan list",
    "ps": "wavebreak executions --active",
    "status": "wavebreak show latest",
    "get": "wavebreak show latest",
    "describe": "wavebreak show latest",
    "start": "wavebreak run",
    "drill": "wavebreak run PLAN --mode drill",
    "recover": "wavebreak run PLAN --mode recovery",
    "stop": "wavebreak cancel",
    "destroy": "wavebreak terminate",
    "apply": "wavebreak plan apply",
    "validate": "wavebreak plan validate",
    "diff": "wavebreak plan diff",
    "login": "wavebreak whoami",
}
"""What the words of other commands are called here."""
HELP: Final = ["-h", "--help"]


def arranged(arguments: Sequence[str]) -> list[str]:
    """Put global options first, and make what asks for help ask as commands take it; all behind `--` stays."""
    ours, rest = list(arguments), []
    if "--" in ours:
        at = ours.index("--")
        ours, rest = ours[:at], ours[at:]
    first: list[str] = []
    others: list[str] = []
    words = iter(ours)
    for word in words:
        if word in _FLAGS or (word.partition("=")[0] in _WITH_VALUE and "=" in word):
            first.append(word)
        elif word in _WITH_VALUE:
            first += [word, *_next(words)]
        else:
            others.append(word)
    return [*first, *_helped(others), *rest]


def _next(words: Iterator[str]) -> list[str]:
    """Return the value of an option; one that is missing is reported by the parser."""
    return [word for word in (next(words, None),) if word is not None]


def _helped(words: list[str]) -> list[str]:
    if not words:
        return ["--help"]
    if words[0] == "help":
        return [*words[1:], "--help"]
    return [*words, "--help"] if len(words) == 1 and words[0] in _GROUPS else words


def usage_hint(words: Sequence[str]) -> str | None:
    """Return what was probably meant by a command line that is not accepted."""
    named = [word for word in words if not word.startswith("-")]
    if named[:1] == ["command"] and len(named) > 1:
        return (
            "an argument that begins with - stands behind --: wavebreak command query --execution latest -- --since x"
        )
    meant = _MEANT.get(named[0]) if named else None
    return f"did you mean {meant}?" if meant else None


def asks_for_help(arguments: Sequence[str]) -> bool:
    """Return whether a command line asks for help."""
    return bool({"--help", "-h"} & set(arguments))


def without_type_of_flags(command: Any) -> None:
    """Leave out of help what no flag takes: a value's type."""
    help_context = command.context_class(command, help_option_names=HELP)
    for parameter in (*command.params, command.get_help_option(help_context)):
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    for inner in getattr(command, "commands", {}).values():
        without_type_of_flags(inner)
