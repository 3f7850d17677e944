"""The rules of safety that are declared, not computed: Regions and rights (7), retries (8) and timeouts (9)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from tests.support.execution_builders import TIMING
from tests.support.sources import DEFINITIONS, method_calls, states_of
from tools.template import ROOT, definition, functions, load

from wavebreak.aws import circuits, clients
from wavebreak.resilience.client_config import ATTEMPTS
from wavebreak.settings import of_environment
from wavebreak.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOME = "eu-west-1"
SITES = [Site(), Site(region="us-west-2"), Site("222222222222"), Site("222222222222", "us-west-2")]


# ---------------------------------------------------------------- 7: nothing of the failed Region, no control plane


@pytest.fixture
def factory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The factory of clients, in a function of a stack in one Region that may assume roles."""
    environment = {
        "AWS_REGION": HOME,
        "AWS_DEFAULT_REGION": HOME,
        "TABLE_NAME": "t",
        "TARGET_ROLE_NAME": "wavebreak-target",
        "TARGET_EXTERNAL_ID": "x" * 16,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    kept = [
        clients.dynamodb,
        clients.stepfunctions,
        clients.service_quotas,
        clients.drs,
        clients._session,
        of_environment,
    ]
    for cached in [*kept, circuits.guarded]:
        cached.cache_clear()
    yield clients
    for cached in [*kept, circuits.guarded]:
        cached.cache_clear()


def test_rule_7_no_client_is_made_outside_the_factory() -> None:
    making = {"client", "resource", "create_client"}
    # A call without any argument names no service: it takes a client that the factory made.
    makers = {
        str(path) for path, _, method, call in method_calls() if method in making and (call.args or call.keywords)
    }
    # The circuits that the factory puts its clients behind keep their state through clients of their own.
    assert makers == {"aws/clients.py", "aws/state_client.py"}


def test_rule_7_clients_speak_to_the_stacks_region_and_the_waves_only(factory: Any) -> None:
    assert factory.dynamodb().meta.region_name == HOME
    assert factory.stepfunctions().meta.region_name == HOME
    for site in SITES:
        for client in (factory.drs(site), factory.drs(site, once=True), factory.service_quotas(site)):
            assert client.meta.region_name == (site.region or HOME)
            assert client.meta.endpoint_url.endswith(f".{site.region or HOME}.amazonaws.com")
    sts = factory._sts_creator(botocore.session.Session(), "222222222222", "sts")("sts")
    assert sts.meta.endpoint_url == f"https://sts.{HOME}.amazonaws.com"


def test_rule_7_nothing_is_made_or_changed_in_a_control_plane_while_recovering() -> None:
    """DRS, and EC2 through it, make things; drills have template versions and schedules made; else data is written."""
    data = {
        *(f"dynamodb:{verb}" for verb in ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")),
        "events:PutEvents",
        "s3:PutObject",
        "cloudwatch:PutMetricData",
        "sqs:DeleteMessage",
        # What Step Functions and X-Ray need to write logs and traces.
        *(f"logs:{verb}" for verb in ("CreateLogDelivery", "DeleteLogDelivery", "UpdateLogDelivery")),
        "logs:PutResourcePolicy",
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        # DRS in the name of StartRecovery's caller: a volume with a customer's key, a post-launch action.
        "kms:CreateGrant",
        "ssm:PutParameter",
        # Drills that start by themselves: made when a plan is stored, or by the sweep, and nothing waits for it.
        *(f"scheduler:{verb}Schedule" for verb in ("Create", "Update", "Delete")),
        # Denied to every function.
        "logs:CreateLogGroup",
    }
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    rights = set(re.findall(r"\b(?!AWS\b)[a-z][a-z0-9-]+:[A-Z][A-Za-z]+\b", text))
    assert "drs:StartRecovery" in rights
    changing = re.compile(r":(Create|Put|Update|Delete|Attach|Detach|Register|Modify|Set|Tag|Publish\w*Version)")
    assert {right for right in rights if changing.search(right) and not right.startswith(("drs:", "ec2:"))} <= data


# ---------------------------------------------------------------- 8: one owner of retries


def test_rule_8_one_owner_of_retries_on_the_wire_is_botocore_and_never_for_a_start(factory: Any) -> None:
    for site in SITES:
        assert factory.drs(site, once=True).meta.config.retries == {"mode": "standard", "total_max_attempts": 1}
        assert factory.drs(site).meta.config.retries == {"mode": "standard", "total_max_attempts": ATTEMPTS}
    for client in (factory.dynamodb(), factory.stepfunctions()):
        assert client.meta.config.retries == {"mode": "standard", "total_max_attempts": ATTEMPTS}


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.name)
def test_rule_8_one_owner_of_retries_of_tasks_is_the_machine_for_transient_errors_with_full_jitter(path: Path) -> None:
    transient = re.compile(
        r"(Lambda|DynamoDb|Sfn|Ssm)\.(\w*(Timeout|Service|Sdk|TooMany|NotReady|Throttling|Exceeded|InternalServer)\w*"
        r"|AWSLambdaException|Unknown|DynamoDbException|SfnException)|States\.Timeout|Sandbox\.Timedout|Unavailable"
    )
    retries = [retry for state in states_of(definition(path)) for retry in state.get("Retry", [])]
    assert retries
    for retry in retries:
        assert not [name for name in retry["ErrorEquals"] if not transient.fullmatch(name)]
        assert retry["JitterStrategy"] == "FULL"
        assert 1 <= retry["MaxAttempts"] <= 10


# ---------------------------------------------------------------- 9: timeouts nest


def longest(client: Any) -> float:
    """Give the seconds after which a client has answered or given up, its pauses between attempts left out."""
    config = client.meta.config
    return float(config.retries["total_max_attempts"] * config.read_timeout)


def test_rule_9_timeouts_nest_clients_give_up_before_their_function(factory: Any) -> None:
    all_functions = functions(load())
    behind_api = {
        name
        for name, function in all_functions.items()
        if any(event["Type"] == "Api" for event in function.get("Events", {}).values())
    }
    patient = max(longest(factory.drs(site, once=once)) for site in SITES for once in (False, True))
    common = [
        factory.dynamodb(),
        factory.stepfunctions(),
        factory._sts_creator(botocore.session.Session(), "222222222222", "sts")("sts"),
    ]
    common += [factory.service_quotas(Site()), factory.drs(Site(), brief=True)]
    brief = max(map(longest, common))
    for name, function in all_functions.items():
        assert brief < function["Timeout"], name
        if name not in behind_api and "ReadDrsPolicy" in str(function["Policies"]):
            assert patient < function["Timeout"], name


def test_rule_9_timeouts_nest_requests_take_the_brief_client() -> None:
    patient = {str(path) for path, _, method, _ in method_calls() if method == "drs_at"}
    assert patient == {
        "use_cases/launch_wave.py",
        "aws/parallel_reads.py",
        "use_cases/termination/terminate_instances.py",
    }


def test_rule_9_timeouts_nest_functions_end_before_their_task_and_before_their_intents_are_doubted() -> None:
    all_functions = functions(load())
    tasks = [state for path in DEFINITIONS for state in states_of(definition(path)) if state["Type"] == "Task"]
    for task in tasks:
        name = task["Arguments"].get("FunctionName", "").removesuffix("Arn")
        ours = name if not name.startswith("{%") else ""  # a plan's function has its own limit
        assert task["TimeoutSeconds"] > (all_functions[ours]["Timeout"] if ours else 0)
    for name in ("StartWaveFunction", "TerminateInstancesFunction"):
        assert all_functions[name]["Timeout"] <= TIMING.start_timeout_seconds
