"""The operator's credentials: as they are now, when they expire, and new ones when AWS no longer takes the old ones."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from wavebreak.timing import iso
from wavebreak_cli.client.endpoint import credentials_of, signing_keys
from wavebreak_cli.client.signing import sign
from wavebreak_cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx
    from botocore.credentials import ReadOnlyCredentials

    from wavebreak_cli.client.endpoint import Endpoint

_RECHECK_SECONDS: Final = 2.0
"""Refused keys are looked for again at most so often: reading an AWS configuration takes a tenth of a second."""


class Signer:
    """Signs requests for one endpoint; thread-safe."""

    def __init__(self, endpoint: Endpoint, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the endpoint; credentials are looked up at the first call."""
        self._endpoint = endpoint
        self._clock = clock
        self._lock = threading.Lock()
        self._found: Any = None
        self._found_at = 0.0
        self._problem: str | None = None

    def keys(self) -> ReadOnlyCredentials:
        """Return the keys as they are now; raise ConfigError or UnavailableError, and look again at the next call."""
        with self._lock:
            try:
                if self._found is None:
                    self._found, self._found_at = credentials_of(self._endpoint), self._clock()
                keys = signing_keys(self._found)
            except CommandError as failure:
                self._found, self._problem = None, str(failure)
                raise
            return keys

    def sign(self, request: httpx.Request, headers: Mapping[str, str], keys: ReadOnlyCredentials) -> None:
        """Sign a request, with its content and these of its headers."""
        sign(request, headers, keys, self._endpoint.region)

    def refused(self, keys: ReadOnlyCredentials, why: str | None) -> ReadOnlyCredentials | None:
        """Record that AWS refused these keys, with `why` if they have expired; return other keys if there are any."""
        with self._lock:
            if why:
                self._problem = why
            if self._found is not None and self._clock() - self._found_at < _RECHECK_SECONDS:
                return None
            self._found = None
        try:
            others = self.keys()
        except CommandError:
            return None
        return None if others == keys else others

    def accepted(self) -> None:
        """Take it that AWS knows the keys."""
        self._problem = None

    def state(self) -> dict[str, Any]:
        """Return when the credentials expire and what is wrong with them; null where nothing is known of it."""
        expires = getattr(self._found, "_expiry_time", None)  # botocore shows it nowhere else
        return {"expiresAt": iso(expires) if expires else None, "problem": self._problem}
