"""A termination: when it may be asked for, what it does next, and how it ends (contract 2)."""

import pytest
from tests.support.execution_builders import (
    NOW,
    OPERATOR,
    TIMING,
    execution,
    instance_id,
    job,
    job_id,
    later,
    seen,
    view,
    wave,
)
from tests.support.terminations import (
    ACT,
    WEST,
    decide,
    ec2,
    ended,
    ending,
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
from wavebreak.domain.executions.ending.instances_left import launched_count, remaining, terminated_count
from wavebreak.domain.executions.ending.standings import MAX_ATTEMPTS
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Execution, Termination
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.terminations import EndingOutcome, Hold, InstanceEnding
from wavebreak.domain.executions.observing.instances import Ec2Answer, TerminationObservation
from wavebreak.domain.executions.observing.launches import JobView, Observation, ServerView
from wavebreak.domain.executions.steering import NotAllowedError
from wavebreak.execution_utils import ExecutionStatus
from wavebreak.site import Site
from wavebreak.values import replace

DEADLINE = ACT.at + TIMING.termination_deadline


def without_west(*numbers: int) -> TerminationObservation:
    return replace(read(*numbers), silent=frozenset({WEST}))


class TestRequest:
    @pytest.mark.parametrize("status", [E.COMPLETED, E.CANCELLED])
    def test_s2_7_a_request_begins_the_next_run_and_takes_the_locks(self, status: ExecutionStatus) -> None:
        asked = termination.request(ended(status), ACT)
        assert asked.termination == Termination(T.IN_PROGRESS, attempt=1, requested_at=ACT.at, requested_by=OPERATOR)
        assert (asked.status, asked.holds_locks) == (status, True)
        assert termination.request(asked, Attribution("another", later(9))) is asked

    @pytest.mark.parametrize(
        ("subject", "reason"),
        [
            (replace(ended(), status=E.CANCELLING), "Execution not in terminal state"),
            (execution(wave(1, W.CANCELLED), status=E.CANCELLED), "No recovery instances found"),
            (replace(ended(), termination=Termination(T.COMPLETED)), "Instances already terminated"),
            (ended(E.FAILED, W.FAILED, W.AWAITING_APPROVAL), "Waves still active"),
        ],
    )
    def test_s2_7_a_refused_request_has_the_exact_reason(self, subject: Execution, reason: str) -> None:
        with pytest.raises(NotAllowedError) as refused:
            termination.request(subject, ACT)
        assert str(refused.value) == reason

    def test_s2_7_an_active_wave_does_not_hold_back_a_partial_success(self) -> None:
        asked = termination.request(ended(E.PARTIAL_SUCCESS, W.COMPLETED, W.IN_PROGRESS), ACT)
        assert asked.termination.status is T.IN_PROGRESS

    def test_what_was_not_asked_for_is_finished(self) -> None:
        assert decide(ended(), read(1)) == (ended(), D.FINISH)

    def test_one_asked_for_again_looks_at_everything_again_and_knows_whom_drs_refused(self) -> None:
        before = ended(E.COMPLETED, W.COMPLETED, W.COMPLETED, W.COMPLETED, W.COMPLETED)
        suspicion = Suspicion("ConflictException: busy", later(300), 4)
        known = {
            1: InstanceEnding(EndingOutcome.TERMINATED),
            2: InstanceEnding(EndingOutcome.UNKNOWN, "gone", NOW, launched_into=False),
            3: InstanceEnding(suspicion=suspicion, refusals=3, launched_into=False, not_before=NOW),
            4: InstanceEnding(launched_into=True, reason="It existed before"),
        }
        for number, what in known.items():
            before = before.with_waves(
                [before.wave(number).with_servers(lambda server, what=what: replace(server, ending=what))]  # type: ignore[misc]  # mypy infers no default
            )
        stale = Termination(T.INCOMPLETE, attempt=1, ended_at=NOW, holds=(Hold(later(900), "denied", refusals=3),))
        again = termination.request(replace(before, termination=stale), ACT)
        assert (again.termination.status, again.termination.attempt) == (T.IN_PROGRESS, 2)
        assert (again.termination.holds, again.termination.ended_at) == ((), None)
        assert ending(again, 1) == InstanceEnding(EndingOutcome.TERMINATED)
        assert ending(again, 2) == InstanceEnding()
        assert ending(again, 3) == InstanceEnding(suspicion=replace(suspicion, times=1))
        assert ending(again, 4) == InstanceEnding(launched_into=True)


class TestGone:
    """An instance is gone when DRS shows it TERMINATED, or in two looks a minute apart does not show it."""

    @pytest.mark.parametrize("hidden", [read(), read(shown(1, "NOT_FOUND"), shown(2, "NOT_FOUND"))])
    def test_a3_a_look_that_shows_nothing_ends_nothing(self, hidden: TerminationObservation) -> None:
        after, directive = decide(terminating(), hidden, later(6))
        assert (directive, left(after)) == (D.SLEEP, (0, [ONE, TWO], []))
        after, directive = decide(after, hidden, later(65))
        assert (directive, left(after)) == (D.SLEEP, (0, [ONE, TWO], []))
        assert set(reasons(after).values()) == {"DRS does not show it; looked for once more"}

    def test_a3_what_is_shown_again_is_terminated(self) -> None:
        after, _ = decide(terminating(), read(), later(6))
        after, directive = decide(after, read(1, 2), later(60))
        assert (directive, reasons(after)) == (D.TERMINATE, {ONE: None, TWO: None})
        after, directive = decide(after, read(), later(90))
        assert directive is D.SLEEP
        after, directive = decide(after, read(), later(149))
        assert (directive, left(after)[0]) == (D.SLEEP, 0)

    def test_gone_after_a_terminate_job_of_ours_is_terminated(self) -> None:
        called = terminating().with_job(terminate_job(1, 1, 2))
        after, directive = twice(called, read())
        assert (directive, after.termination.status) == (D.FINISH, T.COMPLETED)
        assert (left(after), after.termination.ended_at) == ((2, [], []), later(120))
        assert (after.holds_locks, after.instances_terminated) == (False, True)

    def test_what_drs_says_was_terminated_by_our_job_is_gone_at_the_first_look(self) -> None:
        called = terminating().with_job(terminate_job(1, 1, 2))
        done = seen(job901=view({1: LaunchStatus.TERMINATED, 2: LaunchStatus.TERMINATED}, completed=True))
        after, directive = decide(called, read(2, jobs=done), later(6))
        assert (directive, left(after)) == (D.SLEEP, (1, [TWO], []))
        after, directive = decide(after, read(), later(36))
        assert (directive, after.termination.status, left(after)[0]) == (D.FINISH, T.COMPLETED, 2)

    def test_what_a_job_of_ours_failed_to_terminate_is_not_ended_by_it(self) -> None:
        called = terminating().with_job(terminate_job(1, 1, 2))
        failed = seen(job901=view({1: LaunchStatus.FAILED, 2: LaunchStatus.TERMINATED}, completed=True))
        after, _ = decide(called, read(jobs=failed), later(6))
        after, directive = decide(after, read(ec2=ec2({1: "running"})), later(66))
        assert (directive, after.termination.status, left(after)) == (D.FINISH, T.INCOMPLETE, (1, [], [ONE]))

    def test_what_drs_shows_terminated_is_gone_whoever_ended_it(self) -> None:
        after, directive = decide(terminating(), read(shown(1, "TERMINATED"), shown(2, "TERMINATED")), later(6))
        assert (directive, left(after)) == (D.FINISH, (2, [], []))

    def test_what_a_later_launch_replaced_counts_as_terminated(self) -> None:
        successor = shown(1, recovery_instance_id=instance_id(7), job_id=job_id(77))
        after, directive = twice(terminating(), read(successor, 2))
        assert (directive, left(after)) == (D.TERMINATE, (1, [TWO], []))
        assert ending(after, 1).outcome is EndingOutcome.REPLACED
        theirs = shown(1, job_id=job_id(77))
        after, _ = twice(terminating(), read(theirs, 2))
        assert ending(after, 1).outcome is EndingOutcome.REPLACED

    def test_what_drs_forgot_before_it_launched_another_is_not_called_replaced_while_ec2_runs_it(self) -> None:
        successor = shown(1, recovery_instance_id=instance_id(7), job_id=job_id(77))
        after, _ = twice(terminating(), read(successor, 2, ec2=ec2({1: "running"})))
        assert left(after) == (0, [TWO], [ONE])

    @pytest.mark.parametrize("state", [None, "terminated"])
    def test_what_ec2_has_terminated_or_does_not_know_is_terminated(self, state: str | None) -> None:
        after, directive = twice(terminating(), read(ec2=ec2({1: state, 2: state})))
        assert (directive, after.termination.status, left(after)) == (D.FINISH, T.COMPLETED, (2, [], []))

    @pytest.mark.parametrize("state", ["pending", "running", "stopping", "stopped"])
    def test_t10_what_was_disconnected_from_drs_and_runs_on_is_unknown(self, state: str) -> None:
        after, directive = twice(terminating(), read(ec2=ec2({1: state, 2: None})))
        assert (directive, after.termination.status, left(after)) == (D.FINISH, T.INCOMPLETE, (1, [], [ONE]))
        assert (
            reasons(after)[ONE] == f"DRS no longer shows it, and EC2 has it {state}: end it in EC2 if it is not needed"
        )
        assert launched_count(after) - terminated_count(after) == 1
        again = termination.request(after, Attribution(OPERATOR, later(200)))
        after, directive = twice(again, read(ec2=ec2({1: "terminated"})))
        assert (directive, after.termination.status, left(after)) == (D.FINISH, T.COMPLETED, (2, [], []))

    def test_what_ec2_is_shutting_down_is_waited_for(self) -> None:
        after, directive = twice(terminating(), read(ec2=ec2({1: "shutting-down", 2: None})))
        assert (directive, left(after)) == (D.SLEEP, (1, [ONE], []))
        assert reasons(after) == {ONE: "DRS no longer shows it, and EC2 is shutting it down"}
        assert decide(after, read(ec2=ec2({1: "terminated"})), later(150))[1] is D.FINISH

    def test_while_ec2_does_not_answer_it_is_asked_again_and_nothing_is_called_terminated(self) -> None:
        after, directive = twice(terminating(), read())
        assert (directive, left(after)) == (D.SLEEP, (0, [ONE, TWO], []))
        assert set(reasons(after).values()) == {"DRS no longer shows it, and EC2 does not answer"}
        late, directive = decide(after, read(), DEADLINE)
        assert (directive, late.termination.status, left(late)) == (D.FINISH, T.INCOMPLETE, (0, [ONE, TWO], []))

    def test_what_ec2_refuses_to_tell_is_unknown_at_once(self) -> None:
        denied = {name: Ec2Answer(refusal="UnauthorizedOperation: no") for name in (ONE, TWO)}
        after, directive = twice(terminating(), read(ec2=denied))
        assert (directive, left(after)) == (D.FINISH, (0, [], [ONE, TWO]))
        assert reasons(after)[ONE] == (
            "DRS no longer shows it, and EC2 does not report what became of it: UnauthorizedOperation: no"
        )

    def test_ec2_is_asked_only_for_what_drs_stopped_showing_by_itself(self) -> None:
        after, _ = decide(terminating().with_job(terminate_job(1, 1)), read(), later(60))
        assert termination.in_doubt(after, read(), later(119), TIMING) == ()
        doubts = termination.in_doubt(after, read(), later(120), TIMING)
        assert [server.recovery_instance_id for _, server in doubts] == [TWO]
        assert termination.in_doubt(after, read(2), later(120), TIMING) == ()
        assert termination.in_doubt(after, replace(read(), silent=frozenset({Site()})), later(120), TIMING) == ()
        assert termination.in_doubt(replace(after, termination=Termination()), read(), later(120), TIMING) == ()

    def test_an_unknown_one_that_drs_shows_again_is_terminated_after_all(self) -> None:
        current = with_ending(terminating(), 1, outcome=EndingOutcome.UNKNOWN, missing_since=NOW, reason="gone")
        after, directive = decide(current, read(1, 2), later(200))
        assert (directive, left(after), reasons(after)) == (D.TERMINATE, (0, [ONE, TWO], []), {ONE: None, TWO: None})


class TestEnd:
    def test_a_termination_is_incomplete_after_its_deadline(self) -> None:
        called = terminating().with_job(terminate_job(1, 1, 2))
        assert decide(called, read(1), later(3600))[1] is D.SLEEP
        after, directive = decide(called, read(1), DEADLINE)
        assert (directive, after.termination.status, left(after)) == (D.FINISH, T.INCOMPLETE, (0, [ONE, TWO], []))

    def test_whatever_is_left_at_the_end_says_why(self) -> None:
        after, _ = decide(terminating(), read(1, 2), DEADLINE)
        assert set(reasons(after).values()) == {"Not terminated before the termination's time was over"}

    def test_a_look_that_failed_is_repeated_and_names_everything_at_the_deadline(self) -> None:
        unseen = replace(read(), silent=frozenset({Site()}))
        after, directive = decide(terminating(), unseen, later(3600))
        assert (directive, left(after)) == (D.SLEEP, (0, [ONE, TWO], []))
        assert reasons(after) == {ONE: "DRS does not answer", TWO: "DRS does not answer"}
        after, directive = decide(terminating(), unseen, DEADLINE)
        assert (directive, after.termination.status) == (D.FINISH, T.INCOMPLETE)
        assert left(after) == (0, [ONE, TWO], [])

    def test_s2_10_a_job_still_running_is_waited_for_and_what_it_launches_is_terminated_too(self) -> None:
        older = ended(E.PARTIAL_SUCCESS, W.COMPLETED, W.IN_PROGRESS)
        second = older.wave(2).with_servers(lambda item: replace(item.reset(), launch_status=LaunchStatus.IN_PROGRESS))
        running = termination.request(older.with_job(job(2)).with_waves([second]), ACT)
        over = read(shown(1, "TERMINATED"))
        after, directive = decide(running, over, later(6))
        assert (directive, after.termination.status) == (D.SLEEP, T.IN_PROGRESS)
        assert remaining(after) == [
            {
                "recoveryInstanceId": None,
                "sourceServerId": second.servers[0].source_server_id,
                "reason": f"DRS job {job_id(2)}, which launches it, has not ended",
            }
        ]
        after, directive = decide(after, read(), DEADLINE)
        assert (directive, after.termination.status) == (D.SLEEP, T.IN_PROGRESS)
        launched = seen(job2=view({2: LaunchStatus.LAUNCHED}, completed=True))
        after, directive = decide(after, read(2, jobs=launched), later(900))
        assert (directive, left(after)) == (D.TERMINATE, (1, [TWO], []))
        assert after.wave(2).status is W.IN_PROGRESS

    @pytest.mark.parametrize("state", [JobState.REFUTED, JobState.INTENDED])
    def test_a7_it_does_not_end_while_a_place_with_an_open_launch_call_does_not_answer(self, state: JobState) -> None:
        lost = job(2, state, batch=2, subjects=(instance_id(5),), site=WEST)
        current = terminating().with_job(lost)
        assert termination.open_intents(current) == (lost,)
        over = (shown(1, "TERMINATED"), shown(2, "TERMINATED"))
        after, directive = decide(current, read(*over, silent=frozenset({WEST})), later(200))
        assert (directive, left(after)[0]) == (D.SLEEP, 2)
        assert decide(after, read(silent=frozenset({WEST})), DEADLINE)[1] is D.SLEEP
        assert decide(after, read(), DEADLINE)[1] is D.FINISH

    def test_a7_a_launch_job_that_turns_up_late_is_adopted_and_what_it_launched_is_terminated(self) -> None:
        lost = job(2, JobState.REFUTED, batch=2)
        current = terminating()
        current = current.with_waves([current.wave(2).with_servers(lambda server: server.reset())])
        current = replace(current, jobs=tuple(known for known in current.jobs if known.wave != 2)).with_job(lost)
        turned_up = Observation(found={lost.key: job_id(77)})
        after, directive = decide(current, read(shown(1, "TERMINATED"), jobs=turned_up), later(9))
        assert (directive, after.termination.status) == (D.SLEEP, T.IN_PROGRESS)
        launched = seen(
            job77=JobView(
                completed=True,
                servers={after.wave(2).servers[0].source_server_id: ServerView(LaunchStatus.LAUNCHED)},
            )
        )
        after, directive = decide(after, read(shown(2, job_id=job_id(77)), jobs=launched), later(90))
        assert (directive, left(after)) == (D.TERMINATE, (1, [TWO], []))

    def test_t6_a_server_that_a_job_just_failed_to_launch_is_looked_for_until_drs_had_time_to_show_it(self) -> None:
        current = ended()
        current = current.with_waves(
            [current.wave(1).with_servers(lambda server: replace(server.reset(), launch_status=LaunchStatus.FAILED))]
        )
        asked = termination.request(current, ACT)
        over = read(shown(2, "TERMINATED"))
        after, directive = decide(asked, over, later(59))
        assert (directive, left(after)) == (D.SLEEP, (1, [], []))
        late, directive = decide(after, read(1), later(59))
        assert (directive, left(late)) == (D.TERMINATE, (1, [ONE], []))
        after, directive = decide(after, read(), later(60))
        assert (directive, after.termination.status) == (D.FINISH, T.COMPLETED)

    def test_an_older_record_that_was_completed_before_instances_were_told_apart_is_completed(self) -> None:
        old = replace(ended(), termination=Termination(T.COMPLETED))
        assert (left(old), launched_count(old) - terminated_count(old)) == ((2, [], []), 0)


class TestPlaces:
    @staticmethod
    def in_two_sites() -> Execution:
        """A termination of two waves, the second one's server in another Region."""
        asked = terminating()
        moved = replace(asked.wave(2), site=WEST)
        return asked.with_waves([moved]).with_job(replace(job(2, JobState.ENDED), site=WEST))

    def test_s3_1_a_region_that_does_not_answer_holds_up_no_other_but_the_end(self) -> None:
        after, directive = decide(self.in_two_sites(), without_west(1))
        assert (directive, left(after)[1]) == (D.TERMINATE, [ONE, TWO])
        assert termination.sites_to_call(after, NOW, TIMING) == (Site(),)
        after, directive = decide(after.with_job(terminate_job(1, 1)), without_west(), later(60))
        after, directive = decide(after, without_west(), later(120))
        assert (directive, after.termination.status, left(after)) == (D.SLEEP, T.IN_PROGRESS, (1, [TWO], []))
        assert reasons(after) == {TWO: "DRS does not answer in us-west-2"}
        late, directive = decide(after, without_west(), DEADLINE)
        assert (directive, late.termination.status, left(late)) == (D.FINISH, T.INCOMPLETE, (1, [TWO], []))
        answers, directive = decide(after, read(2), later(150))
        assert (directive, reasons(answers), answers.termination.holds) == (D.TERMINATE, {TWO: None}, ())

    def test_a_region_that_must_wait_is_not_called_and_says_why(self) -> None:
        current = self.in_two_sites()
        hold = Hold(later(60), "ThrottlingException: slower", WEST)
        current = termination.held(current, hold)
        after, directive = decide(current, read(1, 2), later(59))
        assert (directive, reasons(after)[TWO]) == (D.TERMINATE, "ThrottlingException: slower")
        assert termination.sites_to_call(after, later(59), TIMING) == (Site(),)
        assert set(termination.sites_to_call(after, later(60), TIMING)) == {Site(), WEST}
        intent = terminate_job(1, 2, state=JobState.INTENDED, site=WEST, check_after=NOW)
        assert termination.stale_intents(current.with_job(intent), later(59)) == ()
        assert termination.released(after, WEST).termination.holds == ()
        assert termination.released(after, Site()) is after

    def test_n42_a_request_that_is_refused_three_times_ends_incomplete_with_drs_words(self) -> None:
        words = "AccessDeniedException: User is not authorized to perform: drs:TerminateRecoveryInstances"
        for refusals, expected in ((1, D.TERMINATE), (2, D.TERMINATE), (3, D.FINISH)):
            current = termination.held(terminating(), Hold(later(60), words, refusals=refusals))
            after, directive = decide(current, read(1, 2), later(90))
            assert directive is expected
        assert (after.termination.status, reasons(after)) == (T.INCOMPLETE, {ONE: words, TWO: words})

    def test_attempts_used_up_in_one_region_do_not_end_it_while_another_is_not_seen(self) -> None:
        asked = self.in_two_sites()
        for batch in range(1, MAX_ATTEMPTS + 1):
            asked = asked.with_job(terminate_job(batch, 1, state=JobState.ENDED))
        after, directive = decide(asked, without_west(1), later(600))
        assert (directive, after.termination.status) == (D.SLEEP, T.IN_PROGRESS)
