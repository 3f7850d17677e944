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
    drawn, output, drawn_again = outcome.out.partition(f"as of 12:03:04Z, no answer for 0s, retrying: {why}")
    assert output, "it says since when the picture is old"
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


EVENTS = f"/executions/{DRILL}/events"


@pytest.mark.parametrize(
    ("words", "path", "items"),
    [
        (("plan", "list"), "/plans", [{"plan": {"planId": "web", "name": "W", "waves": []}, "version": 1}]),
        (("events", DRILL), EVENTS, [{"sequence": 1, "type": "EXECUTION_STARTED", "actor": "ana"}]),
        (("errors",), "/errors", [{"severity": "ERROR", "category": "DRS", "message": "EXECUTION_STARTED"}]),
    ],
)
def test_other_lists_are_shown_again_as_they_change(
    api: FakeApi, wavebreak: Terminal, clock: Clock, words: tuple[str, ...], path: str, items: list[Json]
) -> None:
    api.listed[path] = items
    api.faults = [DOWN]
    clock.interrupt_at = 3
    outcome = wavebreak(*words, "-w")
    assert outcome.exit_code == 130
    assert "no answer since 12:03:04Z, retrying: not now" in outcome.err
    assert [request.path for request in api.requests] == [path] * 3
    assert outcome.out.count("web" if path == "/plans" else "EXECUTION_STARTED") == 1
    clock.interrupt_at = 0
    assert wavebreak(*words, "-w", "--json").exit_code == 0, "JSON is printed once"


def test_health_and_counted_errors_are_shown_again_as_they_change(
    api: FakeApi, wavebreak: Terminal, clock: Clock
) -> None:
    breaker = {"drs": {"state": "open", "failures": 5}}
    open_one = problem(503, "UNAVAILABLE", "Unavailable", "drs is open", circuit_breakers=breaker)
    api.answers["GET", "/health"] = (200, {"status": "healthy", "circuit_breakers": {"drs": {"state": "closed"}}})
    api.faults = [Fault(503, open_one)]
    clock.interrupt_at = 3
    outcome = wavebreak("health", "-w")
    assert outcome.exit_code == 130
    assert (outcome.out.count("open"), outcome.out.count("closed")) == (1, 1), "a degraded Wavebreak answers, too"
    assert outcome.err == ""
    api.answers["GET", "/errors/summary"] = (200, {"total": 0, "bySeverity": {}, "byCategory": {}})
    clock.slept.clear()
    assert wavebreak("errors", "--summary", "-w").exit_code == 130
    assert len([request for request in api.requests if request.path == "/errors/summary"]) == 3


def test_the_end_of_a_trail_is_what_a_small_terminal_shows(api: FakeApi, wavebreak: Terminal, clock: Clock) -> None:
    trail = [{"sequence": number, "type": f"EVENT_{number}", "actor": "ana"} for number in range(1, 41)]
    api.listed[EVENTS] = trail
    wavebreak.live = True
    clock.interrupt_at = 1
    output = wavebreak("events", DRILL, "-w").out
    assert "… 17 earlier events" in output
    assert "EVENT_40" in output
    assert "EVENT_17" not in output
    assert wavebreak("events", DRILL, "-w", "--verify").exit_code == 3
