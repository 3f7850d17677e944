import re

import pytest

from wavebreak.domain.commands.catalogue import CATALOGUE, COMMAND_NAMES, CommandMode


def test_s1_1_the_catalogue_has_seven_commands_in_their_order() -> None:
    assert COMMAND_NAMES == ("query", "status", "watch", "fix-config", "start", "stop", "uninstall")
    assert tuple(CATALOGUE) == COMMAND_NAMES


@pytest.mark.parametrize("name", ["query", "status", "watch", "fix-config"])
def test_s1_1_asking_commands_run_in_parallel_for_300_seconds(name: str) -> None:
    entry = CATALOGUE[name]
    assert (entry.name, entry.mode, entry.default_timeout_seconds) == (name, CommandMode.PARALLEL, 300)


@pytest.mark.parametrize("name", ["start", "stop", "uninstall"])
def test_s1_1_changing_commands_run_one_after_another_for_600_seconds(name: str) -> None:
    entry = CATALOGUE[name]
    assert (entry.name, entry.mode, entry.default_timeout_seconds) == (name, CommandMode.SEQUENTIAL, 600)


def test_each_command_is_described_in_one_short_sentence() -> None:
    descriptions = [entry.description for entry in CATALOGUE.values()]
    assert all(re.fullmatch(r"[A-Z][^.\n]{20,70}\.", text) for text in descriptions)
    assert len(set(descriptions)) == len(descriptions)


@pytest.mark.parametrize("name", ["Query", " status", "restart", ""])
def test_names_match_exactly(name: str) -> None:
    assert name not in CATALOGUE
