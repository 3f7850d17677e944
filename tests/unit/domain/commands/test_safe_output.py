"""Hostile output: not UTF-8, megabytes, made to act on a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.command_results import failed, succeeded

from wavebreak.domain.commands.safe_output import MAX_OUTPUT_BYTES, decoded, shortened, shortened_result
from wavebreak.harmless_text import displayed, displayed_line

ESCAPED = [
    ("\x1b[2J", "\\x1b[2J"),  # CSI: clear the screen
    ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),  # OSC: set the title
    ("\x9b31m", "\\x9b31m"),  # CSI as one C1 character
    ("\x9d8;;http://x\x9c", "\\x9d8;;http://x\\x9c"),  # OSC 8: a link that is not what it says
    ("\x1bPq\x1b\\", "\\x1bPq\\x1b\\"),  # DCS
    ("a\rb", "a\\rb"),  # overwrites the line
    ("a\r\rb", "a\\r\\rb"),
    ("a\bb\x7f", "a\\x08b\\x7f"),
    ("\0", "\\x00"),
    ("\v\f", "\\x0b\\x0c"),
    ("\x85", "\\x85"),
    ("\u202egnp.exe", "\\u202egnp.exe"),  # right-to-left override
    ("\u2066\u2069\u200e\u200f\u061c", "\\u2066\\u2069\\u200e\\u200f\\u061c"),
    ("\u200b\ufeff", "\\u200b\\ufeff"),
    ("\u2028\u2029", "\\u2028\\u2029"),
    ("\U000e0041", "\\U000e0041"),  # tag characters
    ("\ud800", "\\ud800"),
]
texts = st.text(st.characters(), max_size=300)


@pytest.mark.parametrize(("text", "shown"), ESCAPED)
def test_s1_12_what_could_act_on_a_terminal_is_shown_escaped(text: str, shown: str) -> None:
    assert displayed(text) == shown
    assert displayed_line(text) == shown


@pytest.mark.parametrize("text", ["", "plain", "naïve 日本語 😀 ✓", "a\tb\nc\n", "\\x1b", "e\u0301", "⚠️"])
def test_s1_12_what_is_harmless_stays(text: str) -> None:
    assert displayed(text) == text


def test_s1_12_windows_line_ends_become_newlines() -> None:
    assert displayed("a\r\nb\r\n") == "a\nb\n"


def test_s1_12_one_line_stays_one_line() -> None:
    assert displayed_line("a\r\nb\tc\n") == "a\\nb\\tc\\n"


@given(texts)
def test_s1_12_nothing_shown_can_act(text: str) -> None:
    shown = displayed(text)
    left = {unicodedata.category(character) for character in shown if character not in "\n\t"}
    assert not left & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert displayed(shown) == shown
    assert len(displayed_line(text).splitlines()) <= 1


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (b"plain", "plain"),
        (b"caf\xe9", "caf\ufffd"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("😀".encode()[:3], "\ufffd"),
        ("a\ud800b", "a\ufffdb"),
        ("\ufffd", "\ufffd"),
        (b"", ""),
    ],
)
def test_s1_12_what_is_not_utf_8_is_replaced(output: bytes | str, text: str) -> None:
    assert decoded(output) == text


@given(st.binary(max_size=200) | texts)
def test_s1_12_anything_can_be_decoded_and_encoded_again(output: bytes | str) -> None:
    assert decoded(decoded(output).encode()) == decoded(output)


def test_s1_12_10_kb_are_kept_whole() -> None:
    assert MAX_OUTPUT_BYTES == 10 * 1024
    for text in ("x" * 10_240, "é" * 5_120, "😀" * 2_560, ""):
        assert shortened(text) == (text, False)
    assert shortened("x" * 10_241).truncated
    assert shortened("é" * 5_120 + "x").truncated


def test_s1_12_head_and_tail_are_kept_and_the_marker_tells_how_much_is_not() -> None:
    text, truncated = shortened("first" + "x" * 1_000_000 + "last")
    assert truncated
    assert text.startswith("firstxxx")
    assert text.endswith("xxxlast")
    head, marker, tail = text.split("\n")
    assert marker == "… 989,803 bytes left out …"
    assert len(head) == len(tail) == 5_103
    assert len(head) + len(tail) + 989_803 == len("first" + "last") + 1_000_000
    assert 10_230 < len(text.encode()) <= 10_240


@given(
    st.builds(
        lambda start, middle, times: start + middle * times,
        st.text(st.sampled_from("aé日😀"), max_size=4),
        st.text(st.sampled_from("aé日😀\n\ud800"), min_size=1, max_size=4),
        st.integers(0, 100),
    ),
    st.integers(64, 300),
)
def test_s1_12_no_character_is_split_and_the_limit_is_kept(text: str, limit: int) -> None:
    whole = decoded(text)
    cut, truncated = shortened(text, limit)
    assert len(cut.encode()) <= limit
    assert truncated is (len(whole.encode()) > limit)
    if truncated:
        start, end = cut.index("\n… "), cut.index(" …\n") + 3
        head, tail = cut[:start], cut[end:]
        assert whole.startswith(head)
        assert whole.endswith(tail)
        left_out = len(whole.encode()) - len(head.encode()) - len(tail.encode())
        assert cut[start:end] == f"\n… {left_out:,} bytes left out …\n"
        assert len(cut.encode()) > limit - 10
    else:
        assert cut == whole


def test_a_limit_without_room_for_the_marker_is_refused() -> None:
    with pytest.raises(ValueError, match="63 bytes"):
        shortened("x", 63)


def test_s1_12_both_outputs_of_a_result_are_cut_and_it_says_so() -> None:
    big = "x" * 20_000
    assert shortened_result(succeeded("t", "small")) == succeeded("t", "small")
    for result in (succeeded("t", big), failed("t", big), failed("t", "e", stdout=big)):
        cut = shortened_result(result)
        assert cut.truncated
        assert max(len(cut.stdout), len(cut.stderr)) <= 10_240
        assert shortened_result(cut) == cut
        assert (cut.target, cut.exit_code, cut.failure_kind) == ("t", result.exit_code, result.failure_kind)
