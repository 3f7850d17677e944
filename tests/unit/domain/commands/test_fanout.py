"""The face of the fan-out: what can be imported from it, and the rules of going through the targets."""

import pytest

from wavebreak import fanout
from wavebreak.fanout import (
    COMMAND_NAMES,
    CommandMode,
    ExecutionResult,
    FailureKind,
    UnsupportedCommand,
    catalogue_entry,
    command_mode,
    concurrency,
    is_parallel_command,
    needs_distributed_map,
    not_run,
    should_stop_early,
)

PARALLEL = ["query", "status", "watch", "fix-config"]
SEQUENTIAL = ["start", "stop", "uninstall"]
NO_COMMANDS = [
    "",
    "Query",
    "QUERY",
    " query",
    "query ",
    "query\n",
    "fix_config",
    "fixconfig",
    "restart",
    "quer",
    "querys",
]


def test_everything_it_promises_is_there() -> None:
    assert len(set(fanout.__all__)) == len(fanout.__all__)
    assert not [name for name in fanout.__all__ if not hasattr(fanout, name)]


@pytest.mark.parametrize("name", PARALLEL)
def test_s1_1_parallel_commands(name: str) -> None:
    assert is_parallel_command(name)
    assert command_mode(name) is CommandMode.PARALLEL


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_s1_1_sequential_commands(name: str) -> None:
    assert not is_parallel_command(name)
    assert command_mode(name) is CommandMode.SEQUENTIAL


def test_s1_1_there_is_no_eighth() -> None:
    assert sorted(PARALLEL + SEQUENTIAL) == sorted(COMMAND_NAMES)


@pytest.mark.parametrize("name", NO_COMMANDS)
def test_s1_14_an_unsupported_command_is_refused_and_the_seven_are_listed(name: str) -> None:
    assert not is_parallel_command(name)
    for ask in (catalogue_entry, command_mode):
        with pytest.raises(UnsupportedCommand) as refused:
            ask(name)
        document = refused.value.document()
        assert (document["status"], document["code"]) == (400, "UNSUPPORTED_COMMAND")
        assert document["supported"] == list(COMMAND_NAMES)
        assert document["detail"] == (
            f"Unsupported command {name!r}. "
            "Supported commands: query, status, watch, fix-config, start, stop, uninstall"
        )


def test_a_refusal_does_not_repeat_megabytes_nor_control_characters() -> None:
    with pytest.raises(UnsupportedCommand) as refused:
        command_mode("\x1b[2J" + "x" * 1_000_000)
    assert len(refused.value.detail) < 200
    assert refused.value.detail.isprintable()


@pytest.mark.parametrize(("targets", "at_a_time"), [(0, 0), (1, 1), (3, 3), (10, 10), (11, 10), (15, 10), (4000, 10)])
def test_s1_2_parallel_commands_take_at_most_ten_at_a_time(targets: int, at_a_time: int) -> None:
    for name in PARALLEL:
        assert concurrency(name, targets) == at_a_time


@pytest.mark.parametrize(("targets", "at_a_time"), [(0, 0), (1, 1), (3, 1), (15, 1)])
def test_s0_4_sequential_commands_take_one_at_a_time(targets: int, at_a_time: int) -> None:
    for name in SEQUENTIAL:
        assert concurrency(name, targets) == at_a_time


def test_concurrency_refuses_nonsense() -> None:
    with pytest.raises(ValueError, match="-1 targets"):
        concurrency("query", -1)
    with pytest.raises(UnsupportedCommand):
        concurrency("restart", 1)


@pytest.mark.parametrize("name", COMMAND_NAMES)
@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("failures", [0, 1, 2])
def test_s0_14_only_a_sequential_run_that_was_asked_to_stops_early(name: str, asked: bool, failures: int) -> None:
    expected = name in SEQUENTIAL and asked and failures > 0
    assert should_stop_early(name, stop_on_failure=asked, failed=failures) is expected


def test_s0_14_a_target_left_out_names_the_one_that_failed() -> None:
    expected = ExecutionResult("c", False, "", "Not run: b failed before", -1, FailureKind.CANCELLED)  # noqa: FBT003  the contract's order
    assert not_run("c", "b") == expected


@pytest.mark.parametrize(
    ("targets", "seconds", "distributed"),
    [
        (0, 300, False),
        (1, 172_800, False),  # 2,891 further rounds
        (2, 172_800, True),
        (135, 1, False),  # 182 each: 24,570
        (136, 1, True),
        (135, 60, False),
        (135, 61, True),  # 189 each
        (117, 300, False),  # 210 each: 24,570
        (118, 300, True),
        (100, 600, False),  # 245 each: 24,500
        (101, 600, True),
        (41, 3600, False),  # 595 each: 24,395
        (42, 3600, True),
    ],
)
def test_a_run_whose_history_could_overflow_needs_a_distributed_map(
    targets: int, seconds: int, distributed: bool
) -> None:
    assert needs_distributed_map(targets, seconds) is distributed


def test_more_targets_or_more_time_never_make_a_run_smaller() -> None:
    sizes = [0, 1, 10, 100, 117, 118, 135, 136, 1000, 5000]
    times = [1, 60, 61, 90, 300, 600, 3600, 172_800]
    for seconds in times:
        answers = [needs_distributed_map(targets, seconds) for targets in sizes]
        assert answers == sorted(answers)
    for targets in sizes:
        answers = [needs_distributed_map(targets, seconds) for seconds in times]
        assert answers == sorted(answers)


@pytest.mark.parametrize(("targets", "seconds"), [(-1, 300), (1, 0), (1, -5)])
def test_no_map_is_sought_for_nonsense(targets: int, seconds: int) -> None:
    with pytest.raises(ValueError, match=f"{targets} targets of {seconds} seconds"):
        needs_distributed_map(targets, seconds)
