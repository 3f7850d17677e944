"""Plans, lists and the audit trail, from the command to what is printed."""

import copy
import json
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # no stubs in use
from tests.cli.conftest import Terminal, lines
from tests.cli.fake_api import COMMAND, DRILL, FakeApi, Json, execution, problem, server, wave

from wavebreak.domain.executions.audit_chain import verify
from wavebreak.domain.executions.audit_trail import event_hash

GOOD = """\
planId: three-tier
name: 3TierRecoveryPlan
objectives: {rtoMinutes: 60, rpoMinutes: 15}
waves:
  - name: database
    servers:
      - sourceServerId: s-11111111111111111
  - name: web
    selector: {tags: {tier: web}}
    requiresApproval: true
"""
BAD = GOOD.replace("name: web", "name: web\n    dependsOn: [nobody]\n    colour: red")
STORED: Json = {
    "plan": {
        "planId": "three-tier",
        "name": "3TierRecoveryPlan",
        "objectives": {"rtoMinutes": 60, "rpoMinutes": 15},
        "waves": [
            {"name": "database", "servers": [{"sourceServerId": "s-11111111111111111"}]},
            {"name": "web", "selector": {"tags": {"tier": "web"}}, "requiresApproval": True},
        ],
    },
    "version": 4,
    "createdAt": "2026-11-20T12:00:00.000Z",
    "updatedAt": "2026-11-21T12:00:00.000Z",
}


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    """Give a file with a valid plan."""
    path = tmp_path / "plan.yaml"
    path.write_text(GOOD)
    return path


def _trail(count: int = 4) -> list[Json]:
    trail: list[Json] = []
    for sequence in range(1, count + 1):
        event: Json = {
            "sequence": sequence,
            "at": "2026-11-21T12:00:00.000Z",
            "type": "WAVE_COMPLETED",
            "executionId": DRILL,
            "waveNumber": sequence,
            "actor": "wavebreak",
            "data": {
                "changes": [{"waveNumber": sequence, "from": "IN_PROGRESS", "to": "COMPLETED"}],
                "reason": "Prüfung",
            },
            "previousHash": trail[-1]["hash"] if trail else None,
        }
        trail.append({**event, "hash": event_hash(event)})
    return trail


def test_validate_works_without_an_api(wavebreak: Terminal, plan_file: Path) -> None:
    wavebreak.width = 400
    outcome = wavebreak("plan", "validate", str(plan_file))
    assert (outcome.exit_code, outcome.out) == (0, f"✓ {plan_file} is a valid plan\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: [\nb: }\n", 2), ('planId: a\nname: "\\ud800"\n', 2), ("planId: a\nwaves: &a\n  - *a\n", 3)],
)
def test_a_file_that_cannot_be_read_has_the_line_where_it_breaks(
    wavebreak: Terminal, plan_file: Path, text: str, line: int
) -> None:
    plan_file.write_text(text)
    outcome = wavebreak("plan", "validate", str(plan_file))
    assert outcome.exit_code == 3
    assert lines(outcome.err)[1].startswith(f"{plan_file}:{line}: ")


def test_validate_tells_every_problem_with_its_line_and_pointer(wavebreak: Terminal, plan_file: Path) -> None:
    plan_file.write_text(BAD)
    outcome = wavebreak("plan", "validate", str(plan_file))
    assert (outcome.exit_code, outcome.out) == (3, "")
    output = lines(outcome.err)
    assert output[0] == f"error: Invalid plan: {plan_file} has 2 problems"
    assert {line.split(": ")[0] + " " + line.split(": ")[1] for line in output[1:3]} == {
        f"{plan_file}:9 /waves/1/dependsOn/0",
        f"{plan_file}:10 /waves/1/colour",
    }


def test_validate_in_json_is_an_answer_even_if_the_plan_is_bad(wavebreak: Terminal, plan_file: Path) -> None:
    assert json.loads(wavebreak("plan", "validate", str(plan_file), "--json").out) == {"valid": True, "errors": []}
    plan_file.write_text(BAD)
    outcome = wavebreak("plan", "validate", str(plan_file), "--json")
    answer = json.loads(outcome.out)
    assert (outcome.exit_code, answer["valid"], outcome.err) == (3, False, "")
    assert {(error["pointer"], error["line"]) for error in answer["errors"]} == {
        ("/waves/1/dependsOn/0", 9),
        ("/waves/1/colour", 10),
    }


