"""A report as a page: one file that runs nothing and loads nothing, for people, paper and screen readers.

Summary first, then the timeline, then tables. Everything in it comes from the report alone (`report.report`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.evidence import page_records
from wavebreak.domain.evidence.elements import Html, el, joined, lines
from wavebreak.domain.evidence.page_style import POLICY, STYLE
from wavebreak.domain.evidence.page_waves import FAILURES, failed_servers, failures, waves
from wavebreak.domain.evidence.timeline import legend, timeline
from wavebreak.domain.evidence.wording import (
    NOT_KNOWN,
    badge,
    counted,
    execution_style,
    lasting,
    moment,
    outcome_style,
)
from wavebreak.execution_utils import WaveStatus, normalize_wave_status
from wavebreak.timing import known_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONG: Final = 60
"""Characters of a plan's name that are drawn as large as a title may be."""


def page(report: Mapping[str, Any]) -> str:
    """Write a report as a whole HTML document."""
    begun = known_time(report["startedAt"])
    day = f"{begun:%Y-%m-%d}" if begun else None
    title = ", ".join(["Recovery evidence", *filter(None, (report["plan"]["name"], report["executionId"]))])
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width,initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", title),
        el("style", Html(STYLE)),
    )
    body = el("body", el("a", "Skip to the timeline", href="#timeline", class_="skip"), _main(report, day))
    return f"<!DOCTYPE html>\n{el('html', head, body, lang='en')}\n"


def _main(report: Mapping[str, Any], day: str | None) -> Html:
    pictures = timeline(report)
    drawn = joined(legend(), *(el("figure", picture) for picture in pictures), failures(report))
    sections = (
        ("timeline", "Timeline", drawn if pictures else joined(el("p", "Nothing was started."), failures(report))),
        ("waves", "Waves and servers", waves(report, day)),
        ("not-executed", "Not executed", page_records.not_done(report)),
        ("left", "Left running", page_records.left(report)),
        ("checks", "Checks and factors", page_records.checks(report, day)),
        ("trail", "Audit trail", page_records.trail(report, day)),
        ("integrity", "Integrity", page_records.seal(report)),
    )
    listed = (el("section", el("h2", name), content, id=anchor) for anchor, name, content in sections)
    return el("main", *_opening(report), *listed)


def _opening(report: Mapping[str, Any]) -> Iterator[Html]:
    mode = "Recovery" if report["mode"] == "RECOVERY" else "Drill" if report["mode"] == "DRILL" else "Run"
    name = str(report["plan"]["name"] or NOT_KNOWN)
    yield el("p", f"Recovery evidence · {mode}", class_="over")
    yield el(
        "div",
        el("h1", el("bdi", name), class_="long" if len(name) > _LONG else None),
        badge(execution_style(report["status"])),
        class_="top",
    )
    yield el("p", _sentence(report, mode), class_="lead")
    failed = len(failed_servers(report))
    if failed:
        yield el("p", el("a", f"{counted(failed, 'server')} failed: which, and why", href=f"#{FAILURES}"))
    yield el("dl", *_cards(report), class_="cards")
    yield el("dl", *(joined(el("dt", term), el("dd", value)) for term, value in _facts(report)), class_="facts")


def _sentence(report: Mapping[str, Any], mode: str) -> str:
    """Return the outcome in a sentence or two."""
    style = execution_style(report["status"])
    lasted = lasting(report["durationSeconds"])
    if not report["final"]:
        so_far = f"{style.label.lower()} after {lasted}"
        return f"This {mode.lower()} has not ended: {so_far}. What is shown here may change."
    match style.color, report["objectives"]["rto"]["met"]:
        case "green", True:
            rest = " and met its recovery time objective."
        case "green", False:
            rest = " and missed its recovery time objective."
        case "green", _:
            rest = "."
        case _:
            rest = "; its recovery time objective was not met."
    verb = {"Completed": "completed", "Partial success": "ended with partial success"}.get(style.label)
    verb = verb or ("was cancelled" if style.label == "Cancelled" else "failed")
    return f"This {mode.lower()} {verb} after {lasted}{rest}"


