"""Fields that are refused: each by itself, with its place and the words for it."""

from typing import Any

import pytest
from tests.support.plan_documents import plan, problems, server, wave

SEVEN = "query, status, watch, fix-config, start, stop or uninstall"
CHECK = {"name": "c", "type": "DOCUMENT", "command": "query", "factors": {"f_x": {"of": "x", "reducer": "mean"}}}


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("root", "shown"),
    [
        (None, "null"),
        ([], "a list"),
        ((), "a list"),
        (5, "5"),
        (True, "true"),
        ("x", "'x'"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (b"{}", "a value of type bytes"),
    ],
)
def test_a_root_that_is_no_object_is_refused(root: object, shown: str) -> None:
    assert problems(root) == [("", f"must be an object, not {shown}")]


def test_missing_fields_are_named() -> None:
    assert problems({}) == [("/name", "is required"), ("/planId", "is required"), ("/waves", "is required")]
    assert problems(plan({"servers": [{}]})) == [
        ("/waves/0/servers/0/sourceServerId", "is required"),
        ("/waves/0/name", "is required"),
    ]


@pytest.mark.parametrize(
    ("fields", "pointer", "message"),
    [
        ({"planId": ""}, "/planId", "'' does not match ^[a-z0-9][a-z0-9-]{0,62}$"),
        ({"planId": "a" * 64}, "/planId", f"'{'a' * 60}'… does not match ^[a-z0-9][a-z0-9-]{{0,62}}$"),
        ({"planId": "-a"}, "/planId", "'-a' does not match ^[a-z0-9][a-z0-9-]{0,62}$"),
        ({"planId": "A"}, "/planId", "'A' does not match ^[a-z0-9][a-z0-9-]{0,62}$"),
        ({"planId": "a\n"}, "/planId", r"'a\n' does not match ^[a-z0-9][a-z0-9-]{0,62}$"),
        ({"planId": 5}, "/planId", "must be a string, not 5: write it in quotes"),
        ({"planId": "import"}, "/planId", "must not be 'import': /plans/import is a call of the API itself"),
        ({"planId": "diff"}, "/planId", "must not be 'diff': /plans/diff is a call of the API itself"),
        ({"name": ""}, "/name", "must have at least 1 character, not 0"),
        ({"name": "x" * 257}, "/name", "must have at most 256 characters, not 257"),
        ({"name": "x" * 10_000}, "/name", "must have at most 256 characters, not 10000"),
        ({"name": None}, "/name", "must be a string, not null"),
        ({"name": "\ud800"}, "/name", "must be valid Unicode"),
        ({"name": " \t\u3000"}, "/name", "must not be blank"),
        ({"name": "a\nb"}, "/name", "must be one line, without line breaks"),
        ({"description": "a\r\n"}, "/description", "must be one line, without line breaks"),
        ({"description": "a\u2028b"}, "/description", "must be one line, without line breaks"),
        (
            {"name": "a\u202eb\0"},
            "/name",
            "must not hold control, direction or hidden characters: U+202E (right-to-left override), U+0000",
        ),
        (
            {"description": "a\u200bb"},
            "/description",
            "must not hold control, direction or hidden characters: U+200B (zero width space)",
        ),
        ({"description": "x" * 1025}, "/description", "must have at most 1024 characters, not 1025"),
        ({"objectives": {"rtoMinutes": 0}}, "/objectives/rtoMinutes", "must be at least 1, not 0"),
        ({"objectives": {"rpoMinutes": 525601}}, "/objectives/rpoMinutes", "must be at most 525600, not 525601"),
        ({"objectives": {"rpoMinutes": "15"}}, "/objectives/rpoMinutes", "must be a whole number, not '15'"),
        ({"objectives": []}, "/objectives", "must be an object, not a list"),
        ({"objectives": {"rto": 1}}, "/objectives/rto", "unknown field 'rto'"),
        ({"waves": []}, "/waves", "must have at least 1 item, not 0"),
        ({"waves": {}}, "/waves", "must be a list, not an object"),
        ({"waves": "abc"}, "/waves", "must be a list, not 'abc'"),
        ({"waves": [[]]}, "/waves/0", "must be an object, not a list"),
        ({"waves": None}, "/waves", "must be a list, not null"),
        ({"a/b~c": 1}, "/a~1b~0c", "unknown field 'a/b~c'"),
        (
            {"region\xa0": 1},
            "/region\xa0",
            r"unknown field 'region\xa0' (\xa0 is a no-break space, which looks like a blank)",
        ),
        ({"plan_id": "x"}, "/plan_id", "unknown field 'plan_id'"),
        ({"[key]": 1}, "/[key]", "unknown field '[key]'"),
        ({5: 1}, "/5", "names of fields must be strings, not 5"),
    ],
)
def test_a_field_of_the_plan_is_refused(fields: dict[Any, Any], pointer: str, message: str) -> None:
    assert problems(plan(wave("a", 1)) | fields) == [(pointer, message)]


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "topic",
        "arn:aws:sqs:us-east-1:123456789012:t",
        "arn:aws:sns:us-east-1:12345678901:t",
        "arn:aws:sns:us-east-1:123456789012:",
        "arn:aws:sns:us-east-1:123456789012:t:6f0b9c4e",
        "arn:aws:sns:us-east-1:123456789012:t\n",
        "arn:aws:sns:us-east-1:123456789012:" + "t" * 257,
    ],
)
def test_a_topic_that_is_no_sns_topic_is_refused(arn: str) -> None:
    ((pointer, message),) = problems(plan(wave("a", 1), notifyTopicArn=arn))
    assert pointer == "/notifyTopicArn"
    assert "does not match ^arn:aws" in message


