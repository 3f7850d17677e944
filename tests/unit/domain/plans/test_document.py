"""A valid plan: its defaults, its limits from within, its normal form."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.support.plan_documents import plan, server, wave

from wavebreak.domain.plans.document import PlanDocument, canonical_json, normalised, parse_plan, resolved_dependencies
from wavebreak.domain.plans.graph import cycles
from wavebreak.domain.plans.model import Impact, OnFailure
from wavebreak.domain.plans.steps import CommandStep
from wavebreak.harmless_text import fault_of_name


def test_defaults_are_filled_in() -> None:
    parsed = parse_plan(plan(wave("database", 1)))
    assert (parsed.objectives.rto_minutes, parsed.objectives.rpo_minutes) == (60, 15)
    assert (parsed.description, parsed.notify_topic_arn) == (None, None)
    (first,) = parsed.waves
    assert first.servers is not None
    assert first.servers[0].impact is Impact.CRITICAL
    assert (first.selector, first.depends_on, first.region, first.account_id) == (None, None, None, None)
    assert (first.requires_approval, first.wait_before_seconds, first.timeout_minutes) == (False, 0, 60)
    assert first.on_failure is OnFailure.STOP
    assert (first.before, first.after, first.checks) == ((), (), ())


def test_defaults_of_commands_are_filled_in() -> None:
    parsed = parse_plan(plan(wave("a", 1, after=[{"command": "status"}])))
    (command,) = parsed.waves[0].after
    assert isinstance(command, CommandStep)
    assert (command.args, command.required, command.timeout_seconds) == ((), False, None)


def test_every_field_is_taken() -> None:
    check = {
        "name": "smoke",
        "type": "DOCUMENT",
        "command": "query",
        "args": ["x"],
        "factors": {"f_x": {"of": "x", "reducer": "mean"}},
    }
    full = {
        "name": "app",
        "selector": {"tags": {"tier": "app"}},
        "dependsOn": ["db"],
        "region": "us-west-2",
        "accountId": "012345678901",
        "requiresApproval": True,
        "waitBeforeSeconds": 5,
        "timeoutMinutes": 7,
        "onFailure": "ASK",
        "before": [{"command": "stop", "args": ["a"], "required": True, "inDrill": "SKIP", "timeoutSeconds": 9}],
        "after": [{"command": "start", "args": [], "required": False, "inDrill": "RUN"}],
        "checks": [check],
    }
    document = plan(
        wave("db", 1, dependsOn=[]) | {"servers": [server(1) | {"impact": "OPTIONAL"}]},
        full,
        description="text",
        objectives={"rtoMinutes": 1, "rpoMinutes": 2},
        notifyTopicArn="arn:aws-us-gov:sns:us-gov-west-1:123456789012:topic_1",
    )
    form = normalised(parse_plan(document))
    assert form["waves"][1] == full
    assert {key: form[key] for key in document if key != "waves"} == {
        key: value for key, value in document.items() if key != "waves"
    }


@pytest.mark.parametrize("kind", ["DOCUMENT", "STIPULATION", "APPLICATION"])
@pytest.mark.parametrize("reducer", ["mean", "sum", "min", "max", "count", "latest", "all", "any"])
def test_checks_take_every_processor_type_and_reducer(kind: str, reducer: str) -> None:
    check = {"name": "c", "type": kind, "command": "query", "factors": {"f_x": {"of": "x", "reducer": reducer}}}
    (parsed,) = parse_plan(plan(wave("a", 1, checks=[check]))).waves[0].checks
    assert (parsed.type, parsed.factors["f_x"].reducer) == (kind, reducer)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timeoutMinutes", 1),
        ("timeoutMinutes", 10080),
        ("waitBeforeSeconds", 0),
        ("waitBeforeSeconds", 86400),
        ("name", "a"),
        ("name", "A" * 64),
        ("name", "0 ._-"),
        ("onFailure", "CONTINUE"),
        ("servers", [server(number) for number in range(500)]),
        ("after", [{"command": "status"}] * 10),
        ("after", [{"command": "status", "args": ["x" * 256] * 20}]),
        ("after", [{"command": "status", "timeoutSeconds": 1}]),
        ("after", [{"command": "status", "timeoutSeconds": 172800}]),
        ("region", "ap-southeast-10"),
        ("region", "eusc-de-east-1"),
    ],
)
def test_a_wave_at_its_limits_is_accepted(field: str, value: object) -> None:
    parse_plan(plan(wave("a", 1) | {field: value}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("planId", "0"),
        ("planId", "a" * 63),
        ("planId", "a-"),
        ("name", "x"),
        ("name", "🔥" * 256),
        ("description", ""),
        ("description", "x" * 1024),
        ("notifyTopicArn", "arn:aws:sns:us-east-1:000000000000:t"),
        ("notifyTopicArn", "arn:aws:sns:us-east-1:000000000000:" + "t" * 256),
        ("objectives", {}),
        ("objectives", {"rtoMinutes": 1, "rpoMinutes": 525600}),
    ],
)
def test_a_plan_at_its_limits_is_accepted(field: str, value: object) -> None:
    parse_plan(plan(wave("a", 1)) | {field: value})


def test_eighty_waves_and_four_thousand_servers_are_accepted() -> None:
    waves = [
        {"name": f"w{number}", "servers": [server(number * 50 + one) for one in range(50)]} for number in range(80)
    ]
    assert len(parse_plan(plan(*waves)).waves) == 80


def test_dependencies_default_to_the_wave_listed_before() -> None:
    document = plan(wave("a", 1), wave("b", 2), wave("c", 3, dependsOn=[]), wave("d", 4, dependsOn=["c", "a", "c"]))
    assert resolved_dependencies(parse_plan(document)) == ((), (1,), (), (1, 3))


def test_dependencies_may_name_waves_listed_later() -> None:
    document = plan(wave("a", 1, dependsOn=["b"]), wave("b", 2, dependsOn=[]))
    assert resolved_dependencies(parse_plan(document)) == ((2,), ())


def test_commands_before_are_accepted_where_the_default_gives_a_dependency() -> None:
    parse_plan(plan(wave("a", 1), wave("b", 2, before=[{"command": "status"}])))


def test_one_server_in_two_regions_or_accounts_is_two_servers() -> None:
    parse_plan(
        plan(
            wave("a", 1, region="us-east-1"),
            wave("b", 1, region="us-west-2"),
            wave("c", 1, region="us-west-2", accountId="123456789012"),
        )
    )


def test_the_normal_form_is_that_of_the_meaning() -> None:
    implicit = plan(wave("a", 1), wave("b", 2))
    explicit = {
        "waves": [
            wave("a", 1, dependsOn=[], onFailure="STOP"),
            wave("b", 2, dependsOn=["a", "a"], timeoutMinutes=60, selector=None),
        ],
        "name": implicit["name"],
        "objectives": {"rpoMinutes": 15},
        "planId": implicit["planId"],
    }
    assert canonical_json(parse_plan(implicit)) == canonical_json(parse_plan(explicit))


def test_the_normal_form_differs_when_anything_does() -> None:
    documents = [
        plan(wave("a", 1), wave("b", 2)),
        plan(wave("b", 2), wave("a", 1)),
        plan(wave("a", 1), wave("b", 2, dependsOn=[])),
        plan(wave("a", 1), wave("b", 2), description=""),
        plan(wave("a", 1), wave("b", 2), objectives={"rtoMinutes": 61}),
    ]
    assert len({canonical_json(parse_plan(document)) for document in documents}) == len(documents)


def test_canonical_json_is_sorted_compact_and_unescaped() -> None:
    text = canonical_json(parse_plan(plan(wave("a", 1), name="Plan ☂")))
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert "☂" in text
    assert "null" not in text


def test_a_plan_cannot_be_changed() -> None:
    parsed = parse_plan(plan(wave("a", 1)))
    with pytest.raises(ValidationError, match="frozen"):
        parsed.name = "other"  # type: ignore[misc]  # what is tested
    with pytest.raises(ValidationError, match="frozen"):
        parsed.waves[0].name = "other"  # type: ignore[misc]  # likewise


def test_a_plan_that_was_parsed_is_accepted_again() -> None:
    parsed = parse_plan(plan(wave("a", 1)))
    assert PlanDocument.model_validate(parsed) is parsed


def test_the_schema_describes_fields_limits_and_commands() -> None:
    schema = PlanDocument.model_json_schema()
    assert schema["required"] == ["planId", "name", "waves"]
    assert schema["additionalProperties"] is False
    assert (schema["properties"]["waves"]["minItems"], schema["properties"]["waves"]["maxItems"]) == (1, 80)
    wave_schema = schema["$defs"]["Wave"]
    assert wave_schema["required"] == ["name"]
    assert wave_schema["additionalProperties"] is False
    assert wave_schema["oneOf"] == [{"required": ["servers"]}, {"required": ["selector"]}]
    assert all("description" in field for field in wave_schema["properties"].values())
    assert schema["$defs"]["CommandName"]["enum"][3] == "fix-config"
    tags = schema["$defs"]["Selector"]["properties"]["tags"]
    assert (tags["minProperties"], tags["maxProperties"]) == (1, 50)


def test_importing_the_plan_loads_no_aws_library_and_no_yaml() -> None:
    code = "import sys, wavebreak.domain.plans.document, wavebreak.domain.plans.text; print(sorted(sys.modules))"
    run = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    loaded = set(json.loads(run.stdout.replace("'", '"')))
    assert "wavebreak.domain.plans.document" in loaded
    assert not loaded & {"boto3", "botocore", "aws_lambda_powertools", "yaml", "httpx"}


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
readable = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=40)
names = readable.filter(lambda name: not name.isspace() and fault_of_name(name) is None)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Any valid plan whose waves depend on earlier ones."""
    waves: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 6))):
        item = wave(f"w{number}", number, timeoutMinutes=draw(st.integers(1, 10080)))
        if draw(st.booleans()):
            item["dependsOn"] = draw(st.lists(st.sampled_from([w["name"] for w in waves]))) if waves else []
        if draw(st.booleans()):
            del item["servers"]
            item["selector"] = {"tags": draw(st.dictionaries(texts, texts, min_size=1, max_size=3))}
        args = draw(st.lists(texts.filter(lambda text: "\0" not in text), max_size=3))
        item["after"] = [{"command": draw(st.sampled_from(["query", "stop"])), "args": args}]
        waves.append(item)
    return plan(*waves, name=draw(names), description=draw(names))


@given(documents())
def test_a_plan_parsed_from_its_normal_form_is_the_same(document: dict[str, Any]) -> None:
    parsed = parse_plan(document)
    again = parse_plan(json.loads(canonical_json(parsed)))
    assert canonical_json(again) == canonical_json(parsed)
    assert resolved_dependencies(again) == resolved_dependencies(parsed)
    assert parse_plan(parsed.model_dump(mode="json", by_alias=True, exclude_none=True)) == parsed
    assert cycles(dict(enumerate(resolved_dependencies(parsed), start=1))) == ()
