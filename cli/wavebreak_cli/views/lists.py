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
    from wavebreak_cli.views.terminal import Screen

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


def executions(screen: Screen, found: list[Execution], now: datetime) -> RenderableType:
    """Show executions in a table if there is room, else in two lines each."""
    if not found:
        return screen.text("no executions")
    return _table(screen, found, now) if screen.width >= _ROOM_FOR_TABLE else _pairs(screen, found, now)


def _table(screen: Screen, found: list[Execution], now: datetime) -> RenderableType:
    columns = ("Mode", "Execution", "Plan", "Status", "Started", "Duration", "Left running")
    table = listing(screen, *columns, foldable={"Plan", "Status", "Left running"})
    for execution in found:
        table.add_row(
            screen.mode(execution.get("mode")),
            screen.text(execution.get("executionId")),
            screen.text(execution.get("planId")),
            badge(screen, execution.get("display") or {}),
            screen.text(when(execution.get("startedAt"))),
            screen.text(_took(execution, now)),
            screen.text(_left(execution), "dark_orange"),
        )
    return table


def _pairs(screen: Screen, found: list[Execution], now: datetime) -> RenderableType:
    lines: list[RenderableType] = []
    for execution in found:
        lines += [
            badge(screen, execution.get("display") or {}),
            _loud(screen, execution) + screen.text(f"{execution.get('executionId')}  {execution.get('planId')}"),
            screen.text(f"  {when(execution.get('startedAt'))}  {_took(execution, now)}", _QUIET),
        ]
        if _left(execution):
            lines.append(screen.text(f"  left running: {_left(execution)}", "dark_orange"))
    return Group(*lines)


def _loud(screen: Screen, execution: Execution) -> Text:
    """Return what stands before an execution's id: the loud word of a recovery, nothing but an indent of a drill."""
    return screen.mode("RECOVERY") + Text(" ") if execution.get("mode") == "RECOVERY" else Text("  ")


def _took(execution: Execution, now: datetime) -> str:
    given = execution.get("durationSeconds")
    return duration(elapsed(execution.get("startedAt"), execution.get("endedAt"), given, now))


def _left(execution: Execution) -> str:
    """Return how many instances a run has left running, and since when it is over."""
    count, since = execution.get("instancesLeft"), execution.get("leftSince")
    if not count:
        return ""
    return f"{count} since {when(since)}" if since else str(count)


def instances(screen: Screen, found: list[dict[str, Any]], now: datetime) -> RenderableType:
    """Show the running instances by execution: who started it, since when, until when, and each instance's server."""
    if not found:
        return screen.text("no instances: nothing that was launched is left running")
    lines: list[RenderableType] = []
    shown: object = None
    for one in found:
        if one.get("executionId") != shown:
            shown = one.get("executionId")
            lines += [*([Text()] if lines else []), *_execution_head(screen, one, now)]
        name = screen.text(f"{one['name']}  " if one.get("name") else "", "bold")
        where = screen.text(f"  {one['region']}" if one.get("region") else "", _QUIET)
        ids = screen.text(f"{one.get('sourceServerId')}  {one.get('recoveryInstanceId') or '…'}")
        lines.append(Text("  ") + name + ids + where)
    count = len(found)
    return Group(*lines, Text(), screen.text(f"{count} instance{'' if count == 1 else 's'} running", "bold"))


def _execution_head(screen: Screen, one: Mapping[str, Any], now: datetime) -> list[Text]:
    begun = elapsed(one.get("since"), None, None, now)
    expires = (one.get("lease") or {}).get("expiresAt")
    until = f", until {when(expires)}" if expires else ""
    head = screen.mode(one.get("mode")) + screen.text(f" {one.get('executionId')}  {one.get('planId')}")
    since = f"  since {when(one.get('since'))} ({duration(begun)}){until}, by {one.get('requestedBy')}"
    return [head, screen.text(since, _QUIET)]


def plans(screen: Screen, found: list[StoredPlan]) -> RenderableType:
    """Show plans in a table."""
    if not found:
        return screen.text("no plans: make one with wavebreak plan apply FILE")
    table = listing(
        screen, "Plan", "Version", "Waves", "Servers", "Updated", "Readiness", "Name", foldable={"Plan", "Name"}
    )
    for stored in found:
        plan = stored.get("plan") or {}
        table.add_row(
            screen.text(plan.get("planId"), "bold"),
            screen.text(stored.get("version")),
            screen.text(len(plan.get("waves") or [])),
            screen.text(_server_count(plan)),
            screen.text(when(stored.get("updatedAt"))),
            word(screen, stored.get("readiness")),
            screen.text(plan.get("name")),
        )
    return table


