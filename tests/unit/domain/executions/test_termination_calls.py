"""Which calls end instances, and what is left to others."""

import pytest
from tests.support.execution_builders import (
    NOW,
    TIMING,
    instance_id,
    job_id,
    later,
    seen,
)
from tests.support.terminations import (
    ACT,
    decide,
    ended,
    left,
    read,
    reasons,
    shown,
    terminate_job,
    terminating,
    with_ending,
)
from tests.support.two_instances import ONE, TWO, D, E, T, W, twice

from wavebreak.domain.executions.batch_search import Suspicion
from wavebreak.domain.executions.ending import termination
from wavebreak.domain.executions.ending.standings import MAX_ATTEMPTS
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.observing.instances import terminate_jobs
from wavebreak.domain.executions.observing.launches import JobView, Observation
from wavebreak.site import Site

BY_US = seen(job901=JobView(completed=True))


class TestCalls:
    def test_what_is_alive_is_terminated_and_counted_down_to_completed(self) -> None:
        after, directive = decide(terminating(), read(1, 2))
        assert (directive, left(after)) == (D.TERMINATE, (0, [ONE, TWO], []))
        called = after.with_job(terminate_job(1, 1, 2))
        after, directive = decide(called, read(2), later(30))
        assert (directive, left(after)) == (D.SLEEP, (0, [ONE, TWO], []))
        assert reasons(after)[TWO] == f"DRS job {job_id(901)} is to terminate it"
        after, directive = decide(after, read(), later(90))
        assert (directive, left(after)) == (D.SLEEP, (1, [TWO], []))
        after, directive = decide(after, read(), later(150))
        assert (directive, after.termination.status, left(after)) == (D.FINISH, T.COMPLETED, (2, [], []))

    def test_waves_of_every_status_count(self) -> None:
        every = ended(E.PARTIAL_SUCCESS, W.COMPLETED, W.FAILED, W.CANCELLED, W.SKIPPED)
        asked = termination.request(every, ACT)
        due = termination.due_at(asked, Site(), read(1, 2, 3, 4), NOW, TIMING)
        assert [server.recovery_instance_id for server in due] == [instance_id(number) for number in (1, 2, 3, 4)]

    def test_b3_what_shuts_down_is_not_asked_for_again(self) -> None:
        called = terminating().with_job(terminate_job(1, 1, 2))
        going = read(shown(1, "SHUTTING-DOWN"), shown(2, "SHUTTING-DOWN"), jobs=BY_US)
        after, directive = decide(called, going, later(6))
        assert (directive, set(reasons(after).values())) == (D.SLEEP, {"It shuts down"})
        after, directive = decide(after, read(shown(1, "SHUTTING-DOWN"), shown(2, "SHUTTING-DOWN")), later(600))
        assert (directive, after.termination.status) == (D.SLEEP, T.IN_PROGRESS)

    def test_an_instance_gets_another_job_only_a_minute_after_its_last_has_ended(self) -> None:
        called = terminating().with_job(terminate_job(1, 1, 2))
        after, directive = decide(called, read(1, 2, jobs=BY_US), later(6))
        assert directive is D.SLEEP
        assert (
            reasons(after)[ONE]
            == f"DRS job {job_id(901)}, which was to terminate it, has ended, and DRS still shows it"
        )
        assert decide(after, read(1, 2), later(65))[1] is D.SLEEP
        assert decide(after, read(1, 2), later(66))[1] is D.TERMINATE

    def test_a_terminate_job_that_drs_does_not_show_after_a_minute_has_ended(self) -> None:
        called = terminating().with_job(terminate_job(1, 1, 2))
        gone = read(1, jobs=Observation(missing=frozenset({job_id(901)})))
        young, directive = decide(called, gone, later(59))
        assert (directive, next(terminate_jobs(young)).state) == (D.SLEEP, JobState.STARTED)
        after, _ = decide(young, gone, later(60))
        assert next(terminate_jobs(after)).state is JobState.ENDED
        assert decide(after, read(1), later(120))[1] is D.TERMINATE

    def test_what_outlives_its_jobs_is_named_as_incomplete(self) -> None:
        current = terminating()
        for batch in range(1, MAX_ATTEMPTS + 1):
            assert decide(current, read(1, 2), later(600))[1] is D.TERMINATE
            current = current.with_job(terminate_job(batch, 1, 2, state=JobState.ENDED))
        after, directive = decide(current, read(1, 2), later(600))
        assert (directive, after.termination.status, left(after)) == (D.FINISH, T.INCOMPLETE, (0, [ONE, TWO], []))
        assert reasons(after)[ONE] == "3 DRS jobs ended without terminating it"
        again = termination.request(after, ACT)
        assert decide(again, read(1, 2))[1] is D.TERMINATE

    def test_an_intent_without_an_outcome_is_looked_into_when_its_time_is_over(self) -> None:
        intended = terminating().with_job(terminate_job(1, 1, 2, state=JobState.INTENDED))
        assert decide(intended, read(1, 2), later(74))[1] is D.SLEEP
        assert decide(intended, read(1, 2), later(75))[1] is D.TERMINATE
        assert termination.sites_to_call(intended, later(75), TIMING) == (Site(),)

    @pytest.mark.parametrize(
        "waiting",
        [
            {"suspicion": Suspicion("ConflictException: busy", later(60))},
            {"not_before": later(60), "reason": "x"},
        ],
    )
    def test_t2_one_that_has_to_wait_holds_up_no_other(self, waiting: dict[str, object]) -> None:
        current = with_ending(terminating(), 1, **waiting)
        after, directive = decide(current, read(1, 2), later(59))
        assert directive is D.TERMINATE
        assert termination.due_at(after, Site(), read(1, 2), later(59), TIMING) == after.wave(2).servers
        assert len(termination.due_at(after, Site(), read(1, 2), later(60), TIMING)) == 2
        assert reasons(after)[ONE] in {
            "ConflictException: busy",
            "DRS does not report whether it existed before (GetLaunchConfiguration)",
        }
        alone = decide(after.with_job(terminate_job(1, 2)), read(1, 2), later(59))
        assert alone[1] is D.SLEEP

    def test_n42_one_that_is_refused_for_good_ends_incomplete_once_the_others_are_gone(self) -> None:
        words = f"AccessDeniedException: not authorized on {ONE}"
        current = with_ending(terminating(), 1, suspicion=Suspicion(words, NOW, 3), refusals=MAX_ATTEMPTS)
        after, directive = decide(current, read(1, 2), later(9))
        assert directive is D.TERMINATE
        after, directive = decide(after.with_job(terminate_job(1, 2)), read(1), later(60))
        assert directive is D.SLEEP
        after, directive = decide(after, read(1), later(120))
        assert (directive, after.termination.status, reasons(after)) == (D.FINISH, T.INCOMPLETE, {ONE: words})


