"""examples/steps: fragments that fit, functions that do what they say, rights that are no more than needed."""

from __future__ import annotations

import importlib.util
import json
import re
from contextlib import nullcontext
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.validate import ParamValidator
from tools.rights.reference import knows
from tools.template import ROOT, load

from wavebreak.domain.steps.placeholders import Filling, fill_parameters, fill_payload

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = sorted(path.parent for path in (ROOT / "examples" / "steps").glob("*/plan.yaml"))
TEMPLATES = [*(folder / "template.yaml" for folder in EXAMPLES), ROOT / "examples" / "arc" / "template.yaml"]
FILLING = Filling("recovery-01", "RECOVERY", "web", "us-west-2", ("i-1", "i-2"), ("s-1", "s-2"))
EVENT = {
    "executionId": "recovery-01",
    "planId": "shop",
    "mode": "RECOVERY",
    "stepId": "0b9c0000-0000-5000-8000-000000000000",
    "wave": {"number": 2, "name": "web", "attempt": 1},
    "servers": [{"sourceServerId": "s-1", "recoveryInstanceId": "i-1"}],
}

by_example = pytest.mark.parametrize("folder", EXAMPLES, ids=lambda path: path.name)
by_template = pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.parent.name)


def step_of(folder: Path) -> dict[str, Any]:
    fragment = load(folder / "plan.yaml")
    ((name, steps),) = fragment.items()
    assert name in {"before", "after"}
    (step,) = steps
    return dict(step)


