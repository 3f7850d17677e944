"""Tags of source servers, jobs and recovery instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drs_simulator.errors import not_found

if TYPE_CHECKING:
    from drs_simulator.clockwork.timeline import Timeline
    from drs_simulator.drs.fleet import Fleet

    Parameters = dict[str, Any]


def tag_resource(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """Add or overwrite tags of a resource."""
    tags = _tags_of(fleet, parameters["resourceArn"])
    tags.set(tags.now | parameters["tags"], fleet.world.clock.now())
    return {}


def untag_resource(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """Remove tags by key; a key that the resource does not have is no error."""
    tags = _tags_of(fleet, parameters["resourceArn"])
    left = {key: value for key, value in tags.now.items() if key not in parameters["tagKeys"]}
    tags.set(left, fleet.world.clock.now())
    return {}


def list_tags_for_resource(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """Return the tags of a resource."""
    arn = parameters["resourceArn"]
    return {"tags": dict(_tags_of(fleet, arn).at(fleet.world.lens.moment(f"{arn}/tags")))}


def _tags_of(fleet: Fleet, arn: str) -> Timeline[dict[str, str]]:
    """Return the live tags of the resource with an ARN; one of another account or Region is not found either."""
    kind, _, identifier = arn.rpartition(":")[2].partition("/")
    kinds: dict[str, dict[str, Any]] = {
        "source-server": fleet.servers,
        "job": fleet.jobs,
        "recovery-instance": fleet.instances,
    }
    things = kinds.get(kind, {})
    if identifier not in things or arn != fleet.arn(kind, identifier):
        raise not_found(identifier or arn, kind)
    tags: Timeline[dict[str, str]] = things[identifier].tags
    return tags
