"""Every message as people and machines get it. Snapshots are written anew with WAVEBREAK_WRITE_SNAPSHOTS=1."""

from __future__ import annotations

import json
import os
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # the package ships no types
import pytest
from tests.support.execution_builders import NOW, execution, server, wave
from tests.support.sample_messages import APPROVER, HOSTILE_NAME, RUN, AuditedExecution, message

from wavebreak.domain.executions.audit_trail import append_event, status_changes
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Mode, Termination
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.replay import read_statuses, statuses_after
from wavebreak.domain.notifications.command_and_alarm_messages import alert_message, command_message
from wavebreak.domain.notifications.event_bridge import bus_events
from wavebreak.domain.notifications.execution_messages import PRESENTATIONS, execution_message, kinds_of, wave_summary
from wavebreak.domain.notifications.html import html_of
from wavebreak.domain.notifications.message import MAX_SUBJECT, Kind, discreet, shown_actor, subject_of
from wavebreak.domain.notifications.text import chat_document_of, document_of, text_of
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus

SNAPSHOTS = Path(__file__).parent / "snapshots"
DOCS = Path(__file__).parents[4] / "docs"
E, W = ExecutionStatus, WaveStatus

every_kind = pytest.mark.parametrize("kind", list(Kind))
both_modes = pytest.mark.parametrize("mode", list(Mode))


