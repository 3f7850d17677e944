"""What all tests share: the seed of the simulated services' manners, and properties that are searched without a clock.

Machines are noisy: an example that is slow once proves nothing. `make bench` measures times, as ratios and counts.
A run that fails shows the seed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from tests.support.manners import SEED, choose_seed, seed

if TYPE_CHECKING:
    from collections.abc import Generator

_HERE = Path(__file__).parent
settings.register_profile("wavebreak", deadline=None)
settings.load_profile("wavebreak")

_SEEDED = tuple(_HERE / name for name in ("browser", "e2e", "integration", "infra"))


def pytest_configure() -> None:
    """Choose the seed before the processes of pytest-xdist start, which inherit it."""
    choose_seed(os.environ)


def pytest_report_header() -> str:
    """Name the seed."""
    return f"manners: {SEED}={seed()} repeats them"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Name the seed beside every failure of a test in which services have manners."""
    report = yield
    if report.failed and any(item.path.is_relative_to(folder) for folder in _SEEDED):
        report.sections.append(("Manners of the simulated services", f"{SEED}={seed()} repeats them"))
    return report