def function_of(folder: Path) -> ModuleType:
    (path,) = folder.glob("*.py")
    spec = importlib.util.spec_from_file_location(f"example_{folder.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def event_of(folder: Path) -> dict[str, Any]:
    return {**EVENT, "payload": fill_payload(step_of(folder)["payload"], FILLING)}


class Client:
    """A client that checks what it is asked against the service's model, and answers what it was told."""

    def __init__(self, service: str, answers: dict[str, Any]) -> None:
        self._model = botocore.session.get_session().get_service_model(service)
        self._answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        """Give a call by its name in boto3."""

        def call(**parameters: Any) -> Any:
            operation = "".join(part.title() for part in name.split("_"))
            shape = self._model.operation_model(operation).input_shape
            assert shape is not None
            report = ParamValidator().validate(parameters, shape)
            assert not report.has_errors(), report.generate_report()
            self.asked.append((operation, parameters))
            answer = self._answers.get(name, {})
            if isinstance(answer, list):
                answer = answer.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def context(seconds: float = 600) -> Any:
    return SimpleNamespace(get_remaining_time_in_millis=lambda: 1000 * seconds)


def test_every_example_of_the_list_is_there_and_in_the_list() -> None:
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", (ROOT / "examples/steps/README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == [folder.name for folder in EXAMPLES]


@by_example
def test_a_fragment_is_a_step_whose_placeholders_can_be_filled_and_names_what_the_template_makes(folder: Path) -> None:
    step = step_of(folder)
    assert step.keys() <= {"automation", "parameters", "function", "payload", "required", "inDrill", "timeoutSeconds"}
    fill_payload(step.get("payload", {}), FILLING)
    filled = fill_parameters(step.get("parameters", {}), FILLING)
    resources = load(folder / "template.yaml")["Resources"]
    if "function" in step:
        assert step["function"].removeprefix("wavebreak-example-") in resources
        made = resources[step["function"].removeprefix("wavebreak-example-")]["Properties"]
        assert 1 <= made["Timeout"] < step["timeoutSeconds"] <= 900
        assert (folder / f"{made['Handler'].split('.')[0]}.py").exists()
    else:
        content = resources["Runbook"]["Properties"]["Content"]
        assert filled.keys() <= content["parameters"].keys()
        needed = {name for name, about in content["parameters"].items() if "default" not in about}
        assert needed <= filled.keys()
        assert content["schemaVersion"] == "0.3"
        assert content["assumeRole"] == "{{ AutomationAssumeRole }}"
        for each in content["mainSteps"]:
            if each["action"] == "aws:executeScript":
                compile(each["inputs"]["Script"], each["name"], "exec")
                assert f"def {each['inputs']['Handler']}(" in each["inputs"]["Script"]


@by_template
def test_a_template_gives_named_rights_on_named_resources(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    actions = re.findall(r"\b(?:[a-z0-9-]+):(?:[A-Z][A-Za-z]+)\b", " ".join(_actions(load(path))))
    assert actions
    unknown = {action for action in actions if not knows(action)}
    assert unknown <= {"arc-region-switch:ListPlanExecutions"}, "newer than the reference's data"
    assert not [action for action in _actions(load(path)) if "*" in action]
    for found in re.finditer(r'^ *Resource: "\*"$', text, re.MULTILINE):
        assert "# Reason: " in text[: found.start()].rstrip().rpartition("\n")[2], "says why"


def _actions(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = node.get("Action", []) if "Effect" in node else []
        listed = [own] if isinstance(own, str) else own
        return [*listed, *(action for child in node.values() for action in _actions(child))]
    return [action for child in node for action in _actions(child)] if isinstance(node, list) else []


def test_traffic_moves_by_a_metric_that_the_health_check_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ROOT / "examples" / "steps" / "route53-health-check"
    module, client = function_of(folder), Client("cloudwatch", {})
    monkeypatch.setattr(module.boto3, "client", lambda _name: client)
    monkeypatch.setenv("NAMESPACE", "Failover")
    assert module.handler(event_of(folder), None)["failedOver"] is True
    (asked,) = client.asked
    datum = asked[1]["MetricData"][0]
    alarm = load(folder / "template.yaml")["Resources"]["FailedOver"]["Properties"]
    assert (datum["MetricName"], datum["Value"]) == (alarm["MetricName"], float(alarm["Threshold"]))
    assert [each["Name"] for each in datum["Dimensions"]] == [each["Name"] for each in alarm["Dimensions"]]


def test_routing_controls_are_set_on_whichever_endpoint_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ROOT / "examples" / "steps" / "arc-routing-control"
    module = function_of(folder)
    endpoints = [{"Region": f"r-{number}", "Endpoint": f"https://{number}"} for number in range(5)]
    monkeypatch.setenv("CLUSTER_ENDPOINTS", json.dumps(endpoints))
    silent = ConnectTimeoutError(endpoint_url="https://x")
    made: list[Client] = []

    def client(name: str, **_: Any) -> Client:
        answer: Any = {} if len(made) == 3 else silent
        made.append(Client(name, {"update_routing_control_states": answer}))
        return made[-1]

    monkeypatch.setattr(module.boto3, "client", client)
    assert module.handler(event_of(folder), None)["endpoint"].startswith("r-")
    assert len(made) == 4
    assert len(made[3].asked[0][1]["UpdateRoutingControlStateEntries"]) == 2

    refused = ClientError({"Error": {"Code": "ConflictException", "Message": "safety rule"}}, "Update")
    monkeypatch.setattr(
        module.boto3, "client", lambda name, **_: Client(name, {"update_routing_control_states": refused})
    )
    with pytest.raises(ClientError, match="safety rule"):
        module.handler(event_of(folder), None)
    monkeypatch.setattr(
        module.boto3, "client", lambda name, **_: Client(name, {"update_routing_control_states": silent})
    )
    with pytest.raises(RuntimeError, match="no endpoint of the cluster"):
        module.handler(event_of(folder), None)


def test_targets_are_registered_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ROOT / "examples" / "steps" / "target-group"
    module = function_of(folder)

    def health(*states: str) -> dict[str, Any]:
        seen = [
            {"Target": {"Id": f"i-{n}"}, "TargetHealth": {"State": state}} for n, state in enumerate(states, start=1)
        ]
        return {"TargetHealthDescriptions": seen}

    client = Client("elbv2", {"describe_target_health": [health("initial", "healthy"), health("healthy", "healthy")]})
    monkeypatch.setattr(module.boto3, "client", lambda _name: client)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0)
    assert module.handler(event_of(folder), context()) == {"healthy": ["i-1", "i-2"]}
    assert client.asked[0] == (
        "RegisterTargets",
        {
            "TargetGroupArn": event_of(folder)["payload"]["targetGroupArn"],
            "Targets": [{"Id": "i-1"}, {"Id": "i-2"}],
        },
    )
    client = Client("elbv2", {"describe_target_health": health("unhealthy", "healthy")})
    with pytest.raises(TimeoutError, match="i-1 is unhealthy"):
        module.handler(event_of(folder), context(20))
    nobody = {**event_of(folder), "payload": {"targetGroupArn": "x", "instanceIds": []}}
    assert module.handler(nobody, context()) == {"healthy": []}


def test_a_message_says_what_it_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ROOT / "examples" / "steps" / "slack"
    module = function_of(folder)
    secret = Client("secretsmanager", {"get_secret_value": {"SecretString": "https://hooks.example/x"}})
    posted: list[Any] = []

    def urlopen(request: Any, timeout: float) -> Any:
        assert timeout < 30
        posted.append(request)
        return nullcontext(SimpleNamespace(status=200))

    monkeypatch.setattr(module.boto3, "client", lambda _name: secret)
    monkeypatch.setenv("WEBHOOK_SECRET_ARN", "arn")
    monkeypatch.setattr(module.urllib.request, "urlopen", urlopen)
    assert module.handler(event_of(folder), None) == {"posted": 200}
    text = json.loads(posted[0].data)["text"]
    assert text.startswith("RECOVERY: web begins in us-west-2\n")
    assert "recovery-01 [0b9c0000]" in text
