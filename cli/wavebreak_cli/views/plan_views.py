"""Plans as people see them: one plan whole, as YAML, and what is different between two. Pure."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.text import Text

from wavebreak.timing import duration
from wavebreak_cli.views import readiness
from wavebreak_cli.views.execution_card import listing
from wavebreak_cli.views.terminal import when

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from wavebreak_cli.client.answers import StoredPlan
    from wavebreak_cli.views.terminal import Screen

_QUIET: Final = "bright_black"
_LONGEST_VALUE: Final = 200
_ORDER: Final = (
    "planId",
    "name",
    "description",
    "objectives",
    "notifyTopicArn",
    "drill",
    "waves",
    "sourceServerId",
    "impact",
    "servers",
    "selector",
    "dependsOn",
    "region",
    "accountId",
)
"""In which order people write fields; others follow as they come."""
_STEPS: Final[Mapping[str, str]] = {"before": "before", "after": "after", "checks": "check"}
"""What is done on servers besides their launch, and the word for one of them."""


def plan(screen: Screen, stored: StoredPlan, names: Mapping[str, str]) -> RenderableType:
    """Show a plan: its heading, its objectives, and each wave with its servers, waits and steps."""
    content = stored.get("plan") or {}
    version = f"{content.get('planId')}, version {stored.get('version')}, {when(stored.get('updatedAt'))}"
    lines: list[RenderableType] = [screen.text(content.get("name"), "bold"), screen.text(version, _QUIET)]
    if content.get("description"):
        lines.append(screen.text(content["description"]))
    objectives = content.get("objectives") or {}
    parts = [f"{name[:3].upper()} {value} minutes" for name, value in objectives.items() if value is not None]
    if parts:
        lines.append(screen.text("Objectives: " + ", ".join(parts)))
    found = stored.get("readiness")
    if found is not None:
        lines.append(screen.text(f"Checked {when(found.get('checkedAt'))}: ") + readiness.word(screen, found))
        lines += readiness.failing(screen, found)
    lines += _drill_lines(screen, stored)
    waves = content.get("waves") or []
    lines.append(_table(screen, waves))
    for number, wave in enumerate(waves, start=1):
        lines += _wave(screen, number, wave, names)
    return Group(*lines)


def _drill_lines(screen: Screen, stored: StoredPlan) -> list[RenderableType]:
    """Return how long a drill's instances stay, and when drills start automatically, if they do yet."""
    drill = (stored.get("plan") or {}).get("drill") or {}
    lines: list[RenderableType] = []
    if drill.get("terminateAfterMinutes"):
        lines.append(screen.text(f"Drills: instances stay {drill['terminateAfterMinutes']} minute(s)"))
    schedule, standing = drill.get("schedule"), stored.get("schedule") or {}
    if schedule:
        lines.append(screen.text(f"Drills start by themselves: {schedule['expression']} in {schedule['timezone']}"))
        if standing.get("state") != "ACTIVE":
            why = f": {standing['error']}" if standing.get("error") else ""
            lines.append(screen.text(f"⚠ the schedule is not kept yet{why}", "yellow"))
    return lines


def _table(screen: Screen, waves: list[dict[str, Any]]) -> RenderableType:
    headings = ("#", "Wave", "Servers", "After", "On failure", "Approval")
    table = listing(screen, *headings, foldable={"Wave", "Servers", "After"})
    before: list[str] = []
    for number, wave in enumerate(waves, start=1):
        after = wave.get("dependsOn")
        table.add_row(
            screen.text(number, _QUIET),
            screen.text(wave.get("name"), "bold"),
            screen.text(_servers_of(wave)),
            screen.text(", ".join(before if after is None else map(str, after)) or "at once"),
            screen.text(wave.get("onFailure") or "STOP"),
            screen.text("yes" if wave.get("requiresApproval") or wave.get("approval") is not None else "no"),
        )
        before = [str(wave.get("name"))]
    return table


def _servers_of(wave: Mapping[str, Any]) -> str:
    tags = (wave.get("selector") or {}).get("tags")
    if tags:
        return ", ".join(f"{key}={value}" for key, value in tags.items())
    return str(len(wave.get("servers") or []))


