"""An execution as the API shows it whole: with all factors, when waves time out, what may be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.checks.launch import launch
from wavebreak.domain.checks.recovery_point import recovery_point
from wavebreak.domain.checks.recovery_time import recovery_time
from wavebreak.domain.executions.kept_words import kept
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.observing.launches import deadline_of
from wavebreak.domain.executions.views.actions import of_wave, with_actions
from wavebreak.domain.executions.views.executions import execution_view, wave_view
from wavebreak.domain.executions.views.overview import time_of
from wavebreak.execution_utils import WaveStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.timing import Timing

_LONGEST_ERROR: Final = 200
"""Characters of an error that an execution shows; the wave's own call has all that is kept."""


def whole_view(
    execution: Execution, caller: str, now: datetime, timing: Timing, last_seen: datetime | None = None
) -> dict[str, Any]:
    """Show an execution with all its factors (contract 7) and with what its reader may ask for (`actions`).

    Running waves show when they time out (`deadlineAt`). Each error is cut at 200 characters (contract 4): those of
    4,000 servers must fit the 6 MB of an answer. `caller` is the principal that reads it, `last_seen` when DRS last
    reported what is in flight. Its trail, which tells `waitingSeconds`, is not read.
    """
    shown = execution_view(execution, now, last_seen)
    known = execution.objectives
    plan = {"objectives": known.view()} if known else None
    measured = {**shown, "plan": plan}
    built_in = {
        "recovery_time": recovery_time(measured, None, now),
        "recovery_point": recovery_point(measured),
        "launch": launch(measured),
    }
    waves = [
        _in_brief({**known, "deadlineAt": _deadline(execution, wave, timing)})
        for known, wave in zip(shown["waves"], execution.waves, strict=True)
    ]
    whole = {**shown, "waves": waves, "factors": {**shown["factors"], **built_in}}
    return with_actions(whole, execution, Attribution(caller, now))


def whole_wave(
    execution: Execution,
    number: int,
    caller: str,
    now: datetime,
    timing: Timing,
    outputs: Mapping[str, str | None] | None = None,
) -> dict[str, Any]:
    """Show one wave as its execution shows it, but each error as long as it is kept, and what its steps answered."""
    wave = execution.wave(number)
    shown = wave_view(execution, wave, now, outputs)
    actions = of_wave(execution, number, Attribution(caller, now))
    return {**shown, "deadlineAt": _deadline(execution, wave, timing), "actions": actions}


def _in_brief(wave: dict[str, Any]) -> dict[str, Any]:
    parts = {name: [_cut(part) for part in wave[name]] for name in ("attempts", "servers", "steps")}
    return _cut({**wave, **parts})


def _cut(part: dict[str, Any]) -> dict[str, Any]:
    error = part["error"]
    return part if not error else {**part, "error": kept(error, longest=_LONGEST_ERROR)}


def _deadline(execution: Execution, wave: Wave, timing: Timing) -> str | None:
    """Return when a wave times out; None of one that does not run, and after a cancel, which ends all deadlines."""
    runs = wave.status is WaveStatus.IN_PROGRESS and execution.cancel is None
    return time_of(deadline_of(wave, timing)) if runs else None
