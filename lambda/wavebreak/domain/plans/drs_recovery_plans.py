"""DRS's own Recovery Plans, and what each of their parts becomes in a plan of ours.

The steps of a native plan run one after another, each a SERVER step or a WAIT step. Ours are waves in a line: a SERVER
step is a wave, and the WAIT steps before it are what the wave waits before it begins.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.plans.model import Impact
from wavebreak.harmless_text import flattened
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mypy_boto3_drs.type_defs import RecoveryPlanStepTypeDef, RecoveryPlanTypeDef

_LONGEST_NAME: Final = 64
_LONGEST_ID: Final = 63
_LONGEST_DESCRIPTION: Final = 1024
_SECONDS_A_MINUTE: Final = 60


class NativeServer(Value):
    """A source server of a step."""

    source_server_id: str
    impact: Impact


class NativeStep(Value):
    """A step: servers to recover together, or minutes to wait."""

    name: str
    servers: tuple[NativeServer, ...] = ()
    wait_minutes: int = 0


class NativePlan(Value):
    """A Recovery Plan of DRS with its steps in their order."""

    name: str
    description: str
    steps: tuple[NativeStep, ...]


def read_native(plan: RecoveryPlanTypeDef, steps: Iterable[RecoveryPlanStepTypeDef]) -> NativePlan:
    """Read a plan and its steps, in any order, as DRS reports them."""
    ordered = sorted(steps, key=lambda step: step["stepOrder"])
    return NativePlan(
        flattened(plan["name"]), flattened(plan.get("description", "")), tuple(_step(step) for step in ordered)
    )


def _step(step: RecoveryPlanStepTypeDef) -> NativeStep:
    configuration = step["configuration"]
    servers = tuple(
        NativeServer(server["serverArn"].rpartition("/")[2], Impact(server.get("impactLevel", Impact.CRITICAL)))
        for server in configuration.get("serverStepConfiguration", {}).get("servers", [])
    )
    return NativeStep(
        step["stepName"], servers, configuration.get("waitStepConfiguration", {}).get("waitDurationMinutes", 0)
    )


class NothingToRecoverError(ValueError):
    """A native plan has no step that recovers servers: DRS itself calls it INVALID."""


def site_of_arn(arn: str) -> tuple[str, str]:
    """Return account and Region of an ARN."""
    _, _, _, region, account, _ = arn.split(":", 5)
    return account, region


def plan_id_of(name: str) -> str:
    """Make a planId of a name: lower case, anything but letters and digits a hyphen, at most 63 characters."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST_ID].rstrip("-")
    return slug or "recovery-plan"


def converted(native: NativePlan, plan_id: str, region: str | None) -> dict[str, Any]:
    """Turn a native plan into a plan document; `region` is the waves' Region unless it is the stack's own.

    What the document's own rules forbid, such as a server in two steps, is left for them to say. Raises
    NothingToRecoverError.
    """
    waves = list(_waves(native.steps, region))
    if not waves:
        raise NothingToRecoverError(f"the native plan {native.name!r} has no step that recovers servers")
    description = _description(native)
    return {
        "planId": plan_id,
        "name": native.name,
        **({"description": description} if description else {}),
        "waves": waves,
    }


def _waves(steps: Iterable[NativeStep], region: str | None) -> Iterator[dict[str, Any]]:
    """Return a wave for each SERVER step; without `dependsOn` each waits for the one before it."""
    taken: set[str] = set()
    waited = 0
    for step in steps:
        waited += step.wait_minutes
        if not step.servers:
            continue
        yield {
            "name": _unique(step.name, taken),
            "servers": [
                {"sourceServerId": server.source_server_id, "impact": server.impact.value} for server in step.servers
            ],
            "waitBeforeSeconds": waited * _SECONDS_A_MINUTE,
            **({"region": region} if region else {}),
        }
        waited = 0


def _unique(name: str, taken: set[str]) -> str:
    """Cut a step's name to the length of a wave's, and number it when another wave has it already.

    Any character of a step's name may stand in a wave's.
    """
    chosen, number = name[:_LONGEST_NAME], 1
    while chosen in taken:
        number += 1
        suffix = f" {number}"
        chosen = name[: _LONGEST_NAME - len(suffix)] + suffix
    taken.add(chosen)
    return chosen


def _description(native: NativePlan) -> str:
    """Keep the description, and say there what a plan of ours cannot: a wait that nothing follows."""
    last = max((index for index, step in enumerate(native.steps) if step.servers), default=-1)
    minutes = sum(step.wait_minutes for step in native.steps[last + 1 :])
    if not minutes:
        return native.description[:_LONGEST_DESCRIPTION]
    note = f"The native plan ends with a wait of {minutes} minutes; after the last wave this plan waits for nothing."
    room = _LONGEST_DESCRIPTION - len(note) - 1
    return f"{native.description[:room]} {note}".strip()
