"""Instances that a termination learns of only when it looks."""

from tests.support.execution_builders import (
    TIMING,
    instance_id,
    job_id,
    later,
)
from tests.support.terminations import (
    decide,
    ec2,
    left,
    read,
    shown,
    terminating,
)
from tests.support.two_instances import ONE, TWO, D, T, twice

from wavebreak.domain.executions.ending import termination
from wavebreak.values import replace


class TestLearning:
    """Instances that DRS shows with a job of ours, but that no server names, are learnt first."""

    def test_an_instance_that_no_job_named_is_learnt_and_terminated(self) -> None:
        current = terminating()
        nameless = current.with_waves(
            [current.wave(1).with_servers(lambda server: replace(server, recovery_instance_id=None))]
        )
        after, directive = decide(nameless, read(1, 2), later(6))
        assert (directive, left(after)) == (D.TERMINATE, (0, [ONE, TWO], []))

    def test_what_a_failed_launch_left_behind_is_terminated_too(self) -> None:
        current = terminating()
        failed = current.with_waves([current.wave(1).with_servers(lambda server: server.reset())])
        assert left(failed)[1] == [TWO]
        assert left(decide(failed, read(1, 2), later(6))[0])[1] == [ONE, TWO]

    def test_an_instance_of_somebody_else_is_never_learnt(self) -> None:
        theirs = shown(1, recovery_instance_id=instance_id(9), job_id=job_id(99))
        current = terminating()
        nameless = current.with_waves([current.wave(1).with_servers(lambda server: server.reset())])
        after, _ = decide(nameless, read(theirs, 2), later(6))
        assert left(after) == (0, [TWO], [])

    def test_an_instance_that_drs_shows_without_its_job_is_ours_when_we_name_it(self) -> None:
        after, directive = decide(terminating(), read(shown(1, job_id=""), 2), later(6))
        assert (directive, left(after)[1]) == (D.TERMINATE, [ONE, TWO])

    def test_a_launched_server_whose_instance_nobody_names_is_never_called_terminated(self) -> None:
        current = terminating()
        nameless = current.with_waves(
            [current.wave(1).with_servers(lambda server: replace(server, recovery_instance_id=None))]
        )
        (server,) = nameless.wave(1).servers
        after, directive = twice(nameless, read(ec2=ec2({2: None})))
        assert (directive, left(after)) == (D.SLEEP, (1, ["None"], [])), "the logs of its jobs were not read"
        assert [each for _, each in termination.in_doubt(after, read(), later(130), TIMING)] == list(
            after.wave(1).servers
        )
        after, directive = decide(after, read(logged={server.source_server_id: None}), later(130))
        assert (directive, after.termination.status, left(after)) == (D.FINISH, T.INCOMPLETE, (1, [], ["None"]))
        logged = {server.source_server_id: ONE}
        once, _ = decide(nameless, read(), later(60))
        after, directive = decide(once, read(logged=logged, ec2=ec2({1: "running", 2: None})), later(120))
        assert (directive, left(after)) == (D.FINISH, (1, [], [ONE]))
