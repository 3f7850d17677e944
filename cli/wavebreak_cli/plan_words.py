"""What is wrong with a plan file, in words of whoever writes one: no codec, no parser and no pattern speaks here."""

from __future__ import annotations

import codecs
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from wavebreak.identifiers import PLAN_ID_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_UTF32: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_ZEROS_SHARE: Final = 3
"""One byte in so many is zero in UTF-16 of English text, at least."""
_CONTROLS: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MOST_CONTROLS: Final = 8
"""More of them, and a file is taken for no text at all."""
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"
_TAB_INDENT: Final = re.compile(r"^ *\t", re.MULTILINE)
_SECOND_DOCUMENT: Final = re.compile(r"^---(?:\s|$)", re.MULTILINE)
_UNKNOWN_FIELD: Final = re.compile(r"unknown field '([^']*)'")
_CHOICE: Final = re.compile(r"must be (.+), not '([^']*)'$")
_UNKNOWN_WAVE: Final = re.compile(r"no wave is named '([^']*)'")
_MISMATCH: Final = re.compile(r"('[^']*') does not match (.+)$")
_SMART_QUOTES: Final = tuple(
    "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{DOUBLE LOW-9 QUOTATION MARK}"
    "\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}\N{SINGLE LOW-9 QUOTATION MARK}"
)
_TRUTH: Final[Mapping[str, str]] = {
    **dict.fromkeys(("yes", "on", "true"), "true"),
    **dict.fromkeys(("no", "off", "false"), "false"),
}
_PATTERNS: Final[Mapping[str, str]] = {
    r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$": "ASCII letters, digits, blanks and . _ - (at most 64, no mark first)",
    r"^s-[0-9a-zA-Z]{17}$": "a source server's id: s- and 17 letters or digits",
    PLAN_ID_PATTERN: "an id: lower-case letters, digits and - (at most 63)",
    r"^[0-9]{12}$": "an account's 12 digits, in quotes",
    r"^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$": "a Region, like us-west-2",
    r"^f_[A-Za-z0-9_]{1,62}$": "a factor's name: f_ and letters, digits or _",
}
"""What a pattern of the plan document asks for, written out: loading the document's own takes too long."""


_PARSERS: Final[Mapping[str, str]] = {
    "mapping values are not allowed": "a colon stands inside a value: put it in quotes, or check its indentation",
    "did not find expected key": "this is indented otherwise than what it belongs to",
    "did not find expected '-' indicator": "this is indented otherwise than the list that it belongs to",
    "block sequence entries are not allowed": "a list begins here beside a value: give it a line of its own",
    "could not find expected ':'": "a name without a colon and a value behind it",
    "did not find expected ',' or": "a bracket or a comma is missing before this",
    "did not find expected node content": "a value is missing here",
    "found character that cannot start any token": "a value may not begin like this: put it in quotes",
    "while scanning a quoted scalar": "a quotation mark opens here and is never closed",
    "Expecting value": "a value is missing or misspelt here",
    "Expecting property name": "a name in double quotes is missing here, or a comma stands before a closing brace",
    "Expecting ',' delimiter": "a comma is missing before this",
    "Expecting ':' delimiter": "a colon is missing before this",
    "Invalid control character": "a line ends, or a control character stands, within quotation marks",
    "Invalid \\escape": "a backslash stands before what it cannot escape: write it twice",
    "Unterminated string": "a quotation mark opens here and is never closed",
    "Extra data": "something follows behind the end of the document",
}
"""What readers of YAML and JSON say, by its beginning, in words for whoever wrote the text."""


def parser_words(message: str) -> str:
    """Return what a reader of YAML or JSON stumbled over, in words; what is not known here stays as it is."""
    return next((words for beginning, words in _PARSERS.items() if message.startswith(beginning)), message)


def unreadable_because(content: bytes) -> tuple[int | None, str] | None:
    """Return why bytes are no text for a plan: the line, from 1, if there is one, and the reason; None for text."""
    if not content.strip():
        return None, "the file is empty"
    if wide := _wide(content):
        return None, f"the file is {wide}: save it as UTF-8"
    controls = list(_CONTROLS.finditer(content))
    if len(controls) >= _MOST_CONTROLS:
        return None, "the file is no text"
    if controls:
        at = controls[0].start()
        return _line_at(content, at), f"a control character (0x{content[at]:02x}) stands here: delete it"
    try:
        content.decode()
    except UnicodeDecodeError as error:
        shown = content[error.start : error.start + 1].decode("latin-1")
        return _line_at(content, error.start), f"this is not UTF-8 (in Latin-1 it would be {shown!r}): save it as UTF-8"
    return None