def matches(name: str, actual: str) -> None:
    file = SNAPSHOTS / name
    if os.environ.get("WAVEBREAK_WRITE_SNAPSHOTS"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(actual, encoding="utf-8")
    assert actual == file.read_text(encoding="utf-8")


def schema(name: str) -> Any:
    return json.loads((DOCS / name).read_text(encoding="utf-8"))


@every_kind
def test_s2_9_every_message_is_as_the_snapshot_even_for_a_hostile_name(kind: Kind) -> None:
    sent_message = message(kind, HOSTILE_NAME)
    word = kind.value.lower().replace("_", "-")
    matches(f"{word}.txt", f"{sent_message.subject}\n\n{text_of(sent_message)}")
    matches(f"{word}.html", html_of(sent_message))
    machine = {
        "message": document_of(sent_message),
        "attributes": dict(sent_message.attributes),
        "chat": chat_document_of(sent_message),
    }
    matches(f"{word}.json", json.dumps(machine, indent=1, ensure_ascii=False) + "\n")


def test_there_is_no_snapshot_of_what_does_not_exist() -> None:
    words = {kind.value.lower().replace("_", "-") for kind in Kind}
    assert {file.stem for file in SNAPSHOTS.iterdir()} == words


def test_s2_9_partial_success_is_told_in_the_contracts_words() -> None:
    sent_message = message(Kind.PARTIAL_SUCCESS)
    assert sent_message.subject == "⚠️ DRS Execution Partially Completed - 3TierRecoveryPlan"
    assert (sent_message.presentation.title, sent_message.presentation.color) == ("Partial Success", "orange")
    text = text_of(sent_message)
    assert "✓ 1 wave(s) completed | ⊘ 2 wave(s) cancelled" in text
    assert "completed: database." in text
    assert "wavebreak terminate drill-01kahpq7800000000000000000 " in text
    recovery = text_of(message(Kind.PARTIAL_SUCCESS, mode=Mode.RECOVERY))
    name = "recovery-01kahpq7800000000000000000"
    assert f"wavebreak terminate {name} " in recovery
    assert "--confirm" not in recovery, "no suggestion has a confirmation filled in"


@pytest.mark.parametrize(
    ("counts", "summary"),
    [
        ((1, 1, 1), "✓ 1 wave(s) completed | ✗ 1 wave(s) failed | ⊘ 1 wave(s) cancelled"),
        ((3, 0, 0), "✓ 3 wave(s) completed"),
        ((0, 2, 0), "✗ 2 wave(s) failed"),
        ((1, 0, 2), "✓ 1 wave(s) completed | ⊘ 2 wave(s) cancelled"),
        ((0, 0, 0), ""),
    ],
)
def test_s2_9_wave_summary_leaves_zero_counts_out(counts: tuple[int, int, int], summary: str) -> None:
    assert wave_summary(dict(zip(("completed", "failed", "cancelled"), counts, strict=True))) == summary


@pytest.mark.parametrize("kind", list(PRESENTATIONS))
def test_subjects_of_executions_name_the_plan_behind_emoji_and_headline(kind: Kind) -> None:
    presentation = PRESENTATIONS[kind]
    assert message(kind).subject == f"{presentation.emoji} DRS Execution {presentation.headline} - 3TierRecoveryPlan"


def test_a_subject_is_one_line_of_99_characters_at_most() -> None:
    assert subject_of("⚠️", "a\r\nBcc: b\t\x00\x7f\x85\u2028\u2029c") == "⚠️ a  Bcc: b      c"
    assert len(subject_of("⚠️", "x" * 96)) == MAX_SUBJECT
    assert not subject_of("⚠️", "x" * 96).endswith("…")
    cut = subject_of("⚠️", "x" * 97)
    assert (len(cut), cut[-2:]) == (MAX_SUBJECT, "x…")
    assert subject_of("⚠️", "👩‍🚒 née") == "⚠️ 👩‍🚒 née"
    assert "\u202e" not in subject_of("⚠️", "moc.\u202eevil")


@every_kind
@both_modes
def test_messages_for_machines_are_as_the_published_schema_says(kind: Kind, mode: Mode) -> None:
    validator = jsonschema.Draft202012Validator(schema("notification.schema.json"))
    for name in (HOSTILE_NAME, "p" * 256):
        validator.validate(document_of(message(kind, name, mode)))


def test_the_schema_knows_every_kind_and_status() -> None:
    published = schema("notification.schema.json")
    assert published["properties"]["type"]["enum"] == [kind.value for kind in Kind]
    bus = schema("events.schema.json")["$defs"]
    assert bus["execution"]["enum"] == [status.value for status in ExecutionStatus]
    assert bus["wave"]["enum"] == [status.value for status in WaveStatus]
    assert bus["termination"]["enum"] == [f"TERMINATION_{status}" for status in TerminationStatus]


def test_bus_events_are_as_the_published_schema_says_one_for_each_change() -> None:
    story = AuditedExecution(HOSTILE_NAME, Mode.DRILL)
    story.then(1, status=E.IN_PROGRESS, w1=W.IN_PROGRESS).then(2, APPROVER, "stop", w1=W.FAILED, status=E.FAILED)
    sent_message = [each for event in story.trail for each in bus_events(story.now, event)]
    validator = jsonschema.Draft202012Validator(schema("events.schema.json"))
    for each in sent_message:
        validator.validate({"source": "wavebreak", "detail-type": each.detail_type, "detail": each.detail})
    brief = [(each.detail_type.split()[0], each.detail["from"], each.detail["to"]) for each in sent_message]
    assert brief == [
        ("Execution", None, "PENDING"),
        ("Execution", "PENDING", "IN_PROGRESS"),
        ("Wave", "NOT_STARTED", "IN_PROGRESS"),
        ("Execution", "IN_PROGRESS", "FAILED"),
        ("Wave", "IN_PROGRESS", "FAILED"),
    ]
    assert sent_message[-1].detail["reason"] == "stop"
    assert [each.detail["change"] for each in sent_message] == [1, 1, 2, 1, 2]


def test_a_clean_up_is_never_taken_for_the_end_of_an_execution() -> None:
    event = {
        **AuditedExecution("p", Mode.DRILL).trail[0],
        "data": {"changes": [{"subject": "termination", "from": "IN_PROGRESS", "to": "COMPLETED"}]},
    }
    (sent_message,) = bus_events(AuditedExecution("p", Mode.DRILL).now, event)
    assert (sent_message.detail["from"], sent_message.detail["to"]) == (
        "TERMINATION_IN_PROGRESS",
        "TERMINATION_COMPLETED",
    )
    validator = jsonschema.Draft202012Validator(schema("events.schema.json"))
    assert validator.is_valid(
        {"source": "wavebreak", "detail-type": sent_message.detail_type, "detail": sent_message.detail}
    )
    wrong = {**sent_message.detail, "to": "COMPLETED"}
    assert not validator.is_valid({"source": "wavebreak", "detail-type": sent_message.detail_type, "detail": wrong})


def test_a_cancel_for_a_recovery_is_told_as_that_or_else_as_a_cancel() -> None:
    data = {"changes": [{"from": "IN_PROGRESS", "to": "CANCELLING"}], "preemptedBy": "recovery-1"}
    assert kinds_of({"data": data}) == [Kind.PREEMPTED, Kind.CANCELLING]


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ([{"from": None, "to": "PENDING"}], [Kind.STARTED]),
        ([{"from": "PENDING", "to": "IN_PROGRESS"}], []),
        ([{"from": "FAILED", "to": "IN_PROGRESS"}], [Kind.RESUMED]),
        ([{"waveNumber": 1, "from": "NOT_STARTED", "to": "IN_PROGRESS"}], []),
        ([{"subject": "termination", "from": "NOT_REQUESTED", "to": "IN_PROGRESS"}], []),
        (
            [
                {"waveNumber": 1, "from": "IN_PROGRESS", "to": "FAILED"},
                {"waveNumber": 2, "from": "NOT_STARTED", "to": "AWAITING_APPROVAL"},
            ],
            [Kind.APPROVAL_NEEDED, Kind.WAVE_FAILED],
        ),
        ([{"subject": "command", "commandId": "cmd-1", "from": None, "to": "IN_PROGRESS"}], []),
        ([{"subject": "command", "commandId": "cmd-1", "from": "IN_PROGRESS", "to": "CANCELLING"}], []),
        (
            [{"subject": "command", "commandId": "cmd-1", "from": "IN_PROGRESS", "to": "PARTIAL_SUCCESS"}],
            [Kind.COMMAND_FINISHED],
        ),
        (
            [{"from": "IN_PROGRESS", "to": "FAILED"}, {"waveNumber": 1, "from": "IN_PROGRESS", "to": "FAILED"}],
            [Kind.FAILED, Kind.WAVE_FAILED],
        ),
    ],
)
def test_an_event_is_told_by_its_most_telling_change(changes: list[dict[str, Any]], kinds: list[Kind]) -> None:
    assert kinds_of({"data": {"changes": changes}}) == kinds


