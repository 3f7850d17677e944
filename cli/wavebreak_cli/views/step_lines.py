"""What people see of the steps of a wave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wavebreak.execution_utils import display_of_wave, normalize_wave_status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.text import Text

    from wavebreak_cli.client.answers import Display, WaveStep
    from wavebreak_cli.views.terminal import Screen

_QUIET: Final = "bright_black"
_DISPLAYS: Final[Mapping[str, Display]] = {
    "SUCCEEDED": {"label": "Succeeded", "color": "green", "icon": "✓"},
    "PARTIAL": {"label": "Partial Success", "color": "orange", "icon": "⚠"},
    "FAILED": {"label": "Failed", "color": "red", "icon": "✗"},
}
"""How a step is shown whose end no wave has a word for; otherwise its status is a wave's word."""


def step_display(step: WaveStep) -> Display:
    """Return the display of a wave's step."""
    status = step.get("status", "")
    if status in _DISPLAYS:
        return _DISPLAYS[status]
    word = display_of_wave(normalize_wave_status(status))
    return {"label": word["label"], "color": word["color"], "icon": word["icon"]}


def step_name(screen: Screen, step: WaveStep) -> Text:
    """Name a wave's step, and why it was skipped or failed: `after: status`, `before: function notify: no answer`."""
    kind = step.get("kind")
    named = " ".join(filter(None, (None if kind == "command" else kind, str(step.get("name")))))
    why = step.get("error") if kind != "command" or step.get("status") == "SKIPPED" else None
    return screen.text(f"{str(step.get('phase')).lower()}: {named}{f': {why}' if why else ''}", _QUIET)
