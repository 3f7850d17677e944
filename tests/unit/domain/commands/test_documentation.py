"""The user's page of the commands says what the code does."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.command_results import FAILURES

from wavebreak.domain.commands import hints
from wavebreak.domain.commands.catalogue import CATALOGUE, MAX_ARGUMENT_CHARACTERS, MAX_ARGUMENTS, CatalogueEntry
from wavebreak.domain.commands.hints import COMMANDS_DIRECTORY
from wavebreak.domain.commands.query_merge import parse_answer
from wavebreak.domain.commands.result_text import result_text
from wavebreak.domain.commands.results import ExecutionResult
from wavebreak.domain.commands.summary import RunStatus, generate_summary

PAGE = (Path(__file__).parents[4] / "docs" / "commands.md").read_text(encoding="utf-8")
HINTS = {name: text for name, text in vars(hints).items() if name.endswith("_HINT")}


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=str)
def test_s1_13_every_command_is_documented_with_mode_and_limit(entry: CatalogueEntry) -> None:
    assert f"| `{entry.name}` | {entry.mode} | {entry.default_timeout_seconds} s | {entry.description} |" in PAGE


@pytest.mark.parametrize("status", RunStatus)
def test_s0_16_every_exit_code_is_documented(status: RunStatus) -> None:
    assert f"| `{status.name}` | {status.exit_code} |" in PAGE


@pytest.mark.parametrize("hint", HINTS.values(), ids=HINTS)
def test_s0_16_every_hint_is_in_the_troubleshooting(hint: str) -> None:
    assert f"| {hint} |" in PAGE.partition("## Troubleshooting")[2]


@pytest.mark.parametrize("failure", FAILURES[1:], ids=lambda failure: str(failure.failure_kind))
def test_s0_16_every_way_to_fail_is_documented_with_its_words(failure: ExecutionResult) -> None:
    words = failure.stderr.replace(" odd", " {message}").replace("ssm", "{service}")
    words = re.sub(r"repository t$", "repository {target}", words)
    assert f"| `{failure.failure_kind}` | -1 | `{words}` |" in PAGE


def test_s0_16_the_mixed_example_is_what_is_really_shown() -> None:
    example = PAGE.partition("One of three targets is broken here:\n\n```\n")[2].partition("\n```\n")[0]
    broken = ExecutionResult.completed("backend/user-service", 1, "", "Cannot connect to Qdrant service")
    run = [
        ExecutionResult.completed("backend/auth-service", 0, "Score: 0.92 | src/auth/jwt.py:45"),
        broken.timed(datetime(2026, 11, 21, 12, tzinfo=UTC), 1.2),
        ExecutionResult.completed("frontend/web-app", 0, "Score: 0.85 | src/api/auth.js:23"),
    ]
    assert example == "\n\n".join(result_text(result) for result in run) + "\n" + generate_summary(run)


def test_how_to_plug_in_an_application_is_documented_with_the_limits_that_hold() -> None:
    assert f"{COMMANDS_DIRECTORY}/<name>" in PAGE
    assert f"at most {MAX_ARGUMENTS} arguments of at most {MAX_ARGUMENT_CHARACTERS} characters" in PAGE


def test_the_documented_answer_of_a_query_is_one() -> None:
    blocks = PAGE.split("```")
    answers = [parse_answer(block) for block in blocks if '"score"' in block]
    assert [(len(answer.rows), answer.skipped) for answer in answers] == [(2, 0)]
