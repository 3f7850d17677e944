"""The world that events are delivered in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from moto import mock_aws
from tests.support.notification_capture import World

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield World()