def _wave(screen: Screen, number: int, wave: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Tell what the table has no room for: where, how long, what else runs, and the servers by name."""
    parts = [f"times out after {duration(60 * int(wave.get('timeoutMinutes') or 60))}"]
    if wave.get("waitBeforeSeconds"):
        parts.append(f"waits {duration(wave['waitBeforeSeconds'])} before it starts")
    parts += [f"{name} {wave[name]}" for name in ("region", "accountId") if wave.get(name)]
    if wave.get("approval") is not None:
        parts.append(_approval(wave["approval"]))
    yield Text()
    yield screen.text(f"{number}  {wave.get('name')}: {', '.join(parts)}", _QUIET)
    for phase, word in _STEPS.items():
        for step in wave.get(phase) or []:
            yield screen.text(f"   {' '.join(filter(None, (word, step.get('name'))))}: {_step(step)}")
    for server in wave.get("servers") or []:
        identifier = str(server.get("sourceServerId"))
        optional = "  optional" if server.get("impact") == "OPTIONAL" else ""
        named = screen.text(f"  {names[identifier]}" if identifier in names else "", "bold")
        yield screen.text(f"   {identifier}") + named + screen.text(optional, _QUIET)


def _approval(approval: Mapping[str, Any]) -> str:
    follows = "is rejected in a drill" if approval.get("then") == "REJECT" else "is told again"
    not_by = ", not by who asked for it" if approval.get("notBy") else ""
    return f"its approval {follows} after {duration(60 * int(approval.get('timeoutMinutes') or 60))}{not_by}"


def _step(step: Mapping[str, Any]) -> str:
    """Return the line of a step or check: what it runs, with arguments, and any unusual setting."""
    kind = next((kind for kind in ("automation", "function") if kind in step), "command")
    parts = " ".join(map(str, (step.get("command"), *(step.get("args") or ())))) if kind == "command" else step[kind]
    usual = "RUN" if kind == "command" else "SKIP"
    drills = {"RUN": "in drills, too", "SKIP": "not in drills"}[step.get("inDrill") or usual]
    limit = f"times out after {duration(step['timeoutSeconds'])}" if step.get("timeoutSeconds") else ""
    notes = ["required" if step.get("required") else "", drills if usual != step.get("inDrill", usual) else "", limit]
    named = parts if kind == "command" else f"{kind} {parts}"
    return named + (f" ({', '.join(filter(None, notes))})" if any(notes) else "")


def as_yaml(document: Mapping[str, Any]) -> str:
    """Write a plan as people would: YAML with its fields in their usual order."""
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - no stubs in use; only this view writes YAML

    return str(yaml.safe_dump(_ordered(document), sort_keys=False, allow_unicode=True, width=120))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        known = [name for name in _ORDER if name in value]
        return {name: _ordered(value[name]) for name in [*known, *(name for name in value if name not in known)]}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def changes(
    screen: Screen, plan_id: str, stored: StoredPlan | None, found: Sequence[Mapping[str, Any]]
) -> RenderableType:
    """Show what storing a plan would change: `+` is new, `-` goes, `~` becomes another."""
    if stored is None:
        return screen.text(f"+ {plan_id} is not stored yet: all of it is new", "green")
    if not found:
        return screen.text(f"✓ {plan_id} is as stored, version {stored.get('version')}", "green")
    head = screen.text(f"{plan_id} would be version {int(stored.get('version') or 0) + 1}", "bold")
    return Group(head, *(_change(screen, change) for change in found))


def _change(screen: Screen, change: Mapping[str, Any]) -> Text:
    before, after = (_value(change.get(side)) for side in ("from", "to"))
    pointer = change.get("pointer") or "/"
    if change.get("from") is None:
        return screen.text(f"+ {pointer}: {after}", "green")
    if change.get("to") is None:
        return screen.text(f"- {pointer}: {before}", "red")
    return screen.text(f"~ {pointer}: {before} -> {after}", "dark_orange")


def _value(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def annotation(file: str, error: Mapping[str, Any], level: str = "error") -> str:
    """Return a problem or warning in the syntax of GitHub Actions, which shows it at its line of the pull request."""
    pointer = f"{error['pointer']}: " if error.get("pointer") else ""
    line = f",line={error['line']}" if error.get("line") else ""
    title = "Invalid plan" if level == "error" else "Plan"
    return f"::{level} file={_property(file)}{line},title={title}::{_data(pointer + str(error.get('message')))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def written(screen: Screen, file: str) -> RenderableType:
    """Return what to do with a new plan's file, which is named as it was given."""
    steps = [f"  wavebreak plan {verb} {shlex.quote(file)}" for verb in ("validate", "apply")]
    return Group(screen.text(f"✓ {file} written", "green"), *(screen.text(step, "cyan") for step in steps))
