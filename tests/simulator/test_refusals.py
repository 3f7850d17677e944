"""What the simulator refuses, and with which exception."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.exceptions import ClientError
from tests.simulator.clients import AUTHORIZATION, Drs, MakeClient, server_id, signed

from drs_simulator.drs import operations
from drs_simulator.http.server import SimulatorError, SimulatorServer
from drs_simulator.manners import STRICT

if TYPE_CHECKING:
    from collections.abc import Callable

    from drs_simulator.client import SimulatorControl
    from drs_simulator.clockwork.clock import ManualClock

Servers = tuple[str, str, str]


def refused(call: Callable[[], object]) -> tuple[int, str, Any]:
    with pytest.raises(ClientError) as caught:
        call()
    response: Any = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response


def start(server: str = server_id(1), **more: Any) -> dict[str, Any]:
    return {"sourceServers": [{"sourceServerID": server}], **more}


@pytest.mark.parametrize(
    ("document", "field"),
    [
        pytest.param(start(surprise=1), "surprise", id="unknown parameter"),
        pytest.param(
            {"sourceServers": [{"sourceServerID": server_id(1), "x": 1}]}, "sourceServers.1.member.x", id="in"
        ),
        pytest.param({}, "sourceServers", id="missing required"),
        pytest.param({"sourceServers": [{}]}, "sourceServers.1.member.sourceServerID", id="missing nested"),
        pytest.param({"sourceServers": []}, "sourceServers", id="too short a list"),
        pytest.param({"sourceServers": [start()["sourceServers"][0]] * 201}, "sourceServers", id="too long a list"),
        pytest.param(start("s-short"), "sourceServers.1.member.sourceServerID", id="length"),
        pytest.param(start("s-" + "-" * 17), "sourceServers.1.member.sourceServerID", id="pattern"),
        pytest.param(start(isDrill="yes"), "isDrill", id="no boolean"),
        pytest.param(start(tags=[]), "tags", id="no map"),
        pytest.param(start(tags={"k": "v" * 257}), "tags.k", id="tag value too long"),
        pytest.param(start(tags={"k" * 257: "v"}), "tags.key", id="tag key too long"),
        pytest.param(start(tags={"k": 1}), "tags.k", id="no string"),
        pytest.param({"sourceServers": "all"}, "sourceServers", id="no list"),
        pytest.param({"sourceServers": ["all"]}, "sourceServers.1.member", id="no structure"),
    ],
)
def test_start_recovery_refuses_what_the_model_forbids(
    simulator: SimulatorServer, three_servers: Servers, document: Any, field: str
) -> None:
    assert three_servers
    answer = signed(simulator, "StartRecovery", document)
    assert answer.status_code == 400
    assert answer.headers["x-amzn-ErrorType"] == "ValidationException"
    assert answer.json()["reason"] == "fieldValidationFailed"
    assert field in [each["name"] for each in answer.json()["fieldList"]]


@pytest.mark.parametrize(
    ("operation", "document", "field"),
    [
        ("DescribeJobs", {"maxResults": 0}, "maxResults"),
        ("DescribeJobs", {"maxResults": "5"}, "maxResults"),
        ("DescribeJobs", {"filters": {"fromDate": "yesterday at noon...."}}, "filters.fromDate"),
        ("DescribeJobs", {"filters": {"toDate": "2026-02-30T00:00:00Z"}}, "filters.toDate"),
        ("DescribeRecoverySnapshots", {"sourceServerID": server_id(1), "order": "UP"}, "order"),
        ("DescribeRecoverySnapshots", {"sourceServerID": server_id(9)}, "sourceServerID"),
        ("DescribeJobLogItems", {"jobID": "drsjob-00000000000000000"}, "jobID"),
    ],
)
def test_descriptions_refuse_what_makes_no_sense(
    simulator: SimulatorServer, three_servers: Servers, operation: str, document: Any, field: str
) -> None:
    assert three_servers
    answer = signed(simulator, operation, document)
    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    assert [each["name"] for each in answer.json()["fieldList"]] == [field]


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(simulator: SimulatorServer, body: bytes) -> None:
    headers = {"Authorization": AUTHORIZATION.format("drs")}
    answer = httpx.post(f"{simulator.url}/DescribeJobs", content=body, headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["reason"]) == (400, "cannotParse")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 100_000, id="no end of lists"),
        pytest.param(b'{"a":' * 500 + b"1" + b"}" * 500, id="nested too deep"),
        pytest.param(b'{"filters": {"jobIDs": ["\\ud800"]}}', id="half of a surrogate pair"),
        pytest.param(b'{"\\udc00": 1}', id="half of a pair as a name"),
        pytest.param(b'{"filters": {"jobIDs": ["\xed\xa0\x80"]}}', id="no UTF-8"),
        pytest.param(b'{"maxResults": NaN}', id="no number"),
    ],
)
def test_what_cannot_be_told_again_is_refused_and_spoils_nothing(
    simulator: SimulatorServer, control: SimulatorControl, body: bytes
) -> None:
    headers = {"Authorization": AUTHORIZATION.format("drs")}
    answer = httpx.post(f"{simulator.url}/DescribeJobs", content=body, headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["reason"]) == (400, "cannotParse")
    assert [call["error"] for call in control.calls()] == ["ValidationException"]


@pytest.mark.parametrize(
    "document", [{"x" * 100_000: 1}, {"sourceServers": [{"sourceServerID": "s" * 1000}] * 200}], ids=["name", "values"]
)
def test_a_refusal_keeps_to_the_longest_message_of_the_model(simulator: SimulatorServer, document: Any) -> None:
    answer = signed(simulator, "StartRecovery", document)
    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    assert len(answer.json()["message"]) == 65_536


def test_a_refused_request_names_every_problem(simulator: SimulatorServer) -> None:
    answer = signed(simulator, "StartRecovery", {"sourceServers": [], "isDrill": 1, "surprise": 2})
    assert answer.json()["message"].startswith("3 validation errors detected: ")
    assert len(answer.json()["fieldList"]) == 3


def test_an_unknown_source_server_is_a_conflict(drs: Drs) -> None:
    status, code, response = refused(lambda: drs.start(server_id(9)))
    assert (status, code, response["resourceId"]) == (409, "ConflictException", server_id(9))


def test_a_server_named_twice_is_a_conflict(drs: Drs, three_servers: Servers) -> None:
    assert refused(lambda: drs.start(three_servers[0], three_servers[0]))[:2] == (409, "ConflictException")


def test_an_unknown_snapshot_is_a_conflict(drs: Drs, three_servers: Servers) -> None:
    snapshot = "pit-00000000000000000"
    requested = [{"sourceServerID": three_servers[0], "recoverySnapshotID": snapshot}]
    status, code, response = refused(lambda: drs.client.start_recovery(sourceServers=requested))
    assert (status, code, response["resourceId"]) == (409, "ConflictException", snapshot)


def test_a_server_is_in_one_active_job_only(drs: Drs, clock: ManualClock, three_servers: Servers) -> None:
    server = three_servers[0]
    job_id = drs.start(server)
    status, code, response = refused(lambda: drs.start(three_servers[1], server))
    assert (status, code, response["resourceId"]) == (409, "ConflictException", server)
    # The service's own words, which name neither the server nor the job.
    assert response["Error"]["Message"].endswith("are currently being processed by a Job")
    clock.advance(22)
    assert refused(lambda: drs.start(server))[0] == 409
    clock.advance(1)
    assert drs.start(server) != job_id


def test_a_refused_start_leaves_nothing_behind(drs: Drs, three_servers: Servers) -> None:
    drs.start(three_servers[0])
    refused(lambda: drs.start(three_servers[1], three_servers[0]))
    assert drs.start(three_servers[1])
    assert len(drs.client.describe_jobs()["items"]) == 2


def test_a_termination_conflicts_with_a_launch_and_with_what_is_gone(
    drs: Drs, clock: ManualClock, three_servers: Servers
) -> None:
    drs.recover(three_servers[0])
    [instance] = drs.instances()

    def terminate() -> object:
        return drs.client.terminate_recovery_instances(recoveryInstanceIDs=[instance["recoveryInstanceID"]])

    drs.start(three_servers[0])
    assert refused(terminate)[:2] == (409, "ConflictException")
    clock.advance(60)
    status, code, response = refused(terminate)
    assert (status, code, response["resourceId"]) == (409, "ConflictException", instance["recoveryInstanceID"])


def test_twenty_one_jobs_are_too_many(drs: Drs, clock: ManualClock, fill: Callable[[int], list[str]]) -> None:
    servers = fill(21)
    for server in servers[:20]:
        drs.start(server)
    status, code, response = refused(lambda: drs.start(servers[20]))
    assert (status, code) == (402, "ServiceQuotaExceededException")
    assert (response["serviceCode"], response["quotaCode"]) == ("drs", "L-D88FAC3A")
    assert (response["resourceId"], response["resourceType"]) == ("000000000000", "AWS::DRS::Job")
    clock.advance(60)
    assert drs.start(servers[20])


def test_a_hundred_and_one_servers_are_too_many_for_a_job(drs: Drs, fill: Callable[[int], list[str]]) -> None:
    servers = fill(101)
    status, code, response = refused(lambda: drs.start(*servers))
    assert (status, code, response["quotaCode"]) == (402, "ServiceQuotaExceededException", "L-B827C881")
    assert drs.start(*servers[:100])


def test_five_hundred_and_one_servers_are_too_many_in_all_jobs(drs: Drs, fill: Callable[[int], list[str]]) -> None:
    servers = fill(501)
    for first in range(0, 500, 100):
        drs.start(*servers[first : first + 100])
    status, code, response = refused(lambda: drs.start(servers[500]))
    assert (status, code, response["quotaCode"]) == (402, "ServiceQuotaExceededException", "L-05AFA8C6")


def test_one_call_terminates_up_to_two_hundred_instances(drs: Drs, fill: Callable[[int], list[str]]) -> None:
    servers = fill(200)
    drs.recover(*servers[:100])
    drs.recover(*servers[100:])
    pages = drs.client.get_paginator("describe_recovery_instances").paginate()
    instances = [item["recoveryInstanceID"] for page in pages for item in page["items"]]
    job = drs.client.terminate_recovery_instances(recoveryInstanceIDs=instances)["job"]
    assert len(job["participatingServers"]) == 200


def test_quotas_can_be_changed_and_a_reset_restores_them(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    control.quotas(concurrentJobs=1)
    drs.start(three_servers[0])
    assert refused(lambda: drs.start(three_servers[1]))[0] == 402
    control.reset()
    for server in three_servers:
        control.put_source_server(server)
        drs.start(server)


def test_an_operation_that_is_not_simulated_answers_501_and_names_itself(drs: Drs) -> None:
    status, code, response = refused(lambda: drs.client.delete_job(jobID="drsjob-00000000000000000"))
    assert (status, code) == (501, "NotImplemented")
    assert "DeleteJob" in response["Error"]["Message"]


def test_a_service_that_is_not_simulated_answers_501_and_names_it(simulator: SimulatorServer) -> None:
    answer = signed(simulator, "StartRecovery", {}, service="s3")
    assert answer.status_code == 501
    assert "s3" in answer.json()["message"]


def test_an_unsigned_request_is_refused(simulator: SimulatorServer) -> None:
    answer = httpx.post(f"{simulator.url}/DescribeJobs", json={}, trust_env=False)
    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (403, "MissingAuthenticationTokenException")


def test_a_path_that_the_service_does_not_have_is_refused(simulator: SimulatorServer) -> None:
    answer = signed(simulator, "StartEverything", {})
    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (404, "UnknownOperationException")


def test_every_answer_has_a_request_id(drs: Drs) -> None:
    first = drs.client.describe_jobs()["ResponseMetadata"]["RequestId"]
    assert first != drs.client.describe_jobs()["ResponseMetadata"]["RequestId"]


def test_an_answer_that_the_model_forbids_fails_the_test_that_caused_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> dict[str, Any]:
        return {"items": [{"jobID": "job-1"}]}

    monkeypatch.setitem(operations.OPERATIONS, "DescribeJobs", broken)
    with pytest.raises(SimulatorError, match=r"items\.1\.member\.jobID"), SimulatorServer(manners=STRICT) as server:
        assert signed(server, "DescribeJobs", {}).status_code == 500
    assert "ModelMismatchError" in caplog.text


def test_initialize_service_answers_204(make_client: MakeClient) -> None:
    client = make_client(key="222222222222")
    assert client.initialize_service()["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.describe_source_servers()["items"] == []
