"""Several places in one round: none holds up the others, one that failed is left for the next round."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import EndpointConnectionError

from wavebreak.aws.clients import UnsupportedPlace
from wavebreak.problems import CircuitOpen
from wavebreak.site import Place
from wavebreak.timeouts import ending_in, remaining
from wavebreak.use_cases.machine_round import places_of

if TYPE_CHECKING:
    import pytest

    from wavebreak.aws.parallel_reads import Places

RECORDED: list[Any] = []
EAST, WEST, FAR = Place(None, "us-east-1"), Place(None, "us-west-2"), Place("123456789012", "us-east-1")


def round_of(*unsupported: Place) -> Places:
    def drs_at(place: Place) -> Any:
        if place in unsupported:
            raise UnsupportedPlace(f"account {place.account_id}")
        return place

    errors = SimpleNamespace(
        record_error=lambda error, severity, **context: RECORDED.append((error, severity, context))
    )
    app: Any = SimpleNamespace(drs_at=drs_at, errors=errors)
    return places_of(app)


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

    places = round_of()
    assert places.ask("jobs", {EAST: hung, WEST: quick}) == {WEST: "us-west-2"}
    assert places.failed == {EAST}


def test_a_place_that_failed_is_not_asked_again_in_the_same_round() -> None:
    asked: list[Place] = []

    def ask(drs: Any) -> int:
        asked.append(drs)
        return 1

    places = round_of(FAR)
    assert places.ask("jobs", {EAST: down, WEST: ask, FAR: ask}) == {WEST: 1}
    assert places.failed == {EAST, FAR}
    assert [(severity, context["question"]) for _, severity, context in RECORDED[-2:]] == [("WARNING", "jobs")] * 2
    assert places.ask("instances", {EAST: ask, WEST: ask, FAR: ask}) == {WEST: 1}
    assert asked == [WEST, WEST]


def test_s3_1_nothing_is_begun_that_might_not_end_within_the_round(caplog: pytest.LogCaptureFixture) -> None:
    with ending_in(1):
        places = round_of()
        assert places.ask("jobs", {EAST: lambda _: 1}) == {EAST: 1}
    places._deadline._until -= 0.8
    assert places.ask("jobs", {WEST: lambda _: 1}) == {}
    assert places.failed == {WEST}
    told = caplog.records[-1].__dict__["expired"]
    assert (told["operation"], told["question"]) == ("observation_round", "jobs")


def test_what_is_asked_knows_when_the_round_ends() -> None:
    assert round_of().ask("jobs", {EAST: lambda _: remaining(), WEST: lambda _: remaining()})[WEST] <= 60


def test_nothing_to_ask_is_no_answer() -> None:
    assert round_of().ask("jobs", {}) == {}
