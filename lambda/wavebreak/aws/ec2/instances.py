"""EC2: what became of instances that DRS no longer shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.aws.reads_by_id import ReadsById
from wavebreak.problems import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DESCRIBE_EC2_INSTANCES: Final = "ec2:DescribeInstances"
IDS_A_CALL: Final = 200
"""Values that one filter takes."""


class Ec2:
    """EC2 of one account and Region."""

    def __init__(self, client: Any, by_id: ReadsById | None = None) -> None:
        """Keep a client that repeats failed reads, and the ids that earlier reads did not find.

        The package of the client's types is not installed.
        """
        self.client = client
        self._by_id = by_id or ReadsById()

    def states(self, instance_ids: Sequence[str]) -> dict[str, str]:
        """Return the states of instances by id, in EC2's words; one that EC2 does not know is left out.

        They are filtered by and not asked for by id: an id that EC2 does not know would refuse the whole call. Raises
        PartialReadError, with pairs of ids and states, where EC2 does not report some.
        """
        return dict(self._by_id.read(DESCRIBE_EC2_INSTANCES, instance_ids, IDS_A_CALL, self._ask, self._ask))

    def _ask(self, wanted: Sequence[str]) -> list[tuple[str, str]]:
        pages = self.client.get_paginator("describe_instances").paginate(
            Filters=[{"Name": "instance-id", "Values": list(wanted)}]
        )
        return [pair for page in pages for pair in _states(page).items()]


def _states(page: Mapping[str, Any]) -> dict[str, str]:
    """Read a page; one without its list is no answer, and must not be taken for that of an EC2 that knows nothing."""
    if "Reservations" not in page:
        raise Unavailable("EC2 answered without a list of instances")
    return {
        instance["InstanceId"]: instance["State"]["Name"]
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    }
