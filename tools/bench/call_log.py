"""What the simulator's call log and state report about a run. Pure.

`calls` and `state` are the answers of the simulator's control API; times in them are RFC 3339 with milliseconds.
"""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Call = dict[str, Any]


def start_calls(calls: Iterable[Call], servers: Iterable[str]) -> list[Call]:
    """Return the StartRecovery calls that name any of these servers, in the order of their arrival."""
    wanted = set(servers)
    return [
        call
        for call in calls
        if call["operation"] == "StartRecovery"
        and wanted & {server["sourceServerID"] for server in call["parameters"]["sourceServers"]}
    ]


def describe_calls(calls: Iterable[Call], job_ids: Iterable[str]) -> list[Call]:
    """Return the DescribeJobs calls that ask for any of these jobs, in the order of their arrival."""
    wanted = set(job_ids)
    return [
        call
        for call in calls
        if call["operation"] == "DescribeJobs" and wanted & set(call["parameters"].get("filters", {}).get("jobIDs", ()))
    ]


def launch_times(state: Mapping[str, Any]) -> dict[str, datetime]:
    """Return the moment at which each source server's recovery instance was launched."""
    return {
        instance["sourceServerID"]: moment(instance["recoveryInstanceProperties"]["lastUpdatedDateTime"])
        for instance in state["recoveryInstances"]
    }


def reactions(waves: Sequence[Sequence[str]], calls: Sequence[Call], state: Mapping[str, Any]) -> list[float]:
    """Return the seconds from a wave's last launch to the StartRecovery call of the wave that waits for it.

    `waves` are the servers of waves in a line; there is one figure fewer than there are waves.
    """
    launched = launch_times(state)
    return [
        (moment(start_calls(calls, later)[0]["at"]) - max(launched[server] for server in earlier)).total_seconds()
        for earlier, later in pairwise(waves)
    ]


def moment(text: str) -> datetime:
    """Read a time of the simulator."""
    return datetime.fromisoformat(text)


def largest_item(items: Iterable[Mapping[str, Any]]) -> tuple[int, str]:
    """Return the bytes of the largest item of the table, as DynamoDB counts them, and its sort key."""
    return max((item_bytes(item), item["sk"]["S"]) for item in items)


def item_bytes(item: Mapping[str, Any]) -> int:
    """Return an item's size in bytes: names and values; `item` is in DynamoDB's own notation."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(attribute: Mapping[str, Any]) -> int:
    """Size a value: text in UTF-8, a number at its longest, 3 bytes for a list or map and 1 for each of its members."""
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return len(value) // 2 + 2
        case "SS":
            return sum(len(text.encode()) for text in value)
        case "L":
            return 3 + sum(1 + _value_bytes(one) for one in value)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(one) for name, one in value.items())
        case _:
            return 1
