"""Steps of the stack under test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.steps import Steps

if TYPE_CHECKING:
    from tests.support.stack import Stack


@pytest.fixture
def steps(stack: Stack) -> Steps:
    return Steps(stack)