@pytest.mark.parametrize("change", [(None, "IN_PROGRESS"), ("CANCELLING", "PARTIAL_SUCCESS")])
def test_a_command_run_is_told_to_the_bus_and_changes_no_status_of_its_execution(change: tuple[str, str]) -> None:
    story = AuditedExecution("p", Mode.DRILL).then(1, status=E.IN_PROGRESS, w1=W.IN_PROGRESS)
    sent_message = {"subject": "command", "commandId": "cmd-" + "0" * 26, "from": change[0], "to": change[1]}
    _, event = append_event(story.now, [sent_message], Attribution(APPROVER, NOW), {"command": "status"})

    (on_the_bus,) = bus_events(story.now, event)

    validator = jsonschema.Draft202012Validator(schema("events.schema.json"))
    validator.validate(
        {"source": "wavebreak", "detail-type": on_the_bus.detail_type, "detail": dict(on_the_bus.detail)}
    )
    assert on_the_bus.detail["to"] == f"COMMAND_{change[1]}"
    assert statuses_after([*story.trail, event]) == statuses_after(story.trail)


def test_every_status_that_ends_or_holds_an_execution_is_told() -> None:
    sent_message = {
        status for status in ExecutionStatus if kinds_of({"data": {"changes": [{"from": "PAUSED", "to": status}]}})
    }
    assert sent_message == set(ExecutionStatus) - {ExecutionStatus.PENDING}


def test_a_message_that_leaves_late_tells_what_was_true_then() -> None:
    story = AuditedExecution("p", Mode.DRILL).then(1, status=E.IN_PROGRESS, w1=W.IN_PROGRESS).then(38, w1=W.COMPLETED)
    story.then(40, w2=W.IN_PROGRESS)
    then = list(story.trail)
    story.then(60, w2=W.FAILED, status=E.PARTIAL_SUCCESS)
    assert statuses_after(then).shown_by(story.now).status is E.IN_PROGRESS
    assert statuses_after(then).shown_by(story.now).ended_at is None
    assert statuses_after(story.trail).shown_by(story.now).waves == story.now.waves
    late = execution_message(Kind.RESUMED, statuses_after(then).shown_by(story.now), then[-1])
    assert late.summary == "✓ 1 wave(s) completed"
    assert dict(late.facts)["Duration"] == "40s"
    assert all(line.note is None for line in late.waves)


def test_b10_how_an_execution_stood_is_kept_and_read_back_as_it_was_at_every_event() -> None:
    story = AuditedExecution("p", Mode.DRILL).then(1, status=E.IN_PROGRESS, w1=W.IN_PROGRESS).then(38, w1=W.COMPLETED)
    story.then(40, w2=W.SKIPPED, w3=W.SKIPPED, status=E.COMPLETED)
    story.then(60, termination=Termination(TerminationStatus.IN_PROGRESS))
    for length in range(len(story.trail) + 1):
        statuses = statuses_after(story.trail[:length])
        assert read_statuses(json.loads(json.dumps(statuses.record()))) == statuses
        assert len(json.dumps(statuses.record())) < 300