def _wide(content: bytes) -> str | None:
    """Name the encoding of bytes whose characters take two or four; None for others."""
    zeros = content.count(0)
    if content.startswith(_UTF32) or zeros * 2 > len(content):
        return "UTF-32"
    return "UTF-16" if content.startswith(_UTF16) or zeros * _ZEROS_SHARE >= len(content) else None


def _line_at(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1


def layout_fault(text: str) -> tuple[int, str] | None:
    """Find what a reader of YAML stumbles over without naming it: the line, from 1, and the reason."""
    body = text.removeprefix("\ufeff")
    found = _TAB_INDENT.search(body)
    if found:
        return _line_of(body, found), "a tab indents here: use blanks"
    for number, line in enumerate(body.splitlines(), start=1):
        if line.lstrip(" -").startswith(_NO_BREAK) or re.search(rf":{_NO_BREAK}", line):
            return number, "a no-break space stands here, as web pages and word processors write it: use a blank"
    marks = list(_SECOND_DOCUMENT.finditer(body))
    later = [mark for mark in marks if _says_something(body[: mark.start()])]
    if later:
        return _line_of(body, later[0]), "a second document begins here: one plan a file"
    return None


def _says_something(text: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith(("#", "---", "%")) for line in text.splitlines())


def _line_of(text: str, found: re.Match[str]) -> int:
    return text.count("\n", 0, found.start()) + 1


def open_quote(text: str) -> int | None:
    """Find the line, from 1, whose quotation mark is not closed: where a reader only says that the text ends."""
    for number, line in enumerate(text.splitlines(), start=1):
        value = line.split(" #")[0].partition(": ")[2].strip()
        if value[:1] in {'"', "'"} and value.count(value[0]) == 1:
            return number
    return None


def hardly_meant(name: str, value: str, bare: bool, _line: int) -> str | None:
    """Return why a valid value is probably not what was meant; None for any other."""
    if value[:1] in _SMART_QUOTES or value[-1:] in _SMART_QUOTES:
        return f"the quotation marks of {value} are part of it: write straight ones, or none"
    if bare and name == "accountId" and value.isdecimal():
        return f"write the account id in quotes: to other readers of YAML {value} is a number and loses its zeros"
    return None


def word_of_yaml(message: str, written: str) -> str:
    """Say of a word that YAML takes for true or false which word it is."""
    taken = _TRUTH.get(written.lower())
    if taken is None or not message.startswith("must be a string"):
        return message
    return f'must be a string: YAML takes {written} for {taken}, write "{written}" in quotes'


def in_words(errors: Iterable[dict[str, Any]], document: object) -> list[dict[str, Any]]:
    """Add to each error what was probably meant, and say patterns in words."""
    return [{**error, "message": _worded(str(error.get("message")), document)} for error in errors]


def _worded(message: str, document: object) -> str:
    if found := _UNKNOWN_FIELD.search(message):
        return message + _meant(found[1], _fields())
    if found := _UNKNOWN_WAVE.search(message):
        return message + _meant(found[1], _wave_names(document))
    if found := _CHOICE.match(message):
        return message + _meant(found[2], re.split(r", | or ", found[1]))
    found = _MISMATCH.match(message)
    words = _PATTERNS.get(found[2]) if found else None
    return f"must be {words}, not {found[1]}" if found and words else message


def _meant(word: str, known: Iterable[str]) -> str:
    """Return the most similar known word, ignoring case."""
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    return f"; did you mean {by_lower[near[0]]}?" if near else ""


def _wave_names(document: object) -> list[str]:
    waves = document.get("waves") if isinstance(document, dict) else None
    named = [wave.get("name") for wave in waves if isinstance(wave, dict)] if isinstance(waves, list) else []
    return [name for name in named if isinstance(name, str)]


def _fields() -> list[str]:
    """List every field that a plan may have, as the published schema names them."""
    from wavebreak_cli.plan_schema import schema  # noqa: PLC0415 - pydantic is slow to load

    document = schema()
    parts = [document, *document.get("$defs", {}).values()]
    return [name for part in parts for name in part.get("properties", {})]
