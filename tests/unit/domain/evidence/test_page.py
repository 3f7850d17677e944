"""The page of a report: it runs nothing, loads nothing, and whatever stands in a report is text in it."""

import base64
import copy
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.evidence_runs import server_shown, shown, wave_shown
from tests.support.evidence_samples import (
    cancelled_drill,
    completed_drill,
    failed_drill,
    large_drill,
    retried_recovery,
    running_drill,
)
from tests.support.execution_builders import instance_id, later, server_id

from wavebreak.domain.evidence.elements import Html, el, joined, shortened
from wavebreak.domain.evidence.page_tables import COLUMNS
from wavebreak.domain.evidence.wording import execution_style, outcome_style, server_style, wave_style
from wavebreak.evidence import as_json, page, report
from wavebreak.execution_utils import ExecutionStatus, WaveStatus
from wavebreak.timing import iso

SAMPLES = [completed_drill, cancelled_drill, retried_recovery, failed_drill, running_drill]
REPORT = report(*completed_drill())
LIMIT = 5_000_000
"""Bytes above which the API answers with an address instead (contract 8)."""
KNOWN_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "section", "div", "p", "a", "h1", "h2", "h3", "h4"),
    *(
        "dl",
        "dt",
        "dd",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "span",
        "b",
        "bdi",
        "code",
        "time",
        "ul",
    ),
    *("li", "i", "figure", "svg", "g", "rect", "line", "text", "tspan"),
}


