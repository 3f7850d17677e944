"""The quotas of a site are read once for a while, and what was not read is not kept as if it had been."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from tests.support.execution_builders import NOW

from wavebreak.aws.service_quotas import ASK_AGAIN, KEPT, AppliedQuotas
from wavebreak.domain.drs import Quotas
from wavebreak.problems import CircuitOpen
from wavebreak.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable

HERE, THERE = Site(), Site("210987654321", "us-west-2")
GRANTED = {"L-D88FAC3A": 40.0, "L-B827C881": 50.0, "L-05AFA8C6": 900.0}
ALL_GRANTED = Quotas(40, 50, 900)


def answers(status: int, code: str) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetServiceQuota")


SILENCE: list[Exception] = [
    answers(503, "ServiceException"),
    answers(400, "TooManyRequestsException"),
    ConnectTimeoutError(endpoint_url="https://servicequotas"),
    CircuitOpen("the circuit of sts is open"),
]


class ServiceQuotas:
    """Service Quotas, and the clock by which it is asked."""

    def __init__(self) -> None:
        self.now = NOW
        self.calls = 0
        self.fault: Callable[[str], Exception | None] = lambda _code: None

    def get_service_quota(self, **asked: str) -> dict[str, Any]:
        """Answer as the service does."""
        self.calls += 1
        fault = self.fault(asked["QuotaCode"])
        if fault is not None:
            raise fault
        return {"Quota": {"Value": GRANTED[asked["QuotaCode"]]}}

    def time(self) -> datetime:
        """Tell the time."""
        return self.now


@pytest.fixture
def service() -> ServiceQuotas:
    return ServiceQuotas()


@pytest.fixture
def quotas(service: ServiceQuotas) -> AppliedQuotas:
    return AppliedQuotas(lambda _site: service, service.time)


def test_rule_6_quotas_that_were_read_are_kept_for_a_while_for_each_place(
    service: ServiceQuotas, quotas: AppliedQuotas
) -> None:
    assert [quotas.at(HERE), quotas.at(HERE), quotas.at(THERE)] == [ALL_GRANTED] * 3
    assert service.calls == 6
    service.now += KEPT - timedelta(seconds=1)
    quotas.at(HERE)
    assert service.calls == 6
    service.now += timedelta(seconds=1)
    quotas.at(HERE)
    assert service.calls == 9


@pytest.mark.parametrize("fault", SILENCE, ids=lambda fault: type(fault).__name__)
def test_rule_6_quotas_that_nobody_told_are_asked_for_again_by_one_call_a_round(
    service: ServiceQuotas, quotas: AppliedQuotas, fault: Exception
) -> None:
    service.fault = lambda _code: fault
    for silent_rounds in (1, 2):
        assert [quotas.at(HERE) for _batch in range(10)] == [Quotas()] * 10
        assert service.calls == silent_rounds
        service.now += ASK_AGAIN
    service.fault = lambda _code: None
    assert quotas.at(HERE) == ALL_GRANTED


def test_rule_6_quotas_that_were_read_count_on_while_the_service_is_away(
    service: ServiceQuotas, quotas: AppliedQuotas
) -> None:
    quotas.at(HERE)
    service.now += KEPT
    service.fault = lambda code: None if code == "L-D88FAC3A" else SILENCE[0]
    assert quotas.at(HERE) == ALL_GRANTED
    assert quotas.at(THERE) == Quotas(jobs=40)


@pytest.mark.parametrize(("fault", "calls"), [("NoSuchResourceException", 3), ("AccessDeniedException", 1)])
def test_rule_6_quotas_that_are_refused_count_at_the_defaults_and_are_not_asked_for_each_round(
    service: ServiceQuotas, quotas: AppliedQuotas, fault: str, calls: int
) -> None:
    service.fault = lambda _code: answers(400, fault)
    assert quotas.at(HERE) == Quotas()
    service.now += ASK_AGAIN
    assert quotas.at(HERE) == Quotas()
    assert service.calls == calls
