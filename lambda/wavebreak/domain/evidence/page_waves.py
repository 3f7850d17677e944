"""The waves on a report's page: one table of them all, and for each its servers and what people and steps did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.evidence.elements import Html, el, joined, lines
from wavebreak.domain.evidence.page_tables import table
from wavebreak.domain.evidence.wording import (
    NONE,
    NOT_KNOWN,
    badge,
    between,
    counted,
    lasting,
    launched,
    moment,
    numbered,
    outcome_style,
    server_style,
    wave_style,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


FAILURES: Final = "failures"
"""Where the failed servers stand on the page, and the kind of their table."""


def failed_servers(report: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """List the servers that failed, each with its wave."""
    return [
        (wave, server) for wave in report["waves"] for server in wave["servers"] if server["launchStatus"] == "FAILED"
    ]


def failures(report: Mapping[str, Any]) -> Html | None:
    """List the servers that failed in one place, not among hundreds of others."""
    rows = [
        (
            _named(server),
            numbered(wave["waveNumber"], wave["name"]),
            el("span", lines(server["error"] or NOT_KNOWN), class_="error pre" if server["error"] else "quiet"),
        )
        for wave, server in failed_servers(report)
    ]
    if not rows:
        return None
    return joined(el("h3", "Servers that failed", id=FAILURES), table(FAILURES, "Servers that failed", rows))


def waves(report: Mapping[str, Any], day: str | None) -> Html:
    """Show every wave of a report; times of `day` without their date."""
    overview = table("waves", "All waves", [_row(wave, day) for wave in report["waves"]])
    details = (joined(*_details(wave, report, day)) for wave in report["waves"] if _has_details(wave))
    return joined(overview, *(el("section", part, class_="wave") for part in details))


def _row(wave: Mapping[str, Any], day: str | None) -> tuple[object, ...]:
    begun = wave["startedAt"] is not None
    took = between(wave["startedAt"], wave["endedAt"])
    error = el("div", lines(wave["error"]), class_="error pre") if wave["error"] else None
    return (
        joined(el("b", numbered(wave["waveNumber"], wave["name"])), error),
        badge(wave_style(wave["status"])),
        moment(wave["startedAt"], day) if begun else NONE,
        moment(wave["endedAt"], day) if wave["endedAt"] else NONE,
        NONE if took is None else lasting(took),
        launched(wave["servers"]),
        str(len(wave["attempts"])) if wave["attempts"] or not begun else NOT_KNOWN,
    )


def _has_details(wave: Mapping[str, Any]) -> bool:
    return bool(wave["startedAt"] or wave["attempts"] or wave["approvals"])


def _details(wave: Mapping[str, Any], report: Mapping[str, Any], day: str | None) -> Iterator[Html]:
    name = f"Wave {wave['waveNumber']}, {wave['name']}"
    site = [word for word in (wave["region"], wave["accountId"]) if word]
    after = wave["dependsOn"]
    said = [counted(len(wave["servers"]), "server"), *site, *([f"after {', '.join(after)}"] if after else [])]
    yield el("h3", name, " ", badge(wave_style(wave["status"])))
    yield el("p", " · ".join(said), class_="about")
    if wave["approvals"]:
        yield el("h4", "Approvals")
        yield table("approvals", f"Approvals of {name}", [_approval(one, day) for one in wave["approvals"]])
    if len(wave["attempts"]) > 1:
        yield el("h4", "Attempts")
        yield table("attempts", f"Attempts of {name}", [_attempt(one, day) for one in wave["attempts"]])
    if wave["steps"]:
        yield el("h4", "Steps")
        yield table("steps", f"Steps of {name}", [_step(one, day) for one in wave["steps"]])
    yield el("h4", "Servers")
    yield table("servers", f"Servers of {name}", [_server(one, report, day) for one in wave["servers"]])


def _server(server: Mapping[str, Any], report: Mapping[str, Any], day: str | None) -> tuple[object, ...]:
    optional = el("div", "optional", class_="quiet") if server["impact"] == "OPTIONAL" else None
    was_launched = server["launchStatus"] == "LAUNCHED"
    instance = server["recoveryInstanceId"] or (NOT_KNOWN if was_launched else NONE)
    error = el("div", lines(server["error"]), class_="error pre") if server["error"] else None
    return (
        _named(server),
        joined(badge(server_style(server["launchStatus"])), optional),
        el("span", instance, class_="m nb" if server["recoveryInstanceId"] else "quiet"),
        _recovery_point(server, report["startedAt"], day) if was_launched else NONE,
        joined(_phases(server, final=report["final"]) or (NOT_KNOWN if was_launched else None), error),
    )


def _named(server: Mapping[str, Any]) -> Html:
    name = el("div", el("bdi", server["name"])) if server["name"] else None
    return joined(name, el("div", server["sourceServerId"], class_="m quiet nb"))


def _recovery_point(server: Mapping[str, Any], asked: str | None, day: str | None) -> Html | str:
    age = between(server["snapshotAt"], asked)
    if age is None:
        return NOT_KNOWN
    words = lasting(age) if age >= 0 else "after the request"
    return joined(moment(server["snapshotAt"], day), ", ", el("span", words, class_="quiet nb"))


def _phases(server: Mapping[str, Any], *, final: bool) -> Html | None:
    """List the phases of a server with how long each took."""
    last = server["phases"][-1] if server["phases"] else None
    parts = [
        joined(
            phase["phase"].replace("_", "-").capitalize(),
            " ",
            el("span", _took(phase, open_now=phase is last and not final), class_="quiet nb"),
        )
        for phase in server["phases"]
    ]
    return joined(*(joined(part, ", ") for part in parts[:-1]), parts[-1]) if parts else None


def _took(phase: Mapping[str, Any], *, open_now: bool) -> str:
    seconds = between(phase["startedAt"], phase["endedAt"])
    if seconds is not None:
        return lasting(seconds)
    return "under way" if open_now and phase["startedAt"] else f"time {NOT_KNOWN}"


def _approval(approval: Mapping[str, Any], day: str | None) -> tuple[object, ...]:
    decision = approval.get("decision")
    return (
        moment(approval.get("askedAt"), day),
        badge(outcome_style(decision)) if decision else "none yet",
        approval.get("by") or NONE,
        moment(approval.get("at"), day) if approval.get("at") else NONE,
        lines(approval.get("reason") or ""),
    )


def _attempt(attempt: Mapping[str, Any], day: str | None) -> tuple[object, ...]:
    started, ended = attempt.get("startedAt"), attempt.get("endedAt")
    return (
        attempt.get("attempt"),
        badge(wave_style(attempt.get("status"))),
        moment(started, day) if started else NONE,
        moment(ended, day) if ended else NONE,
        lines(attempt.get("error") or ""),
    )


def _step(step: Mapping[str, Any], day: str | None) -> tuple[object, ...]:
    started = step.get("startedAt")
    took = between(started, step.get("endedAt"))
    outcome = step.get("error") or step.get("output") or ""
    about = (
        f"{str(step.get('phase') or '').lower()} the launch, {'required' if step.get('required') else 'not required'}"
    )
    return (
        joined(el("div", f"{step.get('kind')} {step.get('name')}"), el("div", about, class_="quiet")),
        badge(outcome_style(step.get("status"))),
        moment(started, day) if started else NONE,
        NONE if took is None else lasting(took),
        el("span", lines(outcome if isinstance(outcome, str) else repr(outcome)), class_="pre"),
    )
