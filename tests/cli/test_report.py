"""`wavebreak report verify`: offline, 0 or 1, and what does not fit, in which event."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Terminal, lines
from tests.cli.fake_api import DRILL, FakeApi, Fault, execution, server, wave
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


PATH = f"/executions/{DRILL}/report"


def test_9_a_report_is_shown_in_a_few_lines(api: FakeApi, wavebreak: Terminal) -> None:
    api.answers["GET", PATH] = (200, REPORT)
    wavebreak.width = 200
    outcome = wavebreak("report", DRILL)
    assert outcome.exit_code == 0
    shown = lines(outcome.out)
    assert shown[0] == REPORT["plan"]["name"]
    assert f"✓ trail of {len(REPORT['trail'])} events is intact" in shown
    assert any(line.startswith("recovery time: ") for line in shown)


@pytest.mark.parametrize(
    "arguments", [("report", DRILL, "--json"), ("report", "--json", DRILL), ("--json", "report", DRILL)]
)
def test_9_a_report_that_is_printed_whole_is_one_that_verify_takes(
    api: FakeApi, wavebreak: Terminal, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    api.answers["GET", PATH] = (200, REPORT)
    outcome = wavebreak(*arguments)
    assert json.loads(outcome.out) == REPORT
    file = tmp_path / "printed.json"
    file.write_text(outcome.out, encoding="utf-8")
    assert wavebreak("report", "verify", str(file)).exit_code == 0


def test_9_a_report_is_written_as_a_page(api: FakeApi, wavebreak: Terminal, tmp_path: Path) -> None:
    api.faults = [Fault(200, "<!DOCTYPE html>Ü"), Fault(200, "<!DOCTYPE html>Ü")]
    file = tmp_path / "report.html"
    assert wavebreak("report", DRILL, "--html", str(file)).exit_code == 0
    assert file.read_text(encoding="utf-8") == "<!DOCTYPE html>Ü"
    assert api.requests[-1].query == {"format": "html"}
    assert wavebreak("report", DRILL, "--html", "-").out == "<!DOCTYPE html>Ü"


def test_8_a_report_elsewhere_is_fetched_from_there_without_our_signature(api: FakeApi, wavebreak: Terminal) -> None:
    there = f"{api.url}/bucket/report.json"
    api.faults = [Fault(303, {"location": there}, {"Location": there})]
    api.answers["GET", "/bucket/report.json"] = (200, REPORT)
    assert json.loads(wavebreak("report", DRILL, "--json").out) == REPORT
    assert "authorization" not in api.requests[-1].headers


def test_9_a_report_of_nothing_is_a_refused_call(api: FakeApi, wavebreak: Terminal) -> None:
    outcome = wavebreak("report", DRILL)
    assert (outcome.exit_code, "NOT_FOUND" in outcome.err) == (3, True)
    assert len(api.requests) == 1


def test_9_a_verdict_is_given_with_its_notes(api: FakeApi, wavebreak: Terminal) -> None:
    api.answers["PUT", f"/executions/{DRILL}/verdict"] = (200, {"executionId": DRILL})
    outcome = wavebreak("verdict", DRILL, "passed", "--notes", "as planned")
    assert (outcome.exit_code, lines(outcome.out)) == (0, [f"✓ verdict PASSED given to {DRILL}"])
    assert api.requests[-1].body == {"verdict": "PASSED", "notes": "as planned"}
    assert wavebreak("verdict", DRILL, "perhaps").exit_code == 3


def test_9_phases_are_shown_with_the_time_in_them(api: FakeApi, wavebreak: Terminal) -> None:
    running = execution("IN_PROGRESS", [wave(1, "database", "IN_PROGRESS", [server(1, "IN_PROGRESS"), server(2)])])
    api.readings[DRILL] = [running]
    output = {"waveNumber": 1, "sourceServerId": server(1)["sourceServerId"], "phase": "CONVERSION"}
    output |= {"since": "2026-11-21T11:57:00.000Z", "usualSeconds": 540}
    api.answers["GET", f"/executions/{DRILL}/progress"] = (200, {"asOf": None, "servers": [output]})
    wavebreak.width = 200
    shown = wavebreak("show", DRILL, "--servers").out
    assert "CONVERSION 6m of about 9m" in shown
    assert "LAUNCHED" in shown


def test_9_while_one_watches_phases_are_asked_for_every_15_s_and_their_lack_harms_nothing(
    api: FakeApi, wavebreak: Terminal
) -> None:
    running = execution("IN_PROGRESS", [wave(1, "database", "IN_PROGRESS", [server(1, "IN_PROGRESS")])])
    ended = execution("COMPLETED", [wave(1, "database", "COMPLETED", [server(1)])])
    api.readings[DRILL] = [*[running] * 20, ended]
    assert wavebreak("watch", DRILL).exit_code == 0
    assert len([one for one in api.requests if one.path.endswith("/progress")]) == 2
