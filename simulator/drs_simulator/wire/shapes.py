"""Values checked against botocore's shapes, more strictly than botocore does itself.

botocore's own validator looks at neither patterns, enumerations nor maximum lengths. Each shape is compiled once into
a closure, so a page of a hundred servers costs a few milliseconds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

if TYPE_CHECKING:
    from collections.abc import Callable

    Problems = list[tuple[str, str]]
    Check = Callable[[Any, str, Problems], None]

# Of an enumeration, in a message: EC2 has over a thousand instance types.
_MOST_LISTED = 40
_EPOCH, _ISO = "unixTimestamp", "iso8601"

# SSM itself answers these with what their pattern forbids: an empty text, or a duration.
_PATTERN_NOT_KEPT = frozenset({"StringDateTime"})

# What the services say beside their models: DRS writes this event into its logs, as two public projects have recorded;
# EC2's reference has the platform in small letters.
_UNDOCUMENTED_VALUES = {"JobLogEvent": frozenset({"LAUNCH_END"}), "PlatformValues": frozenset({"windows"})}

# Unicode properties, which Python's `re` does not know, as what stands for them inside brackets. `\w` is letters,
# numbers and the underscore, which the models allow wherever they allow letters and numbers.
_PROPERTIES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\w",
    r"\p{Z}": " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
}


class ShapeChecker:
    """Checks values against the shapes of one service model.

    ``check`` returns ``(path, message)`` for every violation: unknown member, missing required member, wrong type,
    length, range, pattern, enumeration. Paths are written as AWS writes them (``sourceServers.1.member.tags``).
    """

    def __init__(self, timestamps: str = _EPOCH) -> None:
        self._compiled: dict[str, Check] = {}
        self._timestamps = timestamps

    def check(self, shape: Shape, value: Any) -> Problems:
        """Return every violation of ``shape`` in ``value``; an empty list means that it fits."""
        problems: Problems = []
        self._compile(shape)(value, "", problems)
        return problems

    def _compile(self, shape: Shape) -> Check:
        if shape.name not in self._compiled:
            self._compiled[shape.name] = self._build(shape)
        return self._compiled[shape.name]

    def _build(self, shape: Shape) -> Check:
        match shape:
            case StructureShape():
                return self._structure(shape)
            case ListShape():
                return self._list(shape)
            case MapShape():
                return self._map(shape)
            case StringShape():
                return _string(shape)
        if shape.type_name == "timestamp":
            return _moment(shape, self._timestamps)
        return _plain(shape)

    def _structure(self, shape: StructureShape) -> Check:
        members = {name: self._compile(member) for name, member in shape.members.items()}
        required = tuple(shape.required_members)

        def check(value: Any, path: str, problems: Problems) -> None:
            if not isinstance(value, dict):
                problems.append((path, f"Value at '{path}' is not a structure"))
                return
            problems.extend(
                (
                    _join(path, name),
                    f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null",
                )
                for name in required
                if value.get(name) is None
            )
            for name, member in value.items():
                if name not in members:
                    problems.append((_join(path, name), f"Unknown parameter '{_join(path, name)}'"))
                elif member is not None:
                    members[name](member, _join(path, name), problems)

        return check

    def _list(self, shape: ListShape) -> Check:
        element = self._compile(shape.member)
        limits = _limits(shape)

        def check(value: Any, path: str, problems: Problems) -> None:
            if not isinstance(value, list):
                problems.append((path, f"Value at '{path}' is not a list"))
                return
            _length(len(value), path, limits, problems)
            for number, member in enumerate(value, start=1):
                element(member, f"{path}.{number}.member", problems)

        return check

    def _map(self, shape: MapShape) -> Check:
        key_check, value_check, limits = self._compile(shape.key), self._compile(shape.value), _limits(shape)

        def check(value: Any, path: str, problems: Problems) -> None:
            if not isinstance(value, dict):
                problems.append((path, f"Value at '{path}' is not a map"))
                return
            _length(len(value), path, limits, problems)
            for key, member in value.items():
                key_check(key, f"{path}.key", problems)
                value_check(member, f"{path}.{key}", problems)

        return check


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _limits(shape: Shape) -> tuple[int | None, int | None]:
    return shape.metadata.get("min"), shape.metadata.get("max")


def _constraint(value: Any, path: str, rule: str) -> tuple[str, str]:
    return path, f"Value '{value}' at '{path}' failed to satisfy constraint: Member must {rule}"


def _length(length: int, path: str, limits: tuple[int | None, int | None], problems: Problems) -> None:
    least, most = limits
    if least is not None and length < least:
        problems.append(_constraint(length, path, f"have length greater than or equal to {least}"))
    if most is not None and length > most:
        problems.append(_constraint(length, path, f"have length less than or equal to {most}"))


def _string(shape: StringShape) -> Check:
    limits = _limits(shape)
    pattern = None if shape.name in _PATTERN_NOT_KEPT else shape.metadata.get("pattern")
    matches = _compiled(pattern).fullmatch if pattern else None
    enum = frozenset(shape.enum)
    undocumented = _UNDOCUMENTED_VALUES.get(shape.name, frozenset())

    def check(value: Any, path: str, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.append((path, f"Value at '{path}' is not a string"))
            return
        _length(len(value), path, limits, problems)
        if matches and not matches(value):
            problems.append(_constraint(value, path, f"satisfy regular expression pattern: {pattern}"))
        if enum and value not in enum and value not in undocumented:
            problems.append(_constraint(value, path, f"satisfy enum value set: [{_listed(enum)}]"))

    return check


def _listed(words: frozenset[str]) -> str:
    known = sorted(words)
    more = f", and {len(known) - _MOST_LISTED} more" if len(known) > _MOST_LISTED else ""
    return ", ".join(known[:_MOST_LISTED]) + more


def _compiled(pattern: str) -> re.Pattern[str]:
    for known, characters in _PROPERTIES.items():
        pattern = pattern.replace(known, characters)
    return re.compile(pattern)


def _plain(shape: Shape) -> Check:
    if shape.type_name == "boolean":
        return _boolean
    if shape.type_name in {"integer", "long"}:
        return _numeric(shape, (int,), "an integer")
    if shape.type_name in {"double", "float"}:
        return _numeric(shape, (int, float), "a number")
    raise NotImplementedError(f"shape {shape.name} has type {shape.type_name}, which the simulator does not speak")


def _moment(shape: Shape, usual: str) -> Check:
    """Check a moment: seconds since 1970 in both JSON protocols, text in that of EC2, unless the shape says else."""
    match shape.serialization.get("timestampFormat", usual):
        case "unixTimestamp":
            return _numeric(shape, (int, float), "a number")
        case "iso8601":
            return _iso
    raise NotImplementedError(f"shape {shape.name} is a moment of a form that the simulator does not speak")


def _iso(value: Any, path: str, problems: Problems) -> None:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value):
        problems.append((path, f"Value at '{path}' is no moment"))


def _numeric(shape: Shape, kinds: tuple[type, ...], noun: str) -> Check:
    least, most = _limits(shape)

    def check(value: Any, path: str, problems: Problems) -> None:
        if type(value) not in kinds:
            problems.append((path, f"Value at '{path}' is not {noun}"))
        elif least is not None and value < least:
            problems.append(_constraint(value, path, f"have value greater than or equal to {least}"))
        elif most is not None and value > most:
            problems.append(_constraint(value, path, f"have value less than or equal to {most}"))

    return check


def _boolean(value: Any, path: str, problems: Problems) -> None:
    if not isinstance(value, bool):
        problems.append((path, f"Value at '{path}' is not a boolean"))
