import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from jsonata.jsonata import Jsonata  # type: ignore[import-untyped]  # the package ships no types
from tools.template import ROOT, definition, functions, load, placeholders, resources

Json = dict[str, Any]

DEFINITIONS = sorted((ROOT / "statemachine").glob("*.asl.json"))

TRANSIENT = {
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ResourceNotReadyException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    # The emulator's name for a throttled call.
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "States.Timeout",
    # What our own functions raise when a service they need does not answer (wavebreak.lambda_entry).
    "Unavailable",
    "DynamoDb.DynamoDbException",
    "DynamoDb.InternalServerErrorException",
    "DynamoDb.ProvisionedThroughputExceededException",
    "DynamoDb.RequestLimitExceededException",
    "DynamoDb.SdkClientException",
    "DynamoDb.ThrottlingException",
    "Sfn.SdkClientException",
    "Sfn.ServiceUnavailableException",
    "Sfn.SfnException",
    "Sfn.ThrottlingException",
}

STATES_ERRORS = {
    "States.ALL",
    "States.DataLimitExceeded",
    "States.ExceedToleratedFailureThreshold",
    "States.HeartbeatTimeout",
    "States.ItemReaderFailed",
    "States.Permissions",
    "States.QueryEvaluationError",
    "States.ResultWriterFailed",
    "States.Runtime",
    "States.TaskFailed",
    "States.Timeout",
}
"""Names of the Amazon States Language that a definition may catch."""

THEIR_FUNCTION = "InvokeFunction"
"""The state that invokes a function which is not ours: again only if it did not run, or its answer was lost."""

LAMBDA_ERRORS = {
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Sandbox.Timedout",
}
"""What the Step Functions guide names for a task that calls a function."""

LAMBDA_REFUSALS = {"Lambda.ResourceNotReadyException"}
"""What Invoke answers while a function's network or container is made ready: the service model names it."""

OUR_ERRORS = {"Unavailable"}
"""What our functions raise (wavebreak.doorway)."""

EMULATED_ERRORS = {"Lambda.Unknown", "Sfn.ExecutionAlreadyExists"}
"""How an emulator spells an error of AWS."""

COMMON_ERRORS = ("ThrottlingException", "ServiceUnavailableException")
"""Errors of every service of AWS. One that the model does not name may come as the service's own exception."""

SDK_SERVICES = {"dynamodb": ("DynamoDb", "dynamodb"), "sfn": ("Sfn", "stepfunctions")}
"""By the name in a resource of a task: the prefix of its errors, and the service's name in botocore."""

TRANSIENT_KINDS = ("InternalServerError", "ProvisionedThroughput", "RequestLimit", "Throttling", "ServiceUnavailable")

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
        if function is not None and name != THEIR_FUNCTION:
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
    seconds = {"PollSeconds": 7, "BriefSeconds": 3}
    sleeping = [state for _, state in states_of(definition(path, seconds)) if "Token" in json.dumps(state)]
    waiting = [state for state in sleeping if state["Resource"].endswith(".waitForTaskToken")]
    expected = {"command.asl.json": [], "step.asl.json": [], "recovery.asl.json": [7, 3], "termination.asl.json": [7]}
    assert [state["TimeoutSeconds"] for state in waiting] == expected[path.name]


def test_substitutions_and_placeholders_are_the_same_names() -> None:
    for name, machine in resources(load(), "AWS::Serverless::StateMachine").items():
        text = (ROOT / machine["DefinitionUri"]).read_text(encoding="utf-8")
        assert placeholders(text) == set(machine["DefinitionSubstitutions"]), name


def test_machines_may_call_exactly_their_own_tasks() -> None:
    for name, machine in resources(load(), "AWS::Serverless::StateMachine").items():
        (policy,) = machine["Policies"]
        allowed, *others = (s["Resource"] for s in policy["Statement"] if s.get("Action") == "lambda:InvokeFunction")
        given = [value for key, value in machine["DefinitionSubstitutions"].items() if key.endswith("FunctionArn")]
        assert sorted(map(str, allowed)) == sorted(map(str, given)), name
        assert not others, name
        (theirs,) = [s["Fn::If"] for s in policy["Statement"] if "HasFunctions" in s.get("Fn::If", [])] or [None]
        assert (theirs is not None) == (name == "StepStateMachine"), name
        if theirs is not None:
            assert (theirs[1]["Action"], theirs[1]["Resource"]) == ("lambda:InvokeFunction", {"Ref": "FunctionArns"})


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