def _server_count(plan: Mapping[str, Any]) -> str:
    waves = plan.get("waves") or []
    listed = sum(len(wave.get("servers") or []) for wave in waves)
    return f"{listed} + selected" if any(wave.get("selector") for wave in waves) else str(listed)


def imported(screen: Screen, stored: StoredPlan) -> RenderableType:
    """Return what a native plan became, and what to do with it next."""
    plan = stored.get("plan") or {}
    name = str(plan.get("planId"))
    waves = len(plan.get("waves") or [])
    label = f"✓ imported as {name}: {waves} wave{'' if waves == 1 else 's'}"
    return Group(
        screen.text(label, "green"),
        screen.text(f"  wavebreak plan show {name}", "cyan"),
        screen.text(f"  wavebreak plan validate {name} --live", "cyan"),
    )


def readiness(screen: Screen, answer: Mapping[str, Any]) -> RenderableType:
    """Show the answer of a live validation: every check, and whether the plan is ready."""
    names: Mapping[str, str] = answer.get("names") or {}
    table = listing(screen, "", "Check", "Subject", "Message", foldable={"Check", "Subject", "Message"})
    for check in answer.get("checks") or []:
        status = str(check.get("status"))
        mark = screen.text(f"{_CHECK_ICONS.get(status, '')} {status}", _CHECK_STYLES.get(status, ""))
        label = [with_names(str(check.get(name) or ""), names) for name in ("subject", "message")]
        table.add_row(mark, screen.text(check.get("check")), *map(screen.text, label))
    ready = bool(answer.get("ready"))
    verdict = screen.text("✓ ready to recover", "green") if ready else screen.text("✗ not ready", "red")
    return Group(table, verdict)


def events(screen: Screen, found: Sequence[Event], rows: int | None = None) -> RenderableType:
    """Show the audit trail, oldest first; of one that is longer than so many rows the end, where it goes on."""
    shown = [_event(screen, event) for event in found]
    if rows is not None:
        while len(shown) > 1 and sum(map(len, shown)) > rows - _ROWS_BESIDE_EVENTS:
            del shown[0]
    left_out = len(found) - len(shown)
    lines = [screen.text(f"… {left_out} earlier events", _QUIET)] if left_out else []
    return Group(*lines, *(line for event in shown for line in event)) if shown else Text("no events")


def _event(screen: Screen, event: Event) -> list[Text]:
    """Tell an event: who made it, why, and what it changed."""
    head = screen.text(f"{event.get('sequence', '?'):>4}  {when(event.get('at'))}  ", _QUIET)
    data = event.get("data") or {}
    said = f": {data['reason']}" if data.get("reason") else ""
    made = screen.text(f"      by {event.get('actor')}{said}", _QUIET)
    changed = [
        screen.text(f"      {label}") for change in data.get("changes") or [] for label in _change_texts(change, data)
    ]
    return [head + screen.text(event.get("type"), "bold"), made, *changed]


def _change_texts(change: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
    """Return the line of a change of status; that of a command run has its command, its targets and its id."""
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


def facts(screen: Screen, label: Mapping[str, Any]) -> RenderableType:
    """Show facts, a line each."""
    width = max(map(len, label))
    return Group(*(screen.text(f"{name:{width}}  ", _QUIET) + screen.text(value) for name, value in label.items()))


def health(screen: Screen, answer: Mapping[str, Any]) -> RenderableType:
    """Show the state of every circuit breaker; a critical one that is open is reported last."""
    table = listing(screen, "Circuit", "State", "Failures", foldable={"Circuit"})
    for name, breaker in (answer.get("circuit_breakers") or {}).items():
        icon, style = _CIRCUITS.get(str(breaker.get("state")), ("○", _QUIET))
        state = str(breaker.get("state")).replace("_", " ")
        table.add_row(
            screen.text(name), screen.text(f"{icon} {state}", style), screen.text(breaker.get("failure_count"))
        )
    lines: list[RenderableType] = [table]
    critical = answer.get("critical_circuits_open") or []
    if critical:
        lines.append(screen.text(f"✗ critical: {', '.join(map(str, critical))}", "bold red"))
    elif answer.get("status") == "healthy":
        lines.append(screen.text("✓ healthy", "green"))
    else:
        lines.append(screen.text("⚠ degraded", "dark_orange"))
    return Group(*lines)
