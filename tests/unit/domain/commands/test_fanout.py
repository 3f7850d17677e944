"""The face of the fan-out: what can be imported from it, and the rules of going through the targets."""

import pytest

from wavebreak import fanout
from wavebreak.domain.commands.catalogue import (
    COMMAND_NAMES,
    CommandMode,
    catalogue_entry,
    command_mode,
    is_parallel_command,
)
from wavebreak.domain.commands.concurrency import (
    EVENTS_PER_LOST_ROUND,
    EVENTS_PER_ROUND,
    LOST_ROUNDS,
    MAX_ROUND_EVENTS,
    ROUND_SECONDS,
    concurrency,
    not_run,
    rounds_of_a_worker,
    should_stop_early,
)
from wavebreak.domain.commands.results import ExecutionResult, FailureKind
from wavebreak.problems import UnsupportedCommand

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
    promised = {"ExecutionResult", "RunStatus", "determine_exit_code", "generate_summary", "is_parallel_command"}
    assert sorted(fanout.__all__) == sorted({*promised, "UnsupportedCommand"})  # which is_parallel_command raises
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


@pytest.mark.parametrize("workers", range(1, 11))
def test_a_machine_hands_over_before_its_rounds_fill_its_history(workers: int) -> None:
    rounds = rounds_of_a_worker(workers)
    assert rounds * workers * EVENTS_PER_ROUND <= MAX_ROUND_EVENTS < (rounds + 1) * workers * EVENTS_PER_ROUND
    assert rounds * ROUND_SECONDS > 3 * 3600, "hours of watching go into one run of the machine"


def test_the_fewer_workers_there_are_the_longer_one_machine_drives_a_run() -> None:
    rounds = [rounds_of_a_worker(workers) for workers in range(1, 11)]
    assert rounds == sorted(rounds, reverse=True)
    with pytest.raises(ValueError, match="0 workers"):
        rounds_of_a_worker(0)


def test_a_lost_round_counts_for_all_the_events_that_it_costs() -> None:
    assert LOST_ROUNDS * EVENTS_PER_ROUND >= EVENTS_PER_LOST_ROUND > (LOST_ROUNDS - 1) * EVENTS_PER_ROUND
