"""Questions to DRS: their answers in order, their troubles told, and none begun when the time is over."""

import threading
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from wavebreak.aws.parallel_reads import Asking, Question
from wavebreak.aws.reads_by_id import PartialReadError
from wavebreak.domain.drs import Trouble
from wavebreak.timeouts import LIMITS


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def refusing(code: str, message: str = "because") -> Any:
    def call() -> None:
        raise ClientError({"Error": {"Code": code, "Message": message}}, "DescribeJobs")

    return call


def test_answers_come_in_the_order_of_the_questions() -> None:
    first_may_end = threading.Event()

    def first() -> str:
        assert first_may_end.wait(5)
        return "first"

    def second() -> str:
        first_may_end.set()
        return "second"

    assert Asking().all([Question("A", first), Question("B", second)]) == ["first", "second"]


def test_a_place_that_does_not_tell_of_some_is_asked_on() -> None:
    denied = refusing("AccessDeniedException")

    def partly() -> None:
        try:
            denied()
        except ClientError as error:
            raise PartialReadError("DescribeSourceServers", [], {"s-1": error}) from error

    trouble, answer = Asking(at_once=1).all([Question("DescribeSourceServers", partly), Question("B", lambda: "told")])
    assert answer == "told"
    assert "s-1" in trouble.reason
    assert "AccessDeniedException" in trouble.reason


def test_nothing_to_ask_is_no_answer() -> None:
    assert Asking().all([]) == []


@pytest.mark.parametrize(
    ("code", "denied"),
    [("AccessDeniedException", True), ("AccessDenied", True), ("ThrottlingException", False), ("Http503", False)],
)
def test_a_refusal_is_told_with_its_code(code: str, denied: bool) -> None:
    [trouble] = Asking().all([Question("DescribeJobs", refusing(code))])
    assert trouble == Trouble("DescribeJobs", f"{code}: because", denied=denied)


def test_no_connection_is_told_beside_the_answers_of_others() -> None:
    def call() -> None:
        raise EndpointConnectionError(endpoint_url="https://drs.example")

    trouble, answer = Asking().all([Question("DescribeJobs", call, "a"), Question("DescribeJobs", lambda: 5, "b")])
    assert "drs.example" in trouble.reason
    assert (trouble.denied, trouble.asked, answer) == (False, True, 5)


def test_a_place_that_gave_no_answer_is_asked_nothing_more() -> None:
    asked: list[str] = []

    def call() -> None:
        asked.append("a")
        raise EndpointConnectionError(endpoint_url="https://drs.example")

    asking = Asking()
    asking.all([Question("DescribeJobs", call, "a")])
    later, other = asking.all([Question("DescribeSourceServers", call, "a"), Question("DescribeJobs", lambda: 5, "b")])
    assert (later.asked, later.reason) == (False, "not asked after DescribeJobs failed")
    assert (asked, other) == (["a"], 5)


def test_s3_1_a_place_that_hangs_holds_up_no_other() -> None:
    may_end = threading.Event()
    answered = threading.Semaphore(0)

    def hung() -> None:
        assert may_end.wait(10)

    def quick() -> int:
        answered.release()
        return 1

    def release() -> None:
        for _ in range(30):
            assert answered.acquire(timeout=5)
        may_end.set()

    watcher = threading.Thread(target=release)
    watcher.start()
    hanging = [Question("DescribeJobs", hung, "a") for _ in range(20)]
    answers = Asking().all([*hanging, *(Question("DescribeJobs", quick, "b") for _ in range(30))])
    watcher.join()
    assert answers[20:] == [1] * 30


def test_a_fault_of_ours_is_no_trouble_of_drs() -> None:
    def call() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        Asking().all([Question("DescribeJobs", call)])


def test_nothing_is_begun_when_the_time_is_over() -> None:
    clock = Clock()
    asking = Asking(clock)
    clock.at += LIMITS["asking"] - 0.1
    assert asking.all([Question("A", lambda: 1)]) == [1]
    clock.at += 0.1
    assert asking.over
    [trouble] = asking.all([Question("A", lambda: 1)])
    assert (trouble.asked, trouble.denied) == (False, False)


def test_b6_what_does_not_end_in_time_is_left_behind_and_its_place_asked_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TIMEOUT_ASKING", "0.2")
    may_end = threading.Event()

    def hung() -> None:
        assert may_end.wait(10)

    asking = Asking()
    asked = [Question("DescribeJobs", hung, "a"), Question("DescribeJobs", lambda: 5, "b")]
    began = time.monotonic()
    late, answer = asking.all(asked, to_the_end=False)
    assert time.monotonic() - began < 2
    assert (late.operation, late.reason, answer) == ("DescribeJobs", "did not end within 0.2 s", 5)
    [again] = asking.all([Question("DescribeJobs", lambda: 5, "a")])
    assert (again.asked, again.reason) == (False, "not asked after DescribeJobs failed")
    may_end.set()


def test_a11_a_place_that_throttles_is_asked_nothing_more_by_who_only_reads() -> None:
    """A refusal of another kind is an answer: the next question may have a better one."""
    for code, goes_on in (("ThrottlingException", False), ("TooManyRequestsException", False), ("NotFound", True)):
        asking = Asking()
        asking.all([Question("DescribeRecoverySnapshots", refusing(code), "a")])
        [later, other] = asking.all(
            [Question("DescribeJobs", lambda: 5, "a"), Question("DescribeJobs", lambda: 6, "b")]
        )
        assert other == 6
        assert (later == 5) is goes_on
        if not goes_on:
            assert (later.asked, later.reason) == (False, "not asked after DescribeRecoverySnapshots failed")
