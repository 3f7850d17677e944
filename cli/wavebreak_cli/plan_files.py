"""Plan files on disk: read, judged without a network, and each problem with the line that it is on."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wavebreak.identifiers import PLAN_ID_PATTERN
from wavebreak.json_pointers import PlanInvalidError
from wavebreak_cli import plan_words
from wavebreak_cli.errors import ConfigError, PlanUnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from wavebreak.json_pointers import DocumentFault

_LINE_PREFIX: Final = re.compile(r"line ([0-9]+)(?:, column [0-9]+)?: ")
"""How `load_plan_text` says where a text cannot be read."""


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan file: its display name, its text and the parsed content."""

    name: str
    text: str
    content: object

    @property
    def plan_id(self) -> str:
        """Name the plan that the file holds; raise PlanUnreadableError if it says none."""
        named = self.content.get("planId") if isinstance(self.content, dict) else None
        if isinstance(named, str) and named:
            return named
        raise unreadable(self.name, located(self.text, [{"pointer": "/planId", "message": "is required"}]))


def read(path: str) -> PlanFile:
    """Read a plan file, `-` is standard input; raise ConfigError or PlanUnreadableError."""
    from wavebreak.domain.plans.text import load_plan_text  # noqa: PLC0415 - YAML is only needed by commands that read plans

    name = "standard input" if path == "-" else path
    content = _content(path, name)
    fault = plan_words.unreadable_because(content)
    if fault:
        raise unreadable(name, [_at(*fault)])
    text = content.decode()
    try:
        read = load_plan_text(text)
    except PlanInvalidError as error:
        raise unreadable(name, _stumbled(text, error)) from error
    layout = plan_words.layout_fault(text) if read is None or not isinstance(read, dict) else None
    if layout or read is None:
        raise unreadable(name, [_at(*(layout or (None, "the file holds nothing but comments")))])
    return PlanFile(name, text, read)


