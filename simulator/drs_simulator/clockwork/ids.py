"""Identifiers in the forms of the DRS model."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from random import Random

_DIGITS = 17


class IdSource:
    """Makes new identifiers from a source of randomness, so that a seeded run repeats itself."""

    def __init__(self, randomness: Random) -> None:
        self._randomness = randomness

    def job(self) -> str:
        """Return a new job id, ``drsjob-`` and 17 digits."""
        return f"drsjob-{self._digits()}"

    def instance(self) -> str:
        """Return a new instance id, ``i-`` and 17 digits."""
        return f"i-{self._digits()}"

    def interface(self) -> str:
        """Return a new id of a network interface, ``eni-`` and 17 digits."""
        return f"eni-{self._digits()}"

    def launch_template(self) -> str:
        """Return a new id of a launch template, ``lt-`` and 17 digits."""
        return f"lt-{self._digits()}"

    def command(self) -> str:
        """Return a new id of an SSM command, a UUID."""
        return str(UUID(int=self._randomness.getrandbits(128), version=4))

    def _digits(self) -> str:
        return f"{self._randomness.getrandbits(4 * _DIGITS):0{_DIGITS}x}"


def snapshot_id(source_server_id: str, moment: str) -> str:
    """Return the id of a server's recovery snapshot at a moment; the same snapshot always has the same id."""
    return f"pit-{sha256(f'{source_server_id} {moment}'.encode()).hexdigest()[:_DIGITS]}"
