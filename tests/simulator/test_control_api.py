"""The control API and its client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.simulator.clients import Drs, server_id

from drs_simulator.client import ControlError, SimulatorControl

if TYPE_CHECKING:
    from drs_simulator.http.server import SimulatorServer

Servers = tuple[str, str, str]


def call(simulator: SimulatorServer, method: str, path: str, **more: Any) -> httpx.Response:
    return httpx.request(method, f"{simulator.url}/_simulator/{path}", trust_env=False, **more)


def test_health_answers(control: SimulatorControl) -> None:
    assert control.health() == {"status": "healthy"}


def test_a_server_is_added_and_then_changed_in_what_is_given(simulator: SimulatorServer, drs: Drs) -> None:
    path = f"source-servers/{server_id(1)}"
    added = call(simulator, "PUT", path, json={"tags": {"tier": "db"}, "hostname": "db-1", "lagSeconds": 5})
    changed = call(simulator, "PUT", path, json={"tags": {"tier": "app"}})
    assert (added.status_code, changed.status_code) == (201, 200)
    [server] = drs.client.describe_source_servers()["items"]
    assert server == changed.json()
    assert server["tags"] == {"tier": "app"}
    assert server["sourceProperties"]["identificationHints"]["hostname"] == "db-1"
    assert server["dataReplicationInfo"]["lagDuration"] == "PT5S"


def test_a_server_without_settings_is_ready(simulator: SimulatorServer) -> None:
    answer = call(simulator, "PUT", f"source-servers/{server_id(1)}")
    assert answer.status_code == 201
    assert answer.json()["dataReplicationInfo"]["dataReplicationState"] == "CONTINUOUS"


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        ({"launchResult": "MAYBE"}, "/launchResult"),
        ({"launchSeconds": -1}, "/launchSeconds"),
        ({"launchSeconds": "soon"}, "/launchSeconds"),
        ({"lagSeconds": 1.5}, "/lagSeconds"),
        ({"recoverable": "no"}, "/recoverable"),
        ({"tags": {"k": 1}}, "/tags/k"),
        ({"tags": {"k": "v" * 257}}, "/tags/k"),
        ({"tags": {"a/b~c": 1}}, "/tags/a~1b~0c"),
        ({"hostname": ""}, "/hostname"),
        ({"color": "red"}, "/color"),
        ([], ""),
    ],
)
def test_settings_that_make_no_sense_are_refused(simulator: SimulatorServer, settings: Any, pointer: str) -> None:
    answer = call(simulator, "PUT", f"source-servers/{server_id(1)}", json=settings)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert answer.json()["message"]
    assert call(simulator, "GET", "state").json()["sourceServers"] == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "source-servers/s-short", 400),
        ("PUT", f"source-servers/{server_id(1)}?account=12", 400),
        ("PUT", f"source-servers/{server_id(1)}?region=", 400),
        ("PUT", f"source-servers/{server_id(1)}?color=red", 400),
        ("PUT", f"source-servers/{server_id(1)}?region=us-east-1&region=us-west-2", 400),
        ("GET", "calls?operation=StartRecovery", 400),
        ("DELETE", "faults?operation=StartRecovery", 400),
        ("POST", "reset?account=111111111111", 400),
        ("PUT", "quotas?account=111111111111", 400),
        ("PUT", "instances/i-00000000000000000", 404),
        ("GET", "source-servers", 404),
        ("GET", "nothing", 404),
        ("GET", "reset", 405),
        ("PUT", "faults", 405),
        ("PUT", "quotas", 200),
    ],
)
def test_a_control_call_that_makes_no_sense_is_refused(
    simulator: SimulatorServer, method: str, path: str, status: int
) -> None:
    answer = call(simulator, method, path)
    assert answer.status_code == status


def test_a_body_that_is_no_json_is_refused(simulator: SimulatorServer) -> None:
    answer = call(simulator, "PUT", f"source-servers/{server_id(1)}", content=b"{")
    assert answer.status_code == 400
    assert "JSON" in answer.json()["message"]


def test_the_state_has_everything_in_the_names_of_the_service(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    job = drs.recover(three_servers[0])
    state = control.state()
    assert sorted(state) == [
        "automationExecutions",
        "commandInvocations",
        "ec2Instances",
        "jobs",
        "launchTemplates",
        "maxCommandsInFlight",
        "recoveryInstances",
        "sourceServers",
    ]
    assert state["jobs"] == [job]
    assert state["recoveryInstances"] == drs.instances()
    assert state["sourceServers"] == drs.client.describe_source_servers()["items"]


def test_a_reset_forgets_everything(drs: Drs, control: SimulatorControl, three_servers: Servers) -> None:
    drs.start(three_servers[0])
    control.fault("DescribeJobs", httpStatus=503)
    control.reset()
    assert control.state() == {
        "sourceServers": [],
        "jobs": [],
        "recoveryInstances": [],
        "commandInvocations": [],
        "maxCommandsInFlight": 0,
        "ec2Instances": [],
        "launchTemplates": [],
        "automationExecutions": [],
    }
    assert control.calls() == []
    assert drs.client.describe_jobs()["items"] == []
    control.put_source_server(three_servers[0])
    assert drs.recover(three_servers[0])["status"] == "COMPLETED"


def test_an_instance_is_made_unreachable(drs: Drs, control: SimulatorControl, three_servers: Servers) -> None:
    drs.recover(three_servers[0])
    instance = drs.instances()[0]["ec2InstanceID"]
    answer = control.instance(instance, reachable=False)
    assert (answer["instanceId"], answer["reachable"], answer["undeliverable"]) == (instance, False, False)


def test_an_instance_that_does_not_exist_is_not_found(control: SimulatorControl) -> None:
    with pytest.raises(ControlError) as caught:
        control.instance("i-00000000000000000", reachable=False)
    assert caught.value.status == 404


def test_quotas_are_answered_as_they_now_are(control: SimulatorControl) -> None:
    default = {"concurrentJobs": 20, "serversPerJob": 100, "serversInAllJobs": 500, "vcpus": 100_000}
    assert control.quotas(serversPerJob=5) == {**default, "serversPerJob": 5}
    for value in (-1, 10**6 + 1):
        with pytest.raises(ControlError, match="/concurrentJobs"):
            control.quotas(concurrentJobs=value)


def test_control_calls_are_no_api_calls(control: SimulatorControl) -> None:
    control.state()
    assert control.calls() == []
