"""A command on its way to one target: sent again when it cannot have run, and never when it may have."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.execution_builders import NOW, later

from wavebreak.domain.commands import delivery
from wavebreak.domain.commands.runs import CommandRun, CommandTarget, TargetState
from wavebreak.site import Site
from wavebreak.timing import Timing
from wavebreak.values import replace

TIMING = Timing()
HALF = Timing(scale=0.5)
WAITING = CommandTarget(7, "s-7", "i-7", Site("123456789012", "eu-west-1"))


def run_of(patience: int = 600) -> CommandRun:
    return CommandRun("cmd-1", "drill-1", "status", (), "me", NOW, 300, 20, patience_seconds=patience)


def tried(times: int, now: datetime = NOW) -> CommandTarget:
    """A target that was intended and refused so often."""
    target = WAITING
    for _ in range(times):
        target = delivery.postponed(delivery.intended(target, now, "r1w1"), now, TIMING, late=True)
    return target


def test_an_intent_names_its_sender_and_counts_the_tries() -> None:
    first = delivery.intended(WAITING, NOW, "r1w3")
    assert (first.state, first.sender, first.tries, first.intended_at) == (TargetState.SENDING, "r1w3", 1, NOW)
    again = delivery.intended(delivery.postponed(first, NOW, TIMING, late=True), later(9), "r2w1")
    assert (again.sender, again.tries, again.intended_at, again.due_at) == ("r2w1", 2, later(9), None)


def test_each_try_has_a_comment_of_its_own_so_that_none_is_taken_for_another() -> None:
    comments = []
    target = WAITING
    for _ in range(3):
        target = delivery.intended(target, NOW, "r1w1")
        comments.append(delivery.comment(run_of(), target))
        target = delivery.postponed(target, NOW, TIMING, late=True)
    assert comments == ["wavebreak cmd-1 7", "wavebreak cmd-1 7 try 2", "wavebreak cmd-1 7 try 3"]
    longest = replace(run_of(), command_id="cmd-" + "0" * 26 + "-w080a10r999")
    assert len(delivery.comment(longest, replace(WAITING, number=4000, tries=999))) <= 100, "what SSM takes"


def test_b1_a_lost_answer_is_looked_for_from_the_moment_it_was_lost() -> None:
    intent = delivery.intended(WAITING, NOW, "r1w1")
    lost = delivery.answer_lost(intent, later(11))
    assert delivery.shows_up_by(run_of(), lost) == later(11) + delivery.SETTLE
    assert delivery.shows_up_by(run_of(), intent) > later(delivery.SENDER_SECONDS), "its sender may still be sending"
    assert delivery.intended(delivery.not_sent(lost), later(30), "r1w1").lost_at is None


def test_the_pauses_grow_and_are_never_longer_than_a_minute() -> None:
    assert delivery.postponed(WAITING, NOW, TIMING, late=True).due_at == NOW, "at once, when its agent comes"
    pauses = [tried(times).due_at for times in range(1, 7)]
    assert pauses == [later(seconds) for seconds in (5, 10, 20, 40, 60, 60)]
    due = tried(2)
    assert [delivery.is_due(due, later(seconds)) for seconds in (9, 10)] == [False, True]
    assert delivery.is_due(WAITING, NOW)


def test_nothing_of_a_send_that_did_not_arrive_is_kept() -> None:
    target = delivery.sent(delivery.intended(WAITING, NOW, "r1w1"), "0f6b", later(1))
    assert (target.state, target.ssm_command_id, target.sent_at) == (TargetState.SENT, "0f6b", later(1))
    again = delivery.postponed(target, later(60), TIMING, late=True)
    assert (again.state, again.ssm_command_id, again.sent_at, again.intended_at) == (
        TargetState.POSTPONED,
        None,
        None,
        None,
    )


@pytest.mark.parametrize("patience", [120, 600])
@pytest.mark.parametrize("timing", [TIMING, HALF])
def test_patience_counts_from_the_first_time_that_the_agent_did_not_answer(patience: int, timing: Timing) -> None:
    run = run_of(patience)
    late = delivery.postponed(WAITING, later(40), timing, late=True)
    flapped = delivery.postponed(delivery.intended(late, later(50), "r1w1"), later(50), timing, late=True)
    over = later(40) + timedelta(seconds=patience * timing.scale)
    for target in (late, flapped):
        assert not delivery.patience_is_over(run, target, over - timedelta(seconds=1), timing)
        assert delivery.patience_is_over(run, target, over, timing)


def test_what_ssm_itself_refuses_for_now_is_no_impatience_with_the_agent() -> None:
    throttled = delivery.postponed(delivery.intended(WAITING, NOW, "r1w1"), NOW, TIMING, late=False)
    assert throttled.late_since is None
    assert not delivery.patience_is_over(run_of(), throttled, later(10**6), TIMING)


@given(st.integers(0, 30), st.booleans())
def test_a_target_is_written_down_and_read_back(times: int, sent: bool) -> None:
    target = tried(times)
    if sent:
        target = delivery.answer_lost(delivery.intended(target, later(1), "r1w1"), later(2))
    assert CommandTarget.read(target.record()) == target


def test_a_target_of_an_older_version_is_read() -> None:
    record = WAITING.record()
    for name in ("sender", "tries", "lostAt", "lateSince", "dueAt"):
        del record[name]
    assert CommandTarget.read(record) == WAITING
