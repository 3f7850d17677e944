"""Launch configurations and templates against the simulator, which shows versions late (contract 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.support.manners import manners
from tests.support.plans import server
from tests.support.stored_executions import AT

from drs_simulator.client import SimulatorControl
from drs_simulator.clockwork.clock import ManualClock
from drs_simulator.http.server import SimulatorServer
from wavebreak.aws.drs import Drs
from wavebreak.aws.ec2.launch_templates import LaunchTemplates
from wavebreak.domain.drs import Trouble
from wavebreak.domain.launch_templates.model import LaunchConfiguration, Subnet
from wavebreak.problems import Unavailable
from wavebreak.resilience import retries

if TYPE_CHECKING:
    from collections.abc import Iterator

LATE_SECONDS = 11
"""After it everything shows that was done."""
READY = "i-0123456789abcdef0"
SUBNET = "subnet-0123456789abcdef0"
STRANGER = "lt-0123456789abcdef0"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    clock = ManualClock(AT)
    monkeypatch.setattr(retries, "sleep", clock.advance)
    return clock


@pytest.fixture
def simulator(clock: ManualClock) -> Iterator[SimulatorServer]:
    with SimulatorServer(clock=clock, manners=manners()) as running:
        yield running


@pytest.fixture
def control(simulator: SimulatorServer) -> SimulatorControl:
    control = SimulatorControl(simulator.url)
    for number in (1, 2, 3):
        control.put_source_server(server(number))
    return control


def _client(simulator: SimulatorServer, service: str) -> Any:
    create: Any = boto3.client
    return create(
        service,
        endpoint_url=simulator.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
    )


@pytest.fixture
def drs(simulator: SimulatorServer) -> Iterator[Any]:
    client = _client(simulator, "drs")
    yield client
    client.close()


@pytest.fixture
def templates(simulator: SimulatorServer) -> Iterator[LaunchTemplates]:
    client = _client(simulator, "ec2")
    yield LaunchTemplates(client)
    client.close()


@pytest.fixture
def ids(drs: Any, control: SimulatorControl, clock: ManualClock) -> list[str]:
    """The templates of the three servers."""
    control.state()
    clock.advance(LATE_SECONDS)
    found = Drs(drs, drs).launch_configurations([server(number) for number in (1, 2, 3)], over=lambda: False)
    return [each.template_id or "" for each in found.values() if isinstance(each, LaunchConfiguration)]


def test_launch_configurations_of_many_are_read_one_by_one_and_one_that_fails_is_one_answer(
    drs: Any, control: SimulatorControl
) -> None:
    control.put_source_server(
        server(2),
        launchConfiguration={"copyPrivateIp": True, "launchIntoInstanceProperties": {"launchIntoEC2InstanceID": READY}},
    )
    found = Drs(drs, drs).launch_configurations([server(1), server(2), server(9)], over=lambda: False)
    first, second, unknown = (found[server(number)] for number in (1, 2, 9))
    assert isinstance(first, LaunchConfiguration)
    assert first.template_id
    assert (first.copies_private_ip, first.launches_into, first.disposition) == (False, None, "STARTED")
    assert isinstance(second, LaunchConfiguration)
    assert (second.copies_private_ip, second.launches_into) == (True, READY)
    assert isinstance(unknown, Trouble)
    assert "ResourceNotFoundException" in unknown.reason
    left = Drs(drs, drs).launch_configurations([server(1)], over=lambda: True)[server(1)]
    assert isinstance(left, Trouble)
    assert not left.asked


def test_one_listing_tells_the_default_versions_of_all_templates_and_leaves_out_what_it_does_not_know(
    templates: LaunchTemplates, ids: list[str], control: SimulatorControl
) -> None:
    found = templates.defaults({*ids, STRANGER})
    assert found.keys() == set(ids)
    assert all(each.is_default and each.number == 1 for each in found.values())
    assert all(each.data["NetworkInterfaces"] for each in found.values())
    assert len(control.calls("DescribeLaunchTemplateVersions")) == 1
    assert templates.defaults(()) == {}


def test_a_version_is_made_once_for_its_token_chosen_although_it_shows_late_and_put_back(
    templates: LaunchTemplates, ids: list[str], clock: ManualClock
) -> None:
    data = {"NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": SUBNET}]}
    number = templates.create_version(ids[0], 1, data, "ours", "token-1")
    assert templates.create_version(ids[0], 1, data, "ours", "token-1") == number
    templates.make_default(ids[0], number)
    clock.advance(LATE_SECONDS)
    [shown] = templates.defaults({ids[0]}).values()
    assert (shown.number, shown.description) == (number, "ours")
    assert shown.data["NetworkInterfaces"][0]["SubnetId"] == SUBNET
    assert shown.data["InstanceType"]
    assert [each.number for each in templates.versions_from(ids[0], 2)] == [number]
    assert not templates.delete_version(ids[0], number)
    templates.make_default(ids[0], 1)
    assert templates.delete_version(ids[0], number)
    assert templates.delete_version(ids[0], number)
    with pytest.raises(Unavailable, match=r"VersionDoesNotExist|not exist"):
        templates.delete_version(ids[0], number, shown=False)
    with pytest.raises(ClientError):
        templates.make_default(ids[0], number)


def test_a_template_that_is_gone_has_no_version_left(templates: LaunchTemplates) -> None:
    assert templates.delete_version(STRANGER, 2)
    assert templates.versions_from(STRANGER, 1) == []


def test_what_ec2_holds_back_is_tried_again_and_what_it_refuses_is_not(
    templates: LaunchTemplates, ids: list[str], control: SimulatorControl
) -> None:
    control.fault("ModifyLaunchTemplate", httpStatus=503, count=2)
    templates.make_default(ids[0], 1)
    assert len(control.calls("ModifyLaunchTemplate")) == 3
    control.fault("ModifyLaunchTemplate", error="UnauthorizedOperation", count=1)
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        templates.make_default(ids[0], 1)
    assert len(control.calls("ModifyLaunchTemplate")) == 4


def test_subnets_have_their_free_addresses_and_types_the_zones_that_offer_them(
    templates: LaunchTemplates, control: SimulatorControl
) -> None:
    control.put_subnet(SUBNET, cidrBlock="10.1.0.0/28", vpcId="vpc-0123456789abcdef0", usedAddresses=4)
    control.put_instance_type("m5.large", availabilityZones=["us-east-1b"])
    found = templates.subnets([SUBNET, "subnet-00000000000000009"])
    assert found == {SUBNET: Subnet(SUBNET, "vpc-0123456789abcdef0", "us-east-1a", "10.1.0.0/28", 7)}
    assert templates.zones_of({"m5.large", "no.such"}) == {"m5.large": {"us-east-1b"}, "no.such": frozenset()}