@pytest.mark.parametrize(
    ("fields", "pointer", "message"),
    [
        ({"name": ""}, "name", "'' does not match ^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$"),
        ({"name": " a"}, "name", "' a' does not match ^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$"),
        ({"name": "é🔥"}, "name", "'é🔥' does not match ^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$"),
        ({"name": "a\x1b[2J\u202e"}, "name", r"'a\x1b[2J\u202e' does not match ^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$"),
        ({"name": "a" * 65}, "name", f"'{'a' * 60}'… does not match ^[A-Za-z0-9][A-Za-z0-9 ._-]{{0,63}}$"),
        ({"timeoutMinutes": 0}, "timeoutMinutes", "must be at least 1, not 0"),
        ({"timeoutMinutes": 10081}, "timeoutMinutes", "must be at most 10080, not 10081"),
        ({"timeoutMinutes": True}, "timeoutMinutes", "must be a whole number, not true"),
        ({"timeoutMinutes": 60.0}, "timeoutMinutes", "must be a whole number, not 60.0"),
        ({"timeoutMinutes": float("nan")}, "timeoutMinutes", "must be a whole number, not NaN"),
        ({"timeoutMinutes": float("-inf")}, "timeoutMinutes", "must be a whole number, not -Infinity"),
        ({"timeoutMinutes": 2**70}, "timeoutMinutes", "must be at most 10080, not a number of more than 64 bits"),
        ({"waitBeforeSeconds": -1}, "waitBeforeSeconds", "must be at least 0, not -1"),
        ({"waitBeforeSeconds": 86401}, "waitBeforeSeconds", "must be at most 86400, not 86401"),
        ({"requiresApproval": 1}, "requiresApproval", "must be true or false, not 1"),
        ({"requiresApproval": "yes"}, "requiresApproval", "must be true or false, not 'yes'"),
        ({"onFailure": "stop"}, "onFailure", "must be STOP, CONTINUE or ASK, not 'stop'"),
        ({"region": "Oregon"}, "region", "'Oregon' does not match ^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$"),
        ({"accountId": "12345678901"}, "accountId", "'12345678901' does not match ^[0-9]{12}$"),
        ({"accountId": 123456789012}, "accountId", "must be a string, not 123456789012: write it in quotes"),
        ({"servers": []}, "servers", "must have at least 1 item, not 0"),
        ({"servers": [server(n) for n in range(501)]}, "servers", "must have at most 500 items, not 501"),
        ({"servers": ["s-1"]}, "servers/0", "must be an object, not 's-1'"),
        ({"servers": nested(50_000)}, "servers/0", "must be an object, not a list"),
        (
            {"servers": [{"sourceServerId": "s-1111111111111111"}]},
            "servers/0/sourceServerId",
            "'s-1111111111111111' does not match ^s-[0-9a-zA-Z]{17}$",
        ),
        (
            {"servers": [server(1) | {"impact": "optional"}]},
            "servers/0/impact",
            "must be CRITICAL or OPTIONAL, not 'optional'",
        ),
        ({"dependsOn": "db"}, "dependsOn", "must be a list, not 'db'"),
        ({"dependsOn": None}, "dependsOn", "must be a list, not null: [] for a wave that waits for none"),
        ({"dependsOn": [5]}, "dependsOn/0", "must be a string, not 5: write it in quotes"),
        (
            {
                "checks": [
                    {**CHECK, "name": f"c{n}", "factors": {f"f_{n}": {"of": "x", "reducer": "max"}}} for n in range(11)
                ]
            },
            "checks",
            "must have at most 10 items, not 11",
        ),
        ({"unknown": 1}, "unknown", "unknown field 'unknown'"),
    ],
)
def test_a_field_of_a_wave_is_refused(fields: dict[str, Any], pointer: str, message: str) -> None:
    assert problems(plan(wave("a", 1) | fields)) == [(f"/waves/0/{pointer}", message)]


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize(
    ("commands", "pointer", "message"),
    [
        ([{"command": "reboot"}], "/0/command", f"must be {SEVEN}, not 'reboot'"),
        ([{"command": "Status"}], "/0/command", f"must be {SEVEN}, not 'Status'"),
        ([{"command": ["status"]}], "/0/command", f"must be {SEVEN}, not a list"),
        ([{}], "/0", "needs one of command, automation and function"),
        ([{"command": "status"}] * 11, "", "must have at most 10 items, not 11"),
        ([{"command": "status", "args": ["x"] * 21}], "/0/args", "must have at most 20 items, not 21"),
        ([{"command": "status", "args": ["x" * 257]}], "/0/args/0", "must have at most 256 characters, not 257"),
        ([{"command": "status", "args": [5]}], "/0/args/0", "must be a string, not 5: write it in quotes"),
        ([{"command": "status", "required": 0}], "/0/required", "must be true or false, not 0"),
        ([{"command": "status", "timeoutSeconds": 0}], "/0/timeoutSeconds", "must be at least 1, not 0"),
        ([{"command": "status", "timeoutSeconds": 172801}], "/0/timeoutSeconds", "must be at most 172800, not 172801"),
        ([{"command": "status", "timeout": 1}], "/0/timeout", "unknown field 'timeout'"),
    ],
)
def test_a_command_is_refused(where: str, commands: object, pointer: str, message: str) -> None:
    document = plan(wave("a", 1), wave("b", 2, **{where: commands}))
    assert problems(document) == [(f"/waves/1/{where}{pointer}", message)]


