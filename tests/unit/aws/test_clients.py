"""Sessions in other accounts: for reading they may only read, and each service's client keeps to its own limit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest

from wavebreak.aws import circuits, clients
from wavebreak.resilience.circuit_breaker import Circuit
from wavebreak.settings import of_environment
from wavebreak.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

ELSEWHERE = Site("222222222222", "us-west-2")


class Fetcher:
    """Keeps what a role would be assumed with."""

    made: list[dict[str, Any]]

    def __init__(self, **settings: Any) -> None:
        self.made.append(settings["extra_args"])

    def fetch_credentials(self) -> None:
        """Nobody calls anything here."""


@pytest.fixture
def assumed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    environment = {
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "TABLE_NAME": "t",
        "TARGET_ROLE_NAME": "wavebreak-target",
        "TARGET_EXTERNAL_ID": "x" * 16,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(clients, "AssumeRoleCredentialFetcher", Fetcher)
    Fetcher.made = []
    kept = [
        clients.drs,
        clients.automation,
        clients.ssm,
        clients.ssm_reading,
        clients.service_quotas,
        clients._session,
        circuits.guarded,
        of_environment,
    ]
    for cached in kept:
        cached.cache_clear()
    yield Fetcher.made
    for cached in kept:
        cached.cache_clear()


def test_a_session_that_only_reads_may_do_nothing_else(assumed: list[dict[str, Any]]) -> None:
    clients.drs(ELSEWHERE)
    clients.drs(ELSEWHERE, brief=True)
    clients.service_quotas(ELSEWHERE)
    assert len(assumed) == 2, "one for the machines, and one for people and quotas, whose failures are their own"
    for asked in assumed:
        (statement,) = json.loads(asked["Policy"])["Statement"]
        assert statement["Effect"] == "Allow"
        assert tuple(statement["Action"]) == clients.READ_ONLY
    assert not [action for action in clients.READ_ONLY if "Start" in action or "Terminate" in action or "*" in action]


def test_13_a_session_that_looks_at_runbooks_may_do_nothing_else_and_has_the_circuit_of_readers(
    assumed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    circuits_of: list[str] = []
    create = clients._sts_creator

    def creator(session: Any, account_id: str, dependency: str) -> Any:
        circuits_of.append(dependency)
        return create(session, account_id, dependency)

    monkeypatch.setattr(clients, "_sts_creator", creator)
    clients.ssm_reading(ELSEWHERE)
    clients.service_quotas(ELSEWHERE)
    assert json.loads(assumed[0]["Policy"])["Statement"][0]["Action"] == ["ssm:DescribeDocument"]
    assert circuits_of == ["sts-read", "sts-read"]


def test_the_calls_that_start_and_end_have_all_that_the_role_allows(assumed: list[dict[str, Any]]) -> None:
    clients.drs(ELSEWHERE, once=True)
    clients.ssm(ELSEWHERE, once=True)
    (asked,) = assumed
    assert "Policy" not in asked
    assert asked["ExternalId"] == "x" * 16


def test_t39_sts_is_asked_in_the_stacks_own_region_whatever_the_sdk_holds_for_usual(
    assumed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    creators: list[Any] = []

    class Keeping(Fetcher):
        def __init__(self, **settings: Any) -> None:
            creators.append(settings["client_creator"])
            super().__init__(**settings)

    monkeypatch.setattr(clients, "AssumeRoleCredentialFetcher", Keeping)
    monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    made: list[Any] = []
    create = botocore.session.Session.create_client

    def kept(*arguments: Any, **settings: Any) -> Any:
        made.append(create(*arguments, **settings))
        return made[-1]

    monkeypatch.setattr(botocore.session.Session, "create_client", kept)
    clients.drs(ELSEWHERE)
    del assumed
    creators[0]("sts")
    assert [one.meta.endpoint_url for one in made if one.meta.service_model.service_name == "sts"] == [
        "https://sts.eu-west-1.amazonaws.com"
    ]


@pytest.mark.parametrize(
    ("variable", "options", "attribute", "default"),
    [
        ("TIMEOUT_DRS_CALL", {}, "read_timeout", 10),
        ("TIMEOUT_DRS_BRIEF_CALL", {"brief": True}, "read_timeout", 4),
        ("TIMEOUT_CONNECT", {}, "connect_timeout", 2),
    ],
)
def test_s3_1_a_clients_limits_are_those_of_the_table(
    assumed: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    options: dict[str, bool],
    attribute: str,
    default: int,
) -> None:
    del assumed
    assert getattr(clients.drs(Site(), **options).meta.config, attribute) == default
    clients.drs.cache_clear()
    monkeypatch.setenv(variable, "0.5")
    assert getattr(clients.drs(Site(), **options).meta.config, attribute) == 0.5


@pytest.mark.parametrize(
    ("make", "neutral"),
    [(clients.ssm, "describe_instance_information"), (clients.automation, "describe_automation_executions")],
)
def test_what_opens_the_circuit_of_ssm_is_held_against_a_read_that_the_function_has_the_right_to(
    assumed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, make: Any, neutral: str
) -> None:
    given: dict[str, Any] = {}

    def keep(_: Circuit, client: Any, **options: Any) -> Any:
        given.update(options)
        return client

    monkeypatch.setattr(Circuit, "guard", keep)
    client = make(ELSEWHERE)
    assert given["neutral"].func == getattr(client, neutral), assumed
