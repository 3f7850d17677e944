"""The account of an access key that does not name it: an STS emulator is asked, once for each key."""

from __future__ import annotations

import logging
import re

from botocore.exceptions import BotoCoreError, ClientError

from drs_simulator.emulator.event_bridge import emulator_client

logger = logging.getLogger(__name__)


class StsAccounts:
    """Looks up access keys with ``sts:GetAccessKeyInfo`` at an endpoint.

    An emulator's AssumeRole gives out random keys, so only it knows the account of the role behind them. A key that
    cannot be looked up is asked for again at its next use, and belongs to the default account until then.
    """

    def __init__(self, endpoint: str) -> None:
        self._client = emulator_client("sts", endpoint)
        self._known: dict[str, str] = {}

    def __call__(self, access_key: str) -> str | None:
        """Return the account of an issued key (``AKIA...``, ``ASIA...``), or None for an unknown one."""
        if not re.fullmatch(r"A[KS]IA[A-Z0-9]{12,124}", access_key):
            return None
        if access_key not in self._known:
            try:
                account = self._client.get_access_key_info(AccessKeyId=access_key)["Account"]
            except (BotoCoreError, ClientError) as error:
                logger.warning("the account of an access key is unknown: %s", error)
                return None
            self._known[access_key] = account
        return self._known[access_key]

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
