"""Questions to DRS: their answers in order, their troubles told, and none begun when the time is over."""

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from wavebreak.asking import ASKING_SECONDS, Asking
from wavebreak.sightings import Trouble


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

    assert Asking().all([("A", first), ("B", second)]) == ["first", "second"]


def test_nothing_to_ask_is_no_answer() -> None:
    assert Asking().all([]) == []


@pytest.mark.parametrize(
    ("code", "denied"),
    [("AccessDeniedException", True), ("AccessDenied", True), ("ThrottlingException", False), ("Http503", False)],
)
def test_a_refusal_is_told_with_its_code(code: str, denied: bool) -> None:
    [trouble] = Asking().all([("DescribeJobs", refusing(code))])
    assert trouble == Trouble("DescribeJobs", f"{code}: because", denied=denied)


def test_no_connection_is_told_beside_the_answers_of_others() -> None:
    def call() -> None:
        raise EndpointConnectionError(endpoint_url="https://drs.example")

    trouble, answer = Asking().all([("DescribeJobs", call), ("DescribeSourceServers", lambda: 5)])
    assert "drs.example" in trouble.reason
    assert (trouble.denied, trouble.asked, answer) == (False, True, 5)


def test_a_fault_of_ours_is_no_trouble_of_drs() -> None:
    def call() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        Asking().all([("DescribeJobs", call)])


def test_nothing_is_begun_when_the_time_is_over() -> None:
    clock = Clock()
    asking = Asking(clock)
    clock.at += ASKING_SECONDS - 0.1
    assert asking.all([("A", lambda: 1)]) == [1]
    clock.at += 0.1
    assert asking.over
    [trouble] = asking.all([("A", lambda: 1)])
    assert (trouble.asked, trouble.denied) == (False, False)
