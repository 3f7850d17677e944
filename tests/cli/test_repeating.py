"""Lists that are shown again (`-w`): an outage is told, outlived and no end; a refusal is one."""

import pytest
from tests.cli.conftest import Clock, Terminal
from tests.cli.fake_api import DRILL, FakeApi, Fault, Json, execution, problem, server, wave

DOWN = Fault(503, problem(503, "UNAVAILABLE", "Unavailable", "not now"))
THROTTLED = Fault(429, problem(429, "THROTTLED", "Too many requests", "slow down"))
FORBIDDEN = Fault(403, problem(403, "FORBIDDEN", "Forbidden", "the security token is expired"))


def running(status: str = "IN_PROGRESS") -> Json:
    """Make a drill with one instance."""
    return execution(status, [wave(1, "db", "COMPLETED", [server(1, name="db-1")])], instancesLeft=1)


@pytest.mark.parametrize(("fault", "why"), [(DOWN, "not now"), (THROTTLED, "slow down")])
def test_an_outage_before_the_first_reading_is_told_once_and_ends_nothing(
    api: FakeApi, wavebreak: Terminal, clock: Clock, fault: Fault, why: str
) -> None:
    api.listed["/executions"] = [running()]
    api.faults = [fault] * 2
    clock.interrupt_at = 3
    outcome = wavebreak("executions", "-w")
    assert outcome.exit_code == 130
    assert outcome.err == f"no answer since 12:03:04Z, retrying: {why}\n"
    assert outcome.out.count(DRILL) == 1


def test_each_outage_is_told_once(api: FakeApi, wavebreak: Terminal, clock: Clock) -> None:
    def then_down() -> Json:
        api.faults += [DOWN] * 2
        return running()

    api.listed["/executions"] = [{"executionId": DRILL, "instancesLeft": 1}]
    api.readings[DRILL] = [then_down, then_down, running("COMPLETED")]
    clock.interrupt_at = 7
    outcome = wavebreak("instances", "-w")
    assert outcome.exit_code == 130
    assert outcome.err.splitlines() == [
        "as of 12:03:04Z, no answer since 12:03:07Z, retrying: not now",
        "as of 12:03:10Z, no answer since 12:03:13Z, retrying: not now",
    ]
    assert outcome.out.count("db-1") == 1, "what has not changed is not told again"


@pytest.mark.parametrize(("fault", "why"), [(DOWN, "not now"), (THROTTLED, "slow down")])
def test_a_terminal_sees_since_when_what_it_shows_is_old(
    api: FakeApi, wavebreak: Terminal, clock: Clock, fault: Fault, why: str
) -> None:
    def then_down() -> Json:
        api.faults += [fault]
        return running()

    wavebreak.live = True
    api.listed["/executions"] = [{"executionId": DRILL, "instancesLeft": 1}]
    api.readings[DRILL] = [then_down, running()]
    clock.interrupt_at = 3
    outcome = wavebreak("instances", "-w")
    assert outcome.exit_code == 130
    assert outcome.err == ""
    drawn, told, drawn_again = outcome.out.partition(f"as of 12:03:04Z, no answer for 0s, retrying: {why}")
    assert told, "it says since when the picture is old"
    assert "db-1" in drawn
    assert "db-1" in drawn_again, "it is shown anew once there is an answer"


def test_a_terminal_is_told_of_an_outage_before_there_is_anything_to_show(
    api: FakeApi, wavebreak: Terminal, clock: Clock
) -> None:
    wavebreak.live = True
    api.listed["/executions"] = [running()]
    api.faults = [DOWN]
    clock.interrupt_at = 2
    outcome = wavebreak("executions", "-w")
    assert outcome.exit_code == 130
    assert "no answer for 0s, retrying: not now" in outcome.out
    assert DRILL in outcome.out.rsplit("not now", 1)[1]


def test_a_refused_reading_ends_it_at_once(api: FakeApi, wavebreak: Terminal) -> None:
    api.faults = [FORBIDDEN]
    outcome = wavebreak("instances", "-w")
    assert outcome.exit_code == 3
    assert "the security token is expired" in outcome.err
    assert len(api.requests) == 1


def test_an_api_that_stays_away_ends_it_with_4(api: FakeApi, wavebreak: Terminal, clock: Clock) -> None:
    api.faults = [DOWN] * 2000
    assert wavebreak("executions", "-w").exit_code == 4
    assert 900 < sum(clock.slept) < 910
