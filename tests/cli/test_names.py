"""Servers have their names beside their ids, wherever one is told of (F4); what is no id is not asked for (F16)."""

from datetime import UTC, datetime

import pytest
from tests.cli.conftest import Terminal
from tests.cli.fake_api import DRILL, RECOVERY, FakeApi, execution, left, run_reading, server, wave

from wavebreak.domain.commands.results import ExecutionResult
from wavebreak.domain.commands.runs import Asked

ID = "s-00000000000000001"
INSTANCE = "i-00000000000000001"


def test_f4_results_of_commands_have_the_names_of_their_targets(api: FakeApi, wavebreak: Terminal) -> None:
    asked = Asked("stop")
    done = ExecutionResult.completed(ID, 0, "stopped\n").timed(datetime(2026, 11, 21, 12, 3, 1, tzinfo=UTC), 1)
    api.answers["POST", "/commands"] = (202, run_reading({}, 1, asked=asked)[0])
    api.runs = [run_reading({}, 1, asked=asked), run_reading({1: done}, 1, asked=asked, over=True)]
    api.readings[DRILL] = [execution("COMPLETED", [wave(1, "db", "COMPLETED", [server(1, name="db-1")])])]
    outcome = wavebreak("command", "stop", "--execution", DRILL, "--targets", ID)
    assert outcome.exit_code == 0
    assert f"[1/1] db-1 {ID}" in outcome.out
    assert f"✓ db-1 {ID}" in outcome.out
    api.runs = [run_reading({1: done}, 1, asked=asked, over=True)]
    output = wavebreak("command", "stop", "--execution", DRILL, "--targets", ID, "--json").out
    assert f'"{ID}"' in output
    assert "db-1" not in output, "documents have ids alone"


def test_f4_live_checks_have_the_names_that_the_api_has(api: FakeApi, wavebreak: Terminal) -> None:
    wavebreak.width = 140
    checks = [{"check": "recovery-instance", "subject": ID, "status": "WARN", "message": f"{ID} runs as {INSTANCE}"}]
    answer = {"ready": True, "checks": checks, "names": {ID: "db-1"}}
    api.answers["POST", "/plans/web/validate"] = (200, answer)
    output = " ".join(wavebreak("plan", "validate", "web", "--live").out.split())
    assert f"recovery-instance db-1 {ID} db-1 {ID} runs as {INSTANCE}" in output


def test_f4_warnings_and_what_is_not_terminated_have_names(api: FakeApi, wavebreak: Terminal) -> None:
    replaced = {"code": "REPLACES_RUNNING", "message": f"Replaces 1 running instance(s): {ID} (i-2)", "waveNumber": 1}
    end = {
        "status": "INCOMPLETE",
        "terminated": 0,
        "remaining": [left(INSTANCE, "held by recovery-01x")],
        "unknown": [],
    }
    waves = [wave(1, "db", "COMPLETED", [server(1, name="db-1")])]
    shown = execution("COMPLETED", waves, executionId=RECOVERY, warnings=[replaced], termination=end)
    api.readings[RECOVERY] = [shown]
    output = " ".join(wavebreak("show", RECOVERY).out.split())
    assert f"Replaces 1 running instance(s): db-1 {ID} (i-2)" in output
    assert f"✗ db-1 {INSTANCE} held by recovery-01x" in output


def test_f4_a_plan_that_never_ran_has_the_names_that_drs_has(api: FakeApi, wavebreak: Terminal) -> None:
    plan = {"planId": "web", "name": "Web", "waves": [{"name": "db", "servers": [{"sourceServerId": ID}]}]}
    api.answers["GET", "/plans/web"] = (200, {"plan": plan, "version": 1})
    api.answers["POST", "/plans/web/validate"] = (200, {"ready": True, "checks": [], "names": {ID: "db-1"}})
    api.listed["/executions"] = []
    assert f"{ID}  db-1" in wavebreak("plan", "show", "web").out


def test_f4_targets_without_an_execution_have_the_names_of_the_execution_that_the_answer_tells(
    api: FakeApi, wavebreak: Terminal
) -> None:
    asked, other = Asked("status"), "s-00000000000000002"
    at = datetime(2026, 11, 21, 12, 3, 1, tzinfo=UTC)
    done = ExecutionResult.completed(ID, 0, "up\n").timed(at, 1)
    failed = ExecutionResult.completed(other, 1, "", "Cannot connect to Qdrant service\n").timed(at, 1)
    api.answers["POST", "/commands"] = (202, run_reading({}, 2, asked=asked)[0])
    api.runs = [
        run_reading({}, 2, asked=asked),
        run_reading({1: done, 2: failed}, 2, asked=asked, over=True),
    ]
    launched = [server(1, name="db-1"), server(2, name="db-2")]
    api.readings[DRILL] = [execution("COMPLETED", [wave(1, "db", "COMPLETED", launched)])]
    outcome = wavebreak("command", "status", "--targets", f"{ID},{other}")
    assert outcome.exit_code == 2
    for identifier, name in ((ID, "db-1"), (other, "db-2")):
        assert outcome.out.count(identifier) == outcome.out.count(f"{name} {identifier}") > 0, "no id stands alone"
    sent = next(request for request in api.requests if request.method == "POST")
    assert "executionId" not in sent.body


@pytest.mark.parametrize("verb", ["show", "events", "cancel", "watch"])
@pytest.mark.parametrize("text", ["../x", "drill_1", ""])
def test_f16_what_is_no_id_of_an_execution_is_told_and_not_asked_for(
    api: FakeApi, wavebreak: Terminal, verb: str, text: str
) -> None:
    outcome = wavebreak(verb, text)
    assert outcome.exit_code == 3
    assert f"{text!r} is no id of an execution" in outcome.err
    assert api.requests == []


def test_f16_an_id_in_capitals_is_found(api: FakeApi, wavebreak: Terminal) -> None:
    api.readings[DRILL] = [execution("COMPLETED", [])]
    assert wavebreak("show", DRILL.upper()).exit_code == 0
