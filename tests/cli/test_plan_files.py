"""Plan files as people have them: odd encodings, slips of the hand, many at once, and what is stored already."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # no stubs in use
from tests.cli.conftest import Terminal
from tests.cli.fake_api import FakeApi, problem

from wavebreak.domain.plans.document import normalised, parse_plan
from wavebreak_cli import plan_words
from wavebreak_cli.plan_schema import REFERENCE, TARGET, reference, schema, text

ROOT = Path(__file__).parents[2]
GOOD = """\
planId: shop
name: Shop
waves:
  - name: database
    servers: [{sourceServerId: s-11111111111111111}]
  - name: web
    servers: [{sourceServerId: s-22222222222222222, impact: OPTIONAL}]
"""


@pytest.fixture
def here(wavebreak: Terminal, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in an empty directory, on a wide terminal."""
    monkeypatch.chdir(wavebreak.directory)
    wavebreak.width = 400
    return wavebreak.directory


def stored(**changes: Any) -> dict[str, Any]:
    return {"plan": {**yaml.safe_load(GOOD), **changes}, "version": 3}


@pytest.mark.parametrize(
    ("content", "output"),
    [
        (GOOD.encode("utf-16"), "shop.yaml: the file is UTF-16: save it as UTF-8"),
        (GOOD.encode("utf-16-le"), "shop.yaml: the file is UTF-16: save it as UTF-8"),
        (GOOD.encode("utf-32"), "shop.yaml: the file is UTF-32: save it as UTF-8"),
        (GOOD.encode("utf-32-be"), "shop.yaml: the file is UTF-32: save it as UTF-8"),
        (GOOD.replace("name: web", "name: w\0eb").encode(), "shop.yaml:6: a control character (0x00) stands here"),
        (
            GOOD.replace("Shop", "Läden").encode("latin-1"),
            "shop.yaml:2: this is not UTF-8 (in Latin-1 it would be 'ä')",
        ),
        (b"planId: a\nwaves:\n\t- name: x\n", "shop.yaml:3: a tab indents here: use blanks"),
        ("planId: a\nwaves:\n\N{NO-BREAK SPACE}- name: x\n".encode(), "shop.yaml:3: a no-break space stands here"),
        ("planId:\N{NO-BREAK SPACE}a\nname: b\n".encode(), "shop.yaml:1: a no-break space stands here"),
        (b"planId: a\nname: b\n---\nplanId: c\n", "shop.yaml:3: a second document begins here: one plan a file"),
        (b"", "shop.yaml: the file is empty"),
        (b"\n  \n", "shop.yaml: the file is empty"),
        (b"# later\n", "shop.yaml: the file holds nothing but comments"),
        (bytes(range(256)) * 4, "shop.yaml: the file is no text"),
        (b'planId: a\nname: "b\nwaves:\n- name: x\n', "shop.yaml:2: a quotation mark opens here and is never closed"),
    ],
)
def test_t34_what_is_no_plan_is_told_in_words_with_its_line(
    wavebreak: Terminal, here: Path, content: bytes, output: str
) -> None:
    (here / "shop.yaml").write_bytes(content)
    outcome = wavebreak("plan", "validate", "shop.yaml")
    assert outcome.exit_code == 3
    output = output if ":" in output.split(" ", maxsplit=1)[0][:-1] else "  " + output.removeprefix("shop.yaml: ")
    assert [line for line in outcome.err.splitlines() if line.startswith(output)], outcome.err
    assert "codec" not in outcome.err
    assert "Errno" not in outcome.err


