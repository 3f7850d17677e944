"""Reads by ids: those that a service does not report hold up no other, whoever and however many they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from wavebreak.aws.reads_by_id import MOST_CALLS, PartialReadError, ReadsById, partly

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE = 200
DENIED, FAULT = ("AccessDeniedException", 403), ("InternalServerException", 500)


def refusal(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Describe")


class Service:
    """Tells of everybody but some: each call that names one of those ends as that one does."""

    def __init__(self, culprits: dict[str, Exception]) -> None:
        self.culprits = culprits
        self.calls: list[tuple[str, ...]] = []
        self.now = 0.0
        self.reads = ReadsById(lambda: self.now)

    def ask(self, ids: Sequence[str]) -> list[str]:
        """Answer one call."""
        self.calls.append(tuple(ids))
        assert len(ids) <= SIZE
        for name in ids:
            if name in self.culprits:
                raise self.culprits[name]
        return [f"seen {name}" for name in ids]

    def read(self, names: Sequence[str]) -> tuple[set[str], dict[str, str]]:
        """Read some: whom was told of, and why the others were not."""
        self.calls.clear()
        found, troubles = partly(lambda: self.reads.read("Describe", names, SIZE, self.ask, self.ask))
        assert len(found) == len(set(found))
        return {each.removeprefix("seen ") for each in found}, troubles


def many(count: int) -> list[str]:
    return [f"s-{number:03d}" for number in range(count)]


@given(st.data())
def test_all_others_are_told_of_within_the_bound_on_calls_and_each_culprit_has_its_words(data: Any) -> None:
    names = many(data.draw(st.integers(1, 500), "servers"))
    places = data.draw(st.sets(st.sampled_from(names), max_size=min(6, len(names) - 1)), "culprits")
    ways = {name: refusal(*data.draw(st.sampled_from([DENIED, FAULT]))) for name in sorted(places)}
    service = Service(dict(ways))
    found, troubles = service.read(names)
    assert found == set(names) - places
    assert {name: words.split(": ")[1] for name, words in troubles.items()} == {
        name: ways[name].response["Error"]["Code"] for name in places
    }
    assert len(service.calls) <= 2 * len(places) * math.log2(max(2, len(names))) + len(names) / 100 + 10


@pytest.mark.parametrize("culprits", [40, 100, 150])
def test_with_many_culprits_all_others_are_told_of_after_some_reads_each_of_a_bounded_number_of_calls(
    culprits: int,
) -> None:
    names = many(SIZE)
    bad = {name: refusal(*FAULT) for number, name in enumerate(names) if number * 7 % SIZE < culprits}
    service, reported = Service(dict(bad)), set[str]()
    for _ in range(12):
        try:
            reported |= service.read([name for name in names if name not in reported])[0]
        except ClientError:
            continue
        assert len(service.calls) <= MOST_CALLS + 10
    assert reported == set(names) - bad.keys()


@pytest.mark.parametrize("count", [1, 2, 3, 10, 200, 500])
@pytest.mark.parametrize("way", [DENIED, FAULT])
def test_what_is_refused_for_all_is_the_request_s_and_raised_after_ten_calls_at_most(
    count: int, way: tuple[str, int]
) -> None:
    error = refusal(*way)
    service = Service(dict.fromkeys(many(count), error))
    with pytest.raises(ClientError) as raised:
        service.read(many(count))
    assert raised.value is error
    assert len(service.calls) <= 10


@pytest.mark.parametrize(
    "error",
    [
        refusal("ThrottlingException", 429),
        refusal("RequestLimitExceeded", 400),
        refusal("ExpiredTokenException", 400),
        refusal("UninitializedAccountException", 400),
        EndpointConnectionError(endpoint_url="https://drs"),
    ],
)
def test_silence_and_what_concerns_nobody_is_not_searched(error: Exception) -> None:
    service = Service({"s-003": error})
    with pytest.raises(type(error)):
        service.read(many(10))
    assert len(service.calls) == 1


def test_a_culprit_is_left_out_of_the_next_reads_and_asked_for_alone_when_its_pause_is_over() -> None:
    service = Service({"s-003": refusal(*FAULT)})
    service.read(many(100))
    others = tuple(name for name in many(100) if name != "s-003")
    assert service.read(many(100))[1].keys() == {"s-003"}
    assert service.calls == [others]
    service.now += 5
    assert service.read(many(100))[1].keys() == {"s-003"}
    assert service.calls == [others, ("s-003",)]
    service.now += 9
    service.read(many(100))
    assert service.calls == [others], "its pause has doubled"
    service.now += 1
    service.culprits.clear()
    assert service.read(many(100)) == (set(many(100)), {})
    service.read(many(100))
    assert service.calls == [tuple(many(100))]


def test_when_only_culprits_are_asked_for_they_are_asked_for_at_once() -> None:
    service = Service({"s-003": refusal(*DENIED)})
    service.read(many(10))
    service.culprits.clear()
    assert service.read(["s-003"]) == ({"s-003"}, {})


def test_silence_in_the_midst_of_a_search_leaves_what_was_told() -> None:
    service = Service({"s-001": refusal(*FAULT)})
    names = many(10)

    def ask(ids: Sequence[str]) -> list[str]:
        if len(service.calls) >= 8:
            raise EndpointConnectionError(endpoint_url="https://drs")
        return service.ask(ids)

    found, troubles = partly(lambda: service.reads.read("Describe", names, SIZE, ask, ask))
    assert found, "some were told of before"
    assert troubles.keys() == set(names) - {each.removeprefix("seen ") for each in found}
    assert any("Could not connect" in words for words in troubles.values())


def test_an_error_names_the_operation_the_first_culprit_and_the_words() -> None:
    service = Service({"s-003": refusal(*DENIED), "s-005": refusal(*FAULT)})
    with pytest.raises(PartialReadError) as raised:
        service.reads.read("Describe", many(10), SIZE, service.ask, service.ask)
    assert str(raised.value.detail) == "Describe of 2, s-003 the first: AccessDeniedException: no"