@pytest.mark.parametrize("text", ["planId: [", "a: 1\na: 2", "{not json"])
def test_text_that_cannot_be_read_is_told(wavebreak: Terminal, plan_file: Path, text: str) -> None:
    plan_file.write_text(text)
    outcome = wavebreak("plan", "validate", str(plan_file))
    assert outcome.exit_code == 3
    assert "code: VALIDATION_FAILED" in outcome.err


def test_validate_live_shows_the_readiness_of_the_stored_plan(
    api: FakeApi, wavebreak: Terminal, plan_file: Path
) -> None:
    check = {"check": "quota", "subject": "us-east-1", "status": "FAIL", "message": "20 of 20 jobs are running"}
    path = "/plans/three-tier/validate"
    api.answers["POST", path] = (200, {"ready": False, "checks": [check]})
    api.answers["GET", "/plans/three-tier"] = (200, {"plan": yaml.safe_load(plan_file.read_text()), "version": 4})
    outcome = wavebreak("plan", "validate", str(plan_file), "--live")
    assert outcome.exit_code == 1
    assert "✗ FAIL  quota  us-east-1  20 of 20 jobs are running" in outcome.out
    assert "✗ not ready" in outcome.out
    api.answers["POST", path] = (200, {"ready": True, "checks": [{**check, "status": "WARN"}]})
    outcome = wavebreak("plan", "validate", str(plan_file), "--live", "--json")
    assert outcome.exit_code == 0
    assert json.loads(outcome.out)["ready"] is True


def test_validate_live_takes_the_id_of_a_stored_plan(api: FakeApi, wavebreak: Terminal) -> None:
    api.answers["POST", "/plans/three-tier/validate"] = (200, {"ready": True, "checks": []})
    outcome = wavebreak("plan", "validate", "three-tier", "--live")
    assert (outcome.exit_code, lines(outcome.out)[-1]) == (0, "✓ ready to recover")
    assert wavebreak("plan", "validate", "three-tier").exit_code == 3
    assert len(api.requests) == 1


def test_a_file_is_checked_before_the_api_is_asked_even_if_it_is_called_like_a_plan(
    api: FakeApi, wavebreak: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "three-tier").write_text(BAD)
    monkeypatch.chdir(tmp_path)
    assert wavebreak("plan", "validate", "three-tier", "--live").exit_code == 3
    assert not api.requests


def test_import_takes_over_a_native_plan(api: FakeApi, wavebreak: Terminal) -> None:
    arn = "arn:aws:drs:us-east-1:111122223333:recovery-plan/0123456789abcdef0"
    api.answers["POST", "/plans/import"] = (201, STORED)
    outcome = wavebreak("plan", "import", arn)
    assert outcome.exit_code == 0
    assert lines(outcome.out)[0] == "✓ imported as three-tier: 2 waves"
    assert "wavebreak plan validate three-tier --live" in outcome.out
    assert api.requests[0].body == {"recoveryPlanArn": arn}
    outcome = wavebreak("plan", "import", arn, "--plan-id", "shop", "--json")
    assert json.loads(outcome.out) == STORED
    assert api.requests[1].body == {"recoveryPlanArn": arn, "planId": "shop"}


def test_a_refused_import_is_a_refused_call(api: FakeApi, wavebreak: Terminal) -> None:
    detail = "There is a plan shop already, and an import replaces none: give another planId"
    api.answers["POST", "/plans/import"] = (409, problem(409, "INVALID_STATE", "Not possible in this state", detail))
    outcome = wavebreak("plan", "import", "arn:aws:drs:us-east-1:111122223333:recovery-plan/0123456789abcdef0")
    assert outcome.exit_code == 3
    assert detail in outcome.err


def test_apply_stores_the_file_as_json(api: FakeApi, wavebreak: Terminal, plan_file: Path) -> None:
    api.answers["PUT", "/plans/three-tier"] = (200, STORED)
    outcome = wavebreak("plan", "apply", str(plan_file), "--if-match", "3")
    assert (outcome.exit_code, outcome.out) == (0, "✓ three-tier stored as version 4\n")
    assert api.requests[-1].body["waves"][0]["servers"] == [{"sourceServerId": "s-11111111111111111"}]
    assert api.requests[-1].headers["if-match"] == '"3"'
    wavebreak("plan", "apply", str(plan_file))
    assert "if-match" not in api.requests[-1].headers


