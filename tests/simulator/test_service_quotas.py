"""Service Quotas for the quotas of DRS, asked by an unchanged boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from tests.simulator.clients import AUTHORIZATION, MakeClient, server_id

from drs_simulator.drs import service_quotas
from drs_simulator.http.server import SimulatorError, SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3
    from tests.simulator.clients import Drs

    from drs_simulator.client import SimulatorControl

VALUES = {"L-D88FAC3A": 20, "L-B827C881": 100, "L-05AFA8C6": 500, "L-DD6D028C": 1, "L-C1D14A2B": 300}
OTHER = "222222222222"


@pytest.fixture
def quotas(make_client: MakeClient) -> Any:
    return make_client("service-quotas")


def refused(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call()
    response: Any = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def listed(client: Any) -> dict[str, float]:
    pages = client.get_paginator("list_service_quotas").paginate(ServiceCode="drs", PaginationConfig={"PageSize": 2})
    return {quota["QuotaCode"]: quota["Value"] for page in pages for quota in page["Quotas"]}


def test_boto3_finds_it_by_the_endpoint_in_its_environment(
    simulator: SimulatorServer, session: boto3.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SERVICE_QUOTAS", simulator.url)
    client: Any = session.client(
        "service-quotas", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    assert client.get_service_quota(ServiceCode="drs", QuotaCode="L-D88FAC3A")["Quota"]["Value"] == 20
    client.close()


@pytest.mark.parametrize(("code", "value"), VALUES.items())
def test_every_quota_has_the_value_of_aws(quotas: Any, code: str, value: int) -> None:
    for ask in (quotas.get_service_quota, quotas.get_aws_default_service_quota):
        quota = ask(ServiceCode="drs", QuotaCode=code)["Quota"]
        assert (quota["QuotaCode"], quota["Value"], quota["ServiceCode"]) == (code, value, "drs")


def test_a_quota_is_told_as_service_quotas_tells_it(make_client: MakeClient) -> None:
    client = make_client("service-quotas", key=OTHER, region="eu-west-1")
    expected = {
        "ServiceCode": "drs",
        "ServiceName": "AWS Elastic Disaster Recovery",
        "QuotaArn": f"arn:aws:servicequotas:eu-west-1:{OTHER}:drs/L-B827C881",
        "QuotaCode": "L-B827C881",
        "QuotaName": "Max source servers in a single Job",
        "Value": 100.0,
        "Unit": "None",
        "Adjustable": False,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }
    which = {"ServiceCode": "drs", "QuotaCode": "L-B827C881"}
    assert client.get_service_quota(**which)["Quota"] == expected
    default = {**expected, "QuotaArn": "arn:aws:servicequotas:eu-west-1::drs/L-B827C881"}
    assert client.get_aws_default_service_quota(**which)["Quota"] == default


def test_the_values_are_those_that_the_simulator_enforces(
    quotas: Any, drs: Drs, control: SimulatorControl, three_servers: tuple[str, str, str]
) -> None:
    control.quotas(concurrentJobs=1, serversPerJob=2, serversInAllJobs=3)
    assert listed(quotas) == {**VALUES, "L-D88FAC3A": 1, "L-B827C881": 2, "L-05AFA8C6": 3}
    with pytest.raises(ClientError) as caught:
        drs.start(*three_servers)
    response: Any = caught.value.response
    named = {"ServiceCode": response["serviceCode"], "QuotaCode": response["quotaCode"]}
    assert quotas.get_service_quota(**named)["Quota"]["Value"] == 2
    assert quotas.get_aws_default_service_quota(**named)["Quota"]["Value"] == 100
    control.reset()
    assert listed(quotas) == VALUES


def test_quotas_are_listed_in_pages(quotas: Any) -> None:
    first = quotas.list_service_quotas(ServiceCode="drs", MaxResults=3)
    second = quotas.list_service_quotas(ServiceCode="drs", MaxResults=3, NextToken=first["NextToken"])
    assert [len(page["Quotas"]) for page in (first, second)] == [3, 2]
    assert "NextToken" not in second
    assert "NextToken" not in quotas.list_service_quotas(ServiceCode="drs", MaxResults=5)
    assert listed(quotas) == VALUES


def test_a_list_is_narrowed_to_a_quota_or_a_level(quotas: Any) -> None:
    def codes(**narrowed: str) -> list[str]:
        answer = quotas.list_service_quotas(ServiceCode="drs", **narrowed)
        return [quota["QuotaCode"] for quota in answer["Quotas"]]

    assert codes(QuotaCode="L-05AFA8C6") == ["L-05AFA8C6"]
    assert codes(QuotaAppliedAtLevel="ALL") == codes(QuotaAppliedAtLevel="ACCOUNT") == sorted(VALUES)
    assert codes(QuotaAppliedAtLevel="RESOURCE") == []


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("get_service_quota", {"ServiceCode": "drs", "QuotaCode": "L-00000000"}),
        ("get_service_quota", {"ServiceCode": "ec2", "QuotaCode": "L-D88FAC3A"}),
        ("get_service_quota", {"ServiceCode": "drs", "QuotaCode": "L-D88FAC3A", "ContextId": "*"}),
        ("get_aws_default_service_quota", {"ServiceCode": "drs", "QuotaCode": "L-00000000"}),
        ("get_aws_default_service_quota", {"ServiceCode": "ec2", "QuotaCode": "L-D88FAC3A"}),
        ("list_service_quotas", {"ServiceCode": "rds"}),
        ("list_service_quotas", {"ServiceCode": "drs", "QuotaCode": "L-00000000"}),
    ],
)
def test_what_it_does_not_know_is_no_such_resource(quotas: Any, operation: str, parameters: dict[str, str]) -> None:
    with pytest.raises(quotas.exceptions.NoSuchResourceException, match="knows no") as caught:
        getattr(quotas, operation)(**parameters)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert "knows no" in caught.value.response["Message"]


@pytest.mark.parametrize("token", ["nonsense", "e30=", "eyJhZnRlciI6IDF9"])
def test_a_token_that_nobody_gave_is_refused(quotas: Any, token: str) -> None:
    with pytest.raises(quotas.exceptions.InvalidPaginationTokenException):
        quotas.list_service_quotas(ServiceCode="drs", NextToken=token)


@pytest.mark.parametrize(
    "parameters",
    [{"ServiceCode": "drs", "MaxResults": 101}, {"ServiceCode": "d r s"}, {"ServiceCode": "drs", "NextToken": "?"}],
)
def test_parameters_that_the_model_forbids_are_refused(quotas: Any, parameters: dict[str, Any]) -> None:
    assert refused(lambda: quotas.list_service_quotas(**parameters)) == (400, "ValidationException")


def test_an_operation_that_is_not_simulated_names_itself(quotas: Any) -> None:
    with pytest.raises(ClientError, match="RequestServiceQuotaIncrease") as caught:
        quotas.request_service_quota_increase(ServiceCode="drs", QuotaCode="L-D88FAC3A", DesiredValue=21.0)
    assert caught.value.response["Error"]["Code"] == "NotImplemented"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


@pytest.mark.parametrize(
    ("settings", "status", "code"),
    [
        ({"error": "TooManyRequestsException"}, 400, "TooManyRequestsException"),
        ({"error": "AccessDeniedException"}, 400, "AccessDeniedException"),
        ({"error": "ServiceException"}, 500, "ServiceException"),
        ({"error": "ThrottlingException", "when": "after"}, 400, "ThrottlingException"),
        ({"httpStatus": 503}, 503, "503"),
    ],
)
def test_faults_strike_its_operations(
    quotas: Any, control: SimulatorControl, settings: dict[str, Any], status: int, code: str
) -> None:
    control.fault("GetServiceQuota", **settings)
    which = {"ServiceCode": "drs", "QuotaCode": "L-D88FAC3A"}
    assert refused(lambda: quotas.get_service_quota(**which)) == (status, code)
    assert quotas.get_service_quota(**which)["Quota"]["Value"] == 20


def test_the_journal_has_its_calls_with_account_and_region(
    make_client: MakeClient, drs: Drs, control: SimulatorControl
) -> None:
    client = make_client("service-quotas", key=OTHER, region="eu-west-1")
    refused(lambda: drs.start(server_id(9)))
    refused(lambda: client.get_service_quota(ServiceCode="drs", QuotaCode="L-0"))
    control.fault("ListServiceQuotas", dropConnection=True)
    with pytest.raises(ConnectionClosedError):
        client.list_service_quotas(ServiceCode="drs")
    calls = control.calls()
    assert [call["operation"] for call in calls] == ["StartRecovery", "GetServiceQuota", "ListServiceQuotas"]
    assert calls[1] == {
        "operation": "GetServiceQuota",
        "parameters": {"ServiceCode": "drs", "QuotaCode": "L-0"},
        "error": "NoSuchResourceException",
        "at": "2026-03-01T12:00:00.000Z",
        "account": OTHER,
        "region": "eu-west-1",
    }
    assert calls[2]["error"] == "ConnectionDroppedError"


def test_an_answer_that_the_model_forbids_fails_the_test_that_caused_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> dict[str, Any]:
        return {"Quota": {"Value": "20"}}

    monkeypatch.setitem(service_quotas.OPERATIONS, "GetServiceQuota", broken)
    headers = {
        "Authorization": AUTHORIZATION.format("servicequotas"),
        "X-Amz-Target": "ServiceQuotasV20190624.GetServiceQuota",
    }
    document = {"ServiceCode": "drs", "QuotaCode": "L-D88FAC3A"}
    with pytest.raises(SimulatorError, match=r"Quota\.Value.* is not a number"), SimulatorServer() as server:
        assert httpx.post(server.url, json=document, headers=headers, trust_env=False).status_code == 500
    assert "ModelMismatchError" in caplog.text
