"""Plans as people write them: YAML or JSON, and nothing that could mean something else."""

import json
from pathlib import Path

import pytest

from wavebreak.domain.plans.document import parse_plan, resolved_dependencies
from wavebreak.domain.plans.text import MAX_TEXT_BYTES, load_plan_text
from wavebreak.json_pointers import MAX_DEPTH, PlanInvalidError

EXAMPLES = Path(__file__).parents[4] / "examples"


def problems(text: str) -> list[tuple[str, str]]:
    with pytest.raises(PlanInvalidError) as caught:
        load_plan_text(text)
    return [(problem.pointer, problem.message) for problem in caught.value.problems]


def test_yaml_and_json_are_read_alike() -> None:
    value = {"planId": "a", "waves": [{"name": "w", "on": True, "n": -5, "f": 1.5, "e": None, "s": "é🔥"}], "o": {}}
    yaml = "planId: a\nwaves:\n  - {name: w, 'on': yes, n: -5, f: 1.5, e: ~, s: é🔥}\no: {}\n"
    assert load_plan_text(yaml) == value
    assert load_plan_text(json.dumps(value)) == value
    assert load_plan_text("\ufeff" + json.dumps(value, indent="\t")) == value


@pytest.mark.parametrize(("text", "value"), [("", None), ("# nothing", None), ("5", 5), ("- a\n- b", ["a", "b"])])
def test_any_root_is_read_for_the_plan_to_judge(text: str, value: object) -> None:
    assert load_plan_text(text) == value


@pytest.mark.parametrize("text", ["a: 1\nb: {c: 1, c: 2}\na: 2\n", '{"a": 1, "b": {"c": 1, "c": 2}, "a": 2}'])
def test_every_name_given_twice_is_refused(text: str) -> None:
    assert problems(text) == [("/b/c", "is given twice"), ("/a", "is given twice")]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("2026-01-01", "write '2026-01-01' in quotes: it would be read as a timestamp"),
        ("2026-01-01 10:00:00", "write '2026-01-01 10:00:00' in quotes: it would be read as a timestamp"),
        ("010", "write '010' in quotes, or as a plain decimal number of at most 18 digits"),
        ("0x1f", "write '0x1f' in quotes, or as a plain decimal number of at most 18 digits"),
        ("1_000", "write '1_000' in quotes, or as a plain decimal number of at most 18 digits"),
        ("1:30", "write '1:30' in quotes, or as a plain decimal number of at most 18 digits"),
        ("1" * 19, f"write '{'1' * 19}' in quotes, or as a plain decimal number of at most 18 digits"),
        (".nan", "'.nan' is no number; write it in quotes if it is text"),
        (".inf", "'.inf' is no number; write it in quotes if it is text"),
        ("!!binary aGk=", "write 'aGk=' in quotes: it would be read as a binary"),
        ("!!set {a}", "values of type 'tag:yaml.org,2002:set' are not allowed"),
        ("!!python/object/apply:os.system [id]", "not allowed"),
        ("!mine x", "it would be read as a !mine"),
        ("!!int abc", "write 'abc' in quotes, or as a plain decimal number of at most 18 digits"),
        ("!!float abc", "'abc' is no number; write it in quotes if it is text"),
        ("!!bool maybe", "write 'maybe' in quotes: it would be read as a bool"),
        ("!!null nothing", "write 'nothing' in quotes: it would be read as a null"),
    ],
)
def test_odd_values_are_refused_with_their_place(written: str, message: str) -> None:
    ((pointer, found),) = problems(f"waves:\n  - x/y: {written}\n")
    assert pointer == "/waves/0/x~1y"
    assert message in found


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_none_are_refused_in_json(name: str) -> None:
    assert problems(f'{{"a": [{name}]}}') == [("/a/0", f"{name} is no number")]


def test_huge_numbers_are_refused_in_json() -> None:
    ((pointer, message),) = problems('{"a": ' + "9" * 10_000 + "}")
    assert pointer == "/a"
    assert len(message) < 150


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {5: x}", "names must be strings, not 5"),
        ("a: {yes: x}", "names must be strings, not true"),
        ("a: {[b]: x}", "names must be strings, not a list"),
        ("a: {? {b: c} : x}", "names must be strings, not an object"),
        ("a: {<<: {b: 1}}", "write '<<' in quotes: it would be read as a merge"),
        ("a: {2026-01-01: x}", "write '2026-01-01' in quotes: it would be read as a timestamp"),
    ],
)
def test_names_that_are_no_strings_are_refused(text: str, message: str) -> None:
    assert problems(text) == [("/a", message)]


def test_several_odd_values_are_refused_together() -> None:
    assert [pointer for pointer, _ in problems("a: 010\nb: [2026-01-01]\na: 1")] == ["/a", "/b/0", "/a"]


def test_aliases_are_refused_before_they_expand() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    assert problems(bomb) == [("", "line 2: aliases are not allowed, write '*a0' out")]
    assert problems("a: &a [*a]") == [("", "line 1: aliases are not allowed, write '*a' out")]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 33 + "}" * 33, "- " * 33 + "a", "[" * 500 + "]" * 500])
def test_deep_nesting_is_refused(text: str) -> None:
    ((_, message),) = problems(text)
    assert message.endswith(f"more than {MAX_DEPTH} lists and objects inside one another")


def test_nesting_up_to_the_limit_is_read() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert json.dumps(load_plan_text(text)) == text
    assert json.dumps(load_plan_text("# yaml\n" + text)) == text


def test_text_too_large_is_refused() -> None:
    text = "# " + "é" * ((MAX_TEXT_BYTES - 2) // 2)
    assert load_plan_text(text) is None
    assert problems(text + "x") == [("", "the text is larger than 1024 KB")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b: c", "line 1, column 5: mapping values are not allowed in this context"),
        ("a: [1,\nb: ]]", "line 2, column"),
        ('{"a": 1,\n "b" 2}', "line 2, column 6: Expecting ':' delimiter"),
        ("--- 1\n--- 2\n", "line 2, column 1: but found another document"),
        ("a: \x00", "unacceptable character"),
        ("a: \x1b[2J", "control characters are not al"),
        ("a: 1\nb: \udcff", "line 2: is not valid Unicode"),
        ('{"a": "\ud800"}', "line 1: is not valid Unicode"),
    ],
)
def test_text_that_cannot_be_read_is_refused_with_its_line(text: str, message: str) -> None:
    ((pointer, found),) = problems(text)
    assert pointer == ""
    assert message in found
    assert found.isprintable()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_is_a_valid_plan_named_by_its_file_and_listed(path: Path) -> None:
    plan = parse_plan(load_plan_text(path.read_text(encoding="utf-8")), plan_id=path.stem)
    assert plan.waves
    assert f"`{path.name}`" in (EXAMPLES / "README.md").read_text(encoding="utf-8")


def test_the_three_tier_example_is_a_line_of_two_three_and_two_servers() -> None:
    plan = parse_plan(load_plan_text((EXAMPLES / "three-tier.yaml").read_text(encoding="utf-8")))
    assert (plan.plan_id, plan.name) == ("three-tier", "3TierRecoveryPlan")
    assert [(wave.name, len(wave.servers or ())) for wave in plan.waves] == [
        ("database", 2),
        ("application", 3),
        ("web", 2),
    ]
    assert resolved_dependencies(plan) == ((), (1,), (2,))


def test_the_branches_example_is_a_diamond() -> None:
    plan = parse_plan(load_plan_text((EXAMPLES / "parallel-branches.yaml").read_text(encoding="utf-8")))
    assert resolved_dependencies(plan) == ((), (1,), (1,), (2, 3))
