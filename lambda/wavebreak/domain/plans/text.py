"""Plans as text, YAML or JSON, for the command line: functions only ever see JSON that is parsed already.

What people write by hand is read more strictly than YAML 1.1 would: a name given twice, an alias, a date, an octal or
sexagesimal number and any tag of a language are refused, each with its position, instead of becoming something else.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from wavebreak.json_pointers import MAX_DEPTH, TOO_DEEP, DocumentFault, Location, PlanInvalidError, json_pointer, quoted
from wavebreak.values import Value

MAX_TEXT_BYTES: Final = 1024 * 1024
"""More than three times what a stored plan may have: room for comments and indentation."""

_DECIMAL: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\Z")
_TAG: Final = "tag:yaml.org,2002:"
_WORDS: Final[Mapping[str, Mapping[str, bool | None]]] = {
    "null": {"": None, "~": None, "null": None},
    "bool": {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False},
}
"""What a value of YAML's that is a word may be; a tag claims the type for any other word too."""


class _Members(Value):
    """An object as written: its names may repeat."""

    pairs: list[tuple[Any, Any]]


class _Refused(Value):
    """A value that is no value of JSON, or not surely the one that was meant."""

    message: str


def load_plan_text(text: str) -> object:
    """Parse JSON or YAML into plain JSON values, to be handed to `parse_plan`.

    Raise PlanInvalidError with every duplicate name and odd value, or with the first position that cannot be read.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise _invalid("", f"line {line}: is not valid Unicode") from None
    if size > MAX_TEXT_BYTES:
        raise _invalid("", f"the text is larger than {MAX_TEXT_BYTES // 1024} KB")
    written = _read(text.removeprefix("\ufeff"))
    problems: list[DocumentFault] = []
    value = _settled(written, (), problems)
    if problems:
        raise PlanInvalidError(tuple(problems))
    return value


def _invalid(pointer: str, message: str) -> PlanInvalidError:
    return PlanInvalidError((DocumentFault(pointer, message),))


def _read(text: str) -> object:
    """Read as JSON if it is JSON, else as YAML."""
    try:
        return json.loads(
            text,
            object_pairs_hook=_Members,
            parse_int=_whole_number,
            parse_constant=lambda name: _Refused(f"{name} is no number"),
        )
    except RecursionError:
        raise _invalid("", TOO_DEEP) from None
    except json.JSONDecodeError as error:
        if text.lstrip()[:1] in ("{", "["):
            fault = f"line {error.lineno}, column {error.colno}: {error.msg}"
            return _read_yaml(text, fault)
        return _read_yaml(text, None)


def _whole_number(written: str) -> object:
    if _DECIMAL.match(written):
        return int(written)
    return _Refused(f"write {quoted(written)} in quotes, or as a plain decimal number of at most 18 digits")


def _read_yaml(text: str, json_fault: str | None) -> object:
    """Read YAML without building anything but plain values; `json_fault` is reported if this fails as well."""
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - no stubs in use; only the command line has YAML

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_unbounded(yaml.parse(text, Loader=loader))
        return _from_node(yaml.compose(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise _invalid("", json_fault or f"{position}{error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise _invalid("", json_fault or quoted(str(error))) from None


def _refuse_unbounded(events: Iterator[Any]) -> None:
    """Refuse, before anything is built, what could be far larger or deeper than its text."""
    depth = 0
    for event in events:
        kind = type(event).__name__
        if kind == "AliasEvent":
            line = event.start_mark.line + 1
            raise _invalid("", f"line {line}: aliases are not allowed, write {quoted('*' + event.anchor)} out")
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            depth += 1
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _invalid("", f"line {event.start_mark.line + 1}: {TOO_DEEP}")


def _from_node(node: Any) -> object:
    """Turn a node of YAML, with the tag that PyYAML resolved, into what is written there."""
    if node is None:
        return None
    kind = node.tag.removeprefix(_TAG)
    if node.id == "mapping" and kind == "map":
        return _Members([(_from_node(key), _from_node(value)) for key, value in node.value])
    if node.id == "sequence" and kind == "seq":
        return [_from_node(item) for item in node.value]
    if node.id == "scalar":
        return _scalar(kind, node.value)
    return _Refused(f"values of type {quoted(node.tag)} are not allowed")


def _scalar(kind: str, written: str) -> object:
    match kind:
        case "str":
            return written
        case "null" | "bool" if written.lower() in _WORDS[kind]:
            return _WORDS[kind][written.lower()]
        case "int":
            return _whole_number(written)
        case "float":
            return _fraction(written)
        case _:
            return _Refused(f"write {quoted(written)} in quotes: it would be read as a {kind.rsplit(':', 1)[-1]}")


def _fraction(written: str) -> object:
    try:
        return float(written)
    except ValueError:
        return _Refused(f"{quoted(written)} is no number; write it in quotes if it is text")


def _settled(value: object, where: Location, problems: list[DocumentFault]) -> object:
    """Turn what was written into plain values, noting what cannot be turned."""
    if len(where) > MAX_DEPTH:
        problems.append(DocumentFault(json_pointer(where), TOO_DEEP))
    elif isinstance(value, _Refused):
        problems.append(DocumentFault(json_pointer(where), value.message))
    elif isinstance(value, list):
        return [_settled(item, (*where, index), problems) for index, item in enumerate(value)]
    elif isinstance(value, _Members):
        return _object(value, where, problems)
    else:
        return value
    return None


def _object(members: _Members, where: Location, problems: list[DocumentFault]) -> dict[str, object]:
    settled: dict[str, object] = {}
    for name, value in members.pairs:
        if not isinstance(name, str):
            shown = name.message if isinstance(name, _Refused) else f"names must be strings, not {_named(name)}"
            problems.append(DocumentFault(json_pointer(where), shown))
        elif name in settled:
            problems.append(DocumentFault(json_pointer((*where, name)), "is given twice"))
        else:
            settled[name] = _settled(value, (*where, name), problems)
    return settled


def _named(name: object) -> str:
    return quoted({}) if isinstance(name, _Members) else quoted(name)
