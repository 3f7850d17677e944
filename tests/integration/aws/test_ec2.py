"""EC2 as a termination asks it: the adapter on moto, and the fake of the unit tests, held to the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws
from tests.support.execution_builders import NOW, instance_id, job_id, server_id
from tests.support.manners import lens
from tests.support.termination_services import GOING, FakeDrs, FakeEc2

from wavebreak.aws.ec2.instances import Ec2
from wavebreak.domain.drs import Instance
from wavebreak.problems import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Answers(Protocol):
    """What the adapter and the fake have in common."""

    def states(self, instance_ids: Sequence[str]) -> dict[str, str]:
        """Give the states of instances, in EC2's words."""


Known = tuple[Answers, str, str]
"""EC2, an instance that runs, and one that was terminated a while ago."""


@pytest.fixture
def on_moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[Known]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client = boto3.client("ec2", region_name="us-east-1")
        image = client.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        made = client.run_instances(ImageId=image, MinCount=2, MaxCount=2)["Instances"]
        running, terminated = (each["InstanceId"] for each in made)
        client.terminate_instances(InstanceIds=[terminated])
        yield Ec2(client), running, terminated


@pytest.fixture
def faked() -> Known:
    running, terminated = instance_id(1), instance_id(2)
    instances = {name: Instance(name, server_id(1), job_id(1)) for name in (running, terminated)}
    drs = FakeDrs(instances, {}, lambda: NOW, lens(lambda: NOW), NOW, ending={job_id(2): (NOW - GOING, (terminated,))})
    return FakeEc2(drs), running, terminated


@pytest.fixture(params=["on_moto", "faked"])
def known(request: pytest.FixtureRequest) -> Known:
    found: Known = request.getfixturevalue(request.param)
    return found


def test_an_instance_has_its_state_and_one_that_ec2_does_not_know_is_left_out_and_refuses_nothing(known: Known) -> None:
    ec2, running, terminated = known
    stranger = "i-0123456789abcdef0"
    assert ec2.states([running, terminated, stranger]) == {running: "running", terminated: "terminated"}
    assert ec2.states([stranger]) == {}
    assert ec2.states([]) == {}


def test_more_instances_than_a_filter_takes_are_asked_for_in_several_calls(known: Known) -> None:
    ec2, running, terminated = known
    strangers = [f"i-{number:017x}" for number in range(0xABC000, 0xABC000 + 400)]
    assert ec2.states([*strangers, running, terminated]) == {running: "running", terminated: "terminated"}


def test_an_answer_without_a_list_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    client = boto3.client("ec2", region_name="us-east-1")
    with Stubber(client) as reported:
        reported.add_response("describe_instances", {})
        with pytest.raises(Unavailable):
            Ec2(client).states([instance_id(1)])