def _cards(report: Mapping[str, Any]) -> Iterator[Html]:
    rto, rpo = report["objectives"]["rto"], report["objectives"]["rpo"]
    launch = report["factors"]["launch"]
    states = [normalize_wave_status(wave["status"]) for wave in report["waves"]]
    done = states.count(WaveStatus.COMPLETED)
    waited = rto["waitingSeconds"]
    waiting = f"{lasting(waited)} of it waiting" if waited else None
    yield _card("Recovery time", _recovery_time(rto), rto["met"], rto["objectiveSeconds"], waiting)
    unknown = f"{counted(rpo['unknown'], 'recovery point')} not known" if rpo["unknown"] else None
    yield _card("Recovery point", lasting(rpo["achievedSeconds"]), rpo["met"], rpo["objectiveSeconds"], unknown)
    yield _share("Waves completed", done, len(states), final=report["final"])
    yield _share("Servers launched", launch["launched"], launch["servers"], final=report["final"])


def _recovery_time(objective: Mapping[str, Any]) -> str:
    """Write what was achieved: nothing where the objective was missed without an end that counts."""
    seconds = objective["achievedSeconds"]
    return "none" if seconds is None and objective["met"] is False else lasting(seconds)


def _card(name: str, big: str, met: bool | None, objective: int | None, note: str | None) -> Html:
    color, word = {True: ("green", "✓ met"), False: ("red", "✗ not met")}.get(met, ("gray", "not decided"))  # type: ignore[arg-type]  # None takes the default
    goal = joined(f"objective {lasting(objective)}: ", el("span", word, class_=f"nb c-{color}"))
    small = el("dd", goal, class_="small")
    more = el("dd", note, class_="small quiet") if note else None
    return el("div", el("dt", name), el("dd", big, class_="big"), small, more, class_=f"card {color}")


def _share(name: str, part: int, whole: int, *, final: bool) -> Html:
    color = "green" if part == whole else "orange" if part and final else "red" if final else "blue"
    return el("div", el("dt", name), el("dd", f"{part} of {whole}", class_="big"), class_=f"card {color}")


def _facts(report: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    plan, counts = report["plan"], report["counts"]
    yield "Execution", el("span", report["executionId"] or NOT_KNOWN, class_="m")
    yield (
        "Plan",
        joined(el("span", plan["planId"] or NOT_KNOWN, class_="m"), f", version {plan['version'] or NOT_KNOWN}"),
    )
    yield "Hash of the plan", el("span", plan["planHash"] or NOT_KNOWN, class_="m")
    yield "Requested by", report["requestedBy"] or NOT_KNOWN
    yield "Why", lines(report["reason"]) if report["reason"] else "no reason was given"
    yield "Requested", joined(moment(report["startedAt"]), " UTC")
    yield "Ended", joined(moment(report["endedAt"]), " UTC") if report["endedAt"] else "not yet"
    yield "Verdict", _verdict(report["verdict"])
    counters = (("startRecoveryCalls", "StartRecovery call"), ("refusals", "refusal"), ("retries", "retry"))
    yield "Calls and retries", ", ".join(_times(counts[name], word) for name, word in counters)
    yield "Report made", joined(moment(report["madeAt"]), " UTC", "" if report["final"] else ", before the end")


def _times(number: int | None, word: str) -> str:
    many = "retries" if word == "retry" else f"{word}s"
    return f"{many} {NOT_KNOWN}" if number is None else f"{number} {word if number == 1 else many}"


def _verdict(verdict: Mapping[str, Any] | None) -> Html | str:
    if not verdict:
        return "none was given"
    said = joined(": ", lines(verdict["notes"])) if verdict.get("notes") else None
    who = joined(" by ", verdict.get("by") or NOT_KNOWN, " at ", moment(verdict.get("at")), " UTC")
    return joined(badge(outcome_style(verdict.get("verdict"))), who, said)
