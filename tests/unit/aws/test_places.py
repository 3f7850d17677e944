"""Several sites in one round: none holds up the others, one that failed is left for the next round."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import EndpointConnectionError
from tests.support.fake_app import FakeApp, KeptErrors
from tests.support.unasked import UnaskedDrs

from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.problems import CircuitOpen
from wavebreak.site import Site
from wavebreak.timeouts import ending_in, remaining
from wavebreak.use_cases.machine_round import sites_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from wavebreak.aws.parallel_reads import Sites
    from wavebreak.ports.drs import DrsReads

ERRORS = KeptErrors()
EAST, WEST, FAR = Site(None, "us-east-1"), Site(None, "us-west-2"), Site("123456789012", "us-east-1")


class Here(UnaskedDrs):
    """DRS of a site, of which a test asks where it is."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.region = site.region


class PlacesApp(FakeApp):
    """What asks sites."""

    def __init__(self, unsupported: tuple[Site, ...], silences: dict[Site, float] | None) -> None:
        super().__init__(lambda: datetime.now(UTC), errors=ERRORS)
        self.silences = silences or {}
        self._unsupported = unsupported

    def drs_at(self, site: Site, /) -> DrsReads:
        """Give DRS of a site, if it can be reached."""
        if site in self._unsupported:
            raise UnsupportedSiteError(f"account {site.account_id}")
        return Here(site)


def round_of(*unsupported: Site, silences: dict[Site, float] | None = None) -> Sites[DrsReads]:
    return sites_of(PlacesApp(unsupported, silences))


def down(_drs: Any) -> str:
    raise EndpointConnectionError(endpoint_url="https://drs")


def test_s3_1_a_region_that_hangs_holds_up_no_other() -> None:
    answered = threading.Event()

    def hung(_drs: Any) -> str:
        assert answered.wait(5), "the other place was not asked meanwhile"
        raise CircuitOpen("given up")

    def quick(drs: Any) -> str:
        answered.set()
        return str(drs.region)

    sites = round_of()
    assert sites.ask("jobs", {EAST: hung, WEST: quick}) == {WEST: "us-west-2"}
    assert set(sites.failed) == {EAST}


def test_a_place_that_failed_is_not_asked_again_in_the_same_round() -> None:
    asked: list[Site] = []

    def ask(drs: Any) -> int:
        asked.append(drs.site)
        return 1

    sites = round_of(FAR)
    assert sites.ask("jobs", {EAST: down, WEST: ask, FAR: ask}) == {WEST: 1}
    assert set(sites.failed) == {EAST, FAR}
    assert [(severity, context["question"]) for severity, context in ERRORS.contexts[-2:]] == [("WARNING", "jobs")] * 2
    assert sites.ask("instances", {EAST: ask, WEST: ask, FAR: ask}) == {WEST: 1}
    assert asked == [WEST, WEST]


def test_s3_1_nothing_is_begun_that_might_not_end_within_the_round(caplog: pytest.LogCaptureFixture) -> None:
    with ending_in(1):
        sites = round_of()
        assert sites.ask("jobs", {EAST: lambda _: 1}) == {EAST: 1}
    sites._deadline._until -= 0.8
    assert sites.ask("jobs", {WEST: lambda _: 1}) == {}
    assert set(sites.failed) == {WEST}
    contexts = caplog.records[-1].__dict__["expired"]
    assert (contexts["operation"], contexts["question"]) == ("observation_round", "jobs")


def test_what_is_asked_knows_when_the_round_ends() -> None:
    assert round_of().ask("jobs", {EAST: lambda _: remaining(), WEST: lambda _: remaining()})[WEST] <= 60


def hanging(until: threading.Event) -> Callable[[Any], str]:
    def ask(drs: Any) -> str:
        assert until.wait(10)
        return str(drs.region)

    return ask


def test_a9_what_is_told_at_once_is_had_within_a_second_of_the_first_answer_and_the_rest_later() -> None:
    released = threading.Event()
    answers = round_of().begin("jobs", {EAST: lambda _: "here", WEST: hanging(released)})
    begun = time.monotonic()
    assert answers.first() == {EAST: "here"}
    assert 0.9 < time.monotonic() - begun < 1.4
    assert answers.silent == {WEST}
    assert answers.more(0.05) == {}
    released.set()
    assert answers.more(5) == {WEST: "us-west-2"}
    assert not answers.silent


def test_a9_nobody_waits_long_for_the_first_answer() -> None:
    released = threading.Event()
    answers = round_of().begin("jobs", {EAST: hanging(released), WEST: hanging(released)})
    begun = time.monotonic()
    assert answers.first() == {}
    assert 1.4 < time.monotonic() - begun < 1.9
    released.set()


def test_a9_a_place_that_was_silent_is_hardly_waited_for_until_it_answers() -> None:
    silences: dict[Site, float] = {EAST: time.monotonic() + 60}
    released = threading.Event()

    def seconds(*silent: Site) -> float:
        questions = {site: hanging(released) if site in silent else str for site in (EAST, WEST)}
        begun = time.monotonic()
        round_of(silences=silences).begin("jobs", questions).first()
        return time.monotonic() - begun

    assert seconds(EAST) < 0.5
    assert seconds(EAST, WEST) > 1.4
    assert silences.keys() == {EAST, WEST}
    assert seconds(EAST, WEST) < 0.5
    assert seconds(EAST) < 0.5
    assert silences.keys() == {EAST}
    released.set()


def test_answers_that_are_all_there_are_had_at_once_and_a_place_that_failed_gives_none() -> None:
    sites = round_of(FAR)
    begun = time.monotonic()
    assert sites.begin("jobs", {EAST: down, WEST: lambda _: 1, FAR: lambda _: 2}).first() == {WEST: 1}
    assert time.monotonic() - begun < 0.5
    assert set(sites.failed) == {EAST, FAR}


def test_a_silence_is_noted_with_its_place() -> None:
    round_of().note_silence("jobs", [WEST], 30)
    error, (severity, context) = ERRORS.seen[-1], ERRORS.contexts[-1]
    assert (str(error), severity) == ("DRS in us-west-2 did not answer within 30 s", "WARNING")
    assert context == {"question": "jobs", "site": "us-west-2"}


def test_nothing_to_ask_is_no_answer() -> None:
    assert round_of().ask("jobs", {}) == {}
    assert round_of().begin("jobs", {}).first() == {}
