"""JSON that everybody reads alike."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavebreak.strict_json import NotJsonError, encodable, read_strictly

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_what_json_writes_is_read_as_it_was(value: Any) -> None:
    assert read_strictly(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value at line 1 column 1"),
        ('{"a": 1, "b": {"c": 1, "c": 1}}', '"c" is given more than once'),
        ("[NaN]", "NaN is no JSON value"),
        ("-Infinity", "-Infinity is no JSON value"),
        ("9" * 5000, "a number is too long to be read"),
        ("[" * 100_000, "it is nested too deeply to be read"),
        ('{"a": 1} x', "Extra data at line 1 column 10"),
    ],
)
def test_what_can_be_read_in_two_ways_or_not_at_all_is_none(text: str, why: str) -> None:
    with pytest.raises(NotJsonError) as caught:
        read_strictly(text)
    assert str(caught.value) == why


def test_lone_surrogates_are_replaced_wherever_they_stand() -> None:
    value = {"a\ud800": ["\udfff", 1, None, {"b": "fine \N{GRINNING FACE}"}]}
    assert encodable(value) == {"a\ufffd": ["\ufffd", 1, None, {"b": "fine \N{GRINNING FACE}"}]}
    json.dumps(encodable(value), ensure_ascii=False).encode()
