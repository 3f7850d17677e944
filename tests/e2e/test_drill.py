"""A drill from its plan to its evidence: every field that the contract names, in the form it names."""

import re
from typing import Any

import pytest
from tests.e2e.trail import paths, verified_trail
from tools.local_stack.product import QUICK, Product, chain

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

EXECUTION_FIELDS = {
    "executionId",
    "planId",
    "planName",
    "planVersion",
    "mode",
    "status",
    "display",
    "requestedBy",
    "reason",
    "startedAt",
    "endedAt",
    "durationSeconds",
    "totalWaves",
    "completedWaves",
    "failedWaves",
    "cancelledWaves",
    "terminationMetadata",
    "termination",
    "instancesTerminated",
    "factors",
    "version",
}
WAVE_FIELDS = {
    "waveNumber",
    "name",
    "status",
    "display",
    "dependsOn",
    "jobId",
    "jobIds",
    "attempt",
    "startedAt",
    "endedAt",
    "durationSeconds",
    "error",
    "servers",
}
SERVER_FIELDS = {
    "sourceServerId",
    "name",
    "impact",
    "launchStatus",
    "recoveryInstanceId",
    "error",
    "snapshotAt",
    "ending",
}


def times_in(document: Any, name: str = "") -> list[str]:
    """Collect the value of every field that is called a time."""
    if isinstance(document, dict):
        return [time for field, value in document.items() for time in times_in(value, field)]
    if isinstance(document, list):
        return [time for value in document for time in times_in(value, name)]
    return [document] if document is not None and (name == "at" or name.endswith("At")) else []


@pytest.fixture(scope="module")
def three_tiers(shared_product: Product) -> tuple[str, list[list[str]]]:
    """A drill of three waves, started through the API, that has ended."""
    tiers = [shared_product.servers(number) for number in (2, 3, 1)]
    plan_id = shared_product.new_plan_id()
    plan = {"planId": plan_id, "name": "3TierRecoveryPlan", "waves": chain(*tiers)}
    put = shared_product.api.call("PUT", f"/plans/{plan_id}", plan)
    assert (put.status, put.headers["etag"]) == (201, '"1"')
    started = shared_product.api.call("POST", "/drills", {"planId": plan_id, "reason": "quarterly"})
    assert (started.status, started.document["status"]) == (202, "PENDING")
    execution_id = started.document["executionId"]
    assert re.fullmatch(r"drill-[0-9a-hjkmnp-tv-z]{26}", execution_id)
    shared_product.ended(execution_id)
    return execution_id, tiers


def test_a_drill_completes(product: Product, three_tiers: tuple[str, list[list[str]]]) -> None:
    execution_id, tiers = three_tiers
    after = product.execution(execution_id)
    assert (after["status"], after["mode"], after["reason"]) == ("COMPLETED", "DRILL", "quarterly")
    assert after["display"] == {"label": "COMPLETED", "color": "green", "icon": "✓"}
    assert (after["totalWaves"], after["completedWaves"], after["failedWaves"], after["cancelledWaves"]) == (3, 3, 0, 0)
    assert after["terminationMetadata"] == {"canTerminate": True, "reason": None, "hasRecoveryInstances": True}
    assert after["termination"] == {"status": "NOT_REQUESTED", "terminated": 0, "remaining": [], "unknown": []}
    instances = {
        one["sourceServerID"]: one["recoveryInstanceID"] for one in product.control.state()["recoveryInstances"]
    }
    for wave, servers in zip(after["waves"], tiers, strict=True):
        assert wave["display"] == {"label": "Completed", "color": "green", "icon": "✓"}
        assert [server["sourceServerId"] for server in wave["servers"]] == servers
        assert [server["recoveryInstanceId"] for server in wave["servers"]] == [instances[name] for name in servers]
    assert [wave["dependsOn"] for wave in after["waves"]] == [[], ["wave 1"], ["wave 2"]]


