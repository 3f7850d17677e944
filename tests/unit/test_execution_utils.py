from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from wavebreak.execution_utils import (
    ACTIVE_WAVE_STATUSES,
    ENDED_WAVE_STATUSES,
    EXECUTION_TRANSITIONS,
    TERMINAL_STATUSES,
    TERMINATION_TRANSITIONS,
    WAVE_TRANSITIONS,
    ExecutionStatus,
    TerminationStatus,
    WaveStatus,
    can_terminate_execution,
    display_of_execution,
    display_of_wave,
    final_status,
    is_terminal,
    normalize_execution_status,
    normalize_wave_status,
)

RUNNING_WORDS = ["PENDING", "IN_PROGRESS", "PAUSED", "CANCELLING"]
EXECUTION_WORDS = [*RUNNING_WORDS, "COMPLETED", "PARTIAL_SUCCESS", "FAILED", "CANCELLED"]
WAVE_WORDS = ["NOT_STARTED", "AWAITING_APPROVAL", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED", "SKIPPED"]
WAVE_READING = {
    **{word: word for word in WAVE_WORDS},
    **dict.fromkeys(["PENDING", "INITIATED", "STARTED", "LAUNCHING", "POLLING", "RUNNING"], "IN_PROGRESS"),
    "LAUNCHED": "COMPLETED",
    "TIMEOUT": "FAILED",
    "TIMED_OUT": "FAILED",
}


def in_every_case(word: str) -> Iterator[str]:
    yield from (word, word.lower(), word.title(), word.swapcase(), f" {word.capitalize()} ")


def test_s2_1_the_statuses_are_those_of_the_contract() -> None:
    assert [status.value for status in ExecutionStatus] == EXECUTION_WORDS
    assert [status.value for status in WaveStatus] == WAVE_WORDS
    assert {"COMPLETED", "CANCELLED", "FAILED", "PARTIAL_SUCCESS"} == TERMINAL_STATUSES
    assert {"AWAITING_APPROVAL", "IN_PROGRESS"} == ACTIVE_WAVE_STATUSES


@pytest.mark.parametrize("status", ExecutionStatus)
def test_s2_1_an_execution_ends_by_itself_only_where_the_terminal_statuses_say(status: ExecutionStatus) -> None:
    assert is_terminal(status) is (status in TERMINAL_STATUSES)
    assert (EXECUTION_TRANSITIONS[status] <= {ExecutionStatus.IN_PROGRESS}) is is_terminal(status)


@pytest.mark.parametrize("word", EXECUTION_WORDS)
def test_s2_1_execution_statuses_read_in_any_letter_case(word: str) -> None:
    assert {normalize_execution_status(text) for text in in_every_case(word)} == {ExecutionStatus(word)}


@pytest.mark.parametrize("text", ["PARTIAL", "partial", "Partial"])
def test_s2_10_a_legacy_partial_reads_as_partial_success(text: str) -> None:
    assert normalize_execution_status(text) is ExecutionStatus.PARTIAL_SUCCESS


@pytest.mark.parametrize("value", [None, "", "ENDED", 7, "__class__", [], {"a": 1}])
def test_s2_1_an_unknown_execution_status_is_none_and_not_terminal(value: object) -> None:
    assert normalize_execution_status(value) is None
    assert not is_terminal(normalize_execution_status(value))


@pytest.mark.parametrize(("word", "meaning"), WAVE_READING.items())
def test_s2_6_wave_words_old_and_new_read_in_any_letter_case(word: str, meaning: str) -> None:
    for text in in_every_case(word):
        assert normalize_wave_status(text) is WaveStatus(meaning)


@pytest.mark.parametrize("value", [None, "", "  ", "UNHEARD_OF", 3, [], {"status": "COMPLETED"}])
def test_s2_6_an_unknown_or_missing_wave_status_is_not_started(value: object) -> None:
    assert normalize_wave_status(value) is WaveStatus.NOT_STARTED


def test_s2_6_a_member_reads_as_itself() -> None:
    assert [normalize_wave_status(status) for status in WaveStatus] == list(WaveStatus)


def test_s2_6_the_wave_transitions_are_those_of_the_contract() -> None:
    assert {old.value: {new.value for new in after} for old, after in WAVE_TRANSITIONS.items()} == {
        "NOT_STARTED": {"AWAITING_APPROVAL", "IN_PROGRESS", "SKIPPED", "CANCELLED"},
        "AWAITING_APPROVAL": {"IN_PROGRESS", "FAILED", "SKIPPED", "CANCELLED"},
        "IN_PROGRESS": {"COMPLETED", "FAILED", "CANCELLED"},
        "FAILED": {"IN_PROGRESS", "AWAITING_APPROVAL", "SKIPPED"},
        "COMPLETED": set(),
        "CANCELLED": set(),
        "SKIPPED": set(),
    }
    assert {"COMPLETED", "FAILED", "CANCELLED", "SKIPPED"} == ENDED_WAVE_STATUSES


def test_s2_1_the_execution_transitions_are_those_of_the_table() -> None:
    """Nothing of a PENDING execution has launched; a cancelled one never reads as FAILED; COMPLETED stays for good."""
    assert {old.value: {new.value for new in after} for old, after in EXECUTION_TRANSITIONS.items()} == {
        "PENDING": {"IN_PROGRESS", "PAUSED", "CANCELLING", "CANCELLED", "COMPLETED"},
        "IN_PROGRESS": {"PAUSED", "CANCELLING", "COMPLETED", "PARTIAL_SUCCESS", "FAILED", "CANCELLED"},
        "PAUSED": {"IN_PROGRESS", "CANCELLING", "COMPLETED", "PARTIAL_SUCCESS", "FAILED", "CANCELLED"},
        "CANCELLING": {"COMPLETED", "PARTIAL_SUCCESS", "CANCELLED"},
        "FAILED": {"IN_PROGRESS"},
        "PARTIAL_SUCCESS": {"IN_PROGRESS"},
        "COMPLETED": set(),
        "CANCELLED": set(),
    }


def test_only_an_incomplete_clean_up_may_be_asked_for_again() -> None:
    assert {old.value: {new.value for new in after} for old, after in TERMINATION_TRANSITIONS.items()} == {
        "NOT_REQUESTED": {"IN_PROGRESS"},
        "IN_PROGRESS": {"COMPLETED", "INCOMPLETE"},
        "INCOMPLETE": {"IN_PROGRESS"},
        "COMPLETED": set(),
    }


def test_transition_tables_name_every_status() -> None:
    assert EXECUTION_TRANSITIONS.keys() == set(ExecutionStatus)
    assert WAVE_TRANSITIONS.keys() == set(WaveStatus)
    assert TERMINATION_TRANSITIONS.keys() == set(TerminationStatus)


ENDINGS = [
    (waves, has_job, cancelled)
    for size in range(1, 4)
    for waves in product(WaveStatus, repeat=size)
    for has_job in (False, True)
    for cancelled in (False, True)
]


def expected_ending(waves: tuple[WaveStatus, ...], has_job: bool, cancelled: bool) -> str:
    """The four rules, told by the contract's words and not by the code's."""
    words = [wave.value for wave in waves]
    rules = [
        (set(words) <= {"COMPLETED", "SKIPPED"}, "COMPLETED"),
        (words.count("COMPLETED") > 0 and has_job, "PARTIAL_SUCCESS"),
        (cancelled, "CANCELLED"),
        (True, "FAILED"),
    ]
    return next(status for holds, status in rules if holds)


def test_s2_2_s2_3_s2_4_every_ending_of_up_to_three_waves() -> None:
    for waves, has_job, cancelled in ENDINGS:
        found = final_status(iter(waves), has_job=has_job, cancel_accepted=cancelled)
        assert found == expected_ending(waves, has_job, cancelled), (waves, has_job, cancelled)
        assert is_terminal(found)


@pytest.mark.parametrize(
    ("waves", "has_job", "cancelled", "ending"),
    [
        ("CANCELLED CANCELLED CANCELLED", False, True, "CANCELLED"),
        ("COMPLETED CANCELLED CANCELLED", True, True, "PARTIAL_SUCCESS"),
        ("COMPLETED FAILED NOT_STARTED", True, False, "PARTIAL_SUCCESS"),
        ("FAILED NOT_STARTED NOT_STARTED", True, False, "FAILED"),
        ("SKIPPED CANCELLED CANCELLED", True, True, "CANCELLED"),
        ("SKIPPED FAILED NOT_STARTED", True, False, "FAILED"),
        ("COMPLETED SKIPPED COMPLETED", True, True, "COMPLETED"),
    ],
)
def test_s2_11_endings_by_example(waves: str, has_job: bool, cancelled: bool, ending: str) -> None:
    words = [WaveStatus(word) for word in waves.split()]
    assert final_status(words, has_job=has_job, cancel_accepted=cancelled) == ending


ACTIVE = {"status": "IN_PROGRESS", "jobId": "drsjob-1"}
LAUNCHED = {"status": "COMPLETED", "jobId": "drsjob-1"}
NOT_OVER = "Execution not in terminal state"
NO_INSTANCES = "No recovery instances found"
GONE = "Instances already terminated"
STILL_ACTIVE = "Waves still active"


@pytest.mark.parametrize(
    ("shown", "reason", "has_instances"),
    [
        ({}, NOT_OVER, False),
        ({"status": None, "waves": None}, NOT_OVER, False),
        ({"status": "unheard-of", "waves": [LAUNCHED]}, NOT_OVER, True),
        ({"status": "CANCELLING", "waves": [LAUNCHED], "instancesTerminated": True}, NOT_OVER, True),
        ({"status": "COMPLETED"}, NO_INSTANCES, False),
        ({"status": "FAILED", "waves": None}, NO_INSTANCES, False),
        ({"status": "CANCELLED", "waves": []}, NO_INSTANCES, False),
        ({"status": "CANCELLED", "waves": [{}, None, {"jobId": None}, {"jobId": ""}]}, NO_INSTANCES, False),
        ({"status": "CANCELLED", "waves": [{"status": "CANCELLED"}], "instancesTerminated": True}, NO_INSTANCES, False),
        ({"status": "PARTIAL_SUCCESS", "waves": [ACTIVE], "instancesTerminated": True}, GONE, True),
        ({"status": "FAILED", "waves": [ACTIVE], "instancesTerminated": True}, GONE, True),
        ({"status": "FAILED", "waves": [ACTIVE]}, STILL_ACTIVE, True),
        ({"status": "COMPLETED", "waves": [LAUNCHED, {"status": "polling"}]}, STILL_ACTIVE, True),
        ({"status": "completed", "waves": [LAUNCHED, {"status": "awaiting_approval"}]}, STILL_ACTIVE, True),
        ({"status": "CANCELLED", "waves": [ACTIVE]}, None, True),
        ({"status": "PARTIAL_SUCCESS", "waves": [ACTIVE, LAUNCHED]}, None, True),
        ({"status": "PARTIAL", "waves": [LAUNCHED]}, None, True),
        ({"status": "partial", "waves": [ACTIVE], "instancesTerminated": False}, None, True),
        ({"status": "FAILED", "waves": [{"jobId": "drsjob-1"}]}, None, True),
        ({"status": "failed", "waves": [{"status": "FAILED", "jobId": "drsjob-1"}, None]}, None, True),
        ({"status": "COMPLETED", "waves": [LAUNCHED], "instancesTerminated": None}, None, True),
    ],
)
def test_s2_7_the_rules_of_termination_in_their_order(
    shown: dict[str, Any], reason: str | None, has_instances: bool
) -> None:
    assert can_terminate_execution(shown) == {
        "canTerminate": reason is None,
        "reason": reason,
        "hasRecoveryInstances": has_instances,
    }


@pytest.mark.parametrize("execution_word", [*EXECUTION_WORDS, "PARTIAL"])
@pytest.mark.parametrize("wave_word", WAVE_READING)
def test_s2_7_every_pair_of_statuses_is_judged_by_the_first_rule_that_holds(
    execution_word: str, wave_word: str
) -> None:
    reason = None
    if execution_word in RUNNING_WORDS:
        reason = NOT_OVER
    elif execution_word in {"FAILED", "COMPLETED"} and WAVE_READING[wave_word] in {"AWAITING_APPROVAL", "IN_PROGRESS"}:
        reason = STILL_ACTIVE
    shown = {"status": execution_word.lower(), "waves": [{"status": wave_word.lower(), "jobId": "drsjob-1"}]}
    assert can_terminate_execution(shown)["reason"] == reason


@pytest.mark.parametrize(
    ("status", "completed", "label", "color", "icon"),
    [
        ("PENDING", 0, "PENDING", "blue", "⟳"),
        ("IN_PROGRESS", 1, "IN PROGRESS", "blue", "⟳"),
        ("PAUSED", 1, "PAUSED", "blue", "⟳"),
        ("CANCELLING", 1, "CANCELLING", "blue", "⟳"),
        ("COMPLETED", 3, "COMPLETED", "green", "✓"),
        ("PARTIAL_SUCCESS", 1, "PARTIAL SUCCESS (1 of 3 waves completed)", "orange", "⚠️"),
        ("PARTIAL_SUCCESS", 2, "PARTIAL SUCCESS (2 of 3 waves completed)", "orange", "⚠️"),
        ("FAILED", 0, "FAILED", "red", "✗"),
        ("CANCELLED", 0, "CANCELLED", "red", "🛑"),
        ("CANCELLED", 1, "CANCELLED (1 of 3 waves completed)", "red", "🛑"),
    ],
)
def test_s2_8_the_card_of_every_execution_status(
    status: str, completed: int, label: str, color: str, icon: str
) -> None:
    shown = display_of_execution(ExecutionStatus(status), completed_waves=completed, total_waves=3)
    assert shown == {"label": label, "color": color, "icon": icon}


def test_s2_8_the_badge_of_every_wave_status() -> None:
    assert {status.value: " ".join(display_of_wave(status).values()) for status in WaveStatus} == {  # type: ignore[arg-type]  # a TypedDict of strings
        "COMPLETED": "Completed green ✓",
        "FAILED": "Failed red ✗",
        "CANCELLED": "Cancelled gray ⊘",
        "IN_PROGRESS": "In Progress blue ⟳",
        "NOT_STARTED": "Not Started gray ○",
        "SKIPPED": "Skipped gray ↷",
        "AWAITING_APPROVAL": "Awaiting Approval orange ⏸",
    }
