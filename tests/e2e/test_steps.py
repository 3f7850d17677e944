"""Steps through the deployed product: functions of the emulator, automations of the simulator, ARC's custom action."""

from __future__ import annotations

import importlib.util
import io
import json
import zipfile
from contextlib import suppress
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from tools.local_stack.product import wave
from tools.template import ROOT

if TYPE_CHECKING:
    from tools.local_stack.product import Product

SLOW = """
import json, time
seen = {}
def handler(event, context):
    time.sleep(event["payload"].get("seconds", 0))
    seen[event["stepId"]] = seen.get(event["stepId"], 0) + 1
    return {"calls": seen[event["stepId"]], "mode": event["mode"], "servers": len(event["servers"])}
"""


def function(product: Product) -> str:
    """Make a function in the emulator and give its name."""
    name, code = f"slow-{uuid4().hex[:8]}", io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("slow.py", SLOW)
    product.aws("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="slow.handler",
        Role="arn:aws:iam::000000000000:role/r",
        Code={"ZipFile": code.getvalue()},
        Timeout=60,
    )
    return name


def steps_of(execution: dict[str, Any]) -> list[list[tuple[str, str]]]:
    return [[(step["name"], step["status"]) for step in each["steps"]] for each in execution["waves"]]


def test_three_waves_with_a_slow_function_an_automation_that_fails_and_is_retried_and_a_command(
    product: Product,
) -> None:
    name, runbook = function(product), f"Move-{uuid4().hex[:8]}"
    servers = product.servers(3)
    product.control.put_automation(runbook, seconds=10, result="Failed", failureMessage="no route")
    waves = [
        wave("database", servers[:1], after=[{"function": name, "payload": {"seconds": 8}, "required": True}]),
        wave("application", servers[1:2], after=[{"automation": runbook, "required": True}]),
        wave("web", servers[2:], after=[{"command": "status"}]),
    ]
    execution_id = product.run(*waves, mode="recoveries")

    failed = product.ended(execution_id, within=120)
    assert failed["status"] == "PARTIAL_SUCCESS", failed
    assert steps_of(failed) == [[(name, "SUCCEEDED")], [(runbook, "FAILED")], [("status", "NOT_STARTED")]]
    assert "no route" in failed["waves"][1]["error"]

    product.control.put_automation(runbook, seconds=10, outputs={"moved": ["yes"]})
    product.operate(execution_id, "waves/2/retry")
    ended = product.ended(execution_id, within=120)
    assert ended["status"] == "COMPLETED", ended
    assert steps_of(ended) == [[(name, "SUCCEEDED")], [(runbook, "SUCCEEDED")], [("status", "SUCCEEDED")]]
    whole = product.api.get(f"/executions/{execution_id}/waves/1")
    assert json.loads(whole["steps"][0]["output"]) == {"calls": 1, "mode": "RECOVERY", "servers": 1}
    made = [each for each in product.control.state()["automationExecutions"] if each["DocumentName"] == runbook]
    assert sorted(each["AutomationExecutionStatus"] for each in made) == ["Failed", "Success"]


def test_a_drill_moves_no_traffic(product: Product) -> None:
    name, runbook = function(product), f"Move-{uuid4().hex[:8]}"
    product.control.put_automation(runbook)
    steps = [{"automation": runbook, "required": True}, {"function": name, "inDrill": "RUN"}]
    execution = product.ended(product.run(wave("only", product.servers(1), after=steps)), within=60)
    assert execution["status"] == "COMPLETED"
    assert steps_of(execution) == [[(runbook, "SKIPPED"), (name, "SUCCEEDED")]]
    assert runbook not in {each["DocumentName"] for each in product.control.state()["automationExecutions"]}


@pytest.fixture
def arc(product: Product, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("start_recovery", ROOT / "examples" / "arc" / "start_recovery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    described = product.description
    for variable, value in {
        "WAVEBREAK_API_URL": described["apiUrl"],
        "AWS_ACCESS_KEY_ID": described["credentials"]["accessKeyId"],
        "AWS_SECRET_ACCESS_KEY": described["credentials"]["secretAccessKey"],
        "AWS_DEFAULT_REGION": described["region"],
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(module, "LOOK_SECONDS", 1)
    return module


def test_the_arc_example_drives_one_recovery_to_its_end_over_lost_answers(
    product: Product, arc: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_id = product.plan(wave("only", product.servers(1)))
    monkeypatch.setenv("PLAN_ID", plan_id)
    event = {"regionSwitchExecutionId": f"us-west-2/{uuid4().hex}"}
    sent, answers = arc.sent, []

    def losing(signed: Any) -> Any:
        answers.append(sent(signed))
        if len(answers) in {1, 3}:
            raise arc.NotDoneError("the answer was lost")
        return answers[-1]

    monkeypatch.setattr(arc, "sent", losing)
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)
    for _ in range(2):
        with suppress(arc.NotDoneError):
            arc.handler(event, context)
    ended = arc.handler(event, context)

    assert ended["status"] == "COMPLETED"
    started = product.api.get(f"/executions?planId={plan_id}")["items"]
    assert [one["executionId"] for one in started] == [ended["executionId"]]
