"""Plans, executions, events and readiness checks as people see them. Pure, like `execution_card`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.text import Text

from wavebreak.domain.executions.audit_trail import COMMAND
from wavebreak.domain.executions.stepping.changes import STEP
from wavebreak.timing import duration
from wavebreak_cli.views.execution_card import badge, listing
from wavebreak_cli.views.phases import with_names
from wavebreak_cli.views.readiness import word
from wavebreak_cli.views.terminal import elapsed, when

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from rich.console import RenderableType

    from wavebreak_cli.client.answers import Event, Execution, StoredPlan
    from wavebreak_cli.views.terminal import Look

_ROOM_FOR_TABLE: Final = 110
_ROWS_BESIDE_EVENTS: Final = 3
"""Earlier events that are left out, an outage, and the cursor."""
_QUIET: Final = "bright_black"
_CHECK_STYLES: Final[Mapping[str, str]] = {"PASS": "green", "WARN": "dark_orange", "FAIL": "red"}
_CIRCUITS: Final[Mapping[str, tuple[str, str]]] = {
    "closed": ("✓", "green"),
    "half_open": ("⚠", "dark_orange"),
    "open": ("✗", "red"),
}
_CHECK_ICONS: Final[Mapping[str, str]] = {"PASS": "✓", "WARN": "⚠", "FAIL": "✗"}


def executions(look: Look, found: list[Execution], now: datetime) -> RenderableType:
    """Show executions: a table if there is room for it, else two lines for each."""
    if not found:
        return look.text("no executions")
    return _table(look, found, now) if look.width >= _ROOM_FOR_TABLE else _pairs(look, found, now)


def _table(look: Look, found: list[Execution], now: datetime) -> RenderableType:
    columns = ("Mode", "Execution", "Plan", "Status", "Started", "Duration", "Left running")
    table = listing(look, *columns, foldable={"Plan", "Status", "Left running"})
    for execution in found:
        table.add_row(
            look.mode(execution.get("mode")),
            look.text(execution.get("executionId")),
            look.text(execution.get("planId")),
            badge(look, execution.get("display") or {}),
            look.text(when(execution.get("startedAt"))),
            look.text(_took(execution, now)),
            look.text(_left(execution), "dark_orange"),
        )
    return table


def _pairs(look: Look, found: list[Execution], now: datetime) -> RenderableType:
    lines: list[RenderableType] = []
    for execution in found:
        lines += [
            badge(look, execution.get("display") or {}),
            _loud(look, execution) + look.text(f"{execution.get('executionId')}  {execution.get('planId')}"),
            look.text(f"  {when(execution.get('startedAt'))}  {_took(execution, now)}", _QUIET),
        ]
        if _left(execution):
            lines.append(look.text(f"  left running: {_left(execution)}", "dark_orange"))
    return Group(*lines)


def _loud(look: Look, execution: Execution) -> Text:
    """Return what stands before an execution's id: the loud word of a recovery, nothing but an indent of a drill."""
    return look.mode("RECOVERY") + Text(" ") if execution.get("mode") == "RECOVERY" else Text("  ")


def _took(execution: Execution, now: datetime) -> str:
    given = execution.get("durationSeconds")
    return duration(elapsed(execution.get("startedAt"), execution.get("endedAt"), given, now))


def _left(execution: Execution) -> str:
    """Return how many instances a run has left running, and since when it is over."""
    count, since = execution.get("instancesLeft"), execution.get("leftSince")
    if not count:
        return ""
    return f"{count} since {when(since)}" if since else str(count)


def instances(look: Look, found: list[dict[str, Any]], now: datetime) -> RenderableType:
    """Show what runs, execution by execution: of whom, since when, until when, and each instance with its server."""
    if not found:
        return look.text("no instances: nothing that was launched is left running")
    lines: list[RenderableType] = []
    shown: object = None
    for one in found:
        if one.get("executionId") != shown:
            shown = one.get("executionId")
            lines += [*([Text()] if lines else []), *_execution_head(look, one, now)]
        name = look.text(f"{one['name']}  " if one.get("name") else "", "bold")
        where = look.text(f"  {one['region']}" if one.get("region") else "", _QUIET)
        ids = look.text(f"{one.get('sourceServerId')}  {one.get('recoveryInstanceId') or '…'}")
        lines.append(Text("  ") + name + ids + where)
    count = len(found)
    return Group(*lines, Text(), look.text(f"{count} instance{'' if count == 1 else 's'} running", "bold"))


def _execution_head(look: Look, one: Mapping[str, Any], now: datetime) -> list[Text]:
    begun = elapsed(one.get("since"), None, None, now)
    expires = (one.get("lease") or {}).get("expiresAt")
    until = f", until {when(expires)}" if expires else ""
    head = look.mode(one.get("mode")) + look.text(f" {one.get('executionId')}  {one.get('planId')}")
    since = f"  since {when(one.get('since'))} ({duration(begun)}){until}, by {one.get('requestedBy')}"
    return [head, look.text(since, _QUIET)]