@pytest.mark.parametrize(
    ("content", "output"),
    [
        ("planId: shop\nname: Shop: the second\n", "shop.yaml:2: a colon stands inside a value"),
        ("planId: shop\nwaves:\n  - name: a\n   servers: []\n", "is indented otherwise than"),
        ("planId: shop\nwaves: [{name: a}\nname: x\n", "a bracket or a comma is missing before this"),
        ('{"planId": "shop" "name": "x"}', "shop.yaml:1: a comma is missing before this"),
        ('{"planId": "shop", "waves": [}', "shop.yaml:1: a value is missing or misspelt here"),
    ],
)
def test_what_a_parser_stumbles_over_is_told_in_words(
    wavebreak: Terminal, here: Path, content: str, output: str
) -> None:
    (here / "shop.yaml").write_text(content)
    outcome = wavebreak("plan", "validate", "shop.yaml")
    assert outcome.exit_code == 3
    assert output in outcome.err
    for foreign in ("xpect", "mapping", "block", "delimiter"):
        assert foreign not in outcome.err


def test_what_is_no_file_is_told_in_words(wavebreak: Terminal, here: Path) -> None:
    (here / "plans").mkdir()
    assert "plans is a directory: name the files in it, plans/*.yaml" in wavebreak("plan", "validate", "plans").err
    assert "there is no file gone.yaml" in wavebreak("plan", "apply", "gone.yaml").err


@pytest.mark.parametrize(
    ("old", "new", "output"),
    [
        ("name: Shop", "name: S\nobjective: {}", "3: /objective: unknown field 'objective'; did you mean objectives"),
        ("OPTIONAL", "optionl", "did you mean OPTIONAL?"),
        ("- name: web", "- name: web\n    dependsOn: [databse]", "no wave is named 'databse'; did you mean database?"),
        ("name: web", "name: Größe", "must be ASCII letters, digits, blanks and . _ -"),
        ("- name: web", "- name: web\n    dependsOn:", "dependsOn: must be a list, not null: [] for a wave that waits"),
        ("- name: web", "- name: web\n    accountId: 123456789012", "a string, not 123456789012: write it in quotes"),
        ("name: web", "name: w\N{NO-BREAK SPACE}b", "is a no-break space, which looks like a blank"),
        ("s-11111111111111111", "s-1", "must be a source server's id: s- and 17 letters or digits, not 's-1'"),
    ],
)  # fmt: skip
def test_t35_slips_are_told_with_what_was_meant(
    wavebreak: Terminal, here: Path, old: str, new: str, output: str
) -> None:
    (here / "shop.yaml").write_text(GOOD.replace(old, new))
    assert output in wavebreak("plan", "validate", "shop.yaml").err


def test_f29_many_files_are_judged_at_once_and_as_annotations_of_a_pull_request(
    wavebreak: Terminal, here: Path
) -> None:
    (here / "a.yaml").write_text(GOOD)
    (here / "b.yaml").write_text(GOOD.replace("name: Shop", "name: 5"))
    outcome = wavebreak("plan", "validate", "a.yaml", "b.yaml")
    assert (outcome.exit_code, outcome.out) == (3, "✓ a.yaml is a valid plan\n")
    assert "b.yaml:2: /name: must be a string" in outcome.err
    annotated = wavebreak("plan", "validate", "a.yaml", "b.yaml", "--format", "github")
    assert annotated.exit_code == 3
    assert annotated.out.startswith("::error file=b.yaml,line=2,title=Invalid plan::/name: must be a string, not 5")
    assert len(annotated.out.splitlines()) == 1
    output = json.loads(wavebreak("plan", "validate", "a.yaml", "b.yaml", "--json").out)
    assert [(item["file"], item["valid"]) for item in output["items"]] == [("a.yaml", True), ("b.yaml", False)]


def test_f29_each_of_many_files_has_a_verdict_whatever_the_others_are(wavebreak: Terminal, here: Path) -> None:
    (here / "a.yaml").write_text(GOOD)
    (here / "typo.yaml").write_text(GOOD.replace("OPTIONAL", "optionl"))
    (here / "utf16.yaml").write_bytes(GOOD.encode("utf-16"))
    (here / "dir").mkdir()
    files = ("missing.yaml", "dir", "utf16.yaml", "typo.yaml", "a.yaml")
    outcome = wavebreak("plan", "validate", *files)
    assert (outcome.exit_code, outcome.out) == (3, "✓ a.yaml is a valid plan\n")
    for output in ("no file missing.yaml", "dir is a directory", "the file is UTF-16", "did you mean OPTIONAL?"):
        assert output in outcome.err
    annotated = wavebreak("plan", "validate", *files, "--format", "github").out.splitlines()
    assert [line.partition(",")[0] for line in annotated] == [f"::error file={file}" for file in files[:4]]


