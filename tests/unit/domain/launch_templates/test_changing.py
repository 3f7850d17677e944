"""Contract 13, Networks: what a drill changes in a launch template, and what putting back means."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavebreak.domain.launch_templates.changing import INTERFACES, NotForDrillsError, changed, interfaces_of, put_back

DRILL_SUBNET, DRILL_GROUPS = "subnet-drill", ("sg-drill", "sg-second")
FIXED = ("PrivateIpAddress", "PrivateIpAddresses", "Ipv6Addresses", "Ipv4Prefixes", "Ipv6Prefixes")
_GROUPS = st.lists(st.sampled_from(["sg-1", "sg-2", "sg-3"]), unique=True, max_size=3)


@st.composite
def interfaces(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {"DeviceIndex": 0, "DeleteOnTermination": draw(st.booleans())}
    if draw(st.booleans()):
        made["SubnetId"] = draw(st.sampled_from(["subnet-1", "subnet-2"]))
    if groups := draw(_GROUPS):
        made["Groups"] = groups
    if draw(st.booleans()):
        made["PrivateIpAddress"] = "10.0.0.7"
    if draw(st.booleans()):
        made["Ipv6Addresses"] = [{"Ipv6Address": "fd00::7"}]
    return made


@st.composite
def templates(draw: st.DrawFn) -> dict[str, Any]:
    found = [each | {"DeviceIndex": index} for index, each in enumerate(draw(st.lists(interfaces(), max_size=3)))]
    return {"InstanceType": "m5.large", **({INTERFACES: found} if found else {})}


@given(templates())
def test_13_every_interface_gets_the_drills_subnet_and_groups_and_loses_fixed_addresses(data: dict[str, Any]) -> None:
    made = changed(data, DRILL_SUBNET, DRILL_GROUPS)
    assert made.keys() == {INTERFACES}
    assert len(made[INTERFACES]) == max(1, len(interfaces_of(data)))
    for before, after in zip(interfaces_of(data) or [{"DeviceIndex": 0}], made[INTERFACES], strict=True):
        assert (after["SubnetId"], after["Groups"]) == (DRILL_SUBNET, list(DRILL_GROUPS))
        assert not set(after) & set(FIXED)
        others = {name: value for name, value in before.items() if name not in {"SubnetId", "Groups", *FIXED}}
        assert others.items() <= after.items()


@given(templates())
def test_13_what_was_made_from_ours_has_all_its_original_values_back(data: dict[str, Any]) -> None:
    ours = data | changed(data, DRILL_SUBNET, DRILL_GROUPS)
    theirs = ours | {"InstanceType": "m5.xlarge"}
    made = put_back(theirs, interfaces_of(data), DRILL_SUBNET, DRILL_GROUPS)
    assert made is not None
    assert made[INTERFACES] == (interfaces_of(data) or [{"DeviceIndex": 0}])


@given(templates(), templates())
def test_13_what_they_made_without_anything_of_ours_is_left_alone(data: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert put_back(theirs, interfaces_of(data), DRILL_SUBNET, DRILL_GROUPS) is None


@given(templates(), interfaces(), st.booleans(), st.booleans(), _GROUPS)
def test_13_only_what_we_changed_is_put_back_in_a_version_of_theirs(
    data: dict[str, Any], own: dict[str, Any], keeps_subnet: bool, keeps_groups: bool, more: list[str]
) -> None:
    ours = interfaces_of(changed(data, DRILL_SUBNET, DRILL_GROUPS))
    theirs = {name: value for name, value in own.items() if name not in FIXED}
    theirs = theirs | ({"SubnetId": DRILL_SUBNET} if keeps_subnet else {})
    theirs = theirs | ({"Groups": [*DRILL_GROUPS, *more]} if keeps_groups else {})
    extra = {"DeviceIndex": len(ours), "SubnetId": DRILL_SUBNET, "Groups": list(DRILL_GROUPS)}
    version = {INTERFACES: [theirs, *ours[1:], extra]}
    made = put_back(version, interfaces_of(data), DRILL_SUBNET, DRILL_GROUPS)
    assert made is not None
    for each in made[INTERFACES]:
        assert each.get("SubnetId") != DRILL_SUBNET
        assert not set(each.get("Groups", ())) & set(DRILL_GROUPS)
    [first, *_] = made[INTERFACES]
    original = (interfaces_of(data) or [{}])[0]
    assert first.get("SubnetId") == (original if keeps_subnet else theirs).get("SubnetId")
    if not keeps_groups:
        assert first.get("Groups") == theirs.get("Groups")
    else:
        assert set(first.get("Groups", ())) == {*original.get("Groups", ()), *more}
    if not keeps_subnet:
        assert not set(first) & set(FIXED), "an address of one subnet refuses a launch in another"
    assert first["DeleteOnTermination"] == theirs["DeleteOnTermination"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({INTERFACES: [{"DeviceIndex": 0}, {"NetworkInterfaceId": "eni-1"}]}, "existing network interface eni-1"),
        ({"SecurityGroupIds": ["sg-1"]}, "security groups and no network interface"),
        ({"SecurityGroups": ["default"]}, "security groups and no network interface"),
    ],
)
def test_13_a_template_that_cannot_be_led_elsewhere_is_refused(data: dict[str, Any], why: str) -> None:
    with pytest.raises(NotForDrillsError, match=why):
        changed(data, DRILL_SUBNET, DRILL_GROUPS)


def test_13_snapshots_of_block_devices_are_said_again_as_a_new_version_does_not_inherit_them() -> None:
    named = [{"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": "snap-1", "VolumeSize": 8}}]
    plain = [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 8}}]
    assert changed({"BlockDeviceMappings": named}, DRILL_SUBNET, DRILL_GROUPS)["BlockDeviceMappings"] == named
    assert "BlockDeviceMappings" not in changed({"BlockDeviceMappings": plain}, DRILL_SUBNET, DRILL_GROUPS)
