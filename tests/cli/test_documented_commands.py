"""Every command line that the documentation shows is one that the command takes."""

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import typer

from wavebreak_cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^ *```.*?\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"(?:^\W*|[:|] )wavebreak (?=[a-z-])(.*?)(?=  | \||$)", re.MULTILINE)
MENTIONED = re.compile(r"`wavebreak (?=[a-z-])([^`]+)`")
SYNOPSIS = re.compile(r"`([a-z][^`]*)`")
OPTION = re.compile(r"--[a-z-]+")
INCOMPLETE = "Missing "


def shown(text: str) -> Iterator[list[str]]:
    """Find the command lines of blocks of code, up to a comment or what the shell does next."""
    for block in FENCED.findall(text):
        yield from map(words_of, SHOWN.findall(block))


def words_of(line: str) -> list[str]:
    """Split a line of the shell, up to what is no word of its first command."""
    words = shlex.shlex(line, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    return list(takewhile(lambda word: not set(word) <= set("();<>|&"), words))


def fault(words: list[str]) -> str | None:
    """Parse a command line as the command does, without carrying it out; tells what is wrong with it."""
    command: Any = typer.main.get_command(app)
    words = ["1" if word == "WAVE" else word for word in words]
    context, name = None, "wavebreak"
    try:
        while True:
            context = command.make_context(name, list(words), parent=context)
            if not hasattr(command, "resolve_command"):
                return None
            name, command, words = command.resolve_command(context, [*context._protected_args, *context.args])
    except Exception as error:  # noqa: BLE001 - whatever the parser raises is the finding
        return str(getattr(error, "message", "") or error) or f"{type(error).__name__}"


CASES = [(page, words) for page in PAGES for words in shown(page.read_text(encoding="utf-8"))]
MENTIONS = [
    (page, words_of(line))
    for page in PAGES
    for line in MENTIONED.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
]


def _name(case: object) -> str:
    return case.name if isinstance(case, Path) else " ".join(case) if isinstance(case, list) else str(case)


@pytest.mark.parametrize(("page", "words"), CASES, ids=_name)
def test_every_command_line_shown_is_taken(page: Path, words: list[str]) -> None:
    assert fault(words) is None, page


@pytest.mark.parametrize(("page", "words"), MENTIONS, ids=_name)
def test_every_command_mentioned_exists_with_its_options(page: Path, words: list[str]) -> None:
    """What is mentioned in a sentence may leave its arguments out."""
    found = fault(words)
    assert found is None or found.startswith(INCOMPLETE), page


def synopses() -> dict[tuple[str, ...], set[str]]:
    """Read the table of all commands: the options that it names of each."""
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    section = page.partition("\n## Commands\n")[2].partition("\n## ")[0]
    found: dict[tuple[str, ...], set[str]] = {}
    for row in re.findall(r"^\| (`.*?`) \| ", section.replace("\\|", "/"), re.MULTILINE):
        for synopsis in SYNOPSIS.findall(row):
            words = list(takewhile(lambda word: re.fullmatch(r"[a-z/]+", word), synopsis.split()))
            for name in words[-1].split("/"):
                found.setdefault((*words[:-1], name), set()).update(OPTION.findall(synopsis))
    return found


def real_commands(command: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], set[str]]:
    """List every command with its options."""
    inner = getattr(command, "commands", None)
    if inner is None:
        return {path: {option for parameter in command.params for option in parameter.opts}}
    found: dict[tuple[str, ...], set[str]] = {}
    for word, one in inner.items():
        # What is hidden is what its group does with an id in place of a command: `report ID`.
        found |= real_commands(one, path if getattr(one, "hidden", False) else (*path, word))
    return found


def test_the_table_of_commands_names_all_of_them_and_no_option_that_is_none() -> None:
    real = real_commands(typer.main.get_command(app))
    output = synopses()
    assert output.keys() == real.keys()
    assert {name: options - real[name] for name, options in output.items() if options - real[name]} == {}


def test_wrong_command_lines_are_found() -> None:
    assert fault(["approve", "ID", "WAVE"]) is None
    assert fault(["nothing"])
    assert fault(["show", "ID", "--nothing"])
    assert fault(["run", "p", "--mode", "rehearsal"])
    assert fault(["plan", "show", "a", "b"])
    assert {page.name for page, _ in CASES} >= {"README.md", "cli.md", "operating.md", "permissions.md"}
    assert len(MENTIONS) > 20
