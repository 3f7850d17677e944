"""A native Recovery Plan as a plan of ours."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavebreak.aws.drs import Drs
from wavebreak.domain.plans.document import normalised, parse_plan
from wavebreak.domain.plans.drs_recovery_plans import (
    NativePlan,
    NativeServer,
    NativeStep,
    NothingToRecoverError,
    converted,
    plan_id_of,
    site_of_arn,
)
from wavebreak.domain.plans.model import Impact
from wavebreak.identifiers import NATIVE_PLAN_ARN_PATTERN
from wavebreak.json_pointers import PlanInvalidError
from wavebreak.problems import Unavailable

ARN = "arn:aws:drs:us-west-2:123456789012:recovery-plan/0123456789abcdef0"
_WORDS = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9 _-]{0,255}", fullmatch=True)


def servers(*numbers: int, impact: Impact = Impact.CRITICAL) -> tuple[NativeServer, ...]:
    return tuple(NativeServer(f"s-{number:017d}", impact) for number in numbers)


def native(*steps: NativeStep, description: str = "", name: str = "Shop") -> NativePlan:
    return NativePlan(name, description, steps)


def document(plan: NativePlan, region: str | None = None) -> dict[str, Any]:
    """The plan as it would be stored: what is converted must be valid."""
    return normalised(parse_plan(converted(plan, "shop", region), plan_id="shop"))


def test_server_steps_become_waves_in_a_line() -> None:
    plan = document(
        native(NativeStep("db", servers(1, 2)), NativeStep("app", servers(3)), NativeStep("web", servers(4)))
    )
    assert (plan["planId"], plan["name"]) == ("shop", "Shop")
    assert [wave["name"] for wave in plan["waves"]] == ["db", "app", "web"]
    assert [wave["dependsOn"] for wave in plan["waves"]] == [[], ["db"], ["app"]]
    assert [len(wave["servers"]) for wave in plan["waves"]] == [2, 1, 1]
    assert "region" not in plan["waves"][0]


def test_impact_levels_are_kept() -> None:
    both = (*servers(1), *servers(2, impact=Impact.OPTIONAL))
    [wave] = document(native(NativeStep("db", both)))["waves"]
    assert [server["impact"] for server in wave["servers"]] == ["CRITICAL", "OPTIONAL"]


def test_waits_before_a_step_add_up_to_what_its_wave_waits() -> None:
    steps = (
        NativeStep("first wait", wait_minutes=1),
        NativeStep("db", servers(1)),
        NativeStep("settle", wait_minutes=5),
        NativeStep("longer", wait_minutes=120),
        NativeStep("web", servers(2)),
        NativeStep("last", servers(3)),
    )
    assert [wave["waitBeforeSeconds"] for wave in document(native(*steps))["waves"]] == [60, 7500, 0]


def test_a_wait_that_nothing_follows_is_told_in_the_description() -> None:
    steps = (NativeStep("db", servers(1)), NativeStep("wait", wait_minutes=10), NativeStep("more", wait_minutes=20))
    plan = document(native(*steps, description="Our shop."))
    assert plan["description"].startswith("Our shop. The native plan ends with a wait of 30 minutes")
    assert plan["waves"][0]["waitBeforeSeconds"] == 0
    long = document(native(*steps, description="x" * 1024))
    assert len(long["description"]) == 1024
    assert "a wait of 30 minutes" in long["description"]


def test_a_description_is_kept_and_an_empty_one_left_out() -> None:
    assert document(native(NativeStep("db", servers(1)), description="x" * 1024))["description"] == "x" * 1024
    assert "description" not in document(native(NativeStep("db", servers(1))))


def test_names_are_cut_and_made_unique() -> None:
    long = "n" * 100
    steps = [NativeStep(long + str(number), servers(number)) for number in range(12)]
    names = [wave["name"] for wave in document(native(*steps))["waves"]]
    assert len(set(names)) == 12
    assert names[:2] == ["n" * 64, "n" * 62 + " 2"]
    assert names[11] == "n" * 61 + " 12"


def test_a_made_name_never_takes_one_that_is_there() -> None:
    steps = [NativeStep(name, servers(at)) for at, name in enumerate(["db", "db 2", "db", "db"])]
    names = [wave["name"] for wave in document(native(*steps))["waves"]]
    assert names == ["db", "db 2", "db 3", "db 4"]


def test_waves_of_another_region_name_it() -> None:
    plan = document(native(NativeStep("db", servers(1)), NativeStep("web", servers(2))), "us-west-2")
    assert [wave["region"] for wave in plan["waves"]] == ["us-west-2", "us-west-2"]


@pytest.mark.parametrize("steps", [(), (NativeStep("wait", wait_minutes=5),)])
def test_a_plan_without_servers_is_none_of_ours(steps: tuple[NativeStep, ...]) -> None:
    with pytest.raises(NothingToRecoverError, match="no step that recovers servers"):
        converted(native(*steps), "shop", None)


def test_what_our_rules_forbid_is_left_for_them_to_say() -> None:
    with pytest.raises(PlanInvalidError, match=re.escape("/waves/1/servers/0")):
        document(native(NativeStep("a", servers(1)), NativeStep("b", servers(1))))


@pytest.mark.parametrize(
    ("name", "plan_id"),
    [
        ("Shop", "shop"),
        ("3 Tier  Recovery_Plan", "3-tier-recovery-plan"),
        ("A - ", "a"),
        ("x" * 62 + " y", "x" * 62),
        ("x" * 256, "x" * 63),
        ("---", "recovery-plan"),
    ],
)
def test_a_plan_id_is_made_of_the_name(name: str, plan_id: str) -> None:
    assert plan_id_of(name) == plan_id


@given(name=_WORDS, steps=st.lists(_WORDS, min_size=1, max_size=20))
def test_whatever_a_native_plan_is_called_its_conversion_is_valid(name: str, steps: list[str]) -> None:
    plan = native(*(NativeStep(step, servers(at)) for at, step in enumerate(steps)), name=name)
    parsed = parse_plan(converted(plan, plan_id_of(name), None))
    assert [len(wave.servers or ()) for wave in parsed.waves] == [1] * len(steps)


def test_an_arn_tells_account_and_region() -> None:
    assert site_of_arn(ARN) == ("123456789012", "us-west-2")


@pytest.mark.parametrize(
    ("arn", "valid"),
    [
        (ARN, True),
        (ARN.replace("arn:aws", "arn:aws-us-gov").replace("us-west-2", "us-gov-west-1"), True),
        (ARN.replace("recovery-plan/", "source-server/"), False),
        (ARN.replace("us-west-2", "evil.example"), False),
        (ARN.replace("drs", "ec2"), False),
        ("", False),
    ],
)
def test_only_arns_of_recovery_plans_are_taken(arn: str, valid: bool) -> None:
    assert bool(re.search(NATIVE_PLAN_ARN_PATTERN, arn)) is valid


def test_an_sdk_that_is_older_than_native_plans_is_named() -> None:
    """The Lambda runtime brings its own, often months old; an attribute that it lacks would be an INTERNAL error."""
    older: Any = object()
    with pytest.raises(Unavailable, match="AWS SDK of this Lambda runtime"):
        Drs(older, older).native_plan(ARN)
