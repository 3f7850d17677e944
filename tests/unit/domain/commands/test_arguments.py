"""Arguments: what is refused, and that no shell ever sees what is in them."""

import base64
import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.plan_documents import plan, problems, wave

from wavebreak.domain.commands.arguments import ENCODED_ARGUMENTS_PATTERN, argument_problems, encode_arguments

forwardable_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
HOSTILE = [
    "; rm -rf /",
    "$(reboot)",
    "`id`",
    "a b",
    "'",
    '"',
    "\n",
    "&& true",
    "| cat",
    "> /etc/passwd",
    "-rf",
    "*",
    "\\",
    "é",
    "😀",
]


def listed(args: object) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.message) for problem in argument_problems(args)]


def test_the_encoding_is_the_one_of_the_document() -> None:
    assert encode_arguments(["hello", "foo"]) == ".aGVsbG8= .Zm9v"
    assert encode_arguments([]) == ""
    assert encode_arguments([""]) == "."
    assert encode_arguments(["", ""]) == ". ."


@given(st.lists(forwardable_texts | st.sampled_from(HOSTILE), max_size=20))
def test_s1_9_arguments_come_back_as_they_were_and_hold_nothing_a_shell_obeys(args: list[str]) -> None:
    text = encode_arguments(args)
    assert [base64.b64decode(word[1:], validate=True).decode() for word in text.split()] == args
    assert re.fullmatch(ENCODED_ARGUMENTS_PATTERN, text)
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=. ")


def test_s1_9_a_shell_gives_every_hostile_argument_on_as_one_word() -> None:
    script = 'for word in $0; do printf "%s" "${word#.}" | base64 -d; printf "\\0"; done'
    done = subprocess.run(  # noqa: S603  runs sh on the line above
        ["/bin/sh", "-fc", script, encode_arguments(HOSTILE)], capture_output=True, check=True, timeout=30
    )
    assert done.stdout.decode().split("\0")[:-1] == HOSTILE


@pytest.mark.parametrize(
    "text",
    ["aGk=", ".aGk= ", " .aGk=", ".aGk=  .aGk=", ".aGk=\n", ".a;b", ".$(id)", ".aGk=\t.aGk="],
)
def test_s1_9_what_was_not_encoded_so_the_document_refuses(text: str) -> None:
    assert not re.fullmatch(ENCODED_ARGUMENTS_PATTERN, text)


def test_as_many_and_as_long_as_may_be() -> None:
    assert listed(["x" * 256] * 20) == []
    assert listed(("\U0001f600" * 256,)) == []
    assert listed([]) == []


def test_s1_9_every_problem_is_listed_where_it_is() -> None:
    args: list[object] = ["ok", "x" * 257, "a\0b", 5, None, "\ud800", ["x"]]
    assert listed(args) == [
        ("/args/1", "must have at most 256 characters, not 257"),
        ("/args/2", "must not hold a NUL character"),
        ("/args/3", "must be a string, not 5"),
        ("/args/4", "must be a string, not null"),
        ("/args/5", "must be valid Unicode"),
        ("/args/6", "must be a string, not a list"),
    ]


def test_too_many_arguments_are_counted_but_not_all_read() -> None:
    assert listed(["x"] * 21) == [("/args", "must have at most 20 items, not 21")]
    assert len(listed([5] * 100_000)) == 22


@pytest.mark.parametrize(("args", "shown"), [("ls", "'ls'"), (None, "null"), ({"a": 1}, "an object"), (5, "5")])
def test_arguments_that_are_no_list(args: object, shown: str) -> None:
    assert listed(args) == [("/args", f"must be a list, not {shown}")]


def test_another_pointer() -> None:
    assert argument_problems(["\0"], "/waves/0/after/1/args")[0].pointer == "/waves/0/after/1/args/0"


@pytest.mark.parametrize("args", [["a\0b"], ["\udfff"], ["x" * 257], ["x"] * 21])
def test_s1_9_what_has_problems_is_not_encoded(args: list[str]) -> None:
    with pytest.raises(ValueError, match=r"^/args"):
        encode_arguments(args)


def test_a_plan_whose_arguments_could_not_be_forwarded_is_refused() -> None:
    commands = [{"command": "status", "args": ["ok", "a\0b"]}]
    assert problems(plan(wave("a", 1, after=commands))) == [
        ("/waves/0/after/0/args/1", "must not hold a NUL character")
    ]
