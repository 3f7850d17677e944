"""The JSON 1.1 wire by itself: what boto3 would not send, and models of other services."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.session import get_session
from tests.simulator.clients import AUTHORIZATION

from drs_simulator.errors import ApiError, InjectedError, ModelMismatchError
from drs_simulator.http.service import SERVICES
from drs_simulator.wire.messages import Request
from drs_simulator.wire.protocols import wire_of

if TYPE_CHECKING:
    from drs_simulator.http.server import SimulatorServer

TARGET = "ServiceQuotasV20190624.GetServiceQuota"
WHICH = {"ServiceCode": "drs", "QuotaCode": "L-D88FAC3A"}


def post(
    simulator: SimulatorServer, body: bytes, *, target: str = TARGET, method: str = "POST", path: str = "/"
) -> httpx.Response:
    headers = {"Authorization": AUTHORIZATION.format("servicequotas"), "X-Amz-Target": target}
    return httpx.request(method, simulator.url + path, content=body, headers=headers, trust_env=False)


def ssm(operation: str, document: Any) -> Request:
    return Request("POST", "/", {"x-amz-target": f"AmazonSSM.{operation}"}, json.dumps(document).encode())


def test_an_answer_has_the_content_type_of_the_protocol_and_a_request_id(simulator: SimulatorServer) -> None:
    answer = post(simulator, json.dumps(WHICH).encode())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert answer.headers["x-amzn-requestid"]
    assert answer.json()["Quota"]["Value"] == 20.0


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(simulator: SimulatorServer, body: bytes) -> None:
    answer = post(simulator, body)
    assert (answer.status_code, answer.json()["__type"]) == (400, "SerializationException")
    assert answer.json()["message"].startswith("The request is no JSON")


@pytest.mark.parametrize(
    ("document", "count"),
    [({}, 2), ({**WHICH, "surprise": 1}, 1), ({**WHICH, "ContextId": 5}, 1), ({"ServiceCode": "1"}, 2)],
)
def test_a_refused_request_names_every_problem(simulator: SimulatorServer, document: Any, count: int) -> None:
    answer = post(simulator, json.dumps(document).encode())
    assert answer.status_code == 400
    assert answer.json().keys() == {"__type", "message"}
    assert answer.json()["__type"] == "ValidationException"
    assert answer.json()["message"].startswith(f"{count} validation error")


@pytest.mark.parametrize(
    "changed",
    [
        {"target": "ServiceQuotasV20190624.GetEverything"},
        {"target": "AmazonSSM.GetServiceQuota"},
        {"target": "GetServiceQuota"},
        {"target": ""},
        {"method": "PUT"},
        {"path": "/GetServiceQuota"},
    ],
)
def test_what_is_no_operation_of_the_service_is_refused(simulator: SimulatorServer, changed: dict[str, str]) -> None:
    answer = post(simulator, json.dumps(WHICH).encode(), **changed)
    assert (answer.status_code, answer.json()["__type"]) == (400, "UnknownOperationException")


def test_another_service_is_read_and_checked_by_its_own_model() -> None:
    wire = wire_of("ssm")
    assert wire.signing_name == "ssm"
    request = ssm("SendCommand", {"InstanceIds": ["i-0"], "TimeoutSeconds": 5})
    operation = wire.operation(request)
    with pytest.raises(ApiError, match="3 validation errors") as caught:
        wire.check(operation, wire.read(operation, request))
    assert caught.value.code == "ValidationException"
    answer = wire.write_error(caught.value)
    assert (answer.status, json.loads(answer.body)["__type"]) == (400, "ValidationException")
    assert json.loads(answer.body)["Message"] == caught.value.message


def test_moments_are_seconds_since_1970() -> None:
    wire = wire_of("ssm")
    operation = wire.operation(ssm("SendCommand", {}))
    answer = wire.write(operation, {"Command": {"RequestedDateTime": 1772366400.5}})
    assert json.loads(answer.body)["Command"]["RequestedDateTime"] == 1772366400.5
    with pytest.raises(ModelMismatchError, match="is not a number"):
        wire.write(operation, {"Command": {"RequestedDateTime": "2026-03-01T12:00:00Z"}})


def test_an_answer_without_members_is_an_empty_object() -> None:
    wire = wire_of("ssm")
    answer = wire.write(wire.operation(ssm("CancelCommand", {})), {})
    assert (answer.status, answer.body) == (200, b"{}")


@pytest.mark.parametrize(
    ("code", "status", "fields"),
    [
        ("InvalidInstanceId", 400, {"Message": "no"}),
        # The model has no message for this one.
        ("InvalidCommandId", 400, {}),
        ("InternalServerError", 500, {"Message": "no"}),
        ("ExpiredTokenException", 400, {"message": "no"}),
    ],
)
def test_an_error_has_the_members_that_its_model_has(code: str, status: int, fields: dict[str, str]) -> None:
    answer = wire_of("ssm").write_error(ApiError(code, "no"))
    assert (answer.status, json.loads(answer.body)) == (status, {"__type": code, **fields})
    assert answer.headers == {"Content-Type": "application/x-amz-json-1.1"}


def test_an_error_that_the_model_forbids_is_a_mismatch() -> None:
    with pytest.raises(ModelMismatchError, match="InvalidInstanceId"):
        wire_of("ssm").write_error(ApiError("InvalidInstanceId", "no", resourceId="i-0"))


def test_a_fault_tells_only_what_the_model_of_the_service_has() -> None:
    answer = wire_of("ssm").write_error(InjectedError("ThrottlingException", "no", retryAfterSeconds="1"))
    assert json.loads(answer.body) == {"__type": "ThrottlingException", "Message": "no"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_fault_may_be_any_error_of_a_model(service: str) -> None:
    """An answer that its model forbids would be a ModelMismatchError, and the caller would see a 500."""
    for shape in get_session().get_service_model(service).error_shapes:
        answer = wire_of(service).write_error(InjectedError(shape.name, "no"))
        assert answer.headers.get("x-amzn-ErrorType", json.loads(answer.body).get("__type")) == shape.name


def test_patterns_with_unicode_properties_are_checked() -> None:
    def refused(key: str) -> bool:
        document = {"DocumentName": "Wavebreak-Run", "Targets": [{"Key": key, "Values": ["x"]}]}
        wire = wire_of("ssm")
        try:
            wire.check(wire.operation(ssm("SendCommand", document)), document)
        except ApiError:
            return True
        return False

    assert [refused(key) for key in ("tag:Name", "tag:größe 7", "tag:a\tb", "tag:a*")] == [False, False, True, True]
