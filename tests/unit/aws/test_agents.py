"""Which agents answer: sites are asked side by side, and none holds up the others."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from wavebreak.aws import agents
from wavebreak.aws.agents import Agents, read_agents, stop_commands
from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.reads_by_id import PartialReadError
from wavebreak.domain.commands.runs import CommandTarget
from wavebreak.problems import CircuitOpen, OutOfTime
from wavebreak.site import Site
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HERE, THERE, ELSEWHERE = Site(), Site(None, "eu-west-1"), Site("222222222222", "us-west-2")


class FakeSsm:
    """SSM of a site: which of its instances are online, or what it does when it is asked."""

    def __init__(self, online: Callable[[Sequence[str]], Any]) -> None:
        self.asked: list[int] = []
        self._online = online

    def online(self, instances: Sequence[str]) -> frozenset[str]:
        """Answer, or fail."""
        self.asked.append(len(instances))
        return frozenset(self._online(instances))


def target(number: int, site: Site = HERE) -> CommandTarget:
    return CommandTarget(number, f"s-{number}", f"i-{number}", site)


def raising(error: Exception) -> FakeSsm:
    def online(_: Sequence[str]) -> Any:
        raise error

    return FakeSsm(online)


def refused(code: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Describe")  # type: ignore[typeddict-item]  # what is read of it


def agents_of(targets: Sequence[CommandTarget], sites: dict[Site, Any], noted: list[Any] | None = None) -> Agents:
    def at(site: Site) -> Any:
        if isinstance(sites[site], Exception):
            raise sites[site]
        return sites[site]

    return read_agents(targets, at, lambda error, site: (noted if noted is not None else []).append((error, site)))


def test_those_that_answer_are_told_from_those_that_do_not() -> None:
    ssm = FakeSsm(lambda asked: [one for one in asked if one != "i-2"])
    seen = agents_of([target(1), target(2)], {HERE: ssm})
    reported = [(seen.answers(one), seen.is_absent(one)) for one in (target(1), target(2))]
    assert reported == [(True, False), (False, True)]
    assert not seen.is_silent(target(2))


def test_fifty_are_asked_for_in_a_call_and_one_call_is_enough_for_them() -> None:
    ssm = FakeSsm(lambda asked: asked)
    agents_of([target(number) for number in range(1, 121)], {HERE: ssm})
    assert ssm.asked == [50, 50, 20]


@pytest.mark.parametrize(
    ("trouble", "silent", "alone"),
    [
        (refused("ThrottlingException", 429), True, False),
        (refused("InternalServerError", 500), True, False),
        (CircuitOpen("ssm is left alone"), True, True),
        (OutOfTime("it took too long"), True, False),
        (refused("AccessDeniedException"), False, False),
    ],
)
def test_trouble_that_may_pass_is_told_from_a_refusal(trouble: Exception, silent: bool, alone: bool) -> None:
    noted: list[Any] = []
    seen = agents_of(
        [target(1), target(2, THERE)], {HERE: FakeSsm(lambda asked: asked), THERE: raising(trouble)}, noted
    )
    there = target(2, THERE)
    assert seen.answers(target(1))
    assert not seen.is_absent(there)
    assert (seen.is_silent(there), seen.is_left_alone(there)) == (silent, alone)
    assert noted == [(trouble, THERE)]


def test_a_place_that_cannot_be_reached_at_all_is_a_refusal() -> None:
    trouble = UnsupportedSiteError("no external id")
    seen = agents_of([target(1), target(2, ELSEWHERE)], {HERE: FakeSsm(lambda asked: asked), ELSEWHERE: trouble})
    assert seen.answers(target(1))
    assert not seen.is_silent(target(2, ELSEWHERE))


def test_what_was_told_before_the_trouble_counts() -> None:
    def second_fails(asked: Sequence[str]) -> Sequence[str]:
        if "i-51" in asked:
            raise refused("InternalServerError", 500)
        return asked

    seen = agents_of([target(number) for number in range(1, 61)], {HERE: FakeSsm(second_fails)})
    assert [seen.answers(target(number)) for number in (1, 50, 51)] == [True, True, False]
    assert seen.is_silent(target(51))


def test_an_agent_that_ssm_does_not_tell_of_holds_up_no_other() -> None:
    troubles = {"i-2": refused("InternalServerError", 500), "i-3": refused("AccessDeniedException")}

    def partly(asked: Sequence[str]) -> Sequence[str]:
        if not troubles.keys().isdisjoint(asked):
            raise PartialReadError("DescribeInstanceInformation", ["i-1"], troubles)
        return asked

    noted: list[Any] = []
    seen = agents_of([target(number) for number in range(1, 61)], {HERE: FakeSsm(partly)}, noted)
    assert [seen.answers(target(number)) for number in (1, 2, 3, 4, 60)] == [True, False, False, False, True]
    assert [seen.is_absent(target(number)) for number in (1, 2, 3, 4)] == [False, False, False, True]
    assert [seen.is_silent(target(number)) for number in (2, 3, 4)] == [True, False, False]
    assert "InternalServerError" in seen.trouble(target(2))
    assert noted == [(troubles["i-2"], HERE)]


def test_a_silent_place_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "_SILENCE_SECONDS", 0.3)
    over = threading.Event()

    def silence(asked: Sequence[str]) -> Sequence[str]:
        over.wait(20)
        return asked

    sites = {HERE: FakeSsm(lambda asked: asked), THERE: FakeSsm(silence), ELSEWHERE: FakeSsm(lambda asked: asked)}
    targets = [target(1), target(2, THERE), target(3, ELSEWHERE)]
    begun = time.monotonic()
    seen = agents_of(targets, sites)
    assert time.monotonic() - begun < 2
    assert [seen.answers(one) for one in targets] == [True, False, True]
    assert seen.is_silent(targets[1])
    over.set()


def test_a_place_that_goes_on_answering_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "_SILENCE_SECONDS", 0.3)

    def slowly(asked: Sequence[str]) -> Sequence[str]:
        time.sleep(0.1)
        return asked

    targets = [target(number, THERE) for number in range(1, 301)]
    seen = agents_of([target(900), *targets], {HERE: FakeSsm(lambda asked: asked), THERE: FakeSsm(slowly)})
    assert all(map(seen.answers, targets))


def test_a9_a_region_that_hangs_keeps_no_command_elsewhere_from_being_stopped_and_is_not_waited_for() -> None:
    over, stopped = threading.Event(), list[str]()

    class Stops:
        def __init__(self, *, hangs: bool) -> None:
            self.hangs = hangs

        def cancel(self, command_id: str, _instances: Sequence[str]) -> None:
            if self.hangs:
                over.wait(20)
            stopped.append(command_id)

    sites: dict[Site, Any] = {HERE: Stops(hangs=False), THERE: Stops(hangs=True)}
    sent = [
        replace(target(number, site), ssm_command_id=f"command-{number}")
        for number, site in enumerate([*[THERE] * 40, *[HERE] * 40], start=1)
    ]
    begin = time.monotonic()
    try:
        stop_commands(sent, lambda site: sites[site], lambda *_: None)
        assert time.monotonic() - begin < 2
        assert sorted(stopped) == sorted(f"command-{number}" for number in range(41, 81))
    finally:
        over.set()