@pytest.mark.parametrize("bad", [GOOD.replace("OPTIONAL", "optionl").replace("planId: shop", "planId: other"), None])
def test_f29_no_plan_is_stored_unless_all_files_are_valid(
    api: FakeApi, wavebreak: Terminal, here: Path, bad: str | None
) -> None:
    (here / "a.yaml").write_text(GOOD)
    if bad is not None:
        (here / "b.yaml").write_text(bad)
    outcome = wavebreak("plan", "apply", "a.yaml", "b.yaml", "c.yaml")
    assert (outcome.exit_code, outcome.out) == (3, "")
    assert "there is no file c.yaml" in outcome.err
    assert ("did you mean OPTIONAL?" if bad else "there is no file b.yaml") in outcome.err
    assert "2 of 3 files are no valid plans; nothing was stored" in outcome.err
    assert api.requests == []


def test_slips_that_the_api_finds_are_told_with_what_was_meant(api: FakeApi, wavebreak: Terminal, here: Path) -> None:
    (here / "shop.yaml").write_text(GOOD)
    errors = [{"pointer": "/objective", "message": "unknown field 'objective'"}]
    api.answers["PUT", "/plans/shop"] = (400, problem(400, "VALIDATION_FAILED", "Invalid", "1 error", errors=errors))
    assert "unknown field 'objective'; did you mean objectives?" in wavebreak("plan", "apply", "shop.yaml").err


def test_f18_a_plan_that_is_stored_already_is_unchanged_and_not_stored_again(
    api: FakeApi, wavebreak: Terminal, here: Path
) -> None:
    (here / "shop.yaml").write_text(GOOD)
    api.answers["GET", "/plans/shop"] = (200, stored())
    outcome = wavebreak("plan", "apply", "shop.yaml")
    assert (outcome.exit_code, outcome.out) == (0, "✓ shop unchanged, version 3\n")
    assert [request.method for request in api.requests] == ["GET"]
    api.answers["GET", "/plans/shop"] = (200, stored(name="Older"))
    api.answers["PUT", "/plans/shop"] = (200, {**stored(), "version": 4})
    assert wavebreak("plan", "apply", "shop.yaml").out == "✓ shop stored as version 4\n"
    api.answers["GET", "/plans/shop"] = (403, problem(403, "FORBIDDEN", "Forbidden", "no right"))
    assert wavebreak("plan", "apply", "shop.yaml").exit_code == 0, "who may write may have no right to read"


@pytest.mark.parametrize(
    ("bad", "output"), [("name: x\n", "/planId: is required"), ("planId: ..\n", "/planId: must be an id")]
)
def test_f18_none_of_several_plans_is_stored_if_one_names_no_plan(
    api: FakeApi, wavebreak: Terminal, here: Path, bad: str, output: str
) -> None:
    (here / "a.yaml").write_text(GOOD)
    (here / "b.yaml").write_text(bad)
    api.answers["PUT", "/plans/shop"] = (201, {**stored(), "version": 1})
    outcome = wavebreak("plan", "apply", "a.yaml", "b.yaml")
    assert (outcome.exit_code, outcome.out) == (3, "")
    assert output in outcome.err
    assert not api.requests


def test_f18_a_diff_tells_what_apply_would_change(api: FakeApi, wavebreak: Terminal, here: Path) -> None:
    (here / "shop.yaml").write_text(GOOD)
    assert wavebreak("plan", "diff", "shop.yaml").out == "+ shop is not stored yet: all of it is new\n"
    api.answers["GET", "/plans/shop"] = (200, stored(name="Older"))
    outcome = wavebreak("plan", "diff", "shop.yaml")
    assert outcome.exit_code == 1
    assert outcome.out.splitlines() == ["shop would be version 4", '~ /name: "Older" -> "Shop"']
    output = wavebreak("plan", "diff", "shop.yaml", "--json")
    assert json.loads(output.out) == {"changes": [{"pointer": "/name", "from": "Older", "to": "Shop"}]}
    api.answers["GET", "/plans/shop"] = (200, stored())
    outcome = wavebreak("plan", "diff", "shop.yaml")
    assert (outcome.exit_code, outcome.out) == (0, "✓ shop is as stored, version 3\n")
    assert {request.method for request in api.requests} == {"GET"}