def plans(look: Look, found: list[StoredPlan]) -> RenderableType:
    """Show plans in a table."""
    if not found:
        return look.text("no plans: make one with wavebreak plan apply FILE")
    table = listing(
        look, "Plan", "Version", "Waves", "Servers", "Updated", "Readiness", "Name", foldable={"Plan", "Name"}
    )
    for stored in found:
        plan = stored.get("plan") or {}
        table.add_row(
            look.text(plan.get("planId"), "bold"),
            look.text(stored.get("version")),
            look.text(len(plan.get("waves") or [])),
            look.text(_server_count(plan)),
            look.text(when(stored.get("updatedAt"))),
            word(look, stored.get("readiness")),
            look.text(plan.get("name")),
        )
    return table


def _server_count(plan: Mapping[str, Any]) -> str:
    waves = plan.get("waves") or []
    listed = sum(len(wave.get("servers") or []) for wave in waves)
    return f"{listed} + selected" if any(wave.get("selector") for wave in waves) else str(listed)


def imported(look: Look, stored: StoredPlan) -> RenderableType:
    """Return what a native plan became, and what to do with it next."""
    plan = stored.get("plan") or {}
    name = str(plan.get("planId"))
    waves = len(plan.get("waves") or [])
    told = f"✓ imported as {name}: {waves} wave{'' if waves == 1 else 's'}"
    return Group(
        look.text(told, "green"),
        look.text(f"  wavebreak plan show {name}", "cyan"),
        look.text(f"  wavebreak plan validate {name} --live", "cyan"),
    )


def readiness(look: Look, answer: Mapping[str, Any]) -> RenderableType:
    """Show the answer of a live validation: every check, and whether the plan is ready."""
    names: Mapping[str, str] = answer.get("names") or {}
    table = listing(look, "", "Check", "Subject", "Message", foldable={"Check", "Subject", "Message"})
    for check in answer.get("checks") or []:
        status = str(check.get("status"))
        mark = look.text(f"{_CHECK_ICONS.get(status, '')} {status}", _CHECK_STYLES.get(status, ""))
        told = [with_names(str(check.get(name) or ""), names) for name in ("subject", "message")]
        table.add_row(mark, look.text(check.get("check")), *map(look.text, told))
    ready = bool(answer.get("ready"))
    verdict = look.text("✓ ready to recover", "green") if ready else look.text("✗ not ready", "red")
    return Group(table, verdict)


def events(look: Look, found: Sequence[Event], rows: int | None = None) -> RenderableType:
    """Show the audit trail, oldest first; of one that is longer than so many rows the end, where it goes on."""
    shown = [_event(look, event) for event in found]
    if rows is not None:
        while len(shown) > 1 and sum(map(len, shown)) > rows - _ROWS_BESIDE_EVENTS:
            del shown[0]
    left_out = len(found) - len(shown)
    lines = [look.text(f"… {left_out} earlier events", _QUIET)] if left_out else []
    return Group(*lines, *(line for event in shown for line in event)) if shown else Text("no events")


def _event(look: Look, event: Event) -> list[Text]:
    """Tell an event: who made it, why, and what it changed."""
    head = look.text(f"{event.get('sequence', '?'):>4}  {when(event.get('at'))}  ", _QUIET)
    data = event.get("data") or {}
    said = f": {data['reason']}" if data.get("reason") else ""
    made = look.text(f"      by {event.get('actor')}{said}", _QUIET)
    changed = [look.text(f"      {told}") for change in data.get("changes") or [] for told in _told(change, data)]
    return [head + look.text(event.get("type"), "bold"), made, *changed]


def _told(change: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
    """Tell a change of status: on a line; that of a command run with what and how many it is about, and its id."""
    wave = f"wave {change['waveNumber']}" if "waveNumber" in change else None
    moved = f"{change.get('from') or 'new'} -> {change.get('to')}"
    if change.get("subject") == STEP:
        step = change.get("step") or {}
        return [f"{wave}, {str(step.get('phase')).lower()}: {step.get('kind')} {step.get('name')}: {moved}"]
    if change.get("subject") != COMMAND:
        return [f"{wave or change.get('subject') or 'execution'}: {moved}"]
    command = f"command {data.get('command')}" + (f" of {wave}" if wave else "")
    counts = f" ({data['succeeded']} succeeded, {data['failed']} failed)" if "succeeded" in data else ""
    return [f"{command} on {data.get('targets')} targets: {moved}{counts}", f"  {change.get('commandId')}"]


def facts(look: Look, told: Mapping[str, Any]) -> RenderableType:
    """Show facts, a line each."""
    width = max(map(len, told))
    return Group(*(look.text(f"{name:{width}}  ", _QUIET) + look.text(value) for name, value in told.items()))


def health(look: Look, answer: Mapping[str, Any]) -> RenderableType:
    """Show the state of every circuit breaker; a critical one that is open is told last."""
    table = listing(look, "Circuit", "State", "Failures", foldable={"Circuit"})
    for name, breaker in (answer.get("circuit_breakers") or {}).items():
        icon, style = _CIRCUITS.get(str(breaker.get("state")), ("○", _QUIET))
        state = str(breaker.get("state")).replace("_", " ")
        table.add_row(look.text(name), look.text(f"{icon} {state}", style), look.text(breaker.get("failure_count")))
    lines: list[RenderableType] = [table]
    critical = answer.get("critical_circuits_open") or []
    if critical:
        lines.append(look.text(f"✗ critical: {', '.join(map(str, critical))}", "bold red"))
    elif answer.get("status") == "healthy":
        lines.append(look.text("✓ healthy", "green"))
    else:
        lines.append(look.text("⚠ degraded", "dark_orange"))
    return Group(*lines)
