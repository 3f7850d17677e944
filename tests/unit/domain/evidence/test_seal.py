"""The seal: change one byte in any field, or drop the last event, and the check finds it (contract 8)."""

import copy
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.evidence_runs import Trail, to
from tests.support.evidence_samples import completed_drill, retried_recovery

from wavebreak.domain.evidence.seal import chain_of
from wavebreak.domain.executions.audit_trail import event_hash
from wavebreak.evidence import as_json, report, report_hash, verify_report, verify_text

REPORT = report(*completed_drill())
TEXT = as_json(REPORT)
LAST = len(REPORT["trail"])
Path = tuple[str | int, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Name every field that holds a value, empty lists and objects too."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [leaf for name, member in inner for leaf in leaves(member, (*path, name))]
    yield from found or [path]


def other(value: Any) -> Any:
    """Give a value that one byte of it makes."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x"
        case None:
            return 0
        case list():
            return [*value, None]
        case _:
            return {**value, "more": 1}


def changed(path: Path) -> dict[str, Any]:
    altered = copy.deepcopy(REPORT)
    holder: Any = altered
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = other(holder[path[-1]])
    return altered


ALL = sorted(leaves(REPORT), key=str)


def test_8_what_was_not_changed_fits() -> None:
    found = verify_text(TEXT)
    assert found.intact
    assert (found.events, found.report_hash) == (LAST, REPORT["reportHash"])


def test_8_the_hash_is_made_as_the_contract_says() -> None:
    rest = {name: value for name, value in REPORT.items() if name != "reportHash"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert REPORT["reportHash"] == hashlib.sha256(text.encode("utf-8")).hexdigest()


@pytest.mark.parametrize("path", ALL, ids=lambda path: ".".join(map(str, path)))
def test_8_a_change_in_any_field_is_found(path: Path) -> None:
    altered = changed(path)
    found = verify_text(as_json(altered))
    assert any(fault.startswith("reportHash ") for fault in found.faults)
    if path[0] == "trail":
        assert f"event {int(path[1]) + 1}: " in found.faults[0]
    if path[0] == "chain":
        assert found.faults[0].startswith(f"chain.{path[1]} says ")


@pytest.mark.parametrize("path", ALL, ids=lambda path: ".".join(map(str, path)))
def test_8_a_field_that_is_taken_away_is_found(path: Path) -> None:
    altered = copy.deepcopy(REPORT)
    holder: Any = altered
    for name in path[:-1]:
        holder = holder[name]
    del holder[path[-1]]
    assert not verify_text(as_json(altered)).intact


def resealed(altered: dict[str, Any]) -> list[str]:
    """Give what is found in a report whose hash was made anew after a change."""
    return list(verify_report({**altered, "reportHash": report_hash(altered)}).faults)


def test_8_the_last_event_dropped_is_found_even_when_the_hash_is_made_anew() -> None:
    altered = copy.deepcopy(REPORT)
    del altered["trail"][-1]
    found = verify_text(as_json(altered))
    assert any(fault.startswith("reportHash ") for fault in found.faults)
    assert [fault.split(",")[0] for fault in resealed(altered)] == [
        f'chain.head says "{REPORT["chain"]["head"]}"',
        f"chain.length says {LAST}",
    ]


def test_8_an_edited_event_is_found_by_its_number_even_when_all_hashes_but_the_next_are_made_anew() -> None:
    altered = copy.deepcopy(REPORT)
    altered["trail"][2]["actor"] = "somebody else"
    assert resealed(altered)[0] == "event 3: its content does not match its hash"
    altered["trail"][2]["hash"] = event_hash(altered["trail"][2])
    assert resealed(altered)[0] == "event 4: does not link to the event before it"


def test_8_an_event_of_another_execution_is_found() -> None:
    altered = copy.deepcopy(REPORT)
    altered["executionId"] = "drill-01kahpq7800000000000000009"
    assert resealed(altered)[0].startswith("event 1: it is of execution drill-01kahpq7800000000000000000")


def test_8_a_chain_that_says_1_for_true_does_not_say_true() -> None:
    assert resealed({**REPORT, "chain": {**REPORT["chain"], "intact": 1}}) == [
        "chain.intact says 1, the trail has true"
    ]
    assert resealed({**REPORT, "chain": None})[0] == "chain.intact says null, the trail has true"
    assert len(resealed({**REPORT, "trail": None})) == 1


@given(st.data())
def test_8_any_byte_of_the_file_that_changes_what_it_says_is_found(data: st.DataObject) -> None:
    raw = bytearray(TEXT.encode())
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[position]))
    text = raw.decode(errors="replace")
    space = " \t\r\n"
    assert verify_text(text).intact is (text.rstrip(space) == TEXT.rstrip(space))


def written(**factors: Any) -> str:
    execution, events, logs = completed_drill()
    return as_json(report({**execution, "factors": factors}, events, logs))


ODD = written(f_x=1.0, f_y=1e22, f_z=-0.5, f_n=-7, f_s='a\x1fb\n"\\Ü', f_e={})


@pytest.mark.parametrize(
    ("spelt", "otherwise"),
    [
        ('"f_x":1.0', '"f_x":1e0'),
        ('"f_x":1.0', '"f_x":10e-1'),
        ("1e+22", "1E+22"),
        ("-0.5", "-5e-1"),
        ("\\u001f", "\\u001F"),
        ("Ü", "\\u00dc"),
        ("drill", "\\u0064rill"),
        ("\\n", "\\u000a"),
    ],
)
def test_8_what_says_the_same_in_other_bytes_was_changed(spelt: str, otherwise: str) -> None:
    altered = ODD.replace(spelt, otherwise, 1)
    assert verify_text(ODD).intact
    assert json.loads(altered) == json.loads(ODD) != altered
    faults = verify_text(altered).faults
    in_ascii = otherwise == "\\u00dc"
    assert (faults == ()) is in_ascii
    assert all(fault.endswith("is not spelt as a report is written") for fault in faults)


def test_8_a_report_in_ascii_is_the_same_report() -> None:
    assert verify_text(json.dumps(json.loads(ODD), indent=2)).intact


def test_8_the_hash_of_the_plan_is_that_of_its_document_and_of_the_first_event() -> None:
    altered = copy.deepcopy(REPORT)
    altered["plan"]["document"]["waves"][0]["name"] = "elsewhere"
    (fault,) = resealed(altered)
    assert fault.startswith(f"plan.planHash is {REPORT['plan']['planHash']}, but the document has ")
    trail = Trail()
    trail.tell(0, to("PENDING"), planHash="f" * 64)
    (fault,) = resealed({**REPORT, "trail": trail.events, "chain": chain_of(trail.events)})
    assert fault == f"plan.planHash is {REPORT['plan']['planHash']}, but event 1 says {'f' * 64}"
    assert resealed({**REPORT, "plan": {**REPORT["plan"], "document": None}}) == []


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("", "this is no report: Expecting value at line 1 column 1"),
        ("<!DOCTYPE html>", "this is no report: Expecting value"),
        ("[]", "this is no report: it has no reportHash"),
        ("{}", "this is no report: it has no reportHash"),
        (TEXT[:-3], "this is no report: "),
        (
            TEXT.replace('{"executionId"', '{"status":"FAILED","executionId"', 1),
            'this is no report: "status" is given more than once',
        ),
        (TEXT.replace('"retries":0', '"retries":NaN'), "this is no report: NaN is no JSON value"),
        (TEXT.replace("quarterly", "\\ud800"), "it holds text that cannot be hashed"),
    ],
)
def test_8_what_is_no_report_is_told_as_that(text: str, reported: str) -> None:
    found = verify_text(text)
    assert not found.intact
    assert found.faults[-1].startswith(reported)


def test_8_text_that_no_utf_8_can_hold_is_replaced_before_it_is_sealed() -> None:
    execution, events, logs = retried_recovery()
    execution["waves"][0]["error"] = "rawError \ud83d"
    made = report(execution, events, logs)
    assert made["waves"][0]["error"] == "rawError \N{REPLACEMENT CHARACTER}"
    assert verify_text(as_json(made)).intact


def test_8_what_json_cannot_hold_is_refused() -> None:
    execution, events, logs = retried_recovery()
    execution["factors"] = {"f_x": float("nan")}
    with pytest.raises(ValueError, match="JSON"):
        report(execution, events, logs)
