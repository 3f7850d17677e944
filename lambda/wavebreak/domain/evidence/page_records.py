"""What stands behind the waves on a report's page: what was not done, what is left, facts, trail and seal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from wavebreak.domain.evidence.elements import Html, el, joined, lines
from wavebreak.domain.evidence.page_tables import table
from wavebreak.domain.evidence.wording import (
    NONE,
    NOT_KNOWN,
    badge,
    counted,
    moment,
    numbered,
    outcome_style,
    wave_style,
)
from wavebreak.domain.executions.approving.rules import ends_in_rejection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def not_done(report: Mapping[str, Any]) -> Html:
    """Show the waves and servers that were never started, and why."""
    waves, servers = report["notExecuted"]["waves"], report["notExecuted"]["servers"]
    if not waves and not servers:
        whole = "Every wave and every server of the plan was started."
        return el("p", whole if report["final"] else "Nothing was left out so far.")
    rows = [
        (
            el("b", numbered(wave["waveNumber"], wave["name"])),
            badge(wave_style(wave["status"])),
            joined(el("div", counted(len(wave["servers"]), "server")), _ids(wave["servers"])),
            lines(wave["why"]),
        )
        for wave in waves
    ]
    others = [(_id(one["sourceServerId"]), str(one["waveNumber"]), lines(one["why"])) for one in servers]
    return joined(
        table("idle", "Waves that were never started", rows) if rows else None,
        el("h3", "Servers of waves that were started") if others else None,
        table("unstarted", "Servers that were never started", others) if others else None,
    )


def _ids(names: list[str]) -> Html:
    """List ids, each of them whole on its line."""
    listed = (joined(el("span", name, class_="nb"), " ") for name in names)
    return el("div", *listed, class_="m quiet")


def _id(name: str | None) -> Html:
    return el("span", name or NOT_KNOWN, class_="m" if name else "quiet")


def left(report: Mapping[str, Any]) -> Html:
    """Show what was launched and is, by what is stored, still there: what is left for one reason stands together."""
    if not report["leftovers"]:
        return el("p", "Nothing that was launched is left running, by what is stored.")
    groups: dict[tuple[int | None, str | None], list[str]] = {}
    for one in report["leftovers"]:
        name = one["recoveryInstanceId"] or f"instance of {one['sourceServerId'] or NOT_KNOWN}"
        groups.setdefault((one["waveNumber"], one["reason"]), []).append(name)
    rows = [
        (numbered(number, _name_of(report, number)) if number else NONE, str(len(names)), _ids(names), lines(why or ""))
        for (number, why), names in groups.items()
    ]
    count = counted(len(report["leftovers"]), "instance")
    said = f"{count} launched, and by what is stored neither terminated nor replaced."
    return joined(el("p", said), table("left", "Instances left running", rows))


def _name_of(report: Mapping[str, Any], number: int) -> str:
    return next((str(wave["name"]) for wave in report["waves"] if wave["waveNumber"] == number), "")


def checks(report: Mapping[str, Any], day: str | None) -> Html:
    """Show the plan's checks and the factors; the built-in ones stand at the top of the page already."""
    own = [(name, _value(value)) for name, value in report["factors"].items() if name.startswith("f_")]
    made = report["checks"]
    rows = [
        (
            one.get("name"),
            _over(one),
            badge(outcome_style(one.get("status"))),
            moment(one.get("completedAt"), day) if one.get("completedAt") else NONE,
            lines(one.get("reason") or ""),
        )
        for one in made or ()
    ]
    none = "No checks are known of." if made is None else "The plan has no checks, or none was made."
    return joined(
        table("factors", "Factors of the plan's checks", own) if own else None,
        el("h3", "Check executions") if rows and own else None,
        table("checks", "Check executions", rows) if rows else el("p", none),
    )


def _over(check: Mapping[str, Any]) -> str:
    """Return what a check execution was over: a server, a wave, or all."""
    if check.get("sourceServerId"):
        return str(check["sourceServerId"])
    return f"wave {check['waveNumber']}" if check.get("waveNumber") else "the execution"


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def trail(report: Mapping[str, Any], day: str | None) -> Html:
    """Show every event of the trail."""
    rows = [
        (
            event.get("sequence"),
            moment(event.get("at"), day),
            str(event.get("type") or "").replace("_", " ").capitalize(),
            event.get("actor"),
            joined(*(el("div", line) for line in _event_lines(event))),
        )
        for event in report["trail"]
    ]
    return table("trail", "Audit trail, oldest first", rows) if rows else el("p", "There are no events.")


def _event_lines(event: Mapping[str, Any]) -> Iterator[object]:
    """Return what an event changed, the reason that was given, and whatever else it holds."""
    data = event.get("data")
    for name, value in (data if isinstance(data, dict) else {}).items():
        if name == "changes":
            yield from (_change(change) for change in value)
        elif name == "reason":
            yield joined("“", lines(value), "”")
        elif name == "approvedBy":
            yield from (f"wave {word.get('waveNumber')}: approved by {_word(word)}" for word in value)
        elif name == "approvals":
            yield from (f"wave {one.get('waveNumber')}: {_awaited(one)}" for one in value)
        elif name == "terminationRequestedBy":
            yield f"termination: asked for by {_word(value)}"
        else:
            yield f"{name}: {_value(value)}"


def _awaited(one: Mapping[str, Any]) -> str:
    then = "is rejected then" if ends_in_rejection(one) else "people are told again then"
    return f"waits for an approval since {one.get('askedAt')}, timeout at {one.get('dueAt')}: {then}"


def _word(word: Mapping[str, Any]) -> str:
    why = f" “{word['reason']}”" if word.get("reason") else ""
    return f"{word.get('actor')} at {word.get('at')}{why}"


def _change(change: Mapping[str, Any]) -> str:
    step = change.get("step") or {}
    named = f"{str(step.get('phase')).lower()} step {step.get('name')}" if step else change.get("subject")
    what = named or ("" if change.get("waveNumber") else "execution")
    wave = f"wave {change['waveNumber']}" if change.get("waveNumber") else ""
    came = f"{change.get('from')} → " if change.get("from") else ""
    return f"{' of '.join(word for word in (what, wave) if word)}: {came}{change.get('to')}"


def seal(report: Mapping[str, Any]) -> Html:
    """Show chain and hash, and how anybody can check them."""
    chain, name = report["chain"], f"{report['executionId'] or 'FILE'}.json"
    held = "intact" if chain["intact"] else "broken"
    facts = (
        ("Chain of the trail", el("span", held, class_="c-green" if chain["intact"] else "c-red")),
        ("Events", str(chain["length"])),
        ("Hash of the last event", el("span", chain["head"] or NONE, class_="m")),
        ("Hash of this report", el("span", report["reportHash"], class_="m")),
    )
    return el(
        "div",
        el("dl", *(joined(el("dt", term), el("dd", value)) for term, value in facts), class_="facts"),
        el(
            "p",
            "This page shows the report that is stored as JSON beside it, which also holds the plan as it was run. Who"
            " has that file checks both hashes without a network: ",
            el("code", f"wavebreak report verify {name}", class_="m"),
            ". That it is the file that was written, the versions and the lock of the evidence bucket prove.",
        ),
        class_="seal",
    )