def sdk_errors(resource: str) -> set[str]:
    """Name the errors of a task that calls AWS itself: those of the service's model, spelt as the SDK for Java does."""
    _, _, call = resource.partition(":aws-sdk:")
    service, _, action = call.partition(".")[0].partition(":")
    prefix, name = SDK_SERVICES[service]
    operation = botocore.session.Session().get_service_model(name).operation_model(action[0].upper() + action[1:])
    modelled = [f"{shape.name.removesuffix('Exception')}Exception" for shape in operation.error_shapes]
    names = [*modelled, *COMMON_ERRORS, "SdkClientException", f"{prefix}Exception"]
    return {f"{prefix}.{error}" for error in names}


def handled(state: Json) -> Iterator[tuple[str, str]]:
    for kind in ("Retry", "Catch"):
        for handler in state.get(kind, []):
            yield from ((kind, error) for error in handler["ErrorEquals"])


@by_definition
def test_every_name_of_a_state_is_used_once_in_the_whole_machine(path: Path) -> None:
    """CreateStateMachine answers DUPLICATE_STATE_NAME, at whatever depth the two are."""
    names = Counter(name.rpartition("/")[2] for name, _ in states_of(definition(path)))
    assert not [name for name, used in names.items() if used > 1]
    assert all(0 < len(name) <= 80 for name in names)


@by_definition
def test_every_error_that_is_handled_is_one_that_can_reach_the_state(path: Path) -> None:
    for name, state in states_of(definition(path)):
        known = STATES_ERRORS | OUR_ERRORS | EMULATED_ERRORS
        if ":aws-sdk:" in state.get("Resource", ""):
            known = (known - OUR_ERRORS) | sdk_errors(state["Resource"])
        elif state["Type"] == "Task":
            known = known | LAMBDA_ERRORS | LAMBDA_REFUSALS
        unknown = [error for _, error in handled(state) if error not in known]
        assert not unknown, name


@by_definition
def test_every_task_tries_again_whatever_may_pass(path: Path) -> None:
    """An error that a service's model does not name reaches a machine as `Service.ServiceException`."""
    for name, task in tasks_of(path):
        tried = {error for kind, error in handled(task) if kind == "Retry"}
        if ":aws-sdk:" in task["Resource"]:
            known = sdk_errors(task["Resource"])
            prefix = next(iter(known)).partition(".")[0]
            wanted = {error for error in known if error.partition(".")[2].startswith(TRANSIENT_KINDS)}
            assert tried >= {f"{prefix}.{prefix}Exception", f"{prefix}.SdkClientException"}, name
            assert tried >= wanted - {f"{prefix}.{error}" for error in COMMON_ERRORS}, name
        elif name == THEIR_FUNCTION:
            # Where Lambda has no room, the machine asks whether the step is still wanted before it tries again.
            assert tried == LAMBDA_ERRORS - {"Sandbox.Timedout", "Lambda.TooManyRequestsException"}
        else:
            # What a function raises that is called asynchronously reaches no machine.
            raised = set() if task["Arguments"].get("InvocationType") == "Event" else OUR_ERRORS
            assert tried >= LAMBDA_ERRORS | raised | {"States.Timeout"}, name


def test_whatever_their_function_came_to_is_written_down_but_what_is_ours_is_recorded() -> None:
    """`States.TaskFailed` stands for every error of a task but its timeout; a too large answer no wildcard catches."""
    task = definition(ROOT / "statemachine" / "step.asl.json")["States"][THEIR_FUNCTION]
    assert task["TimeoutSeconds"] == 900, "as long as a function may run"
    assert [(caught["ErrorEquals"], caught["Next"]) for caught in task["Catch"]] == [
        (["Lambda.TooManyRequestsException", "Lambda.ResourceNotReadyException"], "WaitForRoom"),
        (["States.DataLimitExceeded"], "FinishStep"),
        (["States.TaskFailed", "States.Timeout", "States.Permissions"], "FinishStep"),
        (["States.ALL"], "RecordFailure"),
    ]


@by_definition
def test_states_all_stands_alone_and_last(path: Path) -> None:
    """Anywhere else Step Functions refuses it, and asl-validator does not see it."""
    for name, state in states_of(definition(path)):
        for kind in ("Retry", "Catch"):
            for position, handler in enumerate(state.get(kind, []), start=1):
                if "States.ALL" in handler["ErrorEquals"]:
                    assert handler["ErrorEquals"] == ["States.ALL"], name
                    assert position == len(state[kind]), name
