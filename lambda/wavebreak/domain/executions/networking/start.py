"""The networks that a drill starts with: those of its plan, as they are then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.creation import site_of
from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.launch_templates.model import DrillNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.site import Site


def networks_of(mode: Mode, document: Mapping[str, Any], own: Site) -> tuple[DrillNetwork, ...]:
    """Return the networks of a plan document; none for a RECOVERY, which ignores them."""
    if mode is Mode.RECOVERY:
        return ()
    written = (document.get("drill") or {}).get("networks") or ()
    return tuple(
        DrillNetwork(site_of(each, own), tuple(each["subnetIds"]), tuple(each["securityGroupIds"])) for each in written
    )