def test_apply_shows_on_which_lines_the_api_finds_errors(api: FakeApi, wavebreak: Terminal, plan_file: Path) -> None:
    errors = [{"pointer": "/waves/1/selector", "message": "is no good"}]
    refusal = problem(400, "VALIDATION_FAILED", "The request is not valid", "1 error", errors=errors)
    api.answers["PUT", "/plans/three-tier"] = (400, refusal)
    outcome = wavebreak("plan", "apply", str(plan_file))
    assert outcome.exit_code == 3
    assert f"{plan_file}:9: /waves/1/selector: is no good" in outcome.err


def test_apply_of_one_plan_in_two_files_is_refused_and_stores_nothing(
    api: FakeApi, wavebreak: Terminal, plan_file: Path
) -> None:
    copy = plan_file.with_name("copy.yaml")
    copy.write_text(plan_file.read_text(encoding="utf-8"), encoding="utf-8")
    outcome = wavebreak("plan", "apply", str(plan_file), str(copy))
    assert outcome.exit_code == 3
    assert "copy.yaml both are plan three-tier; nothing was stored" in " ".join(outcome.err.split())
    assert api.requests == []


def test_apply_of_a_plan_without_an_id_is_refused(api: FakeApi, wavebreak: Terminal, plan_file: Path) -> None:
    plan_file.write_text("name: x\n")
    outcome = wavebreak("plan", "apply", str(plan_file))
    assert outcome.exit_code == 3
    assert "/planId: is required" in outcome.err
    assert not api.requests


def test_plans_are_listed_shown_and_deleted(api: FakeApi, wavebreak: Terminal) -> None:
    api.listed["/plans"] = [STORED]
    api.answers["GET", "/plans/three-tier"] = (200, STORED)
    api.answers["DELETE", "/plans/three-tier"] = (204, {})
    wavebreak.width = 120
    listed = lines(wavebreak("plan", "list").out)
    assert (
        listed[2]
        == "three-tier  4        2      1 + selected  2026-11-21 12:00:00Z  not checked yet  3TierRecoveryPlan"
    )
    shown = wavebreak("plan", "show", "three-tier").out
    assert "Objectives: RTO 60 minutes, RPO 15 minutes" in shown
    assert lines(shown)[5:7] == [
        "1  database  1         at once   STOP        no",
        "2  web       tier=web  database  STOP        yes",
    ]
    assert json.loads(wavebreak("plan", "show", "three-tier", "--json").out) == STORED
    assert wavebreak("plan", "delete", "three-tier").out == "✓ three-tier deleted\n"


def test_no_plans_say_how_to_make_one(api: FakeApi, wavebreak: Terminal) -> None:
    api.listed["/plans"] = []
    assert "wavebreak plan apply FILE" in wavebreak("plan", "list").out


def test_executions_are_filtered_by_the_api_and_read_page_by_page(api: FakeApi, wavebreak: Terminal) -> None:
    api.listed["/executions"] = [execution("COMPLETED", [], executionId=f"drill-{number}") for number in range(9)]
    api.page = 3
    command = ("executions", "--plan", "p", "--status", "completed", "--mode", "drill", "--limit", "7", "--json")
    found = json.loads(wavebreak(*command).out)["items"]
    assert [item["executionId"] for item in found] == [f"drill-{number}" for number in range(7)]
    assert api.requests[0].query == {"planId": "p", "status": "COMPLETED", "mode": "DRILL", "limit": "7"}
    assert api.requests[2].query["limit"] == "1"
    assert len(api.requests) == 3


def test_executions_have_one_line_where_there_is_room_and_three_where_not(api: FakeApi, wavebreak: Terminal) -> None:
    partial = execution("PARTIAL_SUCCESS", [wave(1, "a", "COMPLETED", [server(1)]), wave(2, "b", "CANCELLED", [])])
    api.listed["/executions"] = [partial]
    assert lines(wavebreak("executions").out) == [
        "⚠️ PARTIAL SUCCESS (1 of 2 waves completed)",
        f"  {DRILL}  three-tier",
        "  2026-11-21 12:00:00Z  1m 20s",
    ]
    wavebreak.width = 200
    output = lines(wavebreak("executions").out)
    assert len(output) == 3
    assert output[2].split()[:2] == ["DRILL", DRILL]


def test_show_lists_servers_on_demand(api: FakeApi, wavebreak: Terminal) -> None:
    api.readings[DRILL] = [execution("COMPLETED", [wave(1, "a", "COMPLETED", [server(1)])])]
    assert "i-00000000000000001" not in wavebreak("show", DRILL).out
    assert "i-00000000000000001" in wavebreak("show", DRILL, "--servers").out


