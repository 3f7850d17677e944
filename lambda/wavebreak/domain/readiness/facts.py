"""The facts for the readiness checks: a plan's servers in each Region, and all that was seen of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wavebreak.domain.drs import Instance, Quotas, RecentJob, SourceServer, Trouble
    from wavebreak.domain.launch_templates.model import DrillNetwork
    from wavebreak.domain.plans.model import Impact
    from wavebreak.domain.readiness.launch_facts import LaunchFacts

_STEPS: Final = ("before", "after", "checks")
"""The lists of a wave that may hold commands."""


class Member(Value):
    """A server of the plan."""

    source_server_id: str
    impact: Impact
    wave: str


class Load(Value):
    """What runs in a Region under which quotas, and how many servers one more job may take."""

    quotas: Quotas
    active: tuple[RecentJob, ...]
    room: int


class ChangedTemplate(Value):
    """A launch template that a drill has changed; `left_behind` when that drill launches its server no more."""

    execution_id: str
    left_behind: bool
    trouble: str | None = None
    """What was last in the way of putting it back."""


class SiteFacts(Value):
    """What was seen of the plan's servers in one site. A server without an entry was not seen."""

    where: str
    """The Region, and the account unless it is the stack's own."""
    members: tuple[Member, ...]
    servers: Mapping[str, SourceServer | None] = field(default_factory=dict)
    """None is a server that DRS does not know."""
    instances: Mapping[str, tuple[Instance, ...]] = field(default_factory=dict)
    snapshots: Mapping[str, str | None] = field(default_factory=dict)
    """The newest snapshot's moment of the servers that were checked one by one; None is a server without any."""
    holders: Mapping[str, str] = field(default_factory=dict)
    """The executions that hold servers."""
    load: Load | None = None
    troubles: tuple[Trouble, ...] = ()
    """The troubles of the site; they concern every plan with servers there."""
    refused: Mapping[str, tuple[Trouble, ...]] = field(default_factory=dict)
    """What was refused about one server, by server."""
    changed: Mapping[str, ChangedTemplate] = field(default_factory=dict)
    """Launch templates that drills have changed, by server."""
    network: DrillNetwork | None = None
    """Where the plan has its drills of this site land."""
    launches: LaunchFacts | None = None
    """How servers are launched; None where it was not read."""


class Drill(Value):
    """A drill of the plan that completed."""

    execution_id: str
    plan_version: int
    ended_at: str


class Baseline(Value):
    """The prints of a plan's servers (`prints`) from when a drill had completed."""

    execution_id: str
    prints: Mapping[str, str]


class Facts(Value):
    """All that the checks look at. `refusals` are what a start would refuse, as `{pointer, message}`."""

    plan_id: str
    plan_version: int
    rpo_minutes: int
    now: datetime
    sites: tuple[SiteFacts, ...]
    refusals: tuple[Mapping[str, str], ...] = ()
    holder: str | None = None
    last_drill: Drill | None = None
    commands: bool = False
    """Whether the plan runs commands on what it launches."""
    runs_actions: bool = False
    """Whether the stack may run post-launch actions of DRS."""
    baseline: Baseline | None = None
    """How the servers were when the last drill had completed, if that is known."""
    drill_refusals: tuple[Mapping[str, str], ...] = ()
    """What only the start of a drill would refuse."""
    unsure: bool = False
    """Whether what `refusals` tell is that DRS did not say what a selector matches: that may pass."""


def runs_commands(document: Mapping[str, Any]) -> bool:
    """Return whether a plan runs commands on what it launches."""
    return any(step.get("command") for wave in document["waves"] for name in _STEPS for step in wave.get(name) or ())