def test_an_execution_that_has_not_changed_is_not_sent_again(
    product: Product, three_tiers: tuple[str, list[list[str]]]
) -> None:
    path = f"/executions/{three_tiers[0]}"
    tag = product.api.call("GET", path).headers["etag"]
    again = product.api.call("GET", path, headers={"If-None-Match": tag})
    assert (again.status, again.document, again.headers["etag"]) == (304, None, tag)


def test_an_execution_has_every_field_of_the_contract(
    product: Product, three_tiers: tuple[str, list[list[str]]]
) -> None:
    after = product.execution(three_tiers[0])
    assert set(after) >= EXECUTION_FIELDS | {"waves"}
    assert after["planName"] == "3TierRecoveryPlan"
    assert after["planVersion"] == 1
    assert after["requestedBy"].startswith("arn:")
    assert isinstance(after["durationSeconds"], int)
    for wave in after["waves"]:
        assert set(wave) >= WAVE_FIELDS
        assert (wave["attempt"], wave["error"], wave["jobIds"]) == (1, None, [wave["jobId"]])
        assert re.fullmatch(r"drsjob-\w{17}", wave["jobId"])
        assert [set(server) for server in wave["servers"]] == [SERVER_FIELDS] * len(wave["servers"])
    (listed,) = product.api.get("/executions", planId=after["planId"])["items"]
    assert set(listed) >= EXECUTION_FIELDS
    assert "waves" not in listed
    # Lists have the factors of checks alone: the built-in ones are measured from waves and servers.
    alike = EXECUTION_FIELDS - {"factors"}
    assert {name: listed[name] for name in alike} == {name: after[name] for name in alike}


def test_every_time_is_rfc_3339_with_milliseconds_and_z(
    product: Product, three_tiers: tuple[str, list[list[str]]]
) -> None:
    after = product.execution(three_tiers[0])
    plan = product.api.get(f"/plans/{after['planId']}")
    times = times_in([after, plan, verified_trail(product, three_tiers[0])])
    assert len(times) > 10
    assert [time for time in times if not TIME.fullmatch(time)] == []


def test_the_trail_tells_every_change_of_status(product: Product, three_tiers: tuple[str, list[list[str]]]) -> None:
    events = verified_trail(product, three_tiers[0])
    reported = paths(events)
    assert reported.pop("execution") == [None, "PENDING", "IN_PROGRESS", "COMPLETED"]
    assert reported == {number: ["NOT_STARTED", "IN_PROGRESS", "COMPLETED"] for number in (1, 2, 3)}
    assert events[0]["type"] == "EXECUTION_STARTED"
    assert events[-1]["type"] == "EXECUTION_COMPLETED"
    assert events[0]["data"]["reason"] == "quarterly"


def test_every_job_carries_what_it_belongs_to(product: Product, three_tiers: tuple[str, list[list[str]]]) -> None:
    execution_id, tiers = three_tiers
    jobs = {job["jobID"]: job for job in product.control.state()["jobs"]}
    for wave, servers in zip(product.execution(execution_id)["waves"], tiers, strict=True):
        job = jobs[wave["jobId"]]
        assert execution_id in job["tags"].values()
        assert job["initiatedBy"] == "START_DRILL"
        assert [one["sourceServerID"] for one in job["participatingServers"]] == servers


def test_an_optional_server_that_fails_does_not_fail_its_wave(product: Product) -> None:
    (sound,) = product.servers()
    (broken,) = product.servers(launchResult="FAILED", launchSeconds=QUICK)
    servers = [{"sourceServerId": sound}, {"sourceServerId": broken, "impact": "OPTIONAL"}]
    after = product.ended(product.run({"name": "web", "servers": servers}))
    assert (after["status"], after["waves"][0]["status"]) == ("COMPLETED", "COMPLETED")
    assert [server["launchStatus"] for server in after["waves"][0]["servers"]] == ["LAUNCHED", "FAILED"]