def _content(path: str, name: str) -> bytes:
    """Read the bytes of a file; raise ConfigError in words."""
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except IsADirectoryError:
        raise ConfigError.because(f"{name} is a directory: name the files in it, {name}/*.yaml") from None
    except FileNotFoundError:
        raise ConfigError.because(f"there is no file {name}") from None
    except PermissionError:
        raise ConfigError.because(f"{name} may not be read by you") from None
    except (OSError, ValueError) as error:
        raise ConfigError.because(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _at(line: int | None, message: str) -> dict[str, Any]:
    return {"pointer": "", "message": message, **({} if line is None else {"line": line})}


def _stumbled(text: str, error: PlanInvalidError) -> list[dict[str, Any]]:
    """Return why a text cannot be parsed, where the parser does not name the reason."""
    fault = plan_words.layout_fault(text)
    if fault:
        return [_at(*fault)]
    faults = located(text, _entries(error.problems))
    line = plan_words.open_quote(text) if "unexpected end of stream" in str(faults[0].get("message")) else None
    return (
        [_at(line, "a quotation mark opens here and is never closed")]
        if line
        else [{**one, "message": plan_words.parser_words(str(one.get("message")))} for one in faults]
    )


def is_plan_id(text: str) -> bool:
    """Return whether a word names a stored plan: it has the form of an id, and no file has this name."""
    return re.fullmatch(PLAN_ID_PATTERN, text) is not None and not Path(text).is_file()


def judge(file: PlanFile) -> None:
    """Check the whole plan without a network; raise PlanUnreadableError with every problem."""
    from wavebreak.domain.plans.document import parse_plan  # noqa: PLC0415 - pydantic is slow to import

    try:
        parse_plan(file.content)
    except PlanInvalidError as error:
        layout = plan_words.layout_fault(file.text)
        faults = _as_written(file.text, plan_words.in_words(_entries(error.problems), file.content))
        raise unreadable(file.name, [_at(*layout)] if layout else located(file.text, faults)) from error


def warnings(file: PlanFile) -> list[dict[str, Any]]:
    """List values that are valid but probably not meant, as `{pointer, message, line}`, in the order of the file."""
    root = _compose(file.text)
    found = [(node, message) for node in _scalars(root) if (message := plan_words.hardly_meant(*node))]
    return [{"pointer": "", "message": message, "line": line} for (*_, line), message in found]


def _scalars(root: Any) -> Iterator[tuple[str, str, bool, int]]:
    """Give each value that is no list or mapping: its name or `""`, itself, whether it has no quotes, and its line."""
    waiting: list[tuple[str, Any]] = [("", root)]
    while waiting:
        name, node = waiting.pop()
        if node is None:
            continue
        if node.id == "scalar":
            yield name, str(node.value), node.style is None, node.start_mark.line + 1
        elif node.id == "mapping":
            waiting += [(str(key.value), value) for key, value in reversed(node.value)]
        else:
            waiting += [("", value) for value in reversed(node.value)]


def _as_written(text: str, errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Name a word that YAML takes for true or false as it was written."""
    root = _compose(text)
    faults = [(error, _node(root, str(error.get("pointer") or ""))) for error in errors]
    return [
        {**error, "message": plan_words.word_of_yaml(str(error.get("message")), str(node.value))}
        if node is not None and node.id == "scalar" and node.style is None
        else error
        for error, node in faults
    ]


def _node(root: Any, pointer: str) -> Any:
    """Return the node of a pointer; None if there is none."""
    node = root
    for part in pointer.split("/")[1:]:
        found = None if node is None else _member(node, part.replace("~1", "/").replace("~0", "~"))
        node = found and found[1]
    return node


def changes(stored: Mapping[str, Any] | None, file: PlanFile) -> list[dict[str, Any]]:
    """List what storing the file would change, by JSON pointer; raise PlanUnreadableError for one that is no plan."""
    from wavebreak.domain.plans.differences import differences  # noqa: PLC0415 - pydantic is slow to import
    from wavebreak.domain.plans.document import parse_plan  # noqa: PLC0415 - pydantic is slow to import

    try:
        return differences(stored, parse_plan(file.content))
    except PlanInvalidError as error:
        raise unreadable(file.name, located(file.text, _entries(error.problems))) from error


def is_stored(stored: Mapping[str, Any] | None, file: PlanFile) -> bool:
    """Return whether a file says what is stored already; of what is no plan to us, the API shall judge."""
    try:
        return not changes(stored, file)
    except PlanUnreadableError:
        return False


def unreadable(name: str, errors: list[dict[str, Any]]) -> PlanUnreadableError:
    """Make the failure of a plan file from its `{pointer, message, line?}`."""
    count = "1 problem" if len(errors) == 1 else f"{len(errors)} problems"
    detail = f"{name} has {count}"
    return PlanUnreadableError(
        {"title": "Invalid plan", "code": "VALIDATION_FAILED", "detail": detail, "file": name, "errors": errors}
    )


def _entries(problems: Iterable[DocumentFault]) -> list[dict[str, Any]]:
    return [{"pointer": problem.pointer, "message": problem.message} for problem in problems]


def located(text: str, errors: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to each error the line, counted from 1, of what its pointer names, or of the nearest part around it."""
    root = _compose(text)
    return [error if "line" in error else {**error, **_place(root, error)} for error in errors]


def _place(root: Any, error: Mapping[str, Any]) -> dict[str, Any]:
    """Name the line of an error: the one that its message begins with, for a text that cannot be read, goes first."""
    faults = _LINE_PREFIX.match(str(error.get("message")))
    if faults:
        return {"line": int(faults[1]), "message": str(error["message"])[faults.end() :]}
    return {} if root is None else {"line": _line(root, str(error.get("pointer") or ""))}


def _compose(text: str) -> Any:
    """Read the text as nodes that know their place, JSON being YAML too; None if it cannot be read."""
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - no stubs in use; only plan files need it

    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return None


def _line(root: Any, pointer: str) -> int:
    node, line = root, root.start_mark.line
    for part in pointer.split("/")[1:]:
        found = _member(node, part.replace("~1", "/").replace("~0", "~"))
        if found is None:
            break
        line, node = found
    return int(line) + 1


def _member(node: Any, name: str) -> tuple[int, Any] | None:
    """Find a member of a mapping (its name's line) or of a list; of names given twice the last, as both are wrong."""
    if node.id == "mapping":
        for key, value in reversed(node.value):
            if key.value == name:
                return key.start_mark.line, value
    if node.id == "sequence" and name.isdecimal() and int(name) < len(node.value):
        value = node.value[int(name)]
        return value.start_mark.line, value
    return None
