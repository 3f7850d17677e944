"""Launch templates for whoever changes them: the adapter on the simulator and the tests' EC2 are held to the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from tests.support.execution_builders import server_id
from tests.support.network_world import NetworkWorld
from tests.support.simulated import LATE_SECONDS, simulated

from wavebreak.aws.drs import Drs
from wavebreak.aws.ec2.launch_templates import LaunchTemplates
from wavebreak.domain.launch_templates.changing import interfaces_of
from wavebreak.domain.launch_templates.model import LaunchConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wavebreak.ports.ec2 import TemplateChanges

DATA = {"NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": "subnet-0123456789abcdef0"}]}


@dataclass
class Kept:
    """EC2 with the templates of two servers, as DRS made them, and what has everything be shown."""

    ec2: TemplateChanges
    first: str
    second: str
    everything_shows: Callable[[], None]


@pytest.fixture
def on_the_simulator() -> Iterator[Kept]:
    with simulated() as here, here.client("drs") as drs, here.client("ec2") as ec2:
        names = [server_id(1), server_id(2)]
        for name in names:
            here.control.put_source_server(name)
        here.control.state()
        here.clock.advance(LATE_SECONDS)
        found = Drs(drs, drs).launch_configurations(names, lambda: False).values()
        first, second = (each.template_id or "" for each in found if isinstance(each, LaunchConfiguration))
        yield Kept(LaunchTemplates(ec2), first, second, lambda: here.clock.advance(LATE_SECONDS))


@pytest.fixture
def faked() -> Kept:
    return Kept(NetworkWorld().ec2, "lt-1", "lt-2", lambda: None)


@pytest.fixture(params=["on_the_simulator", "faked"])
def kept(request: pytest.FixtureRequest) -> Kept:
    found: Kept = request.getfixturevalue(request.param)
    return found


def test_the_defaults_are_the_versions_that_drs_made(kept: Kept) -> None:
    found = kept.ec2.defaults({kept.first, kept.second})
    assert {name: (each.template_id, each.number, each.is_default) for name, each in found.items()} == {
        name: (name, 1, True) for name in (kept.first, kept.second)
    }
    assert all(interfaces_of(each.data) for each in found.values())
    assert [each.number for each in kept.ec2.versions_from(kept.first, 1)] == [1]
    assert kept.ec2.versions_from(kept.first, 2) == []


def test_a_version_takes_from_its_source_what_it_does_not_say_and_is_no_default_yet(kept: Kept) -> None:
    number = kept.ec2.create_version(kept.first, 1, DATA, "ours", "token-1")
    kept.everything_shows()
    [made] = kept.ec2.versions_from(kept.first, 2)
    assert (made.number, made.is_default, made.description) == (number, False, "ours")
    [interface] = interfaces_of(made.data)
    assert interface["SubnetId"] == "subnet-0123456789abcdef0"
    [original] = kept.ec2.defaults({kept.first}).values()
    assert original.number == 1
    assert made.data["InstanceType"] == original.data["InstanceType"]


def test_the_same_token_makes_no_second_version_and_another_one_does(kept: Kept) -> None:
    number = kept.ec2.create_version(kept.first, 1, DATA, "ours", "token-1")
    assert kept.ec2.create_version(kept.first, 1, DATA, "ours", "token-1") == number
    assert kept.ec2.create_version(kept.first, 1, DATA, "ours", "token-2") == number + 1


def test_the_default_version_is_kept_and_another_one_deleted_as_often_as_it_is_asked(kept: Kept) -> None:
    number = kept.ec2.create_version(kept.first, 1, DATA, "ours", "token-1")
    kept.everything_shows()
    kept.ec2.make_default(kept.first, number)
    kept.everything_shows()
    assert [each.number for each in kept.ec2.defaults({kept.first}).values()] == [number]
    assert not kept.ec2.delete_version(kept.first, number)
    kept.ec2.make_default(kept.first, 1)
    kept.everything_shows()
    assert [kept.ec2.delete_version(kept.first, number) for _ in range(2)] == [True, True]
    kept.everything_shows()
    assert [each.number for each in kept.ec2.versions_from(kept.first, 1)] == [1]


def test_a_version_that_there_is_not_is_made_no_default(kept: Kept) -> None:
    with pytest.raises(ClientError) as refused:
        kept.ec2.make_default(kept.first, 7)
    assert refused.value.response["Error"]["Code"] == "InvalidLaunchTemplateId.VersionNotFound"
    assert [each.number for each in kept.ec2.defaults({kept.first}).values()] == [1]
