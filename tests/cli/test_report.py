"""`wavebreak report verify`: offline, 0 or 1, and what does not fit, in which event."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Terminal, lines
from tests.support.evidence_samples import completed_drill

from wavebreak.evidence import as_json, report

REPORT = report(*completed_drill())


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    file = tmp_path / "report.json"
    file.write_text(as_json(REPORT), encoding="utf-8")
    return file


def rewrite(file: Path, change: Any) -> None:
    document = json.loads(file.read_text(encoding="utf-8"))
    change(document)
    file.write_text(json.dumps(document), encoding="utf-8")


def test_8_a_report_that_was_not_changed_is_intact(wavebreak: Terminal, stored: Path) -> None:
    outcome = wavebreak("report", "verify", str(stored))
    assert (outcome.exit_code, outcome.err) == (0, "")
    assert lines(outcome.out) == [
        "✓ intact: 8 events, each linked to the one before it",
        "✓ its content has the reportHash",
        REPORT["reportHash"],
    ]
    wavebreak.width = 200
    assert lines(wavebreak("report", "verify", str(stored)).out)[1].endswith(REPORT["reportHash"])


def test_8_how_it_is_laid_out_does_not_matter(wavebreak: Terminal, stored: Path) -> None:
    stored.write_text(json.dumps(REPORT, indent=4, sort_keys=True), encoding="utf-8")
    assert wavebreak("report", "verify", str(stored)).exit_code == 0


def test_8_no_api_is_looked_for(wavebreak: Terminal, stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wavebreak_cli.session.resolve", lambda *_: pytest.fail("looked for an API"))
    assert wavebreak("report", "verify", str(stored)).exit_code == 0


def test_8_an_edited_event_is_named(wavebreak: Terminal, stored: Path) -> None:
    rewrite(stored, lambda document: document["trail"][3].update(actor="somebody else"))
    wavebreak.width = 200
    outcome = wavebreak("report", "verify", str(stored))
    assert outcome.exit_code == 1
    *first, last = lines(outcome.out)
    assert first == [
        "✗ does not fit",
        "  event 4: its content does not match its hash",
        "  chain.intact says true, the trail has false",
    ]
    assert last.startswith(f"  reportHash is {REPORT['reportHash']}, but the content has ")


def test_8_a_dropped_event_is_found(wavebreak: Terminal, stored: Path) -> None:
    rewrite(stored, lambda document: document["trail"].pop())
    answer = json.loads(wavebreak("report", "verify", str(stored), "--json").out)
    assert (answer["intact"], answer["events"]) == (False, 7)
    assert [fault.split(" says")[0] for fault in answer["faults"][:2]] == ["chain.head", "chain.length"]


def test_8_json_tells_the_hash_that_was_computed(wavebreak: Terminal, stored: Path) -> None:
    answer = json.loads(wavebreak("report", "verify", str(stored), "--json").out)
    assert answer == {"intact": True, "events": 8, "reportHash": REPORT["reportHash"], "faults": []}


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"<html>", b'{"reportHash": 1, "reportHash": 2}'])
def test_8_what_is_no_report_does_not_fit(wavebreak: Terminal, stored: Path, content: bytes) -> None:
    stored.write_bytes(content)
    outcome = wavebreak("report", "verify", str(stored))
    assert outcome.exit_code == 1
    assert lines(outcome.out)[1].startswith("  this is no report: ")


def test_8_hostile_content_cannot_act_on_the_terminal(wavebreak: Terminal, stored: Path) -> None:
    rewrite(stored, lambda document: document.update(executionId="\x1b[2J\u202e"))
    outcome = wavebreak("report", "verify", str(stored))
    assert "\x1b" not in outcome.out
    assert "\\u202e" in outcome.out


def test_9_a_file_that_cannot_be_read_is_wrong_usage(wavebreak: Terminal, tmp_path: Path) -> None:
    outcome = wavebreak("report", "verify", str(tmp_path / "none.json"))
    assert (outcome.exit_code, outcome.out) == (3, "")
    assert "none.json cannot be read" in outcome.err
    assert wavebreak("report", "verify", str(tmp_path)).exit_code == 3
    assert wavebreak("report", "verify").exit_code == 3
