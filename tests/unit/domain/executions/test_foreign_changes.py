"""Contract 13: other people's change of a launch template during a drill is noticed, kept and told."""

from __future__ import annotations

from tests.support.execution_builders import execution, wave
from tests.support.sample_messages import AuditedExecution

from wavebreak.domain.executions.model.executions import Mode, Termination
from wavebreak.domain.executions.networking.foreign_changes import MOST_NAMED, with_foreign_change
from wavebreak.domain.executions.notices import NoticeCode
from wavebreak.domain.notifications.message import Kind
from wavebreak.domain.notifications.text import text_of
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus

CODE = NoticeCode.TEMPLATE_CHANGED_BY_OTHERS
WORDS = "somebody made version 3 the default meanwhile; it has nothing of the drill and stays"


def test_13_a_foreign_change_is_a_warning_of_its_server_and_the_same_one_however_often_it_is_told() -> None:
    once = with_foreign_change(execution(wave(1)), 1, "s-1", "lt-1", WORDS)
    (notice,) = once.warnings
    assert (notice.code, notice.wave, notice.source_server_id) == (CODE, 1, "s-1")
    assert notice.message == f"Launch template lt-1 of s-1: {WORDS}"
    assert with_foreign_change(once, 1, "s-1", "lt-1", WORDS) == once


def test_13_of_many_servers_the_first_few_are_named_and_one_warning_stands_for_the_others() -> None:
    drill = execution(wave(1))
    for number in range(300):
        drill = with_foreign_change(drill, 1, f"s-{number}", f"lt-{number}", WORDS)
    assert len(drill.warnings) == MOST_NAMED + 1
    assert "other servers" in drill.warnings[-1].message
    assert len(with_foreign_change(drill, 2, "s-1", "lt-1", WORDS).warnings) == MOST_NAMED + 2


def test_13_the_messages_of_the_end_and_of_the_termination_say_what_others_changed() -> None:
    story = AuditedExecution("plan", Mode.DRILL).then(1, status=ExecutionStatus.IN_PROGRESS, w1=WaveStatus.IN_PROGRESS)
    story.now = with_foreign_change(story.now, 1, "s-1", "lt-1", WORDS)
    others = dict.fromkeys(("w2", "w3"), WaveStatus.SKIPPED)
    story.then(30, w1=WaveStatus.COMPLETED, status=ExecutionStatus.COMPLETED, **others)
    assert f"Launch template lt-1 of s-1: {WORDS}" in text_of(story.message(Kind.COMPLETED))
    story.then(40, termination=Termination(TerminationStatus.IN_PROGRESS))
    story.then(50, termination=Termination(TerminationStatus.COMPLETED))
    assert f"Launch template lt-1 of s-1: {WORDS}" in text_of(story.message(Kind.TERMINATED))


def test_13_no_other_message_says_it() -> None:
    story = AuditedExecution("plan", Mode.DRILL).then(1, status=ExecutionStatus.IN_PROGRESS, w1=WaveStatus.IN_PROGRESS)
    story.now = with_foreign_change(story.now, 1, "s-1", "lt-1", WORDS)
    story.then(60, w1=WaveStatus.COMPLETED, status=ExecutionStatus.PAUSED)
    assert "lt-1" not in text_of(story.message(Kind.PAUSED))
