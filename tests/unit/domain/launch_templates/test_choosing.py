"""Contract 13, Networks: the subnet with most free addresses in a zone that offers the type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavebreak.domain.launch_templates.choosing import NoPlaceError, Places, PlaceTakenError, Wish
from wavebreak.domain.launch_templates.model import DrillNetwork, Subnet
from wavebreak.site import Site

ZONES = ("a", "b", "c")
TYPES = ("m5.large", "p5.48xlarge", "t3.nano")


@st.composite
def places(draw: st.DrawFn) -> Places:
    count = draw(st.integers(1, 5))
    subnets = {
        f"subnet-{number}": Subnet(
            f"subnet-{number}", "vpc-1", draw(st.sampled_from(ZONES)), f"10.0.{number}.0/24", draw(st.integers(0, 4))
        )
        for number in range(count)
    }
    zones = {name: draw(st.frozensets(st.sampled_from(ZONES))) for name in TYPES}
    return Places(DrillNetwork(Site(), tuple(subnets), ("sg-1",)), subnets, zones)


@given(places(), st.lists(st.tuples(st.sampled_from([*TYPES, None]), st.sampled_from([*ZONES, None])), max_size=12))
def test_13_every_server_gets_the_fitting_subnet_with_most_addresses_left_and_none_is_overfilled(
    chosen: Places, wishes: list[tuple[str | None, str | None]]
) -> None:
    left = {name: subnet.free for name, subnet in chosen.subnets.items()}
    for instance_type, zone in wishes:
        fitting = [
            name
            for name, subnet in chosen.subnets.items()
            if (instance_type is None or subnet.zone in chosen.zones[instance_type]) and zone in (None, subnet.zone)
        ]
        if not fitting or max(left[name] for name in fitting) < 1:
            with pytest.raises(NoPlaceError):
                chosen.choose(Wish(instance_type, zone))
            continue
        found = chosen.choose(Wish(instance_type, zone)).subnet_id
        assert found in fitting
        assert left[found] == max(left[name] for name in fitting)
        left[found] -= 1
    assert min(left.values()) >= 0


def _two() -> Places:
    subnets = {
        "subnet-0": Subnet("subnet-0", "vpc-1", "a", "10.0.0.0/24", 200),
        "subnet-1": Subnet("subnet-1", "vpc-1", "b", "10.0.1.0/24", 3),
    }
    return Places(DrillNetwork(Site(), tuple(subnets), ("sg-1",)), subnets, {"m5.large": frozenset("ab")})


def test_13_a_server_that_keeps_its_address_goes_where_that_is_held_or_nowhere() -> None:
    assert _two().choose(Wish("m5.large", address="10.0.1.9")).subnet_id == "subnet-1"
    with pytest.raises(NoPlaceError, match=r"keeps its private address 10\.9\.0\.1, which no subnet"):
        _two().choose(Wish("m5.large", address="10.9.0.1"))


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (Wish("m5.large", zone="b", interfaces=4), "enough free addresses"),
        (Wish("no.such"), "in a zone that offers no.such"),
        (Wish("m5.large", zone="c"), "in a zone that offers m5.large"),
    ],
)
def test_13_who_finds_no_place_is_told_why(wish: Wish, why: str) -> None:
    with pytest.raises(NoPlaceError, match=why):
        _two().choose(wish)


def test_13_addresses_that_others_are_led_to_are_left_to_them_and_waited_for() -> None:
    places = _two()
    places.led.update({"subnet-0": 198, "subnet-1": 3})
    assert [places.choose(Wish("m5.large")).subnet_id for _ in range(2)] == ["subnet-0"] * 2
    with pytest.raises(PlaceTakenError, match="Waits until others have landed"):
        places.choose(Wish("m5.large"))
    with pytest.raises(NoPlaceError, match="enough free addresses"):
        places.choose(Wish("m5.large", zone="b", interfaces=4))


def test_13_subnets_that_ec2_does_not_know_are_named() -> None:
    lost = Places(DrillNetwork(Site(), ("subnet-9",), ("sg-1",)), {}, {})
    with pytest.raises(NoPlaceError, match="knows none of the drill's subnets subnet-9"):
        lost.choose(Wish())
