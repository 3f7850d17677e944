"""Commands of a plan: run beside the waves' loop, told in the execution, cancelled with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support import emulation
from tests.support.plans import plan, server, wave
from tests.support.process_death import TaskKilled

from wavebreak.domain.executions.stepping.wave_steps import targets
from wavebreak.store.commands import CommandStore
from wavebreak.values import replace

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.commands import Commands
    from tests.support.stack import Stack

BOTH_FAIL = {"command": "fix-config", "required": True, "args": ["--all", "; reboot"], "timeoutSeconds": 60}


def two_waves(*, before: list[dict[str, Any]], after: list[dict[str, Any]], **settings: Any) -> dict[str, Any]:
    """A wave of servers 1 and 2 with commands after it, and one of server 3 with commands before it."""
    return plan(wave("database", 1, 2, after=after, **settings), wave("web", 3, before=before))


def _steps_of(seen: dict[str, Any]) -> list[list[str]]:
    return [[one["status"] for one in each["steps"]] for each in seen["waves"]]


def test_commands_run_before_and_after_the_launch_and_are_shown_with_the_wave(commands: Commands, stack: Stack) -> None:
    document = two_waves(before=[BOTH_FAIL], after=[{"command": "status"}, {"command": "start"}])
    stack.put_servers(map(server, (1, 2, 3)))
    commands.answers(2, "status", exitCode=1)

    execution = stack.ended(stack.start(document))

    assert execution["status"] == "COMPLETED", "a partial success is reported only"
    assert _steps_of(execution) == [["PARTIAL", "SUCCEEDED"], ["SUCCEEDED"]]
    asked = execution["waves"][1]["steps"][0]
    run = commands.get(asked["commandId"])
    assert (run["args"], run["timeoutSeconds"], run["waveNumber"]) == (BOTH_FAIL["args"], 60, 2)
    assert [one["target"] for one in commands.results(asked["commandId"])] == [server(1), server(2)]
    calls = [(call["operation"], call["parameters"]) for call in stack.control.calls()]
    order = [
        str(asked["DocumentName"]) if name == "SendCommand" else name
        for name, asked in calls
        if name in {"SendCommand", "StartRecovery"}
    ]
    start = "wavebreak-start"
    fix = "wavebreak-fix-config"
    assert order == ["StartRecovery", *["wavebreak-status"] * 2, start, start, fix, fix, "StartRecovery"]
    types = [event["type"] for event in stack.events(execution["executionId"])]
    assert types.count("COMMAND_STARTED") == 3
    assert {"COMMAND_PARTIAL_SUCCESS", "COMMAND_COMPLETE_SUCCESS"} <= set(types)


def test_a_required_command_that_fails_everywhere_fails_its_wave_and_a_retry_runs_it_alone(
    commands: Commands, stack: Stack
) -> None:
    document = two_waves(before=[], after=[{"command": "status"}, {"command": "start", "required": True}])
    stack.put_servers(map(server, (1, 2, 3)))
    for number in (1, 2):
        commands.answers(number, "start", exitCode=5)
    execution_id = stack.start(document)
    failed = stack.ended(execution_id)
    assert (failed["status"], failed["waves"][0]["status"]) == ("FAILED", "FAILED")
    assert f"start did not succeed on 2 critical server(s): {server(1)}, {server(2)}" in failed["waves"][0]["error"]
    assert failed["waves"][1]["status"] == "NOT_STARTED"
    for number in (1, 2):
        commands.answers(number, "start", exitCode=0)

    assert stack.api("POST", f"/executions/{execution_id}/waves/1/retry", {}).status == 202

    again = stack.ended(execution_id)
    assert (again["status"], _steps_of(again)[0]) == ("COMPLETED", ["SUCCEEDED"] * 2)
    assert sorted(stack.launched_servers()) == [server(1), server(2), server(3)], "nothing was launched again"
    runs = [one["commandId"].rpartition("-")[2] for one in again["waves"][0]["steps"]]
    assert runs == ["w001a01r1", "w001a02r2"]


def test_the_end_of_a_command_wakes_its_execution(
    commands: Commands, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(emulation.REAL_SECONDS, emulation.POLL_SECONDS, 60.0)
    stack.put_servers(map(server, (1, 2)))
    for number in (1, 2):
        commands.answers(number, "status", seconds=1)
    execution_id = stack.start(plan(wave("database", 1, 2, after=[{"command": "status"}])))
    stack.wait(execution_id, lambda seen: seen["waves"][0]["jobId"])
    stack.wait(execution_id, lambda seen: seen["waves"][0]["servers"][0]["launchStatus"] == "LAUNCHED")
    assert stack.ended(execution_id)["status"] == "COMPLETED"


def test_a_cancel_stops_the_command_of_a_wave_and_the_wave_ends_with_it(commands: Commands, stack: Stack) -> None:
    stack.put_servers(map(server, (1, 2, 3)))
    for number in (1, 2):
        commands.answers(number, "status", seconds=120)
    execution_id = stack.start(two_waves(before=[], after=[{"command": "status"}, {"command": "query"}]))
    commands.in_flight(2)

    answer = stack.api("POST", f"/executions/{execution_id}/cancel", {})

    assert (answer.status, answer.json["status"]) == (202, "CANCELLING")
    assert answer.json["waves"][0]["status"] == "IN_PROGRESS"
    execution = stack.ended(execution_id, 15)
    assert execution["status"] == "CANCELLED"
    assert [each["status"] for each in execution["waves"]] == ["CANCELLED", "CANCELLED"]
    assert _steps_of(execution) == [["CANCELLED", "NOT_STARTED"], []]
    assert commands.running() == []


def test_a_cancel_between_the_intent_and_its_run_starts_nothing(
    commands: Commands, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function dies with the intent written; the cancel comes before anybody makes the run."""
    stack.put_servers([server(1)])
    original = CommandStore.create

    def dies(_store: CommandStore, run: Any, *_rest: Any) -> bool:
        monkeypatch.setattr(CommandStore, "create", original)
        assert stack.api("POST", f"/executions/{run.execution_id}/cancel", {}).status == 202
        raise TaskKilled

    monkeypatch.setattr(CommandStore, "create", dies)
    execution = stack.ended(stack.start(plan(wave("only", 1, after=[{"command": "status"}]))))

    assert execution["status"] == "CANCELLED"
    assert execution["waves"][0]["steps"][0]["status"] == "CANCELLED"
    assert (commands.sent_to(), stack.runs("command")) == ([], [])
    types = [event["type"] for event in stack.events(execution["executionId"])]
    assert types.count("COMMAND_STARTED") == 1
    assert commands.get(execution["waves"][0]["steps"][0]["commandId"])["total"] == 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_whose_maker_died_is_made_once(
    commands: Commands, stack: Stack, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    stack.put_servers([server(1)])
    original = CommandStore.create

    def dies(store: CommandStore, run: Any, targets: Any, act: Any) -> bool:
        monkeypatch.setattr(CommandStore, "create", original)
        if when == "after":
            original(store, run, targets, act)
        raise TaskKilled

    monkeypatch.setattr(CommandStore, "create", dies)
    execution = stack.ended(stack.start(plan(wave("only", 1, after=[{"command": "status"}]))))

    assert (execution["status"], _steps_of(execution)) == ("COMPLETED", [["SUCCEEDED"]])
    assert commands.sent_to() == [commands.instance(1)]
    assert [event["type"] for event in stack.events(execution["executionId"])].count("COMMAND_STARTED") == 1


def test_a_plans_command_waits_for_the_agent_of_an_instance_that_was_just_launched(
    commands: Commands, stack: Stack, clock: JumpingClock
) -> None:
    stack.put_servers(map(server, (1, 2)))
    for number in (1, 2):
        stack.control.instance(server(number), reachable=False)
    execution_id = stack.start(plan(wave("only", 1, 2, after=[{"command": "status"}])))
    seen = stack.wait(execution_id, lambda seen: seen["waves"][0]["steps"][0]["commandId"])
    command_id = seen["waves"][0]["steps"][0]["commandId"]
    stack.wait(execution_id, lambda _: len(stack.control.calls("DescribeInstanceInformation")) > 2)
    assert commands.get(command_id)["failed"] == 0
    stack.control.instance(server(2), reachable=True)
    commands.seen(command_id, lambda run: run["succeeded"] == 1)

    clock.forward(31)

    assert stack.ended(execution_id)["status"] == "COMPLETED"
    kinds = [one["failureKind"] for one in commands.results(command_id)]
    assert kinds == ["unreachable", None]


def test_a14_a_wave_without_anybody_to_reach_skips_its_commands(commands: Commands, stack: Stack) -> None:
    """Contract 12: with no server at all a command is SKIPPED and fails nothing."""
    stack.put_servers([server(1), server(2)], launchResult="FAILED")
    entry = {"sourceServerId": server(1), "impact": "OPTIONAL"}
    asked = [{"command": "status", "required": True}, {"command": "start"}]
    only = {"name": "only", "servers": [entry], "after": asked}
    execution = stack.ended(stack.start(plan(only)))
    assert (execution["status"], _steps_of(execution)) == ("COMPLETED", [["SKIPPED", "SKIPPED"]])
    shown = execution["waves"][0]["steps"]
    assert {(one["commandId"], one["error"]) for one in shown} == {(None, "no server to run on")}
    assert (stack.runs("command"), commands.sent_to()) == ([], [])


def impacts(**of: str) -> list[dict[str, str]]:
    return [{"sourceServerId": server(int(name[1:])), "impact": impact} for name, impact in of.items()]


@pytest.mark.parametrize(
    ("servers", "broken", "status", "error"),
    [
        (impacts(s1="CRITICAL", s2="CRITICAL", s3="CRITICAL"), [1, 2], "FAILED", "2 critical server(s)"),
        (impacts(s1="OPTIONAL", s2="CRITICAL"), [2], "FAILED", f"1 critical server(s): {server(2)}"),
        (impacts(s1="OPTIONAL", s2="CRITICAL"), [1], "COMPLETED", None),
        (impacts(s1="OPTIONAL", s2="OPTIONAL"), [1], "COMPLETED", None),
        (impacts(s1="OPTIONAL", s2="OPTIONAL"), [1, 2], "FAILED", "did not succeed on any server"),
    ],
)
def test_a14_a_required_command_has_to_succeed_on_every_critical_server(
    commands: Commands,
    stack: Stack,
    servers: list[dict[str, str]],
    broken: list[int],
    status: str,
    error: str | None,
) -> None:
    stack.put_servers(map(server, (1, 2, 3)))
    for number in broken:
        commands.answers(number, "fix-config", exitCode=9)
    only = {"name": "only", "servers": servers, "after": [{"command": "fix-config", "required": True}]}
    execution = stack.ended(stack.start(plan(only)))
    assert (execution["status"], execution["waves"][0]["status"]) == (status, status)
    reported = execution["waves"][0]["error"]
    assert reported is None if error is None else error in reported
    why = execution["waves"][0]["steps"][0]["error"]
    assert reported == (why and f"The required command fix-config {why} (after the launch)")


def test_a14_a_server_whose_instance_is_not_known_did_not_succeed(
    commands: Commands, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers(map(server, (1, 2)))

    def unknown(*arguments: Any) -> Any:
        return [
            (source, replace(one, recovery_instance_id=None) if one.source_server_id == server(2) else one)
            for source, one in targets(*arguments)
        ]

    monkeypatch.setattr("wavebreak.use_cases.steps.run_wave_step.targets", unknown)
    required = {"command": "status", "required": True}
    execution = stack.ended(stack.start(plan(wave("only", 1, 2, after=[required]))))
    assert (execution["status"], server(2) in execution["waves"][0]["error"]) == ("FAILED", True)
    results = commands.results(execution["waves"][0]["steps"][0]["commandId"])
    assert [(one["failureKind"], one["instanceId"]) for one in results] == [
        (None, commands.instance(1)),
        ("unreachable", None),
    ]


def test_a_wave_past_its_deadline_is_failed_while_its_command_is_stopped(
    commands: Commands, stack: Stack, clock: JumpingClock
) -> None:
    """Contract 12: the wave's timeout stops the running step, which is FAILED then; the execution waits for it."""
    stack.put_servers([server(1)])
    commands.answers(1, "status", seconds=120)
    only = wave("only", 1, timeoutMinutes=10, after=[{"command": "status"}])
    execution_id = stack.start(plan(only))
    commands.in_flight()
    clock.forward(stack.app().timing.scaled(600).total_seconds())

    failed = stack.wait(execution_id, lambda seen: seen["waves"][0]["status"] == "FAILED")

    assert failed["status"] == "IN_PROGRESS"
    assert stack.ended(execution_id)["status"] == "FAILED"
    assert stack.get(execution_id)["waves"][0]["steps"][0]["status"] == "FAILED"