def test_b7_validate_live_judges_no_other_document_than_the_file(api: FakeApi, wavebreak: Terminal, here: Path) -> None:
    (here / "shop.yaml").write_text(GOOD)
    live = ("plan", "validate", "shop.yaml", "--live")
    assert "there is no stored plan shop" in wavebreak(*live).err
    api.answers["GET", "/plans/shop"] = (200, stored(name="Older"))
    outcome = wavebreak(*live)
    assert outcome.exit_code == 3
    assert "shop.yaml differs from stored version 3 in /name" in outcome.err
    assert {request.method for request in api.requests} == {"GET"}
    api.answers["GET", "/plans/shop"] = (200, stored())
    api.answers["POST", "/plans/shop/validate"] = (200, {"ready": True, "checks": []})
    assert wavebreak(*live).exit_code == 0
    (here / "shop").mkdir()
    assert wavebreak("plan", "validate", "shop", "--live").exit_code == 0, "a directory of its name hides no plan"


def test_f17_a_plan_is_shown_whole_and_as_yaml_that_can_be_applied(
    api: FakeApi, wavebreak: Terminal, here: Path
) -> None:
    content = yaml.safe_load(GOOD)
    content["waves"][1] |= {"region": "us-west-2", "waitBeforeSeconds": 90, "accountId": "012345678901"}
    api.answers["GET", "/plans/shop"] = (200, {"plan": content, "version": 3})
    name = {"sourceServerId": "s-22222222222222222", "name": "web-1"}
    run = {"executionId": "drill-1", "waves": [{"servers": [name]}]}
    api.listed["/executions"] = [{"executionId": "drill-1"}]
    api.readings["drill-1"] = [run]
    shown = wavebreak("plan", "show", "shop").out
    assert "2  web: times out after 1h 00m, waits 1m 30s before it starts, region us-west-2" in shown
    assert "   s-22222222222222222  web-1  optional" in shown
    assert _approvals(shown) == ["no", "no"]
    written = wavebreak("plan", "show", "shop", "-o", "yaml").out
    assert yaml.safe_load(written) == content
    assert written.startswith("planId: shop\nname: Shop\nwaves:\n- name: database\n")
    (here / "shop.yaml").write_text(written)
    assert wavebreak("plan", "apply", "shop.yaml").out == "✓ shop unchanged, version 3\n"


def _approvals(shown: str) -> list[str]:
    """Give the last column of the table of waves."""
    rows = shown.split("Approval", 1)[1].split("\n\n", maxsplit=1)[0].splitlines()
    return [row.split()[-1] for row in rows if row[:1].isdecimal()]


STEPS = {
    "requiresApproval": True,
    "before": [{"command": "stop", "args": ["--gently", "now"], "required": True}],
    "after": [{"command": "start"}, {"command": "status", "timeoutSeconds": 9}],
    "checks": [
        {
            "name": "smoke-test",
            "type": "DOCUMENT",
            "command": "query",
            "args": ["orders"],
            "factors": {"f_latency": {"of": "latency_ms", "reducer": "max"}},
        }
    ],
}


@pytest.mark.usefixtures("here")
def test_f17_a_plan_is_shown_with_every_list_of_its_steps(api: FakeApi, wavebreak: Terminal) -> None:
    content = yaml.safe_load(GOOD)
    content["waves"][1] |= STEPS
    parse_plan(content)  # what is shown is what a plan can have
    api.answers["GET", "/plans/shop"] = (200, {"plan": content, "version": 3})
    shown = wavebreak("plan", "show", "shop").out
    assert [line for line in shown.splitlines() if line.startswith(("   before", "   after", "   check"))] == [
        "   before: stop --gently now (required)",
        "   after: start",
        "   after: status (times out after 9s)",
        "   check smoke-test: query orders",
    ]
    assert _approvals(shown) == ["no", "yes"]


