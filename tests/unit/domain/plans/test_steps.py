"""The steps of a plan's waves (contract 12): kinds, fields, limits, placeholders, places of functions."""

from typing import Any

import pytest
from tests.support.plan_documents import plan, problems, server, wave

from wavebreak.domain.plans.document import normalised, parse_plan
from wavebreak.domain.plans.model import InDrill
from wavebreak.domain.plans.step_rules import functions_elsewhere
from wavebreak.domain.plans.steps import AutomationStep, CommandStep, FunctionStep
from wavebreak.json_pointers import PlanInvalidError
from wavebreak.site import Site

KNOWN = "{{executionId}}, {{mode}}, {{waveName}}, {{region}}, {{recoveryInstanceIds}}, {{sourceServerIds}}"
OWN = Site("123456789012", "us-east-1")


def of_one(*steps: Any) -> dict[str, Any]:
    return plan(wave("a", 1, after=list(steps)))


def large(name: str, count: int, first: int = 1, **fields: Any) -> dict[str, Any]:
    """A wave of so many servers."""
    return {"name": name, "servers": [server(first + number) for number in range(count)], **fields}


def found(document: dict[str, Any]) -> list[tuple[str, str]]:
    try:
        parse_plan(document)
    except PlanInvalidError as error:
        return [(problem.pointer, problem.message) for problem in error.problems]
    return []


def after(document: dict[str, Any]) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = normalised(parse_plan(document))["waves"][0]["after"]
    return listed


def test_c12_each_kind_has_its_fields_and_safe_defaults() -> None:
    parsed = parse_plan(of_one({"command": "status"}, {"automation": "Promote"}, {"function": "notify"})).waves[0].after
    command, automation, function = parsed
    assert isinstance(command, CommandStep)
    assert isinstance(automation, AutomationStep)
    assert isinstance(function, FunctionStep)
    assert [step.in_drill for step in parsed] == [InDrill.RUN, InDrill.SKIP, InDrill.SKIP]
    assert [step.timeout_seconds for step in parsed] == [None, 3600, 300]
    assert [step.required for step in parsed] == [False] * 3
    assert (automation.parameters, function.payload) == ({}, {})


def test_c12_defaults_are_filled_in_and_what_is_given_is_kept_as_it_is() -> None:
    payload = {"a": None, "n": 1.5, "of": [{"deep": [True, None]}], "text": "{{mode}} of {{waveName}}"}
    parameters = {"Ids": ["{{sourceServerIds}}"], "Secret": ["{{ssm:/path/to}}", "x"]}
    listed = [
        {"automation": "Promote", "parameters": parameters, "required": True, "inDrill": "RUN", "timeoutSeconds": 1},
        {"function": "notify:live", "payload": payload, "required": False, "inDrill": "SKIP", "timeoutSeconds": 900},
    ]
    assert after(of_one(*listed)) == listed
    assert after(of_one({"function": "f"})) == [
        {"function": "f", "payload": {}, "required": False, "inDrill": "SKIP", "timeoutSeconds": 300}
    ]


@pytest.mark.parametrize(
    "name",
    [
        "AWS-RestartEC2Instance",
        "My_Runbook.v2",
        "arn:aws:ssm:us-east-1:123456789012:document/Promote",
        "arn:aws:ssm:eu-west-1:123456789012:automation-definition/Promote:3",
    ],
)
def test_c12_a_runbook_has_a_name_or_an_arn(name: str) -> None:
    assert after(of_one({"automation": name}))[0]["automation"] == name


@pytest.mark.parametrize("name", ["f", "notify:7", "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:f:l"])
def test_c12_a_function_has_a_name_or_an_arn(name: str) -> None:
    assert after(of_one({"function": name}))[0]["function"] == name


