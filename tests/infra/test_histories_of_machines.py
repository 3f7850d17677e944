"""What the machines write into a history, and what they hand on, against the limits of Step Functions.

An execution ends at 25,000 events, and a payload has 256 KiB.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from tools.template import ROOT, definition, load

from wavebreak.domain.commands import concurrency, delivery
from wavebreak.domain.commands.catalogue import MAX_CONCURRENCY, CommandMode
from wavebreak.domain.executions.engine import MAX_WAVES_A_ROUND
from wavebreak.domain.steps import lifetime, limits
from wavebreak.use_cases.command_machine.prepare_run import Preparation
from wavebreak.use_cases.command_machine.worker_rounds import WorkerRound

Json = dict[str, Any]

HISTORY_EVENTS = 25_000
ITERATION = ("MapIterationStarted", "MapIterationSucceeded")
EVENTS = {
    "Task": ("Entered", "TaskScheduled", "TaskStarted", "TaskSucceeded", "Exited"),
    "Choice": ("Entered", "Exited"),
    "Pass": ("Entered", "Exited"),
    "Map": ("Entered", "MapStateStarted", "MapStateSucceeded", "Exited"),
    "Wait": ("Entered", "Exited"),
    "Succeed": ("Entered", "Exited", "ExecutionSucceeded"),
    "Fail": ("Entered", "ExecutionFailed"),
}
"""Events that a state writes which does what it is there for, by its type."""
REPEAT = ("TaskScheduled", "TaskStarted", "TaskFailed")
"""What each further try of a task writes."""
UNTIL_WOKEN = ".waitForTaskToken"
SUBMITTED = ("TaskSubmitted",)
"""What a task writes beside, that waits for its token."""
RETRIES = "$states.context.State.RetryCount"

COMMAND = definition(ROOT / "statemachine" / "command.asl.json")
MAPS = {name: state for name, state in COMMAND["States"].items() if state["Type"] == "Map"}
by_map = pytest.mark.parametrize("worker", [state["ItemProcessor"] for state in MAPS.values()], ids=MAPS)


def repeats(task: Json) -> int:
    return sum(int(retry["MaxAttempts"]) for retry in task.get("Retry", [])) * len(REPEAT)


def written(state: Json) -> int:
    waits = str(state.get("Resource")).endswith(UNTIL_WOKEN)
    return len(EVENTS[state["Type"]]) + (len(SUBMITTED) if waits else 0)


def of_kind(worker: Json, name: str) -> Json:
    (found,) = (state for key, state in worker["States"].items() if key.startswith(name))
    return dict(found)


@by_map
def test_a_round_costs_the_events_that_the_code_counts(worker: Json) -> None:
    run, ended, last = (of_kind(worker, name) for name in ("RunTarget", "TargetEnded", "NextTarget"))
    assert ended["Default"] == worker["StartAt"], "the way back is one task and one choice"
    assert written(run) + written(ended) == concurrency.EVENTS_PER_ROUND
    assert len(ITERATION) + written(last) == concurrency.EVENTS_PER_WORKER


@by_map
def test_a_lost_round_costs_the_events_that_the_code_counts(worker: Json) -> None:
    run, ended, lose = (of_kind(worker, name) for name in ("RunTarget", "TargetEnded", "LoseTarget"))
    assert lose["Catch"][0]["Next"] == lose["Next"], "one that cannot be recorded goes on likewise"
    most = written(run) + repeats(run) + written(lose) + repeats(lose) + written(ended)
    assert most == concurrency.EVENTS_PER_LOST_ROUND
    assert f"'rounds': $states.result.Payload.rounds + {RETRIES}" in run["Output"], (
        "what worked in the end was tried, too"
    )
    assert len(REPEAT) <= concurrency.EVENTS_PER_ROUND
    (caught,) = run["Catch"]
    assert caught["Output"]["rounds"] == f"{{% $states.input.rounds + {concurrency.LOST_ROUNDS} %}}"


@by_map
def test_a_worker_whose_function_never_works_comes_to_its_end(worker: Json) -> None:
    """Nothing that the function could say is needed for it."""
    lose = of_kind(worker, "LoseTarget")
    assert lose["Catch"][0]["Output"]["ended"] == "{% $states.input.rounds >= $states.input.most %}"


@pytest.mark.parametrize("workers", range(1, 11))
def test_all_that_a_machine_writes_fits_into_its_history_with_room_for_repeats(workers: int) -> None:
    own = [state for state in COMMAND["States"].values() if "ItemProcessor" not in state]
    itself = sum(written(state) + repeats(state) for state in own) + written(MAPS["TenAtATime"]) + 1
    a_worker = (
        concurrency.EVENTS_PER_WORKER
        + concurrency.rounds_of_a_worker(workers) * concurrency.EVENTS_PER_ROUND
        + concurrency.EVENTS_PER_LOST_ROUND  # the last one, begun within the budget
    )
    most = itself + workers * a_worker
    assert most < 0.75 * HISTORY_EVENTS


def test_as_many_run_at_a_time_as_there_may() -> None:
    assert {name: state["MaxConcurrency"] for name, state in MAPS.items()} == {
        "TenAtATime": MAX_CONCURRENCY[CommandMode.PARALLEL],
        "OneByOne": MAX_CONCURRENCY[CommandMode.SEQUENTIAL],
    }
    assert "DISTRIBUTED" not in json.dumps(COMMAND)


def test_what_the_machine_carries_is_as_small_for_four_thousand_targets_as_for_ten() -> None:
    plan = Preparation(99, sequential=False, first=tuple(range(3991, 4001)))
    turn = WorkerRound("cmd-" + "0" * 26 + "-w080a10r99", 99, 10, 4000, 2142, 2142)
    assert len(json.dumps(plan.output())) < 450
    assert len(json.dumps(turn.output())) < 200


RECOVERY = definition(ROOT / "statemachine" / "recovery.asl.json")["States"]
A_WAVE = 3
"""Rounds that a wave counts for which is started, or has a command started: its task may be tried again, too."""


def path(*names: str, refused: str = "") -> int:
    """Count what a machine writes that goes this way; a refused sleep leaves no task behind that waits."""
    return sum(written(RECOVERY[name]) for name in names) - (len(SUBMITTED) if refused in names else 0)


def of_waves(name: str, waves: int) -> int:
    """Count what the tasks of a map over waves write, with every repeat."""
    (task,) = RECOVERY[name]["ItemProcessor"]["States"].values()
    return waves * (len(ITERATION) + written(task) + repeats(task))


def counted() -> dict[str, tuple[int, int]]:
    """Give each way through the machine: its events, and for how many rounds it counts."""
    ways = {
        "idle": (path("Observe", "Sleep"), 1),
        "brief": (path("Observe", "Sleep", "Decide", "SleepBriefly", refused="Sleep"), 1),
    }
    for waves in range(1, MAX_WAVES_A_ROUND + 1):
        rounds = 1 + A_WAVE * waves
        starts = path("Observe", "Sleep", "Decide", "StartWaves", "SleepBriefly", refused="Sleep")
        ways[f"start {waves}"] = (starts + of_waves("StartWaves", waves), rounds)
        commands = path("Observe", "Sleep", "Decide", "RunCommands", refused="Sleep")
        ways[f"command {waves}"] = (commands + of_waves("RunCommands", waves), rounds)
    return ways


def test_the_ways_of_a_recovery_machine_are_those_of_its_definition() -> None:
    assert {RECOVERY[name]["Next"] for name in ("Sleep", "SleepBriefly", "RunCommands")} == {"Observe"}
    assert [RECOVERY[name]["Next"] for name in ("Observe", "StartWaves")] == ["Sleep", "SleepBriefly"]
    decided = {choice["Next"] for choice in RECOVERY["Decide"]["Choices"]}
    assert decided == {"StartWaves", "RunCommands", "Finalise", "Renew", "StandDown", "SleepBriefly"}
    assert counted()["brief"] == (18, 1)


@pytest.mark.parametrize("name", ["Sleep", "SleepBriefly"])
def test_what_a_sleep_was_tried_again_counts_however_it_ended(name: str) -> None:
    ends = [RECOVERY[name], *(each for each in RECOVERY[name]["Catch"] if each["Next"] != "RecordFailure")]
    assert [each["Assign"]["rounds"] for each in ends] == [f"{{% $rounds + {RETRIES} %}}"] * 3


def test_a_recovery_hands_over_before_its_history_is_full() -> None:
    """A look counts one, and so does each further try of a task; a wave that is started counts three."""
    look = f"$rounds + 1 + {A_WAVE} * $count($states.result.Payload.waves) + {RETRIES}"
    assert RECOVERY["Observe"]["Assign"]["rounds"] == f"{{% {look} %}}"
    costs = {way: events / rounds for way, (events, rounds) in counted().items()}
    dearest = max(*costs.values(), len(REPEAT))
    longest = int(load()["Parameters"]["RenewAfterRounds"]["MaxValue"])
    last = max(events for events, _ in counted().values()) + sum(
        repeats(RECOVERY[name]) for name in ("Observe", "Sleep")
    )
    once = ("Begin", "Finalise", "Ended", "Renew", "StandDown", "Done", "RecordFailure", "Failed")
    itself = sum(written(RECOVERY[name]) + repeats(RECOVERY[name]) for name in once)
    assert dearest * longest + last + itself < 0.8 * HISTORY_EVENTS


@pytest.mark.parametrize("name", ["recovery", "termination", "command"])
def test_states_hand_on_ids_and_numbers_never_what_they_were_given(name: str) -> None:
    """What a task answers could grow with a plan: each state says what it hands on."""

    def check(machine: Json) -> None:
        for state_name, state in machine["States"].items():
            if state["Type"] not in {"Choice", "Succeed", "Fail"}:
                assert "Output" in state, state_name
            if "ItemProcessor" in state:
                assert state["Output"] == {}, f"{state_name} would hand on the results of all its items"
                check(state["ItemProcessor"])

    check(definition(ROOT / "statemachine" / f"{name}.asl.json"))


def test_a_step_hands_over_before_its_history_is_full() -> None:
    states = definition(ROOT / "statemachine" / "step.asl.json")["States"]
    a_round = sum(written(states[name]) for name in ("WatchAutomation", "AutomationEnded", "WaitForAutomation"))
    assert a_round == lifetime.EVENTS_PER_ROUND
    assert states["WatchAutomation"]["Assign"]["rounds"] == f"{{% $rounds + 1 + {RETRIES} %}}"
    itself = sum(written(state) + repeats(state) for state in states.values())
    assert itself + a_round * lifetime.MOST_ROUNDS < 0.75 * HISTORY_EVENTS


def test_what_a_step_carries_is_its_id_and_what_its_function_is_given_and_answers() -> None:
    """The one machine whose payloads are the users': their size is looked at before it begins."""
    states = definition(ROOT / "statemachine" / "step.asl.json")["States"]
    for name, state in states.items():
        if state["Type"] not in {"Choice", "Succeed", "Fail"}:
            assert state["Output"] == {}, name
    assert limits.MAX_EVENT_BYTES < 0.8 * 256 * 1024


def test_who_sends_is_over_when_the_code_holds_it_to_be() -> None:
    function = load()["Resources"]["RunTargetFunction"]["Properties"]
    assert function["Timeout"] == delivery.SENDER_SECONDS
    assert function["Timeout"] > concurrency.ROUND_SECONDS
