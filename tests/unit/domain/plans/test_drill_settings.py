"""`drill` of a plan: lease and schedule (contract 3 and 13)."""

from typing import Any

import pytest
from tests.support.plan_documents import plan, problems, wave

from wavebreak.domain.plans.document import normalised, parse_plan
from wavebreak.domain.plans.schedules import Schedule, ScheduleState, Standing, schedule_of, standing_view

SCHEDULE = {"expression": "cron(0 6 ? * SUN *)", "timezone": "Europe/Berlin"}


def drilled(**drill: Any) -> dict[str, Any]:
    return dict(plan(wave("a", 1), drill=drill))


def test_3_a_drills_settings_are_kept_as_they_are_written_and_have_no_defaults() -> None:
    document = drilled(terminateAfterMinutes=240, schedule=SCHEDULE)
    assert normalised(parse_plan(document))["drill"] == document["drill"]
    assert "drill" not in normalised(parse_plan(plan(wave("a", 1))))
    assert schedule_of(document) == Schedule(SCHEDULE["expression"], SCHEDULE["timezone"])
    assert schedule_of(drilled(terminateAfterMinutes=240)) is None


@pytest.mark.parametrize("minutes", [14, 10_081, "240", 15.5, True])
def test_3_minutes_that_no_lease_has_are_refused(minutes: object) -> None:
    assert [pointer for pointer, _ in problems(drilled(terminateAfterMinutes=minutes))] == [
        "/drill/terminateAfterMinutes"
    ]


def test_13_a_schedule_needs_a_lease() -> None:
    [(pointer, message)] = problems(drilled(schedule=SCHEDULE))
    assert pointer == "/drill/schedule"
    assert "terminateAfterMinutes" in message


@pytest.mark.parametrize(
    "expression", ["at(2026-11-29T06:00:00)", "0 6 * * *", "rate(0 days)", "rate(5 weeks)", "cron()", "cron(a)b)", ""]
)
def test_13_an_expression_is_cron_or_rate(expression: str) -> None:
    found = problems(drilled(terminateAfterMinutes=60, schedule={**SCHEDULE, "expression": expression}))
    assert [pointer for pointer, _ in found] == ["/drill/schedule/expression"]


@pytest.mark.parametrize("expression", ["rate(1 days)", "rate(12 hours)", "cron(0/15 8-17 ? * MON-FRI 2026)"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_13_what_the_service_would_take_is_taken(expression: str, zone: str) -> None:
    document = drilled(terminateAfterMinutes=60, schedule={"expression": expression, "timezone": zone})
    assert normalised(parse_plan(document))["drill"] == document["drill"]


@pytest.mark.parametrize("zone", ["", "Europe/", "/Berlin", "Europe/Berlin\n", "+02:00", "a b"])
def test_13_what_can_be_no_zone_is_refused(zone: str) -> None:
    found = problems(drilled(terminateAfterMinutes=60, schedule={**SCHEDULE, "timezone": zone}))
    assert [pointer for pointer, _ in found] == ["/drill/schedule/timezone"]


def test_13_a_schedule_of_which_nothing_is_known_yet_is_pending() -> None:
    document = drilled(terminateAfterMinutes=60, schedule=SCHEDULE)
    assert standing_view(document, None) == {"state": "PENDING", "error": None}
    active = Standing(ScheduleState.ACTIVE)
    assert standing_view(document, active) == {"state": "ACTIVE", "error": None}
    assert standing_view(drilled(), active) is None


SUBNETS, GROUPS = ["subnet-0123456789abcdef0"], ["sg-0123456789abcdef0"]
HOME = {"subnetIds": SUBNETS, "securityGroupIds": GROUPS}


def networked(*networks: object) -> dict[str, Any]:
    waves = (wave("a", 1), dict(wave("b", 2), region="us-west-2"))
    return dict(plan(*waves), drill={"networks": list(networks)})


def test_13_networks_are_kept_as_they_are_written() -> None:
    document = networked(HOME, {**HOME, "region": "us-west-2"})
    assert normalised(parse_plan(document))["drill"] == document["drill"]


def test_13_every_account_and_region_of_the_waves_needs_one_entry() -> None:
    [(pointer, message)] = problems(networked(HOME))
    assert pointer == "/drill/networks"
    assert "'b'" in message
    west = {**HOME, "region": "us-west-2"}
    [(pointer, message)] = problems(networked(HOME, west, west))
    assert (pointer, message) == ("/drill/networks/2", "is for the same account and Region as entry 2")
    other = {**west, "accountId": "123456789012"}
    assert [pointer for pointer, _ in problems(networked(HOME, other))] == ["/drill/networks"]


@pytest.mark.parametrize(
    ("network", "pointer"),
    [
        ({**HOME, "subnetIds": []}, "/drill/networks/0/subnetIds"),
        ({**HOME, "subnetIds": ["subnet-1"]}, "/drill/networks/0/subnetIds/0"),
        ({**HOME, "securityGroupIds": ["default"]}, "/drill/networks/0/securityGroupIds/0"),
        ({"subnetIds": SUBNETS}, "/drill/networks/0/securityGroupIds"),
        ({**HOME, "vpcId": "vpc-1"}, "/drill/networks/0/vpcId"),
    ],
)
def test_13_a_network_that_is_none_is_refused(network: dict[str, Any], pointer: str) -> None:
    assert pointer in [found for found, _ in problems(networked(network, {**HOME, "region": "us-west-2"}))]
