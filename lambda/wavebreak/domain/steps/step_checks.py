"""Whether the automations and functions of a plan could run, judged by what was seen of them.

What stands in the way of a required step is a FAIL, of another one a WARN: it would fail no wave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.steps.placeholders import PLACEHOLDER
from wavebreak.json_pointers import quoted
from wavebreak.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from wavebreak.site import Site

ROLE_PARAMETER: Final = "AutomationAssumeRole"
RUNBOOK: Final = "Automation"
_LISTS: Final = ("before", "after")
_RUN: Final = "RUN"
"""What `inDrill` says of a step that runs in drills; automations and functions do not unless they say so."""


class PlannedStep(Value):
    """An automation or function step of a plan document."""

    wave: str
    site: Site
    phase: str
    position: int
    """Its place in its list, from 1."""
    automation: str | None
    function: str | None
    required: bool
    in_drills: bool = False
    """Whether it runs in drills, too."""
    parameters: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """What people call it."""
        kind, name = ("automation", self.automation) if self.automation else ("function", self.function)
        return f"{self.wave}: {self.phase} {self.position}, {kind} {name}"


class Runbook(Value):
    """A document as SSM describes it."""

    kind: str
    """`Automation` for a runbook; only that can be started."""
    parameters: tuple[str, ...]
    required: tuple[str, ...]
    """Those that have no default."""


def planned_steps(waves: Iterable[tuple[Mapping[str, Any], Site]]) -> Iterator[PlannedStep]:
    """Yield the automations and functions of the waves of a plan document, each wave with its site."""
    for wave, site in waves:
        for phase in _LISTS:
            for position, step in enumerate(wave.get(phase) or (), start=1):
                if "automation" in step or "function" in step:
                    yield PlannedStep(
                        wave=wave["name"],
                        site=site,
                        phase=phase,
                        position=position,
                        automation=step.get("automation"),
                        function=step.get("function"),
                        required=bool(step.get("required")),
                        in_drills=step.get("inDrill") == _RUN,
                        parameters=step.get("parameters") or {},
                    )


def runbook_faults(step: PlannedStep, found: Runbook | None) -> Iterator[str]:
    """Yield what keeps a runbook from being started as the step has it; None is one that was not found."""
    name = quoted(step.automation)
    if found is None:
        yield f"there is no document {name} in {step.site}"
        return
    if found.kind != RUNBOOK:
        yield f"document {name} is of the type {found.kind}, not {RUNBOOK}"
        return
    unknown = sorted(step.parameters.keys() - set(found.parameters))
    if unknown:
        taken = ", ".join(found.parameters) or "none"
        yield f"the runbook takes no parameter {', '.join(unknown)}; it takes {taken}"
    missing = sorted(set(found.required) - step.parameters.keys())
    if missing:
        yield f"the runbook needs the parameter {', '.join(missing)}"


def given_roles(parameters: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield the roles that an automation is given to act with, as far as they are known before it starts."""
    yield from (role for role in parameters.get(ROLE_PARAMETER, ()) if not PLACEHOLDER.search(role))