class Reader(HTMLParser):
    """Reads a page as a browser does, and complains of what is not closed in order."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(markup)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        assert len({name for name, _ in attrs}) == len(attrs)
        self.attributes.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.texts)


@pytest.mark.parametrize("sample", SAMPLES)
def test_8_a_page_is_one_file_that_runs_nothing_and_loads_nothing(sample: Any) -> None:
    markup = page(report(*sample()))
    read = Reader(markup)
    assert set(read.tags) <= KNOWN_TAGS
    for _, attributes in read.attributes:
        assert not [name for name in attributes if name.startswith("on") or name in {"style", "src", "xlink:href"}]
        assert str(attributes.get("href", "#")).startswith("#")
    style = re.findall(r"<style>(.*?)</style>", markup, re.DOTALL)
    assert len(style) == 1
    assert not re.search(r"url\(|@import|https?:|//", style[0])


def test_8_its_policy_allows_its_own_style_and_nothing_else() -> None:
    markup = page(REPORT)
    style = re.findall(r"<style>(.*?)</style>", markup, re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policies = [
        attributes["content"]
        for tag, attributes in Reader(markup).attributes
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == [f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{digest}'"]


def test_8_a_recovery_point_that_is_not_known_is_called_that_even_where_a_known_one_misses() -> None:
    execution, events, logs = completed_drill()
    execution["waves"][0]["servers"][0]["snapshotAt"] = iso(later(-3600))
    execution["waves"][1]["servers"][0]["snapshotAt"] = None
    made = report(execution, events, logs)
    assert (made["objectives"]["rpo"]["met"], made["objectives"]["rpo"]["unknown"]) == (False, 1)
    assert 'Recovery point</dt><dd class="big">not known</dd>' in page(made)
    failed = page(report(*failed_drill()))
    assert 'Recovery time</dt><dd class="big">none</dd>' in failed
    assert 'Recovery point</dt><dd class="big">not known</dd>' in failed


def test_8_the_servers_that_failed_are_named_beside_the_timeline_and_the_top_leads_to_them() -> None:
    made = report(*large_drill(8, 40))
    failed = [one for wave in made["waves"] for one in wave["servers"] if one["launchStatus"] == "FAILED"]
    markup = page(made)
    link = f'<a href="#failures">{len(failed)} servers failed: which, and why</a>'
    assert (
        markup.index(link) < markup.index('id="timeline"') < markup.index('id="failures"') < markup.index('id="waves"')
    )
    (listed,) = re.findall(r'<table class="t t-failures".*?</table>', markup, re.DOTALL)
    assert re.findall(r"s-[0-9]{17}", listed) == [one["sourceServerId"] for one in failed]
    assert listed.count("Client.InternalError") == len(failed)
    assert "failures" not in page(REPORT).split("</style>")[1]


@pytest.mark.parametrize("sample", SAMPLES)
def test_8_it_can_be_heard(sample: Any) -> None:
    read = Reader(page(report(*sample())))
    assert read.tags["h1"] == read.tags["main"] == 1
    levels = [int(tag[1]) for tag, _ in read.attributes if re.fullmatch("h[1-4]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert read.tags["caption"] == read.tags["table"]
    for tag, attributes in read.attributes:
        role = {"table": "table", "tr": "row", "th": "columnheader", "td": "cell", "svg": "img"}.get(tag)
        assert role is None or attributes["role"] == role
        assert tag != "th" or attributes["scope"] == "col"
        assert tag != "svg" or attributes["aria-label"]
    assert dict(read.attributes[0:1]) == {"html": {"lang": "en"}}


def test_8_summary_first_then_the_timeline_then_tables() -> None:
    markup = page(REPORT).partition("<body>")[2]
    order = ['class="cards"', 'class="facts"', "<svg", "t-waves", "t-servers", "t-trail", 'class="seal"']
    offsets = [markup.index(mark) for mark in order]
    assert offsets == sorted(offsets)


def test_8_every_cell_has_the_heading_that_its_card_shows() -> None:
    for sample in SAMPLES:
        for kind, body in re.findall(
            r'<table class="t t-([a-z]+)".*?<tbody[^>]*>(.*?)</tbody>', page(report(*sample()))
        ):
            for row in re.findall(r"<tr[^>]*>(.*?)</tr>", body):
                assert row.count("<td") == len(COLUMNS[kind])


def test_8_the_opening_says_what_came_of_it() -> None:
    reported = {
        "completed_drill": "This drill completed after 53m 23s and met its recovery time objective.",
        "cancelled_drill": "This drill was cancelled after 11m 40s; its recovery time objective was not met.",
        "retried_recovery": "This recovery completed after 35m 00s and met its recovery time objective.",
        "failed_drill": "This drill failed after 15m 01s; its recovery time objective was not met.",
        "running_drill": "This drill has not ended: in progress after 1s. What is shown here may change.",
    }
    assert {sample.__name__: sentence(report(*sample())) for sample in SAMPLES} == reported
    late = report(*completed_drill())
    late["objectives"]["rto"]["met"] = False
    assert sentence(late).endswith(" and missed its recovery time objective.")
    late["objectives"]["rto"]["met"] = None
    assert sentence(late) == "This drill completed after 53m 23s."
    assert sentence(report(*large_drill(7, 2))).startswith("This drill ended with partial success after ")
    assert sentence(report({}, [], {})) == (
        "This run has not ended: not known after not known. What is shown here may change."
    )


def sentence(made: dict[str, Any]) -> str:
    return str(re.findall(r'<p class="lead">(.*?)</p>', page(made))[0])


def test_8_what_is_known_stands_on_the_page() -> None:
    read = Reader(page(REPORT))
    for value in (
        *(REPORT["executionId"], REPORT["plan"]["planHash"], REPORT["requestedBy"], "quarterly drill", "as planned"),
        *(
            "53m 20s",
            "5m 00s of it waiting",
            "1m 30s",
            "3 StartRecovery calls, 0 refusals, 0 retries",
            "data looks right",
        ),
        *(server_id(1), instance_id(3), "db-1", "command status", "2 of 2 targets", "f_order_count", "1204", "orders"),
        *(REPORT["chain"]["head"], REPORT["reportHash"], "wave 2: AWAITING_APPROVAL → IN_PROGRESS"),
    ):
        assert value in read.text, value
    assert len(re.findall("<tr", page(REPORT).split("t-trail")[-1])) == len(REPORT["trail"]) + 1


def test_8_what_was_not_done_and_what_is_left_stands_on_the_page() -> None:
    text = Reader(page(report(*cancelled_drill()))).text
    assert "preempted by recovery-01kahpq7800000000000000009" in text
    assert "The wave is CANCELLED" in text
    assert "1 instance launched, and by what is stored neither terminated nor replaced." in text
    assert "StartRecovery calls not known, refusals not known, 0 retries" in text
    clean, events, logs = completed_drill()
    clean["termination"] = {"status": "COMPLETED"}
    assert "Nothing that was launched is left running" in Reader(page(report(clean, events, logs))).text


def test_8_what_is_not_known_is_called_that() -> None:
    servers = [server_shown(1, snapshotAt=None, recoveryInstanceId=None, name=None), server_shown(2, "PENDING")]
    made = report(shown("COMPLETED", [wave_shown(1, "COMPLETED", 1, 9, servers=servers)], 9), [], {})
    text = Reader(page(made)).text
    assert "1 recovery point not known" in text
    assert f"instance of {server_id(1)}" in text
    assert text.count("not known") > 5


def test_8_a_broken_chain_is_shown_as_one() -> None:
    execution, events, logs = completed_drill()
    events[1]["actor"] = "somebody else"
    assert '<span class="c-red">broken</span>' in page(report(execution, events, logs))
    assert '<span class="c-green">intact</span>' in page(REPORT)


@pytest.mark.parametrize("status", [*WaveStatus, None, "odd"])
def test_every_status_of_a_wave_has_words_a_colour_and_a_mark(status: Any) -> None:
    assert all(wave_style(status))


@pytest.mark.parametrize("status", [*ExecutionStatus, None, "odd"])
def test_every_status_has_words_a_colour_and_a_mark(status: Any) -> None:
    for style in (execution_style(status), server_style(status), outcome_style(status)):
        assert all(style)


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></svg></title></table>",
    "' onload='x",
    "&lt;b&gt;&amp;",
    "\u202egnp.exe\u2066\u200f",
    "\x1b[2J\x00\r\n\t\u2028",
    "\N{GRINNING FACE}" * 256,
    "x" * 5000,
    "\ud800",
    "--><!--",
]


def texts(value: Any) -> Iterator[tuple[Any, Any]]:
    """Give every text of a report as its holder and its place there."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in list(members):
        if isinstance(member, str):
            yield value, key
        yield from texts(member)