class Reader(HTMLParser):
    """Collects the elements, attributes and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@every_kind
def test_the_mail_loads_nothing_and_runs_nothing(kind: Kind) -> None:
    page, plain = Reader(), Reader()
    page.feed(html_of(message(kind, HOSTILE_NAME)))
    plain.feed(html_of(message(kind, "plain")))
    assert page.tags == plain.tags
    assert page.attributes == plain.attributes
    assert not page.tags & {"script", "img", "link", "a", "iframe", "b"}
    assert not {name for name in page.attributes if name.startswith("on")} | (page.attributes & {"src", "href"})
    assert "url(" not in html_of(message(kind))
    assert "<script>alert('x')</script>" in page.text


def test_nobody_is_mentioned_and_nothing_linked_in_a_chat() -> None:
    document = chat_document_of(message(Kind.PAUSED, "<!channel> & `rm` <https://x|y>"))
    shown = json.dumps(document["content"])
    assert "<" not in shown
    assert "&lt;!channel&gt; &amp; 'rm'" in document["content"]["title"]
    assert document["metadata"]["threadId"] == document["metadata"]["additionalContext"]["executionId"]


def test_account_numbers_and_keys_of_others_words_do_not_get_into_messages() -> None:
    said = "User: arn:aws:sts::123456789012:assumed-role/R/x with AKIAIOSFODNN7EXAMPLE\nmay not"
    assert discreet(said) == "User: arn:aws:sts::…:assumed-role/R/x with ***** may not"
    assert shown_actor(APPROVER) == "assumed-role/Operators/jane@example.com"
    assert shown_actor("wavebreak") == "wavebreak"
    assert shown_actor("arn:odd") == "arn:odd"


def test_the_largest_plan_still_fits_into_a_message() -> None:
    waves = [wave(number, W.FAILED, name="w" * 64, error="é" * 500) for number in range(1, 81)]
    born = execution(*waves, plan_name="🧨" * 256, status=E.PENDING)
    after, event = append_event(born, status_changes(None, born), Attribution(APPROVER, NOW, "🧨" * 1024), {})
    changes = [{"waveNumber": number, "from": "IN_PROGRESS", "to": "FAILED"} for number in range(1, 81)]
    trail = [event, {**event, "sequence": 2, "data": {"changes": changes, "reason": "🧨" * 1024}}]
    sent_message = execution_message(Kind.WAVE_FAILED, statuses_after(trail).shown_by(after), trail[-1])
    assert (len(sent_message.waves), sent_message.more_waves) == (20, 60)
    machine, text = json.dumps(document_of(sent_message), ensure_ascii=False), text_of(sent_message)
    copies = {**dict.fromkeys(("sqs", "lambda", "http", "https", "firehose"), machine), "default": text, "email": text}
    assert len(json.dumps(copies, ensure_ascii=False).encode()) < 256 * 1024
    assert "and 60 more" in text


@pytest.mark.parametrize(
    ("status", "title"),
    [
        ("COMPLETE_SUCCESS", "Complete Success"),
        ("PARTIAL_SUCCESS", "Partial Success"),
        ("COMPLETE_FAILURE", "Complete Failure"),
    ],
)
def test_a_command_run_is_told_with_its_own_summary(status: str, title: str) -> None:
    sent_message = command_message({**RUN, "status": status, "executionId": "drill-01kahpq7800000000000000000"})
    assert (sent_message.presentation.title, sent_message.attributes["status"]) == (title, status)
    assert "Status: PARTIAL SUCCESS" in text_of(sent_message)
    assert sent_message.attributes["executionId"] == "drill-01kahpq7800000000000000000"
    assert sent_message.steps[0].command == "wavebreak show drill-01kahpq7800000000000000000"


@pytest.mark.parametrize(("state", "color"), [("ALARM", "red"), ("OK", "green"), ("INSUFFICIENT_DATA", "gray")])
def test_an_alert_has_the_colour_of_its_state(state: str, color: str) -> None:
    sent_message = alert_message({"name": "errors", "state": state, "reason": "why"})
    assert (sent_message.presentation.color, sent_message.sentence) == (color, "why")


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        ([None, None], ""),
        (["No room", "No room"], "; No room"),
        (["2 failed", "No room"], "; No room"),
        (["one", "two", "three", "four", "five"], "; one; two; three; 2 other reason(s)"),
        (["full " * 60 + "!"], "; " + "full " * 40),
    ],
)
def test_the_line_of_a_failed_wave_says_why_its_servers_failed(reasons: list[str | None], words: str) -> None:
    servers = [server(number, LaunchStatus.FAILED, error=reason) for number, reason in enumerate(reasons, 1)]
    failed = wave(1, W.FAILED, error="2 failed", servers=(*servers, server(9, error="waits")))
    current = execution(failed, status=E.FAILED)
    changes = [{"subject": "WAVE", "from": "IN_PROGRESS", "to": "FAILED"}]
    event = {"sequence": 2, "at": "2026-11-21T12:00:00.000Z", "actor": "wavebreak", "data": {"changes": changes}}
    [line] = execution_message(Kind.FAILED, current, event).waves
    assert line.note == f"2 failed{words}"