@pytest.mark.parametrize(
    ("fields", "pointer", "message"),
    [
        ({"type": "WAVE"}, "type", "must be DOCUMENT, STIPULATION or APPLICATION, not 'WAVE'"),
        ({"command": "df"}, "command", f"must be {SEVEN}, not 'df'"),
        ({"name": "a#b"}, "name", "'a#b' does not match ^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$"),
        ({"factors": {}}, "factors", "must have at least 1 item, not 0"),
        ({"factors": {"x": {"of": "x", "reducer": "mean"}}}, "factors/x", "'x' does not match ^f_[A-Za-z0-9_]{1,62}$"),
        ({"factors": {"f_x": {"reducer": "mean"}}}, "factors/f_x/of", "is required"),
        ({"factors": {"f_x": {"of": "", "reducer": "sum"}}}, "factors/f_x/of", "must have at least 1 character, not 0"),
        (
            {"factors": {"f_x": {"of": "x", "reducer": "avg"}}},
            "factors/f_x/reducer",
            "must be mean, sum, min, max, count, latest, all or any, not 'avg'",
        ),
    ],
)
def test_a_check_is_refused(fields: dict[str, Any], pointer: str, message: str) -> None:
    assert problems(plan(wave("a", 1, checks=[CHECK | fields]))) == [(f"/waves/0/checks/0/{pointer}", message)]


@pytest.mark.parametrize(
    ("selector", "pointer", "message"),
    [
        ({}, "/tags", "is required"),
        ({"tags": {}}, "/tags", "must have at least 1 item, not 0"),
        ({"tags": {str(number): "x" for number in range(51)}}, "/tags", "must have at most 50 items, not 51"),
        ({"tags": {"": "x"}}, "/tags/", "must have at least 1 character, not 0"),
        ({"tags": {"k": "x" * 257}}, "/tags/k", "must have at most 256 characters, not 257"),
        ({"tags": {"[key]": 5}}, "/tags/[key]", "must be a string, not 5: write it in quotes"),
        ({"ids": []}, "/ids", "unknown field 'ids'"),
    ],
)
def test_a_selector_is_refused(selector: dict[str, Any], pointer: str, message: str) -> None:
    found = problems(plan({"name": "a", "selector": selector}))
    assert (f"/waves/0/selector{pointer}", message) in found
