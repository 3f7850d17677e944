"""Contract 12: the placeholders of `parameters` and `payload`, and no other templating."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavebreak.domain.steps.placeholders import (
    LISTS,
    MAX_VALUES,
    SINGLE,
    Filling,
    PlaceholderError,
    fill_parameters,
    fill_payload,
    parameter_faults,
    payload_faults,
)

INSTANCES = ("i-1", "i-2")
SERVERS = ("s-1", "s-2", "s-3")
FILLING = Filling("drill-01", "DRILL", "Web 1", "us-west-2", INSTANCES, SERVERS)
VALUES = {"executionId": "drill-01", "mode": "DRILL", "waveName": "Web 1", "region": "us-west-2"}


@pytest.mark.parametrize(("name", "value"), VALUES.items())
def test_a_placeholder_of_one_value_may_stand_anywhere_in_a_string(name: str, value: str) -> None:
    text = f"a {{{{{name}}}}}, {{{{{name}}}}}!"
    assert fill_parameters({"P": [text]}, FILLING) == {"P": (f"a {value}, {value}!",)}
    assert fill_payload({"a": [{"b": text}]}, FILLING) == {"a": [{"b": f"a {value}, {value}!"}]}


def test_every_placeholder_of_the_contract_is_known() -> None:
    assert {*SINGLE, *LISTS} == {
        "executionId",
        "mode",
        "waveName",
        "region",
        "recoveryInstanceIds",
        "sourceServerIds",
    }


@pytest.mark.parametrize(("name", "ids"), [("recoveryInstanceIds", INSTANCES), ("sourceServerIds", SERVERS)])
def test_a_placeholder_of_a_list_becomes_one_value_for_each_id(name: str, ids: tuple[str, ...]) -> None:
    alone = f"{{{{{name}}}}}"
    assert fill_parameters({"P": [alone], "Q": ["x", alone]}, FILLING) == {"P": ids, "Q": ("x", *ids)}
    assert fill_payload({"a": alone, "b": [alone]}, FILLING) == {"a": list(ids), "b": [list(ids)]}


@pytest.mark.parametrize("text", ["{{recoveryInstanceIds}} ", "x{{sourceServerIds}}", "{{mode}}{{sourceServerIds}}"])
def test_a_placeholder_of_a_list_stands_alone_in_its_string(text: str) -> None:
    for faults in (parameter_faults({"P": ["a", text]}), payload_faults({"P": ["a", text]})):
        (fault,) = faults
        assert fault.pointer == "/P/1"
        assert "must stand alone in its string" in fault.message


@pytest.mark.parametrize("text", ["{{ssm:/app/key}}", "{{ ssm:key }}", "a {{ssm:key:3}}"])
def test_what_ssm_fills_in_is_left_to_it_in_parameters_alone(text: str) -> None:
    assert fill_parameters({"P": [text]}, FILLING) == {"P": (text,)}
    (fault,) = payload_faults({"P": text})
    assert (fault.pointer, "known to SSM only" in fault.message) == ("/P", True)


@pytest.mark.parametrize(
    "text", ["{{planId}}", "{{}}", "{{ mode }}", "{{Mode}}", "{{automation:EXECUTION_ID}}", "{{ssm:}}", "{{{mode}}}"]
)
def test_any_other_placeholder_is_a_fault_and_is_never_filled(text: str) -> None:
    (fault,) = parameter_faults({"P": [text]})
    assert fault.pointer == "/P/0"
    assert "is no placeholder" in fault.message
    assert "{{executionId}}" in fault.message
    assert ("without spaces" in fault.message) == (text == "{{ mode }}")
    assert list(payload_faults({"P": [text]}))
    with pytest.raises(PlaceholderError, match=r"/P/0"):
        fill_parameters({"P": [text]}, FILLING)
    with pytest.raises(PlaceholderError, match=r"/P"):
        fill_payload({"P": text}, FILLING)


def test_a_name_holds_no_placeholder() -> None:
    assert [fault.pointer for fault in parameter_faults({"{{mode}}": ["x"]})] == ["/{{mode}}"]
    assert [fault.pointer for fault in payload_faults({"a": {"b/{{mode}}": 1}})] == ["/a/b~1{{mode}}"]


def test_every_fault_is_named_with_its_pointer() -> None:
    payload = {"a": ["{{x}}", {"b~": "{{y}} {{z}}"}], "c": 1, "d": None, "e": True}
    assert [fault.pointer for fault in payload_faults(payload)] == ["/a/0", "/a/1/b~0", "/a/1/b~0"]


@pytest.mark.parametrize(("servers", "refused"), [(MAX_VALUES, False), (MAX_VALUES + 1, True), (None, False)])
def test_a_parameter_takes_fifty_ids_at_most(servers: int | None, refused: bool) -> None:
    assert bool(list(parameter_faults({"P": ["{{sourceServerIds}}"]}, servers))) == refused
    assert not list(parameter_faults({"P": ["{{mode}}"]}, servers))
    assert bool(list(parameter_faults({"P": ["{{sourceServerIds}}", "x"]}, servers))) == (servers is not None)


def test_a_selector_that_found_too_many_fails_the_step() -> None:
    many = Filling("e", "DRILL", "w", "r", source_server_ids=tuple(f"s-{n}" for n in range(MAX_VALUES + 1)))
    with pytest.raises(PlaceholderError, match="parameter 'P' would have 51 values, and SSM takes 50 at most"):
        fill_parameters({"P": ["{{sourceServerIds}}"]}, many)
    assert len(fill_payload({"P": "{{sourceServerIds}}"}, many)["P"]) == MAX_VALUES + 1


def test_without_servers_a_list_is_empty() -> None:
    nobody = Filling("e", "DRILL", "w", "r")
    assert fill_parameters({"P": ["{{recoveryInstanceIds}}"]}, nobody) == {"P": ()}
    assert fill_payload({"P": "{{recoveryInstanceIds}}"}, nobody) == {"P": []}


def test_what_is_filled_in_is_not_looked_at_again() -> None:
    tricky = Filling("{{mode}}", "{{executionId}}", "w", "r")
    assert fill_payload({"a": "{{executionId}} {{mode}}"}, tricky) == {"a": "{{mode}} {{executionId}}"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), _JSON, max_size=3))
def test_a_payload_without_placeholders_stays_as_it_is(payload: dict[str, Any]) -> None:
    if re.search(r"\{\{.*\}\}", json.dumps(payload)):
        return
    assert not list(payload_faults(payload))
    assert fill_payload(payload, FILLING) == payload
