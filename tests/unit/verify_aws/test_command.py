"""The command of `make verify-aws`: its words, its table and its exit code."""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.support import aws_answers as answers
from tests.support.aws_answers import read
from tools.template import ROOT
from tools.verify_aws import observations, report
from tools.verify_aws.__main__ import exit_code, parse
from tools.verify_aws.aftermath import parsed
from tools.verify_aws.findings import Finding, Verdict, named

from wavebreak_cli.errors import ConfigError, UnavailableError

if TYPE_CHECKING:
    from wavebreak_cli.errors import CommandError

HOLDS = Finding("drs-x", Verdict.HOLDS, "it does")
UNSEEN = Finding("drs-longer", Verdict.NOT_SEEN, "nobody looked")
DIFFERS = Finding("drs-y", Verdict.DIFFERS, "it does not")


def made(*variables: str) -> list[str]:
    """Give the words that make would run, without the program."""
    done = subprocess.run(  # noqa: S603  our own Makefile
        ["make", "--no-print-directory", "--dry-run", "verify-aws", *variables],  # noqa: S607  whichever make there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    words = shlex.split(done.stdout.replace("\\\n", " "), comments=False)
    return words[words.index("tools.verify_aws") + 1 :]


def test_make_passes_every_variable_on() -> None:
    asked = parse(
        made(
            *("STACK=some", "REGION=eu-west-1", "PLAN=small", "DRILL=yes", "SERVERS=2", "REPLACE=yes"),
            "JSON=seen.json",
        )
    )
    assert (asked.stack, asked.region, asked.plan) == ("some", "eu-west-1", "small")
    assert (asked.drill, asked.servers, asked.replace, asked.json.name) == (True, 2, True, "seen.json")


def test_make_launches_nothing_unless_it_is_told_to() -> None:
    asked = parse(made("PLAN=small"))
    assert (asked.drill, asked.replace, asked.servers, asked.json) == (False, False, 3, None)


def test_make_without_a_plan_says_what_is_missing() -> None:
    done = subprocess.run(
        ["make", "verify-aws", "PLAN="],  # noqa: S607  whichever make there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "PLAN=... is missing" in done.stderr


@pytest.mark.parametrize(
    ("findings", "trouble", "interrupted", "left", "code"),
    [
        ([HOLDS, UNSEEN], None, False, False, 0),
        ([HOLDS, DIFFERS], None, False, False, 1),
        ([HOLDS], None, False, True, 1),
        ([HOLDS], None, True, False, 130),
        ([HOLDS], None, True, True, 1),
        ([DIFFERS], UnavailableError.unreachable("it", "gone"), False, False, 4),
        ([HOLDS], ConfigError.because("no"), False, False, 3),
    ],
)
def test_the_exit_code_says_the_worst(
    findings: list[Finding], trouble: CommandError | None, interrupted: bool, left: bool, code: int
) -> None:
    assert exit_code(findings, trouble, interrupted=interrupted, left=left) == code


def test_the_table_has_what_differs_first_with_what_is_relied_on() -> None:
    lines = list(report.lines([HOLDS, UNSEEN, DIFFERS], {"drs-y": "It does."}))
    assert lines[0].split() == ["differs", "drs-y", "it", "does", "not"]
    assert lines[1].strip() == "the product relies on: It does."
    assert [line.split("  ")[0] for line in lines[2:4]] == ["not seen", "holds"]
    assert lines[-1].startswith("1 hold, 1 differ, 1 were not seen")
    assert len({line.index(seen) for line, seen in zip(lines[2:4], ("nobody", "it does"), strict=True)}) == 1


def test_what_is_left_is_named_loudly() -> None:
    assert list(report.left_lines({})) == []
    assert "LEFT RUNNING" in list(report.left_lines({"i-1": "refused"}))[1]


def test_names_are_told_once_each() -> None:
    assert named(["a", "a", "b", "c", "d", "d"]) == "a, b, c and 1 more"


@pytest.mark.parametrize(
    ("message", "reported"),
    [
        ('{"message": "a launch ended", "launchEvent": {"jobId": "drsjob-1", "servers": []}}', 1),
        ('{"message": "something else"}', 0),
        ('{"launchEvent": "of another form"}', 0),
        ("START RequestId: 1", 0),
        ("[1, 2]", 0),
    ],
)
def test_only_lines_about_launch_events_are_read_of_a_log(message: str, reported: int) -> None:
    assert len(list(parsed(message))) == reported


def test_a_termination_of_before_is_not_the_drills() -> None:
    """A drill of the same servers an hour ago was ended by a job that DRS still shows."""
    earlier = answers.end_job("COMPLETED", jobID="drsjob-33333333333333333")
    record = answers.drill(
        jobs=[
            read(observations.DESCRIBE_JOBS, 0, [earlier], 40),
            read(observations.DESCRIBE_JOBS, 42, [earlier, answers.end_job("COMPLETED")], 50),
        ]
    )
    assert set(observations.drill_jobs(record, observations.TERMINATE)) == {answers.END_JOB}


@pytest.mark.parametrize(
    ("server", "reported"),
    [
        ({"recoveryInstanceId": "i-1"}, True),
        ({"recoveryInstanceId": "i-0"}, False),
        ({"lifeCycle": {"lastLaunch": {"initiated": {"type": "DRILL", "jobID": "drsjob-1"}}}}, True),
        ({"lifeCycle": {"lastLaunch": {"initiated": {"type": "DRILL", "jobID": "drsjob-0"}}}}, False),
        ({"lifeCycle": {}}, False),
        ({}, False),
    ],
)
def test_a_server_tells_of_this_very_instance_or_not(server: dict[str, object], reported: bool) -> None:
    assert observations.reports(server, {"recoveryInstanceID": "i-1", "jobID": "drsjob-1"}) is reported
    assert not observations.reports({}, {"recoveryInstanceID": "i-1"})
