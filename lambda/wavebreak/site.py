"""An AWS account and Region as one value."""

from __future__ import annotations

from wavebreak.values import Value


class Site(Value, order=True):
    """An AWS account and Region, travelling as one value; None is the stack's own."""

    account_id: str | None = None
    region: str | None = None

    def __str__(self) -> str:
        """Name it for people."""
        region = self.region or "the stack's own Region"
        return f"account {self.account_id}, {region}" if self.account_id else region
