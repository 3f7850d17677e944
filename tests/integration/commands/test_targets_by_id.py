"""Targets that are named by ids: DRS may refuse to show one of them, or show it late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.faulty_commands import summed
from tests.support.plans import server

if TYPE_CHECKING:
    from tests.support.commands import Commands


@pytest.mark.parametrize("fault", [{"error": "AccessDeniedException"}, {"httpStatus": 500}], ids=["denied", "fault"])
@pytest.mark.parametrize("named_by", ["server", "instance", "both"])
def test_a_target_that_drs_does_not_tell_of_keeps_a_command_from_no_other(
    commands: Commands, fault: dict[str, Any], named_by: str
) -> None:
    """Which execution is meant the other targets tell; that it launched this one too stands in its record."""
    commands.launched(3)
    instances = [commands.instance(number) for number in (1, 2, 3)]
    names = {"server": [server(1), server(2), server(3)], "instance": instances, "both": [server(1), *instances[1:]]}
    commands.stack.control.fault("DescribeRecoveryInstances", **fault, subject=server(1), count=100_000)
    commands.stack.control.fault("DescribeRecoveryInstances", **fault, subject=instances[0], count=100_000)

    run = commands.run("status", targets=names[named_by])

    assert summed(run) == ("COMPLETE_SUCCESS", 0, 3)


@pytest.mark.parametrize("named_by", ["server", "instance"])
def test_a_target_that_drs_does_not_show_is_known_by_the_record_of_the_others_execution(
    commands: Commands, named_by: str
) -> None:
    """DRS may show an instance late; whoever names the execution has no need of DRS at all."""
    commands.launched(2)
    unshown = commands.instance(1)
    names = [server(1) if named_by == "server" else unshown, commands.instance(2)]
    commands.stack.control.forget_record(unshown)
    commands.stack.everything_shows()

    run = commands.run("status", targets=names)

    assert summed(run) == ("COMPLETE_SUCCESS", 0, 2)
    assert unshown in commands.sent_to()


def test_a_target_that_drs_does_not_show_is_refused_when_no_other_is_shown_or_it_is_in_no_record(
    commands: Commands,
) -> None:
    commands.launched(1)
    for names, refused in (([server(1), "i-0123456789abcdef0"], 1), (["i-0123456789abcdef0"], 0)):
        answer = commands.ask("status", targets=names)

        assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
        assert [error["pointer"] for error in answer.json["errors"]] == [f"/targets/{refused}"]
    assert not commands.sent_to()


def test_a_command_is_refused_where_drs_tells_of_none_of_its_targets(commands: Commands) -> None:
    commands.launched(2)
    commands.stack.control.fault("DescribeRecoveryInstances", error="AccessDeniedException", count=100_000)

    answer = commands.ask("status", targets=[server(1), commands.instance(2)])

    assert (answer.status, answer.code) == (503, "UNAVAILABLE")
    assert not commands.sent_to()


def test_a_target_that_drs_does_not_tell_of_is_refused_when_it_is_none_of_the_others_execution(
    commands: Commands,
) -> None:
    commands.launched(2)
    commands.launched(1, first=5)
    commands.stack.control.fault(
        "DescribeRecoveryInstances", error="AccessDeniedException", subject=server(5), count=100_000
    )

    answer = commands.ask("status", targets=[server(1), server(5)])

    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    assert [error["pointer"] for error in answer.json["errors"]] == ["/targets/1"]