class TestNotForUs:
    """What we refuse to terminate is named with the reason and what to do."""

    @pytest.mark.parametrize("state", ["FAILBACK_IN_PROGRESS", "FAILBACK_COMPLETED", "FAILBACK_ERROR"])
    def test_t8_an_instance_in_failback_is_left_to_a_person(self, state: str) -> None:
        after, directive = decide(terminating(), read(shown(1, failback=state), 2), later(6))
        assert directive is D.TERMINATE
        assert termination.due_at(after, Site(), read(shown(1, failback=state), 2), later(6), TIMING) == (
            after.wave(2).servers
        )
        after, directive = twice(after.with_job(terminate_job(1, 2)), read(shown(1, failback=state)))
        assert (directive, after.termination.status, left(after)) == (D.FINISH, T.INCOMPLETE, (1, [ONE], []))
        assert reasons(after) == {ONE: f"Its failback is {state}: end or disconnect it in DRS"}

    @pytest.mark.parametrize("state", [None, "FAILBACK_NOT_STARTED"])
    def test_t8_a_failback_that_was_never_begun_is_none(self, state: str | None) -> None:
        due = termination.due_at(terminating(), Site(), read(shown(1, failback=state)), NOW, TIMING)
        assert [server.recovery_instance_id for server in due] == [ONE]

    def test_t7_an_instance_that_was_launched_into_is_left_to_a_person(self) -> None:
        current = with_ending(terminating(), 1, launched_into=True)
        after, directive = twice(current.with_job(terminate_job(1, 2)), read(1))
        assert (directive, after.termination.status, left(after)) == (D.FINISH, T.INCOMPLETE, (1, [ONE], []))
        assert reasons(after) == {
            ONE: "It existed before and was launched into (launchInto): end or disconnect it in DRS"
        }

    def test_what_a_recovery_holds_is_left_alone_and_named(self) -> None:
        held = {terminating().wave(1).servers[0].source_server_id: "recovery-01x"}
        after, directive = decide(terminating(), read(1, 2, held=held), later(6))
        assert directive is D.TERMINATE
        assert termination.due_at(after, Site(), read(1, 2, held=held), later(6), TIMING) == after.wave(2).servers
        after, directive = twice(after.with_job(terminate_job(1, 2)), read(1, held=held))
        assert (directive, after.termination.status) == (D.FINISH, T.INCOMPLETE)
        assert reasons(after) == {ONE: "held by recovery-01x"}

    def test_a_job_of_ours_is_seen_to_its_end_though_the_instance_is_no_longer_for_us(self) -> None:
        called = terminating().with_job(terminate_job(1, 1, 2))
        after, directive = decide(called, read(shown(1, failback="FAILBACK_IN_PROGRESS"), 2), later(6))
        assert (directive, after.termination.status) == (D.SLEEP, T.IN_PROGRESS)
