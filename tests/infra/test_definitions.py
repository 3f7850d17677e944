import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonata.jsonata import Jsonata  # type: ignore[import-untyped]  # the package ships no types
from tools.template import ROOT, definition, functions, load, placeholders, resources

Json = dict[str, Any]

DEFINITIONS = sorted((ROOT / "statemachine").glob("*.asl.json"))

TRANSIENT = {
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    # The emulator's name for a throttled call.
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "States.Timeout",
    # What our own functions raise when a service they need does not answer (wavebreak.lambda_entry).
    "Unavailable",
    "DynamoDb.InternalServerErrorException",
    "DynamoDb.ProvisionedThroughputExceededException",
    "DynamoDb.RequestLimitExceededException",
    "DynamoDb.SdkClientException",
    "DynamoDb.ThrottlingException",
    "Sfn.SdkClientException",
    "Sfn.ServiceUnavailableException",
    "Sfn.ThrottlingException",
}

by_definition = pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.name)


def states_of(machine: Json, prefix: str = "") -> Iterator[tuple[str, Json]]:
    """Every state, those inside Maps too, with its path of names."""
    for name, state in machine["States"].items():
        yield f"{prefix}{name}", state
        if "ItemProcessor" in state:
            yield from states_of(state["ItemProcessor"], f"{prefix}{name}/")


def tasks_of(path: Path) -> list[tuple[str, Json]]:
    return [(name, state) for name, state in states_of(definition(path)) if state["Type"] == "Task"]


def successors(state: Json) -> Iterator[str]:
    for holder in (state, *state.get("Catch", []), *state.get("Choices", [])):
        yield from (holder[key] for key in ("Next", "Default") if key in holder)


def test_there_are_definitions() -> None:
    assert {path.name for path in DEFINITIONS} >= {"recovery.asl.json", "termination.asl.json"}


@by_definition
def test_every_task_has_a_timeout_in_whole_seconds(path: Path) -> None:
    for name, task in tasks_of(path):
        assert type(task.get("TimeoutSeconds")) is int, name
        assert task["TimeoutSeconds"] > 0, name


@by_definition
def test_timeouts_nest_lambda_ends_before_its_task(path: Path) -> None:
    all_functions = functions(load())
    for name, task in tasks_of(path):
        function = task.get("Arguments", {}).get("FunctionName")
        if function is not None:
            assert all_functions[function.removesuffix("Arn")]["Timeout"] < task["TimeoutSeconds"], name


@by_definition
def test_every_retry_waits_whole_seconds_with_full_jitter(path: Path) -> None:
    for name, task in states_of(definition(path)):
        for retry in task.get("Retry", []):
            assert retry["JitterStrategy"] == "FULL", name
            assert type(retry["IntervalSeconds"]) is int, name
            assert retry["IntervalSeconds"] >= 1, name
            assert 1 <= retry["MaxAttempts"] <= 10, name
            assert retry["MaxDelaySeconds"] >= retry["IntervalSeconds"], name


@by_definition
def test_only_transient_errors_are_tried_again(path: Path) -> None:
    for name, task in states_of(definition(path)):
        for retry in task.get("Retry", []):
            assert set(retry["ErrorEquals"]) <= TRANSIENT, name


@by_definition
def test_whatever_nothing_else_catches_is_recorded(path: Path) -> None:
    for name, state in definition(path)["States"].items():
        if state["Type"] in {"Task", "Map", "Parallel"} and name != "RecordFailure":
            *_, last = state["Catch"]
            assert (last["ErrorEquals"], last["Next"]) == (["States.ALL"], "RecordFailure"), name


@by_definition
def test_every_state_is_reached_and_every_next_exists(path: Path) -> None:
    def check(machine: Json) -> None:
        reached, todo = set(), [machine["StartAt"]]
        while todo:
            name = todo.pop()
            if name not in reached:
                reached.add(name)
                todo.extend(successors(machine["States"][name]))
        assert reached == set(machine["States"])
        for state in machine["States"].values():
            if "ItemProcessor" in state:
                check(state["ItemProcessor"])

    check(definition(path))


@by_definition
def test_a_sleep_ends_after_the_poll_interval(path: Path) -> None:
    sleeping = [state for _, state in states_of(definition(path, {"PollSeconds": 7})) if "Token" in json.dumps(state)]
    waiting = [state for state in sleeping if state["Resource"].endswith(".waitForTaskToken")]
    assert [state["TimeoutSeconds"] for state in waiting] == ([] if path.name == "command.asl.json" else [7])


def test_substitutions_and_placeholders_are_the_same_names() -> None:
    for name, machine in resources(load(), "AWS::Serverless::StateMachine").items():
        text = (ROOT / machine["DefinitionUri"]).read_text(encoding="utf-8")
        assert placeholders(text) == set(machine["DefinitionSubstitutions"]), name


def test_machines_may_call_exactly_their_own_tasks() -> None:
    for name, machine in resources(load(), "AWS::Serverless::StateMachine").items():
        (policy,) = machine["Policies"]
        (allowed,) = (s["Resource"] for s in policy["Statement"] if s["Action"] == "lambda:InvokeFunction")
        given = [value for key, value in machine["DefinitionSubstitutions"].items() if key.endswith("FunctionArn")]
        assert sorted(map(str, allowed)) == sorted(map(str, given)), name


def test_every_definition_belongs_to_a_machine_of_the_template() -> None:
    used = {ROOT / machine["DefinitionUri"] for machine in resources(load(), "AWS::Serverless::StateMachine").values()}
    assert used == set(DEFINITIONS)


@by_definition
def test_no_definition_names_a_partition_of_aws(path: Path) -> None:
    """Where the partition is `aws-us-gov` or `aws-cn`, Step Functions refuses a resource of `aws`."""
    assert "arn:aws" not in path.read_text(encoding="utf-8")
    for name, task in tasks_of(path):
        assert task["Resource"].startswith("arn:Partition:states:::"), name


@by_definition
def test_an_error_without_a_cause_is_recorded_all_the_same(path: Path) -> None:
    """The cause of an error may be missing, and what is missing fails the state that asks for it."""
    asked = re.findall(r'"\{% ([^"]*\.Cause[^"]*) %\}"', path.read_text(encoding="utf-8"))
    assert asked
    for expression in asked:
        for output, expected in (({"Error": "x"}, ""), ({"Error": "x", "Cause": "y"}, "y")):
            bound = Jsonata(expression)
            bound.assign("failure", output)
            bound.assign("states", {"errorOutput": output})
            found = bound.evaluate(None)
            assert isinstance(found, str), expression
            assert found.removeprefix("x: ") == expected, expression
