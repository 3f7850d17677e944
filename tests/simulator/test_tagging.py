"""Tags of source servers, jobs and recovery instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from tests.simulator.clients import Drs, MakeClient, server_id

if TYPE_CHECKING:
    from drs_simulator.client import SimulatorControl

Servers = tuple[str, str, str]


def test_tags_given_to_start_recovery_are_on_the_job(drs: Drs, three_servers: Servers) -> None:
    tags = {"wavebreak:execution": "drill-1", "wave": "1"}
    job_id = drs.start(three_servers[0], tags=tags)
    job = drs.job(job_id)
    assert job["tags"] == tags
    assert drs.client.list_tags_for_resource(resourceArn=job["arn"])["tags"] == tags


def test_tags_are_added_overwritten_and_removed(drs: Drs, control: SimulatorControl) -> None:
    arn = control.put_source_server(server_id(1), tags={"tier": "db", "owner": "a"})["arn"]
    drs.client.tag_resource(resourceArn=arn, tags={"owner": "b", "new / key": "x"})
    drs.client.untag_resource(resourceArn=arn, tagKeys=["tier", "missing"])
    expected = {"owner": "b", "new / key": "x"}
    assert drs.client.list_tags_for_resource(resourceArn=arn)["tags"] == expected
    assert drs.client.describe_source_servers()["items"][0]["tags"] == expected
    drs.client.untag_resource(resourceArn=arn, tagKeys=["owner", "new / key"])
    assert drs.client.list_tags_for_resource(resourceArn=arn)["tags"] == {}


def test_a_recovery_instance_has_tags_of_its_own(drs: Drs, control: SimulatorControl) -> None:
    control.put_source_server(server_id(1), tags={"tier": "db"})
    drs.recover(server_id(1))
    [instance] = drs.instances()
    drs.client.tag_resource(resourceArn=instance["arn"], tags={"keep": "yes"})
    assert drs.instances()[0]["tags"] == {"tier": "db", "keep": "yes"}
    assert drs.client.describe_source_servers()["items"][0]["tags"] == {"tier": "db"}


@pytest.mark.parametrize(
    "name", ["source-server/s-99999999999999999", "job/drsjob-99999999999999999", "nonsense/x", "source-server"]
)
def test_a_resource_that_does_not_exist_is_not_found(drs: Drs, name: str) -> None:
    with pytest.raises(ClientError) as caught:
        drs.client.list_tags_for_resource(resourceArn=f"arn:aws:drs:us-east-1:000000000000:{name}")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_the_resource_of_another_region_is_not_found(control: SimulatorControl, make_client: MakeClient) -> None:
    arn = control.put_source_server(server_id(1))["arn"]
    elsewhere = make_client(region="eu-west-1")
    control.put_source_server(server_id(1), region="eu-west-1")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        elsewhere.tag_resource(resourceArn=arn, tags={"a": "b"})