def spoilt(text: str, *, keep: set[str]) -> dict[str, Any]:
    """A report in which every text is another, but for times and statuses, which decide what is drawn."""
    made = copy.deepcopy(REPORT)
    for holder, key in list(texts(made)):
        if key not in keep and not re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", str(holder[key])):
            holder[key] = text
    return made


KEPT = {"status", "mode", "launchStatus", "phase", "impact", "decision"}


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:30])
def test_8_hostile_text_in_every_field_is_drawn_as_text(text: str) -> None:
    benign, hostile = Reader(page(spoilt("benign", keep=KEPT))), Reader(page(spoilt(text, keep=KEPT)))
    assert hostile.tags == benign.tags
    names = [[(tag, *attributes) for tag, attributes in read.attributes if tag != "h1"] for read in (benign, hostile)]
    assert names[0] == names[1]


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f", "\u061c", "\x1b", "\x00", "\u2028", "\ud800"])
def test_8_marks_that_act_are_shown_and_do_not_act(mark: str) -> None:
    markup = page(spoilt(f"a{mark}b", keep=KEPT))
    assert mark not in markup
    assert f"a{mark.encode('unicode_escape').decode()}b" in markup
    markup.encode()


@given(st.text(), st.sampled_from(sorted(KEPT)))
def test_8_whatever_stands_in_a_report_no_element_comes_of_it(text: str, also: str) -> None:
    read = Reader(page(spoilt(text, keep=KEPT - {also})))
    assert set(read.tags) <= KNOWN_TAGS


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=4), lambda inner: st.dictionaries(st.text(), inner)))
def test_8_events_of_any_shape_are_shown(data: Any) -> None:
    made = copy.deepcopy(REPORT)
    made["trail"][0]["data"] = data if isinstance(data, dict) else {"x": data}
    made["trail"][0]["data"].pop("changes", None)
    made["trail"][0]["data"].pop("approvedBy", None)
    made["trail"][0]["data"].pop("terminationRequestedBy", None)
    Reader(page(made))


def test_8_whose_word_a_termination_follows_is_told() -> None:
    made = copy.deepcopy(REPORT)
    made["trail"][0]["data"]["terminationRequestedBy"] = {
        "actor": "kim",
        "at": "2026-11-21T12:00:00Z",
        "reason": "over",
    }
    assert "termination: asked for by kim at 2026-11-21T12:00:00Z “over”" in Reader(page(made)).text


def test_8_three_thousand_servers_make_a_report_and_a_page_that_can_be_carried() -> None:
    made = report(*large_drill(60, 50))
    stored, markup = as_json(made), page(made)
    assert json.loads(stored)["factors"]["launch"]["servers"] == 3000
    assert len(stored.encode()) < LIMIT
    assert len(markup.encode()) < LIMIT
    assert markup.count("<title>") == 3001
    Reader(markup)


def test_8_the_largest_plan_can_be_reported() -> None:
    made = report(*large_drill(80, 50), made_at=later(9))
    assert len(as_json(made).encode()) < LIMIT
    assert len(page(made).encode()) < LIMIT


def test_elements_escape_what_is_no_markup_in_text_and_in_attributes() -> None:
    made = el("p", "<&>", el("b", "x"), None, 7, title='"<', class_="c", hidden=None)
    assert made == '<p title="&quot;&lt;" class="c">&lt;&amp;&gt;<b>x</b>7</p>'
    assert joined("<", Html("<i></i>")) == "&lt;<i></i>"
    assert el("meta", charset="utf-8") == '<meta charset="utf-8">'


@pytest.mark.parametrize(
    ("text", "cells", "cut"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("漢字漢字", 5, "漢字…"),
        ("漢字", 4, "漢字"),
        ("", 3, ""),
        ("a\nb", 9, "a\\nb"),
    ],
)
def test_texts_are_cut_by_the_room_they_take(text: str, cells: int, cut: str) -> None:
    assert shortened(text, cells) == cut