@pytest.mark.usefixtures("here")
def test_c12_a_plan_is_shown_with_the_kinds_of_its_steps_and_what_is_not_usual(
    api: FakeApi, wavebreak: Terminal
) -> None:
    content = yaml.safe_load(GOOD)
    content["waves"][1]["before"] = [
        {"automation": "Promote", "required": True},
        {"function": "notify", "inDrill": "RUN"},
        {"command": "stop", "inDrill": "SKIP", "required": True},
    ]
    api.answers["GET", "/plans/shop"] = (200, {"plan": normalised(parse_plan(content)), "version": 3})
    shown = wavebreak("plan", "show", "shop").out
    assert [line for line in shown.splitlines() if line.startswith("   before")] == [
        "   before: automation Promote (required, times out after 1h 00m)",
        "   before: function notify (in drills, too, times out after 5m 00s)",
        "   before: stop (required, not in drills)",
    ]


def test_f3_the_next_steps_of_a_new_plan_name_the_file_that_was_written(wavebreak: Terminal, here: Path) -> None:
    (here / "my plans").mkdir()
    assert "  wavebreak plan validate shop.yaml\n" in wavebreak("plan", "new", "shop").out
    output = wavebreak("plan", "new", "shop", "--file", "my plans/shop.yaml").out
    assert "✓ my plans/shop.yaml written" in output
    step = next(line for line in output.splitlines() if line.startswith("  wavebreak plan validate"))
    assert wavebreak(*shlex.split(step)[1:]).exit_code == 0


@pytest.mark.usefixtures("here")
def test_f3_a_new_plan_is_valid_and_overwrites_nothing(wavebreak: Terminal) -> None:
    assert wavebreak("plan", "new", "shop").exit_code == 0
    assert wavebreak("plan", "validate", "shop.yaml").exit_code == 0
    assert wavebreak("plan", "new", "shop").exit_code == 3
    assert yaml.safe_load(wavebreak("plan", "new", "other", "--file", "-").out)["planId"] == "other"
    assert "is no plan id" in wavebreak("plan", "new", "Shop").err


def _patterns(part: object) -> set[str]:
    """Collect the patterns of a schema."""
    if isinstance(part, list):
        return set().union(*map(_patterns, part))
    if not isinstance(part, dict):
        return set()
    own = {part["pattern"]} if isinstance(part.get("pattern"), str) else set()
    own |= set(part.get("patternProperties", ()))
    return own.union(*map(_patterns, part.values()))


def test_what_is_said_in_words_are_patterns_of_the_model() -> None:
    assert set(plan_words._PATTERNS) <= _patterns(schema())


def test_f3_the_published_schema_is_the_models_own(wavebreak: Terminal) -> None:
    assert TARGET.read_text(encoding="utf-8") == text(), "python -m wavebreak_cli.plan_schema"
    assert json.loads(wavebreak("plan", "schema").out) == schema()


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_f3_examples_name_the_schema_and_are_as_it_says(example: Path) -> None:
    import jsonschema  # type: ignore[import-untyped]  # noqa: PLC0415  the package ships no types

    written = example.read_text(encoding="utf-8")
    assert written.startswith("# yaml-language-server: $schema=../docs/plan.schema.json\n")
    jsonschema.Draft202012Validator(schema()).validate(yaml.safe_load(written))
    parse_plan(yaml.safe_load(written))


def test_f3_the_reference_has_every_field_as_the_model_has_it() -> None:
    page = REFERENCE.read_text(encoding="utf-8")
    assert page == reference(page), "python -m wavebreak_cli.plan_schema"
    parts = [schema(), *schema()["$defs"].values()]
    fields = {name for part in parts for name in part.get("properties", {})}
    assert {name for name in fields if f"`{name}`" not in page} == set()