@pytest.mark.parametrize(
    ("step", "pointer", "message"),
    [
        ({}, "", "needs one of command, automation and function"),
        ({"args": []}, "", "needs one of command, automation and function"),
        ({"command": "status", "function": "f"}, "", "a step is of one kind, not command and function"),
        ({"function": "f", "automation": "Run"}, "", "a step is of one kind, not automation and function"),
        ("status", "", "must be an object, not 'status'"),
        (None, "", "must be an object, not null"),
        ({"function": "f", "args": []}, "/args", "unknown field 'args'"),
        ({"function": "f", "parameters": {}}, "/parameters", "unknown field 'parameters'"),
        ({"automation": "Run", "payload": {}}, "/payload", "unknown field 'payload'"),
        ({"command": "status", "payload": {}}, "/payload", "unknown field 'payload'"),
        ({"function": "f", "payload": []}, "/payload", "must be an object, not a list"),
        ({"function": "f", "payload": {"x": float("nan")}}, "/payload", "NaN is nothing that JSON can hold"),
        ({"function": "f", "timeoutSeconds": 901}, "/timeoutSeconds", "must be at most 900, not 901"),
        ({"function": "f", "timeoutSeconds": 0}, "/timeoutSeconds", "must be at least 1, not 0"),
        ({"automation": "Run", "timeoutSeconds": 172801}, "/timeoutSeconds", "must be at most 172800, not 172801"),
        ({"automation": "Run", "inDrill": "MAYBE"}, "/inDrill", "must be RUN or SKIP, not 'MAYBE'"),
        ({"automation": "Run", "required": 1}, "/required", "must be true or false, not 1"),
        ({"automation": "Run", "parameters": {"a": "x"}}, "/parameters/a", "must be a list, not 'x'"),
        (
            {"automation": "Run", "parameters": {"a": [5]}},
            "/parameters/a/0",
            "must be a string, not 5: write it in quotes",
        ),
        (
            {"automation": "Run", "parameters": {"a": ["x"] * 51}},
            "/parameters/a",
            "must have at most 50 items, not 51",
        ),
        (
            {"automation": "Run", "parameters": {"a~/b": ["{{nope}}"]}},
            "/parameters/a~0~1b/0",
            f"'{{{{nope}}}}' is no placeholder; there are {KNOWN} and what SSM fills in, {{{{ssm:NAME}}}}",
        ),
        (
            {"function": "f", "payload": {"a": [{"b": "{{ mode }}"}]}},
            "/payload/a/0/b",
            f"'{{{{ mode }}}}' is no placeholder; there are {KNOWN}, each without spaces",
        ),
        (
            {"function": "f", "payload": {"a": "all: {{sourceServerIds}}"}},
            "/payload/a",
            "{{sourceServerIds}} becomes a list: it must stand alone in its string",
        ),
    ],
)
def test_c12_a_step_is_refused(step: Any, pointer: str, message: str) -> None:
    assert problems(of_one({"command": "status"}, step)) == [(f"/waves/0/after/1{pointer}", message)]


def test_c12_eleven_steps_are_refused() -> None:
    assert problems(of_one(*[{"function": "f"}] * 11)) == [("/waves/0/after", "must have at most 10 items, not 11")]


@pytest.mark.parametrize(("servers", "fits"), [(50, True), (51, False)])
def test_c12_more_servers_than_a_parameter_has_values_refuse_the_plan(servers: int, fits: bool) -> None:
    step = {"automation": "Run", "parameters": {"Ids": ["{{recoveryInstanceIds}}"]}}
    documents = {
        "/waves/0/after": plan(large("a", servers, after=[step])),
        "/waves/1/before": plan(large("a", servers), wave("b", 600, before=[step])),
        "/waves/2/before": plan(
            large("a", servers - 1), wave("b", 600), wave("c", 601, dependsOn=["a", "b"], before=[step])
        ),
    }
    for pointer, document in documents.items():
        why = (f"{pointer}/0/parameters/Ids", "would have 51 values, and SSM takes 50 at most")
        assert found(document) == ([] if fits else [why])


def test_c12_what_a_selector_matches_is_not_known_before_the_step_starts() -> None:
    step = {"automation": "Run", "parameters": {"Ids": ["{{recoveryInstanceIds}}"]}}
    parse_plan(plan({"name": "a", "selector": {"tags": {"tier": "app"}}, "after": [step]}))


def test_c12_automations_and_functions_may_come_before_a_wave_that_depends_on_none() -> None:
    parse_plan(plan(wave("a", 1, before=[{"automation": "Run"}, {"function": "f"}])))
    mixed = plan(wave("a", 1, before=[{"function": "f"}, {"command": "status"}]))
    assert [pointer for pointer, _ in problems(mixed)] == ["/waves/0/before"]


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("notify", False),
        ("arn:aws:lambda:us-east-1:123456789012:function:notify", False),
        ("arn:aws:lambda:us-east-1:123456789012:function:notify:live", False),
        ("arn:aws:lambda:us-west-2:123456789012:function:notify", True),
        ("arn:aws:lambda:us-east-1:210987654321:function:notify", True),
    ],
)
def test_c12_a_function_of_another_account_or_region_is_found(name: str, refused: bool) -> None:
    waves = normalised(parse_plan(of_one({"function": name})))["waves"]
    elsewhere = list(functions_elsewhere(waves, OWN))
    assert [where for where, _ in elsewhere] == ([("waves", 0, "after", 0, "function")] if refused else [])
    assert list(functions_elsewhere(waves, Site())) == [], "an own place that is not known refuses nothing"


@pytest.mark.parametrize("junk", [5, "x", None, [[]], {"after": 3}, [{"function": 1}], [{"automation": {}}]])
def test_hostile_steps_are_problems_and_never_errors(junk: Any) -> None:
    document = plan({"name": "a", "servers": [server(1)], "before": junk, "after": junk})
    assert problems(document)
