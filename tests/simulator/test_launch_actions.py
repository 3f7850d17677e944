"""Contract 11: post-launch actions, which run after a launch and before the end of its job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.simulator.clients import Drs, server_id
from tests.simulator.launches import ACTIONS
from tests.simulator.run_command import code_of

if TYPE_CHECKING:
    from drs_simulator.client import SimulatorControl
    from drs_simulator.clockwork.clock import ManualClock

Servers = tuple[str, str, str]


def test_launch_actions_run_one_after_another_before_the_job_ends(
    drs: Drs, control: SimulatorControl, three_servers: Servers, clock: ManualClock
) -> None:
    control.put_source_server(three_servers[0], launchActions=ACTIONS)
    job_id = drs.start(three_servers[0])

    def actions() -> list[tuple[str, str]]:
        [server] = drs.job(job_id)["participatingServers"]
        return [(run["action"]["name"], run["status"]) for run in server.get("launchActionsStatus", {}).get("runs", [])]

    clock.advance(20)
    assert drs.launch_statuses(job_id) == {three_servers[0]: "LAUNCHED"}
    assert "launchActionsStatus" not in drs.job(job_id)["participatingServers"][0]
    clock.advance(1)
    assert actions() == [("Install agent", "IN_PROGRESS")]
    clock.advance(4)
    assert actions() == [("Install agent", "SUCCEEDED"), ("Check disks", "IN_PROGRESS")]
    assert drs.job(job_id)["status"] == "STARTED"
    clock.advance(6)
    assert actions() == [("Install agent", "SUCCEEDED"), ("Check disks", "FAILED")]
    assert drs.job(job_id)["status"] == "STARTED"
    clock.advance(3)
    job = drs.job(job_id)
    assert job["status"] == "COMPLETED"
    run = job["participatingServers"][0]["launchActionsStatus"]["runs"][1]
    assert run["failureReason"] == "HTTP 503"
    assert run["action"]["optional"] is False
    assert drs.client.describe_source_servers()["items"][0]["lastLaunchResult"] == "FAILED"
    assert drs.launch_statuses(job_id) == {three_servers[0]: "LAUNCHED"}


def test_an_optional_action_that_fails_leaves_the_launch_a_success(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    control.put_source_server(three_servers[0], launchActions=[{**ACTIONS[1], "optional": True}])
    drs.recover(three_servers[0])
    assert drs.client.describe_source_servers()["items"][0]["lastLaunchResult"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("settings", "runs"),
    [
        ({"launchConfiguration": {"postLaunchEnabled": False}}, False),
        ({"launchConfiguration": {"postLaunchEnabled": True}}, True),
        ({"launchConfiguration": {"launchDisposition": "STOPPED"}}, False),
        ({}, True),
    ],
)
def test_actions_run_where_they_are_on_and_the_instance_runs(
    drs: Drs, control: SimulatorControl, three_servers: Servers, settings: dict[str, Any], runs: bool
) -> None:
    control.put_source_server(three_servers[0], launchActions=ACTIONS, **settings)
    job = drs.recover(three_servers[0])
    assert ("launchActionsStatus" in job["participatingServers"][0]) is runs
    configuration = drs.client.get_launch_configuration(sourceServerID=three_servers[0])
    assert configuration["postLaunchEnabled"] is (runs or "STOPPED" in str(settings))


def test_launch_actions_are_listed_in_order(drs: Drs, control: SimulatorControl, three_servers: Servers) -> None:
    given = [{"name": "Last", "order": 9}, {"name": "First", "order": 2, "active": False, "optional": True}]
    control.put_source_server(three_servers[0], launchActions=given)
    listed = drs.client.list_launch_actions(resourceId=three_servers[0])["items"]
    assert [(each["name"], each["order"], each["active"], each["optional"]) for each in listed] == [
        ("First", 2, False, True),
        ("Last", 9, True, False),
    ]
    one = drs.client.list_launch_actions(resourceId=three_servers[0], filters={"actionIds": [listed[1]["actionId"]]})[
        "items"
    ]
    assert one == [listed[1]]
    # What is not active does not run.
    job = drs.recover(three_servers[0])
    runs = job["participatingServers"][0]["launchActionsStatus"]["runs"]
    assert [each["action"]["name"] for each in runs] == ["Last"]
    assert code_of(lambda: drs.client.list_launch_actions(resourceId=server_id(9))) == "ResourceNotFoundException"


def test_the_account_has_a_launch_configuration_template(drs: Drs) -> None:
    [template] = drs.client.describe_launch_configuration_templates()["items"]
    identifier = template["launchConfigurationTemplateID"]
    assert template["postLaunchEnabled"] is False
    named = drs.client.describe_launch_configuration_templates(launchConfigurationTemplateIDs=[identifier])["items"]
    assert named == [template]
    assert drs.client.list_launch_actions(resourceId=identifier)["items"] == []
    strange = ["lct-00000000000000000"]
    code = code_of(lambda: drs.client.describe_launch_configuration_templates(launchConfigurationTemplateIDs=strange))
    assert code == "ResourceNotFoundException"
