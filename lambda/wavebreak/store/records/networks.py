"""A drill's networks written down in META, and read back. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.launch_templates.model import DrillNetwork
from wavebreak.site import Site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.executions.model.executions import Execution


def networks_record(execution: Execution) -> dict[str, Any]:
    """Write down the networks of a drill; nothing of an execution that has none."""
    if not execution.networks:
        return {}
    return {
        "networks": [
            {
                "accountId": each.site.account_id,
                "region": each.site.region,
                "subnetIds": list(each.subnet_ids),
                "securityGroupIds": list(each.group_ids),
            }
            for each in execution.networks
        ]
    }


def read_networks(meta: Mapping[str, Any]) -> tuple[DrillNetwork, ...]:
    """Read the networks of an execution; none of one that has none."""
    return tuple(
        DrillNetwork(
            Site(each.get("accountId"), each.get("region")), tuple(each["subnetIds"]), tuple(each["securityGroupIds"])
        )
        for each in meta.get("networks") or ()
    )
