"""Which instance types there are, how large they are, and which zones offer them.

Those of the usual families, by the rule of their sizes; the control API adds others and takes some out of zones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

ZONES: Final = ("a", "b", "c")

_SIZES: Final = {
    "large": 2,
    "xlarge": 4,
    "2xlarge": 8,
    "4xlarge": 16,
    "8xlarge": 32,
    "12xlarge": 48,
    "16xlarge": 64,
    "24xlarge": 96,
}
_FAMILIES: Final = {"m5": 4, "m6i": 4, "m7i": 4, "c5": 2, "c6i": 2, "c7i": 2, "r5": 8, "r6i": 8, "r7i": 8}
"""GiB of memory for each vCPU."""
_BURSTABLE: Final = {
    "nano": (2, 512),
    "micro": (2, 1024),
    "small": (2, 2048),
    "medium": (2, 4096),
    "large": (2, 8192),
    "xlarge": (4, 16_384),
    "2xlarge": (8, 32_768),
}
_MEBIBYTES: Final = 1024


@dataclass(frozen=True)
class InstanceType:
    """An instance type: its vCPUs, and its memory in MiB."""

    name: str
    vcpus: int
    memory: int


def usual() -> dict[str, InstanceType]:
    """Return the types that every Region has."""
    types = [
        InstanceType(f"{family}.{size}", *measures) for family in ("t3", "t3a") for size, measures in _BURSTABLE.items()
    ]
    types += [
        InstanceType(f"{family}.{size}", vcpus, vcpus * share * _MEBIBYTES)
        for family, share in _FAMILIES.items()
        for size, vcpus in _SIZES.items()
    ]
    return {each.name: each for each in types}


@dataclass
class Offerings:
    """The types that a Region has; one that is not named in ``zones_of`` is offered in all its ``zones``."""

    zones: tuple[str, ...]
    types: dict[str, InstanceType] = field(default_factory=usual)
    zones_of: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def zones_with(self, instance_type: str) -> tuple[str, ...]:
        """Return the zones that offer a type; none of one that is not known."""
        if instance_type not in self.types:
            return ()
        return self.zones_of.get(instance_type, self.zones)
