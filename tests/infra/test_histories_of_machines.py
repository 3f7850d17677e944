"""What the machines write into a history, and what they hand on, against the limits of Step Functions.

An execution ends at 25,000 events, and a payload has 256 KiB.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
from tools.template import ROOT, definition, load

from wavebreak.app import App
from wavebreak.aws.ssm import DELIVERY_SECONDS
from wavebreak.domain.commands import concurrency
from wavebreak.domain.commands.catalogue import MAX_TIMEOUT_SECONDS
from wavebreak.use_cases import forward_to_target

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

HISTORY_EVENTS = 25_000
PAYLOAD_BYTES = 256 * 1024
ITERATION = ("MapIterationStarted", "MapIterationSucceeded")
EVENTS = {
    "Task": ("Entered", "TaskScheduled", "TaskStarted", "TaskSucceeded", "Exited"),
    "Choice": ("Entered", "Exited"),
    "Pass": ("Entered", "Exited"),
    "Map": ("Entered", "MapStateStarted", "MapStateSucceeded", "Exited"),
    "Succeed": ("Entered", "Exited", "ExecutionSucceeded"),
    "Fail": ("Entered", "ExecutionFailed"),
}
"""Events that a state writes which does what it is there for, by its type."""
REPEAT = ("TaskScheduled", "TaskStarted", "TaskFailed")
"""What each further try of a task writes."""

COMMAND = definition(ROOT / "statemachine" / "command.asl.json")
MAPS = {name: state for name, state in COMMAND["States"].items() if state["Type"] == "Map"}
by_map = pytest.mark.parametrize("item", [state["ItemProcessor"] for state in MAPS.values()], ids=MAPS)


def repeats(task: Json) -> int:
    return sum(int(retry["MaxAttempts"]) for retry in task.get("Retry", [])) * len(REPEAT)


def written(state: Json) -> int:
    return len(EVENTS[state["Type"]])


def path(item: Json, *choices: str) -> Iterator[Json]:
    """Give the states of an item's way to its end; each Choice on it goes where `choices` tells next."""
    told = iter(choices)
    name: str | None = item["StartAt"]
    while name is not None:
        state = item["States"][name]
        yield state
        name = next(told, None) if state["Type"] == "Choice" else state.get("Next")


@by_map
def test_a_target_costs_the_events_that_the_code_counts(item: Json) -> None:
    run, ended, last = path(item, *(name for name in item["States"] if name.startswith("NextTarget")))
    assert ended["Default"] == item["StartAt"], "the way back is one task and one choice"
    first = len(ITERATION) + sum(map(written, (run, ended, last)))
    assert (first, written(run) + written(ended)) == (
        concurrency.EVENTS_PER_TARGET,
        concurrency.EVENTS_PER_FURTHER_ROUND,
    )


@by_map
def test_a_lost_target_costs_the_events_that_the_code_counts(item: Json) -> None:
    run = item["States"][item["StartAt"]]
    (caught,) = run["Catch"]
    lost = item["States"][caught["Next"]]
    last = item["States"][lost["Next"]]
    assert lost["Catch"][0]["Next"] == lost["Next"], "one that cannot be recorded ends likewise"
    all_in_all = len(ITERATION) + sum(written(state) for state in (run, lost, last)) + repeats(run) + repeats(lost)
    assert all_in_all == concurrency.EVENTS_PER_TARGET + concurrency.EVENTS_PER_LOSS


def test_a_target_is_watched_no_longer_than_the_code_counts() -> None:
    (patience,) = (field.default for field in fields(App) if field.name == "agent_patience_seconds")
    assert isinstance(patience, int)
    assert patience + DELIVERY_SECONDS + forward_to_target._GRACE.total_seconds() <= concurrency.WAITING_SECONDS


def test_the_machines_own_steps_fit_beside_its_largest_inline_map() -> None:
    own = [state for state in COMMAND["States"].values() if "ItemProcessor" not in state]
    most = sum(written(state) + repeats(state) for state in own) + written(MAPS["OneByOne"])
    assert concurrency.MAX_INLINE_EVENTS + most + 1 < HISTORY_EVENTS


def test_one_target_alone_fits_into_a_history_of_its_own_however_long_it_runs() -> None:
    """At scale each target has a history, and no Map could make that smaller."""
    assert concurrency.most_events(MAX_TIMEOUT_SECONDS) < HISTORY_EVENTS
    assert not concurrency.needs_distributed_map(1, MAX_TIMEOUT_SECONDS)


def test_the_list_of_an_inline_map_fits_into_a_payload() -> None:
    most = concurrency.MAX_INLINE_EVENTS // concurrency.most_events(1)
    assert concurrency.needs_distributed_map(most + 1, 1)
    assert len(json.dumps(list(range(1, most + 1)))) < PAYLOAD_BYTES / 100


def test_a_recovery_hands_over_before_its_history_is_full() -> None:
    """A look counts one, and so does each wave that is started: `rounds` of the machine's Observe."""
    states = definition(ROOT / "statemachine" / "recovery.asl.json")["States"]
    assert "$rounds + 1 + $count($states.result.Payload.waves)" in states["Observe"]["Assign"]["rounds"]
    (wave,) = states["StartWaves"]["ItemProcessor"]["States"].values()
    look = sum(written(states[name]) for name in ("Observe", "Sleep", "Decide"))
    started = [
        look + written(states["StartWaves"]) + waves * (len(ITERATION) + written(wave)) for waves in range(1, 300)
    ]
    costs = [look, *(events / (1 + waves) for waves, events in enumerate(started, start=1))]
    longest = load()["Parameters"]["RenewAfterRounds"]["MaxValue"]
    assert max(costs) * longest < 0.75 * HISTORY_EVENTS, "what is tried again needs some"


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
