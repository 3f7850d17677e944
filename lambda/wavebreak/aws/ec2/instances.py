"""EC2: what became of instances that DRS no longer shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.problems import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DESCRIBE_EC2_INSTANCES: Final = "ec2:DescribeInstances"
IDS_A_CALL: Final = 200
"""Values that one filter takes."""


class Ec2:
    """EC2 of one account and Region."""

    def __init__(self, client: Any) -> None:
        """Take a client that repeats failed reads; the package of its types is not installed."""
        self.client = client

    def states(self, instance_ids: Sequence[str]) -> dict[str, str]:
        """Return the states of instances by id, in EC2's words; one that EC2 does not know is left out.

        They are filtered by and not asked for by id: an id that EC2 does not know would refuse the whole call.
        """
        found: dict[str, str] = {}
        for start in range(0, len(instance_ids), IDS_A_CALL):
            wanted = list(instance_ids[start : start + IDS_A_CALL])
            pages = self.client.get_paginator("describe_instances").paginate(
                Filters=[{"Name": "instance-id", "Values": wanted}]
            )
            for page in pages:
                found |= _states(page)
        return found


def _states(page: Mapping[str, Any]) -> dict[str, str]:
    """Read a page; one without its list is no answer, and must not be taken for that of an EC2 that knows nothing."""
    if "Reservations" not in page:
        raise Unavailable("EC2 answered without a list of instances")
    return {
        instance["InstanceId"]: instance["State"]["Name"]
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    }
