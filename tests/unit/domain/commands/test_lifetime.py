"""Every command run ends: by its deadline, and when its machines die one after another."""

from datetime import timedelta

import pytest
from tests.support.execution_builders import NOW, later

from wavebreak.domain.commands.lifetime import MOST_DEATHS, deadline_of, keeps_dying, with_next_machine
from wavebreak.domain.commands.runs import CommandRun
from wavebreak.timing import Timing, iso
from wavebreak.values import replace

TIMING = Timing()


def run_of(total: int = 20, command: str = "status", **fields: object) -> CommandRun:
    known: dict[str, object] = {"patience_seconds": 600, "wave": 1, **fields}
    return CommandRun("cmd-1", "drill-1", command, (), "me", NOW, 300, total, **known)  # type: ignore[arg-type]  # the fields of a run


def test_a4_a_deadline_leaves_time_for_every_round_of_targets() -> None:
    one = deadline_of(run_of(1), TIMING) - NOW
    assert timedelta(minutes=20) < one < timedelta(hours=1)
    assert deadline_of(run_of(10), TIMING) == deadline_of(run_of(1), TIMING), "ten go side by side"
    assert deadline_of(run_of(11), TIMING) > deadline_of(run_of(10), TIMING)
    sequential = [deadline_of(run_of(total, "start"), TIMING) - NOW for total in (1, 2, 3)]
    assert sequential[2] - sequential[1] == sequential[1] - sequential[0] > timedelta(seconds=300 + 600)
    assert deadline_of(run_of(0), TIMING) > NOW
    assert deadline_of(run_of(1), Timing(scale=0.1)) < deadline_of(run_of(1), TIMING)


@pytest.mark.parametrize("reported", [True, False])
def test_a4_machines_that_die_young_one_after_another_are_given_up(reported: bool) -> None:
    run, at = run_of(), 0.0
    for death in range(1, MOST_DEATHS):
        if reported:
            run = replace(run, last_failure={"at": iso(later(at + 1)), "error": "x", "cause": "y"})
        at += 60
        assert not keeps_dying(run, later(at)), death
        run = with_next_machine(run, later(at), died=True)
        assert (run.deaths, run.machine_run, run.machine_started_at) == (death, death + 1, later(at))
    assert keeps_dying(run, later(at + 30))


def test_a4_what_counts_is_when_a_machine_died_not_when_that_was_noticed() -> None:
    run = run_of(deaths=MOST_DEATHS - 1, machine_started_at=NOW)
    noticed = later(3 * 3600)
    assert not keeps_dying(run, noticed)
    assert keeps_dying(replace(run, last_failure={"at": iso(later(5)), "error": "x", "cause": "y"}), noticed)


def test_a_machine_that_lived_long_or_handed_over_ends_the_row() -> None:
    run = run_of(deaths=MOST_DEATHS - 1, machine_started_at=NOW)
    assert with_next_machine(run, later(3600), died=True).deaths == 1
    assert with_next_machine(run, later(5), died=False).deaths == 0
    older = replace(run, last_failure={"at": iso(later(-60)), "error": "x", "cause": "y"})
    assert not keeps_dying(older, later(3600)), "that was another machine's end"