def test_the_audit_trail_is_told(api: FakeApi, wavebreak: Terminal) -> None:
    api.listed[f"/executions/{DRILL}/events"] = _trail(1)
    assert lines(wavebreak("events", DRILL).out) == [
        "   1  2026-11-21 12:00:00Z  WAVE_COMPLETED",
        "      by wavebreak: Prüfung",
        "      wave 1: IN_PROGRESS -> COMPLETED",
    ]


def test_the_audit_trail_tells_of_command_runs_in_words(api: FakeApi, wavebreak: Terminal) -> None:
    begun: Json = {"subject": "command", "commandId": COMMAND, "from": None, "to": "IN_PROGRESS"}
    over: Json = {**begun, "from": "IN_PROGRESS", "to": "PARTIAL_SUCCESS", "waveNumber": 3}
    counts = {"succeeded": 2, "failed": 1}
    trail = _trail(2)
    trail[0] |= {"type": "COMMAND_STARTED", "data": {"changes": [begun], "command": "status", "targets": 3}}
    trail[1] |= {
        "type": "COMMAND_PARTIAL_SUCCESS",
        "data": {"changes": [over], "command": "status", "targets": 3, **counts},
    }
    api.listed[f"/executions/{DRILL}/events"] = trail
    wavebreak.width = 120
    assert lines(wavebreak("events", DRILL).out) == [
        "   1  2026-11-21 12:00:00Z  COMMAND_STARTED",
        "      by wavebreak",
        "      command status on 3 targets: new -> IN_PROGRESS",
        f"        {COMMAND}",
        "   2  2026-11-21 12:00:00Z  COMMAND_PARTIAL_SUCCESS",
        "      by wavebreak",
        "      command status of wave 3 on 3 targets: IN_PROGRESS -> PARTIAL_SUCCESS (2 succeeded, 1 failed)",
        f"        {COMMAND}",
    ]


def test_c5_the_audit_trail_tells_of_steps_by_their_names(api: FakeApi, wavebreak: Terminal) -> None:
    step = {"phase": "AFTER", "position": 1, "kind": "function", "name": "notify"}
    change: Json = {"subject": "step", "waveNumber": 2, "step": step, "from": "IN_PROGRESS", "to": "FAILED"}
    trail = _trail(1)
    trail[0] |= {"type": "STEP_FAILED", "data": {"changes": [change]}}
    api.listed[f"/executions/{DRILL}/events"] = trail
    assert lines(wavebreak("events", DRILL).out)[-1] == "      wave 2, after: function notify: IN_PROGRESS -> FAILED"


def test_an_intact_trail_is_verified_over_all_its_pages(api: FakeApi, wavebreak: Terminal) -> None:
    api.listed[f"/executions/{DRILL}/events"] = _trail(5)
    api.page = 2
    outcome = wavebreak("events", DRILL, "--verify")
    assert (outcome.exit_code, outcome.out) == (0, "✓ intact: 5 events, each linked to the one before it\n")


def _edited(trail: list[Json]) -> None:
    trail[1]["actor"] = "somebody else"


def _missing(trail: list[Json]) -> None:
    del trail[1]


def _resealed(trail: list[Json]) -> None:
    trail[1]["actor"] = "somebody else"
    trail[1]["hash"] = event_hash(trail[1])


def _headless(trail: list[Json]) -> None:
    del trail[0]


def _unhashable(trail: list[Json]) -> None:
    trail[1]["actor"] = "\ud800"


@pytest.mark.parametrize(
    ("harm", "at"), [(_edited, 2), (_missing, 2), (_resealed, 3), (_headless, 1), (_unhashable, 2)]
)
def test_a_broken_trail_is_told_with_its_sequence(api: FakeApi, wavebreak: Terminal, harm: object, at: int) -> None:
    trail = copy.deepcopy(_trail())
    assert callable(harm)
    harm(trail)
    api.listed[f"/executions/{DRILL}/events"] = trail
    outcome = wavebreak("events", DRILL, "--verify")
    assert outcome.exit_code == 1
    assert outcome.out.startswith(f"✗ broken at sequence {at}: ")
    answer = json.loads(wavebreak("events", DRILL, "--verify", "--json").out)
    assert (answer["intact"], answer["brokenAt"]) == (False, at)


def test_an_empty_trail_is_intact() -> None:
    assert verify([]).intact


def test_the_version_is_printed(wavebreak: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wavebreak_cli.main.installed_version", lambda name: f"9.9 of {name}")
    outcome = wavebreak("--version")
    assert (outcome.exit_code, outcome.out) == (0, "wavebreak 9.9 of wavebreak\n")
