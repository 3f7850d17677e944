"""Which characters of others' texts act, and that every face of the product treats the same ones as such (T29)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.plan_documents import plan, problems, wave
from tests.support.sample_messages import message

from wavebreak.domain.commands.summary import summary_text
from wavebreak.domain.evidence.elements import el, lines
from wavebreak.domain.notifications.html import html_of
from wavebreak.domain.notifications.message import Kind, discreet, one_line, shown_actor, subject_of
from wavebreak.domain.notifications.text import chat_document_of, document_of, text_of
from wavebreak.harmless_text import (
    acts,
    as_json,
    displayed,
    displayed_line,
    displayed_words,
    fault_of_name,
    flattened,
)
from wavebreak.json_pointers import quoted
from wavebreak_cli.views.command_results import watched
from wavebreak_cli.views.terminal import Screen, harmless

if TYPE_CHECKING:
    from collections.abc import Callable

DIRECTION: Final = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
ZERO_WIDTH: Final = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e\u3164\uffa0\u115f"
CONTROLS: Final = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
BREAKS: Final = "\u2028\u2029"
NO_CHARACTERS: Final = "\ufffe\uffff\ufdd0\U0001fffe\U0010ffff"
TAGS: Final = "\U000e0001\U000e0041\U000e007f\U000e0fff"
HOSTILE: Final = DIRECTION + ZERO_WIDTH + CONTROLS + BREAKS + NO_CHARACTERS + TAGS
HARMLESS: Final = "plain", "naïve 日本語 😀 ✓", "e\u0301", "⚠️", "\u00a0\u3000", "نام", "\U0001faff"

FACES: Final[dict[str, Callable[[str], str]]] = {
    "mail subject": lambda text: subject_of("✅", text),
    "line of a message": one_line,
    "what others said": discreet,
    "who did it": shown_actor,
    "e-mail": lambda text: text_of(message(Kind.PARTIAL_SUCCESS, text)),
    "HTML mail": lambda text: html_of(message(Kind.PARTIAL_SUCCESS, text)),
    "chat": lambda text: as_json(chat_document_of(message(Kind.PARTIAL_SUCCESS, text))),
    "machines": lambda text: as_json(document_of(message(Kind.PARTIAL_SUCCESS, text))),
    "page": lambda text: el("p", text, title=text),
    "lines of a page": lines,
    "summary of commands": lambda text: summary_text(1, [text]),
    "watched target": lambda text: watched(Screen(), {"target": text, "line": "line"}).plain,
    "output": displayed,
    "one line of output": displayed_line,
    "terminal": harmless,
    "block on a terminal": Screen().block,
    "ASCII terminal": Screen(ascii_only=True).plain,
    "message of a fault": quoted,
}


KEEP_LINES: Final = {"lines of a page", "output", "block on a terminal"}
"""Texts of many lines, which stay lines."""


@pytest.mark.parametrize("character", sorted(HOSTILE), ids=lambda character: f"U+{ord(character):04X}")
@pytest.mark.parametrize("face", FACES)
def test_no_face_shows_a_character_that_acts(face: str, character: str) -> None:
    assert acts(character)
    shown, keeps = FACES[face](f"a{character}b"), face in KEEP_LINES and character in "\n\t"
    assert f"a{character}b" in shown if keeps else f"a{character}b" not in shown
    assert shown.count(character) == FACES[face]("ab").count(character) or keeps


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_is_shown_as_it_is(text: str) -> None:
    assert displayed(text) == displayed_line(text) == flattened(text) == text
    assert displayed_words(text) == "".join(" " if character.isspace() else character for character in text)
    assert json.loads(as_json([text])) == [text]
    assert text in as_json([text])
    assert fault_of_name(text) is None


@pytest.mark.parametrize("emoji", ["👩‍🚒", "☠️‍🔥", "🧑🏽‍💻", "🏳️‍🌈", "👨‍👩‍👧‍👦"])
def test_s2_9_emoji_of_several_parts_stay_whole_in_messages_and_names(emoji: str) -> None:
    assert flattened(f"{emoji} née") == f"{emoji} née"
    assert fault_of_name(emoji) is None
    assert fault_of_name(f"a{emoji[-1]}\u200d") is not None


@given(st.text(st.characters(), max_size=60))
def test_whatever_is_written_nothing_that_is_shown_acts(text: str) -> None:
    for shown in (displayed_line(text), displayed_words(text), as_json([text])):
        assert not [character for character in shown if acts(character)]
    assert set(filter(acts, displayed(text))) <= {"\n", "\t"}
    assert set(filter(acts, flattened(text))) <= {"\u200d"}
    assert len(flattened(text)) == len(text)
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert json.loads(as_json({"x": [text]})) == {"x": [text]}


@pytest.mark.parametrize("character", sorted(HOSTILE), ids=lambda character: f"U+{ord(character):04X}")
@pytest.mark.parametrize("field", ["name", "description"])
def test_3_names_and_descriptions_hold_nothing_that_acts(field: str, character: str) -> None:
    ((pointer, said),) = problems(plan(wave("a", 1)) | {field: f"a{character}b"})
    assert pointer == f"/{field}"
    assert said == "must be one line, without line breaks" or f"U+{ord(character):04X}" in said
    assert not set(filter(acts, said))


@pytest.mark.parametrize("character", sorted(HOSTILE), ids=lambda character: f"U+{ord(character):04X}")
def test_3_no_name_of_a_wave_or_check_holds_one_either(character: str) -> None:
    found = problems(plan(wave(f"a{character}b", 1), wave("b", 2, dependsOn=[f"a{character}"])))
    assert [pointer for pointer, _ in found] == ["/waves/0/name", "/waves/1/dependsOn/0"]
    assert not [character for _, said in found for character in said if acts(character)]
